/* The networks that a user has logged in from. Writing functions run in the caller's transaction. */
#ifndef JA_DOMAIN_KNOWN_SOURCE_H
#define JA_DOMAIN_KNOWN_SOURCE_H

#include "common/domain/ctx.h"

/* Was the user here before (*ret_known), or anywhere at all (*ret_any)? */
enum ja_status ja_known_source_find(struct ja_ctx *ctx, const char *user_id, const char *network,
                                    bool *ret_known, bool *ret_any, struct ja_error *err);
enum ja_status ja_known_source_note(struct ja_ctx *ctx, const char *user_id, const char *network,
                                    struct ja_error *err);

#endif
