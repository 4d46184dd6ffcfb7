/* The rules between options. */
#include "common/base/config_options.h"

#include <string.h>

void ja_config_derive(struct ja_config *cfg, bool max_ttl_given, bool retain_given)
{
    const int64_t day = 86400;

    if (!max_ttl_given)
        cfg->tokens.max_ttl = cfg->tokens.access_ttl > day ? cfg->tokens.access_ttl : day;
    if (!retain_given)
        cfg->tokens.retain_keys = cfg->tokens.max_ttl + cfg->tokens.leeway;
}

/* `blame` is where the administrator has to look. */
#define DEMAND(condition, section, key, reason)                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            ret_blame[0] = section;                                                                \
            ret_blame[1] = key;                                                                    \
            return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s", reason);                    \
        }                                                                                          \
    } while (0)

static enum ja_status check_tokens(const struct ja_config *cfg, const char *ret_blame[2],
                                   struct ja_error *err)
{
    DEMAND(cfg->tokens.access_ttl <= cfg->tokens.max_ttl, "tokens", "max_ttl",
           "is shorter than access_ttl");
    DEMAND(cfg->tokens.session_token_ttl <= cfg->tokens.max_ttl, "tokens", "session_token_ttl",
           "is longer than max_ttl");
    DEMAND(cfg->tokens.retain_keys >= cfg->tokens.max_ttl + cfg->tokens.leeway, "tokens",
           "retain_keys", "is shorter than the longest token lifetime (max_ttl) and leeway: "
           "tokens would outlive their key");
    return JA_OK;
}

static enum ja_status check_places(const struct ja_config *cfg, const char *ret_blame[2],
                                   struct ja_error *err)
{
    const char *url = cfg->email.url;

    DEMAND(strcmp(cfg->store.url, "none") != 0 || (*cfg->verify.issuer && *cfg->verify.jwks),
           "store", "url", "is none, but [verify] issuer and jwks are not set");
    DEMAND(cfg->accounts.uid_min <= cfg->accounts.uid_max, "accounts", "uid_max",
           "is smaller than uid_min");
    DEMAND(!cfg->registration.conceal || cfg->registration.verify != JA_VERIFY_NONE, "registration", "conceal",
           "needs verify: without it a new account is logged in at once, which tells");
    DEMAND(strcmp(cfg->email.starttls, "off") != 0 || strncmp(url, "smtp://", 7) != 0 ||
               ja_url_is_loopback(url),
           "email", "starttls", "may be off only with a url to loopback");
    return JA_OK;
}

/* A provider and the kind of url it needs. */
static enum ja_status check_provider(const char *section, int provider, const char *url,
                                     const char *ret_blame[2], struct ja_error *err)
{
    switch (provider) {
    case JA_PROVIDER_SMTP:
        DEMAND(strncmp(url, "smtp", 4) == 0, section, "url",
               "must be a smtp:// or smtps:// URL with provider = smtp");
        break;
    case JA_PROVIDER_COMMAND:
        DEMAND(url[0] == '/', section, "url",
               "must be an absolute path with provider = command");
        break;
    case JA_PROVIDER_WEBHOOK:
        DEMAND(strncmp(url, "http", 4) == 0, section, "url",
               "must be a https:// URL with provider = webhook");
        break;
    default: break; /* none; twilio has its own URL */
    }
    return JA_OK;
}

enum ja_status ja_config_cross_check(const struct ja_config *cfg, const char *ret_blame[2],
                                     struct ja_error *err)
{
    enum ja_status st = check_tokens(cfg, ret_blame, err);

    if (st == JA_OK)
        st = check_places(cfg, ret_blame, err);
    if (st == JA_OK)
        st = check_provider("email", cfg->email.provider, cfg->email.url, ret_blame, err);
    if (st == JA_OK)
        st = check_provider("sms", cfg->sms.provider, cfg->sms.url, ret_blame, err);
    return st;
}
