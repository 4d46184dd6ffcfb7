/* Services: accounts bound to a uid, API keys, and tokens for whoever calls (DESIGN section 5, SECURITY R24). */
#include "common/base/proc.h"
#include "common/flow/account_flow.h"
#include "common/flow/own_token.h"
#include "common/flow/role_flow.h"
#include "common/flow/service_flow.h"
#include "common/flow/token_scope.h"
#include "tests/unit/auth_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOUND 991

struct svc {
    struct world *w;
    struct ja_ctx *ctx;
    struct ja_user robot, alice;
    struct ja_error err;
};

static int up(void **state)
{
    static const char *const roles[] = {"invoicing"};
    struct ja_user_spec spec = {.username = "robot", .service = true, .bind_uid = BOUND, .roles = roles, .nroles = 1};
    struct svc *s = calloc(1, sizeof *s);

    assert_non_null(s);
    assert_int_equal(world_up(state), 0);
    s->w = *state;
    s->ctx = s->w->ctx;
    assert_int_equal(ja_role_add_flow(s->ctx, "invoicing", "", NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_permit_flow(s->ctx, "invoicing", "invoices:*", NULL, NULL), JA_OK);
    assert_int_equal(ja_role_permit_flow(s->ctx, "invoicing", "token:get", "audience/billing", NULL), JA_OK);
    assert_int_equal(ja_account_add(s->ctx, &spec, NULL, &s->robot, NULL), JA_OK);
    assert_int_equal(ja_user_find_by_name(s->ctx, "alice", &s->alice, NULL), JA_OK);
    *state = s;
    return 0;
}

static int down(void **state)
{
    struct svc *s = *state;
    void *w = s->w;

    ja_user_clear(&s->robot);
    ja_user_clear(&s->alice);
    free(s);
    return world_down(&w);
}

static enum ja_status add(struct svc *s, const char *name, bool service, int64_t uid, int64_t bind_uid)
{
    struct ja_user_spec spec = {.username = name, .service = service, .uid = uid, .bind_uid = bind_uid};
    struct ja_user u = {0};
    enum ja_status st = ja_account_add(s->ctx, &spec, NULL, &u, &s->err);

    ja_user_clear(&u);
    return st;
}

static enum ja_status bind(struct svc *s, const char *name, int64_t uid)
{
    struct ja_user_spec spec = {.bind_uid = uid};
    struct ja_user u = {0};
    enum ja_status st = ja_account_modify(s->ctx, name, &spec, &u, &s->err);

    ja_user_clear(&u);
    return st;
}

#define REFUSED(s, call, status, text) \
    do { \
        assert_int_equal(call, status); \
        assert_string_equal((s)->err.code, text); \
    } while (0)

/* ---- binding ---- */

static void a_uid_is_its_account_or_the_service_bound_to_it(void **state)
{
    struct svc *s = *state;
    struct ja_user u = {0};

    assert_int_equal(ja_user_find_by_process_uid(s->ctx, BOUND, &u, NULL), JA_OK);
    assert_string_equal(u.username, "robot");
    assert_int_equal(u.bind_uid, BOUND);
    ja_user_clear(&u);
    assert_int_equal(ja_user_find_by_process_uid(s->ctx, s->robot.uid, &u, NULL), JA_OK);
    assert_string_equal(u.username, "robot");
    ja_user_clear(&u);
    assert_int_equal(ja_user_find_by_process_uid(s->ctx, s->alice.uid, &u, NULL), JA_OK);
    assert_string_equal(u.username, "alice");
    ja_user_clear(&u);
    assert_int_equal(ja_user_find_by_process_uid(s->ctx, BOUND + 1, &u, NULL), JA_ERR_NOT_FOUND);
    sql(s->w, "UPDATE users SET bind_uid = 0 WHERE username = 'robot'"); /* past every check */
    assert_int_equal(ja_user_find_by_process_uid(s->ctx, 0, &u, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_user_find_by_process_uid(s->ctx, -1, &u, NULL), JA_ERR_NOT_FOUND);
    sql(s->w, "UPDATE users SET bind_uid = 65534 WHERE username = 'robot'"); /* user_namespaces(7): anybody's */
    assert_int_equal(ja_user_find_by_process_uid(s->ctx, 65534, &u, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(number(s->w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'user.add' AND "
                                  "detail LIKE '%\"bind_uid\":991%'"), 1);
}

static void one_uid_is_one_account(void **state)
{
    struct svc *s = *state;

    REFUSED(s, add(s, "other", true, 0, BOUND), JA_ERR_EXISTS, "uid_bound");
    REFUSED(s, add(s, "other", true, 0, s->alice.uid), JA_ERR_EXISTS, "uid_taken");
    REFUSED(s, add(s, "other", true, 0, s->robot.uid), JA_ERR_EXISTS, "uid_taken");
    REFUSED(s, add(s, "other", true, 0, INT64_C(4294967295)), JA_ERR_INVALID, "invalid_uid");
    REFUSED(s, add(s, "person", false, 0, 992), JA_ERR_CONFLICT, "not_a_service");
    REFUSED(s, bind(s, "alice", 992), JA_ERR_CONFLICT, "not_a_service");
    assert_int_equal(add(s, "other", true, 0, 992), JA_OK);
    REFUSED(s, bind(s, "other", BOUND), JA_ERR_EXISTS, "uid_bound");
    assert_int_equal(bind(s, "other", 992), JA_OK); /* its own already */
    assert_int_equal(bind(s, "other", 993), JA_OK);
    assert_int_equal(add(s, "third", true, 0, 992), JA_OK);
}

static void an_account_gets_no_uid_that_a_service_is_bound_to(void **state)
{
    struct svc *s = *state;
    int64_t next = s->robot.uid + 10;
    struct ja_user u = {0};

    assert_int_equal(bind(s, "robot", next), JA_OK);
    REFUSED(s, add(s, "dave", false, next, 0), JA_ERR_EXISTS, "uid_bound");
    for (int i = 0; i < 12; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(add(s, name, false, 0, 0), JA_OK);
    }
    assert_int_equal(ja_user_find_by_uid(s->ctx, next, &u, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_user_find_by_uid(s->ctx, next + 1, &u, NULL), JA_OK);
    ja_user_clear(&u);
}

static void a_deleted_account_leaves_neither_binding_nor_keys(void **state)
{
    struct svc *s = *state;
    struct ja_api_key k = {0};
    struct ja_secret text = {0};

    assert_int_equal(ja_service_key_add(s->ctx, "robot", NULL, 0, &k, &text, NULL), JA_OK);
    assert_int_equal(ja_account_delete(s->ctx, "robot", NULL), JA_OK);
    assert_int_equal(number(s->w, "SELECT COUNT(*) AS n FROM api_keys"), 0);
    assert_int_equal(add(s, "other", true, 0, BOUND), JA_OK);
    /* a process of the deleted account may still run under its uid */
    REFUSED(s, bind(s, "other", s->robot.uid), JA_ERR_EXISTS, "uid_taken");
    ja_secret_clear(&text);
}

static void unbound_it_is_nobody(void **state)
{
    struct svc *s = *state;
    struct ja_user u = {0};

    assert_int_equal(bind(s, "robot", -1), JA_OK);
    assert_int_equal(ja_user_find_by_process_uid(s->ctx, BOUND, &u, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_user_find_by_name(s->ctx, "robot", &u, NULL), JA_OK);
    assert_int_equal(u.bind_uid, 0);
    ja_user_clear(&u);
}

/* ---- API keys ---- */

static const char *column(struct svc *s, const char *statement)
{
    const char *t = text(s->w, statement);

    assert_true(t[0]);
    return t;
}

static void key(struct svc *s, const char *scope, int64_t ends_at, char id[37], char ret[JA_API_KEY_LEN + 1])
{
    struct ja_api_key k = {0};
    struct ja_secret secret = {0};

    assert_int_equal(ja_service_key_add(s->ctx, "robot", scope, ends_at, &k, &secret, &s->err), JA_OK);
    assert_int_equal(secret.len, JA_API_KEY_LEN);
    memcpy(ret, secret.data, JA_API_KEY_LEN + 1);
    memcpy(id, k.id, 37);
    ja_secret_clear(&secret);
}

static enum ja_status verify(struct svc *s, const char *text)
{
    struct ja_api_key k = {0};
    struct ja_user u = {0};
    enum ja_status st;

    s->err = (struct ja_error){0};
    st = ja_api_key_verify(s->ctx, text, strlen(text), &k, &u, &s->err);
    if (st == JA_OK)
        assert_string_equal(u.username, "robot");
    else
        assert_string_equal(u.username, "");
    ja_user_clear(&u);
    return st;
}

static void a_key_is_found_by_its_prefix_and_stored_as_a_hash(void **state)
{
    struct svc *s = *state;
    char id[37], text[JA_API_KEY_LEN + 1], other[JA_API_KEY_LEN + 1], id2[37], start[64];

    key(s, NULL, 0, id, text);
    key(s, NULL, 0, id2, other);
    (void)snprintf(start, sizeof start, "jak_%s_", id);
    assert_int_equal(strncmp(text, start, strlen(start)), 0);
    assert_true(ja_api_key_form(text, strlen(text)));
    assert_int_equal(verify(s, text), JA_OK);
    assert_int_not_equal(strcmp(text + 41, other + 41), 0);
    /* R29: the store alone gives nothing that logs in */
    assert_null(strstr(column(s, "SELECT hash AS t FROM api_keys ORDER BY id LIMIT 1"), text + 41));
    assert_null(strstr(column(s, "SELECT detail AS t FROM audit_log WHERE action = 'api_key.add' LIMIT 1"),
                       text + 41));
}

static void whatever_is_wrong_with_a_key_the_answer_is_the_same(void **state)
{
    struct svc *s = *state;
    char id[37], text[JA_API_KEY_LEN + 1], id2[37], other[JA_API_KEY_LEN + 1], bad[JA_API_KEY_LEN + 2];

    key(s, NULL, 0, id, text);
    key(s, NULL, 0, id2, other);
    memcpy(bad, text, sizeof text);
    bad[41] = (char)(bad[41] == 'A' ? 'B' : 'A');
    REFUSED(s, verify(s, bad), JA_ERR_DENIED, "invalid_api_key"); /* another secret */
    memcpy(bad, text, sizeof text);
    memcpy(bad + 41, other + 41, 43);
    REFUSED(s, verify(s, bad), JA_ERR_DENIED, "invalid_api_key"); /* the secret of another key */
    memcpy(bad, text, sizeof text);
    memcpy(bad + 4, "01900000-0000-7000-8000-000000000000", 36);
    REFUSED(s, verify(s, bad), JA_ERR_DENIED, "invalid_api_key"); /* no such row */
    REFUSED(s, verify(s, ""), JA_ERR_DENIED, "invalid_api_key");
    REFUSED(s, verify(s, "jak_"), JA_ERR_DENIED, "invalid_api_key");
    (void)snprintf(bad, sizeof bad, "%sA", text);
    REFUSED(s, verify(s, bad), JA_ERR_DENIED, "invalid_api_key");
    (void)snprintf(bad, sizeof bad, "%.83s", text);
    REFUSED(s, verify(s, bad), JA_ERR_DENIED, "invalid_api_key");
    assert_int_equal(ja_service_key_remove(s->ctx, id, NULL), JA_OK);
    REFUSED(s, verify(s, text), JA_ERR_DENIED, "invalid_api_key"); /* removed */
    assert_int_equal(verify(s, other), JA_OK);
    assert_int_equal(ja_service_key_remove(s->ctx, id, NULL), JA_ERR_NOT_FOUND);
}

static void a_key_ends(void **state)
{
    struct svc *s = *state;
    int64_t now = ja_now(&s->ctx->clock);
    char id[37], text[JA_API_KEY_LEN + 1];
    struct ja_api_key k = {0};
    struct ja_secret secret = {0};

    key(s, NULL, now + 60, id, text);
    assert_int_equal(verify(s, text), JA_OK);
    s->w->t->clock.wall_ms += 59000;
    assert_int_equal(verify(s, text), JA_OK);
    s->w->t->clock.wall_ms += 1000;
    REFUSED(s, verify(s, text), JA_ERR_DENIED, "invalid_api_key");
    assert_int_equal(ja_service_key_add(s->ctx, "robot", NULL, now, &k, &secret, &s->err), JA_ERR_INVALID);
    assert_string_equal(s->err.code, "invalid_time");
}

static void a_key_is_worth_what_its_service_is(void **state)
{
    struct svc *s = *state;
    char id[37], text[JA_API_KEY_LEN + 1];
    struct ja_cut cut = {0};

    key(s, NULL, 0, id, text);
    assert_int_equal(ja_account_lock(s->ctx, "robot", 0, &cut, NULL), JA_OK);
    REFUSED(s, verify(s, text), JA_ERR_DENIED, "invalid_api_key");
    assert_int_equal(ja_account_unlock(s->ctx, "robot", NULL), JA_OK);
    assert_int_equal(verify(s, text), JA_OK);
    assert_int_equal(ja_account_disable(s->ctx, "robot", &cut, NULL), JA_OK);
    REFUSED(s, verify(s, text), JA_ERR_DENIED, "invalid_api_key");
    assert_int_equal(ja_account_enable(s->ctx, "robot", NULL), JA_OK);
    sql(s->w, "UPDATE users SET valid_until = 1 WHERE username = 'robot'");
    REFUSED(s, verify(s, text), JA_ERR_DENIED, "invalid_api_key");
    sql(s->w, "UPDATE users SET valid_until = NULL, kind = 'person' WHERE username = 'robot'");
    REFUSED(s, verify(s, text), JA_ERR_DENIED, "invalid_api_key");
}

static void only_services_have_keys(void **state)
{
    struct svc *s = *state;
    struct ja_api_key k = {0};
    struct ja_secret secret = {0};

    REFUSED(s, ja_service_key_add(s->ctx, "alice", NULL, 0, &k, &secret, &s->err), JA_ERR_CONFLICT, "not_a_service");
    REFUSED(s, ja_service_key_add(s->ctx, "nosuch", NULL, 0, &k, &secret, &s->err), JA_ERR_NOT_FOUND, "user_not_found");
    REFUSED(s, ja_service_key_add(s->ctx, "robot", "orders:read", 0, &k, &secret, &s->err), JA_ERR_DENIED,
            "scope_not_held");
    REFUSED(s, ja_service_key_add(s->ctx, "robot", "invoices:read orders:read", 0, &k, &secret, &s->err),
            JA_ERR_DENIED, "scope_not_held");
    REFUSED(s, ja_service_key_add(s->ctx, "robot", "a  b", 0, &k, &secret, &s->err), JA_ERR_INVALID, "invalid_scope");
    assert_null(secret.data);
    assert_int_equal(number(s->w, "SELECT COUNT(*) AS n FROM api_keys"), 0);
}

static void keys_and_bindings_are_for_who_may_as_much(void **state)
{
    struct svc *s = *state;
    char id[37], text[JA_API_KEY_LEN + 1];
    struct ja_api_key k = {0};
    struct ja_secret secret = {0};

    key(s, NULL, 0, id, text);
    s->ctx->actor.name = "user:alice";
    REFUSED(s, ja_service_key_add(s->ctx, "robot", NULL, 0, &k, &secret, &s->err), JA_ERR_FORBIDDEN, "forbidden");
    REFUSED(s, ja_service_key_remove(s->ctx, id, &s->err), JA_ERR_FORBIDDEN, "forbidden");
    s->ctx->actor.name = "root";
    assert_int_equal(ja_role_grant_flow(s->ctx, "alice", "manager", 0, NULL), JA_OK);
    s->ctx->actor.name = "user:alice";
    /* a key is everything that its service may, which this manager may not */
    REFUSED(s, ja_service_key_add(s->ctx, "robot", NULL, 0, &k, &secret, &s->err), JA_ERR_FORBIDDEN, "forbidden");
    REFUSED(s, ja_service_key_remove(s->ctx, id, &s->err), JA_ERR_FORBIDDEN, "forbidden");
    s->ctx->actor.name = "root";
    assert_int_equal(ja_role_grant_flow(s->ctx, "alice", "invoicing", 0, NULL), JA_OK);
    s->ctx->actor.name = "user:alice";
    assert_int_equal(ja_service_key_remove(s->ctx, id, &s->err), JA_OK);
    /* a uid is the host's: nobody below root binds one */
    REFUSED(s, bind(s, "robot", 994), JA_ERR_FORBIDDEN, "forbidden");
    REFUSED(s, add(s, "other", true, 0, 994), JA_ERR_FORBIDDEN, "forbidden");
    assert_int_equal(add(s, "other", true, 0, 0), JA_OK);
    s->ctx->actor.name = "user:robot"; /* not for itself either */
    REFUSED(s, bind(s, "robot", 994), JA_ERR_FORBIDDEN, "forbidden");
    REFUSED(s, ja_service_key_add(s->ctx, "robot", NULL, 0, &k, &secret, &s->err), JA_ERR_FORBIDDEN, "forbidden");
}

/* A key that is used all the time writes its time once a minute. */
static void the_last_use_is_noted_once_a_minute(void **state)
{
    struct svc *s = *state;
    char id[37], text[JA_API_KEY_LEN + 1];
    struct ja_api_key k = {0};
    int64_t start = ja_now(&s->ctx->clock);
    const int64_t at[] = {0, 1, 59, 60, 61, 119, 121}, want[] = {0, 0, 0, 60, 60, 60, 121};

    key(s, NULL, 0, id, text);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct ja_caller c = {.key = text, .key_len = JA_API_KEY_LEN};
        struct ja_identity who = {0};

        s->w->t->clock.wall_ms = (start + at[i]) * 1000;
        assert_int_equal(ja_identify(s->ctx, &c, &who, &s->err), JA_OK);
        assert_true(who.by_key);
        ja_identity_clear(&who);
        assert_int_equal(ja_api_key_find(s->ctx, id, &k, NULL), JA_OK);
        assert_int_equal(k.last_used_at, start + want[i]);
    }
}

static enum ja_status count_key(void *arg, const struct ja_api_key *k)
{
    struct ja_api_key *last = arg;

    last->created_at++;
    memcpy(last->id, k->id, sizeof last->id);
    return JA_OK;
}

static void keys_are_listed_by_service_and_page(void **state)
{
    struct svc *s = *state;
    char id[3][37], text[JA_API_KEY_LEN + 1];
    struct ja_api_key last = {0};
    struct ja_api_key_filter f = {.limit = 2};

    for (int i = 0; i < 3; i++)
        key(s, "invoices:read", 0, id[i], text);
    assert_int_equal(ja_api_key_each(s->ctx, &f, count_key, &last, NULL), JA_OK);
    assert_int_equal(last.created_at, 2);
    f.after = last.id;
    assert_int_equal(ja_api_key_each(s->ctx, &f, count_key, &last, NULL), JA_OK);
    assert_int_equal(last.created_at, 3);
    f = (struct ja_api_key_filter){.user_id = s->alice.id};
    assert_int_equal(ja_api_key_each(s->ctx, &f, count_key, &last, NULL), JA_OK);
    assert_int_equal(last.created_at, 3);
    f.user_id = s->robot.id;
    assert_int_equal(ja_api_key_each(s->ctx, &f, count_key, &last, NULL), JA_OK);
    assert_int_equal(last.created_at, 6);
}

/* ---- tokens for the caller ---- */

static enum ja_status ask(struct svc *s, const struct ja_caller *c, const struct ja_token_ask *a, json_t **claims)
{
    struct ja_token_check check = ja_token_check_default(s->ctx);
    struct ja_minted m = {0};
    enum ja_status st = ja_token_for_caller(s->ctx, c, a, &m, &s->err);

    assert_string_equal(s->ctx->actor.name, "root"); /* as it was */
    if (st == JA_OK) {
        check.audience = a->audience ? a->audience : check.audience;
        assert_int_equal(ja_token_verify(s->ctx, m.token, strlen(m.token), &check, false, claims, &s->err), JA_OK);
    } else {
        assert_null(m.token);
    }
    ja_minted_clear(&m);
    return st;
}

static const char *claim(const json_t *claims, const char *name)
{
    const char *t = json_string_value(json_object_get(claims, name));

    return t ? t : "";
}

static int64_t lifetime(const json_t *claims)
{
    return (int64_t)(json_integer_value(json_object_get(claims, "exp")) -
                     json_integer_value(json_object_get(claims, "iat")));
}

#define UID(n) (&(struct ja_caller){.uid = (n)})
#define KEY(t) (&(struct ja_caller){.uid = s->alice.uid, .key = (t), .key_len = strlen(t)})
#define ASK(...) (&(struct ja_token_ask){__VA_ARGS__})

static void a_uid_gets_a_token_of_its_own_service(void **state)
{
    struct svc *s = *state;
    const int64_t uids[] = {BOUND, s->robot.uid};

    for (size_t i = 0; i < 2; i++) {
        json_t *c = NULL;

        assert_int_equal(ask(s, UID(uids[i]), ASK(.scope = "invoices:read"), &c), JA_OK);
        assert_string_equal(claim(c, "sub"), s->robot.id);
        assert_string_equal(claim(c, "preferred_username"), "robot");
        assert_string_equal(claim(c, "scope"), "invoices:read");
        assert_null(json_object_get(c, "sid"));
        assert_int_equal(lifetime(c), s->ctx->cfg->tokens.access_ttl);
        json_decref(c);
    }
    assert_int_equal(number(s->w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'token.issue' AND "
                                  "actor = 'user:robot' AND target = 'user:robot' AND detail LIKE '%\"by\":\"uid\"%'"), 2);
}

/* R24: a uid names itself only; root and strangers are nobody. */
static void root_and_strangers_are_no_account(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;

    REFUSED(s, ask(s, UID(0), ASK(0), &c), JA_ERR_DENIED, "not_a_user");
    REFUSED(s, ask(s, UID(992), ASK(0), &c), JA_ERR_DENIED, "unknown_caller");
    REFUSED(s, ask(s, UID(-1), ASK(0), &c), JA_ERR_DENIED, "unknown_caller");
    sql(s->w, "UPDATE users SET bind_uid = 0 WHERE username = 'robot'"); /* past every check */
    REFUSED(s, ask(s, UID(0), ASK(0), &c), JA_ERR_DENIED, "not_a_user");
    assert_int_equal(number(s->w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'token.issue'"), 0);
}

static void session(struct svc *s, const char *user_id, const char *boot, int64_t ends_in, char id[37])
{
    struct ja_session x = {.auth_time = ja_now(&s->ctx->clock)};

    (void)snprintf(x.user_id, sizeof x.user_id, "%s", user_id);
    (void)snprintf(x.service, sizeof x.service, "sshd");
    (void)snprintf(x.amr, sizeof x.amr, "pwd otp");
    x.boot_id = boot ? strdup(boot) : NULL;
    x.ends_at = x.auth_time + ends_in;
    assert_int_equal(ja_db_begin(s->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_session_insert(s->ctx, &x, NULL), JA_OK);
    assert_int_equal(ja_db_commit(s->ctx->db, NULL), JA_OK);
    memcpy(id, x.id, 37);
    ja_session_clear(&x);
}

static void a_person_needs_a_live_session(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    bool ended = false;
    char boot[JA_BOOT_ID_LEN + 1], bobs[37], old[37], live[37];

    assert_int_equal(ja_proc_boot_id(boot, NULL), JA_OK);
    REFUSED(s, ask(s, UID(s->alice.uid), ASK(0), &c), JA_ERR_DENIED, "login_required");
    session(s, s->w->bob, boot, 3600, bobs); /* somebody else's */
    REFUSED(s, ask(s, UID(s->alice.uid), ASK(0), &c), JA_ERR_DENIED, "login_required");
    REFUSED(s, ask(s, &(struct ja_caller){.uid = s->alice.uid, .session_hint = bobs}, ASK(0), &c), JA_ERR_DENIED,
            "login_required");
    session(s, s->alice.id, "00000000-0000-0000-0000-000000000000", 3600, old); /* of a former boot */
    REFUSED(s, ask(s, &(struct ja_caller){.uid = s->alice.uid, .session_hint = old}, ASK(0), &c), JA_ERR_DENIED,
            "login_required");
    session(s, s->alice.id, boot, 3600, live);
    assert_int_equal(ask(s, UID(s->alice.uid), ASK(0), &c), JA_OK);
    assert_string_equal(claim(c, "sub"), s->alice.id);
    assert_string_equal(claim(c, "sid"), live);
    assert_int_equal(json_array_size(json_object_get(c, "amr")), 2);
    json_decref(c);
    assert_int_equal(ja_db_begin(s->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_session_revoke(s->ctx, live, "logout", &ended, NULL), JA_OK);
    assert_int_equal(ja_db_commit(s->ctx->db, NULL), JA_OK);
    REFUSED(s, ask(s, UID(s->alice.uid), ASK(0), &c), JA_ERR_DENIED, "login_required");
    session(s, s->alice.id, NULL, 60, live);
    s->w->t->clock.wall_ms += 60000;
    REFUSED(s, ask(s, UID(s->alice.uid), ASK(0), &c), JA_ERR_DENIED, "login_required");
}

static void the_hint_chooses_among_the_own_sessions(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    char first[37], last[37], bobs[37];
    const char *hints[] = {first, last, bobs, "rubbish", NULL}, *want[] = {first, last, last, last, last};

    session(s, s->alice.id, NULL, 3600, first);
    s->w->t->clock.wall_ms += 5;
    session(s, s->alice.id, NULL, 3600, last);
    session(s, s->w->bob, NULL, 3600, bobs);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ask(s, &(struct ja_caller){.uid = s->alice.uid, .session_hint = hints[i]}, ASK(0), &c), JA_OK);
        assert_string_equal(claim(c, "sid"), want[i]);
        json_decref(c);
    }
}

static void who_is_not_active_gets_none(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    char id[37];

    session(s, s->alice.id, NULL, 3600, id);
    sql(s->w, "UPDATE users SET must_change = 1 WHERE username = 'alice'");
    REFUSED(s, ask(s, UID(s->alice.uid), ASK(0), &c), JA_ERR_DENIED, "user_inactive");
    sql(s->w, "UPDATE users SET must_change = 0, lock_at = 1 WHERE username = 'alice'");
    REFUSED(s, ask(s, UID(s->alice.uid), ASK(0), &c), JA_ERR_DENIED, "user_inactive");
    sql(s->w, "UPDATE users SET status = 'disabled' WHERE username = 'robot'");
    REFUSED(s, ask(s, UID(BOUND), ASK(0), &c), JA_ERR_DENIED, "user_inactive");
    sql(s->w, "UPDATE users SET status = 'active', valid_until = 1 WHERE username = 'robot'");
    REFUSED(s, ask(s, UID(BOUND), ASK(0), &c), JA_ERR_DENIED, "user_inactive");
}

static void scopes_are_those_of_the_roles(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    char id[37];

    REFUSED(s, ask(s, UID(BOUND), ASK(.scope = "orders:read"), &c), JA_ERR_DENIED, "scope_not_held");
    REFUSED(s, ask(s, UID(BOUND), ASK(.scope = "invoices:read orders:read"), &c), JA_ERR_DENIED, "scope_not_held");
    REFUSED(s, ask(s, UID(BOUND), ASK(.scope = "*:*"), &c), JA_ERR_DENIED, "scope_not_held");
    /* permitted somewhere is not permitted everywhere */
    REFUSED(s, ask(s, UID(BOUND), ASK(.scope = "token:get"), &c), JA_ERR_DENIED, "scope_not_held");
    session(s, s->alice.id, NULL, 3600, id);
    REFUSED(s, ask(s, UID(s->alice.uid), ASK(.scope = "invoices:read"), &c), JA_ERR_DENIED, "scope_not_held");
    assert_int_equal(ja_role_grant_flow(s->ctx, "alice", "invoicing", 0, NULL), JA_OK);
    assert_int_equal(ask(s, UID(s->alice.uid), ASK(.scope = "invoices:read"), &c), JA_OK);
    json_decref(c);
}

static void a_service_goes_to_the_audiences_of_its_roles(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    char id[37];

    assert_int_equal(ask(s, UID(BOUND), ASK(.audience = "billing"), &c), JA_OK);
    assert_string_equal(claim(c, "aud"), "billing");
    json_decref(c);
    assert_int_equal(ask(s, UID(BOUND), ASK(.audience = s->ctx->cfg->tokens.audience), &c), JA_OK);
    json_decref(c);
    REFUSED(s, ask(s, UID(BOUND), ASK(.audience = "billing2"), &c), JA_ERR_DENIED, "audience_not_held");
    REFUSED(s, ask(s, UID(BOUND), ASK(.audience = "billing/x"), &c), JA_ERR_DENIED, "audience_not_held");
    REFUSED(s, ask(s, UID(BOUND), ASK(.audience = "https://billing.example/"), &c), JA_ERR_DENIED, "audience_not_held");
    assert_non_null(strstr(s->err.message, "audience/https:%2F%2Fbilling.example%2F"));
    assert_int_equal(ja_role_permit_flow(s->ctx, "invoicing", "token:get", "audience/https:%2F%2Fbilling.example%2F",
                                         NULL), JA_OK);
    assert_int_equal(ask(s, UID(BOUND), ASK(.audience = "https://billing.example/"), &c), JA_OK);
    json_decref(c);
    /* what stands encoded is not what it encodes */
    REFUSED(s, ask(s, UID(BOUND), ASK(.audience = "https:%2F%2Fbilling.example%2F"), &c), JA_ERR_DENIED,
            "audience_not_held");
    REFUSED(s, ask(s, UID(BOUND), ASK(.audience = ""), &c), JA_ERR_INVALID, "invalid_audience");
    session(s, s->alice.id, NULL, 3600, id);
    assert_int_equal(ask(s, UID(s->alice.uid), ASK(.audience = "anywhere"), &c), JA_OK);
    json_decref(c);
}

static void a_limited_key_gives_its_scopes_alone(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    char id[37], text[JA_API_KEY_LEN + 1], whole[JA_API_KEY_LEN + 1], wide[JA_API_KEY_LEN + 1];

    key(s, "invoices:read", 0, id, text);
    key(s, "invoices:*", 0, id, wide);
    key(s, NULL, 0, id, whole);
    assert_int_equal(ask(s, KEY(text), ASK(0), &c), JA_OK);
    assert_string_equal(claim(c, "scope"), "invoices:read");
    assert_string_equal(claim(c, "preferred_username"), "robot"); /* not the uid's account */
    assert_null(json_object_get(c, "roles"));
    assert_null(json_object_get(c, "permissions"));
    json_decref(c);
    REFUSED(s, ask(s, KEY(text), ASK(.scope = "invoices:write"), &c), JA_ERR_DENIED, "scope_not_held");
    REFUSED(s, ask(s, KEY(text), ASK(.scope = "invoices:*"), &c), JA_ERR_DENIED, "scope_not_held");
    REFUSED(s, ask(s, KEY(text), ASK(.scope = "invoices:read invoices:write"), &c), JA_ERR_DENIED, "scope_not_held");
    assert_int_equal(ask(s, KEY(wide), ASK(.scope = "invoices:write"), &c), JA_OK);
    assert_string_equal(claim(c, "scope"), "invoices:write");
    json_decref(c);
    assert_int_equal(ask(s, KEY(whole), ASK(.scope = "invoices:write"), &c), JA_OK);
    assert_int_equal(json_array_size(json_object_get(c, "roles")), 1);
    json_decref(c);
    /* what the roles permit no more, no key permits: looked at each time */
    assert_int_equal(ja_role_revoke_flow(s->ctx, "robot", "invoicing", NULL), JA_OK);
    REFUSED(s, ask(s, KEY(text), ASK(0), &c), JA_ERR_DENIED, "scope_not_held");
    REFUSED(s, ask(s, KEY(whole), ASK(.scope = "invoices:write"), &c), JA_ERR_DENIED, "scope_not_held");
}

/* A wrong key is refused though the uid alone would have got a token. */
static void a_wrong_key_falls_back_to_nothing(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;

    REFUSED(s, ask(s, &(struct ja_caller){.uid = BOUND, .key = "", .key_len = 0}, ASK(0), &c), JA_ERR_DENIED,
            "invalid_api_key");
    REFUSED(s, ask(s, &(struct ja_caller){.uid = BOUND, .key = "jak_x", .key_len = 5}, ASK(0), &c), JA_ERR_DENIED,
            "invalid_api_key");
}

static void a_token_ends_with_what_proved_it(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    char id[37], text[JA_API_KEY_LEN + 1];
    int64_t now = ja_now(&s->ctx->clock), max = s->ctx->cfg->tokens.max_ttl;

    assert_int_equal(ask(s, UID(BOUND), ASK(.ttl = 7), &c), JA_OK);
    assert_int_equal(lifetime(c), 7);
    json_decref(c);
    assert_int_equal(ask(s, UID(BOUND), ASK(.ttl = max), &c), JA_OK);
    assert_int_equal(lifetime(c), max);
    json_decref(c);
    REFUSED(s, ask(s, UID(BOUND), ASK(.ttl = max + 1), &c), JA_ERR_POLICY, "ttl_too_long");
    REFUSED(s, ask(s, UID(BOUND), ASK(.ttl = -1), &c), JA_ERR_INVALID, "invalid_ttl");
    key(s, NULL, now + 50, id, text);
    assert_int_equal(ask(s, KEY(text), ASK(.ttl = 100), &c), JA_OK);
    assert_int_equal(lifetime(c), 50);
    json_decref(c);
    session(s, s->alice.id, NULL, 40, id);
    assert_int_equal(ask(s, UID(s->alice.uid), ASK(0), &c), JA_OK);
    assert_int_equal(lifetime(c), 40);
    json_decref(c);
    sql(s->w, "UPDATE sessions SET idle_ends_at = ends_at - 10");
    assert_int_equal(ask(s, UID(s->alice.uid), ASK(0), &c), JA_OK);
    assert_int_equal(lifetime(c), 30);
    json_decref(c);
    sql(s->w, "UPDATE users SET lock_at = (SELECT ends_at - 20 FROM sessions) WHERE username = 'alice'");
    assert_int_equal(ask(s, UID(s->alice.uid), ASK(0), &c), JA_OK);
    assert_int_equal(lifetime(c), 20);
    json_decref(c);
    sql(s->w, "UPDATE users SET valid_until = (SELECT ends_at - 30 FROM sessions) WHERE username = 'robot'");
    assert_int_equal(ask(s, UID(BOUND), ASK(0), &c), JA_OK);
    assert_int_equal(lifetime(c), 10);
    json_decref(c);
}

/* Who verifies with the key set alone sees the roles for as long as the token lives: no longer than the grant. */
static void a_token_ends_with_a_grant(void **state)
{
    struct svc *s = *state;
    json_t *c = NULL;
    int64_t now = ja_now(&s->ctx->clock);

    assert_int_equal(ja_role_grant_flow(s->ctx, "robot", "agent", now + 60, &s->err), JA_OK);
    assert_int_equal(ja_role_grant_flow(s->ctx, "robot", "manager", now + 30, &s->err), JA_OK);
    assert_int_equal(ja_role_grant_flow(s->ctx, "alice", "agent", now + 5, &s->err), JA_OK);
    assert_int_equal(ask(s, UID(BOUND), ASK(0), &c), JA_OK);
    assert_int_equal(lifetime(c), 30);
    json_decref(c);
    s->w->t->clock.wall_ms += 30000; /* past the first: the next one counts */
    assert_int_equal(ask(s, UID(BOUND), ASK(.ttl = 3600), &c), JA_OK);
    assert_int_equal(lifetime(c), 30);
    json_decref(c);
    s->w->t->clock.wall_ms += 30000;
    assert_int_equal(ask(s, UID(BOUND), ASK(0), &c), JA_OK);
    assert_int_equal(lifetime(c), s->ctx->cfg->tokens.access_ttl);
    json_decref(c);
}

static void scopes_within_scopes(void **state)
{
    (void)state;
    assert_true(ja_scope_within("a:b", "x:y a:b"));
    assert_true(ja_scope_within("a:b c:d", "c:* a:b"));
    assert_true(ja_scope_within("plain", "plain"));
    assert_false(ja_scope_within("a:b", ""));
    assert_false(ja_scope_within("a:b", "a:bc"));
    assert_false(ja_scope_within("a:bc", "a:b"));
    assert_false(ja_scope_within("a:*", "a:b"));
    assert_false(ja_scope_within("plain", "plain2 *:*"));
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_uid_is_its_account_or_the_service_bound_to_it),
        WITH(one_uid_is_one_account),
        WITH(an_account_gets_no_uid_that_a_service_is_bound_to),
        WITH(a_deleted_account_leaves_neither_binding_nor_keys),
        WITH(unbound_it_is_nobody),
        WITH(a_key_is_found_by_its_prefix_and_stored_as_a_hash),
        WITH(whatever_is_wrong_with_a_key_the_answer_is_the_same),
        WITH(a_key_ends),
        WITH(a_key_is_worth_what_its_service_is),
        WITH(only_services_have_keys),
        WITH(keys_and_bindings_are_for_who_may_as_much),
        WITH(the_last_use_is_noted_once_a_minute),
        WITH(keys_are_listed_by_service_and_page),
        WITH(a_uid_gets_a_token_of_its_own_service),
        WITH(root_and_strangers_are_no_account),
        WITH(a_person_needs_a_live_session),
        WITH(the_hint_chooses_among_the_own_sessions),
        WITH(who_is_not_active_gets_none),
        WITH(scopes_are_those_of_the_roles),
        WITH(a_service_goes_to_the_audiences_of_its_roles),
        WITH(a_limited_key_gives_its_scopes_alone),
        WITH(a_wrong_key_falls_back_to_nothing),
        WITH(a_token_ends_with_what_proved_it),
        WITH(a_token_ends_with_a_grant),
        cmocka_unit_test(scopes_within_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
