/* Second factors that were in use elsewhere. */
#include "common/flow/caller.h"
#include "common/flow/import_internal.h"

#include <string.h>

static enum ja_status find_owner(struct ja_ctx *ctx, const char *name, struct ja_user *ret, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err);

    if (st == JA_OK && u.kind != JA_USER_PERSON)
        st = ja_fail(err, JA_ERR_INVALID, "service_account", "a service account has no second factor");
    if (st == JA_OK && u.mfa)
        st = ja_fail(err, JA_ERR_EXISTS, "totp_exists",
                     "%s has a second factor already: authctl totp disable %s takes it away", u.username, u.username);
    if (st == JA_OK)
        *ret = u;
    else
        ja_user_clear(&u);
    return st;
}

static enum ja_status write_factor(struct ja_ctx *ctx, const struct ja_import_factor *f, const char *source,
                                   struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = find_owner(ctx, f->row.name, &u, err);

    if (st == JA_OK)
        st = ja_totp_import(ctx, u.id, &f->totp, err);
    if (st == JA_OK)
        st = ja_recovery_delete(ctx, u.id, err);
    for (size_t i = 0; st == JA_OK && i < f->ncodes; i++)
        st = ja_recovery_import(ctx, u.id, f->codes[i], strlen(f->codes[i]), err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "totp.import", u.username,
                              json_pack("{s:s, s:I}", "source", source, "recovery_codes", (json_int_t)f->ncodes), err);
    ja_user_clear(&u);
    return st;
}

/* Everything that can be told before anything is written, each row by itself in a transaction that is taken back: the
 * rules are those of the write itself. */
static enum ja_status try_factor(struct ja_ctx *ctx, struct ja_import_factor *f, const char *source,
                                 struct ja_error *err)
{
    struct ja_error why = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = write_factor(ctx, f, source, &why);
    ja_db_rollback(ctx->db);
    return ja_import_judged(&f->row, st, &why, err);
}

static enum ja_status write_all(struct ja_ctx *ctx, struct ja_import_factor *rows, size_t n,
                                const struct ja_import_mode *mode, struct ja_error *err)
{
    size_t written = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    for (size_t i = 0; st == JA_OK && i < n; i++) {
        if (rows[i].row.outcome == JA_IMPORT_READY) {
            st = write_factor(ctx, &rows[i], mode->source, err);
            written++;
        }
        ja_import_tell(mode, i + 1, n);
    }
    if (st == JA_OK)
        st = ja_import_summary(ctx, mode, written, err);
    return ja_tx_end(ctx, st, err);
}

static void settle(struct ja_import_factor *rows, size_t n, enum ja_import_outcome ready)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].row.outcome == JA_IMPORT_READY)
            rows[i].row.outcome = ready;
}

enum ja_status ja_import_factors(struct ja_ctx *ctx, struct ja_import_factor *rows, size_t n,
                                 const struct ja_import_mode *mode, struct ja_import_tally *ret, struct ja_error *err)
{
    struct ja_import_tally t = {0};
    size_t failed = 0, ready = 0;
    enum ja_status st = ja_import_refuse_twins(rows, n, sizeof *rows, err);

    for (size_t i = 0; st == JA_OK && i < n; i++) {
        if (rows[i].row.outcome == JA_IMPORT_READY)
            st = try_factor(ctx, &rows[i], mode->source, err);
        failed += rows[i].row.outcome == JA_IMPORT_FAILED ? 1 : 0;
        ready += rows[i].row.outcome == JA_IMPORT_READY ? 1 : 0;
    }
    if (st != JA_OK)
        return st;
    if (failed > 0 && !mode->skip_bad) {
        settle(rows, n, JA_IMPORT_HELD);
    } else if (mode->dry_run) {
        settle(rows, n, JA_IMPORT_PLANNED);
    } else if (ready > 0) {
        st = write_all(ctx, rows, n, mode, err);
        if (st == JA_OK)
            settle(rows, n, JA_IMPORT_ADDED);
    }
    for (size_t i = 0; st == JA_OK && i < n; i++)
        ja_import_count(&rows[i].row, &t);
    if (st == JA_OK)
        *ret = t;
    return st;
}
