#include "common/domain/rate_limit.h"
#include "common/domain/seal.h"
#include "common/flow/letter.h"
#include "common/flow/new_source.h"

#include <stdio.h>
#include <string.h>

enum ja_status ja_letter_turn(struct ja_ctx *ctx, const char *what, const char *who, struct ja_error *err)
{
    unsigned char digest[32];
    char typed[96], source[96], network[JA_NET_TEXT], spelling[JA_EMAIL_MAX + 1], hash[JA_B64_SIZE(32)];
    struct ja_addr addr = {0};
    const struct ja_rate_key keys[] = {{typed, ctx->cfg->throttle.other}, {source, ctx->cfg->throttle.other}};
    enum ja_status st;

    if (ja_email_normalize(who, spelling) || ja_phone_normalize(who, spelling))
        who = spelling; /* one account in two spellings is one */
    st = ja_keyed_hash(ctx, "jaresetk", who, strlen(who), digest, err);
    if (st != JA_OK)
        return st;
    ja_b64_encode(digest, sizeof digest, hash, sizeof hash);
    (void)ja_addr_parse(ctx->actor.source ? ctx->actor.source : "", &addr);
    ja_source_network(ctx, &addr, network);
    (void)snprintf(typed, sizeof typed, "%s-for %s", what, hash);
    (void)snprintf(source, sizeof source, "%s-from %s", what, network);
    /* without an address it is this host's root: an administrator may help many at once */
    return ja_rate_take(ctx, keys, addr.family ? 2 : 1, err);
}
