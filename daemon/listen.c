#include "daemon/listen.h"

#include "common/base/file_guard.h"
#include "common/base/net.h"
#include "common/base/text.h"
#include "daemon/systemd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static enum ja_status add(struct server *s, int fd, struct ja_error *err)
{
    if (s->nlisteners == LISTENERS_MAX) {
        (void)close(fd);
        return ja_fail(err, JA_ERR_CONFIG, "too_many_sockets", "systemd passes more than %d sockets", LISTENERS_MAX);
    }
    s->listeners[s->nlisteners++] = fd;
    return JA_OK;
}

static enum ja_status failed(struct ja_error *err, const char *what, int fd)
{
    int saved = errno;

    if (fd >= 0)
        (void)close(fd);
    return ja_fail(err, JA_ERR_IO, "io_error", "cannot listen on %.300s: %s", what, strerror(saved));
}

/* A file that nobody answers on is what a killed daemon left. */
static enum ja_status clear_stale(const struct sockaddr_un *addr, struct ja_error *err)
{
    struct stat sb;
    int fd;
    bool answers;

    if (lstat(addr->sun_path, &sb) != 0)
        return errno == ENOENT ? JA_OK : failed(err, addr->sun_path, -1);
    if (!S_ISSOCK(sb.st_mode))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_file", "%.300s is there and no socket: remove it", addr->sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(err, addr->sun_path, -1);
    answers = connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0 || errno == EAGAIN;
    (void)close(fd);
    if (answers)
        return ja_fail(err, JA_ERR_EXISTS, "already_running", "another jwtauthd listens on %.300s", addr->sun_path);
    return unlink(addr->sun_path) == 0 ? JA_OK : failed(err, addr->sun_path, -1);
}

/* Everybody may connect: who it is decides what it may. */
static enum ja_status open_unix(struct server *s, const char *path, struct ja_error *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char folder[sizeof addr.sun_path];
    enum ja_status st;
    int fd;

    if (strlen(path) >= sizeof addr.sun_path || strrchr(path, '/') == path)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_socket", "[http] socket: %.300s is longer than 107 bytes, or in /", path);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    memcpy(folder, path, strlen(path) + 1);
    *strrchr(folder, '/') = 0;
    st = ja_dir_make(folder, 0755, err);
    if (st == JA_OK)
        st = clear_stale(&addr, err);
    if (st != JA_OK)
        return st;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof addr) != 0 || chmod(path, 0666) != 0 ||
        listen(fd, BACKLOG) != 0)
        return failed(err, path, fd);
    s->unlink_socket = true;
    return add(s, fd, err);
}

/* "127.0.0.1:8413", "[::1]:8413" */
static bool parse_tcp(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    size_t len = colon ? (size_t)(colon - text) : 0;

    if (len == 0 || len >= sizeof host || !ja_parse_i64(colon + 1, 1, 65535, &port))
        return false;
    if (text[0] == '[' && text[len - 1] == ']') {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)ret;

        memcpy(host, text + 1, len - 2);
        host[len - 2] = 0;
        *ret_len = sizeof *a;
        a->sin6_family = AF_INET6;
        a->sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &a->sin6_addr) == 1;
    }
    struct sockaddr_in *a = (struct sockaddr_in *)ret;

    memcpy(host, text, len);
    host[len] = 0;
    *ret_len = sizeof *a;
    a->sin_family = AF_INET;
    a->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &a->sin_addr) == 1;
}

static enum ja_status open_tcp(struct server *s, const char *text, struct ja_error *err)
{
    static const int on = 1;
    struct sockaddr_storage addr = {0};
    socklen_t len = 0;
    int fd;

    if (!parse_tcp(text, &addr, &len))
        return ja_fail(err, JA_ERR_CONFIG, "invalid_listen", "[http] listen: %.100s is no address with a port", text);
    fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&addr, len) != 0 || listen(fd, BACKLOG) != 0)
        return failed(err, text, fd);
    return add(s, fd, err);
}

/* A socket that systemd opened elsewhere than on loopback would carry tokens in clear. */
static enum ja_status take_passed(struct server *s, int fd, struct ja_error *err)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof addr;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr;
    bool ok = getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
              (addr.ss_family == AF_UNIX ||
               (addr.ss_family == AF_INET && (ntohl(v4->sin_addr.s_addr) >> 24) == 127) ||
               (addr.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)));

    if (!ok)
        return ja_fail(err, JA_ERR_CONFIG, "not_loopback",
                       "systemd passes a socket that is neither a Unix socket nor on loopback: TLS is a proxy's");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return failed(err, "a socket of systemd", -1);
    return add(s, fd, err);
}

enum ja_status listen_open(struct server *server, const struct ja_config *cfg, struct ja_error *err)
{
    int first = 0, n = 0;
    enum ja_status st = systemd_sockets(&first, &n, err);

    for (int i = 0; st == JA_OK && i < n; i++)
        st = take_passed(server, first + i, err);
    if (st != JA_OK || n > 0)
        return st;
    st = open_unix(server, cfg->http.socket, err);
    if (st == JA_OK && strcmp(cfg->http.listen, "off") != 0)
        st = open_tcp(server, cfg->http.listen, err);
    return st;
}

void listen_close(struct server *server, const struct ja_config *cfg)
{
    for (size_t i = 0; i < server->nlisteners; i++)
        (void)close(server->listeners[i]);
    server->nlisteners = 0;
    if (server->unlink_socket)
        (void)unlink(cfg->http.socket);
}
