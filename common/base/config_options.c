/* The table of options: every key of jwtauth.conf, once.  jwtauth.conf(5) is checked against it.
 *
 * A default is written as an administrator would write it and goes through the same parser.
 */
#include "common/base/config_options.h"

#include <stddef.h>

#define AT(field) offsetof(struct ja_config, field)
#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define MIB ((int64_t)1 << 20)

const struct ja_choice ja_alg_choices[] = {{"ES256", JA_ALG_ES256}, {"EdDSA", JA_ALG_EDDSA},
                                           {"RS256", JA_ALG_RS256}, {"HS256", JA_ALG_HS256},
                                           {NULL, 0}};
static const struct ja_choice types[] = {{"at+jwt", 0}, {"JWT", 0}, {NULL, 0}};
static const struct ja_choice presets[] = {{"classic", JA_PRESET_CLASSIC},
                                           {"nist", JA_PRESET_NIST}, {NULL, 0}};
static const struct ja_choice channels[] = {{"email", JA_VERIFY_EMAIL}, {"phone", JA_VERIFY_PHONE},
                                            {"any", JA_VERIFY_ANY}, {"all", JA_VERIFY_ALL},
                                            {"none", JA_VERIFY_NONE}, {NULL, 0}};
static const struct ja_choice new_sources[] = {{"notify", JA_SOURCE_NOTIFY},
                                               {"require_mfa", JA_SOURCE_REQUIRE_MFA},
                                               {"deny", JA_SOURCE_DENY}, {"off", JA_SOURCE_OFF},
                                               {NULL, 0}};
static const struct ja_choice mailers[] = {{"none", JA_PROVIDER_NONE}, {"smtp", JA_PROVIDER_SMTP},
                                           {"command", JA_PROVIDER_COMMAND},
                                           {"webhook", JA_PROVIDER_WEBHOOK}, {NULL, 0}};
static const struct ja_choice texters[] = {{"none", JA_PROVIDER_NONE},
                                           {"twilio", JA_PROVIDER_TWILIO},
                                           {"webhook", JA_PROVIDER_WEBHOOK},
                                           {"command", JA_PROVIDER_COMMAND}, {NULL, 0}};
static const struct ja_choice starttls[] = {{"required", 0}, {"off", 0}, {NULL, 0}};
static const struct ja_choice targets[] = {{"syslog", JA_LOG_SYSLOG}, {"journal", JA_LOG_JOURNAL},
                                           {"stderr", JA_LOG_STDERR}, {NULL, 0}};
static const struct ja_choice levels[] = {{"err", 0}, {"warning", 0}, {"notice", 0}, {"info", 0},
                                          {"debug", 0}, {NULL, 0}};
static const struct ja_choice deny_allow[] = {{"deny", 1}, {"allow", 0}, {NULL, 0}};

/* One macro per type, so that a row is one line and its help. */
#define TEXT(s, k, def, check, help) {#s, #k, JA_OPT_TEXT, AT(s.k), def, 0, 0, NULL, check, help}
#define WORD(s, k, def, choices, help) {#s, #k, JA_OPT_WORD, AT(s.k), def, 0, 0, choices, NULL, help}
#define PATH(s, k, def, help) {#s, #k, JA_OPT_PATH, AT(s.k), def, 0, 1024, NULL, NULL, help}
#define TIME(s, k, def, min, max, help) {#s, #k, JA_OPT_DURATION, AT(s.k), def, min, max, NULL, NULL, help}
#define SIZE(s, k, def, min, max, help) {#s, #k, JA_OPT_SIZE, AT(s.k), def, min, max, NULL, NULL, help}
#define INT(s, k, def, min, max, help) {#s, #k, JA_OPT_INT, AT(s.k), def, min, max, NULL, NULL, help}
#define BOOL(s, k, def, help) {#s, #k, JA_OPT_BOOL, AT(s.k), def, 0, 0, NULL, NULL, help}
#define CHOICE(s, k, def, choices, help) {#s, #k, JA_OPT_CHOICE, AT(s.k), def, 0, 0, choices, NULL, help}
#define RATE(s, k, def, help) {#s, #k, JA_OPT_RATE, AT(s.k), def, 0, 0, NULL, NULL, help}
#define LIST(s, k, def, check, help) {#s, #k, JA_OPT_LIST, AT(s.k), def, 0, 0, NULL, check, help}
#define NETS(s, k, help) {#s, #k, JA_OPT_NETS, AT(s.k), "", 0, 0, NULL, NULL, help}

const struct ja_option ja_options[] = {
    PATH(paths, state, "/var/lib/jwtauth", "folder of the database and other state (root only)"),
    PATH(paths, run, "/run/jwtauth", "folder of session token files and locks"),
    PATH(paths, cache, "/var/cache/jwtauth", "folder of what every user may read, such as the JWKS"),

    {"store", "url", JA_OPT_TEXT, AT(store.url), "sqlite:@state@/jwtauth.db", 0, 1024, NULL,
     ja_check_store_url, "sqlite:/absolute/path, postgresql://user@host/name, or none (verifying hosts)"},
    TIME(store, busy_timeout, "5s", 1, MINUTE, "how long to wait for the database's write lock"),
    PATH(store, master_key_file, "/etc/jwtauth/master.key", "the key that seals secrets in the database"),

    TEXT(tokens, issuer, "", ja_check_issuer, "claim iss: an https:// URL; nothing is minted without it"),
    TEXT(tokens, audience, "", ja_check_line, "claim aud of tokens made on this host"),
    TIME(tokens, max_ttl, NULL, 30, 366 * DAY, "the longest that any token may live"),
    CHOICE(tokens, algorithm, "ES256", ja_alg_choices, "of new signing keys: ES256, EdDSA, RS256 or HS256"),
    WORD(tokens, typ, "at+jwt", types, "header typ: at+jwt (RFC 9068) or JWT"),
    TIME(tokens, access_ttl, "15m", 30, 7 * DAY, "lifetime of an access token"),
    TIME(tokens, session_token_ttl, "60m", 30, 7 * DAY, "lifetime of the token in a PAM session's file"),
    TIME(tokens, refresh_idle, "7d", MINUTE, 90 * DAY, "a session that is not refreshed for this long ends"),
    TIME(tokens, session_max, "30d", MINUTE, 366 * DAY, "a session ends after this in any case"),
    BOOL(tokens, permissions, "yes", "put the permissions into tokens"),
    BOOL(tokens, identity_claims, "yes", "put name, email and phone into tokens"),
    TIME(tokens, leeway, "30s", 0, MINUTE, "difference of clocks that is forgiven"),
    TIME(tokens, reuse_grace, "10s", 0, MINUTE, "an exchanged refresh token may be repeated for this long"),
    TIME(tokens, rotate_every, "90d", HOUR, 3660 * DAY, "age at which the signing key is replaced"),
    TIME(tokens, retain_keys, NULL, 30, 3660 * DAY, "how long a replaced key still verifies"),

    CHOICE(password, preset, "classic", presets, "classic: 8 characters, upper, lower, digit; "
           "nist: 15 characters, or 8 with a second factor enforced, no classes"),
    INT(password, min_length, "0", 0, 256, "characters; 0: by the preset"),
    {"password", "require", JA_OPT_CLASSES, AT(password.require), "preset", 0, 0, NULL, NULL,
     "preset, none, or any of upper, lower, digit, special"},
    BOOL(password, dictionary, "yes", "refuse words and simple variants (libpwquality)"),
    PATH(password, blocklist, "", "file of refused passwords, one a line"),
    INT(password, history, "5", 0, 24, "how many former passwords are refused"),
    TIME(password, max_age, "0", 0, 3660 * DAY, "a password must be changed after this; 0: never"),
    SIZE(password, hash_memory, "64M", 8 * MIB, 256 * MIB, "memory of one argon2id hash"),
    INT(password, hash_ops, "2", 1, 10, "passes of one argon2id hash"),
    INT(password, parallel_hashes, "4", 1, 64, "hashes computed at the same time on this host"),
    TIME(password, hash_wait, "20s", 0, 5 * MINUTE, "how long to wait for a turn to hash"),
    INT(password, warn_days, "14", 0, 365, "days before the end of a password to warn its user"),

    {"mfa", "policy", JA_OPT_MFA, AT(mfa.policy), "optional", 0, 0, NULL, ja_check_role,
     "optional, required, or 'required: ROLE, ...' for these roles"},
    INT(mfa, totp_window, "1", 0, 5, "time steps before and after now that a code may be of"),
    TEXT(mfa, issuer_label, "", ja_check_label, "name shown by authenticator apps; empty: the issuer's host"),
    INT(mfa, recovery_codes, "10", 1, 50, "how many recovery codes a user gets"),
    NETS(mfa, exempt_networks, "networks where policy demands no second factor; who has one is asked for it"),

    BOOL(registration, open, "no", "anybody may register"),
    CHOICE(registration, verify, "email", channels,
           "what a registered user must verify: email, phone, any, all, none"),
    BOOL(registration, conceal, "no", "do not tell that an address is in use"),
    TEXT(registration, link_base, "", ja_check_web_url, "URL that links in mails begin with"),
    TIME(registration, purge_pending, "30d", HOUR, 366 * DAY, "unverified users are dropped after this"),
    TIME(registration, verify_ttl, "24h", MINUTE, 30 * DAY, "lifetime of an email verification"),
    TIME(registration, reset_ttl, "24h", MINUTE, 7 * DAY, "lifetime of a password reset"),
    TIME(registration, code_ttl, "10m", MINUTE, HOUR, "lifetime of a short code"),
    INT(registration, code_attempts, "5", 1, 20, "wrong tries of a short code before it ends"),
    LIST(registration, default_roles, "user", ja_check_role, "roles of a user who registered"),

    RATE(throttle, login, "5/15m", "failed logins of one user from one source"),
    RATE(throttle, other, "5/1m", "calls of registration, reset and second factor routes"),
    RATE(throttle, token_failures, "60/1m", "refused tokens from one source"),
    TEXT(throttle, captcha_url, "", ja_check_https_url, "siteverify URL of a captcha service; empty: no captcha"),
    PATH(throttle, captcha_secret_file, "", "file with the captcha service's secret"),
    TEXT(throttle, captcha_site_key, "", ja_check_line, "public key of the captcha service"),
    INT(throttle, captcha_after, "3", 0, 1000, "failed logins before a captcha is asked over HTTP; 0: always"),
    RATE(throttle, per_source, "50/15m", "failed logins from one source"),
    RATE(throttle, per_user, "100/1h", "failed logins of one user from anywhere"),
    TIME(throttle, delay_base, "1s", 0, MINUTE, "wait after the first failure, doubled by each further one"),
    TIME(throttle, delay_max, "30s", 0, 5 * MINUTE, "the longest such wait (PAM: 8 seconds at most)"),
    INT(throttle, lock_after, "0", 0, 100000, "failures that throttle a user everywhere; 0: never"),
    TIME(throttle, lock_for, "15m", 1, 30 * DAY, "how long that lasts"),
    NETS(throttle, trusted_networks, "networks that are not throttled as a source"),

    CHOICE(suspicious, new_source, "notify", new_sources,
           "login from a network new for the user: notify, require_mfa, deny or off"),
    INT(suspicious, ipv4_prefix, "24", 8, 32, "how much of an IPv4 address names a source"),
    INT(suspicious, ipv6_prefix, "56", 16, 128, "how much of an IPv6 address names a source"),

    INT(accounts, uid_min, "100000", 1000, 2147483646, "first uid of users"),
    INT(accounts, uid_max, "499999", 1000, 2147483646, "last uid of users"),
    TEXT(accounts, home, "/home/%u", ja_check_home, "home folder; %u is the user's name"),
    TEXT(accounts, shell, "/bin/bash", ja_check_shell, "login shell"),
    TEXT(accounts, role_group_prefix, "jwtauth-", ja_check_group_prefix, "begins the group names of roles"),

    CHOICE(email, provider, "none", mailers, "none, smtp, command or webhook"),
    TEXT(email, url, "", ja_check_email_target, "smtp://host:port, smtps://host:port, a https:// URL, or the command's path"),
    TEXT(email, username, "", NULL, "for SMTP"),
    PATH(email, password_file, "", "file with the SMTP password or the webhook's secret"),
    TEXT(email, from, "", ja_check_email, "sender address"),
    WORD(email, starttls, "required", starttls, "required, or off (only to loopback)"),
    PATH(email, templates, "", "folder of changed message texts; empty: the built-in ones"),

    CHOICE(sms, provider, "none", texters, "none, twilio, webhook or command"),
    TEXT(sms, url, "", ja_check_sms_target, "a https:// URL, or the command's path"),
    TEXT(sms, account, "", ja_check_line, "account at the provider"),
    PATH(sms, token_file, "", "file with the provider's secret"),
    TEXT(sms, from, "", ja_check_line, "sender number or name"),

    PATH(http, socket, "@run@/jwtauthd.sock", "Unix socket of jwtauthd"),
    TEXT(http, listen, "off", ja_check_listen, "off, or a loopback address and port"),
    LIST(http, cors_origins, "", ja_check_origin, "web origins that may call"),
    BOOL(http, cookies, "no", "refresh token in a cookie for browsers"),
    BOOL(http, admin, "no", "management routes on the TCP port too"),
    LIST(http, hosts, "localhost, 127.0.0.1, [::1]", ja_check_line, "names that a request over TCP may be addressed to"),
    NETS(http, trusted_proxies, "proxies whose X-Forwarded-For counts"),
    INT(http, threads, "4", 1, 256, "worker threads"),

    TEXT(verify, issuer, "", ja_check_issuer, "issuer that a verifying host accepts"),
    TEXT(verify, jwks, "", ja_check_jwks, "its public keys: a file or a https:// URL"),
    TIME(verify, max_stale, "24h", MINUTE, 30 * DAY, "how long fetched keys are used when the URL is down"),

    CHOICE(log, target, "syslog", targets, "syslog, journal or stderr"),
    WORD(log, level, "info", levels, "err, warning, notice, info or debug"),
    {"log", "audit_fail", JA_OPT_BOOL, AT(log.audit_fail_deny), "deny", 0, 0, deny_allow, NULL,
     "logins when the audit log cannot be written: deny or allow"},
};

const size_t ja_options_len = sizeof ja_options / sizeof ja_options[0];
_Static_assert(sizeof ja_options / sizeof ja_options[0] <= JA_OPTIONS_MAX, "raise JA_OPTIONS_MAX");
