/* Accounts with the passwords that their people have.
 *
 * Everything is judged before the transaction, which then only writes; the store's own indexes have the last word.
 * Adoption goes in account_adopt.c's order: the rows first, the marks last, all of them by one run of chpasswd.
 */
#include "common/domain/local_table.h"
#include "common/domain/local_user.h"
#include "common/domain/password_hash.h"
#include "common/domain/posix_id.h"
#include "common/flow/caller.h"
#include "common/flow/import_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct judge {
    struct ja_ctx *ctx;
    const struct ja_import_mode *mode;
    struct ja_local_table *local;
};

/* ---- one row ---- */

enum ja_status ja_import_password(struct ja_import_account *a, const char *field, struct ja_error *err)
{
    size_t locks;

    if (strncmp(field, JA_ADOPT_MARK, strlen(JA_ADOPT_MARK)) == 0)
        field += strlen(JA_ADOPT_MARK);
    locks = strspn(field, "!");
    field += locks;
    ja_wipe_free(a->user.password_hash);
    a->user.password_hash = NULL;
    a->locked = locks > 0;
    if (field[0] == '*' || field[0] == 0)
        return JA_OK;
    a->user.password_hash = strdup(field);
    return a->user.password_hash ? JA_OK : ja_fail_nomem(err);
}

bool ja_import_locked(const struct ja_import_account *a)
{
    return a->locked || a->over_age;
}

/* An earlier run, whole or interrupted between row and mark, is gone on with. */
static enum ja_status look_for(struct judge *j, struct ja_import_account *a, const struct ja_local_entry *local,
                               struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find_by_name(j->ctx, a->row.name, &u, err);

    if (st == JA_ERR_NOT_FOUND)
        return JA_OK;
    if (st == JA_OK && u.uid != a->user.uid)
        st = ja_fail(err, JA_ERR_EXISTS, "username_taken", "user name is already in use, with uid %lld",
                     (long long)u.uid);
    if (st == JA_OK && u.adopted && local && !local->adopted && j->mode->adopt)
        (void)snprintf(a->user.id, sizeof a->user.id, "%s", u.id); /* only the mark is missing */
    else if (st == JA_OK)
        a->row.outcome = JA_IMPORT_UNCHANGED;
    ja_user_clear(&u);
    return st;
}

static enum ja_status replace(char **dst, const char *text, struct ja_error *err)
{
    char *copy = strdup(text);

    if (!copy)
        return ja_fail_nomem(err);
    free(*dst);
    *dst = copy;
    return JA_OK;
}

/* uid, gid, home, shell and password are those of this host, whatever the file says of a person with this name. */
static enum ja_status take_over(struct ja_import_account *a, const struct ja_local_entry *e, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (e->uid != a->user.uid)
        return ja_fail(err, JA_ERR_CONFLICT, "uid_differs",
                       "/etc/passwd of this host has another %s, with uid %lld", a->row.name, (long long)e->uid);
    if (!e->field)
        return ja_fail(err, JA_ERR_CONFLICT, "no_shadow_entry", "/etc/shadow of this host has no entry for %s",
                       a->row.name);
    st = ja_import_password(a, e->field, err);
    if (st == JA_OK)
        st = replace(&a->user.home, e->home, err);
    if (st == JA_OK)
        st = replace(&a->user.shell, e->shell, err);
    a->user.gid = e->gid;
    a->user.adopted = true;
    a->taken_over = true;
    return st;
}

static enum ja_status refuse_local(const struct ja_import_account *a, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CONFLICT, "local_user", "%s is a local user (/etc/passwd) and stays one without --adopt",
                   a->row.name);
}

static enum ja_status check_uid(struct judge *j, int64_t uid, struct ja_error *err)
{
    const struct ja_local_entry *local = ja_local_table_uid(j->local, uid);
    struct ja_user other = {0};
    int64_t max = j->ctx->cfg->accounts.uid_max;
    enum ja_status st;

    if (uid < JA_IMPORT_UID_MIN || uid > max || uid == JA_UID_OVERFLOW || uid == 65535)
        return ja_fail(err, JA_ERR_INVALID, "uid_out_of_range",
                       "uid %lld is not in %d to %lld (uid_max in [accounts]), where accounts can be imported",
                       (long long)uid, JA_IMPORT_UID_MIN, (long long)max);
    if (local)
        return ja_fail(err, JA_ERR_CONFLICT, "local_user", "uid %lld belongs to the local user %.32s", (long long)uid,
                       local->name);
    st = ja_user_find_by_uid(j->ctx, uid, &other, err);
    if (st == JA_OK)
        st = ja_fail(err, JA_ERR_EXISTS, "uid_taken", "uid %lld is already in use (%s)", (long long)uid,
                     other.username);
    else if (st == JA_ERR_NOT_FOUND)
        st = ja_posix_id_check(j->ctx, uid, "", err);
    ja_user_clear(&other);
    return st;
}

/* A group of the system's own does not come along: the account gets one of its own instead. */
static enum ja_status check_gid(struct judge *j, struct ja_import_account *a, struct ja_error *err)
{
    int64_t gid = a->user.gid;

    if (gid < JA_IMPORT_UID_MIN) {
        ja_import_note(&a->row, "its group is one of the system: it gets one of its own, with the number of the uid");
        gid = a->user.gid = a->user.uid;
    }
    if (gid > j->ctx->cfg->accounts.uid_max || gid == 65534 || gid == 65535)
        return ja_fail(err, JA_ERR_INVALID, "uid_out_of_range", "gid %lld is not in %d to %lld (uid_max in [accounts])",
                       (long long)gid, JA_IMPORT_UID_MIN, (long long)j->ctx->cfg->accounts.uid_max);
    if (ja_local_table_gid(j->local, gid))
        return ja_fail(err, JA_ERR_CONFLICT, "gid_taken", "gid %lld belongs to a group of /etc/group", (long long)gid);
    return ja_posix_gid_check(j->ctx, gid, err);
}

static enum ja_status check_password(struct ja_import_account *a, struct ja_error *err)
{
    if (!a->user.password_hash) {
        ja_import_note(&a->row, "has no password: authctl password set gives one");
        return JA_OK;
    }
    return ja_password_hash_check(a->user.password_hash, err);
}

static enum ja_status judge_new(struct judge *j, struct ja_import_account *a, const struct ja_local_entry *local,
                                struct ja_error *err)
{
    /* passwd(5): an empty shell means /bin/sh; an empty home is ours to choose */
    struct ja_user_spec paths = {.shell = a->user.shell && a->user.shell[0] ? NULL : "/bin/sh"};
    enum ja_status st;

    if (local && !j->mode->adopt)
        return refuse_local(a, err);
    st = local ? take_over(a, local, err) : check_uid(j, a->user.uid, err);
    if (st == JA_OK && !local)
        st = check_gid(j, a, err);
    if (st == JA_OK && a->user.home && !a->user.home[0]) {
        free(a->user.home);
        a->user.home = NULL;
    }
    if (a->user.home)
        paths.home = a->user.home;
    if (a->user.shell && a->user.shell[0])
        paths.shell = a->user.shell;
    if (st == JA_OK)
        st = ja_field_paths(j->ctx, &paths, &a->user, err);
    return st == JA_OK ? check_password(a, err) : st;
}

static enum ja_status judge_row(struct judge *j, struct ja_import_account *a, struct ja_error *err)
{
    const struct ja_local_entry *local = ja_local_table_name(j->local, a->row.name);
    struct ja_error why = {0};
    enum ja_status st = ja_field_username(a->row.name, &a->user, &why);

    a->user.status = JA_USER_ACTIVE;
    if (st == JA_OK)
        st = a->user.uid ? ja_caller_may_all(j->ctx, &why)
                         : ja_caller_may_name(j->ctx, a->row.name, JA_MAY_CHANGE, &why);
    if (st == JA_OK)
        st = look_for(j, a, local, &why);
    if (st == JA_OK && a->row.outcome == JA_IMPORT_READY)
        st = judge_new(j, a, local, &why);
    return ja_import_judged(&a->row, st, &why, err);
}

/* ---- the file as a whole ---- */

static int by_uid(const void *a, const void *b)
{
    const struct ja_import_account *x = *(struct ja_import_account *const *)a;
    const struct ja_import_account *y = *(struct ja_import_account *const *)b;

    if (x->user.uid != y->user.uid)
        return x->user.uid < y->user.uid ? -1 : 1;
    return x->row.line < y->row.line ? -1 : x->row.line > y->row.line;
}

static enum ja_status refuse_uid_twins(struct ja_import_account *rows, size_t n, struct ja_error *err)
{
    struct ja_import_account **sorted = calloc(n + 1, sizeof *sorted);
    struct ja_error why = {0};
    size_t m = 0;

    if (!sorted)
        return ja_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        if (rows[i].row.outcome == JA_IMPORT_READY)
            sorted[m++] = &rows[i];
    if (m > 0)
        qsort(sorted, m, sizeof(struct ja_import_account *), by_uid);
    for (size_t i = 1; i < m; i++) {
        if (sorted[i]->user.uid != sorted[i - 1]->user.uid)
            continue;
        (void)ja_fail(&why, JA_ERR_INVALID, "duplicate_uid", "uid %lld stands in the file twice",
                      (long long)sorted[i]->user.uid);
        ja_import_refuse(&sorted[i]->row, JA_IMPORT_FAILED, &why);
    }
    free(sorted);
    return JA_OK;
}

static enum ja_status judge_all(struct judge *j, struct ja_import_account *rows, size_t n, struct ja_error *err)
{
    enum ja_status st = ja_import_refuse_twins(rows, n, sizeof *rows, err);

    if (st == JA_OK)
        st = refuse_uid_twins(rows, n, err);
    for (size_t i = 0; st == JA_OK && i < n; i++)
        if (rows[i].row.outcome == JA_IMPORT_READY)
            st = judge_row(j, &rows[i], err);
    return st;
}

/* ---- writing ---- */

static enum ja_status write_row(struct ja_ctx *ctx, struct ja_import_account *a, const char *source,
                                struct ja_error *err)
{
    const char *scheme = ja_password_scheme(a->user.password_hash);
    enum ja_status st;

    if (a->user.id[0])
        return JA_OK; /* there already: its mark is to be written */
    st = ja_user_insert(ctx, &a->user, err);
    if (st == JA_OK && ja_import_locked(a))
        st = ja_user_set_status(ctx, a->user.id, JA_USER_LOCKED, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "user.import", a->user.username,
                              json_pack("{s:s, s:s, s:I, s:b, s:b, s:s?}", "source", source, "id", a->user.id, "uid",
                                        (json_int_t)a->user.uid, "adopted", (int)a->user.adopted, "locked",
                                        (int)ja_import_locked(a), "scheme", scheme),
                              err);
    return st;
}

static enum ja_status write_all(struct judge *j, struct ja_import_account *rows, size_t n, struct ja_error *err)
{
    struct ja_error why = {0};
    size_t written = 0;
    enum ja_status st = ja_db_begin(j->ctx->db, err);

    if (st != JA_OK)
        return st;
    for (size_t i = 0; st == JA_OK && i < n; i++) {
        if (rows[i].row.outcome == JA_IMPORT_READY) {
            st = write_row(j->ctx, &rows[i], j->mode->source, &why);
            if (st != JA_OK) /* taken since it was judged */
                st = ja_fail(err, st, why.code, "%s: %s", rows[i].row.name, why.message);
            written++;
        }
        ja_import_tell(j->mode, i + 1, n);
    }
    if (st == JA_OK)
        st = ja_import_summary(j->ctx, j->mode, written, err);
    return ja_tx_end(j->ctx, st, err);
}

/* ---- marks ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool to_be_marked(const struct ja_import_account *a)
{
    return a->row.outcome == JA_IMPORT_READY && a->taken_over;
}

static enum ja_status mark_all(struct ja_import_account *rows, size_t n, struct ja_error *err)
{
    const char **names = calloc(n + 1, sizeof *names);
    size_t m = 0;
    enum ja_status st = JA_OK;

    if (!names)
        return ja_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        if (to_be_marked(&rows[i]))
            names[m++] = rows[i].row.name;
    if (m > 0) {
        qsort(names, m, sizeof(const char *), by_text);
        st = ja_local_mark_all(names, m, err);
    }
    free(names);
    return st;
}

/* Without the mark they are local users as before; their rows would only be in the way of another try. */
static enum ja_status take_back(struct ja_ctx *ctx, const struct ja_import_account *rows, size_t n)
{
    enum ja_status st = ja_db_begin(ctx->db, NULL);

    if (st != JA_OK)
        return st;
    for (size_t i = 0; st == JA_OK && i < n; i++) {
        if (!to_be_marked(&rows[i]))
            continue;
        st = ja_user_delete(ctx, rows[i].user.id, NULL);
        if (st == JA_OK)
            st = ja_account_audit(ctx, "user.adopt_undone", rows[i].user.username, NULL, NULL);
    }
    return ja_tx_end(ctx, st, NULL);
}

static enum ja_status carry_out(struct judge *j, struct ja_import_account *rows, size_t n, struct ja_error *err)
{
    enum ja_status st = write_all(j, rows, n, err);

    if (st != JA_OK)
        return st;
    st = mark_all(rows, n, err);
    if (st != JA_OK && take_back(j->ctx, rows, n) != JA_OK)
        ja_log_write(&j->ctx->log, LOG_WARNING,
                     "local users are in the store but not marked in /etc/shadow: they stay local; the same import "
                     "again goes on with them");
    for (size_t i = 0; st == JA_OK && i < n; i++) {
        if (rows[i].row.outcome != JA_IMPORT_READY)
            continue;
        rows[i].row.outcome = rows[i].taken_over ? JA_IMPORT_ADOPTED : JA_IMPORT_ADDED;
        if (rows[i].taken_over)
            ja_import_note(&rows[i].row, "uid, home and shell stay in /etc/passwd");
    }
    return st;
}

/* ---- all of it ---- */

static void hold_back(struct ja_import_account *rows, size_t n, bool planned)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].row.outcome == JA_IMPORT_READY)
            rows[i].row.outcome = !planned               ? JA_IMPORT_HELD
                                  : rows[i].taken_over ? JA_IMPORT_PLANNED_ADOPTION
                                                         : JA_IMPORT_PLANNED;
}

static enum ja_status run(struct judge *j, struct ja_import_account *rows, size_t n, struct ja_error *err)
{
    size_t failed = 0, ready = 0;
    enum ja_status st = judge_all(j, rows, n, err);

    if (st != JA_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        failed += rows[i].row.outcome == JA_IMPORT_FAILED ? 1 : 0;
        ready += rows[i].row.outcome == JA_IMPORT_READY ? 1 : 0;
    }
    if ((failed > 0 && !j->mode->skip_bad) || j->mode->dry_run) {
        hold_back(rows, n, failed == 0 || j->mode->skip_bad);
        return JA_OK;
    }
    return ready > 0 ? carry_out(j, rows, n, err) : JA_OK;
}

enum ja_status ja_import_accounts(struct ja_ctx *ctx, struct ja_import_account *rows, size_t n,
                                  const struct ja_import_mode *mode, struct ja_import_tally *ret, struct ja_error *err)
{
    struct judge j = {.ctx = ctx, .mode = mode};
    struct ja_import_tally t = {0};
    enum ja_status st = mode->adopt ? ja_caller_may_all(ctx, err) : JA_OK;

    if (st == JA_OK)
        st = ja_local_table_load(&j.local, err);
    if (st == JA_OK)
        st = run(&j, rows, n, err);
    ja_local_table_free(j.local);
    for (size_t i = 0; st == JA_OK && i < n; i++)
        ja_import_count(&rows[i].row, &t);
    if (st == JA_OK)
        *ret = t;
    return st;
}
