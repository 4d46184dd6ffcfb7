/* The store: look-ups among many users, and tokens verified beside many sessions. */
#include "bench/stats.h"
#include "bench/store.h"
#include "common/domain/permission.h"
#include "common/domain/token.h"
#include "common/domain/user.h"
#include "common/flow/account_flow.h"
#include "common/flow/session_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2000

/* A fixed sequence: every run and both sides ask for names spread alike. */
static double lookups(struct ja_ctx *ctx, int64_t users, uint64_t *seed)
{
    struct ja_error err = {0};
    char name[32];
    double begin = bench_now_ms();

    for (int i = 0; i < BATCH; i++) {
        struct ja_user u = {0};

        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        (void)snprintf(name, sizeof name, "user%lld",
                       (long long)((int64_t)(*seed >> 33) % users + 1));
        bench_must(ja_user_find_by_name(ctx, name, &u, &err), &err, name);
        ja_user_clear(&u);
    }
    return bench_now_ms() - begin;
}

static void user_lookup(const char *dir)
{
    struct bench_series few = {.len = 0}, many = {.len = 0};
    struct ja_ctx a = {0}, b = {0};
    uint64_t seed = 1;

    bench_open(&a, dir, "users1k");
    bench_open(&b, dir, "users1m");
    for (int i = 0; i < 20;
         i++) { /* both warm: the machine's page cache, not the disk, is compared */
        (void)lookups(&a, 1000, &seed);
        (void)lookups(&b, 1000000, &seed);
    }
    for (int i = bench_rounds(60); i > 0; i--) {
        bench_add(&few, lookups(&a, 1000, &seed));
        bench_add(&many, lookups(&b, 1000000, &seed));
    }
    bench_ratio("user look-up, 1,000,000 users, x 2000", &many, &few, 1.5, "1,000 users");
    ja_ctx_clear(&a);
    ja_ctx_clear(&b);
}

/* A login's token, so that its session is looked up too. */
static char *session_token(struct ja_ctx *ctx)
{
    const struct ja_auth_request req = {.user = "alice", .service = "bench", .mfa = JA_MFA_OFF};
    struct ja_auth *auth = NULL;
    struct ja_auth_tokens t = {0};
    struct ja_auth_result result = {0};
    struct ja_error err = {0};
    char *token;

    bench_must(ja_auth_begin(ctx, &req, &auth, &err), &err, "login");
    bench_must(ja_auth_answer(auth, "Correct-Horse-42", 16, &err), &err, "login");
    bench_must(ja_auth_finish_session(auth, NULL, &t, &result, &err), &err, "login");
    if (result.verdict != JA_ALLOW)
        bench_die("login", ja_auth_reason_name(result.reason));
    token = strdup(t.access.token);
    ja_auth_tokens_clear(&t);
    ja_auth_free(auth);
    return token;
}

static double verifications(struct ja_ctx *ctx, const char *token)
{
    const struct ja_token_check check = ja_token_check_default(ctx);
    struct ja_error err = {0};
    double begin = bench_now_ms();

    for (int i = 0; i < BATCH; i++) {
        json_t *claims = NULL;

        bench_must(ja_token_verify(ctx, token, strlen(token), &check, false, &claims, &err), &err,
                   "verify");
        json_decref(claims);
    }
    return bench_now_ms() - begin;
}

static void verify_beside_sessions(const char *dir)
{
    struct bench_series lean = {.len = 0}, busy = {.len = 0};
    struct ja_ctx a = {0}, b = {0};
    char *ta, *tb;

    bench_open(&a, dir, "lean");
    bench_open(&b, dir, "busy");
    ta = session_token(&a);
    tb = session_token(&b);
    (void)verifications(&a, ta);
    (void)verifications(&b, tb);
    for (int i = bench_rounds(30); i > 0; i--) {
        bench_add(&lean, verifications(&a, ta));
        bench_add(&busy, verifications(&b, tb));
    }
    bench_ratio("verify with 10,000 live sessions, x 2000", &busy, &lean, 1.10, "an empty store");
    free(ta);
    free(tb);
    ja_ctx_clear(&a);
    ja_ctx_clear(&b);
}

/* A graph of 1,000 roles, each inheriting the four after it: alice has the first 200, bob the last alone. */
static void make_graph(struct ja_ctx *ctx)
{
#define N "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
    struct ja_error err = {0};

    bench_must(ja_db_begin(ctx->db, &err), &err, "roles");
    bench_must(ja_db_exec(ctx->db,
                          N "INSERT INTO roles (id, name, created_at, updated_at, updated_by) "
                            "SELECT 'r' || i, 'r' || i, 1, 1, 'root' FROM n WHERE true ON CONFLICT DO NOTHING",
                          JA_NO_BINDS, NULL, &err),
               &err, "roles");
    for (int64_t k = 1; k <= 4; k++)
        bench_must(ja_db_exec(ctx->db,
                              N "INSERT INTO role_parents (role_id, parent_id, created_at) SELECT 'r' || i, "
                                "'r' || (i + $1), 1 FROM n WHERE i + $1 < 1000 ON CONFLICT DO NOTHING",
                              JA_BINDS(JA_I(k)), NULL, &err),
                   &err, "parents");
    bench_must(ja_db_exec(ctx->db,
                          N "INSERT INTO user_roles (user_id, role_id, granted_by, created_at) SELECT u.id, 'r' || i, "
                            "'root', 1 FROM n, users u WHERE (i < 200 AND u.username = 'alice') OR "
                            "(i = 999 AND u.username = 'bob') ON CONFLICT DO NOTHING",
                          JA_NO_BINDS, NULL, &err),
               &err, "grants");
    bench_must(ja_db_exec(ctx->db,
                          "INSERT INTO role_permissions (role_id, permission, created_at) "
                          "VALUES ('r999', 'end:reach', 1) ON CONFLICT DO NOTHING",
                          JA_NO_BINDS, NULL, &err),
               &err, "permission");
    bench_must(ja_db_commit(ctx->db, &err), &err, "roles");
}

static double questions(struct ja_ctx *ctx, const char *name)
{
    struct ja_error err = {0};
    double begin = bench_now_ms();

    for (int i = 0; i < 100; i++) {
        bool held = false;

        bench_must(ja_permission_can(ctx, name, "end:reach", NULL, &held, NULL, &err), &err, name);
        if (!held)
            bench_die(name, "does not reach the end of the graph");
    }
    return bench_now_ms() - begin;
}

static void add_bob(struct ja_ctx *ctx)
{
    const struct ja_user_spec spec = {.username = "bob"};
    struct ja_error err = {0};
    enum ja_status st = ja_account_add(ctx, &spec, NULL, NULL, &err);

    if (st != JA_ERR_EXISTS)
        bench_must(st, &err, "bob");
}

static void resolve_roles(const char *dir)
{
    struct bench_series one = {.len = 0}, many = {.len = 0};
    struct ja_ctx ctx = {0};
    char unit[64];

    bench_open(&ctx, dir, "lean");
    add_bob(&ctx);
    make_graph(&ctx);
    (void)questions(&ctx, "alice");
    for (int i = bench_rounds(30); i > 0; i--) {
        bench_add(&one, questions(&ctx, "bob"));
        bench_add(&many, questions(&ctx, "alice"));
    }
    (void)snprintf(unit, sizeof unit, "x one role (%.3g/%.3g ms each)", bench_median(&many) / 100,
                   bench_median(&one) / 100);
    bench_row("a permission through 200 of 1,000 roles", bench_median(&many) / bench_median(&one), unit, NULL, 1);
    ja_ctx_clear(&ctx);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    user_lookup(argv[1]);
    verify_beside_sessions(argv[1]);
    resolve_roles(argv[1]);
    return 0;
}
