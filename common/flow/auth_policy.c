/* The terms of a login and whether it meets them: one place for PAM, authctl and jwtauthd. */
#include "common/domain/permission.h"
#include "common/domain/role.h"
#include "common/flow/auth_internal.h"

#include <string.h>

enum ja_status ja_auth_terms(struct ja_ctx *ctx, const struct ja_user *user, const struct ja_policy_login *where,
                             const struct ja_policy_terms *options, struct ja_policy_terms *ret,
                             struct ja_error *err)
{
    struct ja_policy_login login = *where;
    struct ja_policy_decision d = {0};
    enum ja_status st;

    login.user_id = user ? user->id : NULL;
    login.user = user ? user->username : NULL;
    st = ja_policy_decide(ctx, &login, options, &d, err);
    if (st == JA_OK)
        *ret = d.terms;
    ja_policy_decision_clear(&d);
    return st;
}

unsigned ja_auth_method_of(const char *amr)
{
    return strcmp(amr, "pwd") == 0 || strncmp(amr, "pwd ", 4) == 0 ? JA_METHOD_PASSWORD : JA_METHOD_JWT;
}

/* One question more than the grants answer: a name that was mistyped must show in the log. */
static enum ja_status judge_role(struct ja_ctx *ctx, const char *role, const struct ja_user *user,
                                 enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_strlist held = {0};
    struct ja_error unknown = {0};
    enum ja_status st = ja_role_effective(ctx, user->id, &held, err);

    if (st == JA_OK && !ja_strlist_has(&held, role)) {
        *reason = JA_REASON_NO_ROLE;
        st = ja_role_require(ctx, role, &unknown);
        if (st == JA_ERR_NOT_FOUND)
            ja_log_write(&ctx->log, LOG_ERR, "require_role: %s: everybody is refused", unknown.message);
        else if (st != JA_OK && err)
            *err = unknown;
        st = st == JA_ERR_NOT_FOUND ? JA_OK : st;
    }
    ja_strlist_clear(&held);
    return st;
}

static enum ja_status judge_permission(struct ja_ctx *ctx, const char *permission, const struct ja_user *user,
                                       enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_error malformed = {0};
    bool held = false;
    enum ja_status st = ja_permission_held(ctx, user->id, permission, NULL, &held, NULL, &malformed);

    if (st == JA_ERR_INVALID) {
        ja_log_write(&ctx->log, LOG_ERR, "require_permission: \"%.64s\" is none, everybody is refused: %s",
                     permission, malformed.message);
        st = JA_OK;
    } else if (st != JA_OK && err) {
        *err = malformed;
    }
    if (st == JA_OK && !held)
        *reason = JA_REASON_NO_PERMISSION;
    return st;
}

static enum ja_status judge_grants(struct ja_ctx *ctx, const struct ja_policy_terms *terms,
                                   const struct ja_user *user, enum ja_auth_reason *reason, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (terms->require_role)
        st = judge_role(ctx, terms->require_role, user, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE && terms->require_permission)
        st = judge_permission(ctx, terms->require_permission, user, reason, err);
    return st;
}

/* Every method that was used must be allowed.  Where none was seen (a key login in account; cron, su by root) only a
 * rule that lets in by other ways than the module's own does not stand against it. */
static bool method_fits(unsigned allowed, unsigned used)
{
    if (!allowed)
        return true;
    return used ? (used & ~allowed) == 0 : (allowed & JA_METHODS_OUTSIDE) != 0;
}

void ja_auth_judge_method(const struct ja_policy_terms *terms, const struct ja_auth_shown *shown,
                          enum ja_auth_reason *ret)
{
    if (!method_fits(terms->methods, shown->methods))
        *ret = JA_REASON_METHOD;
}

/* A rule that names keys lets them in without a second factor (PAM.md); a password still needs it. */
static bool lacks_factor(const struct ja_policy_terms *terms, const struct ja_auth_shown *shown)
{
    if (terms->mfa != JA_MFA_ALWAYS || shown->second_factor)
        return false;
    return shown->by_module || !(terms->methods & JA_METHODS_OUTSIDE);
}

enum ja_status ja_auth_judge_terms(struct ja_ctx *ctx, const struct ja_policy_terms *terms, const struct ja_user *user,
                                   const struct ja_auth_shown *shown, enum ja_auth_reason *ret,
                                   struct ja_error *err)
{
    enum ja_auth_reason reason = JA_REASON_NONE;

    if (terms->deny)
        reason = JA_REASON_POLICY;
    if (reason == JA_REASON_NONE)
        ja_auth_judge_method(terms, shown, &reason);
    if (reason == JA_REASON_NONE && lacks_factor(terms, shown))
        reason = user->mfa ? JA_REASON_CODE_REQUIRED : JA_REASON_NO_SECOND_FACTOR;
    if (reason != JA_REASON_NONE) {
        *ret = reason;
        return JA_OK;
    }
    return judge_grants(ctx, terms, user, ret, err);
}

bool ja_auth_code_wanted(enum ja_mfa_mode mode, bool demanded, bool enrolled)
{
    return enrolled && (mode != JA_MFA_OFF || demanded);
}

bool ja_auth_asks_code(enum ja_mfa_mode mode, enum ja_mfa_mode blind, bool demanded, bool enrolled)
{
    return (mode == JA_MFA_ALWAYS && blind == JA_MFA_ALWAYS) || ja_auth_code_wanted(mode, demanded, enrolled);
}
