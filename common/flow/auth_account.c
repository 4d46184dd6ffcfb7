/* The account decision, from the store alone. */
#include "common/domain/role.h"
#include "common/flow/auth_internal.h"
#include "common/flow/new_source.h"

#include <stdio.h>
#include <string.h>

const char *ja_auth_reason_name(enum ja_auth_reason r)
{
    switch (r) {
    case JA_REASON_NONE: return "none";
    case JA_REASON_UNKNOWN_USER: return "unknown_user";
    case JA_REASON_NO_PASSWORD: return "no_password";
    case JA_REASON_WRONG_PASSWORD: return "wrong_password";
    case JA_REASON_WRONG_CODE: return "wrong_code";
    case JA_REASON_CODE_REPLAYED: return "code_replayed";
    case JA_REASON_NO_SECOND_FACTOR: return "no_second_factor";
    case JA_REASON_CODE_REQUIRED: return "code_required";
    case JA_REASON_LOCKED: return "locked";
    case JA_REASON_DISABLED: return "disabled";
    case JA_REASON_PENDING: return "pending";
    case JA_REASON_EXPIRED: return "expired";
    case JA_REASON_THROTTLED: return "throttled";
    case JA_REASON_NEW_SOURCE: return "new_source";
    case JA_REASON_UID_MISMATCH: return "uid_mismatch";
    case JA_REASON_NOT_A_PERSON: return "not_a_person";
    case JA_REASON_MUST_CHANGE: return "must_change";
    case JA_REASON_NO_ROLE: return "no_role";
    case JA_REASON_NO_PERMISSION: return "no_permission";
    case JA_REASON_POLICY: return "policy";
    case JA_REASON_METHOD: return "method";
    case JA_REASON_WRONG_TOKEN: return "wrong_token";
    case JA_REASON_CAPTCHA: return "captcha";
    }
    return "unknown_reason";
}

enum ja_auth_reason ja_auth_account_reason(const struct ja_ctx *ctx, const struct ja_user *user)
{
    switch (user->status) {
    case JA_USER_LOCKED: return JA_REASON_LOCKED;
    case JA_USER_DISABLED: return JA_REASON_DISABLED;
    case JA_USER_PENDING: return JA_REASON_PENDING;
    case JA_USER_ACTIVE: break;
    default: return JA_REASON_DISABLED; /* a status that this program does not know */
    }
    if (user->valid_until && user->valid_until <= ja_now(&ctx->clock))
        return JA_REASON_EXPIRED;
    return JA_REASON_NONE;
}

bool ja_auth_must_change(const struct ja_ctx *ctx, const struct ja_user *user, int64_t *ret_days_left)
{
    int64_t max_age = ctx->cfg->password.max_age, left;

    *ret_days_left = -1;
    if (!user->password_hash)
        return false;
    if (user->must_change)
        return true;
    if (max_age <= 0)
        return false;
    left = user->password_changed_at + max_age - ja_now(&ctx->clock);
    if (left <= 0)
        return true;
    if (left <= ctx->cfg->password.warn_days * 86400)
        *ret_days_left = left / 86400;
    return false;
}

enum ja_status ja_auth_policy_mfa(struct ja_ctx *ctx, const char *user_id, bool *ret,
                                  struct ja_error *err)
{
    struct ja_strlist roles = {0};
    bool demanded = ctx->cfg->mfa.policy != JA_MFA_OPTIONAL;
    enum ja_status st = JA_OK;

    if (ctx->cfg->mfa.policy == JA_MFA_ROLES) {
        st = ja_role_effective(ctx, user_id, &roles, err);
        demanded = false;
        for (size_t i = 0; st == JA_OK && i < ctx->cfg->mfa.roles.len; i++)
            demanded = demanded || ja_strlist_has(&roles, ctx->cfg->mfa.roles.items[i]);
        ja_strlist_clear(&roles);
    }
    if (st == JA_OK)
        *ret = demanded;
    return st;
}

static bool two_factors(const char *amr)
{
    /* amr is ours, space-separated: "pwd otp mfa", "pwd rc mfa" */
    const char *found = strstr(amr, "mfa");

    return found && (found == amr || found[-1] == ' ') && (found[3] == 0 || found[3] == ' ');
}

/* What auth proved before, if it ran at all. */
struct proof {
    bool login, second_factor;
    int64_t at;
    unsigned methods;
};

static enum ja_status look_at_proof(struct ja_ctx *ctx, const struct ja_account_check *check,
                                    const struct ja_user *user, struct proof *ret, struct ja_error *err)
{
    struct ja_login_handle handle = {0};
    enum ja_status st = JA_ERR_NOT_FOUND;

    if (check->handle)
        st = ja_handle_peek(ctx, check->handle, user->id, check->service, &handle, err);
    if (st != JA_OK && st != JA_ERR_NOT_FOUND)
        return st;
    ret->login = st == JA_OK;
    ret->second_factor = ret->login && two_factors(handle.amr);
    ret->at = handle.created_at;
    ret->methods = ret->login ? ja_auth_method_of(handle.amr) : 0;
    return JA_OK;
}

/* A login by key never runs auth, which judges the source of all others. Only an address counts: cron and su come
 * from nowhere. */
static enum ja_status judge_source(struct ja_ctx *ctx, const struct ja_account_check *check,
                                   const struct ja_user *user, const struct proof *proof,
                                   enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_source_verdict v = {0};
    struct ja_addr addr = {0};
    char network[JA_NET_TEXT];
    enum ja_status st = JA_OK;

    if (proof->login || !check->source || !ja_addr_parse(check->source, &addr))
        return JA_OK;
    ja_source_network(ctx, &addr, network);
    st = ja_source_judge(ctx, user->id, network, false, &v, err);
    if (st == JA_OK && v.refused)
        *reason = JA_REASON_NEW_SOURCE;
    return st;
}

/* What only account and open_session ask: the rules, the second factor of this login, where it comes from, and what must
 * be held. */
static enum ja_status judge_login(struct ja_ctx *ctx, const struct ja_account_check *check,
                                  const struct ja_user *user, struct ja_auth_result *result,
                                  struct ja_error *err)
{
    const struct ja_policy_login where = {.service = check->service, .source = check->source, .tty = check->tty};
    const struct ja_policy_terms options = {
        .mfa = check->mfa,
        .mfa_remember = check->mfa_remember,
        .require_role = check->require_role,
        .require_permission = check->require_permission,
        .audience = check->audience,
    };
    struct ja_auth_shown shown = {.methods = check->methods};
    struct proof proof = {0};
    enum ja_status st = ja_auth_terms(ctx, user, &where, &options, &result->terms, err);

    if (st == JA_OK)
        st = look_at_proof(ctx, check, user, &proof, err);
    if (st == JA_OK && check->check_mfa && proof.login && user->mfa && !proof.second_factor)
        st = ja_account_find_remembered(ctx, check, &result->terms, user, proof.at, &proof.second_factor, err);
    if (st != JA_OK)
        return st;
    shown.by_module = proof.login;
    shown.second_factor = proof.second_factor;
    /* sshd calls what ran here "keyboard-interactive", whatever was given */
    if (proof.login)
        shown.methods = (shown.methods & ~(unsigned)JA_METHOD_PASSWORD) | proof.methods;
    /* where none shows (cron, sudo's target) account has had its say */
    if (!check->check_mfa) {
        if (shown.methods)
            ja_auth_judge_method(&result->terms, &shown, &result->reason);
        return JA_OK;
    }
    st = ja_auth_judge_terms(ctx, &result->terms, user, &shown, &result->reason, err);
    if (st == JA_OK && result->reason == JA_REASON_NONE)
        st = judge_source(ctx, check, user, &proof, &result->reason, err);
    return st;
}

enum ja_status ja_account_decide(struct ja_ctx *ctx, const struct ja_account_check *check,
                                 struct ja_user *ret_user, struct ja_auth_result *ret,
                                 struct ja_error *err)
{
    struct ja_auth_result result = {.verdict = JA_DENY, .password_days_left = -1};
    struct ja_user user = {0};
    enum ja_status st = ja_user_find_by_name(ctx, check->user, &user, err);

    if (st == JA_ERR_NOT_FOUND) {
        result.reason = JA_REASON_UNKNOWN_USER;
        *ret = result;
        return JA_OK;
    }
    if (st == JA_OK)
        result.reason = ja_auth_account_reason(ctx, &user);
    if (st == JA_OK && result.reason == JA_REASON_NONE && (check->check_mfa || check->opens))
        st = judge_login(ctx, check, &user, &result, err);
    if (st != JA_OK) {
        ja_user_clear(&user);
        return st;
    }
    (void)snprintf(result.user_id, sizeof result.user_id, "%s", user.id);
    (void)snprintf(result.username, sizeof result.username, "%s", user.username);
    result.must_change = ja_auth_must_change(ctx, &user, &result.password_days_left);
    if (result.reason == JA_REASON_NONE)
        result.verdict = JA_ALLOW;
    *ret = result;
    *ret_user = user;
    return JA_OK;
}
