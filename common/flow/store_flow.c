#include "common/flow/store_flow.h"

#include "common/db/migrate.h"
#include "common/domain/audit.h"
#include "common/domain/health.h"
#include "common/domain/nss_export.h"
#include "common/domain/ssh_key_snapshot.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static enum ja_status open_as(struct ja_ctx *ctx, struct ja_db_options opts, struct ja_error *err)
{
    struct ja_error why = {0};
    enum ja_status st;

    if (ctx->db)
        return JA_OK;
    opts.url = ctx->cfg->store.url;
    opts.busy_timeout = ctx->cfg->store.busy_timeout;
    st = ja_db_open(&opts, &ctx->db, &why);
    if (st == JA_ERR_NOT_FOUND)
        return ja_fail(err, JA_ERR_CONFIG, why.code, "%s", why.message);
    return st == JA_OK ? JA_OK : ja_fail(err, st, why.code, "%s", why.message);
}

static enum ja_status audit(struct ja_ctx *ctx, const char *action, json_t *detail,
                            struct ja_error *err)
{
    const struct ja_audit_event ev = {.action = action, .outcome = "success", .detail = detail};
    enum ja_status st = detail ? ja_db_begin(ctx->db, err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = ja_audit_write(ctx, &ev, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    ja_db_rollback(ctx->db);
    json_decref(detail);
    return st;
}

static const char *state_text(enum ja_status st, const struct ja_store_info *info)
{
    if (st == JA_OK)
        return "current";
    if (st != JA_ERR_VERSION)
        return "different";
    return info->schema_version > info->schema_built ? "newer" : "older";
}

enum ja_status ja_store_info(struct ja_ctx *ctx, struct ja_store_info *ret, struct ja_error *err)
{
    struct ja_store_info info = {.users = -1, .schema_built = ja_schema_version_built()};
    struct ja_health health = {0};
    struct ja_db_info db = {0};
    enum ja_status st = open_as(ctx, (struct ja_db_options){.any_schema = true}, err), schema;

    if (st == JA_OK)
        st = ja_db_info(ctx->db, &db, err);
    if (st == JA_OK)
        st = ja_schema_version(ctx->db, &info.schema_version, err);
    if (st != JA_OK)
        return st;
    schema = ja_schema_require(ctx->db, false, NULL);
    if (schema == JA_OK)
        st = ja_health_read(ctx, &health, err);
    if (st != JA_OK)
        return st;
    if (schema == JA_OK)
        info.users = health.users;
    info.newest_audit = health.newest_audit;
    info.engine = db.engine;
    info.path = db.place;
    info.size = db.size;
    info.state = state_text(schema, &info);
    *ret = info;
    return JA_OK;
}

enum ja_status ja_store_migrate(struct ja_ctx *ctx, int *ret_applied, int *ret_version,
                                struct ja_error *err)
{
    int applied = 0;
    enum ja_status st = open_as(ctx, (struct ja_db_options){.any_schema = true}, err);

    if (st == JA_OK)
        st = ja_migrate(ctx->db, ja_now(&ctx->clock), &applied, err);
    if (st == JA_OK && applied > 0)
        st = audit(ctx, "db.migrate", json_pack("{s:i}", "version", ja_schema_version_built()), err);
    if (st == JA_OK) {
        *ret_applied = applied;
        *ret_version = ja_schema_version_built();
    }
    return st;
}

enum ja_status ja_store_check(struct ja_ctx *ctx, struct ja_error *err)
{
    enum ja_status st = open_as(ctx, (struct ja_db_options){.any_schema = true}, err);

    return st == JA_OK ? ja_db_check(ctx->db, NULL, 0, err) : st;
}

enum ja_status ja_store_backup(struct ja_ctx *ctx, const char *path, ja_progress_fn progress,
                               void *arg, struct ja_error *err)
{
    enum ja_status st = open_as(ctx, (struct ja_db_options){0}, err);

    if (st == JA_OK)
        st = ja_db_backup(ctx->db, path, progress, arg, err);
    return st == JA_OK ? audit(ctx, "db.backup", json_pack("{s:s}", "file", path), err) : st;
}

/* The log of the backup ends earlier than the one that is there now. audit.head will say so from the next row on, and
 * that row says where the other one ended: no cut without a trace. */
static void head_before(struct ja_ctx *ctx, char *out, size_t size)
{
    struct ja_audit_head head = {0};

    if (ja_audit_head_read(ctx, &head, NULL) == JA_OK)
        (void)snprintf(out, size, "%" PRId64 ":%s", head.seq, head.hash);
}

enum ja_status ja_store_restore(struct ja_ctx *ctx, const char *path, ja_progress_fn progress,
                                void *arg, int *ret_applied, struct ja_error *err)
{
    int applied = 0;
    char head[JA_AUDIT_HASH_TEXT + 24] = "";
    enum ja_status st = open_as(ctx, (struct ja_db_options){.create = true, .damaged = true}, err);

    head_before(ctx, head, sizeof head);

    if (st == JA_OK)
        st = ja_db_restore(ctx->db, path, progress, arg, err);
    if (st == JA_OK)
        st = ja_migrate(ctx->db, ja_now(&ctx->clock), &applied, err);
    if (st == JA_OK)
        st = audit(ctx, "db.restore", json_pack("{s:s, s:i, s:s?}", "file", path, "migrations", applied,
                                                "head_before", head[0] ? head : NULL), err);
    if (st == JA_OK) /* the backup's audit log is the shorter one */
        st = ja_ssh_snapshot_write(ctx, true, err);
    if (st == JA_OK)
        st = ja_nss_export_write(ctx, true, err);
    if (st == JA_OK)
        *ret_applied = applied;
    return st;
}
