#include "tests/support/letters.h"

#include "common/domain/seal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(enum ja_status st, const struct ja_error *err)
{
    if (st == JA_OK)
        return;
    (void)fprintf(stderr, "letters: %s\n", err->message);
    abort();
}

static void text(const json_t *vars, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(vars, key));

    (void)snprintf(out, size, "%s", s ? s : "");
}

static void open_vars(struct ja_ctx *ctx, const char *sealed, struct ja_test_letter *l)
{
    struct ja_secret plain = {0};
    struct ja_error err = {0};
    char identity[80];
    json_t *vars;

    (void)snprintf(identity, sizeof identity, "outbox:%s", l->id);
    must(ja_unseal(ctx, identity, sealed, &plain, &err), &err);
    vars = json_loadb((const char *)plain.data, plain.len, 0, NULL);
    text(vars, json_object_get(vars, "code") ? "code" : "token", l->secret, sizeof l->secret);
    text(vars, "link", l->link, sizeof l->link);
    text(vars, "username", l->username, sizeof l->username);
    json_decref(vars);
    ja_secret_clear(&plain);
}

/* The column n: how many; with `ret` the newest of them. */
static int look(struct ja_ctx *ctx, const char *template, struct ja_test_letter *ret)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;
    int n = 0;

    must(ja_db_query(ctx->db, "SELECT id, channel, destination, template, vars FROM outbox ORDER BY id",
                     JA_NO_BINDS, &rows, &err), &err);
    for (must(ja_rows_next(rows, &row, &err), &err); row; must(ja_rows_next(rows, &row, &err), &err)) {
        const char *name = ja_col_text(rows, "template");

        if (template && strcmp(template, name) != 0)
            continue;
        n++;
        if (!ret)
            continue;
        (void)snprintf(ret->id, sizeof ret->id, "%s", ja_col_text(rows, "id"));
        (void)snprintf(ret->channel, sizeof ret->channel, "%s", ja_col_text(rows, "channel"));
        (void)snprintf(ret->destination, sizeof ret->destination, "%s", ja_col_text(rows, "destination"));
        (void)snprintf(ret->template, sizeof ret->template, "%s", name);
        open_vars(ctx, ja_col_text(rows, "vars"), ret);
    }
    ja_rows_end(rows);
    return n;
}

bool ja_test_letter(struct ja_ctx *ctx, const char *template, struct ja_test_letter *ret)
{
    return look(ctx, template, ret) > 0;
}

int ja_test_letters(struct ja_ctx *ctx, const char *template)
{
    return look(ctx, template, NULL);
}
