/* The ssh keys of a user: rows only, no policy, no audit (flow/ssh_key_flow.h has those).
 *
 * Writing functions run in the caller's transaction and have the snapshot for sshd written after it
 * (ssh_key_snapshot.h).
 */
#ifndef JA_DOMAIN_SSH_KEY_H
#define JA_DOMAIN_SSH_KEY_H

#include "common/base/text.h"
#include "common/domain/ctx.h"
#include "common/domain/ssh_key_line.h"

#define JA_SSH_KEYS_MAX 50 /* of one user */

struct ja_ssh_key {
    char id[JA_UUID_LEN + 1];
    struct ja_ssh_line line;    /* bits: 0 where the store gave the row */
    int64_t ends_at;            /* 0: for good */
    int64_t created_at;
    char created_by[sizeof "user:" + JA_USERNAME_MAX];
};

/* id, created_at, created_by are filled in. JA_ERR_EXISTS "ssh_key_exists"; JA_ERR_CONFLICT
 * "too_many_ssh_keys". */
enum ja_status ja_ssh_key_insert(struct ja_ctx *ctx, const char *user_id, struct ja_ssh_key *key,
                                 struct ja_error *err);
/* By id or fingerprint. JA_ERR_NOT_FOUND "ssh_key_not_found". */
enum ja_status ja_ssh_key_find(struct ja_ctx *ctx, const char *user_id, const char *key, struct ja_ssh_key *ret,
                               struct ja_error *err);
enum ja_status ja_ssh_key_delete(struct ja_ctx *ctx, const char *user_id, const char *id, struct ja_error *err);
/* In order of id; `after` (an id) may be NULL, limit 0: all. fn must not use the store. */
typedef enum ja_status (*ja_ssh_key_fn)(void *arg, const struct ja_ssh_key *key);
enum ja_status ja_ssh_key_each(struct ja_ctx *ctx, const char *user_id, const char *after, int64_t limit,
                               ja_ssh_key_fn fn, void *arg, struct ja_error *err);

#endif
