/* Moving out: who may take what away. */
#include "common/domain/password_hash.h"
#include "common/domain/permission.h"
#include "common/flow/account_internal.h"
#include "common/flow/import_flow.h"

#include <string.h>

bool ja_export_hash_usable(const char *hash)
{
    const char *scheme = ja_password_scheme(hash);

    return scheme && strcmp(scheme, "argon2id") != 0; /* libxcrypt has no argon2 */
}

static enum ja_status log_export(struct ja_ctx *ctx, struct ja_error *err)
{
    struct ja_audit_event ev = {.action = "export.shadow", .outcome = "success"};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    return ja_tx_end(ctx, ja_audit_write(ctx, &ev, err), err);
}

enum ja_status ja_export_each(struct ja_ctx *ctx, enum ja_export what, ja_user_fn fn, void *arg, struct ja_error *err)
{
    const struct ja_user_filter everybody = {0};
    enum ja_status st = ja_permit(ctx, "users:read", NULL, err);

    if (st == JA_OK && what == JA_EXPORT_SHADOW && strcmp(ctx->actor.name, "root") != 0)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "forbidden", "password hashes are given out to root alone");
    if (st == JA_OK && what == JA_EXPORT_SHADOW)
        st = log_export(ctx, err);
    return st == JA_OK ? ja_user_each(ctx, &everybody, fn, arg, err) : st;
}
