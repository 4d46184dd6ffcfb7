/* One-time tokens: proof that somebody reads what is sent to an address (SECURITY R19).
 *
 * Two kinds.  A token has 256 random bits and is found by its hash.  A code has 6 digits, belongs to a user
 * and a purpose, lives shortly and dies after few wrong tries; each try is counted, committed, before it is
 * compared.  Both are stored as keyed hashes only, end, serve once, and a new one voids the former of the same
 * user and purpose.  Each is bound to the address that it was sent to: it proves no other.
 * Unless said otherwise functions run in the caller's transaction.
 */
#ifndef JA_DOMAIN_ONE_TIME_TOKEN_H
#define JA_DOMAIN_ONE_TIME_TOKEN_H

#include "common/base/text.h"
#include "common/domain/ctx.h"

enum ja_purpose { JA_PURPOSE_VERIFY_EMAIL, JA_PURPOSE_VERIFY_PHONE, JA_PURPOSE_RESET, JA_PURPOSE_INVITE };

#define JA_OTT_TOKEN_LEN 43 /* base64url of 256 bits */
#define JA_OTT_CODE_LEN 6

struct ja_ott {
    char id[JA_UUID_LEN + 1];
    char user_id[JA_UUID_LEN + 1];
    enum ja_purpose purpose;
    char destination[JA_EMAIL_MAX + 1]; /* normalized address or number */
};

struct ja_ott_spec {
    const char *user_id;
    enum ja_purpose purpose;
    bool code;               /* 6 digits instead of a token */
    const char *destination; /* normalized */
    int64_t ttl;             /* seconds */
};

/* Voids former ones of user and purpose. *ret: the token or code as text, to be sent and forgotten. */
enum ja_status ja_ott_create(struct ja_ctx *ctx, const struct ja_ott_spec *spec, struct ja_secret *ret,
                             struct ja_error *err);
bool ja_ott_token_form(const char *s, size_t len);
bool ja_ott_code_form(const char *s, size_t len);

/* A live token of one of the purposes in `mask` (1 << purpose). JA_ERR_DENIED "invalid_token", whatever is wrong
 * with it. Reads only. */
enum ja_status ja_ott_find(struct ja_ctx *ctx, unsigned mask, const char *token, size_t len,
                           struct ja_ott *ret, struct ja_error *err);
/* The live code of user and purpose. Opens its own transaction: the try counts, whatever comes of it.
 * JA_ERR_DENIED "invalid_code". The work is the same for a user without a code. */
enum ja_status ja_ott_try_code(struct ja_ctx *ctx, const char *user_id, enum ja_purpose purpose,
                               const char *code, size_t len, struct ja_ott *ret, struct ja_error *err);
/* Uses it up: one conditional UPDATE. JA_ERR_DENIED "invalid_token": used or ended since it was found. */
enum ja_status ja_ott_consume(struct ja_ctx *ctx, const struct ja_ott *ott, struct ja_error *err);
/* Ends every live one of the user (deleted, password set by an administrator); `mask` of purposes. */
enum ja_status ja_ott_void(struct ja_ctx *ctx, const char *user_id, unsigned mask, struct ja_error *err);
/* Drops ended and used ones, at most a batch. */
enum ja_status ja_ott_prune(struct ja_ctx *ctx, int64_t *ret_count, struct ja_error *err);

#define JA_PURPOSES_ALL 0xfu

#endif
