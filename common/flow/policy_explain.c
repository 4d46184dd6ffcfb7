#include "common/flow/policy_explain.h"

#include "common/domain/permission.h"
#include "common/domain/role_admin.h"
#include "common/flow/auth_internal.h"

#include <stdio.h>
#include <string.h>

/* What the supposed role gives is demanded no more. */
static enum ja_status suppose(struct ja_ctx *ctx, const char *as_role, struct ja_policy_terms *terms,
                              struct ja_error *err)
{
    struct ja_strlist given = {0};
    bool carries = false;
    enum ja_status st = ja_role_effective_as(ctx, NULL, as_role, &given, err);

    for (size_t i = 0; st == JA_OK && terms->require_role && i < given.len; i++)
        if (strcmp(given.items[i], terms->require_role) == 0)
            terms->require_role = NULL;
    if (st == JA_OK && terms->require_permission && ja_permission_valid(terms->require_permission))
        st = ja_role_carries(ctx, as_role, terms->require_permission, &carries, err);
    if (st == JA_OK && carries)
        terms->require_permission = NULL;
    ja_strlist_clear(&given);
    return st;
}

static enum ja_auth_reason password_reason(const struct ja_user *user, const struct ja_policy_terms *terms,
                                           bool demanded)
{
    if (user->kind != JA_USER_PERSON)
        return JA_REASON_NOT_A_PERSON;
    if (!user->password_hash)
        return JA_REASON_NO_PASSWORD;
    if (terms->accept && !(terms->accept & JA_ACCEPT_PASSWORD))
        return JA_REASON_METHOD;
    if (demanded && !user->mfa)
        return JA_REASON_NO_SECOND_FACTOR;
    return JA_REASON_NONE;
}

/* The same judgement for both ways in. */
static enum ja_status judge(struct ja_ctx *ctx, const struct ja_policy_terms *terms, const struct ja_user *user,
                            bool demanded, struct ja_policy_explanation *e, struct ja_error *err)
{
    const struct ja_auth_shown typed = {true, e->asks_code && user->mfa, JA_METHOD_PASSWORD};
    const struct ja_auth_shown key = {false, false, JA_METHOD_PUBLICKEY};
    enum ja_status st = JA_OK;

    e->by_password = e->by_key = ja_auth_account_reason(ctx, user);
    if (e->by_key != JA_REASON_NONE)
        return JA_OK;
    e->by_password = password_reason(user, terms, demanded);
    if (e->by_password == JA_REASON_NONE)
        st = ja_auth_judge_terms(ctx, terms, user, &typed, &e->by_password, err);
    return st == JA_OK ? ja_auth_judge_terms(ctx, terms, user, &key, &e->by_key, err) : st;
}

static enum ja_status explain(struct ja_ctx *ctx, const struct ja_policy_question *q, const struct ja_user *user,
                              struct ja_policy_explanation *e, struct ja_error *err)
{
    struct ja_policy_login login = q->where;
    struct ja_policy_terms nobodys = {0}, terms;
    struct ja_addr addr = {0};
    bool demanded = false;
    enum ja_status st;

    login.user_id = user->id;
    login.user = user->username;
    st = ja_policy_decide(ctx, &login, &q->options, &e->decision, err);
    terms = e->decision.terms;
    login.as_role = NULL;
    if (st == JA_OK)
        st = ja_auth_terms(ctx, NULL, &login, &q->options, &nobodys, err);
    if (st == JA_OK && q->where.as_role)
        st = suppose(ctx, q->where.as_role, &terms, err);
    (void)ja_addr_parse(login.source ? login.source : "", &addr); /* else family 0 */
    if (st == JA_OK)
        st = ja_auth_demanded(ctx, user->id, &addr, &demanded, err);
    if (st != JA_OK)
        return st;
    demanded = demanded || terms.mfa == JA_MFA_ALWAYS;
    e->asks_code = ja_auth_asks_code(terms.mfa, nobodys.mfa, demanded, user->mfa);
    return judge(ctx, &terms, user, demanded, e, err);
}

static int64_t stopped(void *arg)
{
    return *(const int64_t *)arg * 1000;
}

/* As at that time: grants, locks and ends of accounts too, as far as they are planned by now. */
static enum ja_status explain_then(struct ja_ctx *ctx, const struct ja_policy_question *q,
                                   struct ja_policy_explanation *e, struct ja_error *err)
{
    const struct ja_clock clock = ctx->clock;
    struct ja_user user = {0};
    enum ja_status st;

    ctx->clock = (struct ja_clock){stopped, clock.mono_ms, clock.sleep_ms, &e->at};
    st = ja_user_find(ctx, q->user, &user, err);
    if (st == JA_OK) {
        (void)snprintf(e->username, sizeof e->username, "%s", user.username);
        st = explain(ctx, q, &user, e, err);
    }
    ctx->clock = clock;
    ja_user_clear(&user);
    return st;
}

enum ja_status ja_policy_explain(struct ja_ctx *ctx, const struct ja_policy_question *question,
                                 struct ja_policy_explanation *ret, struct ja_error *err)
{
    struct ja_policy_explanation e = {.at = question->where.at ? question->where.at : ja_now(&ctx->clock)};
    char resource[sizeof "user/" + JA_USERNAME_MAX];
    enum ja_status st;

    (void)snprintf(resource, sizeof resource, "user/%.*s", JA_USERNAME_MAX, question->user);
    st = ja_permit(ctx, "users:read", resource, err);
    if (st == JA_OK)
        st = explain_then(ctx, question, &e, err);
    if (st != JA_OK) {
        ja_policy_decision_clear(&e.decision);
        return st;
    }
    *ret = e;
    return JA_OK;
}
