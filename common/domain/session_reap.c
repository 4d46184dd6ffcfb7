#include "common/base/proc.h"
#include "common/domain/column.h"
#include "common/domain/session.h"

#define REAP_BATCH 64
#define PID_SPAN (1 << 22) /* PID_MAX_LIMIT of 64-bit Linux */

struct held {
    char id[JA_UUID_LEN + 1];
    int64_t pid, pid_start;
};

/* Two ranges, as <> would read the rows of this boot too. */
static enum ja_status end_former_boots(struct ja_ctx *ctx, const char *boot, int64_t *ret,
                                       struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "UPDATE sessions SET revoked_at = $2, revoke_reason = 'process_ended' "
                      "WHERE id IN (SELECT id FROM sessions WHERE revoked_at IS NULL "
                      "AND boot_id < $1 UNION ALL SELECT id FROM sessions "
                      "WHERE revoked_at IS NULL AND boot_id > $1 LIMIT 500)",
                      JA_BINDS(JA_T(boot), JA_I(ja_now(&ctx->clock))), ret, err);
}

/* Open sessions of pids in [from, to), in their order, at most what is left of the batch. */
static enum ja_status take_batch(struct ja_ctx *ctx, const char *boot, int64_t from, int64_t to,
                                 struct held *batch, size_t *len, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT id, pid, pid_start FROM sessions WHERE revoked_at IS NULL "
                    "AND boot_id = $1 AND pid >= $2 AND pid < $3 ORDER BY pid LIMIT $4",
                    JA_BINDS(JA_T(boot), JA_I(from), JA_I(to), JA_I(REAP_BATCH - *len)), &rows,
                    err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row &&
           *len < REAP_BATCH) {
        struct held *h = &batch[*len];

        if (!ja_col_copy(rows, "id", h->id, sizeof h->id))
            continue;
        h->pid = ja_col_int(rows, "pid");
        h->pid_start = ja_col_int(rows, "pid_start");
        (*len)++;
    }
    ja_rows_end(rows);
    return st;
}

bool ja_session_process_gone(int64_t pid, int64_t pid_start)
{
    int64_t start = 0;
    enum ja_status st = JA_OK;

    if (pid <= 0)
        return false;
    st = ja_proc_start(pid, &start, NULL);
    return st == JA_ERR_NOT_FOUND || (st == JA_OK && pid_start && start != pid_start);
}

enum ja_status ja_session_reap(struct ja_ctx *ctx, int64_t *ret_count, struct ja_error *err)
{
    char boot[JA_BOOT_ID_LEN + 1];
    struct held batch[REAP_BATCH];
    size_t len = 0;
    int64_t ended = 0;
    uint32_t from = 0;
    enum ja_status st = ja_proc_boot_id(boot, err);

    /* a random place to start: with more open sessions than a batch, all have their turn */
    if (st == JA_OK)
        st = ja_random(&from, sizeof from, err);
    from %= PID_SPAN;
    if (st == JA_OK)
        st = end_former_boots(ctx, boot, &ended, err);
    if (st == JA_OK)
        st = take_batch(ctx, boot, from, INT64_MAX, batch, &len, err);
    if (st == JA_OK && len < REAP_BATCH)
        st = take_batch(ctx, boot, 0, from, batch, &len, err);
    for (size_t i = 0; st == JA_OK && i < len; i++) {
        bool now_ended = false;

        if (ja_session_process_gone(batch[i].pid, batch[i].pid_start))
            st = ja_session_revoke(ctx, batch[i].id, "process_ended", &now_ended, err);
        ended += now_ended ? 1 : 0;
    }
    if (st == JA_OK && ret_count)
        *ret_count = ended;
    return st;
}
