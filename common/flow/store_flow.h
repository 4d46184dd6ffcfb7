/* The store as a whole: what it is, migrating, checking, backup, restore.
 *
 * Every call opens the store itself, each as far as it must be sound for that, and leaves it in ctx->db.
 * What changes or copies the store is told in the audit log.
 * Errors: JA_ERR_CONFIG "no_store": there is none; otherwise as ja_db_* have them.
 */
#ifndef JA_FLOW_STORE_FLOW_H
#define JA_FLOW_STORE_FLOW_H

#include "common/domain/ctx.h"

struct ja_store_info {
    const char *engine;   /* borrowed from ctx->db, as path is */
    const char *path;
    const char *state;    /* "current", "older" (migrate it), "newer" (than the program), "different" */
    int schema_version, schema_built;
    int64_t size;
    int64_t users;        /* -1: not known, the state is not "current" */
    int64_t newest_audit; /* 0: none */
};
enum ja_status ja_store_info(struct ja_ctx *ctx, struct ja_store_info *ret, struct ja_error *err);

enum ja_status ja_store_migrate(struct ja_ctx *ctx, int *ret_applied, int *ret_version,
                                struct ja_error *err);
enum ja_status ja_store_check(struct ja_ctx *ctx, struct ja_error *err);
enum ja_status ja_store_backup(struct ja_ctx *ctx, const char *path, ja_progress_fn progress,
                               void *arg, struct ja_error *err);
/* Also where no store is, and over a damaged one. An older backup is migrated: ret_applied. */
enum ja_status ja_store_restore(struct ja_ctx *ctx, const char *path, ja_progress_fn progress,
                                void *arg, int *ret_applied, struct ja_error *err);

#endif
