/* Which caller may do what to whom: every flow that changes or shows what is not the caller's own, each with every
 * kind of caller. A refusal is "forbidden" and leaves the store as it was. */
#include "common/domain/audit.h"
#include "common/flow/account_internal.h"
#include "common/flow/contact_flow.h"
#include "common/flow/import_flow.h"
#include "common/flow/key_flow.h"
#include "common/flow/look_flow.h"
#include "common/flow/purge_flow.h"
#include "common/flow/role_flow.h"
#include "common/flow/service_flow.h"
#include "common/flow/session_flow.h"
#include "common/flow/ssh_key_flow.h"
#include "common/flow/throttle_flow.h"
#include "common/notify/deliver.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SOON (JA_TEST_EPOCH + 3600)

struct cell {
    struct ja_test_store *t;
    struct ja_ctx *ctx, watcher;
    struct ja_error err;
    char user[16], id[JA_UUID_LEN + 1]; /* whom it is done to: a fresh one in each cell */
    char session[JA_UUID_LEN + 1];
    char service[24]; /* with the same role */
    struct ja_secret password;
    int n; /* targets made */
};

static enum ja_status seen_user(void *arg, const struct ja_user *u) { (void)arg; (void)u; return JA_OK; }
static enum ja_status seen_session(void *arg, const struct ja_session *s) { (void)arg; (void)s; return JA_OK; }
static enum ja_status seen_role(void *arg, const struct ja_role *r) { (void)arg; (void)r; return JA_OK; }
static enum ja_status seen_grant(void *arg, const struct ja_grant *g) { (void)arg; (void)g; return JA_OK; }
static enum ja_status seen_held(void *arg, const struct ja_held_permission *p) { (void)arg; (void)p; return JA_OK; }
static enum ja_status seen_row(void *arg, const struct ja_audit_row *r) { (void)arg; (void)r; return JA_OK; }
static enum ja_status seen_count(void *arg, const struct ja_throttle_row *r) { (void)arg; (void)r; return JA_OK; }
static enum ja_status seen_mail(void *arg, const struct ja_outbox_row *r) { (void)arg; (void)r; return JA_OK; }
static enum ja_status seen_api(void *arg, const struct ja_api_key *k) { (void)arg; (void)k; return JA_OK; }
static enum ja_status seen_key(void *arg, const struct ja_key_info *k) { (void)arg; (void)k; return JA_OK; }

/* ---- the flows ---- */

#define FLOW(name) static enum ja_status name(struct cell *c)

static enum ja_status add_with(struct cell *c, const char *role)
{
    const char *roles[] = {role};
    char name[24];

    (void)snprintf(name, sizeof name, "n%s", c->user);
    return ja_account_add(c->ctx, &(struct ja_user_spec){.username = name, .roles = roles, .nroles = role ? 1 : 0}, NULL,
                          NULL, &c->err);
}

FLOW(user_add) { return add_with(c, NULL); }
FLOW(user_add_uid)
{
    char name[24];

    (void)snprintf(name, sizeof name, "u%s", c->user);
    return ja_account_add(c->ctx, &(struct ja_user_spec){.username = name, .uid = c->ctx->cfg->accounts.uid_max - c->n},
                          NULL, NULL, &c->err);
}
FLOW(user_add_admin) { return add_with(c, "admin"); }
FLOW(user_invite)
{
    struct ja_sent sent;
    struct ja_user u = {0};
    char name[24], email[40];
    enum ja_status st;

    (void)snprintf(name, sizeof name, "i%s", c->user);
    (void)snprintf(email, sizeof email, "%s@example.org", name);
    st = ja_account_invite(c->ctx, &(struct ja_user_spec){.username = name, .email = email}, &u, &sent, &c->err);
    ja_user_clear(&u);
    return st;
}
FLOW(invite_again)
{
    struct ja_sent sent;
    enum ja_status st = ja_account_invite_again(c->ctx, c->user, &sent, &c->err);

    return st == JA_ERR_CONFLICT ? JA_OK : st; /* let through to the rule that an active one waits for nothing */
}
static enum ja_status modify(struct cell *c, const struct ja_user_spec *spec)
{
    struct ja_user u = {0};
    enum ja_status st = ja_account_modify(c->ctx, c->user, spec, &u, &c->err);

    ja_user_clear(&u);
    return st;
}
FLOW(user_modify) { return modify(c, &(struct ja_user_spec){.full_name = "Other"}); }
FLOW(user_modify_role)
{
    return modify(c, &(struct ja_user_spec){.roles = (const char *[]){"manager"}, .nroles = 1});
}
FLOW(user_lock) { return ja_account_lock(c->ctx, c->user, 0, NULL, &c->err); }
FLOW(user_lock_at) { return ja_account_lock(c->ctx, c->user, SOON, NULL, &c->err); }
FLOW(user_disable) { return ja_account_disable(c->ctx, c->user, NULL, &c->err); }
FLOW(user_delete) { return ja_account_delete(c->ctx, c->user, &c->err); }
FLOW(user_unlock)
{
    enum ja_status st = ja_account_unlock(c->ctx, c->user, &c->err);

    return st == JA_ERR_CONFLICT ? JA_OK : st; /* was not locked */
}
FLOW(user_enable)
{
    enum ja_status st = ja_account_enable(c->ctx, c->user, &c->err);

    return st == JA_ERR_CONFLICT ? JA_OK : st; /* was not disabled */
}
FLOW(user_release)
{
    enum ja_status st = ja_account_release(c->ctx, c->user, &c->err);

    return st == JA_ERR_CONFLICT ? JA_OK : st; /* was not adopted */
}
FLOW(password_set) { return ja_account_password_set(c->ctx, c->user, &c->password, true, NULL, &c->err); }
FLOW(password_expire) { return ja_account_password_expire(c->ctx, c->user, &c->err); }
FLOW(password_check)
{
    struct ja_policy_report report = {0};

    return ja_account_password_check(c->ctx, c->user, &c->password, &report, &c->err);
}
FLOW(profile_set)
{
    struct ja_sent sent[2];
    struct ja_user u = {0};
    size_t n = 0;
    enum ja_status st =
        ja_contact_profile(c->ctx, c->user, &(struct ja_user_spec){.full_name = "Other"}, &u, sent, &n, &c->err);

    ja_user_clear(&u);
    return st;
}
FLOW(totp_enroll)
{
    struct ja_totp t = {0};
    enum ja_status st = ja_account_totp_enroll(c->ctx, c->user, JA_TOTP_SHA1, 6, &t, &c->err);

    ja_totp_clear(&t);
    return st;
}
FLOW(totp_disable)
{
    enum ja_status st = ja_account_totp_disable(c->ctx, c->user, &c->err);

    return st == JA_ERR_NOT_FOUND ? JA_OK : st; /* has none */
}
FLOW(recovery_codes)
{
    struct ja_secret codes = {0};
    enum ja_status st = ja_account_recovery_regenerate(c->ctx, c->user, &codes, &c->err);

    return st == JA_ERR_CONFLICT || st == JA_ERR_NOT_FOUND ? JA_OK : st; /* has no second factor */
}
FLOW(user_show)
{
    struct ja_user u = {0};
    enum ja_status st = ja_look_user(c->ctx, c->user, &u, &c->err);

    ja_user_clear(&u);
    return st;
}
FLOW(user_list) { return ja_look_users(c->ctx, &(struct ja_user_filter){0}, seen_user, NULL, &c->err); }
FLOW(user_permissions) { return ja_look_permissions(c->ctx, c->user, seen_held, NULL, &c->err); }
FLOW(user_can)
{
    bool held = false;

    return ja_look_can(c->ctx, c->user, "a:b", NULL, &held, NULL, &c->err);
}
FLOW(session_list)
{
    return ja_look_sessions(c->ctx, c->user, &(struct ja_session_filter){0}, seen_session, NULL, &c->err);
}
FLOW(session_list_all)
{
    return ja_look_sessions(c->ctx, NULL, &(struct ja_session_filter){0}, seen_session, NULL, &c->err);
}
FLOW(session_show)
{
    struct ja_session s = {0};
    enum ja_status st = ja_look_session(c->ctx, c->session, &s, &c->err);

    ja_session_clear(&s);
    return st;
}
FLOW(session_revoke) { return ja_session_close(c->ctx, c->session, "revoked", NULL, &c->err); }
FLOW(session_revoke_user) { return ja_session_close_user(c->ctx, c->id, "revoked", NULL, &c->err); }
FLOW(ssh_key_add)
{
    static const char line[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDPkgcanvKmpGOqVFTbvwXePvKhPRVHJ8eUj9ysIfin7 a\n";
    struct ja_ssh_key *keys = NULL;
    size_t n = 0;
    enum ja_status st = ja_ssh_key_add_flow(c->ctx, c->user, line, sizeof line - 1, 0, &keys, &n, &c->err);

    free(keys);
    return st;
}
FLOW(ssh_key_list)
{
    enum ja_status st = ja_ssh_key_list_flow(c->ctx, c->user, NULL, 0, NULL, NULL, &c->err);

    return st;
}
FLOW(api_key_list)
{
    return ja_look_api_keys(c->ctx, c->user, &(struct ja_api_key_filter){0}, seen_api, NULL, &c->err);
}
FLOW(api_key_add)
{
    struct ja_api_key k = {0};
    struct ja_secret text = {0};
    enum ja_status st = ja_service_key_add(c->ctx, c->service, NULL, 0, &k, &text, &c->err);

    ja_secret_clear(&text);
    return st;
}
/* Each row answers for itself. */
static enum ja_status row_said(struct cell *c, enum ja_status st, const struct ja_import_row *row)
{
    if (st != JA_OK || row->outcome != JA_IMPORT_FAILED)
        return st;
    (void)snprintf(c->err.code, sizeof c->err.code, "%s", row->code);
    return row->status;
}
static enum ja_status import_one(struct cell *c, bool adopt)
{
    struct ja_import_account a = {.row = {.line = 1}};
    struct ja_import_mode mode = {.source = "shadow", .skip_bad = true, .adopt = adopt};
    struct ja_import_tally tally = {0};
    enum ja_status st;

    (void)snprintf(a.row.name, sizeof a.row.name, "m%s", c->user);
    memcpy(a.user.username, a.row.name, sizeof a.user.username);
    a.user.uid = c->ctx->cfg->accounts.uid_max - 1000 - c->n;
    st = row_said(c, ja_import_accounts(c->ctx, &a, 1, &mode, &tally, &c->err), &a.row);
    ja_import_account_clear(&a);
    return st;
}
FLOW(user_import) { return import_one(c, false); }
FLOW(user_import_adopt) { return import_one(c, true); }
FLOW(factor_import)
{
    struct ja_import_factor f = {.row = {.line = 1}, .totp = {.algorithm = JA_TOTP_SHA1, .digits = 6, .period = 30}};
    struct ja_import_mode mode = {.source = "oath-users", .skip_bad = true};
    struct ja_import_tally tally = {0};
    enum ja_status st = ja_secret_from(&f.totp.secret, "12345678901234567890", 20, &c->err);

    (void)snprintf(f.row.name, sizeof f.row.name, "%s", c->user);
    if (st == JA_OK)
        st = row_said(c, ja_import_factors(c->ctx, &f, 1, &mode, &tally, &c->err), &f.row);
    ja_import_factor_clear(&f);
    return st;
}
FLOW(token_issue)
{
    struct ja_minted m = {0};
    enum ja_status st = ja_token_issue(c->ctx, c->user, NULL, NULL, 60, &m, &c->err);

    ja_minted_clear(&m);
    return st;
}
FLOW(audit_list) { return ja_look_audit(c->ctx, &(struct ja_audit_filter){0}, seen_row, NULL, &c->err); }
FLOW(audit_verify)
{
    struct ja_audit_report report = {0};

    return ja_look_audit_check(c->ctx, &(struct ja_audit_check){0}, &report, &c->err);
}
FLOW(audit_rotate)
{
    struct ja_audit_rotation r;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s.jsonl", c->t->dir, c->user);
    return ja_audit_rotate(c->ctx, path, 1, &r, &c->err);
}
FLOW(role_list) { return ja_look_roles(c->ctx, NULL, 0, seen_role, NULL, &c->err); }
FLOW(role_show)
{
    struct ja_role r;

    return ja_look_role(c->ctx, "agent", &r, &c->err);
}
FLOW(role_grants)
{
    return ja_look_grants(c->ctx, c->user, &(struct ja_grant_filter){0}, seen_grant, NULL, &c->err);
}
FLOW(role_grant) { return ja_role_grant_flow(c->ctx, c->user, "manager", 0, &c->err); }
FLOW(role_revoke)
{
    enum ja_status st = ja_role_revoke_flow(c->ctx, c->user, "user", &c->err);

    return st == JA_ERR_NOT_FOUND ? JA_OK : st; /* the strong one has another */
}
FLOW(role_add)
{
    char name[24];

    (void)snprintf(name, sizeof name, "r%s", c->user);
    return ja_role_add_flow(c->ctx, name, NULL, NULL, 0, &c->err);
}
FLOW(role_permit) { return ja_role_permit_flow(c->ctx, "user", "a:b", NULL, &c->err); }
FLOW(key_list) { return ja_look_keys(c->ctx, seen_key, NULL, &c->err); }
FLOW(key_rotate)
{
    struct ja_key_info active;
    bool rotated = false;

    return ja_key_rotate(c->ctx, JA_ALG_ES256, false, &rotated, &active, &c->err);
}
FLOW(key_retire)
{
    enum ja_status st = ja_key_retire(c->ctx, "nonesuch", &c->err);

    return st == JA_ERR_NOT_FOUND ? JA_OK : st;
}
FLOW(throttle_list) { return ja_look_throttle(c->ctx, &(struct ja_throttle_filter){0}, seen_count, NULL, &c->err); }
FLOW(throttle_clear)
{
    int64_t n = 0;

    return ja_throttle_forget_flow(c->ctx, &(struct ja_throttle_filter){0}, "all", &n, &c->err);
}
FLOW(outbox_list) { return ja_look_outbox(c->ctx, &(struct ja_outbox_filter){0}, seen_mail, NULL, &c->err); }
FLOW(outbox_flush)
{
    struct ja_delivery sum = {0};

    return ja_deliver_due(c->ctx, NULL, &sum, &c->err);
}
FLOW(outbox_drop)
{
    enum ja_status st = ja_outbox_drop(c->ctx, "nonesuch", &c->err);

    return st == JA_ERR_NOT_FOUND ? JA_OK : st;
}
FLOW(purge)
{
    struct ja_purged p;

    return ja_purge(c->ctx, false, &p, &c->err);
}

/* ---- the callers ---- */

static const char *const callers[] = {"root",     "user:ada",  "user:mona", "user:agnes", "user:uma",
                                      "user:cora", "user:dora", "user:lola", "user:ghost", "user"};
#define CALLERS (sizeof callers / sizeof *callers)

/* A column for each: root, admin, manager, agent, user, compliance, a disabled admin, an admin whose planned lock has
 * come, nobody's name, no name. '+': done. The weak target has the role user, the strong one admin. */
static const struct flow {
    const char *name;
    enum ja_status (*run)(struct cell *c);
    const char *weak, *strong; /* NULL: not to anybody in particular */
} flows[] = {
    {"user add", user_add, "+++-------", NULL},
    {"user add --uid", user_add_uid, "++--------", NULL},
    {"user add --role admin", user_add_admin, "++--------", NULL},
    {"user add --invite", user_invite, "+++-------", NULL},
    {"user invite", invite_again, "+++-------", "++--------"},
    {"user modify", user_modify, "+++-------", "++--------"},
    {"user modify --role", user_modify_role, "++--------", "++--------"},
    {"user lock", user_lock, "+++-------", "++--------"},
    {"user lock --at", user_lock_at, "+++-------", "++--------"},
    {"user unlock", user_unlock, "+++-------", "++--------"},
    {"user disable", user_disable, "+++-------", "++--------"},
    {"user enable", user_enable, "+++-------", "++--------"},
    {"user delete", user_delete, "+++-------", "++--------"},
    {"user release", user_release, "++--------", "++--------"},
    {"user show", user_show, "++++-+----", "++++-+----"},
    {"user list", user_list, "++++-+----", NULL},
    {"user permissions", user_permissions, "++++-+----", "++++-+----"},
    {"can", user_can, "++++-+----", "++++-+----"},
    {"password set", password_set, "+++-------", "++--------"},
    {"password expire", password_expire, "+++-------", "++--------"},
    {"password check --user", password_check, "+++-------", "++--------"},
    {"profile set", profile_set, "+++-------", "++--------"},
    {"totp enroll", totp_enroll, "+++-------", "++--------"},
    {"totp disable", totp_disable, "+++-------", "++--------"},
    {"recovery-codes regenerate", recovery_codes, "+++-------", "++--------"},
    {"import shadow", user_import, "++--------", NULL},
    {"import shadow --adopt", user_import_adopt, "++--------", NULL},
    {"import oath-users", factor_import, "+++-------", "++--------"},
    {"ssh-key add", ssh_key_add, "+++-------", "++--------"},
    {"ssh-key list", ssh_key_list, "++++-+----", "++++-+----"},
    {"api-key list", api_key_list, "++++-+----", "++++-+----"},
    {"api-key add", api_key_add, "+++-------", "++--------"},
    {"session list --user", session_list, "+++--+----", "+++--+----"},
    {"session list", session_list_all, "+++--+----", NULL},
    {"session show", session_show, "+++--+----", "+++--+----"},
    {"session revoke", session_revoke, "+++-------", "+++-------"},
    {"session revoke --user", session_revoke_user, "+++-------", "+++-------"},
    {"token issue", token_issue, "++--------", "++--------"},
    {"audit list", audit_list, "++---+----", NULL},
    {"audit verify", audit_verify, "++---+----", NULL},
    {"audit rotate", audit_rotate, "++--------", NULL},
    {"role list", role_list, "+++--+----", NULL},
    {"role show", role_show, "+++--+----", NULL},
    {"role grants --user", role_grants, "+++--+----", "+++--+----"},
    {"role grant", role_grant, "++--------", "++--------"},
    {"role revoke", role_revoke, "++--------", "++--------"},
    {"role add", role_add, "++--------", NULL},
    {"role permit", role_permit, "++--------", NULL},
    {"key list", key_list, "++--------", NULL},
    {"key rotate", key_rotate, "++--------", NULL},
    {"key retire", key_retire, "++--------", NULL},
    {"throttle list", throttle_list, "++--------", NULL},
    {"throttle clear", throttle_clear, "++--------", NULL},
    {"outbox list", outbox_list, "++--------", NULL},
    {"outbox flush", outbox_flush, "++--------", NULL},
    {"outbox drop", outbox_drop, "++--------", NULL},
    {"purge", purge, "++--------", NULL},
};

static void person(struct cell *c, const char *name, const char *role, char id[JA_UUID_LEN + 1])
{
    ja_test_user(c->t, name, NULL, id);
    assert_int_equal(ja_role_grant_flow(c->ctx, name, role, 0, NULL), JA_OK);
}

static int up(void **state)
{
    static struct cell c;
    char id[JA_UUID_LEN + 1];

    c = (struct cell){.t = ja_test_store_new("dictionary = no\n")};
    c.ctx = &c.t->ctx;
    person(&c, "ada", "admin", id);
    person(&c, "adam", "admin", id); /* so that none of them is the last */
    person(&c, "mona", "manager", id);
    person(&c, "agnes", "agent", id);
    person(&c, "uma", "user", id);
    person(&c, "cora", "compliance", id);
    person(&c, "dora", "admin", id);
    person(&c, "lola", "admin", id);
    assert_int_equal(ja_account_disable(c.ctx, "dora", NULL, NULL), JA_OK);
    assert_int_equal(ja_account_lock(c.ctx, "lola", JA_TEST_EPOCH + 1, NULL, NULL), JA_OK);
    ja_fake_clock_advance(&c.t->clock, 1);
    assert_int_equal(ja_secret_from(&c.password, "Correct-Horse-7", 15, NULL), JA_OK);
    ja_test_store_second(c.t, &c.watcher);
    *state = &c;
    return 0;
}

static int down(void **state)
{
    struct cell *c = *state;

    ja_secret_clear(&c->password);
    ja_ctx_clear(&c->watcher);
    ja_test_store_free(c->t);
    return 0;
}

/* Counts what others have committed (sqlite.org, PRAGMA data_version): whatever it was, in whatever table. */
static int64_t version(struct cell *c)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n = 0;

    assert_int_equal(ja_db_query(c->watcher.db, "PRAGMA data_version", JA_NO_BINDS, &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = ja_col_int(rows, "data_version");
    ja_rows_end(rows);
    return n;
}

static void fresh_target(struct cell *c, bool strong)
{
    struct ja_session s = {.service = "sshd", .amr = "pwd", .auth_time = JA_TEST_EPOCH, .ends_at = SOON};

    (void)snprintf(c->user, sizeof c->user, "t%d", c->n++);
    person(c, c->user, strong ? "admin" : "user", c->id);
    assert_int_equal(ja_db_begin(c->ctx->db, NULL), JA_OK);
    (void)snprintf(s.user_id, sizeof s.user_id, "%s", c->id);
    assert_int_equal(ja_session_insert(c->ctx, &s, NULL), JA_OK);
    assert_int_equal(ja_user_set_password(c->ctx, c->id, "*", false, NULL), JA_OK);
    assert_int_equal(ja_db_commit(c->ctx->db, NULL), JA_OK);
    memcpy(c->session, s.id, sizeof c->session);
    (void)snprintf(c->service, sizeof c->service, "s%s", c->user);
    assert_int_equal(ja_account_add(c->ctx, &(struct ja_user_spec){.username = c->service, .service = true,
                     .roles = (const char *[]){strong ? "admin" : "user"}, .nroles = 1}, NULL, NULL, NULL), JA_OK);
}

static enum ja_status as(struct cell *c, const char *caller, const struct flow *f)
{
    enum ja_status st;

    c->err = (struct ja_error){0};
    c->ctx->actor.name = caller;
    st = f->run(c);
    c->ctx->actor.name = "root";
    return st;
}

static void check(struct cell *c, const struct flow *f, size_t i, bool strong)
{
    const char *name = callers[i];
    bool allowed = (strong ? f->strong : f->weak)[i] == '+';
    int64_t before = version(c);
    enum ja_status st;

    fresh_target(c, strong);
    assert_true(version(c) != before); /* it does see what is committed */
    before = version(c);
    st = as(c, name, f);
    if (allowed && st != JA_OK)
        fail_msg("%s by %s, %s target: refused, %s", f->name, name, strong ? "strong" : "weak", c->err.message);
    if (!allowed && (st != JA_ERR_FORBIDDEN || strcmp(c->err.code, "forbidden") != 0))
        fail_msg("%s by %s, %s target: status %d %s", f->name, name, strong ? "strong" : "weak", (int)st, c->err.code);
    if (!allowed && version(c) != before)
        fail_msg("%s by %s, %s target: refused, and the store has changed", f->name, name, strong ? "strong" : "weak");
}

static void every_flow_asks_every_caller(void **state)
{
    struct cell *c = *state;
    size_t cells = 0;

    for (size_t f = 0; f < sizeof flows / sizeof *flows; f++)
        for (size_t i = 0; i < 2 * CALLERS; i++)
            if (i < CALLERS ? flows[f].weak : flows[f].strong) {
                check(c, &flows[f], i % CALLERS, i >= CALLERS);
                cells++;
            }
    assert_true(cells >= 80);
    print_message("%zu cells\n", cells);
}

/* What does not exist is refused as what does: a caller without the permission does not learn which. */
static void nobody_learns_who_exists(void **state)
{
    struct cell *c = *state;
    size_t named = 0;

    for (size_t f = 0; f < sizeof flows / sizeof *flows; f++)
        if (flows[f].strong) {
            (void)snprintf(c->user, sizeof c->user, "nonesuch");
            (void)snprintf(c->session, sizeof c->session, "nonesuch");
            (void)snprintf(c->id, sizeof c->id, "nonesuch");
            (void)snprintf(c->service, sizeof c->service, "nonesuch");
            if (as(c, "user:uma", &flows[f]) != JA_ERR_FORBIDDEN)
                fail_msg("%s: %s", flows[f].name, c->err.code);
            named++;
        }
    assert_true(named > 20);
}

/* Profile, second factor and sessions are the person's own, by the role user or without any role; the rest of the account
 * is not. */
static void the_own_account(void **state)
{
    static const struct { const char *flow; char by_user, by_roleless, by_admin; } table[] = {
        {"profile set", '+', '+', '+'}, {"totp enroll", '+', '+', '+'}, {"totp disable", '+', '+', '+'},
        {"recovery-codes regenerate", '+', '+', '+'}, {"user show", '+', '+', '+'}, {"user permissions", '+', '+', '+'},
        {"can", '+', '+', '+'}, {"role grants --user", '+', '+', '+'}, {"session list --user", '+', '+', '+'},
        {"session show", '+', '+', '+'}, {"session revoke", '+', '+', '+'}, {"session revoke --user", '+', '+', '+'},
        {"token issue", '+', '+', '+'}, {"user modify", '-', '-', '+'}, {"user lock --at", '-', '-', '+'},
        {"user unlock", '-', '-', '+'}, {"password set", '-', '-', '+'}, {"password expire", '-', '-', '+'},
        {"password check --user", '-', '-', '+'}, {"session list", '-', '-', '+'}, {"user delete", '-', '-', '+'},
    };
    struct cell *c = *state;
    char caller[32];

    for (size_t i = 0; i < 3 * (sizeof table / sizeof *table); i++) {
        const struct flow *f = flows;
        char wanted = (i % 3 == 0 ? table[i / 3].by_user : i % 3 == 1 ? table[i / 3].by_roleless : table[i / 3].by_admin);
        enum ja_status st;

        while (strcmp(f->name, table[i / 3].flow) != 0)
            f++;
        fresh_target(c, i % 3 == 2);
        if (i % 3 == 1)
            assert_int_equal(ja_role_revoke_flow(c->ctx, c->user, "user", NULL), JA_OK);
        (void)snprintf(caller, sizeof caller, "user:%s", c->user);
        st = as(c, caller, f);
        if (st != (wanted == '+' ? JA_OK : JA_ERR_FORBIDDEN))
            fail_msg("%s of %s, kind %zu: %d %s", f->name, caller, i % 3, (int)st, c->err.message);
    }
}

/* Who was given a role has what it gives; and a narrowed token is narrow for those without a role too. */
static void a_role_that_gives_less_gives_less(void **state)
{
    struct cell *c = *state;
    const struct flow *set = flows;
    char self[32];

    while (strcmp(set->name, "profile set") != 0)
        set++;
    fresh_target(c, false);
    (void)snprintf(self, sizeof self, "user:%s", c->user);
    assert_int_equal(ja_role_revoke_flow(c->ctx, c->user, "user", NULL), JA_OK);
    assert_int_equal(as(c, self, set), JA_OK);
    c->ctx->actor.scope = "profile:read";
    assert_int_equal(as(c, self, set), JA_ERR_FORBIDDEN);
    c->ctx->actor.scope = NULL;
    assert_int_equal(ja_role_add_flow(c->ctx, "bare", NULL, NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(c->ctx, c->user, "bare", 0, NULL), JA_OK);
    assert_int_equal(as(c, self, set), JA_ERR_FORBIDDEN);
}

/* A manager's own account is the manager's to use, not to administer: no planned lock taken back. */
static void a_leaver_does_not_take_the_own_lock_back(void **state)
{
    struct cell *c = *state;
    struct ja_error err = {0};

    assert_int_equal(ja_account_lock(c->ctx, "mona", SOON, NULL, NULL), JA_OK);
    c->ctx->actor.name = "user:mona";
    assert_int_equal(ja_account_unlock(c->ctx, "mona", &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_account_modify(c->ctx, "mona", &(struct ja_user_spec){.valid_until = -1}, NULL, &err),
                     JA_ERR_FORBIDDEN);
    ja_fake_clock_advance(&c->t->clock, 3600);
    assert_int_equal(ja_account_lock(c->ctx, "uma", 0, NULL, &err), JA_ERR_FORBIDDEN);
    c->ctx->actor.name = "root";
}

/* pam_mkhomedir makes a home folder as root and gives it away: one under /etc/systemd/system would be root. */
static void home_and_shell_take_the_right_to_everything(void **state)
{
    static const struct ja_user_spec reaching[] = {
        {.username = "fresh", .home = "/etc/systemd/system/cron.service.d"}, {.username = "fresh", .shell = "/bin/sh"},
        {.username = "fresh", .uid = 200123}, {.username = "fresh", .gid = 200123},
        {.username = "fresh", .bind_uid = 33, .service = true}, {.username = "root", .adopt = true},
    };
    struct cell *c = *state;
    struct ja_user u = {0};

    for (size_t i = 0; i < sizeof reaching / sizeof *reaching; i++) {
        struct ja_user_spec change = reaching[i];
        struct ja_error err = {0};

        c->ctx->actor.name = "user:mona";
        assert_int_equal(ja_account_add(c->ctx, &reaching[i], NULL, NULL, &err), JA_ERR_FORBIDDEN);
        change.username = NULL;
        if (!change.adopt)
            assert_int_equal(ja_account_modify(c->ctx, "uma", &change, NULL, &err), JA_ERR_FORBIDDEN);
        c->ctx->actor.name = "root";
        assert_int_equal(ja_user_find_by_name(c->ctx, "fresh", &u, NULL), JA_ERR_NOT_FOUND);
    }
    c->ctx->actor.name = "user:adam";
    assert_int_equal(ja_account_modify(c->ctx, "uma", &(struct ja_user_spec){.home = "/srv/uma"}, NULL, NULL), JA_OK);
    c->ctx->actor.name = "root";
}

/* Hashing takes its time: the right is asked for once more in the transaction that adds. */
static void a_right_lost_while_hashing_adds_nobody(void **state)
{
    static const struct ja_add_as as = {JA_USER_ACTIVE, "user.add", JA_ADD_SILENT, false, false};
    const struct ja_user_spec spec = {.username = "fresh"};
    struct cell *c = *state;
    struct ja_error err = {0};
    struct ja_sent sent[2];
    struct ja_user u = {0};
    size_t n = 0;

    c->ctx->actor.name = "user:uma"; /* who has passed the first look with a role that is gone by now */
    assert_int_equal(ja_account_add_as(c->ctx, &spec, &as, NULL, NULL, sent, &n, &err), JA_ERR_FORBIDDEN);
    c->ctx->actor.name = "root";
    assert_int_equal(ja_user_find_by_name(c->ctx, "fresh", &u, NULL), JA_ERR_NOT_FOUND);
}

/* Permissions with a pattern, an action or a resource less, or a grant that ended, do not cover. */
static void the_stronger_is_out_of_reach(void **state)
{
    static const struct { const char *have, *on, *wanted, *wanted_on; bool covers; } table[] = {
        {"tenants:read", NULL, "tenants:read", NULL, true},
        {"tenants:read", NULL, "tenants:read", "tenant/42/*", true},
        {"tenants:read", "tenant/42/*", "tenants:read", NULL, false},
        {"tenants:read", "tenant/42/*", "tenants:read", "tenant/42/*", true},
        {"tenants:read", "tenant/*", "tenants:read", "tenant/42/*", true},
        {"tenants:read", "tenant/42/*", "tenants:read", "tenant/*", false},
        {"tenants:read", "tenant/*/x", "tenants:read", "tenant/42/x", true},
        {"tenants:read", "tenant/*/x", "tenants:read", "tenant/*/x", true},
        {"tenants:read", "tenant/42/x", "tenants:read", "tenant/*/x", false},
        {"tenants:read", "tenant/*/x", "tenants:read", "tenant/*", false},
        {"tenants:*", NULL, "tenants:read", NULL, true},
        {"tenants:read", NULL, "tenants:*", NULL, false},
        {"*:read", NULL, "tenants:read", NULL, true},
        {"*:read", NULL, "tenants:write", NULL, false},
        {"tenants:read", NULL, "*:read", NULL, false},
        {"tenants:read", NULL, "tenant:read", NULL, false},
        {"tenants:read", NULL, "tenants:rea", NULL, false},
    };
    struct cell *c = *state;
    char holder[JA_UUID_LEN + 1], other[JA_UUID_LEN + 1];

    person(c, "holder", "user", holder);
    person(c, "other", "user", other);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char have[16], wanted[16];
        bool covered = !table[i].covers;

        (void)snprintf(have, sizeof have, "have%zu", i);
        (void)snprintf(wanted, sizeof wanted, "wanted%zu", i);
        assert_int_equal(ja_role_add_flow(c->ctx, have, NULL, NULL, 0, NULL), JA_OK);
        assert_int_equal(ja_role_add_flow(c->ctx, wanted, NULL, NULL, 0, NULL), JA_OK);
        assert_int_equal(ja_role_permit_flow(c->ctx, have, table[i].have, table[i].on, NULL), JA_OK);
        assert_int_equal(ja_role_permit_flow(c->ctx, wanted, table[i].wanted, table[i].wanted_on, NULL), JA_OK);
        assert_int_equal(ja_role_grant_flow(c->ctx, "holder", have, 0, NULL), JA_OK);
        assert_int_equal(ja_role_grant_flow(c->ctx, "other", wanted, 0, NULL), JA_OK);
        assert_int_equal(ja_permission_covers_user(c->ctx, holder, other, &covered, NULL), JA_OK);
        if (covered != table[i].covers)
            fail_msg("%zu", i);
        assert_int_equal(ja_role_revoke_flow(c->ctx, "holder", have, NULL), JA_OK);
        assert_int_equal(ja_role_revoke_flow(c->ctx, "other", wanted, NULL), JA_OK);
    }
}

/* A role that permits nothing here may be sudo by require_role, a rule or a group: who holds it is no prey of a
 * helpdesk that neither holds the role nor may give it. */
static void a_role_without_permissions_is_a_right_too(void **state)
{
    static const struct { const char *own, *permission, *on; bool allowed; } table[] = {
        {NULL, NULL, NULL, false},
        {"wheel", NULL, NULL, true},
        {"overwheel", NULL, NULL, true}, /* inherits it */
        {NULL, "roles:write", "role/wheel", true},
        {NULL, "roles:write", "role/other", false},
        {NULL, "roles:read", NULL, false},
    };
    static const char *const inherits[] = {"wheel"};
    struct cell *c = *state;
    struct ja_ctx *ctx = c->ctx;
    char id[JA_UUID_LEN + 1], name[16], actor[32];

    assert_int_equal(ja_role_add_flow(ctx, "wheel", NULL, NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_add_flow(ctx, "overwheel", NULL, inherits, 1, NULL), JA_OK);
    person(c, "sudoer", "user", id);
    assert_int_equal(ja_role_grant_flow(ctx, "sudoer", "wheel", 0, NULL), JA_OK);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct ja_error err = {0};
        enum ja_status st;

        (void)snprintf(name, sizeof name, "desk%zu", i);
        person(c, name, "manager", id);
        if (table[i].own)
            assert_int_equal(ja_role_grant_flow(ctx, name, table[i].own, 0, NULL), JA_OK);
        (void)snprintf(actor, sizeof actor, "more%zu", i);
        assert_int_equal(ja_role_add_flow(ctx, actor, NULL, NULL, 0, NULL), JA_OK);
        if (table[i].permission) {
            assert_int_equal(ja_role_permit_flow(ctx, actor, table[i].permission, table[i].on, NULL), JA_OK);
            assert_int_equal(ja_role_grant_flow(ctx, name, actor, 0, NULL), JA_OK);
        }
        (void)snprintf(actor, sizeof actor, "user:%s", name);
        ctx->actor.name = actor;
        st = ja_account_modify(ctx, "sudoer", &(struct ja_user_spec){.full_name = "Sue"}, NULL, &err);
        if (st != (table[i].allowed ? JA_OK : JA_ERR_FORBIDDEN))
            fail_msg("%zu: %d %s", i, (int)st, err.message);
        assert_int_equal(ja_account_modify(ctx, "uma", &(struct ja_user_spec){.full_name = "Uma"}, NULL, &err), JA_OK);
        ctx->actor.name = "root";
    }
}

/* An administrator for an hour gives nothing that outlives the hour. */
static void nobody_gives_for_longer_than_held(void **state)
{
    struct cell *c = *state;
    struct ja_ctx *ctx = c->ctx;
    struct ja_error err = {0};
    int64_t end = ja_now(&ctx->clock) + 3600;
    char id[JA_UUID_LEN + 1];

    person(c, "hourly", "user", id);
    person(c, "friend", "user", id);
    assert_int_equal(ja_role_grant_flow(ctx, "hourly", "admin", end, NULL), JA_OK);
    ctx->actor.name = "user:hourly";
    assert_int_equal(ja_role_grant_flow(ctx, "friend", "admin", 0, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_grant_flow(ctx, "hourly", "admin", 0, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_grant_flow(ctx, "friend", "admin", end + 1, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_permit_flow(ctx, "user", "*:*", NULL, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_inherit_flow(ctx, "user", "admin", &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_grant_flow(ctx, "friend", "admin", end, &err), JA_OK);
    ja_fake_clock_advance(&c->t->clock, 3600);
    assert_int_equal(ja_account_lock(ctx, "uma", 0, NULL, &err), JA_ERR_FORBIDDEN);
    ctx->actor.name = "root";
}

/* A token narrowed to a scope reaches no further, over no account and no token of its own. */
static void a_narrowed_token_gives_no_more(void **state)
{
    static const struct { const char *scope, *flow; bool strong, allowed; } table[] = {
        {"users:write", "password set", false, true},   {"users:write", "password set", true, false},
        {"users:*", "user lock", false, true},          {"users:*", "user lock", true, false},
        {"*:*", "password set", true, true},            {"users:read", "password set", false, false},
        {"roles:write", "role grant", false, false},    {"*:*", "role grant", false, true},
        {"users:write roles:write", "user add --role admin", false, false}, {"users:read", "user show", true, true},
        {"audit:read", "user show", false, false},      {"", "user list", false, false},
        {"tokens:issue", "token issue", false, true},   {"tokens:issue", "token issue", true, false},
        {"sessions:read", "session list", false, true}, {"sessions:read", "session revoke", false, false},
    };
    static const struct { const char *scope, *flow; bool allowed; } own[] = {
        {"profile:read", "profile set", false},       {"profile:*", "profile set", true},
        {"profile:*", "session revoke", false},       {"sessions:own", "session revoke", true},
        {"sessions:own", "session list --user", true}, {"profile:read", "session list --user", false},
        {"profile:*", "token issue", false},          {"tokens:own", "token issue", true},
    };
    struct cell *c = *state;
    const struct flow *f;
    enum ja_status st;
    char self[32];

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (f = flows; strcmp(f->name, table[i].flow) != 0;)
            f++;
        fresh_target(c, table[i].strong);
        c->ctx->actor.scope = table[i].scope;
        st = as(c, "user:ada", f);
        c->ctx->actor.scope = NULL;
        if (st != (table[i].allowed ? JA_OK : JA_ERR_FORBIDDEN))
            fail_msg("%s with %s: %d %s", f->name, table[i].scope, (int)st, c->err.message);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        for (f = flows; strcmp(f->name, own[i].flow) != 0;)
            f++;
        fresh_target(c, false);
        (void)snprintf(self, sizeof self, "user:%s", c->user);
        c->ctx->actor.scope = own[i].scope;
        st = as(c, self, f);
        c->ctx->actor.scope = NULL;
        if (st != (own[i].allowed ? JA_OK : JA_ERR_FORBIDDEN))
            fail_msg("own %s with %s: %d %s", f->name, own[i].scope, (int)st, c->err.message);
    }
}

static int64_t agent_grants_logged(struct cell *c)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n;

    assert_int_equal(ja_db_query(c->ctx->db,
                                 "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'role.grant' "
                                 "AND target = 'role:agent' AND detail LIKE '%newbie%'",
                                 JA_NO_BINDS, &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

/* user add --role and user modify --role leave the rows that role grant leaves. */
static void roles_given_with_an_account_are_logged_as_grants(void **state)
{
    struct cell *c = *state;
    struct ja_user_spec spec = {.username = "newbie", .roles = (const char *[]){"agent", "user"}, .nroles = 2};

    assert_int_equal(ja_account_add(c->ctx, &spec, NULL, NULL, NULL), JA_OK);
    assert_int_equal(agent_grants_logged(c), 1);
    spec = (struct ja_user_spec){.roles = (const char *[]){"agent"}, .nroles = 1};
    assert_int_equal(ja_account_modify(c->ctx, "newbie", &spec, NULL, NULL), JA_OK);
    assert_int_equal(agent_grants_logged(c), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_flow_asks_every_caller, up, down),
        cmocka_unit_test_setup_teardown(nobody_learns_who_exists, up, down),
        cmocka_unit_test_setup_teardown(the_own_account, up, down),
        cmocka_unit_test_setup_teardown(a_role_that_gives_less_gives_less, up, down),
        cmocka_unit_test_setup_teardown(a_leaver_does_not_take_the_own_lock_back, up, down),
        cmocka_unit_test_setup_teardown(home_and_shell_take_the_right_to_everything, up, down),
        cmocka_unit_test_setup_teardown(a_right_lost_while_hashing_adds_nobody, up, down),
        cmocka_unit_test_setup_teardown(the_stronger_is_out_of_reach, up, down),
        cmocka_unit_test_setup_teardown(a_narrowed_token_gives_no_more, up, down),
        cmocka_unit_test_setup_teardown(a_role_without_permissions_is_a_right_too, up, down),
        cmocka_unit_test_setup_teardown(nobody_gives_for_longer_than_held, up, down),
        cmocka_unit_test_setup_teardown(roles_given_with_an_account_are_logged_as_grants, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
