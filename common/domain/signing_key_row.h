/* One row of signing_keys, for signing_key.c and keyring.c. */
#ifndef JA_DOMAIN_SIGNING_KEY_ROW_H
#define JA_DOMAIN_SIGNING_KEY_ROW_H

#include "common/domain/ctx.h"
#include "common/domain/jwk.h"

/* From the columns kid, alg, public_der and private_key. */
enum ja_status ja_signing_key_from_row(struct ja_ctx *ctx, struct ja_rows *rows, bool with_private,
                                       struct ja_key **ret, struct ja_error *err);
enum ja_status ja_signing_key_corrupt(struct ja_error *err, const char *kid);

#endif
