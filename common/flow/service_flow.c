#include "common/flow/service_flow.h"

#include "common/flow/account_internal.h"
#include "common/flow/caller.h"
#include "common/flow/token_scope.h"

#include <stdio.h>

static enum ja_status must_be_service(const struct ja_user *u, struct ja_error *err)
{
    if (u->kind == JA_USER_SERVICE)
        return JA_OK;
    return ja_fail(err, JA_ERR_CONFLICT, "not_a_service", "%s is a person; this is for services (authctl service list)",
                   u->username);
}

enum ja_status ja_service_find(struct ja_ctx *ctx, const char *name, struct ja_user *ret, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find_by_name(ctx, name, &u, err);

    if (st == JA_OK)
        st = must_be_service(&u, err);
    if (st == JA_OK)
        *ret = u;
    else
        ja_user_clear(&u);
    return st;
}

static enum ja_status audit(struct ja_ctx *ctx, const char *action, const struct ja_api_key *k, struct ja_error *err)
{
    json_t *detail = json_pack("{s:s,s:s}", "id", k->id, "scope", k->scopes);

    if (detail && k->ends_at && json_object_set_new(detail, "ends_at", json_integer(k->ends_at)) != 0) {
        json_decref(detail);
        detail = NULL;
    }
    return detail ? ja_account_audit(ctx, action, k->username, detail, err) : ja_fail_nomem(err);
}

static enum ja_status add_in_tx(struct ja_ctx *ctx, const char *service, const char *scope, struct ja_api_key *k,
                                struct ja_secret *text, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_caller_find(ctx, service, JA_MAY_CHANGE, &u, err);

    if (st == JA_OK)
        st = must_be_service(&u, err);
    if (st == JA_OK)
        st = ja_scope_check_held(ctx, &u, scope, err);
    if (st == JA_OK) {
        (void)snprintf(k->user_id, sizeof k->user_id, "%s", u.id);
        (void)snprintf(k->username, sizeof k->username, "%s", u.username);
        st = ja_api_key_create(ctx, k, text, err);
    }
    if (st == JA_OK)
        st = audit(ctx, "api_key.add", k, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_service_key_add(struct ja_ctx *ctx, const char *service, const char *scope, int64_t ends_at,
                                  struct ja_api_key *ret, struct ja_secret *ret_text, struct ja_error *err)
{
    struct ja_api_key k = {.ends_at = ends_at};
    struct ja_secret text = {0};
    enum ja_status st = ja_token_check_texts(NULL, scope, err);

    if (st == JA_OK && ends_at && ends_at <= ja_now(&ctx->clock))
        st = ja_fail(err, JA_ERR_INVALID, "invalid_time", "an API key ends in the future");
    if (st == JA_OK)
        (void)snprintf(k.scopes, sizeof k.scopes, "%s", scope ? scope : "");
    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st == JA_OK)
        st = ja_tx_end(ctx, add_in_tx(ctx, service, scope, &k, &text, err), err);
    if (st == JA_OK) {
        *ret = k;
        *ret_text = text;
    } else {
        ja_secret_clear(&text);
    }
    return st;
}

static enum ja_status remove_in_tx(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    struct ja_api_key k = {0};
    struct ja_user u = {0};
    enum ja_status st = ja_api_key_find(ctx, id, &k, err), may;

    if (st == JA_OK)
        st = ja_user_find_by_id(ctx, k.user_id, &u, err);
    may = st == JA_OK ? ja_caller_may(ctx, &u, JA_MAY_CHANGE, err) : ja_permit(ctx, "users:write", NULL, err);
    st = may == JA_OK ? st : may;
    if (st == JA_OK)
        st = ja_api_key_delete(ctx, id, err);
    ja_user_clear(&u);
    return st == JA_OK ? audit(ctx, "api_key.remove", &k, err) : st;
}

enum ja_status ja_service_key_remove(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    return st == JA_OK ? ja_tx_end(ctx, remove_in_tx(ctx, id, err), err) : st;
}
