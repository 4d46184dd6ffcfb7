/* jwtauth.conf: one table of options gives name, type, place, default, bounds and help
 * (config_options.c); the loader, `config check`, `config show` and the manual's check read it.
 *
 * Ownership: struct ja_config owns every string in it until ja_config_free; it is const after load
 * and may be shared by threads.
 * Units: seconds for durations, bytes for sizes, percent-free integers elsewhere.
 * Errors: JA_ERR_CONFIG with file and line (what is wrong in a [policy NAME] section is kept in its rule); JA_ERR_UNSAFE for owner or mode; an absent file is the
 * defaults only when it is the built-in default path.
 */
#ifndef JA_BASE_CONFIG_H
#define JA_BASE_CONFIG_H

#include "common/base/net.h"
#include "common/base/status.h"

#include <stdbool.h>

#define JA_CONFIG_PATH "/etc/jwtauth/jwtauth.conf"

enum ja_alg { JA_ALG_NONE = 0, JA_ALG_ES256, JA_ALG_EDDSA, JA_ALG_RS256, JA_ALG_HS256 };
enum ja_preset { JA_PRESET_CLASSIC, JA_PRESET_NIST };
enum ja_verify_channels { JA_VERIFY_EMAIL, JA_VERIFY_PHONE, JA_VERIFY_ANY, JA_VERIFY_ALL, JA_VERIFY_NONE };
enum ja_new_source { JA_SOURCE_NOTIFY, JA_SOURCE_REQUIRE_MFA, JA_SOURCE_DENY, JA_SOURCE_OFF };
enum ja_mfa_policy { JA_MFA_OPTIONAL, JA_MFA_REQUIRED, JA_MFA_ROLES };
enum ja_provider { JA_PROVIDER_NONE, JA_PROVIDER_SMTP, JA_PROVIDER_COMMAND, JA_PROVIDER_WEBHOOK, JA_PROVIDER_TWILIO };
enum ja_log_target { JA_LOG_SYSLOG, JA_LOG_JOURNAL, JA_LOG_STDERR };

/* bits of password.require */
enum { JA_CLASS_UPPER = 1, JA_CLASS_LOWER = 2, JA_CLASS_DIGIT = 4, JA_CLASS_SPECIAL = 8 };

struct ja_rate { int64_t count, seconds; };                 /* 5/15m */
struct ja_strlist { char **items; size_t len; };            /* comma-separated */
struct ja_netlist { struct ja_net *items; size_t len; };
struct ja_hourslist { struct ja_hours *items; size_t len; };             /* policy_hours.h */
struct ja_policy_rules { struct ja_policy_rule *items; size_t len; };    /* policy_rule.h */

struct ja_config {
    char *path; /* of the file read, or NULL: built-in defaults */
    struct { char *state, *run, *cache; } paths;
    struct { char *url; int64_t busy_timeout; char *master_key_file; } store;
    struct {
        char *issuer, *audience; /* "" when not configured: minting refuses, saying so */
        int64_t max_ttl;
        int algorithm;           /* enum ja_alg */
        char *typ;               /* "at+jwt" or "JWT" */
        int64_t access_ttl, session_token_ttl, refresh_idle, session_max;
        bool permissions, identity_claims;
        int64_t leeway, reuse_grace, rotate_every, retain_keys;
    } tokens;
    struct {
        int preset;              /* enum ja_preset */
        int64_t min_length;      /* 0: by preset */
        int require;             /* class bits; -1: by preset */
        bool dictionary;
        char *blocklist;
        int64_t history, max_age, hash_memory, hash_ops, parallel_hashes, hash_wait, warn_days;
    } password;
    struct {
        int policy;              /* enum ja_mfa_policy */
        struct ja_strlist roles; /* with JA_MFA_ROLES */
        int64_t totp_window;
        char *issuer_label;
        int64_t recovery_codes;
        struct ja_netlist exempt_networks;
    } mfa;
    struct {
        bool open;
        int verify;              /* enum ja_verify_channels */
        bool conceal;
        char *link_base;
        int64_t purge_pending, verify_ttl, reset_ttl, code_ttl, code_attempts;
        struct ja_strlist default_roles;
    } registration;
    struct {
        struct ja_rate login, other, token_failures, per_source, per_user;
        char *captcha_url, *captcha_secret_file, *captcha_site_key;
        int64_t captcha_after, delay_base, delay_max, lock_after, lock_for;
        struct ja_netlist trusted_networks;
    } throttle;
    struct { int new_source; int64_t ipv4_prefix, ipv6_prefix; } suspicious;
    struct { int64_t uid_min, uid_max; char *home, *shell, *role_group_prefix; } accounts;
    struct { int provider; char *url, *username, *password_file, *from, *starttls, *templates; } email;
    struct { int provider; char *url, *account, *token_file, *from; } sms;
    struct { char *socket, *listen; struct ja_strlist cors_origins; bool cookies, admin; struct ja_strlist hosts;
             struct ja_netlist trusted_proxies; int64_t threads; } http;
    struct { char *issuer, *jwks; int64_t max_stale; } verify;
    struct { int target; char *level; bool audit_fail_deny; } log;
    struct ja_policy_rules policy; /* [policy NAME], in the order of the file */
};

/* `path` NULL: the built-in path. allow_own: SECURITY R22's rule for authctl -c. */
enum ja_status ja_config_load(const char *path, bool allow_own, struct ja_config **ret,
                              struct ja_error *err);
/* What logs in or opens the store demands a file: without it the built-in values would hold, which are weaker than
 * what a policy says. JA_ERR_CONFIG "no_config". */
enum ja_status ja_config_demand_file(const struct ja_config *cfg, struct ja_error *err);
/* The same from memory; `name` stands in messages. Used by the loader, tests and fuzzing. */
enum ja_status ja_config_parse(const char *name, const void *text, size_t len,
                               struct ja_config **ret, struct ja_error *err);
void ja_config_free(struct ja_config *cfg);

/* One effective value for `config show`: `from_file` false means the default. `secret` values
 * (none holds one itself today, URLs with a password do) are shown masked. */
struct ja_config_item {
    const char *section, *key, *help;
    const char *value; /* valid during the call */
    bool from_file;
};
typedef enum ja_status (*ja_config_item_fn)(void *arg, const struct ja_config_item *item);
/* Rules that are broken are shown as far as they can be read. */
enum ja_status ja_config_each(const struct ja_config *cfg, ja_config_item_fn fn, void *arg);

const char *ja_alg_name(enum ja_alg alg);            /* "ES256" */
enum ja_alg ja_alg_parse(const char *name);          /* exact case; JA_ALG_NONE when unknown */

#endif
