/* Inside of the audit log: what its parts share. */
#ifndef JA_DOMAIN_AUDIT_INTERNAL_H
#define JA_DOMAIN_AUDIT_INTERNAL_H

#include "common/domain/audit.h"
#include "common/domain/column.h"

/* Every column but hash itself. */
enum ja_status ja_audit_hash(const struct ja_audit_row *row, char ret[JA_AUDIT_HASH_TEXT],
                             struct ja_error *err);
/* The current row of a query that has all columns; texts as ja_col_text has them. */
struct ja_audit_row ja_audit_row_of(struct ja_rows *rows);
/* Valid UTF-8 of at most JA_AUDIT_TEXT_MAX bytes, or NULL. */
const char *ja_audit_clean(const char *text, char out[JA_AUDIT_TEXT_MAX + 1]);

/* The end of the chain gets one more row: seq and prev_hash are filled in here. */
enum ja_status ja_audit_append(struct ja_ctx *ctx, struct ja_audit_row *row, struct ja_error *err);
/* The row with its texts from ctx->actor and now. */
struct ja_audit_row ja_audit_row_now(const struct ja_ctx *ctx, const struct ja_audit_event *ev);
/* In the caller's transaction; at most a few rows. */
enum ja_status ja_audit_settle_due(struct ja_ctx *ctx, struct ja_error *err);

/* After the commit of the open transaction this is the end of the chain. */
enum ja_status ja_audit_head_note(struct ja_ctx *ctx, int64_t seq, const char *prev_hash, const char *hash,
                                  struct ja_error *err);
/* Into the log, whatever the number. */
void ja_audit_head_tell(const struct ja_ctx *ctx, int64_t seq, const char *hash);

/* The row in front of the first one in the store; seq 0 and "" when nothing was rotated out. */
enum ja_status ja_audit_anchor_read(struct ja_ctx *ctx, struct ja_audit_head *ret, struct ja_error *err);
enum ja_status ja_audit_counter(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);

/* One step of a walk along the chain; seq and hash are those of the row before. */
struct ja_audit_walk {
    struct ja_audit_report *report;
    int64_t seq;
    char hash[JA_AUDIT_HASH_TEXT];
};
/* JA_OK with report->reason set: the row is not the one that must follow. */
enum ja_status ja_audit_step(struct ja_audit_walk *w, const struct ja_audit_row *row, struct ja_error *err);
void ja_audit_broken(struct ja_audit_report *report, int64_t seq, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Rotated files. write: rows (first .. last] of the anchor; the walk checks them on the way. */
#define JA_AUDIT_ROTATE "audit.rotate"
enum ja_status ja_audit_file_walk(struct ja_audit_walk *w, const char *path, bool first,
                                  struct ja_error *err);
/* {"first","last","hash",...} of an audit.rotate row. */
bool ja_audit_rotation_of(const char *detail, int64_t *ret_first, struct ja_audit_head *ret_last);

#endif
