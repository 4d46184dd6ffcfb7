/* What a store's owner must not lose, as needles for core_search. */
#ifndef JA_TEST_SECRETS_H
#define JA_TEST_SECRETS_H

#include "common/domain/ctx.h"
#include "tests/support/core_search.h"

/* Random over their whole length. */
#define MARKED_PASSWORD "vK3#qZ8w_Lx5!hT2@mR7y-Gd9$cN4f+Bs6%pJ1u=We0a^Xo"
#define MARKED_FRESH "Tn6*dY1k~Hq8.zV4&rC9s/Ug3:bM7e;Pj2<xA5i>Fw0l?Ko"

/* Master key, what is derived from it, the private parts of every signing key, every factor's secret. */
void secrets_of_store(struct core_search *s, struct ja_ctx *ctx);
/* Its signature: the rest of a token is no secret. */
void secrets_of_token(struct core_search *s, const char *token);

#endif
