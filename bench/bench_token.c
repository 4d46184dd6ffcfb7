/* Tokens: verified and signed in this process with a kept key, over the bare work; authctl as a whole
 * process over the least program that does the same. */
#include "bench/floor.h"
#include "bench/stats.h"
#include "bench/store.h"
#include "common/domain/jws.h"
#include "common/domain/signing_key.h"
#include "common/domain/token.h"
#include "common/flow/session_flow.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ISSUER "https://auth.example.org"
#define AUDIENCE "bench.example.org"

extern char **environ;

/* One algorithm, both ways of it. */
struct pair {
    struct ja_key *key;
    struct ja_keyset set;
    struct floor_key floor;
    json_t *claims;
    char *token;
    int batch;
};

static json_t *claims_like_ours(void)
{
    time_t now = time(NULL);

    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:[s,s],s:[s]}", "iss", ISSUER, "sub",
                     "0197c7a2-0000-7000-8000-000000000001", "aud", AUDIENCE, "exp", (json_int_t)now + 3600,
                     "nbf", (json_int_t)now, "iat", (json_int_t)now, "jti",
                     "0197c7a2-0000-7000-8000-000000000002", "token_use", "access", "sid",
                     "0197c7a2-0000-7000-8000-000000000003", "preferred_username", "alice", "roles", "user",
                     "agent", "amr", "pwd");
}

static void prepare_pair(struct pair *p, enum ja_alg alg)
{
    struct ja_secret jwk_text = {0};
    struct ja_error err = {0};
    json_t *jwk;

    bench_must(ja_key_generate(alg, &p->key, &err), &err, "key");
    bench_must(ja_key_private_jwk(p->key, &jwk_text, &err), &err, "key");
    jwk = json_loadb((const char *)jwk_text.data, jwk_text.len, 0, NULL);
    if (!jwk || !floor_load(&p->floor, jwk))
        bench_die("floor", "cannot load the key");
    json_decref(jwk);
    ja_secret_clear(&jwk_text);
    p->set = (struct ja_keyset){.keys = &p->key, .len = 1};
    p->claims = claims_like_ours();
    bench_must(ja_jws_sign(p->key, "at+jwt", p->claims, &p->token, &err), &err, "sign");
    p->batch = alg == JA_ALG_HS256 ? 5000 : 1000;
}

static double ours_verify(struct pair *p)
{
    const struct ja_token_check check = {.issuer = ISSUER, .audience = AUDIENCE, .leeway = 30,
                                         .max_ttl = 86400, .ours = true};
    size_t len = strlen(p->token);
    double begin = bench_now_ms();

    for (int i = 0; i < p->batch; i++) {
        json_t *claims = NULL;
        struct ja_error err = {0};

        bench_must(ja_token_verify_keyset(&p->set, p->token, len, &check, time(NULL), &claims, &err), &err,
                   "verify");
        json_decref(claims);
    }
    return bench_now_ms() - begin;
}

static double floor_verify_all(struct pair *p)
{
    size_t len = strlen(p->token);
    double begin = bench_now_ms();

    for (int i = 0; i < p->batch; i++) {
        json_t *claims = NULL;

        if (!floor_verify(&p->floor, p->token, len, ISSUER, AUDIENCE, time(NULL), &claims))
            bench_die("floor", "refuses");
        json_decref(claims);
    }
    return bench_now_ms() - begin;
}

static double ours_sign(struct pair *p, int n)
{
    double begin = bench_now_ms();

    for (int i = 0; i < n; i++) {
        struct ja_error err = {0};
        char *token = NULL;

        bench_must(ja_jws_sign(p->key, "at+jwt", p->claims, &token, &err), &err, "sign");
        ja_wipe_free(token);
    }
    return bench_now_ms() - begin;
}

static double floor_sign_all(struct pair *p, int n)
{
    double begin = bench_now_ms();

    for (int i = 0; i < n; i++)
        free(floor_sign(&p->floor, ja_key_kid(p->key), p->claims));
    return bench_now_ms() - begin;
}

static void in_process(enum ja_alg alg)
{
    struct bench_series a = {.len = 0}, b = {.len = 0}, c = {.len = 0}, d = {.len = 0};
    struct pair p = {.key = NULL};
    char name[64];
    int signs;

    prepare_pair(&p, alg);
    signs = alg == JA_ALG_RS256 ? 100 : p.batch;
    (void)ours_verify(&p);
    (void)floor_verify_all(&p);
    for (int i = bench_rounds(30); i > 0; i--) {
        bench_add(&a, ours_verify(&p));
        bench_add(&b, floor_verify_all(&p));
        bench_add(&c, ours_sign(&p, signs));
        bench_add(&d, floor_sign_all(&p, signs));
    }
    (void)snprintf(name, sizeof name, "verify in process, %s, x %d", ja_alg_name(alg), p.batch);
    bench_ratio(name, &a, &b, 1 / 0.9, "the floor");
    (void)snprintf(name, sizeof name, "sign in process, %s, x %d", ja_alg_name(alg), signs);
    bench_ratio(name, &c, &d, 1.1, "the floor");
    json_decref(p.claims);
    free(p.token);
    ja_key_free(p.key);
}

/* ---- whole processes ---- */

static void process(const char *const argv[], const char *input, struct bench_cost *c)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    double begin = bench_now_ms();

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        bench_die(argv[0], "cannot be started");
    bench_wait(argv[0], pid, begin, c);
    (void)posix_spawn_file_actions_destroy(&actions);
}

static void compare(const char *name, const char *const a[], const char *const b[], const char *input, double most,
                    const char *than)
{
    struct bench_cost x = {.wall.len = 0}, y = {.wall.len = 0};

    for (int i = bench_rounds(200); i > 0; i--) {
        process(a, input, &x);
        process(b, input, &y);
    }
    bench_ratio(name, &x.wall, &y.wall, most, than);
    bench_by_cpu(&x, &y);
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
        bench_die(path, "cannot be written");
}

/* A token of the store, its key set, and a table for min_mint's record. */
static void prepare_store(const char *dir, const char *token_file, const char *jwks_file)
{
    struct ja_ctx ctx = {0};
    struct ja_minted m = {0};
    struct ja_error err = {0};
    char *jwks = NULL;

    bench_open(&ctx, dir, "lean");
    bench_must(ja_token_issue(&ctx, "alice", NULL, NULL, 0, &m, &err), &err, "issue");
    bench_must(ja_signing_key_jwks(&ctx, &jwks, &err), &err, "jwks");
    bench_must(ja_db_begin(ctx.db, &err), &err, "table");
    bench_must(ja_db_exec(ctx.db, "CREATE TABLE IF NOT EXISTS bench_records (id INTEGER PRIMARY KEY, text TEXT)",
                          JA_NO_BINDS, NULL, &err), &err, "table");
    bench_must(ja_db_commit(ctx.db, &err), &err, "table");
    write_text(token_file, m.token);
    write_text(jwks_file, jwks);
    free(jwks);
    ja_minted_clear(&m);
    ja_ctx_clear(&ctx);
}

#define PATHS 6

static void whole_process(const char *build, const char *dir)
{
    static const char *const names[PATHS] = {
        "/authctl", "/bench/min_verify", "/bench/min_mint", /* in the build folder */
        "/token", "/jwks.json", "/lean/jwtauth.conf"};
    char paths[PATHS][512];

    for (int i = 0; i < PATHS; i++) {
        int n = snprintf(paths[i], sizeof paths[i], "%s%s", i < 3 ? build : dir, names[i]);

        if (n < 0 || n >= (int)sizeof paths[i])
            bench_die(dir, "too long");
    }
    prepare_store(dir, paths[3], paths[4]);
    compare("authctl token verify --jwks, whole process",
            (const char *[]){paths[0], "token", "verify", "--jwks", paths[4], "--issuer", ISSUER, "--audience", AUDIENCE,
                       "-", NULL},
            (const char *[]){paths[1], paths[4], ISSUER, AUDIENCE, NULL}, paths[3], 1.25, "a minimal program");
    compare("authctl token issue, whole process",
            (const char *[]){paths[0], "-c", paths[5], "token", "issue", "--user", "alice", NULL},
            (const char *[]){paths[2], paths[5], "alice", NULL}, "/dev/null", 1.15, "a minimal program");
}

int main(int argc, char **argv)
{
    static const enum ja_alg algs[] = {JA_ALG_RS256, JA_ALG_ES256, JA_ALG_EDDSA, JA_ALG_HS256};
    struct ja_error err = {0};

    if (argc != 3)
        return 2;
    bench_must(ja_crypto_init(&err), &err, "start");
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        in_process(algs[i]);
    whole_process(argv[1], argv[2]);
    return 0;
}
