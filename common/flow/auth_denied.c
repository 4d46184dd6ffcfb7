/* What account and open_session refuse is in the audit log, as what auth refuses is: a key never passes auth, and of a
 * password auth said that it was right. */
#include "common/domain/audit.h"
#include "common/flow/new_source.h"
#include "common/flow/auth_internal.h"

#include <stdio.h>

/* No limit bounds these calls (cron asks every minute, a key as often as one likes): folded (SECURITY R28). */
static enum ja_status fold(struct ja_ctx *ctx, const struct ja_account_check *check,
                           const struct ja_auth_result *result, json_t *detail, struct ja_error *err)
{
    char target[JA_AUDIT_TARGET_MAX], network[JA_NET_TEXT];
    struct ja_addr addr = {0};
    struct ja_audit_event ev = {.action = "login", .target = target, .outcome = "denied",
                                .reason = ja_auth_reason_name(result->reason), .detail = detail};
    const struct ja_actor actor = ctx->actor;
    enum ja_status st;

    (void)snprintf(target, sizeof target, "user:%s", result->username);
    (void)ja_addr_parse(check->source, &addr); /* hostile text: else "local" */
    ja_source_network(ctx, &addr, network);
    ctx->actor.source = addr.family ? check->source : NULL;
    ctx->actor.service = check->service;
    st = ja_audit_fold(ctx, &ev, network, err);
    ctx->actor = actor;
    return st;
}

void ja_account_note_denied(struct ja_ctx *ctx, const struct ja_account_check *check,
                            const struct ja_auth_result *result)
{
    struct ja_error err = {0};
    json_t *detail;
    enum ja_status st;

    if (result->reason == JA_REASON_NONE || result->reason == JA_REASON_UNKNOWN_USER)
        return;
    detail = json_pack("{s:s}", "during", check->check_mfa ? "account" : "session");
    st = detail ? ja_db_begin(ctx->db, &err) : ja_fail_nomem(&err);
    if (st == JA_OK) {
        st = fold(ctx, check, result, detail, &err);
        if (st == JA_OK)
            st = ja_db_commit(ctx->db, &err);
        if (st != JA_OK)
            ja_db_rollback(ctx->db);
    }
    json_decref(detail);
    if (st != JA_OK)
        ja_log_write(&ctx->log, LOG_ERR, "a denied login left no audit row: %s", err.message);
}
