/* What is counted against whom, for administrators: listed, and forgotten. */
#ifndef JA_DOMAIN_THROTTLE_ADMIN_H
#define JA_DOMAIN_THROTTLE_ADMIN_H

#include "common/base/net.h"
#include "common/base/text.h"
#include "common/domain/throttle_bucket.h"

struct ja_throttle_row {
    char id[JA_THROTTLE_KEY_MAX + 16]; /* scope and key: for paging */
    const char *scope;                 /* "user_source", "source", "user", "code", "other" */
    char what[64];                     /* of codes and others: "totp", "letter reset_email"; else "" */
    char user_id[JA_UUID_LEN + 1];     /* "" when none, or a name that is nobody's (kept as a keyed hash only) */
    char username[JA_USERNAME_MAX + 1];
    bool unknown_user;                 /* counted against a name that is nobody's */
    char source[JA_NET_TEXT + 24];
    int64_t count, limit, window_ends_at;
    int64_t blocked_until;             /* 0: not blocked */
};

struct ja_throttle_filter {
    const char *user_id;        /* NULL: any */
    const struct ja_net *source;/* NULL: any; networks that have an address in common */
    bool local;                 /* with source NULL: those without an address */
    const char *after;          /* id */
    int64_t limit;              /* 0: all */
};

typedef enum ja_status (*ja_throttle_fn)(void *arg, const struct ja_throttle_row *row);
/* Live ones, in order of id; streams. */
enum ja_status ja_throttle_each(struct ja_ctx *ctx, const struct ja_throttle_filter *filter, ja_throttle_fn fn,
                                void *arg, struct ja_error *err);
/* In the caller's transaction. */
enum ja_status ja_throttle_forget(struct ja_ctx *ctx, const struct ja_throttle_filter *filter, int64_t *ret_count,
                                  struct ja_error *err);

#endif
