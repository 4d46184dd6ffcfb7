/* The terms of a login: what a service's options ask for, and what holds after the [policy] rules of the
 * configuration had their word.  The first rule that matches decides; what it does not say stays as the options say.
 *
 * A rule with an error (which may show here only: a role that nobody knows) denies every login that the conditions that
 * can be read do not keep from it.  The same function decides and explains: it notes the outcome of every condition it
 * looked at.
 * Ownership: texts in terms are borrowed from the caller's options and from the configuration, which outlive the login.
 * Threads: as the context.
 */
#ifndef JA_FLOW_POLICY_H
#define JA_FLOW_POLICY_H

#include "common/base/policy_rule.h"
#include "common/domain/ctx.h"

struct ja_policy_terms {
    enum ja_mfa_mode mfa;
    int64_t mfa_remember;           /* seconds that a second factor of the same login session counts; 0: not */
    unsigned accept;                /* JA_ACCEPT_ bits; 0: password */
    unsigned methods;               /* JA_METHOD_ bits that may log in; 0: any */
    const char *require_role;       /* NULL: none */
    const char *require_permission; /* NULL: none */
    const char *audience;           /* of the session's token; NULL: the configured one */
    bool deny;
};

/* Who logs in, where, from where. Texts may be hostile; NULL: absent. */
struct ja_policy_login {
    const char *user_id, *user;          /* NULL: nobody of the store's */
    const char *service, *source, *tty;  /* source counts as a numeric address only */
    int64_t at;                          /* 0: now */
    const char *as_role;                 /* as if this one were held too; NULL: as it is */
};

struct ja_policy_look {
    const struct ja_policy_rule *rule;
    enum ja_policy_outcome outcome[JA_POLICY_CONDITIONS];
};

struct ja_policy_decision {
    struct ja_policy_terms terms;
    const struct ja_policy_rule *rule; /* NULL: none matched */
    char why[512];                     /* not empty: the rule is broken, and what is wrong; terms.deny is set */
    struct ja_policy_look *looks;      /* rules in order, up to the one that decided */
    size_t nlooks;
};

/* JA_ERR_NOT_FOUND "role_not_found" for as_role. Other failures are the store's; then nothing is decided. */
enum ja_status ja_policy_decide(struct ja_ctx *ctx, const struct ja_policy_login *login,
                                const struct ja_policy_terms *options, struct ja_policy_decision *ret,
                                struct ja_error *err);
void ja_policy_decision_clear(struct ja_policy_decision *d);

/* What is wrong with the rule at `index`, or what makes it useless. `why` NULL: nothing. */
struct ja_policy_fault {
    const struct ja_policy_rule *rule;
    bool error;              /* else a warning */
    const char *code;        /* "broken", "shadowed", "never_matches", "no_effect", "deny_only" */
    char why[512];
};
typedef enum ja_status (*ja_policy_fault_fn)(void *arg, const struct ja_policy_fault *fault);
/* Every finding of every rule, in order. `ctx->db` NULL: names of roles are not looked up. */
enum ja_status ja_policy_find_faults(struct ja_ctx *ctx, ja_policy_fault_fn fn, void *arg, struct ja_error *err);

#endif
