/* [policy NAME] rules at work: what is decided, refused and asked, by the login flow and the account decision. */
#include "common/base/timezone.h"
#include "common/domain/role.h"
#include "common/flow/auth_internal.h"
#include "common/flow/role_flow.h"
#include "tests/unit/auth_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define THURSDAY 1780000000 /* the fake clock: 2026-05-28 20:26:40 UTC */

/* alice: user and ops (through night); bob, with a second factor: user. */
static struct world *up(const char *rules)
{
    char text[4096];
    void *state = text;
    struct world *w;

    /* a section of its own in front: what comes before the first one belongs to [password] */
    (void)snprintf(text, sizeof text, "[log]\nlevel = debug\n%s", rules);
    assert_int_equal(world_up(&state), 0);
    w = state;
    assert_int_equal(ja_role_add_flow(w->ctx, "ops", "", NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_add_flow(w->ctx, "night", "", NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_inherit_flow(w->ctx, "night", "ops", NULL), JA_OK);
    assert_int_equal(ja_role_permit_flow(w->ctx, "ops", "ssh:login", NULL, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "night", 0, NULL), JA_OK);
    return w;
}

static void down(struct world *w)
{
    void *state = w;

    assert_int_equal(world_down(&state), 0);
}

static struct ja_policy_decision decide(struct world *w, const struct ja_policy_login *login)
{
    const struct ja_policy_terms options = {.mfa = JA_MFA_AUTO, .accept = JA_ACCEPT_PASSWORD, .audience = "option"};
    struct ja_policy_decision d = {0};

    assert_int_equal(ja_policy_decide(w->ctx, login, &options, &d, NULL), JA_OK);
    return d;
}

/* The name of the rule that decides; "" for none, "!NAME" for a broken one. */
static const char *rule_for(struct world *w, const struct ja_policy_login *login)
{
    static char name[80];
    struct ja_policy_decision d = decide(w, login);

    (void)snprintf(name, sizeof name, "%s%s", d.why[0] ? "!" : "", d.rule ? d.rule->name : "");
    assert_true(d.terms.deny == (d.why[0] != 0 || (d.rule && d.rule->deny)));
    ja_policy_decision_clear(&d);
    return name;
}

#define RULE(w, id, name, ...) rule_for((w), &(struct ja_policy_login){.user_id = (id), .user = (name), __VA_ARGS__})

/* ---- which rule ---- */

static void the_first_match_decides(void **state)
{
    struct world *w = up("[policy one]\nservice = sshd\nrole = ops\nmfa = off\n"
                         "[policy two]\nservice = sshd\nnot_network = 10.0.0.0/8\nmfa = required\n"
                         "[policy three]\nservice = sshd\nuser = bob\ndeny = yes\n"
                         "[policy four]\nservice = su*\ntty = pts/*\nmfa = required\n");

    (void)state;
    assert_string_equal(RULE(w, w->alice, "alice", .service = "sshd", .source = HOME), "one");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .source = HOME), "two");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .source = "10.0.0.1"), "three");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .source = "bob-pc.example.org"), "two");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .source = NULL), "two");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sudo", .source = NULL, .tty = "/dev/pts/1"), "four");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sudo", .source = NULL, .tty = NULL), "");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "login", .source = NULL, .tty = "tty1"), "");
    assert_string_equal(RULE(w, NULL, NULL, .service = "sshd", .source = "10.0.0.1"), "");
    assert_string_equal(RULE(w, NULL, NULL, .service = "sshd", .source = HOME), "two");
    down(w);
}

static void roles_count_while_they_are_held(void **state)
{
    struct world *w = up("[policy ops]\nrole = ops\nmfa = off\n[policy may]\nrole = night, ops\nmfa = required\n");

    (void)state;
    assert_string_equal(RULE(w, w->alice, "alice", .service = "sshd"), "ops"); /* through night */
    sql(w, "UPDATE user_roles SET ends_at = 1780000001");
    assert_string_equal(RULE(w, w->alice, "alice", .service = "sshd"), "ops");
    sql(w, "UPDATE user_roles SET ends_at = 1780000000");
    assert_string_equal(RULE(w, w->alice, "alice", .service = "sshd"), "");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd"), "");
    /* explain's question: as if it were held */
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .as_role = "night"), "ops");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .as_role = "ops"), "ops");
    assert_int_equal(ja_policy_decide(w->ctx, &(struct ja_policy_login){.user_id = w->bob, .user = "bob", .as_role = "nosuch"},
                                      &(struct ja_policy_terms){0}, &(struct ja_policy_decision){0}, NULL),
                     JA_ERR_NOT_FOUND);
    down(w);
}

static void hours_are_local_ones_of_now(void **state)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    struct ja_local_time now = {0};
    char rules[256];
    struct world *w;

    (void)state;
    assert_int_equal(ja_local_time(JA_LOCALTIME_PATH, THURSDAY, &now, NULL), JA_OK);
    (void)snprintf(rules, sizeof rules, "[policy now]\nhours = %s %02d:%02d-24:00\nmfa = off\n", days[now.weekday],
                   now.minute / 60, now.minute % 60);
    w = up(rules);
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd"), "now");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .at = THURSDAY), "now");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .at = THURSDAY - 60), "");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd", .at = THURSDAY + 86400), "");
    w->t->clock.wall_ms += (int64_t)86400000;
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd"), "");
    down(w);
}

static void a_rule_overrides_what_it_names_and_no_more(void **state)
{
    struct world *w = up("[policy a]\nuser = alice\nmfa = required\nmfa_remember = 10m\naccept = jwt\n"
                         "methods = publickey\nrequire_role = ops\nrequire_permission = a:b\ntoken_audience = rule\n"
                         "[policy b]\nuser = bob\nmfa = off\n");
    const struct ja_policy_terms options = {.mfa = JA_MFA_AUTO, .mfa_remember = 60, .accept = JA_ACCEPT_PASSWORD,
                                            .require_role = "night", .require_permission = "x:y", .audience = "option"};
    struct ja_policy_decision d = {0};

    (void)state;
    assert_int_equal(ja_policy_decide(w->ctx, &(struct ja_policy_login){.user_id = w->alice, .user = "alice"}, &options, &d, NULL), JA_OK);
    assert_int_equal(d.terms.mfa, JA_MFA_ALWAYS);
    assert_int_equal(d.terms.mfa_remember, 600);
    assert_int_equal(d.terms.accept, JA_ACCEPT_JWT);
    assert_int_equal(d.terms.methods, JA_METHOD_PUBLICKEY);
    assert_string_equal(d.terms.require_role, "ops");
    assert_string_equal(d.terms.require_permission, "a:b");
    assert_string_equal(d.terms.audience, "rule");
    assert_false(d.terms.deny);
    ja_policy_decision_clear(&d);
    assert_int_equal(ja_policy_decide(w->ctx, &(struct ja_policy_login){.user_id = w->bob, .user = "bob"}, &options, &d, NULL), JA_OK);
    assert_int_equal(d.terms.mfa, JA_MFA_OFF);
    assert_int_equal(d.terms.mfa_remember, 60);
    assert_int_equal(d.terms.accept, JA_ACCEPT_PASSWORD);
    assert_int_equal(d.terms.methods, 0);
    assert_string_equal(d.terms.require_role, "night");
    assert_string_equal(d.terms.require_permission, "x:y");
    assert_string_equal(d.terms.audience, "option");
    ja_policy_decision_clear(&d);
    down(w);
}

/* ---- errors ---- */

/* Issue 5: a rule with an error stops logins it could have governed, and never opens one; the others go on. */
static void errors_fail_closed(void **state)
{
    static const struct { const char *rule, *alice, *bob, *su; } all[] = {
        /* service sshd for alice, for bob; service su for alice. "rest" is the rule behind. */
        {"role = nosuch", "!r", "!r", "!r"},
        {"role = ops, nosuch", "!r", "!r", "!r"},
        {"role = nosuch\nservice = sshd", "!r", "!r", "rest"},
        {"role = nosuch\nuser = bob", "rest", "!r", "rest"},
        {"require_role = nosuch\nservice = sshd", "!r", "!r", "rest"},
        {"require_role = nosuch\nrole = ops", "!r", "rest", "!r"},
        {"require_permission = nothing\nrole = ops", "!r", "rest", "!r"},
        {"mfa = of\nservice = su", "rest", "rest", "!r"},
        {"mfa = off\nservcie = su", "!r", "!r", "!r"},
        {"mfa = off\nservcie = su\nuser = bob", "rest", "!r", "rest"},
        {"network = 10.0.0.1/8\nservice = sshd\nmfa = off", "!r", "!r", "rest"},
        {"not_network = office\nservice = su\nmfa = off", "rest", "rest", "!r"},
        {"user = b*b\nservice = sshd", "!r", "!r", "rest"},
        {"hours = never\nuser = alice", "!r", "rest", "!r"},
        {"tty = \nuser = alice", "!r", "rest", "!r"},
        {"service = s*d\nrole = ops", "!r", "rest", "!r"},
        {"deny = no\nrole = ops", "r", "rest", "r"}, /* none at all */
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        char rules[512];
        struct world *w;

        (void)snprintf(rules, sizeof rules, "[policy r]\n%s\n[policy rest]\nmfa = off\n", all[i].rule);
        w = up(rules);
        if (strcmp(RULE(w, w->alice, "alice", .service = "sshd", .source = HOME), all[i].alice) != 0 ||
            strcmp(RULE(w, w->bob, "bob", .service = "sshd", .source = HOME), all[i].bob) != 0 ||
            strcmp(RULE(w, w->alice, "alice", .service = "su", .source = HOME), all[i].su) != 0)
            fail_msg("%s", all[i].rule);
        down(w);
    }
}

static void a_role_that_is_deleted_breaks_its_rule(void **state)
{
    struct world *w = up("[policy r]\nrole = ops, extra\nmfa = off\n");

    (void)state;
    assert_int_equal(ja_role_add_flow(w->ctx, "extra", "", NULL, 0, NULL), JA_OK);
    assert_string_equal(RULE(w, w->alice, "alice", .service = "sshd"), "r");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd"), "");
    assert_int_equal(ja_role_delete_flow(w->ctx, "extra", NULL), JA_OK);
    assert_string_equal(RULE(w, w->alice, "alice", .service = "sshd"), "!r");
    assert_string_equal(RULE(w, w->bob, "bob", .service = "sshd"), "!r");
    assert_non_null(strstr(w->t->last_log, "there is no role 'extra'"));
    down(w);
}

/* ---- the account decision ---- */

static enum ja_auth_reason account(struct world *w, const struct ja_account_check *check)
{
    struct ja_auth_result r = {.verdict = JA_DENY};
    struct ja_user user = {0};

    assert_int_equal(ja_account_decide(w->ctx, check, &user, &r, NULL), JA_OK);
    assert_true((r.verdict == JA_ALLOW) == (r.reason == JA_REASON_NONE));
    ja_user_clear(&user);
    return r.reason;
}

/* How the user came to account. */
enum way { KEY, PASSWORD, BOTH };

static enum ja_auth_reason account_after(struct world *w, const char *user, enum way way)
{
    struct outcome o = {0};
    struct ja_account_check check = {.user = user, .service = "sshd", .source = HOME, .check_mfa = true};

    if (way != KEY) {
        o = LOGIN(w, .user = user, .password = RIGHT, .code = way == BOTH ? NOW : NULL, .source = HOME);
        w->t->clock.wall_ms += 30000; /* for the next code */
        if (!o.handle[0])
            return JA_REASON_WRONG_PASSWORD;
        check.handle = o.handle;
    }
    return account(w, &check);
}

static void account_obeys(void **state)
{
    /* bob has a second factor, and sshd asks him for it unless mfa is off */
    static const struct { const char *rule; enum ja_auth_reason alice_key, alice_pwd, bob_key, bob_both; } all[] = {
        {"mfa = auto", 0, 0, 0, 0},
        {"deny = yes", JA_REASON_POLICY, JA_REASON_POLICY, JA_REASON_POLICY, JA_REASON_POLICY},
        {"deny = no", 0, 0, 0, 0},
        {"mfa = required", JA_REASON_NO_SECOND_FACTOR, JA_REASON_WRONG_PASSWORD, JA_REASON_CODE_REQUIRED, 0},
        /* PAM.md: a rule that names keys lets them by mfa=required, and nobody's password */
        {"mfa = required\nmethods = publickey, password", 0, JA_REASON_WRONG_PASSWORD, 0, 0},
        {"mfa = required\nmethods = publickey", 0, JA_REASON_WRONG_PASSWORD, 0, JA_REASON_METHOD},
        {"mfa = required\nmethods = password", JA_REASON_METHOD, JA_REASON_WRONG_PASSWORD, JA_REASON_METHOD, 0},
        {"methods = publickey", 0, JA_REASON_METHOD, 0, JA_REASON_METHOD},
        {"methods = gssapi", 0, JA_REASON_METHOD, 0, JA_REASON_METHOD}, /* session sees which */
        {"methods = password", JA_REASON_METHOD, 0, JA_REASON_METHOD, 0},
        {"methods = jwt", JA_REASON_METHOD, JA_REASON_METHOD, JA_REASON_METHOD, JA_REASON_METHOD},
        {"require_role = ops", 0, 0, JA_REASON_NO_ROLE, JA_REASON_NO_ROLE},
        {"require_permission = ssh:login", 0, 0, JA_REASON_NO_PERMISSION, JA_REASON_NO_PERMISSION},
        {"service = su\ndeny = yes", 0, 0, 0, 0},
        {"role = ops\ndeny = yes", JA_REASON_POLICY, JA_REASON_POLICY, 0, 0},
        {"network = 192.0.2.0/24\ndeny = yes", JA_REASON_POLICY, JA_REASON_POLICY, JA_REASON_POLICY, JA_REASON_POLICY},
        {"not_network = 192.0.2.0/24\ndeny = yes", 0, 0, 0, 0},
        {"role = nosuch\nmfa = off", JA_REASON_POLICY, JA_REASON_POLICY, JA_REASON_POLICY, JA_REASON_POLICY},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        char rules[256];
        struct world *w;
        enum ja_auth_reason got[4];

        (void)snprintf(rules, sizeof rules, "[policy r]\n%s\n", all[i].rule);
        w = up(rules);
        got[0] = account_after(w, "alice", KEY);
        got[1] = account_after(w, "alice", PASSWORD);
        got[2] = account_after(w, "bob", KEY);
        got[3] = account_after(w, "bob", BOTH);
        if (got[0] != all[i].alice_key || got[1] != all[i].alice_pwd || got[2] != all[i].bob_key || got[3] != all[i].bob_both)
            fail_msg("%s: %s %s %s %s", all[i].rule, ja_auth_reason_name(got[0]), ja_auth_reason_name(got[1]),
                     ja_auth_reason_name(got[2]), ja_auth_reason_name(got[3]));
        down(w);
    }
}

/* A screen locker and a change of the password have no account call: the rule that denies, or is broken, is asked here. */
static void who_is_denied_proves_nothing(void **state)
{
    static const struct { const char *rule; enum ja_auth_reason alice, bob; } all[] = {
        {"service = jwtauthd\ndeny = yes", JA_REASON_POLICY, JA_REASON_POLICY},
        {"role = ops\ndeny = yes", JA_REASON_POLICY, 0},
        {"role = nosuch\nmfa = off", JA_REASON_POLICY, JA_REASON_POLICY},
        {"service = sshd\ndeny = yes", 0, 0},
        {"deny = no", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        char rules[128];
        struct world *w;
        struct outcome a, b;

        (void)snprintf(rules, sizeof rules, "[policy r]\n%s\n", all[i].rule);
        w = up(rules);
        a = LOGIN(w, .user = "alice", .password = RIGHT, .service = "jwtauthd", .fruit = PROOF);
        b = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .service = "jwtauthd", .fruit = PROOF);
        if (a.r.reason != all[i].alice || b.r.reason != all[i].bob || allowed(&a) == (all[i].alice != 0) ||
            allowed(&b) == (all[i].bob != 0))
            fail_msg("%s: %s %s", all[i].rule, ja_auth_reason_name(a.r.reason), ja_auth_reason_name(b.r.reason));
        down(w);
    }
}

/* The options hold where no rule matches, and give way where one does. */
static void options_give_way(void **state)
{
    struct world *w = up("[policy r]\nuser = alice\nmfa = off\nrequire_role = ops\n");
    struct ja_account_check check = {.user = "alice", .service = "sshd", .check_mfa = true, .mfa = JA_MFA_ALWAYS,
                                     .require_role = "nosuch"};

    (void)state;
    assert_int_equal(account(w, &check), JA_REASON_NONE);
    check.user = "bob";
    assert_int_equal(account(w, &check), JA_REASON_CODE_REQUIRED);
    check.mfa = JA_MFA_OFF;
    assert_int_equal(account(w, &check), JA_REASON_NO_ROLE);
    down(w);
}

/* The rule of account's moment counts: a password alone, let in by the rule of before, is no key for the rule of now. */
static void a_password_does_not_pass_for_a_key(void **state)
{
    struct world *w = up("[policy office]\nnetwork = 10.0.0.0/8\nmfa = off\n"
                         "[policy outside]\nmfa = required\nmethods = password, publickey\n");
    struct outcome o = LOGIN(w, .user = "bob", .password = RIGHT, .source = "10.0.0.1");
    struct ja_account_check check = {.user = "bob", .service = "sshd", .source = "10.0.0.1", .check_mfa = true,
                                     .handle = o.handle};

    (void)state;
    assert_true(allowed(&o));
    assert_int_equal(account(w, &check), JA_REASON_NONE);
    check.source = HOME;
    assert_int_equal(account(w, &check), JA_REASON_CODE_REQUIRED);
    check.handle = NULL; /* a key */
    assert_int_equal(account(w, &check), JA_REASON_NONE);
    down(w);
}

/* open_session sees what sshd says: the method counts there, and nothing else of account's is asked again. */
static void session_sees_the_method(void **state)
{
    static const struct { unsigned seen; enum ja_auth_reason reason; } all[] = {
        {JA_METHOD_PUBLICKEY, JA_REASON_NONE},
        {JA_METHOD_GSSAPI, JA_REASON_METHOD},
        {JA_METHOD_HOSTBASED, JA_REASON_METHOD},
        {JA_METHOD_PASSWORD, JA_REASON_METHOD},
        {JA_METHOD_OTHER, JA_REASON_METHOD},
        {JA_METHOD_PUBLICKEY | JA_METHOD_GSSAPI, JA_REASON_METHOD},
        {0, JA_REASON_NONE}, /* cron, su by root */
    };
    struct world *w = up("[policy r]\nmethods = publickey\nmfa = required\nrequire_role = night\n");
    struct ja_account_check check = {.user = "bob", .service = "sshd", .source = HOME, .opens = true};

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        check.methods = all[i].seen;
        if (account(w, &check) != all[i].reason)
            fail_msg("methods %x", all[i].seen);
    }
    check.opens = false; /* setcred */
    check.methods = JA_METHOD_GSSAPI;
    assert_int_equal(account(w, &check), JA_REASON_NONE);
    down(w);
}

static void a_password_of_ours_is_no_key(void **state)
{
    struct world *w = up("[policy r]\nmethods = password\n");
    struct outcome o = LOGIN(w, .user = "alice", .password = RIGHT);
    struct ja_account_check check = {.user = "alice", .service = "sshd", .opens = true, .handle = o.handle};

    (void)state;
    /* sshd calls what ran here keyboard-interactive */
    check.methods = JA_METHOD_PASSWORD;
    assert_int_equal(account(w, &check), JA_REASON_NONE);
    check.methods = JA_METHOD_PASSWORD | JA_METHOD_PUBLICKEY; /* AuthenticationMethods with two */
    assert_int_equal(account(w, &check), JA_REASON_METHOD);
    /* sudo's target has logged in by nothing: account, which asks of the invoker, refuses; the session does not */
    check.methods = 0;
    check.handle = NULL;
    assert_int_equal(account(w, &check), JA_REASON_NONE);
    check.check_mfa = true;
    assert_int_equal(account(w, &check), JA_REASON_METHOD);
    down(w);
}

/* ---- the login ---- */

static void rules_decide_the_prompts(void **state)
{
    struct world *w = up("[policy off]\nnetwork = 10.0.0.0/8\nmfa = off\n"
                         "[policy on]\nnetwork = 11.0.0.0/8\nmfa = required\n");
    struct outcome o;

    (void)state;
    o = LOGIN(w, .user = "bob", .password = RIGHT, .source = "10.0.0.1");
    assert_true(allowed(&o));
    assert_string_equal(o.prompts, "P");
    o = LOGIN(w, .user = "bob", .password = RIGHT, .source = "10.0.0.1", .mfa = JA_MFA_ALWAYS);
    assert_true(allowed(&o)); /* the rule is before the option */
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = "000000", .source = "11.0.0.1", .mfa = JA_MFA_OFF);
    assert_string_equal(o.prompts, "PC");
    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
    o = LOGIN(w, .user = "nobody", .password = RIGHT, .code = "000000", .source = "11.0.0.1");
    assert_string_equal(o.prompts, "PC");
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = "11.0.0.1", .mfa = JA_MFA_OFF);
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(allowed(&o));
    assert_string_equal(o.prompts, "P");
    down(w);
}

/* R8: a rule on users or roles asks them what it says after the right password; after a wrong one everybody sees what a
 * name of nobody's sees. */
static void r8_prompts_do_not_tell_who_a_rule_is_for(void **state)
{
    static const char *const all[] = {
        "[policy r]\nuser = bob\nmfa = required\n",
        "[policy r]\nuser = bob\nmfa = off\n[policy rest]\nmfa = required\n",
        "[policy r]\nrole = ops\nmfa = required\n",
        "[policy r]\nrole = ops\nmfa = off\n[policy rest]\nmfa = required\n",
        "[policy r]\nrole = nosuch\nmfa = off\n[policy rest]\nmfa = required\n",
        "[policy r]\nuser = alice\ndeny = yes\n",
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct world *w = up(all[i]);
        struct outcome alice = LOGIN(w, .user = "alice", .password = WRONG, .code = "000000");
        struct outcome bob = LOGIN(w, .user = "bob", .password = WRONG, .code = "000000");
        struct outcome nobody = LOGIN(w, .user = "nobody", .password = WRONG, .code = "000000");

        assert_string_equal(alice.prompts, nobody.prompts);
        assert_string_equal(bob.prompts, nobody.prompts);
        down(w);
    }
}

static void one_users_rule_asks_that_user(void **state)
{
    struct world *w = up("[policy r]\nuser = bob\nmfa = off\n[policy rest]\nmfa = required\n");
    struct outcome o = LOGIN(w, .user = "bob", .password = RIGHT);

    (void)state;
    assert_true(allowed(&o));
    assert_string_equal(o.prompts, "P");
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = "000000");
    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
    down(w);
    w = up("[policy r]\nuser = bob, alice\nmfa = required\n");
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .mfa = JA_MFA_OFF);
    assert_true(allowed(&o));
    assert_string_equal(o.prompts, "PC");
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = NULL, .mfa = JA_MFA_OFF);
    assert_string_equal(o.prompts, "P");
    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
    down(w);
}

/* [mfa] policy stays demanded whatever a rule says. */
static void what_the_configuration_demands_stays(void **state)
{
    struct world *w = up("[mfa]\npolicy = required\n[policy r]\nmfa = off\n");
    struct outcome o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NULL);

    (void)state;
    assert_string_equal(o.prompts, "PC");
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
    down(w);
}

/* authctl and jwtauthd have no account call: finish itself refuses, and nothing is left behind. */
static void a_session_is_refused_at_once(void **state)
{
    static const struct { const char *rule; enum ja_auth_reason alice, bob; } all[] = {
        {"deny = yes", JA_REASON_POLICY, JA_REASON_POLICY},
        {"service = sshd\nmfa = off", JA_REASON_NONE, JA_REASON_NONE},
        {"methods = publickey", JA_REASON_METHOD, JA_REASON_METHOD},
        {"methods = jwt", JA_REASON_METHOD, JA_REASON_METHOD},
        {"methods = password", JA_REASON_NONE, JA_REASON_NONE},
        {"require_role = ops", JA_REASON_NONE, JA_REASON_NO_ROLE},
        {"require_permission = ssh:login", JA_REASON_NONE, JA_REASON_NO_PERMISSION},
        {"role = nosuch", JA_REASON_POLICY, JA_REASON_POLICY},
        {"mfa = required", JA_REASON_NO_SECOND_FACTOR, JA_REASON_NONE},
        {"mfa = off", JA_REASON_NONE, JA_REASON_NONE},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        char rules[256];
        struct world *w;
        struct outcome a, b;

        (void)snprintf(rules, sizeof rules, "[policy r]\n%s\n", all[i].rule);
        w = up(rules);
        a = LOGIN(w, .user = "alice", .password = RIGHT, .code = "000000", .fruit = SESSION);
        b = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .fruit = SESSION);
        if (a.r.reason != all[i].alice || b.r.reason != all[i].bob)
            fail_msg("%s: %s %s", all[i].rule, ja_auth_reason_name(a.r.reason), ja_auth_reason_name(b.r.reason));
        assert_int_equal(number(w, "SELECT count(*) AS n FROM sessions"),
                         (all[i].alice == JA_REASON_NONE) + (all[i].bob == JA_REASON_NONE));
        down(w);
    }
}

/* What held when the password was asked may not hold any more. */
static void a_grant_that_ends_during_the_login_counts(void **state)
{
    struct world *w = up("[policy r]\nrole = ops\nmfa = off\n[policy rest]\ndeny = yes\n");
    struct ja_auth *auth = begin(w->ctx, &(struct attempt){.user = "alice"});
    struct outcome o;

    (void)state;
    assert_int_equal(answer(auth, RIGHT), JA_OK);
    sql(w, "DELETE FROM user_roles");
    o = finish(auth, SESSION);
    ja_auth_free(auth);
    assert_true(denied(&o, JA_REASON_POLICY));
    assert_int_equal(number(w, "SELECT count(*) AS n FROM sessions"), 0);
    down(w);
}

static void the_audience_is_the_rules(void **state)
{
    struct world *w = up("[policy r]\nuser = alice\ntoken_audience = https://rule.example.org\n");
    struct outcome o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = SESSION);

    (void)state;
    assert_true(allowed(&o));
    assert_string_equal(text(w, "SELECT audience AS t FROM sessions"), "https://rule.example.org");
    assert_string_equal(o.r.terms.audience, "https://rule.example.org");
    down(w);
}

/* ---- check ---- */

struct faults { char text[1024]; };

static enum ja_status note(void *arg, const struct ja_policy_fault *f)
{
    struct faults *all = arg;
    size_t len = strlen(all->text);

    assert_true(f->why[0]);
    (void)snprintf(all->text + len, sizeof all->text - len, "%s%s:%s ", f->error ? "!" : "", f->rule->name, f->code);
    return JA_OK;
}

static void check_finds_errors_and_useless_rules(void **state)
{
    static const struct { const char *rules, *found; } all[] = {
        {"[policy a]\nservice = sshd\nmfa = off\n[policy b]\nservice = su\nmfa = off\n", ""},
        {"[policy a]\nmfa = off\n[policy b]\nservice = su\nmfa = off\n", "b:shadowed "},
        {"[policy a]\nmfa = of\n[policy b]\nservice = su\nmfa = off\n", "!a:broken b:shadowed "},
        {"[policy a]\nrole = nosuch\nmfa = off\n", "!a:broken "},
        {"[policy a]\nrequire_role = nosuch\n", "!a:broken "},
        {"[policy a]\nrequire_permission = x\n", "!a:broken "},
        {"[policy a]\nnetwork = 10.1.0.0/16\nnot_network = 10.0.0.0/8\nmfa = off\n", "a:never_matches "},
        {"[policy a]\nservice = sshd\n", "a:no_effect "},
        {"[policy a]\nservice = sshd\ndeny = yes\nmfa = off\n", "a:deny_only "},
        {"[policy a]\nservice = sshd\ndeny = no\nmfa = off\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct world *w = up(all[i].rules);
        struct faults found = {""};

        assert_int_equal(ja_policy_find_faults(w->ctx, note, &found, NULL), JA_OK);
        assert_string_equal(found.text, all[i].found);
        down(w);
    }
}

/* ---- explain equals decide ---- */

static unsigned long seed = 20260601;

static unsigned pick(unsigned n)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(seed >> 33) % n;
}

/* What a rule may say and what a login may be, small enough that both often meet. */
static const char *const services[] = {"sshd", "sudo", "su", "login"};
static const char *const addresses[] = {"10.1.2.3", "10.2.0.1", "192.0.2.7", "2001:db8::1", "pc.example.org", NULL};
static const char *const nets[] = {"10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"};
static const bool inside[LEN(nets)][LEN(addresses)] = {
    {1, 1, 0, 0, 0, 0}, {1, 0, 0, 0, 0, 0}, {0, 0, 1, 0, 0, 0}, {0, 0, 0, 1, 0, 0}, {1, 1, 1, 0, 0, 0}};
static const char *const ttys[] = {"tty1", "/dev/pts/4", "ssh", NULL};
#define NOT_SAID 99u

struct drawn_rule { unsigned service, user, role, net, not_net, tty; bool broken; };
struct drawn_login { unsigned service, user, address, tty; };

/* By the words of CONFIG.md alone: the test's own reading. */
static bool matches(const struct drawn_rule *r, const struct drawn_login *l)
{
    return (r->service == NOT_SAID || r->service == l->service) && (r->user == NOT_SAID || r->user == l->user) &&
           (r->role == NOT_SAID || l->user == 0) && /* alice alone has the roles */
           (r->net == NOT_SAID || inside[r->net][l->address]) &&
           (r->not_net == NOT_SAID || !inside[r->not_net][l->address]) &&
           (r->tty == NOT_SAID || r->tty == l->tty);
}

static unsigned maybe(unsigned n)
{
    return pick(3) ? NOT_SAID : pick(n);
}

static struct drawn_rule draw_rule(char *out, size_t size, unsigned i)
{
    static const char *const users[] = {"alice", "bob"}, *const roles[] = {"ops", "night"};
    struct drawn_rule r = {maybe(LEN(services)), maybe(2), maybe(2), maybe(LEN(nets)), maybe(LEN(nets)),
                           maybe(LEN(ttys) - 1), pick(8) == 0};
    size_t n = (size_t)snprintf(out, size, "[policy r%u]\ntoken_audience = r%u\n%s", i, i, r.broken ? "mfa = x\n" : "");

#define LINE(key, table, field) \
    if (r.field != NOT_SAID) \
        n += (size_t)snprintf(out + n, size - n, key " = %s\n", table[r.field])
    LINE("service", services, service);
    LINE("user", users, user);
    LINE("role", roles, role);
    LINE("network", nets, net);
    LINE("not_network", nets, not_net);
    LINE("tty", ttys, tty);
#undef LINE
    return r;
}

static void look_is_consistent(const struct ja_policy_decision *d)
{
    for (size_t i = 0; i < d->nlooks; i++) {
        bool kept_away = false;

        for (int key = 0; key < JA_POLICY_CONDITIONS; key++)
            kept_away = kept_away || d->looks[i].outcome[key] == JA_COND_NOT_MET;
        assert_true(kept_away != (d->rule == d->looks[i].rule));
    }
    if (d->rule)
        assert_ptr_equal(d->looks[d->nlooks - 1].rule, d->rule);
}

static void one_drawn_login(struct world *w, const struct drawn_rule *rules, unsigned n)
{
    const struct drawn_login l = {pick(LEN(services)), pick(2), pick(LEN(addresses)), pick(LEN(ttys))};
    const char *user = l.user ? "bob" : "alice";
    const struct ja_policy_login login = {l.user ? w->bob : w->alice, user, services[l.service], addresses[l.address],
                                          ttys[l.tty], 0, NULL};
    const struct ja_account_check check = {.user = user, .service = services[l.service], .check_mfa = true,
                                           .source = addresses[l.address], .tty = ttys[l.tty], .audience = "option"};
    struct ja_policy_decision d = decide(w, &login);
    struct ja_auth_result r = {.verdict = JA_DENY};
    struct ja_user u = {0};
    unsigned want = 0;
    char name[16];

    while (want < n && !matches(&rules[want], &l))
        want++;
    assert_int_equal(ja_account_decide(w->ctx, &check, &u, &r, NULL), JA_OK);
    look_is_consistent(&d);
    if (want == n) {
        assert_null(d.rule);
        assert_string_equal(r.terms.audience, "option");
    } else {
        (void)snprintf(name, sizeof name, "r%u", want);
        assert_non_null(d.rule);
        assert_string_equal(d.rule->name, name);
        assert_string_equal(r.terms.audience, rules[want].broken ? "option" : name);
        assert_true((r.reason == JA_REASON_POLICY) == rules[want].broken);
    }
    assert_true(d.terms.deny == r.terms.deny);
    ja_policy_decision_clear(&d);
    ja_user_clear(&u);
}

/* For rules and logins drawn at random: what explain shows is what account does, and both are what the contract says. */
static void explain_equals_decide(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        struct drawn_rule rules[8];
        unsigned n = 1 + pick(8);
        char text[4000] = "";
        struct world *w;

        for (unsigned i = 0; i < n; i++)
            rules[i] = draw_rule(text + strlen(text), sizeof text - strlen(text), i);
        w = up(text);
        for (int k = 0; k < 150; k++)
            one_drawn_login(w, rules, n);
        down(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_match_decides),
        cmocka_unit_test(roles_count_while_they_are_held),
        cmocka_unit_test(hours_are_local_ones_of_now),
        cmocka_unit_test(a_rule_overrides_what_it_names_and_no_more),
        cmocka_unit_test(errors_fail_closed),
        cmocka_unit_test(a_role_that_is_deleted_breaks_its_rule),
        cmocka_unit_test(account_obeys),
        cmocka_unit_test(who_is_denied_proves_nothing),
        cmocka_unit_test(options_give_way),
        cmocka_unit_test(a_password_does_not_pass_for_a_key),
        cmocka_unit_test(session_sees_the_method),
        cmocka_unit_test(a_password_of_ours_is_no_key),
        cmocka_unit_test(rules_decide_the_prompts),
        cmocka_unit_test(r8_prompts_do_not_tell_who_a_rule_is_for),
        cmocka_unit_test(one_users_rule_asks_that_user),
        cmocka_unit_test(what_the_configuration_demands_stays),
        cmocka_unit_test(a_session_is_refused_at_once),
        cmocka_unit_test(a_grant_that_ends_during_the_login_counts),
        cmocka_unit_test(the_audience_is_the_rules),
        cmocka_unit_test(check_finds_errors_and_useless_rules),
        cmocka_unit_test(explain_equals_decide),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
