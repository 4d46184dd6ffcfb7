/* Calls to jwtauthd: what is sent, and that every answer becomes the error it would have been without a daemon. */
#include "common/client/client.h"

#include "common/base/secret.h"

#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct peer {
    char dir[64], path[96];
    int listener;
    pid_t child;
    int request; /* what the child was sent comes out here */
};

static int up(void **state)
{
    struct peer *p = calloc(1, sizeof *p);
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    assert_non_null(p);
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/ja-client.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->path, sizeof p->path, "%s/sock", p->dir);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", p->path);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->listener >= 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(p->listener, 4), 0);
    *state = p;
    return 0;
}

static int down(void **state)
{
    struct peer *p = *state;

    (void)close(p->listener);
    (void)unlink(p->path);
    assert_int_equal(rmdir(p->dir), 0);
    free(p);
    return 0;
}

/* In the child: one request, whole, then the answer. */
static void serve(int listener, int out, const char *answer, size_t padding)
{
    char buf[16384];
    size_t len = 0, want = 0;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    while (fd >= 0 && len + 1 < sizeof buf) {
        ssize_t n = read(fd, buf + len, sizeof buf - len - 1);
        const char *end, *length;

        if (n <= 0)
            break;
        len += (size_t)n;
        buf[len] = 0;
        end = strstr(buf, "\r\n\r\n");
        length = strcasestr(buf, "\r\ncontent-length: ");
        want = end ? (size_t)(end - buf) + 4 + (length ? strtoul(length + 18, NULL, 10) : 0) : 0;
        if (end && len >= want)
            break;
    }
    if (write(out, buf, len) != (ssize_t)len || write(fd, answer, strlen(answer)) < 0)
        _exit(1);
    while (padding-- > 0)
        if (write(fd, " ", 1) != 1)
            break;
    _exit(0);
}

static void answer_with(struct peer *p, const char *answer, size_t padding)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    p->child = fork();
    assert_true(p->child >= 0);
    if (p->child == 0) {
        (void)signal(SIGPIPE, SIG_IGN);
        serve(p->listener, ends[1], answer, padding);
    }
    (void)close(ends[1]);
    p->request = ends[0];
}

static void sent(struct peer *p, char *out, size_t size)
{
    size_t len = 0;
    ssize_t n;

    while (len + 1 < size && (n = read(p->request, out + len, size - len - 1)) > 0)
        len += (size_t)n;
    out[len] = 0;
    (void)close(p->request);
    assert_int_equal(waitpid(p->child, NULL, 0), p->child);
}

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n"

static enum ja_status call(struct peer *p, const struct ja_client_call *c, const char *answer, size_t padding,
                           json_t **data, struct ja_error *err)
{
    struct ja_client_call with = *c;
    char request[16384];
    enum ja_status st;

    with.socket = p->path;
    answer_with(p, answer, padding);
    st = ja_client_run(&with, data, err);
    sent(p, request, sizeof request);
    return st;
}

static void a_call_says_who_what_and_no_more(void **state)
{
    struct peer *p = *state;
    json_t *body = json_pack("{s:s}", "audience", "x"), *data = NULL;
    struct ja_client_call c = {.socket = p->path, .method = "POST", .path = "/api/v1/token", .body = body,
                               .bearer = "jak_x"};
    struct ja_error err = {0};
    char request[16384];

    /* R26: nothing of the environment decides where a call goes */
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    answer_with(p, HEAD("200 OK") "\r\n{\"success\":true,\"message\":\"OK\",\"data\":{\"n\":7}}", 0);
    assert_int_equal(ja_client_run(&c, &data, &err), JA_OK);
    sent(p, request, sizeof request);
    assert_int_equal(json_integer_value(json_object_get(data, "n")), 7);
    assert_ptr_equal(strstr(request, "POST /api/v1/token HTTP/1.1\r\nHost: jwtauthd\r\n"), request);
    assert_non_null(strstr(request, "\r\nAuthorization: Bearer jak_x\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\n\r\n{\"audience\":\"x\"}"));
    json_decref(data);
    json_decref(body);
    c = (struct ja_client_call){.socket = p->path, .method = "GET", .path = "/x?y=1"};
    answer_with(p, HEAD("204 No Content") "\r\n", 0);
    assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_CORRUPT); /* the envelope is always there */
    sent(p, request, sizeof request);
    assert_ptr_equal(strstr(request, "GET /x?y=1 HTTP/1.1\r\n"), request);
    assert_null(strstr(request, "Authorization"));
}

static void each_refusal_keeps_its_code_and_gets_its_status(void **state)
{
    static const struct {
        const char *head;
        enum ja_status want;
        unsigned retry_after;
    } rows[] = {
        {"400 Bad Request", JA_ERR_INVALID, 0},
        {"401 Unauthorized", JA_ERR_DENIED, 0},
        {"403 Forbidden", JA_ERR_FORBIDDEN, 0},
        {"404 Not Found", JA_ERR_NOT_FOUND, 0},
        {"405 Method Not Allowed", JA_ERR_INVALID, 0},
        {"409 Conflict", JA_ERR_CONFLICT, 0},
        {"413 Content Too Large", JA_ERR_INVALID, 0},
        {"429 Too Many Requests", JA_ERR_THROTTLED, 12},
        {"500 Internal Server Error", JA_ERR_INTERNAL, 0},
        {"503 Service Unavailable", JA_ERR_BUSY, 12},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_client_call c = {.method = "GET", .path = "/"};
        struct ja_error err = {0};
        json_t *data = NULL;
        char text[512];

        (void)snprintf(text, sizeof text,
                       "HTTP/1.1 %s\r\nConnection: close\r\n%s\r\n"
                       "{\"success\":false,\"message\":\"why\",\"error\":{\"code\":\"some_code\"}}",
                       rows[i].head, rows[i].retry_after ? "Retry-After: 12\r\n" : "");
        assert_int_equal(call(*state, &c, text, 0, &data, &err), rows[i].want);
        assert_string_equal(err.code, "some_code");
        assert_string_equal(err.message, "why");
        assert_int_equal(err.retry_after, rows[i].retry_after);
        assert_null(data);
    }
}

static void rubbish_is_no_answer(void **state)
{
    static const char *const rows[] = {
        HEAD("200 OK") "\r\n",
        HEAD("200 OK") "\r\nhello",
        HEAD("200 OK") "\r\n[]",
        HEAD("200 OK") "\r\n{\"success\":1}",
        HEAD("200 OK") "\r\n{\"success\":true,\"success\":true}",
        HEAD("200 OK") "\r\n{\"success\":false}",
        HEAD("200 OK") "\r\n{\"success\":false,\"message\":\"m\",\"error\":{\"code\":\"c\"}}",
        HEAD("401 Unauthorized") "\r\n{\"success\":true,\"data\":{}}",
        HEAD("302 Found") "Location: http://127.0.0.1:1/\r\n\r\n{\"success\":true,\"data\":{}}",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_client_call c = {.method = "GET", .path = "/"};
        struct ja_error err = {0};
        json_t *data = NULL;

        if (call(*state, &c, rows[i], 0, &data, &err) != JA_ERR_CORRUPT)
            fail_msg("answer %zu became %d %s", i, (int)err.status, err.code);
        assert_string_equal(err.code, "invalid_answer");
        assert_null(data);
    }
}

/* R26: an answer is bounded before it is read. */
static void an_answer_over_a_mebibyte_is_not_read(void **state)
{
    struct ja_client_call c = {.method = "GET", .path = "/"};
    struct ja_error err = {0};
    json_t *data = NULL;

    assert_int_equal(call(*state, &c, HEAD("200 OK") "\r\n{\"success\":true,\"data\":{}}", 1000, &data, &err), JA_OK);
    json_decref(data);
    data = NULL;
    assert_int_equal(call(*state, &c, HEAD("200 OK") "\r\n{\"success\":true,\"data\":{}}", 1100000, &data, &err),
                     JA_ERR_CORRUPT);
    assert_null(data);
}

static void nobody_there(void **state)
{
    struct peer *p = *state;
    struct ja_client_call c = {.socket = p->path, .method = "GET", .path = "/"};
    struct ja_error err = {0};
    json_t *data = NULL;

    (void)close(p->listener); /* the socket's file stays, as after kill -9 */
    assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_UNAVAILABLE);
    assert_string_equal(err.code, "daemon_unavailable");
    c.socket = "/tmp/ja-client-nothing/sock";
    assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_UNAVAILABLE);
    assert_string_equal(err.code, "daemon_unavailable");
    c.socket = "relative/sock";
    assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_INVALID);
}

/* Passwords go over it: a socket that others may have put there is not connected to. */
static void only_roots_socket_or_ours_is_trusted(void **state)
{
    struct peer *p = *state;
    struct ja_client_call c = {.socket = p->path, .method = "GET", .path = "/"};
    struct ja_error err = {0};
    json_t *data = NULL;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(p->path, 12345, (gid_t)-1), 0);
    assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_UNSAFE);
    assert_string_equal(err.code, "unsafe_socket");
    assert_int_equal(chown(p->path, 0, (gid_t)-1), 0);
    assert_int_equal(chmod(p->dir, 0777), 0);
    assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_UNSAFE);
    assert_int_equal(chmod(p->dir, 0700), 0);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(symlink("/run/elsewhere", p->path), 0);
    assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_UNSAFE);
}

static void a_bearer_cannot_break_out_of_its_header(void **state)
{
    struct peer *p = *state;
    struct ja_client_call c = {.socket = p->path, .method = "GET", .path = "/"};
    const char *const rows[] = {"", "a b", "a\r\nX-Y: z", "a\n", "\"", "\xc3\xa4"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_error err = {0};
        json_t *data = NULL;

        c.bearer = rows[i];
        assert_int_equal(ja_client_run(&c, &data, &err), JA_ERR_DENIED);
    }
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_call_says_who_what_and_no_more),
        WITH(each_refusal_keeps_its_code_and_gets_its_status),
        WITH(rubbish_is_no_answer),
        WITH(an_answer_over_a_mebibyte_is_not_read),
        WITH(nobody_there),
        WITH(only_roots_socket_or_ours_is_trusted),
        WITH(a_bearer_cannot_break_out_of_its_header),
    };

    if (ja_crypto_init(NULL) != JA_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
