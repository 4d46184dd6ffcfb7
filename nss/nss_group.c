/* group: private groups of users and the groups of roles, and a user's supplementary groups. */
#include "nss/nss_buffer.h"
#include "nss/nss_entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct members {
    struct nss_buffer *b;
    char **list;
    size_t n, max;
};

static bool add_member(void *arg, const char *name, size_t len)
{
    struct members *m = arg;

    m->list[m->n] = m->n < m->max ? nss_buffer_text(m->b, name, len) : NULL;
    return m->list[m->n] && ++m->n <= m->max;
}

/* Room is asked for all who are in the record, also for those whose time has ended: so it is known before a long
 * list is read. */
static enum ja_nss_result fill(const struct ja_nss_file *f, const struct ja_nss_group *g, struct group *gr,
                               struct nss_buffer *b)
{
    struct members m = {.b = b, .max = g->nmembers};
    struct group out = {.gr_gid = g->gid};
    enum ja_nss_result r = JA_NSS_FOUND;

    m.list = nss_buffer_pointers(b, (size_t)g->nmembers + 1);
    out.gr_name = nss_buffer_text(b, g->name, strlen(g->name));
    out.gr_passwd = nss_buffer_text(b, "*", 1);
    if (!b->full && b->left < g->names_size)
        b->full = true;
    if (b->full)
        return JA_NSS_FOUND;
    r = ja_nss_group_members(f, g, time(NULL), add_member, &m);
    if (r == JA_NSS_NONE) /* names_size said that it fits */
        r = JA_NSS_BAD;
    b->full = false;
    if (r != JA_NSS_FOUND)
        return r;
    m.list[m.n] = NULL;
    out.gr_mem = m.list;
    *gr = out;
    return r;
}

static enum nss_status give(enum ja_nss_result r, const struct ja_nss_file *f, const struct ja_nss_group *g,
                            struct group *gr, struct nss_buffer b, int *errnop)
{
    if (r == JA_NSS_FOUND)
        r = fill(f, g, gr, &b);
    return nss_answer(r, b.full, errnop);
}

enum nss_status _nss_jwtauth_getgrnam_r(const char *name, struct group *gr, char *buffer, size_t buflen, int *errnop)
{
    struct ja_nss_file f;
    struct ja_nss_group g;
    enum nss_status st;

    if (!nss_open(&f))
        return nss_answer(JA_NSS_BAD, false, errnop);
    st = give(ja_nss_group_by_name(&f, name, &g), &f, &g, gr, (struct nss_buffer){buffer, buflen, false}, errnop);
    ja_nss_close(&f);
    return st;
}

enum nss_status _nss_jwtauth_getgrgid_r(gid_t gid, struct group *gr, char *buffer, size_t buflen, int *errnop)
{
    struct ja_nss_file f;
    struct ja_nss_group g;
    enum nss_status st;

    if (!nss_open(&f))
        return nss_answer(JA_NSS_BAD, false, errnop);
    st = give(ja_nss_group_id(&f, gid, &g), &f, &g, gr, (struct nss_buffer){buffer, buflen, false}, errnop);
    ja_nss_close(&f);
    return st;
}

/* ---- all of them ---- */

static nss_cursor cursor; /* as in nss_passwd.c */

enum nss_status _nss_jwtauth_setgrent(int stay_open)
{
    (void)stay_open;
    atomic_store(&cursor, 0);
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_jwtauth_endgrent(void)
{
    return _nss_jwtauth_setgrent(0);
}

enum nss_status _nss_jwtauth_getgrent_r(struct group *gr, char *buffer, size_t buflen, int *errnop)
{
    uint64_t at = atomic_load(&cursor);
    uint32_t row = (uint32_t)(at >> 32);
    struct ja_nss_file f;
    struct ja_nss_group g;
    enum nss_status st;

    if (!nss_open(&f))
        return nss_answer(JA_NSS_BAD, false, errnop);
    st = give(ja_nss_group_next(&f, (uint32_t)at, &row, &g), &f, &g, gr, (struct nss_buffer){buffer, buflen, false},
              errnop);
    ja_nss_close(&f);
    if (st == NSS_STATUS_SUCCESS)
        atomic_store(&cursor, (uint64_t)row << 32 | g.gid);
    return st;
}

/* ---- supplementary groups ---- */

struct gids {
    gid_t skip, **list;
    long *start, *size, limit;
    bool no_memory;
};

/* The list is libc's own, made to grow by realloc: nsswitch has no other way for it. */
static bool grow(struct gids *g)
{
    long size = *g->size > 0 ? 2 * *g->size : 16;
    gid_t *bigger;

    if (g->limit > 0 && size > g->limit)
        size = g->limit;
    bigger = reallocarray(*g->list, (size_t)size, sizeof *bigger);
    if (!bigger)
        return false;
    *g->list = bigger;
    *g->size = size;
    return true;
}

static bool add_gid(void *arg, uint32_t gid)
{
    struct gids *g = arg;

    if (gid == g->skip)
        return true;
    for (long i = 0; i < *g->start; i++)
        if ((*g->list)[i] == gid)
            return true;
    if (g->limit > 0 && *g->start >= g->limit)
        return true; /* as many as were asked for: libc drops the rest of the other services, too */
    if (*g->start == *g->size && !grow(g)) {
        g->no_memory = true;
        return false;
    }
    (*g->list)[(*g->start)++] = gid;
    return true;
}

/* An adopted user is the local one of that number, any other is nobody in the local files. */
static enum ja_nss_result find_ours(const struct ja_nss_file *f, const char *name, struct ja_nss_user *u)
{
    bool there = true, local;
    uint32_t uid = 0;
    enum ja_nss_result r = ja_nss_user_name(f, name, u);

    if (r != JA_NSS_FOUND)
        return r;
    if (!nss_local_uid(name, &there, &uid))
        return JA_NSS_BAD;
    local = u->flags & NSS_USER_LOCAL;
    return there == local && (!local || uid == u->uid) ? JA_NSS_FOUND : JA_NSS_NONE;
}

enum nss_status _nss_jwtauth_initgroups_dyn(const char *name, gid_t skip, long *start, long *size, gid_t **groups,
                                            long limit, int *errnop)
{
    struct gids g = {.skip = skip, .list = groups, .start = start, .size = size, .limit = limit};
    long before = *start;
    struct ja_nss_file f;
    struct ja_nss_user u;
    enum ja_nss_result r = JA_NSS_BAD;

    if (!nss_open(&f))
        return nss_answer(JA_NSS_BAD, false, errnop);
    r = find_ours(&f, name, &u);
    if (r == JA_NSS_FOUND)
        r = ja_nss_user_groups(&f, &u, time(NULL), add_gid, &g);
    ja_nss_close(&f);
    if (r != JA_NSS_FOUND)
        *start = before; /* nothing of a list that is damaged further on */
    if (g.no_memory) {
        *errnop = ENOMEM;
        return NSS_STATUS_TRYAGAIN;
    }
    return nss_answer(r, false, errnop);
}
