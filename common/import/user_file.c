#include "common/import/user_file.h"

#include "common/import/csv_table.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ja_user_file {
    char *name;
    json_t *rows; /* an array of objects */
};

#define AT(field) offsetof(struct ja_user_spec, field)
static const struct { const char *key; size_t offset; } texts[] = {
    {"username", AT(username)}, {"email", AT(email)}, {"phone", AT(phone)}, {"full_name", AT(full_name)},
    {"name", AT(full_name)}, {"first_name", AT(first_name)}, {"last_name", AT(last_name)},
    {"company_name", AT(company_name)}, {"home", AT(home)}, {"shell", AT(shell)},
};
/* Read by functions of their own. */
static const char *const others[] = {"roles", "kind", "uid", "gid", "valid_until"};
/* What a listing says besides: facts about the account, not wishes for one. */
static const char *const passed_over[] = {
    "id", "email_verified", "phone_verified", "status", "is_active", "mfa", "created_at", "updated_at",
    "last_login", "adopted", "must_change_password", "lock_at",
};

static bool listed(const char *const *names, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], key) == 0)
            return true;
    return false;
}
#define LISTED(names, key) listed((names), sizeof(names) / sizeof *(names), (key))

static bool known(const char *key)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].key, key) == 0)
            return true;
    return LISTED(others, key) || LISTED(passed_over, key);
}

/* ---- the file ---- */

static enum ja_status parse_json(const char *name, const void *data, size_t len, json_t **ret, struct ja_error *err)
{
    json_error_t why;
    json_t *doc = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why), *rows = NULL;

    if (!doc)
        return ja_fail(err, JA_ERR_INVALID, "invalid_file", "%s: line %d: not JSON", name, why.line);
    rows = json_is_object(doc) ? json_object_get(doc, "users") : doc;
    if (!json_is_array(rows)) {
        json_decref(doc);
        return ja_fail(err, JA_ERR_INVALID, "invalid_file", "%s: an array of users is wanted", name);
    }
    *ret = json_incref(rows);
    json_decref(doc);
    return JA_OK;
}

/* Before anything is written: a misspelt column would be lost in every row. */
static enum ja_status check_keys(const char *name, const json_t *rows, struct ja_error *err)
{
    size_t i;
    json_t *row, *value;
    const char *key;

    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        if (!json_is_object(row))
            return ja_fail(err, JA_ERR_INVALID, "invalid_file", "%s: row %zu is no object", name, i + 1);
        json_object_foreach(row, key, value)
            if (!known(key))
                return ja_fail(err, JA_ERR_INVALID, "invalid_file",
                               "%s: row %zu has an unknown column '%.60s'; see authctl(1) for those there are",
                               name, i + 1, key);
    }
    return JA_OK;
}

enum ja_status ja_user_file_parse(const char *name, enum ja_user_format format, const void *data, size_t len,
                                  struct ja_user_file **ret, struct ja_error *err)
{
    struct ja_user_file *f = calloc(1, sizeof *f);
    enum ja_status st;

    if (!f)
        return ja_fail_nomem(err);
    f->name = strdup(name);
    st = f->name ? JA_OK : ja_fail_nomem(err);
    if (st == JA_OK)
        st = format == JA_USERS_CSV ? ja_csv_parse(name, data, len, &f->rows, err)
                                    : parse_json(name, data, len, &f->rows, err);
    if (st == JA_OK)
        st = check_keys(name, f->rows, err);
    if (st == JA_OK)
        *ret = f;
    else
        ja_user_file_free(f);
    return st;
}

void ja_user_file_free(struct ja_user_file *f)
{
    if (!f)
        return;
    json_decref(f->rows);
    free(f->name);
    free(f);
}

size_t ja_user_file_rows(const struct ja_user_file *f)
{
    return json_array_size(f->rows);
}

/* ---- a row ---- */

static enum ja_status wrong(const char *key, const char *want, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_INVALID, "invalid_row", "%s is %s", key, want);
}

static enum ja_status read_texts(const json_t *row, struct ja_user_spec *spec, struct ja_error *err)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const json_t *v = json_object_get(row, texts[i].key);
        const char **slot = (const char **)(void *)((char *)spec + texts[i].offset);

        if (!v || json_is_null(v))
            continue;
        if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
            return wrong(texts[i].key, "a text", err);
        *slot = json_string_value(v);
    }
    return spec->username ? JA_OK : wrong("username", "needed", err);
}

/* A number, or in CSV its digits. */
static enum ja_status read_id(const json_t *row, const char *key, int64_t *ret, struct ja_error *err)
{
    const json_t *v = json_object_get(row, key);
    int64_t n = 0;

    if (!v || json_is_null(v))
        return JA_OK;
    if (json_is_integer(v))
        n = json_integer_value(v);
    else if (!json_is_string(v) || !ja_parse_i64(json_string_value(v), 1, INT32_MAX, &n))
        n = 0;
    if (n < 1 || n > INT32_MAX)
        return wrong(key, "a number from 1", err);
    *ret = n;
    return JA_OK;
}

static enum ja_status read_rest(const json_t *row, int64_t now, struct ja_user_spec *spec, struct ja_error *err)
{
    const json_t *kind = json_object_get(row, "kind"), *until = json_object_get(row, "valid_until");
    enum ja_status st = read_id(row, "uid", &spec->uid, err);

    if (st == JA_OK)
        st = read_id(row, "gid", &spec->gid, err);
    if (st != JA_OK)
        return st;
    if (kind && !json_is_null(kind)) {
        const char *k = json_string_value(kind);

        if (!k || (strcmp(k, "person") != 0 && strcmp(k, "service") != 0))
            return wrong("kind", "person or service", err);
        spec->service = strcmp(k, "service") == 0;
    }
    if (until && !json_is_null(until) &&
        (!json_is_string(until) || !ja_parse_when(json_string_value(until), now, &spec->valid_until)))
        return wrong("valid_until", "a time: 90d, or RFC 3339", err);
    return JA_OK;
}

static enum ja_status add_role(struct ja_user_record *r, size_t *used, const char *text, size_t len,
                               struct ja_error *err)
{
    if (r->spec.nroles >= JA_USER_FILE_ROLES || *used + len + 1 > sizeof r->role_text)
        return wrong("roles", "too long", err);
    memcpy(r->role_text + *used, text, len);
    r->role_text[*used + len] = 0;
    r->roles[r->spec.nroles++] = r->role_text + *used;
    *used += len + 1;
    return JA_OK;
}

static enum ja_status read_roles(const json_t *row, struct ja_user_record *r, struct ja_error *err)
{
    const json_t *v = json_object_get(row, "roles");
    const char *p = json_string_value(v);
    size_t used = 0;
    enum ja_status st = JA_OK;

    if (v && !json_is_null(v) && !json_is_array(v) && !p)
        return wrong("roles", "an array of names", err);
    for (size_t i = 0; st == JA_OK && i < json_array_size(v); i++) {
        const json_t *name = json_array_get(v, i);

        st = json_is_string(name) ? add_role(r, &used, json_string_value(name), json_string_length(name), err)
                                  : wrong("roles", "an array of names", err);
    }
    for (size_t n; st == JA_OK && p && *(p += strspn(p, " ;")); p += n) {
        n = strcspn(p, " ;");
        st = add_role(r, &used, p, n, err);
    }
    r->spec.roles = r->roles;
    return st;
}

enum ja_status ja_user_file_row(const struct ja_user_file *f, size_t i, int64_t now, struct ja_user_record *ret,
                                struct ja_error *err)
{
    const json_t *row = json_array_get(f->rows, i);
    enum ja_status st;

    memset(ret, 0, sizeof *ret);
    st = read_texts(row, &ret->spec, err);
    if (st == JA_OK)
        st = read_rest(row, now, &ret->spec, err);
    return st == JA_OK ? read_roles(row, ret, err) : st;
}
