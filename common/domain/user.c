#include "common/domain/user.h"

#include "common/domain/column.h"

#include <sodium.h>
#include <stdlib.h>

/* The partial unique indexes serve a look-up only when it says `deleted_at IS NULL` itself. */
#define USER_COLUMNS \
    "u.id AS id, u.username AS username, u.email AS email, u.phone AS phone, " \
    "u.full_name AS full_name, u.first_name AS first_name, u.last_name AS last_name, " \
    "u.company_name AS company_name, u.email_verified_at AS email_verified_at, " \
    "u.phone_verified_at AS phone_verified_at, u.email_pending AS email_pending, " \
    "u.phone_pending AS phone_pending, u.kind AS kind, u.status AS status, " \
    "u.password_hash AS password_hash, u.password_changed_at AS password_changed_at, " \
    "u.must_change AS must_change, u.valid_until AS valid_until, u.lock_at AS lock_at, " \
    "u.tokens_not_before AS tokens_not_before, u.uid AS uid, u.gid AS gid, u.home AS home, " \
    "u.shell AS shell, u.adopted AS adopted, u.bind_uid AS bind_uid, u.last_login_at AS last_login_at, " \
    "u.created_at AS created_at, u.updated_at AS updated_at, " \
    "CASE WHEN EXISTS (SELECT 1 FROM totp t WHERE t.user_id = u.id " \
    "AND t.confirmed_at IS NOT NULL) THEN 1 ELSE 0 END AS mfa"

static const char *const status_names[] = {
    [JA_USER_PENDING] = "pending",
    [JA_USER_ACTIVE] = "active",
    [JA_USER_LOCKED] = "locked",
    [JA_USER_DISABLED] = "disabled",
};

const char *ja_user_status_name(enum ja_user_status s)
{
    size_t n = sizeof status_names / sizeof *status_names;
    return (size_t)s < n ? status_names[s] : "unknown";
}

bool ja_user_status_parse(const char *s, enum ja_user_status *ret)
{
    for (size_t i = 0; s && i < sizeof status_names / sizeof *status_names; i++)
        if (strcmp(s, status_names[i]) == 0) {
            *ret = (enum ja_user_status)i;
            return true;
        }
    return false;
}

void ja_user_clear(struct ja_user *u)
{
    if (!u)
        return;
    free(u->email);
    free(u->phone);
    free(u->email_pending);
    free(u->phone_pending);
    free(u->full_name);
    free(u->first_name);
    free(u->last_name);
    free(u->company_name);
    ja_wipe_free(u->password_hash);
    free(u->home);
    free(u->shell);
    sodium_memzero(u, sizeof *u);
}

static bool copy_texts(struct ja_rows *rows, struct ja_user *u)
{
    return ja_col_dup(rows, "email", &u->email) && ja_col_dup(rows, "phone", &u->phone) &&
           ja_col_dup(rows, "email_pending", &u->email_pending) &&
           ja_col_dup(rows, "phone_pending", &u->phone_pending) &&
           ja_col_dup(rows, "full_name", &u->full_name) &&
           ja_col_dup(rows, "first_name", &u->first_name) &&
           ja_col_dup(rows, "last_name", &u->last_name) &&
           ja_col_dup(rows, "company_name", &u->company_name) &&
           ja_col_dup(rows, "password_hash", &u->password_hash) &&
           ja_col_dup(rows, "home", &u->home) && ja_col_dup(rows, "shell", &u->shell);
}

static void copy_numbers(struct ja_rows *rows, struct ja_user *u)
{
    u->email_verified_at = ja_col_int(rows, "email_verified_at");
    u->phone_verified_at = ja_col_int(rows, "phone_verified_at");
    u->password_changed_at = ja_col_int(rows, "password_changed_at");
    u->must_change = ja_col_int(rows, "must_change") != 0;
    u->valid_until = ja_col_int(rows, "valid_until");
    u->lock_at = ja_col_int(rows, "lock_at");
    u->tokens_not_before = ja_col_int(rows, "tokens_not_before");
    u->uid = ja_col_int(rows, "uid");
    u->gid = ja_col_int(rows, "gid");
    u->bind_uid = ja_col_int(rows, "bind_uid");
    u->adopted = ja_col_int(rows, "adopted") != 0;
    u->mfa = ja_col_int(rows, "mfa") != 0;
    u->last_login_at = ja_col_int(rows, "last_login_at");
    u->created_at = ja_col_int(rows, "created_at");
    u->updated_at = ja_col_int(rows, "updated_at");
}

static bool copy_enums(struct ja_rows *rows, int64_t now, struct ja_user *u)
{
    const char *kind = ja_col_text(rows, "kind");

    if (!kind || !ja_user_status_parse(ja_col_text(rows, "status"), &u->status))
        return false;
    if (strcmp(kind, "person") == 0)
        u->kind = JA_USER_PERSON;
    else if (strcmp(kind, "service") == 0)
        u->kind = JA_USER_SERVICE;
    else
        return false;
    if (u->lock_at && u->lock_at <= now && u->status != JA_USER_DISABLED)
        u->status = JA_USER_LOCKED; /* `user lock --at` needs nobody awake at that time */
    return true;
}

static enum ja_status read_user(struct ja_rows *rows, int64_t now, struct ja_user *ret,
                                struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_rows_status(rows, err);

    if (st != JA_OK)
        return st;
    if (!copy_texts(rows, &u)) {
        ja_user_clear(&u);
        return ja_fail_nomem(err);
    }
    copy_numbers(rows, &u);
    if (!ja_col_copy(rows, "id", u.id, sizeof u.id) ||
        !ja_col_copy(rows, "username", u.username, sizeof u.username) ||
        !copy_enums(rows, now, &u) || !u.home || !u.shell) {
        ja_user_clear(&u);
        return ja_fail(err, JA_ERR_CORRUPT, "corrupt_user",
                       "a user row of the store is damaged; run authctl db check");
    }
    st = ja_rows_status(rows, err);
    if (st != JA_OK)
        ja_user_clear(&u);
    else
        *ret = u;
    return st;
}

static enum ja_status not_found(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_NOT_FOUND, "user_not_found", "no such user");
}

/* Takes the one row of a look-up; ends `rows` in every case. */
static enum ja_status only_user(struct ja_ctx *ctx, struct ja_rows *rows, struct ja_user *ret,
                                struct ja_error *err)
{
    bool row = false;
    enum ja_status st = ja_rows_next(rows, &row, err);

    if (st == JA_OK)
        st = row ? read_user(rows, ja_now(&ctx->clock), ret, err) : not_found(err);
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_user_find_by_name(struct ja_ctx *ctx, const char *username, struct ja_user *ret,
                                    struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st;

    if (!ja_username_valid(username))
        return not_found(err);
    st = ja_db_query(ctx->db,
                     "SELECT " USER_COLUMNS " FROM users u "
                     "WHERE u.username = $1 AND u.deleted_at IS NULL",
                     JA_BINDS(JA_T(username)), &rows, err);
    return st == JA_OK ? only_user(ctx, rows, ret, err) : st;
}

enum ja_status ja_user_find_by_id(struct ja_ctx *ctx, const char *id, struct ja_user *ret,
                                  struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st;

    if (!ja_uuid_valid(id))
        return not_found(err);
    st = ja_db_query(ctx->db,
                     "SELECT " USER_COLUMNS " FROM users u "
                     "WHERE u.id = $1 AND u.deleted_at IS NULL",
                     JA_BINDS(JA_T(id)), &rows, err);
    return st == JA_OK ? only_user(ctx, rows, ret, err) : st;
}

enum ja_status ja_user_find_by_email(struct ja_ctx *ctx, const char *email, struct ja_user *ret,
                                     struct ja_error *err)
{
    char key[JA_EMAIL_MAX + 1];
    struct ja_rows *rows = NULL;
    enum ja_status st;

    if (!ja_email_normalize(email, key))
        return not_found(err);
    st = ja_db_query(ctx->db,
                     "SELECT " USER_COLUMNS " FROM users u "
                     "WHERE u.email_key = $1 AND u.deleted_at IS NULL",
                     JA_BINDS(JA_T(key)), &rows, err);
    return st == JA_OK ? only_user(ctx, rows, ret, err) : st;
}

enum ja_status ja_user_find_by_phone(struct ja_ctx *ctx, const char *phone, struct ja_user *ret,
                                     struct ja_error *err)
{
    char key[JA_PHONE_MAX + 1];
    struct ja_rows *rows = NULL;
    enum ja_status st;

    if (!ja_phone_normalize(phone, key))
        return not_found(err);
    st = ja_db_query(ctx->db,
                     "SELECT " USER_COLUMNS " FROM users u "
                     "WHERE u.phone = $1 AND u.deleted_at IS NULL",
                     JA_BINDS(JA_T(key)), &rows, err);
    return st == JA_OK ? only_user(ctx, rows, ret, err) : st;
}

enum ja_status ja_user_find_by_uid(struct ja_ctx *ctx, int64_t uid, struct ja_user *ret,
                                   struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT " USER_COLUMNS " FROM users u "
                                    "WHERE u.uid = $1 AND u.deleted_at IS NULL",
                                    JA_BINDS(JA_I(uid)), &rows, err);

    return st == JA_OK ? only_user(ctx, rows, ret, err) : st;
}

bool ja_user_live(const struct ja_user *u, int64_t now)
{
    return u->status == JA_USER_ACTIVE && (!u->lock_at || u->lock_at > now) && (!u->valid_until || u->valid_until > now);
}

/* One uid is one account (ja_user_check_binding): there is no second row. */
enum ja_status ja_user_find_by_process_uid(struct ja_ctx *ctx, int64_t uid, struct ja_user *ret,
                                           struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = JA_OK;

    if (uid <= 0 || uid == JA_UID_OVERFLOW)
        return not_found(err);
    st = ja_db_query(ctx->db,
                     "SELECT " USER_COLUMNS " FROM users u WHERE u.bind_uid = $1 AND u.deleted_at IS NULL UNION ALL "
                     "SELECT " USER_COLUMNS " FROM users u WHERE u.uid = $1 AND u.deleted_at IS NULL LIMIT 1",
                     JA_BINDS(JA_I(uid)), &rows, err);
    return st == JA_OK ? only_user(ctx, rows, ret, err) : st;
}

enum ja_status ja_user_find(struct ja_ctx *ctx, const char *name, struct ja_user *ret,
                            struct ja_error *err)
{
    if (!name)
        return not_found(err);
    if (strchr(name, '@'))
        return ja_user_find_by_email(ctx, name, ret, err);
    if (name[0] == '+')
        return ja_user_find_by_phone(ctx, name, ret, err);
    return ja_user_find_by_name(ctx, name, ret, err);
}

/* The status as people see it, as copy_enums computes it for one row. */
static enum ja_status query_page(struct ja_ctx *ctx, const struct ja_user_filter *f,
                                 struct ja_rows **ret, struct ja_error *err)
{
    return ja_db_query(
        ctx->db,
        "SELECT " USER_COLUMNS " FROM users u WHERE u.deleted_at IS NULL AND u.id > $1 "
        "AND (CAST($2 AS TEXT) IS NULL OR CAST($2 AS TEXT) = "
        "CASE WHEN u.lock_at IS NOT NULL AND u.lock_at <= $6 AND u.status <> 'disabled' "
        "THEN 'locked' ELSE u.status END) "
        "AND (CAST($3 AS TEXT) IS NULL OR u.kind = CAST($3 AS TEXT)) "
        "AND (CAST($4 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM user_roles ur "
        "JOIN roles r ON r.id = ur.role_id WHERE ur.user_id = u.id "
        "AND r.name = CAST($4 AS TEXT) AND (ur.ends_at IS NULL OR ur.ends_at > $6))) "
        "AND ($5 = 0 OR NOT EXISTS (SELECT 1 FROM totp t WHERE t.user_id = u.id "
        "AND t.confirmed_at IS NOT NULL)) "
        "ORDER BY u.id LIMIT $7",
        JA_BINDS(JA_T(f->after ? f->after : ""), JA_T(f->status), JA_T(f->kind), JA_T(f->role),
                 JA_I(f->without_mfa ? 1 : 0), JA_I(ja_now(&ctx->clock)),
                 JA_I(f->limit > 0 ? f->limit : INT64_MAX)),
        ret, err);
}

enum ja_status ja_user_each(struct ja_ctx *ctx, const struct ja_user_filter *filter, ja_user_fn fn,
                            void *arg, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    int64_t now = ja_now(&ctx->clock);
    bool row = false;
    enum ja_status st = query_page(ctx, filter, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_user user = {0};

        st = read_user(rows, now, &user, err);
        if (st == JA_OK)
            st = fn(arg, &user);
        ja_user_clear(&user);
    }
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_user_history_each(struct ja_ctx *ctx, const char *id, int64_t limit, ja_hash_fn fn,
                                    void *arg, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false, stop = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT hash FROM password_history WHERE user_id = $1 "
                                    "ORDER BY created_at DESC, id DESC LIMIT $2",
                                    JA_BINDS(JA_T(id), JA_I(limit)), &rows, err);

    while (st == JA_OK && !stop && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        const char *hash = ja_col_text(rows, "hash");

        st = hash ? fn(arg, hash, &stop) : ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    return st;
}
