/* Whom a try is counted against. */
#include "common/domain/seal.h"
#include "common/flow/auth_internal.h"
#include "common/flow/captcha_flow.h"
#include "common/flow/new_source.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

bool ja_auth_in_networks(const struct ja_netlist *nets, const struct ja_addr *addr)
{
    for (size_t i = 0; addr->family && i < nets->len; i++)
        if (ja_net_contains(&nets->items[i], addr))
            return true;
    return false;
}

/* One spelling of a name, as the look-up has it (CVE-2025-6013): else those blocked under two spellings
 * would be the ones who exist. */
static const char *one_spelling(const char *name, bool any_name, char out[JA_EMAIL_MAX + 1])
{
    if (any_name && (ja_email_normalize(name, out) || ja_phone_normalize(name, out)))
        return out;
    return name;
}

/* Not in clear: it may be a password. */
enum ja_status ja_auth_name_key(struct ja_ctx *ctx, const char *name, bool any_name, char out[JA_NAME_KEY_SIZE],
                                struct ja_error *err)
{
    unsigned char hash[32];
    char text[JA_B64_SIZE(sizeof hash)], spelling[JA_EMAIL_MAX + 1];
    enum ja_status st;

    name = one_spelling(name, any_name, spelling);
    st = ja_keyed_hash(ctx, "jaunknwn", name, strlen(name), hash, err);
    sodium_memzero(spelling, sizeof spelling);
    if (st != JA_OK)
        return st;
    ja_b64_encode(hash, sizeof hash, text, sizeof text);
    (void)snprintf(out, JA_NAME_KEY_SIZE, "?%s", text);
    return JA_OK;
}

/* One local user's wrong guesses in su must not close sudo for the others. */
void ja_auth_throttle_source(const struct ja_ctx *ctx, const struct ja_addr *addr, int64_t local_uid,
                             char out[JA_THROTTLE_SOURCE_SIZE])
{
    char bucket[JA_NET_TEXT];

    ja_source_network(ctx, addr, bucket);
    if (!addr->family && local_uid > 0)
        (void)snprintf(out, JA_THROTTLE_SOURCE_SIZE, "%s:%lld", bucket, (long long)local_uid);
    else
        (void)snprintf(out, JA_THROTTLE_SOURCE_SIZE, "%s", bucket);
}

/* Every name costs the same, whether somebody has it or not: nobody is looked up. */
enum ja_status ja_captcha_due(struct ja_ctx *ctx, const struct ja_captcha_question *q, bool *ret, struct ja_error *err)
{
    char source[JA_THROTTLE_SOURCE_SIZE], key[JA_NAME_KEY_SIZE];
    struct ja_throttle_who who = {.source = source};
    struct ja_addr addr = {0};
    bool due = false;
    enum ja_status st = JA_OK;

    (void)ja_addr_parse(q->source ? q->source : "", &addr);
    ja_auth_throttle_source(ctx, &addr, q->local_uid, source);
    who.trusted = ja_auth_in_networks(&ctx->cfg->throttle.trusted_networks, &addr);
    if (!q->nnames)
        st = ja_throttle_captcha_due(ctx, &who, &due, err);
    for (size_t i = 0; st == JA_OK && i < q->nnames; i++) {
        bool one = false;

        st = ja_auth_name_key(ctx, q->names[i], true, key, err);
        who.captcha_name = key;
        if (st == JA_OK)
            st = ja_throttle_captcha_due(ctx, &who, &one, err);
        due = due || one;
    }
    if (st == JA_OK)
        *ret = due;
    return st;
}
