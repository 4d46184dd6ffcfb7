#include "common/flow/throttle_flow.h"

#include "common/domain/permission.h"
#include "common/flow/account_internal.h"

enum ja_status ja_throttle_forget_flow(struct ja_ctx *ctx, const struct ja_throttle_filter *filter,
                                       const char *target, int64_t *ret_count, struct ja_error *err)
{
    struct ja_audit_event ev = {.action = "throttle.clear", .target = target, .outcome = "success"};
    int64_t n = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_permit(ctx, "throttle:write", NULL, err);
    if (st == JA_OK)
        st = ja_throttle_forget(ctx, filter, &n, err);
    if (st == JA_OK) {
        ev.detail = json_pack("{s:I}", "buckets", (json_int_t)n);
        st = ev.detail ? ja_audit_write(ctx, &ev, err) : ja_fail_nomem(err);
        json_decref(ev.detail);
    }
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK)
        *ret_count = n;
    return st;
}
