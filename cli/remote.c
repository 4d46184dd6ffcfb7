#include "cli/remote.h"

#include "cli/output.h"
#include "common/base/text.h"
#include "common/client/client.h"
#include "common/domain/role.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 4096
#define PAGE 500

static const struct remote_command *const tables[] = {remote_own_commands, remote_login_commands, remote_admin_commands,
                                                      NULL};

const struct remote_command *remote_find(const struct command *cmd)
{
    for (const struct remote_command *const *table = tables; *table; table++)
        for (const struct remote_command *r = *table; r->noun; r++)
            if (strcmp(r->noun, cmd->noun) == 0 && !r->verb == !cmd->verb &&
                (!r->verb || strcmp(r->verb, cmd->verb) == 0))
                return r;
    return NULL;
}

/* ---- calls ---- */

/* RFC 3986 section 2.1, more bytes than have to be. */
static bool append_encoded(char *out, size_t size, const char *s)
{
    size_t used = strlen(out);

    for (; *s; s++) {
        if (used + 4 > size)
            return false;
        used += (size_t)snprintf(out + used, size - used, "%%%02X", (unsigned char)*s);
    }
    return true;
}

static enum ja_status call_path(struct cli *cli, const char *method, const char *path, const json_t *body, json_t **ret,
                                struct ja_error *err)
{
    const struct ja_client_call call = {.socket = cli->socket ? cli->socket : cli->ctx.cfg->http.socket,
                                        .method = method, .path = path, .body = body};
    json_t *data = NULL;
    enum ja_status st = ja_client_run(&call, &data, err);

    if (st == JA_OK && ret)
        *ret = data;
    else
        json_decref(data);
    return st;
}

enum ja_status remote_call(struct cli *cli, const char *method, json_t *body, json_t **ret, struct ja_error *err,
                           const char *path, ...)
{
    char text[PATH_SIZE] = "";
    va_list ap;
    enum ja_status st = JA_OK;

    va_start(ap, path);
    for (const char *p = path; *p && st == JA_OK; p++) {
        size_t used = strlen(text);
        const char *arg = *p == '%' ? va_arg(ap, const char *) : NULL;

        if (used + 2 > sizeof text || (arg && !append_encoded(text, sizeof text, arg)))
            st = ja_fail(err, JA_ERR_INVALID, "argument_too_long", "an argument is too long");
        else if (!arg)
            memcpy(text + used, (const char[]){*p, 0}, 2);
    }
    va_end(ap);
    if (st == JA_OK)
        st = call_path(cli, method, text, body, ret, err);
    json_decref(body);
    return st;
}

enum ja_status remote_path(char *out, size_t size, struct ja_error *err, const char *path, const char *arg)
{
    const char *at = strchr(path, '%');
    int n = snprintf(out, size, "%.*s", (int)(at - path), path);

    if (n < 0 || (size_t)n >= size || !append_encoded(out, size, arg) || strlen(out) + strlen(at) > size)
        return ja_fail(err, JA_ERR_INVALID, "argument_too_long", "an argument is too long");
    n = (int)strlen(out);
    (void)snprintf(out + n, size - (size_t)n, "%s", at + 1);
    return JA_OK;
}

enum ja_status remote_query(struct cli *cli, const char *const *options, char *out, size_t size, struct ja_error *err)
{
    for (; *options; options++) {
        const char *value = cli_opt(cli, *options);
        size_t used = strlen(out);

        if (!value)
            continue;
        if (used + strlen(*options) + 3 > size)
            return ja_fail(err, JA_ERR_INVALID, "argument_too_long", "the options are too long");
        (void)snprintf(out + used, size - used, "%c%s=", strchr(out, '?') ? '&' : '?', *options);
        if (!append_encoded(out, size, value))
            return ja_fail(err, JA_ERR_INVALID, "argument_too_long", "the options are too long");
    }
    return JA_OK;
}

enum ja_status remote_self(struct cli *cli, char **ret, struct ja_error *err)
{
    json_t *data = NULL;
    const char *name;
    enum ja_status st = remote_call(cli, "GET", NULL, &data, err, "/api/v1/whoami", NULL);

    if (st != JA_OK)
        return st;
    name = json_string_value(json_object_get(data, "username"));
    if (!json_is_object(json_object_get(data, "user")) || !name)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "not_a_user", "root is no user of jwtauth: name a user");
    else if (!(*ret = strdup(name)))
        st = ja_fail_nomem(err);
    json_decref(data);
    return st;
}

/* ---- rows ---- */

#define FIELDS_MAX 32

struct remote_row {
    struct row_value v[FIELDS_MAX];
    struct ja_strlist lists[FIELDS_MAX]; /* their items borrow from the document */
};

static enum ja_status take_list(const json_t *value, struct ja_strlist *ret, struct ja_error *err)
{
    size_t i;
    json_t *item;

    ret->items = calloc(json_array_size(value) + 1, sizeof *ret->items);
    if (!ret->items)
        return ja_fail_nomem(err);
    json_array_foreach(value, i, item) {
        const char *text = json_string_value(item);

        ret->items[ret->len] = strdup(text ? text : "");
        if (!ret->items[ret->len++])
            return ja_fail_nomem(err);
    }
    return JA_OK;
}

static enum ja_status take_value(const struct row_field *f, const json_t *value, struct remote_row *row, size_t at,
                                 struct ja_error *err)
{
    struct row_value *v = &row->v[at];
    int64_t t = 0;

    v->null = !value || json_is_null(value);
    switch (f->kind) {
    case ROW_TEXT: v->text = json_string_value(value); break;
    case ROW_INT: v->num = json_integer_value(value); break;
    case ROW_BOOL: v->num = json_is_true(value); break;
    case ROW_JSON: v->json = value; break;
    case ROW_TIME:
        if (!v->null && json_is_string(value) && ja_parse_when(json_string_value(value), 0, &t))
            v->num = t;
        break;
    case ROW_LIST:
        v->list = &row->lists[at];
        return take_list(value, &row->lists[at], err);
    }
    return JA_OK;
}

static enum ja_status take_row(const struct row_type *type, const json_t *object, struct remote_row *row,
                               struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!json_is_object(object) || type->count > FIELDS_MAX)
        return ja_fail(err, JA_ERR_CORRUPT, "invalid_answer", "jwtauthd answered without what was asked for");
    for (size_t i = 0; st == JA_OK && i < type->count; i++)
        st = take_value(&type->fields[i], json_object_get(object, type->fields[i].key), row, i, err);
    return st;
}

static void row_clear(struct remote_row *row)
{
    for (size_t i = 0; i < FIELDS_MAX; i++)
        ja_strlist_clear(&row->lists[i]);
}

enum ja_status remote_record(struct cli *cli, const struct row_type *type, const json_t *data, const char *key,
                             struct ja_error *err)
{
    struct remote_row row = {0};
    enum ja_status st = take_row(type, json_object_get(data, key), &row, err);

    if (st == JA_OK)
        st = cli_record(cli, type, row.v, err);
    row_clear(&row);
    return st;
}

static enum ja_status put_page(struct cli_rows *rows, const struct row_type *type, const json_t *data, int64_t *left,
                               struct ja_error *err)
{
    size_t i;
    json_t *item;
    enum ja_status st = JA_OK;

    json_array_foreach(json_object_get(data, type->plural), i, item) {
        struct remote_row row = {0};

        if (*left == 0)
            break;
        st = take_row(type, item, &row, err);
        if (st == JA_OK)
            st = cli_rows_add(rows, row.v, err);
        row_clear(&row);
        if (st != JA_OK)
            return st;
        *left -= *left > 0;
    }
    return st;
}

static enum ja_status get_page(struct cli *cli, const char *path, const char *after, int64_t left, json_t **ret,
                               struct ja_error *err)
{
    char text[PATH_SIZE];
    int n = snprintf(text, sizeof text, "%s%climit=%lld%s", path, strchr(path, '?') ? '&' : '?',
                     (long long)(left > 0 && left < PAGE ? left : PAGE), after ? "&after=" : "");

    if (n < 0 || (size_t)n >= sizeof text || (after && !append_encoded(text, sizeof text, after)))
        return ja_fail(err, JA_ERR_INVALID, "argument_too_long", "the options are too long");
    return call_path(cli, "GET", text, NULL, ret, err);
}

enum ja_status remote_list(struct cli *cli, const struct row_type *type, const char *path, struct ja_error *err)
{
    struct cli_rows *rows = NULL;
    json_t *data = NULL, *before = NULL;
    const char *after;
    int64_t left;
    enum ja_status st = cli_rows_begin(cli, type, &rows, err);

    if (st != JA_OK)
        return st;
    left = cli_rows_limit(rows) > 0 ? cli_rows_limit(rows) : -1;
    after = cli_rows_after(rows);
    do {
        st = get_page(cli, path, after, left, &data, err);
        if (st == JA_OK)
            st = put_page(rows, type, data, &left, err);
        json_decref(before);
        before = data;
        data = NULL;
        after = json_string_value(json_object_get(before, "next"));
    } while (st == JA_OK && after && left != 0);
    json_decref(before);
    if (st == JA_OK)
        return cli_rows_end(rows, err);
    cli_rows_free(rows);
    return st;
}

enum ja_status remote_rows(struct cli *cli, const struct row_type *type, const json_t *data, struct ja_error *err)
{
    struct cli_rows *rows = NULL;
    int64_t left = -1;
    enum ja_status st = cli_rows_begin(cli, type, &rows, err);

    if (st != JA_OK)
        return st;
    st = put_page(rows, type, data, &left, err);
    if (st == JA_OK)
        return cli_rows_end(rows, err);
    cli_rows_free(rows);
    return st;
}
