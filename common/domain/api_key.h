/* API keys: how a service proves itself where no uid does (another host, a container).
 *
 * The text is "jak_<id>_<43 characters base64url of 256 random bits>": a scanner of sources finds it by its prefix, an
 * administrator its row by the id in it.  It is shown once; the store has a hash of it under a key of its own.  Only
 * services have keys.  A key may be limited to scopes, which never widen what the roles permit, and may end.
 * Writing functions run in the caller's transaction.
 */
#ifndef JA_DOMAIN_API_KEY_H
#define JA_DOMAIN_API_KEY_H

#include "common/domain/user.h"

#define JA_API_KEY_PREFIX "jak_"
#define JA_API_KEY_LEN (4 + JA_UUID_LEN + 1 + 43)
#define JA_SCOPE_MAX 1024

struct ja_api_key {
    char id[JA_UUID_LEN + 1], user_id[JA_UUID_LEN + 1];
    char username[JA_USERNAME_MAX + 1]; /* filled by find, each and verify */
    char scopes[JA_SCOPE_MAX + 1];      /* space-separated; "": whatever the roles permit */
    char created_by[128];
    int64_t ends_at, last_used_at, created_at; /* 0: never */
};

/* user_id, scopes and ends_at are given; fills the rest but username. *ret_text is the key, this once. */
enum ja_status ja_api_key_create(struct ja_ctx *ctx, struct ja_api_key *key, struct ja_secret *ret_text,
                                 struct ja_error *err);
/* JA_ERR_NOT_FOUND "api_key_not_found". */
enum ja_status ja_api_key_find(struct ja_ctx *ctx, const char *id, struct ja_api_key *ret, struct ja_error *err);
enum ja_status ja_api_key_delete(struct ja_ctx *ctx, const char *id, struct ja_error *err);

struct ja_api_key_filter {
    const char *user_id; /* NULL: everybody's */
    const char *after;   /* id */
    int64_t limit;       /* 0: all */
};
typedef enum ja_status (*ja_api_key_fn)(void *arg, const struct ja_api_key *key);
/* In order of id (time of making); streams. */
enum ja_status ja_api_key_each(struct ja_ctx *ctx, const struct ja_api_key_filter *filter, ja_api_key_fn fn, void *arg,
                               struct ja_error *err);

/* Does it look like one? (Whether a bearer is a key or a token.) */
bool ja_api_key_form(const char *text, size_t len);
/* Whose key is it? JA_ERR_DENIED "invalid_api_key", whatever is wrong: form, unknown, removed, other secret, ended, the
 * account deleted, locked, disabled, past its end or no service. Reads only; needs the master key. *ret_user is the
 * account: ja_user_clear when done. */
enum ja_status ja_api_key_verify(struct ja_ctx *ctx, const char *text, size_t len, struct ja_api_key *ret,
                                 struct ja_user *ret_user, struct ja_error *err);
/* Writes that a key was used now, at most once a minute. Opens its own transaction when there is something to write. */
enum ja_status ja_api_key_note_use(struct ja_ctx *ctx, const struct ja_api_key *key, struct ja_error *err);

#endif
