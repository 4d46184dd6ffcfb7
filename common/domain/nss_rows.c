#include "common/domain/nss_rows.h"

#include "common/base/text.h"
#include "common/domain/column.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX INT64_C(4294967294)

/* The user at hand: one row for each of the grants, or one with none. */
struct user {
    char id[JA_UUID_LEN + 1], name[JA_USERNAME_MAX + 1];
    char *gecos, *home, *shell;
    int64_t uid, gid;
    bool adopted;
    int64_t until; /* of whatever comes with roles; 0: there is nothing now */
};

struct reading {
    struct ja_ctx *ctx;
    struct ja_nss_image *image;
    struct ja_local_names *local;
    struct ja_nss_roles roles;
    struct user u;
    struct ja_nss_member *groups; /* of the user at hand: room for every role */
    char **names;                 /* of those who are members; the image borrows them */
    size_t nnames;
    int64_t now;
};

static void clear_user(struct user *u)
{
    free(u->gecos);
    free(u->home);
    free(u->shell);
    *u = (struct user){0};
}

static bool is_id(int64_t id)
{
    return id > 0 && id <= ID_MAX;
}

/* Groups that sudo(8), docker and others give rights to by habit, on hosts where they do not exist: whoever may add
 * accounts must not get them with a user's name. */
static bool has_power(const char *name)
{
    static const char *const names[] = {"root",   "wheel", "sudo",   "admin",   "adm",  "docker", "lxd",
                                        "shadow", "disk",  "kvm",    "libvirt", "staff", "podman", "systemd-journal"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Local files win, and a group of roles (now or later: the prefix) is never somebody's own. */
static bool has_own_group(const struct reading *r, const struct user *u)
{
    const char *prefix = r->ctx->cfg->accounts.role_group_prefix;

    return !u->adopted && u->uid == u->gid && !has_power(u->name) &&
           !(*prefix && strncmp(u->name, prefix, strlen(prefix)) == 0) && !ja_nss_roles_name(&r->roles, u->name) &&
           !ja_local_names_group(r->local, u->name, u->gid);
}

/* Whether a role can be shown as a group. */
static bool is_group(const struct reading *r, const struct ja_nss_role *role)
{
    return is_id(role->gid) && !ja_local_names_group(r->local, role->group, role->gid);
}

static bool is_shown(const struct reading *r, const struct user *u)
{
    int64_t uid = 0;
    bool local = ja_local_names_user(r->local, u->name, &uid);

    if (u->adopted)
        return local && uid == u->uid && is_id(u->uid) && is_id(u->gid);
    return !local && !ja_local_names_uid(r->local, u->uid) && is_id(u->uid) && is_id(u->gid);
}

static enum ja_status add_member(struct ja_nss_role *role, const char *name, int64_t until, struct ja_error *err)
{
    if (role->nmembers == role->room) {
        size_t room = role->room ? 2 * role->room : 8;
        struct ja_nss_member *bigger = reallocarray(role->members, room, sizeof *bigger);

        if (!bigger)
            return ja_fail_nomem(err);
        role->members = bigger;
        role->room = room;
    }
    role->members[role->nmembers++] = (struct ja_nss_member){.name = name, .until = until};
    return JA_OK;
}

/* Kept until the groups are written. */
static const char *keep_name(struct reading *r, const char *name)
{
    if ((r->nnames & (r->nnames - 1)) == 0) {
        char **bigger = reallocarray(r->names, r->nnames ? 2 * r->nnames : 1, sizeof *bigger);

        if (!bigger)
            return NULL;
        r->names = bigger;
    }
    r->names[r->nnames] = strdup(name);
    return r->names[r->nnames] ? r->names[r->nnames++] : NULL;
}

/* The groups of the user at hand, and the user into each of them. */
static enum ja_status join_groups(struct reading *r, size_t *ret_n, struct ja_error *err)
{
    const char *name = NULL;
    size_t n = 0;
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < r->roles.n; i++) {
        struct ja_nss_role *role = &r->roles.list[i];
        int64_t until = role->until < r->u.until ? role->until : r->u.until;

        role->until = 0;
        if (until <= r->now || !is_group(r, role))
            continue;
        if (!name && !(name = keep_name(r, r->u.name)))
            return ja_fail_nomem(err);
        r->groups[n++] = (struct ja_nss_member){.name = name, .gid = (uint32_t)role->gid, .until = until};
        st = add_member(role, name, until, err);
    }
    *ret_n = n;
    return st;
}

static enum ja_status put_user(struct reading *r, struct ja_error *err)
{
    const struct user *u = &r->u;
    size_t n = 0;
    bool put;
    enum ja_status st;

    if (!u->id[0])
        return JA_OK;
    if (!is_shown(r, u)) {
        for (size_t i = 0; i < r->roles.n; i++)
            r->roles.list[i].until = 0;
        return JA_OK;
    }
    st = join_groups(r, &n, err);
    if (st != JA_OK)
        return st;
    put = ja_nss_image_user(r->image, &(struct ja_nss_image_user){
        .name = u->name, .gecos = u->gecos, .home = u->home, .shell = u->shell, .uid = (uint32_t)u->uid,
        .gid = (uint32_t)u->gid, .local = u->adopted, .groups = r->groups, .ngroups = n});
    if (put && has_own_group(r, u))
        put = ja_nss_image_group(r->image, u->name, (uint32_t)u->gid, NULL, 0);
    if (!put)
        ja_log_write(&r->ctx->log, LOG_WARNING, "%s cannot be shown to NSS: the texts are too long", u->name);
    return JA_OK;
}

/* Only of an active user, and no longer than the account is one as planned by now. */
static int64_t roles_until(struct ja_rows *rows)
{
    const char *status = ja_col_text(rows, "status");
    int64_t until = INT64_MAX, ends = ja_col_int(rows, "valid_until"), lock = ja_col_int(rows, "lock_at");

    if (!status || strcmp(status, "active") != 0)
        return 0;
    until = ends && ends < until ? ends : until;
    return lock && lock < until ? lock : until;
}

static enum ja_status start_user(struct reading *r, struct ja_rows *rows, struct ja_error *err)
{
    struct user *u = &r->u;

    clear_user(u);
    u->uid = ja_col_int(rows, "uid");
    u->gid = ja_col_int(rows, "gid");
    u->adopted = ja_col_int(rows, "adopted") != 0;
    u->until = roles_until(rows);
    if (!ja_col_dup(rows, "full_name", &u->gecos) || !ja_col_dup(rows, "home", &u->home) ||
        !ja_col_dup(rows, "shell", &u->shell))
        return ja_fail_nomem(err);
    if (!ja_col_copy(rows, "id", u->id, sizeof u->id) || !ja_col_copy(rows, "username", u->name, sizeof u->name))
        return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a user in the store has too long a name");
    return ja_rows_status(rows, err);
}

static enum ja_status take_row(struct reading *r, struct ja_rows *rows, struct ja_error *err)
{
    const char *id = ja_col_text(rows, "id"), *role;
    int64_t ends;
    enum ja_status st = JA_OK;

    if (!id)
        return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a user in the store has no id");
    if (strcmp(id, r->u.id) != 0) {
        st = put_user(r, err);
        if (st == JA_OK)
            st = start_user(r, rows, err);
    }
    role = ja_col_text(rows, "role_id");
    ends = ja_col_int(rows, "ends_at");
    if (st == JA_OK && role && (ends == 0 || ends > r->now))
        ja_nss_roles_hold(&r->roles, role, ends ? ends : INT64_MAX);
    return st == JA_OK ? ja_rows_status(rows, err) : st;
}

static enum ja_status read_users(struct reading *r, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(r->ctx->db,
                    "SELECT u.id AS id, u.username, u.full_name, u.home, u.shell, u.uid, u.gid, u.adopted, u.status, "
                    "u.valid_until, u.lock_at, g.role_id, g.ends_at FROM users u "
                    "LEFT JOIN user_roles g ON g.user_id = u.id WHERE u.deleted_at IS NULL ORDER BY u.id",
                    JA_NO_BINDS, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row)
        st = take_row(r, rows, err);
    ja_rows_end(rows);
    return st == JA_OK ? put_user(r, err) : st;
}

enum ja_status ja_nss_rows_read(struct ja_ctx *ctx, struct ja_nss_image *m, struct ja_error *err)
{
    struct reading r = {.ctx = ctx, .image = m, .now = ja_now(&ctx->clock)};
    enum ja_status st = ja_local_names_load(&r.local, err);

    if (st == JA_OK)
        st = ja_nss_roles_load(ctx, &r.roles, err);
    if (st == JA_OK && !(r.groups = calloc(r.roles.n + 1, sizeof *r.groups)))
        st = ja_fail_nomem(err);
    if (st == JA_OK)
        st = read_users(&r, err);
    for (size_t i = 0; st == JA_OK && i < r.roles.n; i++) {
        const struct ja_nss_role *role = &r.roles.list[i];

        if (is_group(&r, role) && !ja_nss_image_group(m, role->group, (uint32_t)role->gid, role->members, role->nmembers))
            ja_log_write(&ctx->log, LOG_WARNING, "the role %s cannot be shown to NSS", role->group);
    }
    for (size_t i = 0; i < r.nnames; i++)
        free(r.names[i]);
    free(r.names);
    free(r.groups);
    clear_user(&r.u);
    ja_nss_roles_clear(&r.roles);
    ja_local_names_free(r.local);
    return st;
}
