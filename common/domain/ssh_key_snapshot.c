#include "common/domain/ssh_key_snapshot.h"

#include "common/base/file_guard.h"
#include "common/domain/audit.h"
#include "common/domain/local_user.h"
#include "common/domain/snapshot_lock.h"
#include "common/domain/ssh_key_snapshot_format.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ja_ssh_snapshot_sum(const char *line, size_t len, char out[SNAPSHOT_CHECK + 1])
{
    unsigned char hash[SNAPSHOT_CHECK / 2];

    if (crypto_generichash(hash, sizeof hash, (const unsigned char *)line, len, NULL, 0) != 0)
        return false;
    return sodium_bin2hex(out, SNAPSHOT_CHECK + 1, hash, sizeof hash) != NULL;
}

/* ---- the lines ---- */

struct lines {
    char **items;
    size_t n, room, bytes;
    int64_t generation;
};

static void clear(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
}

static enum ja_status keep(struct lines *l, char *line, struct ja_error *err)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        char **bigger = reallocarray(l->items, room, sizeof *bigger);

        if (!bigger) {
            free(line);
            return ja_fail_nomem(err);
        }
        l->items = bigger;
        l->room = room;
    }
    l->items[l->n++] = line;
    l->bytes += strlen(line);
    return JA_OK;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return !a ? b : !b || a < b ? a : b;
}

/* Of an adopted user the mark must be there still: who has set a password by hand made it a local one. Whether
 * another name has become a local one the reader sees. */
static bool is_ours(const char *name, bool adopted)
{
    enum ja_whose whose = JA_WHOSE_LOCAL;

    return !adopted || (ja_local_whose(name, &whose, NULL) == JA_OK && whose == JA_WHOSE_ADOPTED);
}

static enum ja_status add_row(struct lines *l, struct ja_rows *rows, int64_t now, struct ja_error *err)
{
    const char *name = ja_col_text(rows, "username"), *type = ja_col_text(rows, "type"),
               *blob = ja_col_text(rows, "blob");
    bool adopted = ja_col_int(rows, "adopted") != 0;
    int64_t until = sooner(sooner(ja_col_int(rows, "valid_until"), ja_col_int(rows, "lock_at")),
                           ja_col_int(rows, "ends_at"));
    char line[SNAPSHOT_LINE_MAX], sum[SNAPSHOT_CHECK + 1], *copy = NULL;
    int n;

    if ((until && until <= now) || !is_ours(name, adopted))
        return ja_rows_status(rows, err);
    n = snprintf(line, sizeof line, "%s %s %" PRId64 " %s %s ", name, adopted ? "a" : "-", until, type, blob);
    if (n < 0 || (size_t)n >= sizeof line - SNAPSHOT_CHECK - 1)
        return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "an ssh key in the store is too long");
    if (!ja_ssh_snapshot_sum(line, (size_t)n, sum))
        return ja_fail(err, JA_ERR_CRYPTO, "crypto", "libsodium refused to hash");
    if (asprintf(&copy, "%s%s\n", line, sum) < 0)
        return ja_fail_nomem(err);
    return keep(l, copy, err);
}

static enum ja_status read_rows(struct ja_ctx *ctx, struct lines *l, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t now = ja_now(&ctx->clock);
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT u.username, u.adopted, u.valid_until, u.lock_at, k.ends_at, k.type, k.blob "
                    "FROM ssh_keys k JOIN users u ON u.id = k.user_id "
                    "WHERE u.status = 'active' AND u.deleted_at IS NULL",
                    JA_NO_BINDS, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row)
        st = add_row(l, rows, now, err);
    ja_rows_end(rows);
    return st;
}

/* Rows and generation of one moment. */
static enum ja_status collect(struct ja_ctx *ctx, struct lines *l, struct ja_error *err)
{
    enum ja_status st = ja_db_begin_read(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_audit_last_seq(ctx, &l->generation, err);
    if (st == JA_OK)
        st = read_rows(ctx, l, err);
    ja_db_rollback(ctx->db);
    return st;
}

/* The name is in front and all its characters are above the blank: order of lines is order of names. */
static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum ja_status put_file(const char *path, struct lines *l, struct ja_error *err)
{
    size_t size = SNAPSHOT_FIRST + l->bytes + SNAPSHOT_END_LEN, at;
    char *text = malloc(size + 1), sum[SNAPSHOT_CHECK + 1] = "";
    enum ja_status st;

    if (!text)
        return ja_fail_nomem(err);
    if (l->n)
        qsort(l->items, l->n, sizeof *l->items, by_name);
    at = (size_t)snprintf(text, size + 1, SNAPSHOT_HEAD, l->generation, size);
    if (ja_ssh_snapshot_sum(text, at, sum))
        at += (size_t)snprintf(text + at, size + 1 - at, "%s\n", sum);
    for (size_t i = 0; i < l->n; i++)
        at += (size_t)snprintf(text + at, size + 1 - at, "%s", l->items[i]);
    at += (size_t)snprintf(text + at, size + 1 - at, SNAPSHOT_END);
    if (at == size)
        st = ja_file_write(path, 0644, false, text, size, err);
    else
        st = ja_fail(err, JA_ERR_INTERNAL, "internal", "the snapshot of the ssh keys has another length");
    free(text);
    return st;
}

static enum ja_status write_file(struct ja_ctx *ctx, const char *path, bool anew, struct ja_error *err)
{
    struct lines l = {0};
    int64_t there = 0;
    enum ja_status st = collect(ctx, &l, err);

    if (st == JA_OK && (anew || ja_ssh_snapshot_generation(path, geteuid() != 0, &there, NULL) != JA_OK ||
                        there <= l.generation))
        st = put_file(path, &l, err);
    clear(&l);
    return st;
}

enum ja_status ja_ssh_snapshot_write(struct ja_ctx *ctx, bool anew, struct ja_error *err)
{
    char path[PATH_MAX]; /* not of the heap: what has to be removed must have its name even then */
    int lock, n = snprintf(path, sizeof path, "%s/" JA_SSH_SNAPSHOT_NAME, ctx->cfg->paths.cache);
    enum ja_status st = n > 0 && (size_t)n < sizeof path
                            ? ja_dir_make(ctx->cfg->paths.cache, 0755, err)
                            : ja_fail(err, JA_ERR_CONFIG, "path_too_long", "[paths] cache is too long");

    lock = ja_snapshot_lock(path);
    if (st == JA_OK)
        st = write_file(ctx, path, anew, err);
    if (st != JA_OK && unlink(path) != 0 && errno != ENOENT)
        ja_log_write(&ctx->log, LOG_CRIT, "%s shows old ssh keys and could not be removed: %s", path,
                     strerrordesc_np(errno));
    if (lock >= 0)
        (void)close(lock);
    return st;
}

static void after_commit(void *arg)
{
    struct ja_ctx *ctx = arg;
    struct ja_error err = {0};

    if (ja_ssh_snapshot_write(ctx, false, &err) != JA_OK)
        ja_log_write(&ctx->log, LOG_ERR, "sshd gets no ssh keys of jwtauth until their snapshot can be written "
                     "(authctl purge writes it): %s", err.message);
}

enum ja_status ja_ssh_snapshot_note(struct ja_ctx *ctx, struct ja_error *err)
{
    return ja_db_after_commit(ctx->db, after_commit, ctx, err);
}

enum ja_status ja_ssh_snapshot_note_user(struct ja_ctx *ctx, const char *user_id, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT id FROM ssh_keys WHERE user_id = $1 LIMIT 1",
                                    JA_BINDS(JA_T(user_id)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    ja_rows_end(rows);
    return st == JA_OK && row ? ja_ssh_snapshot_note(ctx, err) : st;
}
