/* Who calls, by a uid that the kernel vouches for or by an API key, and a token for that account alone.
 *
 * A uid is the service that is bound to it, or the account whose uid it is: a person needs a live session then, a
 * service none (nobody but root can start a process under its uid).  Root is no account.
 */
#ifndef JA_FLOW_OWN_TOKEN_H
#define JA_FLOW_OWN_TOKEN_H

#include "common/domain/api_key.h"
#include "common/domain/session.h"
#include "common/domain/token.h"

struct ja_caller {
    int64_t uid;              /* with key NULL: SO_PEERCRED at accept */
    const char *session_hint; /* an id that the caller names, may be NULL: which of its own sessions */
    const char *key;          /* an API key: it is the identity then, whatever the uid is */
    size_t key_len;
};

struct ja_identity {
    struct ja_user user;
    bool by_session, by_key;
    struct ja_session session; /* by_session */
    struct ja_api_key key;     /* by_key */
};
void ja_identity_clear(struct ja_identity *id);

/* JA_ERR_DENIED "login_required": a person without a live session; "not_a_user": root;
 * "unknown_caller": a uid of nobody;
 * "user_inactive"; "invalid_api_key". Reads, and notes the use of a key once a minute. */
enum ja_status ja_identify(struct ja_ctx *ctx, const struct ja_caller *caller, struct ja_identity *ret,
                                  struct ja_error *err);

struct ja_token_ask {
    const char *audience; /* NULL: configured */
    const char *scope;    /* space-separated; NULL: none, or those of a limited API key */
    int64_t ttl;          /* seconds; 0: access_ttl */
};
/* A new token and its audit row. It ends with the session, the key and the account at the latest, however long was
 * asked for. JA_ERR_DENIED also "scope_not_held", "audience_not_held"; JA_ERR_INVALID "invalid_ttl", "invalid_scope",
 * "invalid_audience"; JA_ERR_POLICY "ttl_too_long". */
enum ja_status ja_token_for_caller(struct ja_ctx *ctx, const struct ja_caller *caller, const struct ja_token_ask *ask,
                                   struct ja_minted *ret, struct ja_error *err);

#endif
