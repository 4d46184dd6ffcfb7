#include "common/domain/local_user.h"
#include "common/domain/nss_rows.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    char *name;
    int64_t id;
};
struct entries {
    struct entry *list; /* by name */
    int64_t *ids;       /* by number */
    size_t n, room;
};
struct ja_local_names {
    struct entries users, groups;
};

static enum ja_status add(struct entries *e, const char *name, int64_t id)
{
    if (e->n == e->room) {
        size_t room = e->room ? 2 * e->room : 64;
        struct entry *bigger = reallocarray(e->list, room, sizeof *bigger);

        if (!bigger)
            return JA_ERR_NOMEM;
        e->list = bigger;
        e->room = room;
    }
    e->list[e->n] = (struct entry){strdup(name), id};
    return e->list[e->n++].name ? JA_OK : JA_ERR_NOMEM;
}

static enum ja_status add_user(void *arg, const struct ja_local_passwd *p)
{
    return add(&((struct ja_local_names *)arg)->users, p->name, p->uid);
}

static enum ja_status add_group(void *arg, const char *name, int64_t gid)
{
    return add(&((struct ja_local_names *)arg)->groups, name, gid);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static bool sort(struct entries *e)
{
    e->ids = calloc(e->n + 1, sizeof *e->ids);
    for (size_t i = 0; e->ids && i < e->n; i++)
        e->ids[i] = e->list[i].id;
    if (!e->ids || e->n == 0)
        return e->ids;
    qsort(e->list, e->n, sizeof *e->list, by_name);
    qsort(e->ids, e->n, sizeof *e->ids, by_number);
    return true;
}

enum ja_status ja_local_names_load(struct ja_local_names **ret, struct ja_error *err)
{
    struct ja_local_names *l = calloc(1, sizeof *l);
    enum ja_status st = l ? ja_local_each_passwd(add_user, l, err) : JA_ERR_NOMEM;

    if (st == JA_OK)
        st = ja_local_each_group(add_group, l, err);
    if (st == JA_OK && !(sort(&l->users) && sort(&l->groups)))
        st = JA_ERR_NOMEM;
    if (st == JA_OK)
        *ret = l;
    else
        ja_local_names_free(l);
    return st == JA_ERR_NOMEM ? ja_fail_nomem(err) : st;
}

static void clear(struct entries *e)
{
    for (size_t i = 0; i < e->n; i++)
        free(e->list[i].name);
    free(e->list);
    free(e->ids);
}

void ja_local_names_free(struct ja_local_names *l)
{
    if (!l)
        return;
    clear(&l->users);
    clear(&l->groups);
    free(l);
}

static const struct entry *find(const struct entries *e, const char *name)
{
    const struct entry key = {(char *)(uintptr_t)name, 0};

    return e->n ? bsearch(&key, e->list, e->n, sizeof *e->list, by_name) : NULL;
}

static bool has_id(const struct entries *e, int64_t id)
{
    return e->n && bsearch(&id, e->ids, e->n, sizeof *e->ids, by_number);
}

bool ja_local_names_user(const struct ja_local_names *l, const char *name, int64_t *ret_uid)
{
    const struct entry *e = find(&l->users, name);

    if (e)
        *ret_uid = e->id;
    return e;
}

bool ja_local_names_uid(const struct ja_local_names *l, int64_t uid)
{
    return has_id(&l->users, uid);
}

bool ja_local_names_group(const struct ja_local_names *l, const char *name, int64_t gid)
{
    return find(&l->groups, name) || has_id(&l->groups, gid);
}
