/* The public snapshot of the ssh keys, for sshd's AuthorizedKeysCommand: <paths.cache>/ssh_keys, 0644.
 *
 * It holds the keys of the users who may log in, with the time at which each ends (the key, the account, a planned lock:
 * whichever is first), so that an end needs no writing.  It is written anew, whole and by rename, after each commit
 * that changed keys or the state of a user who has some; a generation (the last row of the audit log) keeps an
 * older one from replacing a newer.  What cannot be written is removed: no keys rather than old ones.
 *
 *   jwtauth-ssh-keys 1 GENERATION SIZE CHECK  numbers with leading zeros; SIZE: of the file
 *   NAME -|a UNTIL TYPE BASE64 CHECK          a: adopted; UNTIL 0: for good; in order of bytes
 *   end
 *
 * CHECK is BLAKE2b of the line in front of it, against damage by accident.  Whoever looks up reads a few
 * blocks of this one file: no store, no configuration.
 */
#ifndef JA_DOMAIN_SSH_KEY_SNAPSHOT_H
#define JA_DOMAIN_SSH_KEY_SNAPSHOT_H

#include "common/domain/ctx.h"

#define JA_SSH_SNAPSHOT_NAME "ssh_keys"
#define JA_SSH_SNAPSHOT "/var/cache/jwtauth/" JA_SSH_SNAPSHOT_NAME

/* ---- writing ---- */

/* In the caller's transaction: the snapshot is written after its commit. */
enum ja_status ja_ssh_snapshot_note(struct ja_ctx *ctx, struct ja_error *err);
/* The same when the user has keys at all. */
enum ja_status ja_ssh_snapshot_note_user(struct ja_ctx *ctx, const char *user_id, struct ja_error *err);
/* Now, outside of a transaction. `anew`: whatever is there, for a store that was restored. On failure the file is
 * removed. */
enum ja_status ja_ssh_snapshot_write(struct ja_ctx *ctx, bool anew, struct ja_error *err);

/* ---- reading: no context ---- */

typedef enum ja_status (*ja_ssh_snapshot_fn)(void *arg, const char *type, const char *blob);
/* The keys of a user that hold at `now`. JA_ERR_NOT_FOUND "no_ssh_keys": there are none, or the user is the local
 * files' own (PAM.md, first section); JA_ERR_UNSAFE; JA_ERR_CORRUPT "snapshot_missing", "snapshot_damaged": then
 * what fn was given does not count. allow_own: a file of the caller's own will do (tests). */
enum ja_status ja_ssh_snapshot_find(const char *path, bool allow_own, const char *name, int64_t now,
                                    ja_ssh_snapshot_fn fn, void *arg, struct ja_error *err);
/* Of which row of the audit log it is. JA_ERR_CORRUPT as above. */
enum ja_status ja_ssh_snapshot_generation(const char *path, bool allow_own, int64_t *ret, struct ja_error *err);
/* Every line, for doctor. */
enum ja_status ja_ssh_snapshot_check(const char *path, bool allow_own, struct ja_error *err);

#endif
