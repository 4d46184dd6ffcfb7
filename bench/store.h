/* Opens an installation of bench/run; dies when it cannot. */
#ifndef JA_BENCH_STORE_H
#define JA_BENCH_STORE_H

#include "common/domain/ctx.h"

void bench_open(struct ja_ctx *ctx, const char *dir, const char *name);
void bench_must(enum ja_status st, const struct ja_error *err, const char *what);

#endif
