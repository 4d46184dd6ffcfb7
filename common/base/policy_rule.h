/* One [policy NAME] section: its conditions and effects, whether it matches a login, and what it makes of those
 * behind it.  Pure: no store, no clock; policy.h of the flows decides with it.
 *
 * What is wrong in a section does not refuse the whole file: the rule keeps the message, and stops the logins that
 * it could have governed.
 * Ownership: the configuration's. Threads: const after load.
 */
#ifndef JA_BASE_POLICY_RULE_H
#define JA_BASE_POLICY_RULE_H

#include "common/base/config_options.h"
#include "common/base/policy_hours.h"

/* In the order of ja_policy_options; conditions first. */
enum ja_policy_key {
    JA_POLICY_SERVICE,
    JA_POLICY_USER,
    JA_POLICY_ROLE,
    JA_POLICY_NETWORK,
    JA_POLICY_NOT_NETWORK,
    JA_POLICY_TTY,
    JA_POLICY_HOURS,
    JA_POLICY_CONDITIONS,
    JA_POLICY_MFA = JA_POLICY_CONDITIONS,
    JA_POLICY_MFA_REMEMBER,
    JA_POLICY_ACCEPT,
    JA_POLICY_METHODS,
    JA_POLICY_REQUIRE_ROLE,
    JA_POLICY_REQUIRE_PERMISSION,
    JA_POLICY_DENY,
    JA_POLICY_TOKEN_AUDIENCE,
    JA_POLICY_KEYS
};
extern const struct ja_option ja_policy_options[JA_POLICY_KEYS]; /* offsets in struct ja_policy_rule */

enum ja_mfa_mode { JA_MFA_AUTO, JA_MFA_ALWAYS, JA_MFA_OFF };
/* What the password prompt takes. */
enum { JA_ACCEPT_PASSWORD = 1, JA_ACCEPT_JWT = 2 };
/* How somebody logged in; OTHER stands in no rule. */
enum {
    JA_METHOD_PASSWORD = 1,
    JA_METHOD_JWT = 2,
    JA_METHOD_PUBLICKEY = 4,
    JA_METHOD_HOSTBASED = 8,
    JA_METHOD_GSSAPI = 16,
    JA_METHOD_OTHER = 32,
};
/* Those that never run the module's auth: account cannot see them. */
#define JA_METHODS_OUTSIDE (JA_METHOD_PUBLICKEY | JA_METHOD_HOSTBASED | JA_METHOD_GSSAPI)

#define JA_POLICY_NAME_MAX 64

struct ja_policy_rule {
    char *name;
    unsigned line;   /* of its header */
    unsigned given;  /* bits by enum ja_policy_key */
    unsigned broken; /* the same: given, and not to be read */
    char *error;     /* the first one, with file and line; NULL: none */

    struct ja_strlist service, user, role, tty; /* "*" at an item's end stands for any rest; not in roles */
    struct ja_netlist network, not_network;
    struct ja_hourslist hours;

    int mfa; /* enum ja_mfa_mode */
    int64_t mfa_remember;
    int accept, methods; /* bits */
    char *require_role, *require_permission, *token_audience;
    bool deny;
};

static inline bool ja_policy_has(const struct ja_policy_rule *rule, enum ja_policy_key key)
{
    return rule->given >> key & 1;
}
/* JA_ERR_CONFIG with the first error that stands in a rule. */
enum ja_status ja_policy_rules_error(const struct ja_policy_rules *rules, struct ja_error *err);
void ja_policy_rules_clear(struct ja_policy_rules *rules);

/* What a login looks like. */
struct ja_policy_facts {
    const char *service;            /* "" when there is none */
    const char *user;               /* NULL: nobody of the store's */
    const struct ja_strlist *roles; /* held now, inherited ones too; NULL: none */
    struct ja_addr addr;            /* family 0: no numeric address */
    const char *tty;                /* NULL: none */
    bool time_known;                /* false: conditions on hours are broken */
    int weekday, minute;            /* local; 0: Monday */
};

enum ja_policy_outcome { JA_COND_BROKEN, JA_COND_ABSENT, JA_COND_MET, JA_COND_NOT_MET };
/* Roles that nobody knows are the caller's to look for. */
enum ja_policy_outcome ja_policy_condition(const struct ja_policy_rule *rule, enum ja_policy_key key,
                                           const struct ja_policy_facts *facts);

/* Does every login that `later` matches match `earlier` too? By what the rules say alone. */
bool ja_policy_covers(const struct ja_policy_rule *earlier, const struct ja_policy_rule *later);
/* No login can match: every network is excluded again. */
bool ja_policy_impossible(const struct ja_policy_rule *rule);

#endif
