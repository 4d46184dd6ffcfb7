/* [policy NAME] sections: what is read of them, what a rule matches, which rule hides another. */
#include "common/base/policy_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct ja_config *good(const char *text)
{
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};

    if (ja_config_parse("t.conf", text, strlen(text), &cfg, &err) != JA_OK)
        fail_msg("%s", err.message);
    return cfg;
}

/* One rule of these lines. */
static struct ja_config *one(const char *lines)
{
    char text[1024];

    (void)snprintf(text, sizeof text, "[policy r]\n%s\n", lines);
    return good(text);
}

static void rules_keep_the_order_of_the_file(void **state)
{
    struct ja_config *cfg = good("[policy zeta]\nservice = sshd\n[log]\nlevel = err\n[policy alpha]\ndeny = yes\n"
                                 "[policy  mid.1_X-2]\nmfa = off\n");

    (void)state;
    assert_int_equal(cfg->policy.len, 3);
    assert_string_equal(cfg->policy.items[0].name, "zeta");
    assert_string_equal(cfg->policy.items[1].name, "alpha");
    assert_string_equal(cfg->policy.items[2].name, "mid.1_X-2");
    assert_int_equal(cfg->policy.items[0].line, 1);
    assert_int_equal(cfg->policy.items[1].line, 5);
    for (size_t i = 0; i < 3; i++)
        assert_null(cfg->policy.items[i].error);
    ja_config_free(cfg);
}

static void every_key_is_read(void **state)
{
    struct ja_config *cfg = one("service = sshd, web-*\nuser = alice, svc-*\nrole = ops, admin\n"
                                "network = 10.0.0.0/8, 2001:db8::/32, 0.0.0.0/0\nnot_network = 192.0.2.7\n"
                                "tty = tty1, pts/*\nhours = mon-fri 08:00-18:00, sat\nmfa = required\n"
                                "mfa_remember = 15m\naccept = password, jwt\nmethods = publickey, gssapi\n"
                                "require_role = ops\nrequire_permission = ssh:login\ndeny = no\n"
                                "token_audience = https://x.example.org");
    const struct ja_policy_rule *r = &cfg->policy.items[0];

    (void)state;
    assert_null(r->error);
    assert_int_equal(r->given, (1u << JA_POLICY_KEYS) - 1);
    assert_int_equal(r->service.len, 2);
    assert_string_equal(r->user.items[1], "svc-*");
    assert_int_equal(r->role.len, 2);
    assert_int_equal(r->network.len, 3);
    assert_int_equal(r->not_network.len, 1);
    assert_int_equal(r->hours.len, 2);
    assert_int_equal(r->mfa, JA_MFA_ALWAYS);
    assert_int_equal(r->mfa_remember, 900);
    assert_int_equal(r->accept, JA_ACCEPT_PASSWORD | JA_ACCEPT_JWT);
    assert_int_equal(r->methods, JA_METHOD_PUBLICKEY | JA_METHOD_GSSAPI);
    assert_string_equal(r->require_role, "ops");
    assert_string_equal(r->require_permission, "ssh:login");
    assert_false(r->deny);
    assert_string_equal(r->token_audience, "https://x.example.org");
    ja_config_free(cfg);
}

struct shown { char text[2048]; };

static enum ja_status show(void *arg, const struct ja_config_item *item)
{
    struct shown *s = arg;
    size_t len = strlen(s->text);

    if (strncmp(item->section, "policy", 6) == 0)
        (void)snprintf(s->text + len, sizeof s->text - len, "%s.%s=%s%s|", item->section, item->key, item->value,
                       item->from_file ? "" : "(default)");
    return JA_OK;
}

/* What is shown can be written back. */
static void rules_are_shown_as_they_are_written(void **state)
{
    struct ja_config *cfg = one("hours = MON\nnot_network = 10.0.0.0/8\nmfa = required\nmethods = jwt,  publickey\n"
                                "service = a,b");
    struct shown s = {""};

    (void)state;
    assert_int_equal(ja_config_each(cfg, show, &s), JA_OK);
    assert_string_equal(s.text, "policy r.service=a, b|policy r.not_network=10.0.0.0/8|policy r.mfa=required|"
                                "policy r.methods=jwt, publickey|");
    ja_config_free(cfg);
}

/* An error in a rule is the rule's: the file is read, the rule keeps file, line and what is wrong. */
static void errors_stay_in_their_rule(void **state)
{
    static const struct { const char *lines, *says; enum ja_policy_key key; } all[] = {
        {"servcie = sshd", "t.conf:2: [policy r] servcie is no option, did you mean service?", JA_POLICY_KEYS},
        {"deny = yes\nnetwork = 10.0.0.1/8", "t.conf:3: [policy r] network '10.0.0.1/8' is no network", JA_POLICY_NETWORK},
        {"not_network = office", "[policy r] not_network 'office' is no network", JA_POLICY_NOT_NETWORK},
        {"service = ss*d", "[policy r] service 'ss*d' must be PAM services", JA_POLICY_SERVICE},
        {"service = ../sshd", "service '../sshd' must be", JA_POLICY_SERVICE},
        {"service =", "service must not be empty", JA_POLICY_SERVICE},
        {"service = a,,b", "has an empty item", JA_POLICY_SERVICE},
        {"user = Alice", "user 'Alice' must be names", JA_POLICY_USER},
        {"user = *ice", "user '*ice' must be names", JA_POLICY_USER},
        {"role = op*", "role 'op*' must be names of roles", JA_POLICY_ROLE},
        {"tty = pts/?", "tty 'pts/?' must be terminals", JA_POLICY_TTY},
        {"tty = /dev/*", "tty '/dev/*' must be terminals", JA_POLICY_TTY},
        {"hours = monday", "hours 'monday' is none like", JA_POLICY_HOURS},
        {"hours = mon-fri 8:00-18:00", "is none like", JA_POLICY_HOURS},
        {"mfa = sometimes", "mfa 'sometimes' is unknown, must be one of off auto required", JA_POLICY_MFA},
        {"mfa_remember = 8d", "is out of range", JA_POLICY_MFA_REMEMBER},
        {"accept = anything", "accept 'anything' is unknown", JA_POLICY_ACCEPT},
        {"methods = key", "methods 'key' is unknown", JA_POLICY_METHODS},
        {"deny = maybe", "deny 'maybe' is unknown", JA_POLICY_DENY},
        {"require_role = Ops", "require_role 'Ops' must be", JA_POLICY_REQUIRE_ROLE},
        {"token_audience = a b", "must have no blanks", JA_POLICY_TOKEN_AUDIENCE},
        {"service = \"sshd\"", "is in quotation marks", JA_POLICY_SERVICE},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct ja_config *cfg = one(all[i].lines);
        const struct ja_policy_rule *r = &cfg->policy.items[0];

        assert_int_equal(cfg->policy.len, 1);
        if (!r->error || !strstr(r->error, all[i].says))
            fail_msg("%s: %s", all[i].lines, r->error ? r->error : "no error");
        assert_int_equal(r->broken, all[i].key == JA_POLICY_KEYS ? 0 : 1u << all[i].key);
        ja_config_free(cfg);
    }
}

/* What is no section at all, or one that could be meant twice, refuses the file. */
static void bad_names_refuse_the_file(void **state)
{
    static const struct { const char *text, *says; } all[] = {
        {"[policy]\ndeny = yes\n", "t.conf:1: [policy] needs a name"},
        {"\n[policy a b]\ndeny = yes\n", "t.conf:2: [policy a b] needs a name"},
        {"[policy a/b]\ndeny = yes\n", "needs a name"},
        {"[policy a]\nmfa = off\n[policy  a]\ndeny = yes\n", "t.conf:3: [policy  a] is there twice"},
        {"[policy a]\nmfa = off\n[policy a]\ndeny = yes\n", "t.conf:3"},
        {"[policy a]\nmfa = off\nmfa = auto\n", "t.conf:3"},
        {"[policy a]\nmfa\n", "t.conf:2"},
        {"[policies a]\nmfa = off\n", "[policies a] is no section"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct ja_config *cfg = NULL;
        struct ja_error err = {0};

        assert_int_equal(ja_config_parse("t.conf", all[i].text, strlen(all[i].text), &cfg, &err), JA_ERR_CONFIG);
        if (!strstr(err.message, all[i].says))
            fail_msg("%s: %s", all[i].text, err.message);
    }
}

/* ---- matching ---- */

static void hours_of_the_week(void **state)
{
    static const struct { const char *text; int weekday; const char *in, *out; } all[] = {
        {"mon-fri 08:00-18:00", 0, "08:00 12:00 17:59", "07:59 18:00 00:00"},
        {"mon-fri 08:00-18:00", 4, "08:00 17:59", "18:00"},
        {"mon-fri 08:00-18:00", 5, "", "08:00 12:00"},
        {"mon-fri 08:00-18:00", 6, "", "12:00"},
        {"sat", 5, "00:00 23:59", ""},
        {"sat", 6, "", "00:00 23:59"},
        {"fri-mon", 0, "12:00", ""}, {"fri-mon", 6, "12:00", ""}, {"fri-mon", 1, "", "12:00"},
        {"22:00-06:00", 3, "22:00 23:59 00:00 05:59", "06:00 21:59"},
        {"fri 22:00-06:00", 4, "22:00 23:59", "05:59 00:00"}, /* the night that begins on Friday */
        {"fri 22:00-06:00", 5, "00:00 05:59", "06:00 22:00"},
        {"sun 22:00-06:00", 0, "00:00 05:59", "06:00"}, /* over the end of the week */
        {"00:00-24:00", 2, "00:00 23:59", ""},
        {"tue 12:00-24:00", 1, "12:00 23:59", "11:59"},
        {"tue 12:00-24:00", 2, "", "00:00"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct ja_hours h;
        char text[JA_HOURS_TEXT];

        assert_true(ja_hours_parse(all[i].text, &h));
        ja_hours_format(&h, text);
        assert_string_equal(text, all[i].text);
        for (int in = 0; in < 2; in++)
            for (const char *t = in ? all[i].in : all[i].out; *t; t += t[5] ? 6 : 5)
                if (ja_hours_contain(&h, all[i].weekday, atoi(t) * 60 + atoi(t + 3)) != in)
                    fail_msg("%s on day %d at %.5s", all[i].text, all[i].weekday, t);
    }
}

static void hours_that_are_none(void **state)
{
    static const char *const all[] = {"", "mo", "mon-", "mon-xyz", "mon 08:00", "mon 08:00-", "mon 08:00-25:00",
                                      "mon 08:60-09:00", "08:00-08:00", "24:00-08:00", "mon08:00-09:00", "Mon",
                                      "mon 08:00-09:00 x", "mon-fri-sat", "8:00-9:00", "08:00 -09:00", "24:01-25:00"};
    struct ja_hours h;

    (void)state;
    for (size_t i = 0; i < LEN(all); i++)
        if (ja_hours_parse(all[i], &h))
            fail_msg("'%s' is taken", all[i]);
}

static enum ja_policy_outcome outcome(const char *lines, enum ja_policy_key key, const struct ja_policy_facts *f)
{
    struct ja_config *cfg = one(lines);
    enum ja_policy_outcome o = ja_policy_condition(&cfg->policy.items[0], key, f);

    ja_config_free(cfg);
    return o;
}

static void conditions(void **state)
{
    char ops[] = "ops", user[] = "user", *held[] = {ops, user};
    const struct ja_strlist roles = {held, 2};
    const struct ja_policy_facts base = {.service = "sshd", .user = "alice", .roles = &roles, .tty = "/dev/pts/3",
                                         .time_known = true, .weekday = 2, .minute = 600};
    static const struct { const char *line; enum ja_policy_key key; enum ja_policy_outcome want; const char *addr; } all[] = {
        {"service = sshd", JA_POLICY_SERVICE, JA_COND_MET, NULL},
        {"service = login, sshd", JA_POLICY_SERVICE, JA_COND_MET, NULL},
        {"service = ssh*", JA_POLICY_SERVICE, JA_COND_MET, NULL},
        {"service = ssh", JA_POLICY_SERVICE, JA_COND_NOT_MET, NULL},
        {"service = sshd2", JA_POLICY_SERVICE, JA_COND_NOT_MET, NULL},
        {"service = SSHD", JA_POLICY_SERVICE, JA_COND_NOT_MET, NULL},
        {"user = alice", JA_POLICY_USER, JA_COND_MET, NULL},
        {"user = bob, al*", JA_POLICY_USER, JA_COND_MET, NULL},
        {"user = ali", JA_POLICY_USER, JA_COND_NOT_MET, NULL},
        {"role = ops", JA_POLICY_ROLE, JA_COND_MET, NULL},
        {"role = admin, user", JA_POLICY_ROLE, JA_COND_MET, NULL},
        {"role = op", JA_POLICY_ROLE, JA_COND_NOT_MET, NULL},
        {"role = opsx", JA_POLICY_ROLE, JA_COND_NOT_MET, NULL},
        {"tty = pts/*", JA_POLICY_TTY, JA_COND_MET, NULL},
        {"tty = /dev/pts/3", JA_POLICY_TTY, JA_COND_MET, NULL},
        {"tty = tty1", JA_POLICY_TTY, JA_COND_NOT_MET, NULL},
        {"hours = wed 10:00-10:01", JA_POLICY_HOURS, JA_COND_MET, NULL},
        {"hours = wed 10:01-11:00", JA_POLICY_HOURS, JA_COND_NOT_MET, NULL},
        {"hours = thu, wed", JA_POLICY_HOURS, JA_COND_MET, NULL},
        {"network = 10.0.0.0/8", JA_POLICY_NETWORK, JA_COND_MET, "10.1.2.3"},
        {"network = 192.0.2.0/24, 10.0.0.0/8", JA_POLICY_NETWORK, JA_COND_MET, "10.1.2.3"},
        {"network = 10.0.0.0/8", JA_POLICY_NETWORK, JA_COND_NOT_MET, "11.0.0.1"},
        {"network = 10.0.0.0/8", JA_POLICY_NETWORK, JA_COND_MET, "::ffff:10.1.2.3"},
        {"network = 2001:db8::/32", JA_POLICY_NETWORK, JA_COND_MET, "2001:db8::1%eth0"},
        {"network = 0.0.0.0/0", JA_POLICY_NETWORK, JA_COND_MET, "198.51.100.1"},
        {"network = 0.0.0.0/0", JA_POLICY_NETWORK, JA_COND_NOT_MET, "2001:db8::1"},
        {"not_network = 10.0.0.0/8", JA_POLICY_NOT_NETWORK, JA_COND_NOT_MET, "10.1.2.3"},
        {"not_network = 10.0.0.0/8", JA_POLICY_NOT_NETWORK, JA_COND_MET, "11.0.0.1"},
        /* PAM.md: an unparsable address matches no network and every not_network */
        {"network = 10.0.0.0/8, 0.0.0.0/0, ::/0", JA_POLICY_NETWORK, JA_COND_NOT_MET, "office.example.org"},
        {"not_network = 0.0.0.0/0, ::/0", JA_POLICY_NOT_NETWORK, JA_COND_MET, "office.example.org"},
        {"network = 0.0.0.0/0", JA_POLICY_NETWORK, JA_COND_NOT_MET, NULL},
        {"not_network = 0.0.0.0/0", JA_POLICY_NOT_NETWORK, JA_COND_MET, NULL},
        {"network = 10.0.0.0/8", JA_POLICY_NETWORK, JA_COND_NOT_MET, "10.1.2.3 "},
        {"mfa = off", JA_POLICY_SERVICE, JA_COND_ABSENT, NULL},
        {"service = b*d", JA_POLICY_SERVICE, JA_COND_BROKEN, NULL},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct ja_policy_facts f = base;

        if (all[i].addr)
            (void)ja_addr_parse(all[i].addr, &f.addr);
        if (outcome(all[i].line, all[i].key, &f) != all[i].want)
            fail_msg("%s from %s", all[i].line, all[i].addr ? all[i].addr : "nowhere");
    }
}

static void a_nobody_and_no_time(void **state)
{
    const struct ja_policy_facts f = {.service = "", .time_known = false};

    (void)state;
    assert_int_equal(outcome("user = *", JA_POLICY_USER, &f), JA_COND_NOT_MET);
    assert_int_equal(outcome("role = ops", JA_POLICY_ROLE, &f), JA_COND_NOT_MET);
    assert_int_equal(outcome("tty = *", JA_POLICY_TTY, &f), JA_COND_NOT_MET);
    assert_int_equal(outcome("hours = 00:00-24:00", JA_POLICY_HOURS, &f), JA_COND_BROKEN);
    assert_int_equal(outcome("deny = yes", JA_POLICY_HOURS, &f), JA_COND_ABSENT);
}

/* ---- shadows ---- */

static void which_rule_hides_another(void **state)
{
    static const struct { const char *earlier, *later; bool hides; } all[] = {
        {"mfa = off", "deny = yes", true},
        {"mfa = off", "service = sshd\nuser = a", true},
        {"service = sshd", "mfa = off", false},
        {"service = sshd", "service = sshd\nuser = a", true},
        {"service = sshd\nuser = a", "service = sshd", false},
        {"service = sshd, su", "service = su", true},
        {"service = su", "service = sshd, su", false},
        {"service = s*", "service = sshd, sudo", true},
        {"service = s*", "service = ss*", true},
        {"service = ss*", "service = s*", false},
        {"service = sshd", "service = sshd*", false},
        {"user = a", "role = ops", false},
        {"role = ops, dev", "role = dev", true},
        {"tty = pts/*", "tty = /dev/pts/1", true},
        {"tty = *", "deny = yes", false}, /* who has none */
        {"network = 10.0.0.0/8", "network = 10.1.0.0/16, 10.2.0.0/16", true},
        {"network = 10.1.0.0/16", "network = 10.0.0.0/8", false},
        {"network = 0.0.0.0/0, ::/0", "deny = yes", false}, /* those from nowhere */
        {"network = 10.0.0.0/8", "not_network = 11.0.0.0/8", false},
        {"not_network = 10.1.0.0/16", "not_network = 10.0.0.0/8", true},
        {"not_network = 10.0.0.0/8", "not_network = 10.1.0.0/16", false},
        {"not_network = 10.0.0.0/8", "network = 192.0.2.0/24", true},
        {"not_network = 10.0.0.0/8", "network = 10.1.0.0/16", false},
        {"not_network = 10.1.0.0/16", "network = 10.0.0.0/8", false},
        {"not_network = 10.0.0.0/8", "deny = yes", false},
        {"hours = mon-fri 08:00-18:00", "hours = tue 09:00-12:00", true},
        {"hours = mon-fri 08:00-18:00", "hours = tue 09:00-18:01", false},
        {"hours = mon-wed, thu-sun", "deny = yes", true},
        {"hours = mon-sat", "deny = yes", false},
        {"hours = 08:00-12:00, 12:00-18:00", "hours = mon 11:00-13:00", true},
        {"hours = mon 22:00-06:00", "hours = tue 00:00-06:00", true},
        {"service = b*d\nuser = a", "service = su\nuser = a", true}, /* a broken rule stops all that it may mean */
        {"service = su\nuser = a", "service = b*d\nuser = a", false},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct ja_config *e = one(all[i].earlier), *l = one(all[i].later);

        if (ja_policy_covers(&e->policy.items[0], &l->policy.items[0]) != all[i].hides)
            fail_msg("'%s' before '%s'", all[i].earlier, all[i].later);
        ja_config_free(e);
        ja_config_free(l);
    }
}

static void rules_that_nothing_matches(void **state)
{
    static const struct { const char *lines; bool never; } all[] = {
        {"network = 10.1.0.0/16\nnot_network = 10.0.0.0/8", true},
        {"network = 10.1.0.0/16, 11.0.0.0/8\nnot_network = 10.0.0.0/8", false},
        {"network = 10.0.0.0/8\nnot_network = 10.1.0.0/16", false},
        {"network = 10.0.0.0/8\nnot_network = x", false},
        {"network = 10.0.0.0/8", false},
        {"not_network = 0.0.0.0/0, ::/0", false}, /* those from nowhere */
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        struct ja_config *cfg = one(all[i].lines);

        if (ja_policy_impossible(&cfg->policy.items[0]) != all[i].never)
            fail_msg("%s", all[i].lines);
        ja_config_free(cfg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_keep_the_order_of_the_file),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(rules_are_shown_as_they_are_written),
        cmocka_unit_test(errors_stay_in_their_rule),
        cmocka_unit_test(bad_names_refuse_the_file),
        cmocka_unit_test(hours_of_the_week),
        cmocka_unit_test(hours_that_are_none),
        cmocka_unit_test(conditions),
        cmocka_unit_test(a_nobody_and_no_time),
        cmocka_unit_test(which_rule_hides_another),
        cmocka_unit_test(rules_that_nothing_matches),
    };

    return cmocka_run_group_tests_name("policy rule", tests, NULL, NULL);
}
