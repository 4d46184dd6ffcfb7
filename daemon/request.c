#include "daemon/request.h"

#include "daemon/answer.h"
#include "daemon/call.h"
#include "daemon/captcha.h"
#include "daemon/request_impl.h"
#include "daemon/response.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_us(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct request *of_job(struct pool_job *job)
{
    return (struct request *)((char *)job - offsetof(struct request, job));
}

static struct pool *pool_of(const struct request *r)
{
    return r->call.route->where == RUN_HASH ? r->loop->server->hash : r->loop->server->work;
}

static void too_busy(struct request *r)
{
    (void)ja_fail(&r->err, JA_ERR_BUSY, "busy", "too much to do at the moment: try again");
}

/* The request may be gone by now. */
static void run_after(http_after_fn after, void *arg, size_t len, struct http_thread *worker, struct server *server)
{
    if (!after)
        return;
    after(&worker->ctx, server, arg);
    explicit_bzero(arg, len);
    free(arg);
}

static void run_job(struct pool_job *job, struct http_thread *worker)
{
    struct request *r = of_job(job);
    struct loop *loop;
    http_after_fn after;
    void *arg;
    size_t len;

    /* As long in the queue as for a turn to hash (and a second, where that is 0): nobody waits for all before. */
    if (pool_job_late(job, worker->ctx.cfg->password.hash_wait + 1))
        too_busy(r);
    else
        (void)http_call_run(&r->call, &worker->ctx, &r->err);
    r->progress = DONE;
    loop = r->loop; /* the request may be gone right after */
    after = r->call.after;
    arg = r->call.after_arg;
    len = r->call.after_len;
    r->call.after_arg = NULL;
    MHD_resume_connection(r->mhd);
    loop_wake(loop);
    run_after(after, arg, len, worker, loop->server);
}

/* What has to be asked outside goes first, on a thread that may wait; then the call itself. */
static void run_ask(struct pool_job *job, struct http_thread *worker)
{
    struct request *r = of_job(job);
    struct loop *loop = r->loop;

    if (pool_job_late(job, worker->ctx.cfg->password.hash_wait + 1)) {
        too_busy(r);
    } else if (http_call_ask(&r->call, &worker->ctx, &r->err) == JA_OK) {
        job->run = run_job;
        if (pool_push(pool_of(r), job))
            return; /* the request may be gone */
        too_busy(r);
    }
    r->progress = DONE;
    MHD_resume_connection(r->mhd);
    loop_wake(loop);
}

static enum MHD_Result answer(struct request *r)
{
    struct MHD_Response *known = gate_known(r->call.note), *response = known;
    enum MHD_Result ok = MHD_NO;

    if (!response)
        response = response_make(&r->call, &r->loop->thread.ctx, r->err.status == JA_OK ? NULL : &r->err);
    if (response) {
        conn_state(r->conn, CONN_SENDING, loop_now_ms());
        ok = MHD_queue_response(r->mhd, (unsigned)r->call.status, response);
        if (!known && !gate_keep(r->loop->gate, r->call.note, response))
            MHD_destroy_response(response);
    }
    metrics_answer(r->loop->server->metrics, r->call.route, r->call.status, now_us() - r->started_us);
    response_log(&r->call, &r->loop->thread.ctx.log, &r->err, now_us() - r->started_us);
    return ok;
}

static enum MHD_Result start_work(struct request *r)
{
    bool ask = captcha_given(&r->call, r->loop->thread.ctx.cfg);
    struct pool *pool = ask ? r->loop->server->outside : pool_of(r);

    r->job.run = ask ? run_ask : run_job;
    r->progress = WORKING;
    conn_state(r->conn, CONN_WORKING, loop_now_ms());
    MHD_suspend_connection(r->mhd);
    if (pool_push(pool, &r->job))
        return MHD_YES;
    r->progress = DONE;
    too_busy(r);
    MHD_resume_connection(r->mhd);
    return MHD_YES;
}

static enum MHD_Result finish_reading(struct request *r)
{
    r->started_us = now_us();
    if (r->announced >= 0 && (uint64_t)r->announced != r->len + r->skipped)
        (void)request_refuse_and_close(r, 400, "ambiguous_request", "the body is not as long as the Content-Length says");
    if (r->err.status != JA_OK || request_parse_body(r) != JA_OK)
        return answer(r);
    if (r->call.route->where != RUN_LOOP)
        return start_work(r);
    r->call.gate = r->loop->gate;
    (void)http_call_run(&r->call, &r->loop->thread.ctx, &r->err);
    return answer(r);
}

static struct request *begin(struct loop *loop, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct request *r = info && info->socket_context ? calloc(1, sizeof *r) : NULL;

    if (!r)
        return NULL;
    r->loop = loop;
    r->mhd = mhd;
    r->conn = info->socket_context;
    r->conn->begun = true;
    r->call.server = loop->server;
    r->announced = -1;
    r->started_us = now_us();
    return r;
}

enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **con_cls)
{
    struct request *r = *con_cls;

    if (!r) {
        r = begin(cls, connection);
        if (!r)
            return MHD_NO;
        *con_cls = r;
        return request_read_head(r, version, method, url) == JA_OK && !r->call.answered ? MHD_YES : answer(r);
    }
    if (r->progress == DONE)
        return answer(r);
    if (*upload_size > 0) {
        request_take_body(r, upload, *upload_size);
        *upload_size = 0;
        return r->skipped > HTTP_BODY_MAX * 4 ? MHD_NO : MHD_YES;
    }
    return finish_reading(r);
}

void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode toe)
{
    struct request *r = *con_cls;

    (void)cls, (void)connection, (void)toe;
    if (!r)
        return;
    conn_state(r->conn, CONN_RECEIVING, loop_now_ms());
    r->conn->begun = false;
    r->conn->served = true;
    http_call_free(&r->call);
    request_drop_body(r);
    free(r);
    *con_cls = NULL;
}

void request_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode toe)
{
    struct loop *loop = cls;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (toe == MHD_CONNECTION_NOTIFY_STARTED)
        *socket_context = info && info->connect_fd >= 0 && info->connect_fd < CONN_FDS
                              ? loop->conns.by_fd[info->connect_fd] : NULL;
    else if (*socket_context) {
        conn_remove(&loop->conns, *socket_context);
        *socket_context = NULL;
    }
}

size_t request_unescape(void *cls, struct MHD_Connection *connection, char *s)
{
    (void)cls, (void)connection;
    return strlen(s);
}
