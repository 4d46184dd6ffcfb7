#include "daemon/conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CROWDED_MS 2000 /* how long one may idle while others wait to get in */
#define ENDED_MS 1000   /* how long one who asks no more: what it asked before is answered by then */

void conn_counts_init(struct conn_counts *c)
{
    memset(c, 0, sizeof *c);
    (void)pthread_mutex_init(&c->lock, NULL);
}

enum ja_status conn_table_init(struct conn_table *t, struct conn_counts *counts, struct ja_error *err)
{
    *t = (struct conn_table){.counts = counts, .by_fd = calloc(CONN_FDS, sizeof *t->by_fd)};
    return t->by_fd ? JA_OK : ja_fail_nomem(err);
}

void conn_table_clear(struct conn_table *t)
{
    while (t->first)
        conn_remove(t, t->first);
    free(t->by_fd);
    t->by_fd = NULL;
}

bool conn_full(const struct conn_counts *c)
{
    return atomic_load(&c->open) >= CONN_MAX;
}

/* One more or one less of a uid; false: it has its share. */
static bool count_uid(struct conn_counts *c, uid_t uid, bool more)
{
    size_t at = CONN_MAX;
    bool ok;

    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < CONN_MAX; i++) {
        if (c->uids[i].n > 0 && c->uids[i].uid == uid) {
            at = i;
            break;
        }
        if (c->uids[i].n == 0 && at == CONN_MAX)
            at = i;
    }
    ok = at < CONN_MAX && (!more || c->uids[at].n < CONN_UID_MAX);
    if (ok) {
        c->uids[at].uid = uid;
        c->uids[at].n += more ? 1 : (size_t)-1;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return ok;
}

static bool take_peer(struct conn *c, int fd, const struct sockaddr_storage *addr)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;

    c->on_unix = addr->ss_family == AF_UNIX;
    if (c->on_unix) {
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof peer)
            return false;
        c->uid = peer.uid;
        c->pid = peer.pid;
        return true;
    }
    if (addr->ss_family == AF_INET)
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)addr)->sin_addr, c->address, sizeof c->address);
    return addr->ss_family == AF_INET6 &&
           inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)addr)->sin6_addr, c->address, sizeof c->address);
}

struct conn *conn_add(struct conn_table *t, int fd, const struct sockaddr_storage *addr, int64_t now_ms)
{
    struct conn *c = fd < CONN_FDS ? calloc(1, sizeof *c) : NULL;

    if (!c || !take_peer(c, fd, addr) || (c->on_unix && !count_uid(t->counts, c->uid, true))) {
        free(c);
        (void)close(fd);
        return NULL;
    }
    atomic_fetch_add(&t->counts->open, 1);
    c->fd = fd;
    conn_state(c, CONN_RECEIVING, now_ms);
    c->next = t->first;
    if (t->first)
        t->first->prev = c;
    t->first = c;
    t->by_fd[fd] = c;
    return c;
}

void conn_remove(struct conn_table *t, struct conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        t->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    t->by_fd[c->fd] = NULL;
    if (c->on_unix)
        (void)count_uid(t->counts, c->uid, false);
    atomic_fetch_sub(&t->counts->open, 1);
    free(c);
}

void conn_state(struct conn *c, enum conn_state state, int64_t now_ms)
{
    c->state = state;
    c->deadline_ms = now_ms + (state == CONN_SENDING ? CONN_SEND_MS : CONN_RECEIVE_MS);
}

static void hang_up(struct conn *c)
{
    if (!c->closing)
        (void)shutdown(c->fd, SHUT_RDWR);
    c->closing = true;
}

/* The peer has said that it asks no more, and nothing is left to read. The library is told so once (epoll's edge), with
 * the request itself when both came together: then it waits for more. */
static bool peer_ended(const struct conn *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void conn_expire(struct conn_table *t, int64_t now_ms, bool crowded)
{
    for (struct conn *c = t->first; c; c = c->next) {
        int64_t since = now_ms - (c->deadline_ms - CONN_RECEIVE_MS);
        bool receiving = c->state == CONN_RECEIVING;

        if (c->state == CONN_WORKING)
            continue;
        if (now_ms >= c->deadline_ms || (crowded && receiving && since >= CROWDED_MS) ||
            (receiving && since >= ENDED_MS && !c->closing && peer_ended(c)))
            hang_up(c);
    }
}

/* A request has arrived that the library has not read yet. */
static bool has_sent(const struct conn *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool conn_drain(struct conn_table *t, bool patient)
{
    for (struct conn *c = t->first; c; c = c->next)
        if (c->state == CONN_RECEIVING && !(patient && (c->begun || !c->served || has_sent(c))))
            hang_up(c);
    return t->first == NULL;
}
