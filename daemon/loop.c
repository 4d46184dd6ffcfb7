#include "daemon/loop.h"

#include "daemon/request.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 1000
#define ACCEPT_BATCH 32
#define DRAIN_MS 15000
#define PATIENCE_MS 1000 /* for a request that is on its way when the end comes */

int64_t loop_now_ms(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void mhd_log(void *arg, const char *fmt, va_list ap)
{
    struct loop *loop = arg;
    char text[256];

    (void)vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = 0;
    ja_log_write(&loop->thread.ctx.log, LOG_DEBUG, "http: %s", text);
}

/* The memory limit holds head and answer's head of one connection; the head is bounded by us (request.c). */
static struct MHD_Daemon *start_mhd(struct loop *loop)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
                            NULL, NULL, request_handle, loop,
                            MHD_OPTION_EXTERNAL_LOGGER, mhd_log, loop,
                            MHD_OPTION_NOTIFY_COMPLETED, request_completed, loop,
                            MHD_OPTION_NOTIFY_CONNECTION, request_connection, loop,
                            MHD_OPTION_UNESCAPE_CALLBACK, request_unescape, loop,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16 * 1024,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * CONN_MAX),
                            MHD_OPTION_CONNECTION_TIMEOUT, 0u,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                            MHD_OPTION_END);
}

static bool watch(const struct loop *loop, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool listen_on(struct loop *loop, bool on)
{
    if (loop->listening == on)
        return true;
    for (size_t i = 0; i < loop->server->nlisteners; i++) {
        int fd = loop->server->listeners[i];

        if (on ? !watch(loop, fd, EPOLLIN | EPOLLEXCLUSIVE) : epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL) != 0)
            return false;
    }
    loop->listening = on;
    return true;
}

enum ja_status loop_init(struct loop *loop, struct server *server, struct ja_config *cfg, struct ja_error *err)
{
    const union MHD_DaemonInfo *info;
    enum ja_status st;

    loop->server = server;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    st = http_thread_init(&loop->thread, cfg, server->log, err);
    if (st == JA_OK)
        st = conn_table_init(&loop->conns, &server->counts, err);
    if (st == JA_OK)
        st = gate_new(&loop->gate, err);
    if (st != JA_OK)
        return st;
    loop->mhd = start_mhd(loop);
    info = loop->mhd ? MHD_get_daemon_info(loop->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || loop->epoll < 0 || loop->wake < 0 || !watch(loop, info->epoll_fd, EPOLLIN) ||
        !watch(loop, loop->wake, EPOLLIN) || !listen_on(loop, true))
        return ja_fail(err, JA_ERR_IO, "io_error", "cannot start an event loop: %s", strerror(errno));
    return JA_OK;
}

void loop_wake(struct loop *loop)
{
    static const uint64_t one = 1;

    if (write(loop->wake, &one, sizeof one) != (ssize_t)sizeof one)
        ja_log_write(&loop->server->log, LOG_DEBUG, "a loop is awake already");
}

static void accept_some(struct loop *loop, int listener)
{
    for (int i = 0; i < ACCEPT_BATCH && !conn_full(&loop->server->counts); i++) {
        struct sockaddr_storage addr = {0};
        socklen_t len = sizeof addr;
        int fd = accept4(listener, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct conn *c;

        if (fd < 0)
            return;
        if (len < sizeof addr.ss_family)
            addr.ss_family = AF_UNIX;
        c = conn_add(&loop->conns, fd, &addr, loop_now_ms());
        /* On failure the library has closed it. */
        if (c && MHD_add_connection(loop->mhd, fd, (struct sockaddr *)&addr, len) != MHD_YES)
            if (loop->conns.by_fd[fd] == c)
                conn_remove(&loop->conns, c);
    }
}

static void tick(struct loop *loop)
{
    int64_t now = loop_now_ms();
    bool full = conn_full(&loop->server->counts);

    if (now - loop->ticked_ms >= TICK_MS) {
        loop->ticked_ms = now;
        conn_expire(&loop->conns, now, full);
    }
    /* While it is full, who comes waits in the backlog. */
    if (!atomic_load(&loop->server->draining))
        (void)listen_on(loop, !full);
}

/* Milliseconds to sleep: what the library wants, but a tick at least while somebody is connected. */
static int patience(struct loop *loop)
{
    MHD_UNSIGNED_LONG_LONG wanted = 0;
    int limit = loop->conns.first || !loop->listening ? TICK_MS : -1;

    if (MHD_get_timeout(loop->mhd, &wanted) != MHD_YES)
        return limit;
    return limit >= 0 && wanted > (MHD_UNSIGNED_LONG_LONG)limit ? limit : (int)(wanted > 60000 ? 60000 : wanted);
}

static void round_once(struct loop *loop)
{
    struct epoll_event events[16];
    int n = epoll_wait(loop->epoll, events, 16, patience(loop));
    uint64_t drop;

    if (http_thread_refresh(&loop->thread))
        gate_forget(loop->gate);
    for (int i = 0; i < n; i++) {
        if (events[i].data.fd == loop->wake)
            (void)!read(loop->wake, &drop, sizeof drop);
        for (size_t l = 0; l < loop->server->nlisteners; l++)
            if (events[i].data.fd == loop->server->listeners[l])
                accept_some(loop, events[i].data.fd);
    }
    (void)MHD_run(loop->mhd);
    tick(loop);
}

static void *loop_run(void *arg)
{
    struct loop *loop = arg;
    int64_t since;

    while (!atomic_load(&loop->server->draining))
        round_once(loop);
    (void)listen_on(loop, false);
    /* What has been asked is answered; what was read by now counts as asked. */
    since = loop_now_ms();
    (void)MHD_run(loop->mhd);
    while (!conn_drain(&loop->conns, loop_now_ms() - since < PATIENCE_MS) && loop_now_ms() - since < DRAIN_MS)
        round_once(loop);
    return NULL;
}

enum ja_status loop_start(struct loop *loop, struct ja_error *err)
{
    int rc = pthread_create(&loop->thread.id, NULL, loop_run, loop);

    if (rc != 0)
        return ja_fail_errno(err, rc, "cannot start a loop");
    loop->thread.started = true;
    return JA_OK;
}

void loop_join(struct loop *loop)
{
    if (loop->thread.started)
        (void)pthread_join(loop->thread.id, NULL);
    loop->thread.started = false;
}

void loop_clear(struct loop *loop)
{
    if (loop->mhd)
        MHD_stop_daemon(loop->mhd);
    if (loop->conns.by_fd)
        conn_table_clear(&loop->conns);
    gate_free(loop->gate);
    http_thread_clear(&loop->thread);
    if (loop->epoll > 0)
        (void)close(loop->epoll);
    if (loop->wake > 0)
        (void)close(loop->wake);
}
