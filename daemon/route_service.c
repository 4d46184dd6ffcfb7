/* What the daemon says of itself: public keys, health, metrics. */
#include "daemon/pool.h"
#include "daemon/routes.h"
#include "daemon/server.h"

#include "common/domain/hash_slots.h"
#include "common/domain/health.h"
#include "common/domain/outbox.h"
#include "common/domain/signing_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ja_status plain(struct http_call *call, char *text, const char *type, struct ja_error *err)
{
    if (!text)
        return ja_fail_nomem(err);
    call->plain = text;
    call->plain_len = strlen(text);
    call->plain_type = type;
    return JA_OK;
}

static enum ja_status run_jwks(struct http_call *call, struct ja_error *err)
{
    char *text = NULL;
    enum ja_status st = ja_signing_key_jwks(call->ctx, &text, err);

    if (st == JA_OK)
        st = plain(call, text, "application/jwk-set+json", err);
    return st == JA_OK ? http_cache(call, 300, err) : st;
}

/* The process answers: nothing else is said. */
static enum ja_status run_healthz(struct http_call *call, struct ja_error *err)
{
    return plain(call, strdup("ok\n"), "text/plain", err);
}

/* The store answers and can sign: 503 sends the callers elsewhere. */
static enum ja_status run_readyz(struct http_call *call, struct ja_error *err)
{
    struct ja_key *key = NULL;

    if (!atomic_load(&call->server->draining) && ja_keyring_signer(call->ctx, &key, err) == JA_OK)
        return plain(call, strdup("ready\n"), "text/plain", err);
    return ja_fail(err, JA_ERR_UNAVAILABLE, "not_ready", "the store cannot be used, or the daemon is about to end");
}

/* Numbers about everybody: for who is on this host, not for who came through a proxy. */
static enum ja_status run_metrics(struct http_call *call, struct ja_error *err)
{
    struct metrics_gauges g = {
        .connections = atomic_load(&call->server->counts.open),
        .connections_max = CONN_MAX,
        .hash = pool_load(call->server->hash),
        .work = pool_load(call->server->work),
        .outside = pool_load(call->server->outside),
        .hash_slots = (size_t)call->ctx->cfg->password.parallel_hashes,
    };
    size_t len = 0;
    enum ja_status st;

    if (call->proxied)
        return ja_fail(err, JA_ERR_FORBIDDEN, "forbidden", "metrics are not given through a proxy");
    st = ja_outbox_depth(call->ctx, &g.outbox, err);
    if (st == JA_OK)
        st = ja_hash_slots_held(call->ctx, &g.hash_slots_held, err);
    return st == JA_OK ? plain(call, metrics_text(call->server->metrics, &g, &len), "text/plain; version=0.0.4", err)
                       : st;
}

const struct http_route route_service[] = {
    {.method = HTTP_GET,
     .path = "/.well-known/jwks.json",
     .run = run_jwks,
     .where = RUN_LOOP,
     .flags = ROUTE_PUBLIC | ROUTE_PLAIN | ROUTE_CACHEABLE,
     .summary = "The public keys that verify our tokens (RFC 7517).",
     .answer = "keys",
     .example = ""},
    {.method = HTTP_GET,
     .path = "/healthz",
     .run = run_healthz,
     .where = RUN_LOOP,
     .flags = ROUTE_PUBLIC | ROUTE_PLAIN,
     .summary = "Tell that the process answers.",
     .example = ""},
    {.method = HTTP_GET,
     .path = "/readyz",
     .run = run_readyz,
     .where = RUN_LOOP,
     .flags = ROUTE_PUBLIC | ROUTE_PLAIN,
     .summary = "Tell whether the store answers and tokens can be signed.",
     .codes = "not_ready",
     .example = ""},
    {.method = HTTP_GET,
     .path = "/metrics",
     .run = run_metrics,
     .where = RUN_LOOP,
     .flags = ROUTE_PUBLIC | ROUTE_PLAIN,
     .summary = "Counters in the text format of Prometheus.",
     .example = ""},
    {0},
};
