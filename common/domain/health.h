/* Counts that doctor looks at; SQL only. */
#ifndef JA_DOMAIN_HEALTH_H
#define JA_DOMAIN_HEALTH_H

#include "common/domain/ctx.h"

struct ja_health {
    int64_t users;          /* not deleted */
    int64_t not_adopted;    /* active ones that are not adopted: NSS must know them */
    int64_t ssh_keys;       /* of all users */
    int64_t other_hashes;   /* with a password hash of another scheme than argon2id */
    int64_t newest_audit;   /* seconds; 0: no row */
};

enum ja_status ja_health_read(struct ja_ctx *ctx, struct ja_health *ret, struct ja_error *err);

#endif
