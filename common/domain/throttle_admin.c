#include "common/domain/throttle_admin.h"

#include "common/domain/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 200

static const char *const scopes[] = {"code", "other", "source", "token", "user", "user_source"};

/* ---- reading a key ---- */

static void copy(char *out, size_t size, const char *from, size_t len)
{
    (void)snprintf(out, size, "%.*s", (int)len, from);
}

/* "ID", or "totp-confirm:ID" (factor_flow.c). */
static void set_user(struct ja_throttle_row *r, const char *text, size_t len)
{
    char id[JA_UUID_LEN + 1] = "";
    const char *colon = memchr(text, ':', len);

    if (colon) {
        copy(r->what, sizeof r->what, text, (size_t)(colon - text));
        len -= (size_t)(colon + 1 - text);
        text = colon + 1;
    }
    r->unknown_user = len > 0 && text[0] == '?';
    if (len == JA_UUID_LEN)
        copy(id, sizeof id, text, len);
    if (ja_uuid_valid(id))
        memcpy(r->user_id, id, sizeof id);
}

/* "USER SOURCE", "SOURCE", "USER", "KIND USER", "WHAT ... USER-or-SOURCE" (throttle.c, letter.c, reset_flow.c). */
static void read_key(struct ja_throttle_row *r, const char *key)
{
    const char *blank = strrchr(key, ' '), *last = blank ? blank + 1 : key;
    size_t head = blank ? (size_t)(blank - key) : 0;

    if (strcmp(r->scope, "user_source") == 0) {
        set_user(r, key, head);
        copy(r->source, sizeof r->source, last, strlen(last));
    } else if (strcmp(r->scope, "user") == 0) {
        set_user(r, key, strlen(key));
    } else if (strcmp(r->scope, "source") == 0) {
        copy(r->source, sizeof r->source, key, strlen(key));
    } else {
        copy(r->what, sizeof r->what, key, head);
        set_user(r, last, strlen(last));
        if (!r->user_id[0] && strchr(last, '/'))
            copy(r->source, sizeof r->source, last, strlen(last));
    }
}

static struct ja_rate rate_of(const struct ja_ctx *ctx, const char *scope)
{
    if (strcmp(scope, "user_source") == 0)
        return ctx->cfg->throttle.login;
    if (strcmp(scope, "source") == 0)
        return ctx->cfg->throttle.per_source;
    if (strcmp(scope, "user") == 0)
        return ctx->cfg->throttle.per_user;
    return strcmp(scope, "code") == 0 ? JA_THROTTLE_PER_CODE : (struct ja_rate){0, JA_THROTTLE_OTHER_LONGEST};
}

/* False: its time is over. */
static bool fill(const struct ja_ctx *ctx, const char *key, struct ja_bucket *b, struct ja_throttle_row *r)
{
    int64_t now = ja_now(&ctx->clock), ends;

    b->rate = rate_of(ctx, r->scope);
    ja_bucket_settle(ctx, b, now);
    if (b->count <= 0 && b->blocked_until <= now)
        return false;
    read_key(r, key);
    ends = b->window_start + b->rate.seconds;
    r->count = b->count;
    r->limit = b->rate.count;
    r->window_ends_at = b->rate.count ? ends : 0;
    r->blocked_until = b->rate.count && b->count >= b->rate.count ? ends : 0;
    if (b->blocked_until > r->blocked_until)
        r->blocked_until = b->blocked_until;
    return true;
}

/* ---- filter ---- */

static bool source_matches(const struct ja_throttle_filter *f, const char *source)
{
    struct ja_net net = {0};

    if (!f->source)
        return !f->local || strncmp(source, "local", 5) == 0;
    if (!ja_net_parse(source, &net))
        return false;
    return ja_net_contains(f->source, &net.addr) || ja_net_contains(&net, &f->source->addr);
}

static bool matches(const struct ja_throttle_filter *f, const struct ja_throttle_row *r)
{
    if (f->user_id && strcmp(f->user_id, r->user_id) != 0)
        return false;
    return (!f->source && !f->local) || source_matches(f, r->source);
}

/* ---- pages: a callback may write, so that no statement stays open over it ---- */

struct page {
    struct { char scope[16], key[JA_THROTTLE_KEY_MAX]; struct ja_bucket b; } rows[PAGE];
    size_t n;
};

static const char *known_scope(const char *s)
{
    for (size_t i = 0; s && i < sizeof scopes / sizeof *scopes; i++)
        if (strcmp(s, scopes[i]) == 0)
            return scopes[i];
    return "other";
}

static enum ja_status read_page(struct ja_ctx *ctx, const char *scope, const char *key, struct page *p,
                                struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT scope, key, count, window_start, blocked_until FROM throttle "
                                    "WHERE (scope, key) > ($1, $2) ORDER BY scope, key LIMIT $3",
                                    JA_BINDS(JA_T(scope), JA_T(key), JA_I(PAGE)), &rows, err);

    p->n = 0;
    while (st == JA_OK && p->n < PAGE && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        const char *s = ja_col_text(rows, "scope"), *k = ja_col_text(rows, "key");

        (void)snprintf(p->rows[p->n].scope, sizeof p->rows[0].scope, "%s", s ? s : "");
        (void)snprintf(p->rows[p->n].key, sizeof p->rows[0].key, "%s", k ? k : "");
        p->rows[p->n].b = (struct ja_bucket){.count = ja_col_int(rows, "count"),
                                             .window_start = ja_col_int(rows, "window_start"),
                                             .blocked_until = ja_col_int(rows, "blocked_until")};
        p->n++;
    }
    ja_rows_end(rows);
    return st;
}

static enum ja_status add_name(struct ja_ctx *ctx, struct ja_throttle_row *r, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st;

    if (!r->user_id[0])
        return JA_OK;
    st = ja_user_find_by_id(ctx, r->user_id, &u, err);
    if (st == JA_OK)
        memcpy(r->username, u.username, sizeof u.username);
    ja_user_clear(&u);
    return st == JA_ERR_NOT_FOUND ? JA_OK : st;
}

struct walk {
    const struct ja_throttle_filter *f;
    ja_throttle_fn fn;
    void *arg;
    int64_t given;
};

static bool enough(const struct walk *w)
{
    return w->f->limit > 0 && w->given >= w->f->limit;
}

static enum ja_status walk_page(struct ja_ctx *ctx, struct walk *w, struct page *p, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < p->n && !enough(w); i++) {
        struct ja_throttle_row r = {.scope = known_scope(p->rows[i].scope)};

        (void)snprintf(r.id, sizeof r.id, "%s %s", r.scope, p->rows[i].key);
        if (!fill(ctx, p->rows[i].key, &p->rows[i].b, &r) || !matches(w->f, &r))
            continue;
        st = add_name(ctx, &r, err);
        if (st == JA_OK)
            st = w->fn(w->arg, &r);
        w->given++;
    }
    return st;
}

enum ja_status ja_throttle_each(struct ja_ctx *ctx, const struct ja_throttle_filter *filter, ja_throttle_fn fn,
                                void *arg, struct ja_error *err)
{
    struct walk w = {filter, fn, arg, 0};
    struct page *p = calloc(1, sizeof *p);
    char scope[16] = "", key[JA_THROTTLE_KEY_MAX] = "";
    const char *after = filter->after, *blank = after ? strchr(after, ' ') : NULL;
    enum ja_status st = JA_OK;

    if (!p)
        return ja_fail_nomem(err);
    if (blank) {
        copy(scope, sizeof scope, after, (size_t)(blank - after));
        copy(key, sizeof key, blank + 1, strlen(blank + 1));
    }
    do {
        st = read_page(ctx, scope, key, p, err);
        if (st == JA_OK && p->n > 0) {
            memcpy(scope, p->rows[p->n - 1].scope, sizeof scope);
            memcpy(key, p->rows[p->n - 1].key, sizeof key);
            st = walk_page(ctx, &w, p, err);
        }
    } while (st == JA_OK && p->n == PAGE && !enough(&w));
    free(p);
    return st;
}

/* ---- forget ---- */

struct forget {
    struct ja_ctx *ctx;
    struct ja_error *err;
    int64_t n;
};

static enum ja_status forget_one(void *arg, const struct ja_throttle_row *r)
{
    struct forget *f = arg;
    struct ja_bucket b = {.scope = r->scope};

    (void)snprintf(b.key, sizeof b.key, "%s", strchr(r->id, ' ') + 1);
    f->n++;
    return ja_bucket_drop(f->ctx, &b, f->err);
}

enum ja_status ja_throttle_forget(struct ja_ctx *ctx, const struct ja_throttle_filter *filter, int64_t *ret_count,
                                  struct ja_error *err)
{
    struct forget f = {.ctx = ctx, .err = err};
    enum ja_status st = ja_throttle_each(ctx, filter, forget_one, &f, err);

    if (st == JA_OK)
        *ret_count = f.n;
    return st;
}
