#include "bench/store.h"

#include "bench/stats.h"

#include <stdio.h>
#include <string.h>

static void no_log(void *arg, int priority, const char *line)
{
    (void)arg, (void)priority, (void)line;
}

void bench_must(enum ja_status st, const struct ja_error *err, const char *what)
{
    if (st != JA_OK)
        bench_die(what, err->message);
}

void bench_open(struct ja_ctx *ctx, const char *dir, const char *name)
{
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s/jwtauth.conf", dir, name);
    bench_must(ja_crypto_init(&err), &err, name);
    bench_must(ja_config_load(path, true, &cfg, &err), &err, name);
    ja_ctx_init(ctx, cfg, (struct ja_log){no_log, NULL, 0});
    ctx->clock = ja_clock_system;
    ctx->actor = (struct ja_actor){.name = "root", .service = "bench"};
    bench_must(ja_ctx_open_store(ctx, &err), &err, name);
    bench_must(ja_ctx_require_master(ctx, &err), &err, name);
}
