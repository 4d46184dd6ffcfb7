/* The audit log: hash-chained rows, written in the transaction of what they record (SECURITY R28).
 *
 * hash = BLAKE2b-256 over prev_hash and every field, length-prefixed.  seq is last + 1 under the
 * write lock.  Texts are stored as given (what is no UTF-8 or too long is escaped and cut) and escaped on output.
 * No secret is passed in; names of unknown users are not either (they may be passwords).
 *
 * After each commit the end of the chain is written to <paths.state>/audit.head, and every 64th one to the
 * log: who cuts rows off the store has to change these, too.
 */
#ifndef JA_DOMAIN_AUDIT_H
#define JA_DOMAIN_AUDIT_H

#include "common/domain/ctx.h"

#include <jansson.h>

#define JA_AUDIT_HASH_TEXT 44
#define JA_AUDIT_TEXT_MAX 256 /* bytes of one field; detail has no limit of its own */

struct ja_audit_event {
    const char *action;   /* "login", "user.add", "token.issue" */
    const char *target;   /* "user:alice", "key:<kid>", NULL */
    const char *outcome;  /* "success", "failure", "denied" */
    const char *reason;   /* true reason of a refusal, NULL */
    json_t *detail;       /* borrowed; NULL: {} */
};

/* Inside the caller's transaction. actor, source and service are ctx->actor's. */
enum ja_status ja_audit_write(struct ja_ctx *ctx, const struct ja_audit_event *ev,
                              struct ja_error *err);

/* ---- repeated failures ---- */

/* For events that no limit bounds. The first of a series is a row; those that follow within [throttle] login's
 * window are counted and become one row {"count","first","last"}. `network` stands for the source in the
 * counted row. Inside the caller's transaction. */
enum ja_status ja_audit_fold(struct ja_ctx *ctx, const struct ja_audit_event *ev, const char *network,
                             struct ja_error *err);
/* Writes the counted rows whose window is over, or all. Opens its own transaction. ja_audit_write does the
 * same for a few of those that are due. */
enum ja_status ja_audit_settle(struct ja_ctx *ctx, bool all, struct ja_error *err);

/* ---- the end of the chain outside of the store ---- */

struct ja_audit_head {
    int64_t seq; /* 0: none */
    char hash[JA_AUDIT_HASH_TEXT];
};
/* JA_ERR_NOT_FOUND: there is no file; JA_ERR_UNSAFE: owner, mode or kind; JA_ERR_CORRUPT: other content. */
enum ja_status ja_audit_head_read(struct ja_ctx *ctx, struct ja_audit_head *ret, struct ja_error *err);
/* "SEQ:HASH" as it stands in the log. */
bool ja_audit_head_parse(const char *text, struct ja_audit_head *ret);

/* ---- verify ---- */

struct ja_audit_check {
    struct ja_audit_head head; /* from the log, to check against; seq 0: none */
    const char *const *files;  /* rotated files, oldest first, in front of what the store has */
    size_t nfiles;
    ja_progress_fn progress;   /* may be NULL */
    void *arg;
};
struct ja_audit_report {
    bool ok;
    int64_t rows, first_seq, last_seq; /* walked; first_seq 0: no rows */
    char hash[JA_AUDIT_HASH_TEXT];     /* of last_seq */
    int64_t broken_seq;                /* 0 with !ok: no single row is at fault */
    char reason[24];                   /* stable: missing, unlinked, changed, cut, counter, anchor, head, head_missing,
                                          head_unsafe, file */
    char message[512];                 /* for the person */
};
/* JA_OK: the chain was walked, ret->ok says how it is. One snapshot, constant memory. */
enum ja_status ja_audit_inspect(struct ja_ctx *ctx, const struct ja_audit_check *check,
                                struct ja_audit_report *ret, struct ja_error *err);
/* The same as a yes or JA_ERR_CORRUPT "audit_broken", which names the first broken row. */
enum ja_status ja_audit_verify(struct ja_ctx *ctx, int64_t *ret_rows, struct ja_error *err);

/* ---- list ---- */

struct ja_audit_row {
    int64_t seq, time_ms;
    const char *actor, *action, *target, *outcome, *reason, *source, *service, *detail;
    const char *prev_hash, *hash; /* all borrowed during the call */
};
struct ja_audit_filter {
    const char *user;    /* "user:alice" as target or actor; NULL: any, as all of these */
    const char *actor;
    const char *action;  /* a final '*' stands for any end: "user.*" */
    const char *outcome;
    const char *source;  /* an address or a network */
    int64_t since, until; /* seconds, from and before; 0: open */
    int64_t after;       /* seq */
    int64_t limit;       /* 0: all */
};
/* The stable order is that of seq. fn must not use the store. */
typedef enum ja_status (*ja_audit_fn)(void *arg, const struct ja_audit_row *row);
enum ja_status ja_audit_each(struct ja_ctx *ctx, const struct ja_audit_filter *filter, ja_audit_fn fn,
                             void *arg, struct ja_error *err);
enum ja_status ja_audit_last_seq(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);

/* ---- rotate ---- */

struct ja_audit_rotation {
    int64_t rows, first_seq, last_seq; /* rows 0: nothing was old enough, no file was made */
    char hash[JA_AUDIT_HASH_TEXT];     /* of last_seq: where the store's chain goes on */
    bool resumed;                      /* an interrupted rotation was finished first */
};
/* Writes what is older than `before` (seconds) into the new file `path`, checked and synced, then takes it out of the
 * store in small transactions. Killed at any moment it loses nothing and can be called again (with another
 * path). A broken chain is JA_ERR_CORRUPT "audit_broken" and stays as it is. */
enum ja_status ja_audit_rotate(struct ja_ctx *ctx, const char *path, int64_t before,
                               struct ja_audit_rotation *ret, struct ja_error *err);

#endif
