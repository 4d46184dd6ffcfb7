#include "common/domain/column.h"
#include "common/domain/nss_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct ja_nss_role *)a)->id, ((const struct ja_nss_role *)b)->id);
}

static struct ja_nss_role *find(const struct ja_nss_roles *r, const char *id)
{
    struct ja_nss_role key = {.id = ""};

    if (r->n == 0 || snprintf(key.id, sizeof key.id, "%s", id) >= (int)sizeof key.id)
        return NULL;
    return bsearch(&key, r->list, r->n, sizeof *r->list, by_id);
}

void ja_nss_roles_clear(struct ja_nss_roles *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->list[i].group);
        free(r->list[i].members);
    }
    free(r->list);
    free(r->reach);
    *r = (struct ja_nss_roles){0};
}

static enum ja_status add_role(struct ja_ctx *ctx, struct ja_nss_roles *r, struct ja_rows *rows, struct ja_error *err)
{
    struct ja_nss_role *bigger, *to;
    const char *name = ja_col_text(rows, "name");

    if ((r->n & (r->n - 1)) == 0) { /* a power of two: full */
        bigger = reallocarray(r->list, r->n ? 2 * r->n : 1, sizeof *bigger);
        if (!bigger)
            return ja_fail_nomem(err);
        r->list = bigger;
    }
    to = &r->list[r->n];
    *to = (struct ja_nss_role){.gid = ja_col_int(rows, "gid")};
    if (!name || !ja_col_copy(rows, "id", to->id, sizeof to->id))
        return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a role in the store is too long");
    if (asprintf(&to->group, "%s%s", ctx->cfg->accounts.role_group_prefix, name) < 0) {
        to->group = NULL;
        return ja_fail_nomem(err);
    }
    r->n++;
    return ja_rows_status(rows, err);
}

static enum ja_status load_roles(struct ja_ctx *ctx, struct ja_nss_roles *r, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT id, name, gid FROM roles ORDER BY id", JA_NO_BINDS, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row)
        st = add_role(ctx, r, rows, err);
    ja_rows_end(rows);
    if (st == JA_OK && r->n)
        qsort(r->list, r->n, sizeof *r->list, by_id);
    return st;
}

/* What a role reaches through `parent`, for each that reaches the child: the way is complete when no pair of the graph
 * adds anything any more. */
static bool join(struct ja_nss_roles *r, size_t child, size_t parent)
{
    bool changed = false;

    for (size_t j = 0; j < r->n; j++)
        if (r->reach[parent * r->n + j] && !r->reach[child * r->n + j]) {
            r->reach[child * r->n + j] = 1;
            changed = true;
        }
    return changed;
}

struct pair {
    size_t child, parent;
};

static enum ja_status load_pairs(struct ja_ctx *ctx, const struct ja_nss_roles *r, struct pair **ret, size_t *ret_n,
                                 struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    size_t n = 0;
    enum ja_status st = ja_db_query(ctx->db, "SELECT role_id, parent_id FROM role_parents", JA_NO_BINDS, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        const char *child_id = ja_col_text(rows, "role_id"), *parent_id = ja_col_text(rows, "parent_id");
        const struct ja_nss_role *child = child_id ? find(r, child_id) : NULL,
                                 *parent = parent_id ? find(r, parent_id) : NULL;
        struct pair *bigger = (n & (n - 1)) == 0 ? reallocarray(*ret, n ? 2 * n : 1, sizeof *bigger) : *ret;

        if (!bigger)
            st = ja_fail_nomem(err);
        else
            *ret = bigger;
        if (st == JA_OK && child && parent)
            (*ret)[n++] = (struct pair){(size_t)(child - r->list), (size_t)(parent - r->list)};
        if (st == JA_OK)
            st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    *ret_n = n;
    return st;
}

enum ja_status ja_nss_roles_load(struct ja_ctx *ctx, struct ja_nss_roles *ret, struct ja_error *err)
{
    struct ja_nss_roles r = {0};
    struct pair *pairs = NULL;
    size_t n = 0;
    bool changed = true;
    enum ja_status st = load_roles(ctx, &r, err);

    if (st == JA_OK) {
        r.reach = calloc(r.n ? r.n : 1, r.n ? r.n : 1);
        st = r.reach ? load_pairs(ctx, &r, &pairs, &n, err) : ja_fail_nomem(err);
    }
    for (size_t i = 0; st == JA_OK && i < r.n; i++)
        r.reach[i * r.n + i] = 1;
    while (st == JA_OK && changed) {
        changed = false;
        for (size_t i = 0; i < n; i++)
            changed = join(&r, pairs[i].child, pairs[i].parent) || changed;
    }
    free(pairs);
    if (st == JA_OK)
        *ret = r;
    else
        ja_nss_roles_clear(&r);
    return st;
}

void ja_nss_roles_hold(struct ja_nss_roles *r, const char *role_id, int64_t until)
{
    const struct ja_nss_role *held = find(r, role_id);

    for (size_t j = 0; held && j < r->n; j++)
        if (r->reach[(size_t)(held - r->list) * r->n + j] && r->list[j].until < until)
            r->list[j].until = until;
}

bool ja_nss_roles_name(const struct ja_nss_roles *r, const char *group)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->list[i].group, group) == 0)
            return true;
    return false;
}
