#include "common/domain/local_table.h"

#include "common/base/secret.h"
#include "common/domain/local_user.h"

#include <stdlib.h>
#include <string.h>

struct ja_local_table {
    struct ja_local_entry *entries; /* by name */
    size_t n;
    struct ja_local_entry **by_uid;
    int64_t *gids;
    size_t ngids;
};

/* Room for one more, by doubling. */
static bool grow(void **array, size_t n, size_t size)
{
    void *bigger;

    if (n & (n - 1))
        return true; /* not a power of two: there is room */
    bigger = reallocarray(*array, n ? 2 * n : 1, size);
    if (bigger)
        *array = bigger;
    return bigger;
}

static enum ja_status add_passwd(void *arg, const struct ja_local_passwd *e)
{
    struct ja_local_table *t = arg;
    struct ja_local_entry *to;

    if (!grow((void **)&t->entries, t->n, sizeof *t->entries))
        return JA_ERR_NOMEM;
    to = &t->entries[t->n++];
    *to = (struct ja_local_entry){.name = strdup(e->name), .gecos = strdup(e->gecos), .home = strdup(e->home),
                                  .shell = strdup(e->shell), .uid = e->uid, .gid = e->gid, .place = (int64_t)t->n};
    return to->name && to->gecos && to->home && to->shell ? JA_OK : JA_ERR_NOMEM;
}

static enum ja_status add_gid(void *arg, const char *name, int64_t gid)
{
    struct ja_local_table *t = arg;

    (void)name;
    if (!grow((void **)&t->gids, t->ngids, sizeof *t->gids))
        return JA_ERR_NOMEM;
    t->gids[t->ngids++] = gid;
    return JA_OK;
}

static enum ja_status add_field(void *arg, const char *name, const char *field)
{
    size_t mark = strlen(JA_ADOPT_MARK);
    struct ja_local_entry *e = (struct ja_local_entry *)(uintptr_t)ja_local_table_name(arg, name);

    if (!e || e->field)
        return JA_OK;
    e->adopted = strncmp(field, JA_ADOPT_MARK, mark) == 0;
    e->field = strdup(e->adopted ? field + mark : field);
    return e->field ? JA_OK : JA_ERR_NOMEM;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ja_local_entry *)a)->name, ((const struct ja_local_entry *)b)->name);
}

static int compare(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_name_and_place(const void *a, const void *b)
{
    int order = by_name(a, b);

    return order ? order
                 : compare(((const struct ja_local_entry *)a)->place, ((const struct ja_local_entry *)b)->place);
}

static int by_uid(const void *a, const void *b)
{
    return compare((*(struct ja_local_entry *const *)a)->uid, (*(struct ja_local_entry *const *)b)->uid);
}

static int by_number(const void *a, const void *b)
{
    return compare(*(const int64_t *)a, *(const int64_t *)b);
}

static void clear_entry(struct ja_local_entry *e)
{
    free(e->name);
    free(e->gecos);
    free(e->home);
    free(e->shell);
    ja_wipe_free(e->field);
}

/* By name, each once; then the other two orders. */
static bool sort_names(struct ja_local_table *t)
{
    size_t kept = 0;

    if (t->n > 0)
        qsort(t->entries, t->n, sizeof *t->entries, by_name_and_place);
    for (size_t i = 0; i < t->n; i++) {
        if (kept > 0 && by_name(&t->entries[kept - 1], &t->entries[i]) == 0)
            clear_entry(&t->entries[i]);
        else
            t->entries[kept++] = t->entries[i];
    }
    t->n = kept;
    t->by_uid = calloc(kept + 1, sizeof(struct ja_local_entry *));
    for (size_t i = 0; t->by_uid && i < kept; i++)
        t->by_uid[i] = &t->entries[i];
    if (t->by_uid && kept > 0)
        qsort(t->by_uid, kept, sizeof *t->by_uid, by_uid);
    if (t->ngids > 0)
        qsort(t->gids, t->ngids, sizeof *t->gids, by_number);
    return t->by_uid;
}

enum ja_status ja_local_table_load(struct ja_local_table **ret, struct ja_error *err)
{
    struct ja_error why = {0};
    struct ja_local_table *t = calloc(1, sizeof *t);
    enum ja_status st = t ? ja_local_each_passwd(add_passwd, t, &why) : JA_ERR_NOMEM;

    if (st == JA_OK)
        st = ja_local_each_group(add_gid, t, &why);
    if (st == JA_OK && !sort_names(t))
        st = JA_ERR_NOMEM;
    if (st == JA_OK)
        st = ja_local_each_shadow(add_field, t, &why);
    if (st == JA_OK) {
        *ret = t;
        return JA_OK;
    }
    ja_local_table_free(t);
    if (st == JA_ERR_NOMEM)
        return ja_fail_nomem(err);
    return ja_fail(err, st, why.code, "%s", why.message);
}

void ja_local_table_free(struct ja_local_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        clear_entry(&t->entries[i]);
    free(t->entries);
    free(t->by_uid);
    free(t->gids);
    free(t);
}

const struct ja_local_entry *ja_local_table_name(const struct ja_local_table *t, const char *name)
{
    const struct ja_local_entry key = {.name = (char *)(uintptr_t)name};

    return t->n > 0 ? bsearch(&key, t->entries, t->n, sizeof *t->entries, by_name) : NULL;
}

const struct ja_local_entry *ja_local_table_uid(const struct ja_local_table *t, int64_t uid)
{
    const struct ja_local_entry key = {.uid = uid}, *p = &key;
    struct ja_local_entry *const *found = t->n > 0 ? bsearch(&p, t->by_uid, t->n, sizeof *t->by_uid, by_uid) : NULL;

    return found ? *found : NULL;
}

bool ja_local_table_gid(const struct ja_local_table *t, int64_t gid)
{
    return t->ngids > 0 && bsearch(&gid, t->gids, t->ngids, sizeof *t->gids, by_number);
}
