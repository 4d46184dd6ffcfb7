#include "common/flow/ssh_key_flow.h"

#include "common/flow/account_internal.h"
#include "common/flow/caller.h"
#include "common/flow/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ja_status write_audit(struct ja_ctx *ctx, const char *action, const struct ja_user *u,
                                  const struct ja_ssh_key *k, struct ja_error *err)
{
    json_t *detail = json_pack("{s:s,s:s,s:s}", "id", k->id, "type", k->line.type, "fingerprint", k->line.fingerprint);

    if (detail && k->ends_at && json_object_set_new(detail, "until", json_integer(k->ends_at)) != 0) {
        json_decref(detail);
        detail = NULL;
    }
    return detail ? ja_account_audit(ctx, action, u->username, detail, err) : ja_fail_nomem(err);
}

/* ---- add ---- */

struct keys {
    struct ja_ssh_key *items;
    int *lines; /* where each stood, for messages */
    size_t n;
};

static enum ja_status at_line(enum ja_status st, int line, struct ja_error *err)
{
    struct ja_error from = {0};

    if (st == JA_OK || !err || (st != JA_ERR_INVALID && st != JA_ERR_POLICY && st != JA_ERR_EXISTS &&
                                st != JA_ERR_CONFLICT))
        return st;
    from = *err;
    return ja_fail(err, st, from.code, "line %d: %.900s", line, from.message);
}

static enum ja_status take_line(struct keys *keys, const char *line, size_t len, int number, int64_t ends_at,
                                struct ja_error *err)
{
    size_t start = 0;

    while (start < len && (line[start] == ' ' || line[start] == '\t' || line[start] == '\r'))
        start++;
    if (start == len || line[start] == '#')
        return JA_OK;
    if (keys->n == JA_SSH_KEYS_MAX)
        return ja_fail(err, JA_ERR_CONFLICT, "too_many_ssh_keys", "a user has %d ssh keys at most", JA_SSH_KEYS_MAX);
    keys->lines[keys->n] = number;
    keys->items[keys->n].ends_at = ends_at;
    keys->n++;
    return ja_ssh_line_parse(line + start, len - start, &keys->items[keys->n - 1].line, err);
}

static enum ja_status read_keys(struct keys *keys, const char *text, size_t len, int64_t ends_at, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (int number = 1; st == JA_OK && len > 0; number++) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;

        st = at_line(take_line(keys, text, n, number, ends_at, err), number, err);
        n += end != NULL;
        text += n;
        len -= n;
    }
    if (st == JA_OK && keys->n == 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_ssh_key", "there is no ssh key in it");
    return st;
}

static enum ja_status insert_keys(struct ja_ctx *ctx, const struct ja_user *u, struct keys *keys, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < keys->n; i++) {
        st = at_line(ja_ssh_key_insert(ctx, u->id, &keys->items[i], err), keys->lines[i], err);
        if (st == JA_OK)
            st = write_audit(ctx, "ssh_key.add", u, &keys->items[i], err);
    }
    return st;
}

static enum ja_status tell(struct ja_ctx *ctx, const struct ja_user *u, const char *template,
                           const struct ja_ssh_key *items, size_t n, struct ja_error *err)
{
    size_t size = n * (JA_SSH_FINGERPRINT_SIZE + 2) + 1, len = 0;
    char *list = calloc(1, size);
    enum ja_status st;

    if (!list)
        return ja_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(list + len, size - len, "%s%s", i ? ", " : "", items[i].line.fingerprint);
    st = ja_letter_notice_of(ctx, u, template, "keys", list, err);
    free(list);
    return st;
}

static enum ja_status store_keys(struct ja_ctx *ctx, const char *name, struct keys *keys, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_caller_find(ctx, name, JA_MAY_FURNISH, &u, err);
    if (st == JA_OK)
        st = insert_keys(ctx, &u, keys, err);
    if (st == JA_OK)
        st = tell(ctx, &u, "ssh_key_added", keys->items, keys->n, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_ssh_key_add_flow(struct ja_ctx *ctx, const char *name, const char *text, size_t len, int64_t ends_at,
                                   struct ja_ssh_key **ret, size_t *ret_n, struct ja_error *err)
{
    int lines[JA_SSH_KEYS_MAX];
    struct keys keys = {.lines = lines};
    enum ja_status st = JA_OK;

    if (ends_at && ends_at <= ja_now(&ctx->clock))
        return ja_fail(err, JA_ERR_INVALID, "invalid_time", "an ssh key ends in the future");
    keys.items = calloc(JA_SSH_KEYS_MAX, sizeof *keys.items);
    if (!keys.items)
        return ja_fail_nomem(err);
    st = read_keys(&keys, text, len, ends_at, err);
    if (st == JA_OK)
        st = store_keys(ctx, name, &keys, err);
    if (st != JA_OK) {
        free(keys.items);
        return st;
    }
    *ret = keys.items;
    *ret_n = keys.n;
    return JA_OK;
}

/* ---- remove, list ---- */

enum ja_status ja_ssh_key_remove_flow(struct ja_ctx *ctx, const char *name, const char *key, struct ja_ssh_key *ret,
                                      struct ja_error *err)
{
    struct ja_ssh_key k = {0};
    struct ja_user u = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_caller_find(ctx, name, JA_MAY_FURNISH, &u, err);
    if (st == JA_OK)
        st = ja_ssh_key_find(ctx, u.id, key, &k, err);
    if (st == JA_OK)
        st = ja_ssh_key_delete(ctx, u.id, k.id, err);
    if (st == JA_OK)
        st = write_audit(ctx, "ssh_key.remove", &u, &k, err);
    if (st == JA_OK)
        st = tell(ctx, &u, "ssh_key_removed", &k, 1, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    if (st == JA_OK)
        *ret = k;
    return st;
}

enum ja_status ja_ssh_key_list_flow(struct ja_ctx *ctx, const char *name, const char *after, int64_t limit,
                                    ja_ssh_key_fn fn, void *arg, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_caller_find(ctx, name, JA_MAY_SEE, &u, err);

    if (st == JA_OK)
        st = ja_ssh_key_each(ctx, u.id, after, limit, fn, arg, err);
    ja_user_clear(&u);
    return st;
}
