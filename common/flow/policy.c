#include "common/flow/policy.h"

#include "common/base/timezone.h"
#include "common/domain/permission.h"
#include "common/domain/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One decision under way. */
struct work {
    struct ja_ctx *ctx;
    struct ja_policy_facts facts;
    struct ja_strlist held;
    struct ja_error no_time; /* why the local time is not known */
    struct ja_policy_decision d;
};

/* ---- the facts ---- */

static bool any_rule_has(const struct ja_config *cfg, enum ja_policy_key key)
{
    for (size_t i = 0; i < cfg->policy.len; i++)
        if (ja_policy_has(&cfg->policy.items[i], key))
            return true;
    return false;
}

static enum ja_status know_roles(struct work *w, const struct ja_policy_login *login, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!any_rule_has(w->ctx->cfg, JA_POLICY_ROLE) || (!login->user_id && !login->as_role))
        return JA_OK;
    st = ja_role_effective_as(w->ctx, login->user_id, login->as_role, &w->held, err);
    w->facts.roles = &w->held;
    return st;
}

static void know_time(struct work *w, const struct ja_policy_login *login)
{
    int64_t t = login->at ? login->at : ja_now(&w->ctx->clock);
    struct ja_local_time local = {0};

    if (!any_rule_has(w->ctx->cfg, JA_POLICY_HOURS))
        return;
    if (ja_local_time(JA_LOCALTIME_PATH, t, &local, &w->no_time) != JA_OK)
        return; /* conditions on it are broken then */
    w->facts.time_known = true;
    w->facts.weekday = local.weekday;
    w->facts.minute = local.minute;
}

static enum ja_status know(struct work *w, const struct ja_policy_login *login, struct ja_error *err)
{
    w->facts = (struct ja_policy_facts){
        .service = login->service ? login->service : "",
        .user = login->user,
        .tty = login->tty,
    };
    (void)ja_addr_parse(login->source ? login->source : "", &w->facts.addr); /* else family 0 */
    know_time(w, login);
    return know_roles(w, login, err);
}

/* ---- one rule ---- */

/* JA_OK with *ret: the role exists. */
static enum ja_status role_exists(struct ja_ctx *ctx, const char *role, bool *ret, struct ja_error *err)
{
    struct ja_error local = {0};
    enum ja_status st = ja_role_require(ctx, role, &local);

    if (st != JA_OK && st != JA_ERR_NOT_FOUND && err)
        *err = local;
    *ret = st == JA_OK;
    return st == JA_ERR_NOT_FOUND ? JA_OK : st;
}

/* The first role of the rule that nobody knows; NULL: all exist. */
static enum ja_status find_unknown_role(struct ja_ctx *ctx, const struct ja_policy_rule *rule, const char **ret,
                                        struct ja_error *err)
{
    enum ja_status st = JA_OK;
    bool exists = true;

    for (size_t i = 0; st == JA_OK && exists && i < rule->role.len; i++) {
        st = role_exists(ctx, rule->role.items[i], &exists, err);
        *ret = exists ? NULL : rule->role.items[i];
    }
    if (st == JA_OK && exists && rule->require_role) {
        st = role_exists(ctx, rule->require_role, &exists, err);
        *ret = exists ? NULL : rule->require_role;
    }
    return st;
}

/* What the file alone does not show. *why "" when nothing is wrong. */
static enum ja_status find_error(struct ja_ctx *ctx, const struct ja_policy_rule *rule, char *why, size_t size,
                                 struct ja_error *err)
{
    const char *unknown = NULL;
    enum ja_status st = JA_OK;

    why[0] = 0;
    if (rule->error)
        (void)snprintf(why, size, "%s", rule->error);
    else if (rule->require_permission && !ja_permission_valid(rule->require_permission))
        (void)snprintf(why, size, "[policy %s] require_permission '%s' is no permission like ssh:login", rule->name,
                       rule->require_permission);
    else if (ctx->db)
        st = find_unknown_role(ctx, rule, &unknown, err);
    if (st == JA_OK && unknown)
        (void)snprintf(why, size, "[policy %s] there is no role '%s'", rule->name, unknown);
    return st;
}

/* Fills the outcomes; *ret_open: no condition but that on roles keeps the login from the rule. */
static struct ja_policy_look *look_at(struct work *w, const struct ja_policy_rule *rule, bool *ret_open)
{
    struct ja_policy_look *look = &w->d.looks[w->d.nlooks++];

    look->rule = rule;
    *ret_open = true;
    for (int key = 0; key < JA_POLICY_CONDITIONS; key++) {
        look->outcome[key] = ja_policy_condition(rule, (enum ja_policy_key)key, &w->facts);
        if (look->outcome[key] == JA_COND_NOT_MET && key != JA_POLICY_ROLE)
            *ret_open = false;
    }
    return look;
}

/* A rule that is broken governs whom it could have: roles that it names and nobody knows may have been meant. */
static enum ja_status try_rule(struct work *w, const struct ja_policy_rule *rule, bool *ret_decides,
                               struct ja_error *err)
{
    struct ja_policy_look *look;
    const char *unknown = NULL;
    bool open = false;
    enum ja_status st;

    look = look_at(w, rule, &open);
    *ret_decides = false;
    if (!open)
        return JA_OK;
    st = find_unknown_role(w->ctx, rule, &unknown, err);
    for (size_t i = 0; st == JA_OK && unknown && i < rule->role.len; i++)
        if (unknown == rule->role.items[i])
            look->outcome[JA_POLICY_ROLE] = JA_COND_BROKEN;
    if (st != JA_OK || look->outcome[JA_POLICY_ROLE] == JA_COND_NOT_MET)
        return st;
    *ret_decides = true;
    st = find_error(w->ctx, rule, w->d.why, sizeof w->d.why, err);
    if (st == JA_OK && !w->d.why[0] && look->outcome[JA_POLICY_HOURS] == JA_COND_BROKEN)
        (void)snprintf(w->d.why, sizeof w->d.why, "[policy %s] hours: %.400s", rule->name, w->no_time.message);
    return st;
}

static void apply(struct ja_policy_terms *t, const struct ja_policy_rule *r)
{
    if (ja_policy_has(r, JA_POLICY_MFA))
        t->mfa = (enum ja_mfa_mode)r->mfa;
    if (ja_policy_has(r, JA_POLICY_MFA_REMEMBER))
        t->mfa_remember = r->mfa_remember;
    if (ja_policy_has(r, JA_POLICY_ACCEPT))
        t->accept = (unsigned)r->accept;
    if (ja_policy_has(r, JA_POLICY_METHODS))
        t->methods = (unsigned)r->methods;
    if (ja_policy_has(r, JA_POLICY_REQUIRE_ROLE))
        t->require_role = r->require_role;
    if (ja_policy_has(r, JA_POLICY_REQUIRE_PERMISSION))
        t->require_permission = r->require_permission;
    if (ja_policy_has(r, JA_POLICY_TOKEN_AUDIENCE))
        t->audience = r->token_audience;
    t->deny = ja_policy_has(r, JA_POLICY_DENY) && r->deny;
}

static enum ja_status find_rule(struct work *w, struct ja_error *err)
{
    const struct ja_policy_rules *rules = &w->ctx->cfg->policy;
    enum ja_status st = JA_OK;
    bool decides = false;

    for (size_t i = 0; st == JA_OK && !decides && i < rules->len; i++) {
        st = try_rule(w, &rules->items[i], &decides, err);
        if (st == JA_OK && decides)
            w->d.rule = &rules->items[i];
    }
    return st;
}

enum ja_status ja_policy_decide(struct ja_ctx *ctx, const struct ja_policy_login *login,
                                const struct ja_policy_terms *options, struct ja_policy_decision *ret,
                                struct ja_error *err)
{
    struct work w = {.ctx = ctx, .d.terms = *options};
    size_t len = ctx->cfg->policy.len;
    enum ja_status st = JA_OK;

    if (len > 0) {
        w.d.looks = calloc(len, sizeof *w.d.looks);
        st = w.d.looks ? know(&w, login, err) : ja_fail_nomem(err);
        if (st == JA_OK)
            st = find_rule(&w, err);
    }
    ja_strlist_clear(&w.held);
    if (st != JA_OK) {
        ja_policy_decision_clear(&w.d);
        return st;
    }
    if (w.d.rule && w.d.why[0]) {
        w.d.terms.deny = true;
        ja_log_write(&ctx->log, LOG_ERR, "a policy rule is broken, logins it may govern are refused: %s", w.d.why);
    } else if (w.d.rule) {
        apply(&w.d.terms, w.d.rule);
    }
    *ret = w.d;
    return JA_OK;
}

void ja_policy_decision_clear(struct ja_policy_decision *d)
{
    free(d->looks);
    *d = (struct ja_policy_decision){0};
}

/* ---- policy check ---- */

#define EFFECTS (((1u << JA_POLICY_KEYS) - 1) & ~((1u << JA_POLICY_CONDITIONS) - 1))

static const struct ja_policy_rule *find_shadow(const struct ja_policy_rules *rules, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (ja_policy_covers(&rules->items[k], &rules->items[i]))
            return &rules->items[k];
    return NULL;
}

static void find_warning(const struct ja_policy_rules *rules, size_t i, struct ja_policy_fault *f)
{
    const struct ja_policy_rule *rule = f->rule, *shadow = find_shadow(rules, i);
    unsigned effects = rule->given & EFFECTS;

    if (ja_policy_impossible(rule)) {
        f->code = "never_matches";
        (void)snprintf(f->why, sizeof f->why, "[policy %s] can never match: not_network takes every network of it away",
                       rule->name);
    } else if (shadow) {
        f->code = "shadowed";
        (void)snprintf(f->why, sizeof f->why, "[policy %s] is never reached: [policy %s] before it matches all that it does",
                       rule->name, shadow->name);
    } else if (!effects) {
        f->code = "no_effect";
        (void)snprintf(f->why, sizeof f->why, "[policy %s] changes nothing: the options of the service hold for what it matches",
                       rule->name);
    } else if (rule->deny && effects != 1u << JA_POLICY_DENY) {
        f->code = "deny_only";
        (void)snprintf(f->why, sizeof f->why, "[policy %s] denies: what else it says has no effect", rule->name);
    }
}

enum ja_status ja_policy_find_faults(struct ja_ctx *ctx, ja_policy_fault_fn fn, void *arg, struct ja_error *err)
{
    const struct ja_policy_rules *rules = &ctx->cfg->policy;
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < rules->len; i++) {
        struct ja_policy_fault f = {.rule = &rules->items[i], .error = true, .code = "broken"};

        st = find_error(ctx, f.rule, f.why, sizeof f.why, err);
        if (st == JA_OK && f.why[0])
            st = fn(arg, &f);
        if (st != JA_OK)
            break;
        f = (struct ja_policy_fault){.rule = &rules->items[i]};
        find_warning(rules, i, &f);
        if (f.why[0])
            st = fn(arg, &f);
    }
    return st;
}
