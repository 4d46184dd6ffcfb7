/* What would happen to a login, and why: the very functions that decide it, asked for a user, a place and a time. */
#ifndef JA_FLOW_POLICY_EXPLAIN_H
#define JA_FLOW_POLICY_EXPLAIN_H

#include "common/flow/auth_flow.h"

struct ja_policy_question {
    const char *user;
    struct ja_policy_login where;   /* service, source, tty, at, as_role; the user's part is filled in */
    struct ja_policy_terms options; /* of the service's module line, which the configuration does not show */
};

struct ja_policy_explanation {
    char username[JA_USERNAME_MAX + 1];
    int64_t at;
    struct ja_policy_decision decision;
    bool asks_code;                  /* after a right password; a remembered factor may spare it */
    enum ja_auth_reason by_password; /* NONE: gets in with the right answers */
    enum ja_auth_reason by_key;      /* the same for an ssh key, which is asked nothing */
};

/* Others than root need users:read on "user/NAME". JA_ERR_NOT_FOUND "user_not_found", "role_not_found".
 * ja_policy_decision_clear(&ret->decision) when done. */
enum ja_status ja_policy_explain(struct ja_ctx *ctx, const struct ja_policy_question *question,
                                 struct ja_policy_explanation *ret, struct ja_error *err);

#endif
