/* The keys of a [policy NAME] section; jwtauth.conf(5) is checked against the table. */
#include "common/base/policy_rule.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

static const struct ja_choice modes[] = {{"off", JA_MFA_OFF}, {"auto", JA_MFA_AUTO}, {"required", JA_MFA_ALWAYS},
                                         {NULL, 0}};
static const struct ja_choice proofs[] = {{"password", JA_ACCEPT_PASSWORD}, {"jwt", JA_ACCEPT_JWT}, {NULL, 0}};
static const struct ja_choice methods[] = {{"password", JA_METHOD_PASSWORD}, {"jwt", JA_METHOD_JWT},
                                           {"publickey", JA_METHOD_PUBLICKEY}, {"hostbased", JA_METHOD_HOSTBASED},
                                           {"gssapi", JA_METHOD_GSSAPI}, {NULL, 0}};

/* Letters that stand in names of PAM services and terminals, and a "*" as the last one. */
static bool is_pattern(const char *s, const char *others)
{
    size_t len = strlen(s);

    if (len > 0 && s[len - 1] == '*')
        len--;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !strchr(others, c))
            return false;
    }
    return len <= WORD_MAX;
}

static const char *check_service(const char *s)
{
    return is_pattern(s, "._-") ? NULL : "must be PAM services; a * may stand at the end only";
}

static const char *check_tty(const char *s)
{
    return is_pattern(s, "._-/:") && strcmp(s, "/dev/*") != 0 ? NULL : "must be terminals like tty1 or pts/*; a * may stand at the end only";
}

static const char *check_user(const char *s)
{
    char name[WORD_MAX] = "";
    size_t len = strlen(s);

    if (len >= sizeof name)
        return "must be names of users";
    memcpy(name, s, len);
    if (len > 0 && name[len - 1] == '*')
        name[len - 1] = 0;
    return !*name || ja_username_valid(name) ? NULL : "must be names of users; a * may stand at the end only";
}

#define KEY(k, type, max, choices, check, help) \
    {"policy", #k, type, offsetof(struct ja_policy_rule, k), NULL, 0, max, choices, check, help}

const struct ja_option ja_policy_options[JA_POLICY_KEYS] = {
    [JA_POLICY_SERVICE] = KEY(service, JA_OPT_LIST, 0, NULL, check_service, "PAM services, authctl or jwtauthd"),
    [JA_POLICY_USER] = KEY(user, JA_OPT_LIST, 0, NULL, check_user, "user names"),
    [JA_POLICY_ROLE] = KEY(role, JA_OPT_LIST, 0, NULL, ja_check_role, "roles held now, directly or through another"),
    [JA_POLICY_NETWORK] = KEY(network, JA_OPT_NETS, JA_NETS_ANY, NULL, NULL, "networks that the login comes from"),
    [JA_POLICY_NOT_NETWORK] = KEY(not_network, JA_OPT_NETS, JA_NETS_ANY, NULL, NULL, "networks that it does not come from"),
    [JA_POLICY_TTY] = KEY(tty, JA_OPT_LIST, 0, NULL, check_tty, "terminals"),
    [JA_POLICY_HOURS] = KEY(hours, JA_OPT_HOURS, 0, NULL, NULL, "hours like mon-fri 08:00-18:00, local time"),
    [JA_POLICY_MFA] = KEY(mfa, JA_OPT_CHOICE, 0, modes, NULL, "second factor: off, auto or required"),
    [JA_POLICY_MFA_REMEMBER] = KEY(mfa_remember, JA_OPT_DURATION, 7 * 86400, NULL, NULL,
                                   "how long one of the same login session counts; 0: not"),
    [JA_POLICY_ACCEPT] = KEY(accept, JA_OPT_BITS, 0, proofs, NULL, "what the password prompt takes: password, jwt"),
    [JA_POLICY_METHODS] = KEY(methods, JA_OPT_BITS, 0, methods, NULL,
                              "how to log in: password, jwt, publickey, hostbased, gssapi"),
    [JA_POLICY_REQUIRE_ROLE] = KEY(require_role, JA_OPT_TEXT, 0, NULL, ja_check_role, "a role that must be held"),
    [JA_POLICY_REQUIRE_PERMISSION] = KEY(require_permission, JA_OPT_TEXT, 0, NULL, ja_check_line,
                                         "a permission that must be held"),
    [JA_POLICY_DENY] = KEY(deny, JA_OPT_BOOL, 0, NULL, NULL, "yes: refuse"),
    [JA_POLICY_TOKEN_AUDIENCE] = KEY(token_audience, JA_OPT_TEXT, 0, NULL, ja_check_line,
                                     "audience of the session's token"),
};

enum ja_status ja_policy_rules_error(const struct ja_policy_rules *rules, struct ja_error *err)
{
    for (size_t i = 0; i < rules->len; i++)
        if (rules->items[i].error)
            return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s", rules->items[i].error);
    return JA_OK;
}

void ja_policy_rules_clear(struct ja_policy_rules *rules)
{
    for (size_t i = 0; i < rules->len; i++) {
        struct ja_policy_rule *r = &rules->items[i];

        for (size_t k = 0; k < JA_POLICY_KEYS; k++)
            ja_option_free(&ja_policy_options[k], r);
        free(r->name);
        free(r->error);
    }
    free(rules->items);
    *rules = (struct ja_policy_rules){0};
}
