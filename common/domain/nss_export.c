#include "common/domain/nss_export.h"

#include "common/base/file_guard.h"
#include "common/base/nss_snapshot.h"
#include "common/base/secret.h"
#include "common/domain/audit.h"
#include "common/domain/nss_rows.h"
#include "common/domain/posix_id.h"
#include "common/domain/snapshot_lock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the bytes ---- */

/* Rows and generation of one moment. Free *ret. */
static enum ja_status build(struct ja_ctx *ctx, struct ja_nss_image **ret, int64_t *ret_generation,
                            struct ja_error *err)
{
    struct ja_nss_image *m = ja_nss_image_new();
    enum ja_status st = m ? ja_db_begin_read(ctx->db, err) : ja_fail_nomem(err);

    if (st == JA_OK) {
        st = ja_audit_last_seq(ctx, ret_generation, err);
        if (st == JA_OK)
            st = ja_nss_rows_read(ctx, m, err);
        ja_db_rollback(ctx->db);
    }
    if (st == JA_OK)
        *ret = m;
    else
        ja_nss_image_free(m);
    return st;
}

/* The seed of the last file is there for all to read, and names may have been chosen to collide with it. A few seeds,
 * for should bad luck be possible. */
static enum ja_status finish(struct ja_nss_image *m, int64_t generation, const unsigned char **ret_data,
                             size_t *ret_len, struct ja_error *err)
{
    enum ja_status st = JA_ERR_INTERNAL;

    for (int i = 0; i < 4 && st == JA_ERR_INTERNAL; i++) {
        uint64_t seed = 0;

        st = ja_random(&seed, sizeof seed, err);
        if (st != JA_OK)
            return st;
        st = ja_nss_image_finish(m, (uint64_t)generation, seed, ret_data, ret_len, err);
    }
    return st;
}

/* Whether the file says the same, whatever generation it is of. */
static bool says_the_same(const struct ja_nss_file *f, struct ja_nss_image *m)
{
    const unsigned char *data = NULL;
    size_t len = 0;
    enum ja_status st = ja_nss_image_finish(m, f->generation, f->seed, &data, &len, NULL);
    static const size_t skip[][2] = {{0, NSS_HEAD_GENERATION},
                                     {NSS_HEAD_GENERATION + 8, NSS_HEAD_CHECK},
                                     {NSS_HEAD_LEN, SIZE_MAX}};
    char *there = st == JA_OK && f->size == len ? malloc(len) : NULL;
    size_t got = 0;
    bool same = there;

    while (same && got < len) {
        ssize_t n = pread(f->fd, there + got, len - got, (off_t)got);

        same = n > 0;
        got += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; same && i < sizeof skip / sizeof *skip; i++)
        for (size_t at = skip[i][0], end = skip[i][1] < len ? skip[i][1] : len; same && at < end; at++)
            same = (unsigned char)there[at] == data[at];
    free(there);
    return same;
}

/* ---- the file ---- */

static enum ja_status path_of(const struct ja_ctx *ctx, char **ret, struct ja_error *err)
{
    return asprintf(ret, "%s/" JA_NSS_SNAPSHOT_NAME, ctx->cfg->paths.cache) < 0 ? ja_fail_nomem(err) : JA_OK;
}

static enum ja_status write_file(struct ja_ctx *ctx, const char *path, bool anew, bool *ret_written,
                                 struct ja_error *err)
{
    struct ja_nss_image *m = NULL;
    struct ja_nss_file there = {.fd = -1};
    const unsigned char *data = NULL;
    size_t len = 0;
    int64_t generation = 0;
    bool newer = false, same = false;
    enum ja_status st = build(ctx, &m, &generation, err);

    if (st != JA_OK)
        return st;
    if (ja_nss_open(path, geteuid(), &there) == JA_NSS_FOUND) {
        newer = !anew && there.generation > (uint64_t)generation;
        same = !newer && says_the_same(&there, m);
        ja_nss_close(&there);
    }
    if (!newer && !same)
        st = finish(m, generation, &data, &len, err);
    if (st == JA_OK && !newer && !same)
        st = ja_file_write(path, 0644, false, data, len, err);
    ja_nss_image_free(m);
    if (st == JA_OK)
        *ret_written = !newer && !same;
    return st;
}

static enum ja_status write_it(struct ja_ctx *ctx, bool anew, bool *ret_written, struct ja_error *err)
{
    char *path = NULL;
    int lock = -1;
    enum ja_status st = ja_dir_make(ctx->cfg->paths.cache, 0755, err);

    if (st == JA_OK)
        st = path_of(ctx, &path, err);
    if (st != JA_OK)
        return st;
    lock = ja_snapshot_lock(path);
    st = write_file(ctx, path, anew, ret_written, err);
    if (lock >= 0)
        (void)close(lock);
    free(path);
    return st;
}

enum ja_status ja_nss_export_write(struct ja_ctx *ctx, bool anew, struct ja_error *err)
{
    bool written = false;

    return write_it(ctx, anew, &written, err);
}

/* ---- ids for the groups of roles ---- */

static enum ja_status next_without(struct ja_ctx *ctx, char *id, size_t size, bool *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT id FROM roles WHERE gid IS NULL ORDER BY id LIMIT 1", JA_NO_BINDS,
                                    &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row && (!ja_col_text(rows, "id") || strlen(ja_col_text(rows, "id")) >= size))
        st = ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a role in the store has too long an id");
    if (st == JA_OK && row)
        (void)snprintf(id, size, "%s", ja_col_text(rows, "id"));
    ja_rows_end(rows);
    *ret = row;
    return st;
}

static enum ja_status give_id(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    int64_t gid = 0;
    enum ja_status st = ja_posix_id_next(ctx, &gid, err);

    return st == JA_OK ? ja_db_exec(ctx->db, "UPDATE roles SET gid = $2 WHERE id = $1 AND gid IS NULL",
                                    JA_BINDS(JA_T(id), JA_I(gid)), NULL, err)
                       : st;
}

static enum ja_status give_ids(struct ja_ctx *ctx, struct ja_error *err)
{
    char id[64];
    bool any = false;
    enum ja_status st = next_without(ctx, id, sizeof id, &any, err);

    if (st != JA_OK || !any)
        return st;
    st = ja_db_begin(ctx->db, err);
    if (st == JA_OK) /* once more: another process may have been here */
        st = next_without(ctx, id, sizeof id, &any, err);
    while (st == JA_OK && any) {
        st = give_id(ctx, id, err);
        if (st == JA_OK)
            st = next_without(ctx, id, sizeof id, &any, err);
    }
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    ja_db_rollback(ctx->db);
    return st;
}

enum ja_status ja_nss_export_refresh(struct ja_ctx *ctx, bool *ret_written, struct ja_error *err)
{
    struct ja_error why = {0};

    if (give_ids(ctx, &why) != JA_OK) /* users are worth showing without */
        ja_log_write(&ctx->log, LOG_WARNING, "roles have no group yet: %s", why.message);
    return write_it(ctx, false, ret_written, err);
}

/* ---- when ---- */

static void refresh(struct ja_ctx *ctx)
{
    struct ja_error err = {0};
    bool written = false;

    ctx->nss.due = false;
    if (ja_nss_export_refresh(ctx, &written, &err) != JA_OK)
        ja_log_write(&ctx->log, LOG_ERR, "NSS shows users and groups as they were before this change, until their "
                     "snapshot can be written (authctl purge writes it): %s", err.message);
}

static void after_commit(void *arg)
{
    struct ja_ctx *ctx = arg;

    if (ctx->nss.held > 0)
        ctx->nss.due = true;
    else
        refresh(ctx);
}

enum ja_status ja_nss_export_note(struct ja_ctx *ctx, struct ja_error *err)
{
    return ja_db_after_commit(ctx->db, after_commit, ctx, err);
}

void ja_nss_export_hold(struct ja_ctx *ctx)
{
    ctx->nss.held++;
}

void ja_nss_export_release(struct ja_ctx *ctx)
{
    if (--ctx->nss.held == 0 && ctx->nss.due)
        refresh(ctx);
}

enum ja_status ja_nss_export_check(struct ja_ctx *ctx, struct ja_error *err)
{
    struct ja_nss_image *m = NULL;
    struct ja_nss_file there = {.fd = -1};
    int64_t generation = 0;
    bool same = false;
    char *path = NULL;
    enum ja_status st = path_of(ctx, &path, err);

    if (st == JA_OK && ja_nss_open(path, geteuid(), &there) != JA_NSS_FOUND)
        st = ja_fail(err, JA_ERR_CORRUPT, "snapshot_missing", "%s is missing, damaged, or not root's alone to write",
                     path);
    if (st == JA_OK)
        st = build(ctx, &m, &generation, err);
    if (st == JA_OK && !(same = says_the_same(&there, m)))
        st = ja_fail(err, JA_ERR_CORRUPT, "snapshot_stale", "%s says something else than the store", path);
    if (there.fd >= 0)
        ja_nss_close(&there);
    ja_nss_image_free(m);
    free(path);
    return st;
}
