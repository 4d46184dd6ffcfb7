/* jwtauth.conf: the syntax, every option and its bounds, the rules between options, the manual. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/base/config_options.h"
#include "common/base/policy_rule.h"
#include "common/base/secret.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ja_config *good_n(const char *text, size_t len)
{
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};

    if (ja_config_parse("test.conf", text, len, &cfg, &err) != JA_OK)
        fail_msg("refused: %s\n%.200s", err.message, text);
    return cfg;
}

static struct ja_config *good(const char *text)
{
    return good_n(text, strlen(text));
}

static void accepted(const char *text)
{
    ja_config_free(good(text));
}

/* Refused, with a message that begins with `where` and has `what` in it. */
static void bad_n(const char *text, size_t len, const char *where, const char *what)
{
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};
    enum ja_status st = ja_config_parse("test.conf", text, len, &cfg, &err);

    if (st != JA_ERR_CONFIG || cfg)
        fail_msg("taken (%d): %.200s", st, text);
    if (strncmp(err.message, where, strlen(where)) != 0 || !strstr(err.message, what))
        fail_msg("'%s' is not '%s ... %s'", err.message, where, what);
    assert_string_equal(err.code, "invalid_config");
    assert_true(ja_text_valid(err.message, sizeof err.message));
}

static void bad(const char *text, const char *where, const char *what)
{
    bad_n(text, strlen(text), where, what);
}

static void syntax_errors_name_the_line(void **state)
{
    (void)state;
    bad("[tokens]\nfoo\n", "test.conf:2: ", "equal sign is missing");
    bad("[tokens\nissuer = a\n", "test.conf:1: ", "no closing bracket");
    bad("[tokens] x\n", "test.conf:1: ", "no closing bracket");
    bad("[]\n", "test.conf:1: ", "section name is missing");
    bad("# c\n\n[tokens]\n = 1\n", "test.conf:4: ", "property name is missing");
    bad("/* c */\n[tokens]\n", "test.conf:1: ", "equal sign");
    bad("[tokens]\nissuer = a\n  b\n", "test.conf:3: ", "equal sign"); /* no continuation lines */
    bad("# c\n\nissuer = a\n[tokens]\n", "test.conf:3: ", "before the first [section]");
    bad("issuer = a\n", "test.conf:1: ", "before the first [section]");
    bad("[tokens]\na!b = 1\n", "test.conf: ", "character");
}

static void empty_files_and_comments_are_the_defaults(void **state)
{
    (void)state;
    accepted("");
    accepted("\n");
    accepted("# only\n; comments\n\n");
    accepted("[tokens]\n");
    accepted("\xef\xbb\xbf[tokens]\r\nissuer = a\r\n");
}

static void duplicates_are_refused(void **state)
{
    (void)state;
    bad("[tokens]\nissuer = a\nissuer = b\n", "test.conf:3: ", "duplicate key");
    bad("[tokens]\nissuer = a\nissuer = a\n", "test.conf:3: ", "duplicate key");
    bad("[tokens]\nissuer = a\n[log]\nlevel = err\n[tokens]\naudience = b\n", "test.conf:5: ", "duplicate section");
}

static void a_nul_byte_is_refused_with_its_line(void **state)
{
    static const char text[] = "[tokens]\nissuer = a\naudience = b\0c\n", tail[] = "[tokens]\n\0";

    (void)state;
    bad_n(text, sizeof text - 1, "test.conf:3: ", "NUL");
    bad_n(tail, sizeof tail - 1, "test.conf:2: ", "NUL");
    bad_n("\0", 1, "test.conf:1: ", "NUL");
}

static void other_encodings_and_controls_are_refused(void **state)
{
    static const char utf16[] = "\xff\xfe[\0a\0]\0\n\0";

    (void)state;
    bad("[tokens]\naudience = \xff\n", "test.conf:2: ", "not UTF-8");
    bad_n(utf16, sizeof utf16 - 1, "test.conf:1: ", "");
    bad("[tokens]\naudience = a\x1b[31m\n", "test.conf:2: ", "control");
    bad("[tok\x1b[31mens]\n", "test.conf:1: ", "control");
    bad("# \x7f\n", "test.conf:1: ", "control");
    bad("[tokens]\naudience = a\rb\n", "test.conf:2: [tokens] audience ", "control");
    bad("[tokens]\naudience = a\tb\n", "test.conf:2: [tokens] audience ", "control");
    bad("[tokens]\naudience = a\xc2\x9b\n", "test.conf:2: [tokens] audience ", "control");
}

/* A parser that cuts at 199 bytes reads the rest as another line (CONFIG.md). */
static void long_lines_are_whole(void **state)
{
    char text[2000], value[256];
    struct ja_config *cfg;

    (void)state;
    for (size_t len = 190; len <= 255; len++) {
        memset(value, 'x', len);
        value[len] = 0;
        (void)snprintf(text, sizeof text, "[tokens]\naudience = %s\nissuer = b\n", value);
        cfg = good(text);
        assert_string_equal(cfg->tokens.audience, value);
        assert_string_equal(cfg->tokens.issuer, "b");
        ja_config_free(cfg);
    }
    memset(text, 'x', 1200);
    memcpy(text, "[tokens]\naudience = ", 20);
    (void)strcpy(text + 1200, "\n");
    bad(text, "test.conf:2: [tokens] audience ", "longer than 255");
    /* a comment of 1,000 bytes whose tail looks like an option stays a comment */
    memset(text, ' ', 1000);
    memcpy(text, "[tokens]\n#", 10);
    (void)strcpy(text + 1000, "leeway = 1s\n");
    cfg = good(text);
    assert_int_equal(cfg->tokens.leeway, 30);
    ja_config_free(cfg);
}

static void unknown_names_are_refused_with_a_hint(void **state)
{
    (void)state;
    bad("\n[token]\nissuer = a\n", "test.conf:2: [token] ", "did you mean [tokens]?");
    bad("[nonsense]\n", "test.conf:1: [nonsense] ", "is no section");
    bad("[tokens]\n\nacces_ttl = 1h\n", "test.conf:3: [tokens] acces_ttl ", "did you mean access_ttl?");
    bad("[tokens]\nhash_memory = 64M\n", "test.conf:2: [tokens] hash_memory ", "is no option");
    bad("[Tokens]\nissuer = a\n", "test.conf:1: [Tokens] ", "did you mean [tokens]?");
    bad("[tokens]\nIssuer = a\n", "test.conf:2: [tokens] Issuer ", "did you mean issuer?");
    bad("[default]\nx = 1\n", "test.conf:1: [default] ", "is no section");
}

static void quotation_marks_are_refused(void **state)
{
    (void)state;
    bad("[tokens]\naudience = \"a\"\n", "test.conf:2: [tokens] audience ", "quotation marks");
}

/* What each option may be, must not be, and how it is shown.  One entry per option: the test fails for
 * an option without. `other` is a value that is not the default; `bad` a NULL-ended list. */
struct sample {
    const char *name, *other;
    const char *bad[8];
};
#define PATHS {"relative/path", "~/x"}
#define WORDS {"", "other", "YES", "0"}
#define NETWORKS {"10.0.0.1/8", "host", "10.0.0.0/8,", ",", "0.0.0.0/0", "::/0", "10.0.0.0/8,,::1"}
#define RATES {"", "5", "0/15m", "5/0", "5/15", "-1/15m", "1000001/15m", "5/31d"}
static const struct sample samples[] = {
    {"paths.state", "/srv/state", PATHS}, {"paths.run", "/srv/run", PATHS}, {"paths.cache", "/srv/cache", PATHS},
    {"store.url", "sqlite:/srv/x.db", {"", "sqlite:x.db", "sqlite:", "/x.db", "mysql://x", "sqlite:/", "sqlite://x/"}},
    {"store.busy_timeout", "4s", {"", "4", "5 s"}}, {"store.master_key_file", "/srv/master.key", PATHS},
    {"tokens.issuer", "https://a.example.org/x", {"https://", "http:///x", "ftp://x", "a b", "https://a#b", "https://a b"}},
    {"tokens.audience", "web1", {"a b"}}, {"tokens.max_ttl", "2d", {"", "x", "-1d"}},
    {"tokens.algorithm", "EdDSA", {"", "es256", "none", "HS512"}}, {"tokens.typ", "JWT", {"", "jwt", "at+JWT"}},
    {"tokens.access_ttl", "60m", {"", "60", "0"}}, {"tokens.session_token_ttl", "2h", {""}}, {"tokens.refresh_idle", "1d", {""}},
    {"tokens.session_max", "60d", {""}}, {"tokens.permissions", "no", WORDS}, {"tokens.identity_claims", "no", WORDS},
    {"tokens.leeway", "5s", {""}}, {"tokens.reuse_grace", "0", {""}}, {"tokens.rotate_every", "30d", {""}},
    {"tokens.retain_keys", "3d", {""}},
    {"password.preset", "nist", WORDS}, {"password.min_length", "12", {"", "0x10", "1.5", "1 2"}},
    {"password.require", "upper, special", {"", "Upper", "upper,,lower", "all"}}, {"password.dictionary", "no", WORDS},
    {"password.blocklist", "/srv/blocklist", PATHS}, {"password.history", "0", {""}}, {"password.max_age", "90d", {"", "90"}},
    {"password.hash_memory", "32M", {"", "32", "32MB", "32m"}}, {"password.hash_ops", "3", {""}},
    {"password.parallel_hashes", "2", {""}}, {"password.hash_wait", "5s", {""}}, {"password.warn_days", "7", {"", "7d"}},
    {"mfa.policy", "required: admin, ops", {"", "no", "required:", "required: a,,b", "required: A", "required:,", "optional: x"}},
    {"mfa.totp_window", "2", {""}}, {"mfa.issuer_label", "Example Org", {"a:b"}}, {"mfa.recovery_codes", "8", {""}},
    {"mfa.exempt_networks", "10.0.0.0/8, 2001:db8::/32", NETWORKS},
    {"registration.open", "yes", WORDS}, {"registration.verify", "any", WORDS}, {"registration.conceal", "yes", WORDS},
    {"registration.link_base", "https://a.example.org/", {"a.example.org", "ftp://x"}},
    {"registration.purge_pending", "10d", {""}}, {"registration.verify_ttl", "1h", {""}}, {"registration.reset_ttl", "1h", {""}},
    {"registration.code_ttl", "5m", {""}}, {"registration.code_attempts", "3", {""}},
    {"registration.default_roles", "user, agent", {"Role", "a,,b", "a b"}},
    {"throttle.login", "3/10m", RATES}, {"throttle.other", "3/10m", RATES}, {"throttle.token_failures", "3/10m", RATES},
    {"throttle.captcha_url", "https://captcha.example.org/v", {"x", "http://captcha.example.org/"}},
    {"throttle.captcha_secret_file", "/srv/captcha", PATHS}, {"throttle.captcha_site_key", "abc", {"a b"}},
    {"throttle.captcha_after", "1", {""}}, {"throttle.per_source", "3/10m", RATES}, {"throttle.per_user", "3/10m", RATES},
    {"throttle.delay_base", "2s", {""}}, {"throttle.delay_max", "10s", {""}}, {"throttle.lock_after", "20", {""}},
    {"throttle.lock_for", "1h", {""}}, {"throttle.trusted_networks", "192.0.2.0/24", NETWORKS},
    {"suspicious.new_source", "off", WORDS}, {"suspicious.ipv4_prefix", "16", {""}}, {"suspicious.ipv6_prefix", "64", {""}},
    {"accounts.uid_min", "200000", {""}}, {"accounts.uid_max", "299999", {""}},
    {"accounts.home", "/srv/home/%u", {"", "/home", "home/%u", "/home/%u/%u", "/home/%s/%u", "/home/%u:x", "/home/../%u"}},
    {"accounts.shell", "/bin/sh", {"", "sh", "/bin/sh:x"}}, {"accounts.role_group_prefix", "r-", {"", "R-", "a b", "12345678901234567"}},
    {"email.provider", "webhook", WORDS}, {"email.url", "https://mail.example.org/", {"mail.example.org", "smtp://u:p@h", "smtp://", "http://mail.example.org/"}},
    {"email.username", "u", {NULL}}, {"email.password_file", "/srv/mail", PATHS}, {"email.from", "a@example.org", {"a", "A <a@b>"}},
    {"email.starttls", "off", WORDS}, {"email.templates", "/srv/templates", PATHS},
    {"sms.provider", "twilio", WORDS}, {"sms.url", "/usr/lib/sms", {"sms", "https://u:p@h/"}}, {"sms.account", "x", {"a b"}},
    {"sms.token_file", "/srv/sms", PATHS}, {"sms.from", "+15551234567", {"a b"}},
    {"http.socket", "/srv/socket", PATHS}, {"http.listen", "127.0.0.1:8413", {"", "0.0.0.0:8413", "8413", "192.0.2.1:80", "localhost:80", "127.0.0.1:0", "[::]:80", "127.0.0.1:80/x"}},
    {"http.cors_origins", "https://a.example.org, http://localhost:3000", {"*", "null", "https://a/", "https://*.a", "a.example.org"}},
    {"http.hosts", "auth.example.org, localhost", {"a b"}},
    {"http.cookies", "yes", WORDS}, {"http.admin", "yes", WORDS}, {"http.trusted_proxies", "127.0.0.1/32", NETWORKS}, {"http.threads", "8", {""}},
    {"verify.issuer", "https://a.example.org", {"a b"}}, {"verify.jwks", "/srv/jwks.json", {"jwks.json", "http://a.example.org/"}},
    {"verify.max_stale", "1h", {""}},
    {"log.target", "stderr", WORDS}, {"log.level", "debug", WORDS}, {"log.audit_fail", "allow", WORDS},
};
#define NSAMPLES (sizeof samples / sizeof samples[0])

static const struct sample *sample_of(const struct ja_option *opt)
{
    char name[80];

    (void)snprintf(name, sizeof name, "%s.%s", opt->section, opt->key);
    for (size_t i = 0; i < NSAMPLES; i++)
        if (strcmp(samples[i].name, name) == 0)
            return &samples[i];
    fail_msg("no sample for %s", name);
    return NULL;
}

/* A whole file with `other` for every option. */
static void everything(char *text, size_t size)
{
    const char *section = "";
    size_t len = 0;

    for (size_t i = 0; i < ja_options_len; i++) {
        const struct ja_option *o = &ja_options[i];
        if (strcmp(section, o->section) != 0)
            len += (size_t)snprintf(text + len, size - len, "[%s]\n", o->section);
        section = o->section;
        len += (size_t)snprintf(text + len, size - len, "%s = %s\n", o->key, sample_of(o)->other);
        assert_true(len < size);
    }
}

/* STYLE 48: every option is written to another value, and every field moves, alone. */
static void every_option_moves_its_field(void **state)
{
    char text[16384];
    struct ja_config *defaults = good(""), *all;
    unsigned char before[sizeof(struct ja_config)];

    (void)state;
    everything(text, sizeof text);
    all = good(text);
    assert_int_equal(NSAMPLES, ja_options_len);
    for (size_t i = 0; i < ja_options_len; i++) {
        const struct ja_option *o = &ja_options[i];
        char *was = ja_option_format(o, defaults), *is;

        is = ja_option_format(o, all);
        if (strcmp(was, is) == 0)
            fail_msg("%s.%s did not move", o->section, o->key);
        if (strcmp(is, sample_of(o)->other) != 0 && o->type != JA_OPT_DURATION)
            fail_msg("%s.%s is shown as '%s'", o->section, o->key, is);
        free(was);
        free(is);
    }
    /* no two rows share a byte of the struct */
    memset(before, 0, sizeof before);
    for (size_t i = 0; i < ja_options_len; i++) {
        static const size_t sizes[] = {
            [JA_OPT_TEXT] = sizeof(char *), [JA_OPT_WORD] = sizeof(char *), [JA_OPT_PATH] = sizeof(char *),
            [JA_OPT_DURATION] = 8, [JA_OPT_SIZE] = 8, [JA_OPT_INT] = 8, [JA_OPT_BOOL] = sizeof(bool),
            [JA_OPT_CHOICE] = sizeof(int), [JA_OPT_RATE] = sizeof(struct ja_rate), [JA_OPT_LIST] = sizeof(struct ja_strlist),
            [JA_OPT_NETS] = sizeof(struct ja_netlist), [JA_OPT_CLASSES] = sizeof(int), [JA_OPT_MFA] = sizeof(int)};
        for (size_t b = 0; b < sizes[ja_options[i].type]; b++)
            assert_int_equal(before[ja_options[i].offset + b]++, 0);
    }
    ja_config_free(defaults);
    ja_config_free(all);
}

/* The fields that the rest of the program reads, by name. */
static void values_arrive_where_they_belong(void **state)
{
    char text[16384];
    struct ja_config *c;

    (void)state;
    everything(text, sizeof text);
    c = good(text);
    assert_string_equal(c->store.url, "sqlite:/srv/x.db");
    assert_int_equal(c->store.busy_timeout, 4);
    assert_int_equal(c->tokens.algorithm, JA_ALG_EDDSA);
    assert_int_equal(c->tokens.access_ttl, 3600);
    assert_int_equal(c->password.require, JA_CLASS_UPPER | JA_CLASS_SPECIAL);
    assert_int_equal(c->password.hash_memory, 32 << 20);
    assert_int_equal(c->mfa.policy, JA_MFA_ROLES);
    assert_int_equal(c->mfa.roles.len, 2);
    assert_string_equal(c->mfa.roles.items[1], "ops");
    assert_int_equal(c->mfa.exempt_networks.len, 2);
    assert_int_equal(c->mfa.exempt_networks.items[1].prefix, 32);
    assert_true(c->registration.open);
    assert_int_equal(c->registration.verify, JA_VERIFY_ANY);
    assert_int_equal(c->throttle.login.count, 3);
    assert_int_equal(c->throttle.login.seconds, 600);
    assert_int_equal(c->suspicious.new_source, JA_SOURCE_OFF);
    assert_int_equal(c->email.provider, JA_PROVIDER_WEBHOOK);
    assert_int_equal(c->sms.provider, JA_PROVIDER_TWILIO);
    assert_string_equal(c->http.cors_origins.items[1], "http://localhost:3000");
    assert_int_equal(c->log.target, JA_LOG_STDERR);
    assert_false(c->log.audit_fail_deny);
    ja_config_free(c);
    c = good("");
    assert_true(c->log.audit_fail_deny);
    assert_int_equal(c->password.require, -1);
    assert_int_equal(c->tokens.max_ttl, 86400);
    assert_int_equal(c->tokens.retain_keys, 86430);
    assert_int_equal(c->mfa.policy, JA_MFA_OPTIONAL);
    assert_null(c->path);
    ja_config_free(c);
}

static void every_option_refuses_what_it_must(void **state)
{
    char text[512], where[128];

    (void)state;
    for (size_t i = 0; i < ja_options_len; i++) {
        const struct ja_option *o = &ja_options[i];
        const struct sample *s = sample_of(o);

        (void)snprintf(where, sizeof where, "test.conf:3: [%s] %s ", o->section, o->key);
        for (size_t j = 0; j < 8 && s->bad[j]; j++) {
            (void)snprintf(text, sizeof text, "# c\n[%s]\n%s = %s\n", o->section, o->key, s->bad[j]);
            bad(text, where, "");
        }
    }
}

static void format_number(const struct ja_option *o, int64_t v, char *out, size_t size)
{
    if (o->type == JA_OPT_DURATION && v != 0)
        (void)snprintf(out, size, "%llds", (long long)v);
    else
        (void)snprintf(out, size, "%lld", (long long)v);
}

/* On the bound is fine, one beyond is not. */
static void every_bound_holds(void **state)
{
    char text[256], number[32];

    (void)state;
    for (size_t i = 0; i < ja_options_len; i++) {
        const struct ja_option *o = &ja_options[i];
        const int64_t edges[] = {o->min, o->max, o->min - 1, o->max + 1};
        struct ja_config *cfg;
        if (o->type != JA_OPT_DURATION && o->type != JA_OPT_SIZE && o->type != JA_OPT_INT)
            continue;
        for (size_t e = 0; e < 4; e++) {
            struct ja_error err = {0};
            enum ja_status st;
            format_number(o, edges[e], number, sizeof number);
            cfg = good("");
            st = ja_option_set(o, cfg, number, &err);
            if (st != (e < 2 ? JA_OK : JA_ERR_CONFIG))
                fail_msg("%s.%s = %s gave %d", o->section, o->key, number, st);
            ja_config_free(cfg);
        }
        if (o->min > 0) { /* and through the parser, with the bounds in the message */
            format_number(o, o->max + 1, number, sizeof number);
            (void)snprintf(text, sizeof text, "[%s]\n%s = %s\n", o->section, o->key, number);
            bad(text, "test.conf:2: ", "is out of range: ");
        }
    }
}

static void rules_between_options(void **state)
{
    (void)state;
    /* R21: a key must verify as long as its last token may live */
    bad("[tokens]\nretain_keys = 86429s\n", "test.conf:2: [tokens] retain_keys ", "max_ttl");
    accepted("[tokens]\nretain_keys = 86430s\n");
    bad("[tokens]\nretain_keys = 25h\naccess_ttl = 7d\n", "test.conf:2: [tokens] retain_keys ", "outlive");
    bad("[tokens]\nleeway = 60s\nretain_keys = 86459s\n", "test.conf:3: [tokens] retain_keys ", "leeway");
    bad("[tokens]\naccess_ttl = 2h\nmax_ttl = 1h\n", "test.conf:3: [tokens] max_ttl ", "access_ttl");
    accepted("[tokens]\naccess_ttl = 2h\nmax_ttl = 2h\n");
    bad("[tokens]\nsession_token_ttl = 2d\n", "test.conf:2: [tokens] session_token_ttl ", "max_ttl");
    accepted("[tokens]\nsession_token_ttl = 2d\nmax_ttl = 2d\n");
    bad("[accounts]\nuid_min = 300\n", "test.conf:2: [accounts] uid_min ", "out of range: 1000");
    bad("[accounts]\nuid_min = 5000\nuid_max = 4999\n", "test.conf:3: [accounts] uid_max ", "smaller");
    bad("[accounts]\nuid_max = 99999\n", "test.conf:2: [accounts] uid_max ", "smaller");
    accepted("[accounts]\nuid_min = 5000\nuid_max = 5000\n");
    bad("[store]\nurl = none\n", "test.conf:2: [store] url ", "[verify]");
    accepted("[store]\nurl = none\n[verify]\nissuer = https://a.example.org\njwks = /etc/jwks.json\n");
    bad("[tokens]\nleeway = 61s\n", "test.conf:2: [tokens] leeway ", "0 to 1m");
}

static void no_safeguard_is_taken_that_would_not_guard(void **state)
{
    (void)state;
    bad("[registration]\nverify = none\nconceal = yes\n", "test.conf:3: [registration] conceal ", "needs verify");
    accepted("[throttle]\ncaptcha_url = http://127.0.0.1:1/v\n[registration]\nconceal = no\n");
}

static void max_ttl_follows_access_ttl(void **state)
{
    struct ja_config *c = good("[tokens]\naccess_ttl = 7d\nleeway = 10s\n");

    (void)state;
    assert_int_equal(c->tokens.max_ttl, 7 * 86400);
    assert_int_equal(c->tokens.retain_keys, 7 * 86400 + 10);
    ja_config_free(c);
}

static void mail_is_encrypted_unless_to_loopback(void **state)
{
    const char *fine[] = {"smtp://127.0.0.1:25", "smtp://127.9.9.9", "smtp://[::1]:25", "smtp://localhost", "smtps://mail.example.org"};
    const char *wrong[] = {"smtp://mail.example.org", "smtp://128.0.0.1", "smtp://[::2]", "smtp://localhost.example.org",
                           "smtp://127.0.0.1.example.org"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        (void)snprintf(text, sizeof text, "[email]\nprovider = smtp\nurl = %s\nstarttls = off\n", fine[i]);
        accepted(text);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(text, sizeof text, "[email]\nprovider = smtp\nurl = %s\nstarttls = off\n", wrong[i]);
        bad(text, "test.conf:4: [email] starttls ", "loopback");
        (void)snprintf(text, sizeof text, "[email]\nprovider = smtp\nurl = %s\n", wrong[i]);
        accepted(text);
    }
}

static void providers_need_their_kind_of_url(void **state)
{
    (void)state;
    bad("[email]\nprovider = smtp\n", "test.conf:1: [email] url ", "smtp://");
    bad("[email]\nprovider = command\nurl = https://x\n", "test.conf:3: [email] url ", "absolute path");
    bad("[email]\nprovider = webhook\nurl = /bin/x\n", "test.conf:3: [email] url ", "https://");
    bad("[sms]\nprovider = command\n", "test.conf:1: [sms] url ", "absolute path");
    accepted("[sms]\nprovider = twilio\n");
    accepted("[email]\nprovider = command\nurl = /usr/lib/send\n");
}

static void loopback_addresses_to_listen_on(void **state)
{
    (void)state;
    accepted("[http]\nlisten = [::1]:8413\n");
    accepted("[http]\nlisten = 127.0.0.53:1\n");
    accepted("[http]\nlisten = off\n");
}

static void default_paths_follow_paths(void **state)
{
    struct ja_config *c = good("[http]\nthreads = 2\n[paths]\nstate = /srv/s\nrun = /srv/r\n");

    (void)state;
    assert_string_equal(c->store.url, "sqlite:/srv/s/jwtauth.db");
    assert_string_equal(c->http.socket, "/srv/r/jwtauthd.sock");
    assert_string_equal(c->store.master_key_file, "/etc/jwtauth/master.key");
    ja_config_free(c);
}

struct seen {
    size_t count, from_file;
    char url[256];
};

static enum ja_status see(void *arg, const struct ja_config_item *item)
{
    struct seen *s = arg;

    s->count++;
    s->from_file += item->from_file;
    if (strcmp(item->section, "store") == 0 && strcmp(item->key, "url") == 0)
        (void)snprintf(s->url, sizeof s->url, "%s", item->value);
    assert_true(*item->help);
    return JA_OK;
}

static void shown_values_are_masked_and_say_their_source(void **state)
{
    const char *rows[][2] = {{"postgresql://u:geheim@h/db", "postgresql://u:***@h/db"},
                             {"postgresql://h/db?user=u&password=geheim&x=y", "postgresql://h/db?user=u&password=***&x=y"},
                             {"postgresql://u@h/db", "postgresql://u@h/db"},
                             {"sqlite:/srv/x.db", "sqlite:/srv/x.db"}};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen s = {0};
        struct ja_config *c;
        (void)snprintf(text, sizeof text, "[store]\nurl = %s\n[log]\nlevel = info\n", rows[i][0]);
        c = good(text);
        assert_int_equal(ja_config_each(c, see, &s), JA_OK);
        assert_int_equal(s.count, ja_options_len);
        assert_int_equal(s.from_file, 2); /* also a value that is the default's */
        assert_string_equal(s.url, rows[i][1]);
        ja_config_free(c);
    }
}

static void what_is_shown_parses_back(void **state)
{
    char text[16384];
    struct ja_config *all, *again;

    (void)state;
    everything(text, sizeof text);
    all = good(text);
    again = good("");
    for (size_t i = 0; i < ja_options_len; i++) {
        char *shown = ja_option_format(&ja_options[i], all), *twice;
        assert_int_equal(ja_option_set(&ja_options[i], again, shown, NULL), JA_OK);
        twice = ja_option_format(&ja_options[i], again);
        assert_string_equal(shown, twice);
        free(shown);
        free(twice);
    }
    ja_config_free(all);
    ja_config_free(again);
}

static void defaults_are_within_their_own_rules(void **state)
{
    struct ja_config *c = good("");

    (void)state;
    for (size_t i = 0; i < ja_options_len; i++) {
        char *shown = ja_option_format(&ja_options[i], c);
        assert_int_equal(ja_option_set(&ja_options[i], c, shown, NULL), JA_OK);
        free(shown);
    }
    ja_config_free(c);
}

static void write_conf(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* R22 for the configuration itself. */
static void r22_only_a_safe_file_is_loaded(void **state)
{
    char dir[] = "/tmp/ja-config.XXXXXX", path[64], link[64];
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/jwtauth.conf", dir);
    (void)snprintf(link, sizeof link, "%s/link.conf", dir);
    assert_int_equal(ja_config_load(path, true, &cfg, &err), JA_ERR_NOT_FOUND); /* only the built-in path may be absent */
    write_conf(path, "[tokens]\nissuer = a\n", 0644);
    assert_int_equal(ja_config_load(path, true, &cfg, &err), JA_OK);
    assert_string_equal(cfg->path, path);
    assert_string_equal(cfg->tokens.issuer, "a");
    ja_config_free(cfg);
    cfg = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chmod(path, (mode_t[]){0664, 0646, 0755}[i]), 0);
        assert_int_equal(ja_config_load(path, true, &cfg, &err), JA_ERR_UNSAFE);
        assert_non_null(strstr(err.message, "chmod 0644"));
    }
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(ja_config_load(link, true, &cfg, &err), JA_ERR_UNSAFE);
    write_conf(path, "[tokens]\nissuer = a b\n", 0644);
    assert_int_equal(ja_config_load(path, true, &cfg, &err), JA_ERR_CONFIG);
    assert_memory_equal(err.message, path, strlen(path));
    assert_null(cfg);
    (void)unlink(link);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void algorithms_have_exact_names(void **state)
{
    (void)state;
    assert_int_equal(ja_alg_parse("ES256"), JA_ALG_ES256);
    assert_int_equal(ja_alg_parse("EdDSA"), JA_ALG_EDDSA);
    assert_int_equal(ja_alg_parse("none"), JA_ALG_NONE);
    assert_int_equal(ja_alg_parse("es256"), JA_ALG_NONE);
    assert_int_equal(ja_alg_parse(""), JA_ALG_NONE);
    assert_string_equal(ja_alg_name(JA_ALG_HS256), "HS256");
    assert_string_equal(ja_alg_name(JA_ALG_NONE), "none");
}

/* ---- the manual ---- */

static char *manual;

/* The entry of an option: from its .IP line to the next macro that ends it. */
static const char *entry_of(const struct ja_option *o, char *out, size_t size)
{
    char section[64], item[64];
    const char *start, *next, *p, *end;

    (void)snprintf(section, sizeof section, "\n.SS [%s]\n", o->section);
    (void)snprintf(item, sizeof item, "\n.IP \"\\fB%s\\fR = ", o->key);
    start = strstr(manual, section);
    if (!start)
        fail_msg("the manual has no section [%s]", o->section);
    next = strstr(start + 1, "\n.S");
    p = strstr(start, item);
    if (!p || p > next)
        fail_msg("the manual lacks [%s] %s", o->section, o->key);
    end = strstr(p + 1, "\n.IP");
    if (!end || end > next)
        end = next;
    assert_true((size_t)(end - p) < size);
    memcpy(out, p, (size_t)(end - p));
    out[end - p] = 0;
    return out + strlen(item);
}

static void expand_default(const char *def, char *out, size_t size)
{
    const char *names[][2] = {{"@state@", "/var/lib/jwtauth"}, {"@run@", "/run/jwtauth"}, {"@cache@", "/var/cache/jwtauth"}};

    (void)snprintf(out, size, "%s", def);
    for (size_t i = 0; i < 3; i++) {
        const char *at = strstr(def, names[i][0]);
        if (at)
            (void)snprintf(out, size, "%.*s%s%s", (int)(at - def), def, names[i][1], at + strlen(names[i][0]));
    }
}

static void the_manual_has_every_option_with_default_and_bounds(void **state)
{
    char entry[2048], def[256], low[32], high[32], bounds[80];

    (void)state;
    for (size_t i = 0; i < ja_options_len; i++) {
        const struct ja_option *o = &ja_options[i];
        const char *shown = entry_of(o, entry, sizeof entry);

        if (o->def) {
            expand_default(o->def, def, sizeof def);
            if (strncmp(shown, def, strlen(def)) != 0 || shown[strlen(def)] != '"')
                fail_msg("[%s] %s: the default in the manual is not '%s'", o->section, o->key, def);
        }
        if (o->type == JA_OPT_DURATION) {
            ja_duration_format(o->min, low, sizeof low);
            ja_duration_format(o->max, high, sizeof high);
        } else if (o->type == JA_OPT_SIZE) {
            (void)snprintf(low, sizeof low, "%lldM", (long long)o->min >> 20);
            (void)snprintf(high, sizeof high, "%lldM", (long long)o->max >> 20);
        } else if (o->type == JA_OPT_INT) {
            (void)snprintf(low, sizeof low, "%lld", (long long)o->min);
            (void)snprintf(high, sizeof high, "%lld", (long long)o->max);
        } else {
            continue;
        }
        (void)snprintf(bounds, sizeof bounds, "; %s to %s.", low, high);
        if (!strstr(shown, bounds))
            fail_msg("[%s] %s: the manual lacks '%s'", o->section, o->key, bounds);
    }
}

static void the_manual_has_no_other_option(void **state)
{
    char section[64] = "", key[64];
    size_t found = 0;

    (void)state;
    for (const char *line = manual; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, ".SS [", 5) == 0)
            (void)snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 5, "]"), line + 5);
        if (strncmp(line, ".IP \"\\fB", 8) == 0) {
            bool known = false;
            (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(line + 8, "\\"), line + 8);
            for (size_t i = 0; i < ja_options_len; i++)
                known = known || (strcmp(ja_options[i].section, section) == 0 && strcmp(ja_options[i].key, key) == 0);
            for (size_t i = 0; i < JA_POLICY_KEYS; i++)
                known = known || (strcmp("policy NAME", section) == 0 && strcmp(ja_policy_options[i].key, key) == 0);
            if (!known)
                fail_msg("the manual has [%s] %s, the program has not", section, key);
            found++;
        }
    }
    assert_int_equal(found, ja_options_len + JA_POLICY_KEYS);
}

/* The sentences of --help and the bounds stand in the manual as they are. */
static void the_manual_has_every_key_of_a_rule(void **state)
{
    char entry[512];

    (void)state;
    for (size_t i = 0; i < JA_POLICY_KEYS; i++) {
        (void)snprintf(entry, sizeof entry, ".IP \"\\fB%s\\fR = \"\n%s", ja_policy_options[i].key,
                       ja_policy_options[i].help);
        if (!strstr(manual, entry))
            fail_msg("the manual lacks '%s'", entry);
    }
    assert_non_null(strstr(manual, "; 0: not; 0 to 7d."));
}

/* The rules that the manual shows are rules without an error, and none hides another. */
static void the_manuals_example_is_right(void **state)
{
    const char *start = strstr(manual, "[policy backup-by-key]"), *end = start ? strstr(start, ".fi") : NULL;
    struct ja_config *cfg = NULL;

    (void)state;
    assert_non_null(end);
    assert_int_equal(ja_config_parse("example", start, (size_t)(end - start), &cfg, NULL), JA_OK);
    assert_int_equal(cfg->policy.len, 5);
    for (size_t i = 0; i < cfg->policy.len; i++) {
        assert_null(cfg->policy.items[i].error);
        for (size_t k = 0; k < i; k++)
            assert_false(ja_policy_covers(&cfg->policy.items[k], &cfg->policy.items[i]));
    }
    ja_config_free(cfg);
}

/* The manual without roff's \-, so that texts compare. */
static int read_manual(void **state)
{
    const char *top = getenv("top_srcdir");
    char path[512];
    size_t len, out = 0;
    FILE *f;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/man/jwtauth.conf.5", top ? top : ".");
    f = fopen(path, "re");
    manual = calloc(1, 200000);
    if (!f || !manual)
        return -1;
    len = fread(manual, 1, 199999, f);
    (void)fclose(f);
    for (size_t i = 0; i < len; i++)
        if (!(manual[i] == '\\' && manual[i + 1] == '-'))
            manual[out++] = manual[i];
    manual[out] = 0;
    return 0;
}

static int free_manual(void **state)
{
    (void)state;
    free(manual);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax_errors_name_the_line),
        cmocka_unit_test(empty_files_and_comments_are_the_defaults),
        cmocka_unit_test(duplicates_are_refused),
        cmocka_unit_test(a_nul_byte_is_refused_with_its_line),
        cmocka_unit_test(other_encodings_and_controls_are_refused),
        cmocka_unit_test(long_lines_are_whole),
        cmocka_unit_test(unknown_names_are_refused_with_a_hint),
        cmocka_unit_test(quotation_marks_are_refused),
        cmocka_unit_test(every_option_moves_its_field),
        cmocka_unit_test(values_arrive_where_they_belong),
        cmocka_unit_test(every_option_refuses_what_it_must),
        cmocka_unit_test(every_bound_holds),
        cmocka_unit_test(rules_between_options),
        cmocka_unit_test(no_safeguard_is_taken_that_would_not_guard),
        cmocka_unit_test(max_ttl_follows_access_ttl),
        cmocka_unit_test(mail_is_encrypted_unless_to_loopback),
        cmocka_unit_test(providers_need_their_kind_of_url),
        cmocka_unit_test(loopback_addresses_to_listen_on),
        cmocka_unit_test(default_paths_follow_paths),
        cmocka_unit_test(shown_values_are_masked_and_say_their_source),
        cmocka_unit_test(what_is_shown_parses_back),
        cmocka_unit_test(defaults_are_within_their_own_rules),
        cmocka_unit_test(r22_only_a_safe_file_is_loaded),
        cmocka_unit_test(algorithms_have_exact_names),
        cmocka_unit_test_setup_teardown(the_manual_has_every_option_with_default_and_bounds, read_manual, free_manual),
        cmocka_unit_test_setup_teardown(the_manual_has_no_other_option, read_manual, free_manual),
        cmocka_unit_test_setup_teardown(the_manual_has_every_key_of_a_rule, read_manual, free_manual),
        cmocka_unit_test_setup_teardown(the_manuals_example_is_right, read_manual, free_manual),
    };

    if (ja_crypto_init(NULL) != JA_OK)
        return 99;
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
