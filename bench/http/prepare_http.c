/* prepare_http DIR NAME SESSIONS TOKENS: a store for the HTTP benches. The user alice, so many live sessions of hers,
 * so many access tokens over them, and 512 refresh tokens.  DIR/NAME/{tokens,refresh,key.jwk} for the clients and for
 * the servers beside ours. */
#include "bench/stats.h"
#include "bench/store.h"
#include "common/domain/session.h"
#include "common/domain/signing_key.h"
#include "common/domain/token.h"
#include "common/flow/account_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD "Correct-Horse-42"
#define REFRESH_TOKENS 512

static FILE *file_for(const char *dir, const char *name, const char *file)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s/%s", dir, name, file);
    f = fopen(path, "we");
    if (!f)
        bench_die(path, "cannot be written");
    return f;
}

static void done(FILE *f)
{
    if (fclose(f) != 0)
        bench_die("files", "cannot be written");
}

static void add_alice(struct ja_ctx *ctx, struct ja_user *ret)
{
    struct ja_secret pw = {0};
    struct ja_user_spec spec = {.username = "alice", .password = &pw};
    struct ja_error err = {0};

    bench_must(ja_secret_from(&pw, PASSWORD, strlen(PASSWORD), &err), &err, "alice");
    bench_must(ja_account_add(ctx, &spec, NULL, ret, &err), &err, "alice");
    ja_secret_clear(&pw);
}

static void id_of(unsigned i, char ret[JA_UUID_LEN + 1])
{
    (void)snprintf(ret, JA_UUID_LEN + 1, "%08x-0000-7000-8000-%012x", i, i);
}

static void fill_sessions(struct ja_ctx *ctx, const struct ja_user *user, long count)
{
    struct ja_error err = {0};
    int64_t now = ja_now(&ctx->clock);

    bench_must(ja_db_begin(ctx->db, &err), &err, "sessions");
    bench_must(
        ja_db_exec(
            ctx->db,
            "INSERT INTO sessions (id, user_id, service, amr, auth_time, audience, source, "
            "idle_ends_at, ends_at, last_used_at, created_at) "
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $2 - 1) "
            "SELECT printf('%08x-0000-7000-8000-%012x', i, i), $1, 'http', 'pwd', $3, "
            "'bench.example.org', '192.0.2.7', $3 + 86400, $3 + 2592000, $3, $3 FROM n",
            JA_BINDS(JA_T(user->id), JA_I(count), JA_I(now)), NULL, &err),
        &err, "sessions");
    bench_must(ja_db_commit(ctx->db, &err), &err, "sessions");
}

static void write_tokens(struct ja_ctx *ctx, const struct ja_user *user, long sessions, long count, FILE *f)
{
    struct ja_error err = {0};

    for (long i = 0; i < count; i++) {
        char sid[JA_UUID_LEN + 1];
        struct ja_mint mint = {.user = user, .session_id = sid, .amr = "pwd", .auth_time = ja_now(&ctx->clock)};
        struct ja_minted m = {0};

        id_of((unsigned)(i % sessions), sid);
        bench_must(ja_token_mint(ctx, &mint, &m, &err), &err, "tokens");
        fprintf(f, "%s\n", m.token);
        ja_minted_clear(&m);
    }
}

static void write_refresh(struct ja_ctx *ctx, FILE *f)
{
    struct ja_error err = {0};

    bench_must(ja_db_begin(ctx->db, &err), &err, "refresh tokens");
    for (long i = 0; i < REFRESH_TOKENS; i++) {
        struct ja_secret token = {0};
        char sid[JA_UUID_LEN + 1];

        id_of((unsigned)i, sid);
        bench_must(ja_refresh_create(ctx, sid, ja_now(&ctx->clock) + 86400, &token, &err), &err, "refresh tokens");
        fprintf(f, "%s\n", (const char *)token.data);
        ja_secret_clear(&token);
    }
    bench_must(ja_db_commit(ctx->db, &err), &err, "refresh tokens");
}

static void write_key(struct ja_ctx *ctx, FILE *f)
{
    struct ja_key *key = NULL;
    struct ja_secret jwk = {0};
    struct ja_error err = {0};

    bench_must(ja_keyring_signer(ctx, &key, &err), &err, "key");
    bench_must(ja_key_private_jwk(key, &jwk, &err), &err, "key");
    fprintf(f, "%.*s\n", (int)jwk.len, (const char *)jwk.data);
    ja_secret_clear(&jwk);
}

int main(int argc, char **argv)
{
    struct ja_ctx ctx = {0};
    struct ja_user alice = {0};
    long sessions = argc == 5 ? strtol(argv[3], NULL, 10) : 0, tokens = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
    FILE *f;

    if (sessions <= REFRESH_TOKENS || tokens < 0)
        return 2;
    bench_open(&ctx, argv[1], argv[2]);
    add_alice(&ctx, &alice);
    fill_sessions(&ctx, &alice, sessions);
    write_tokens(&ctx, &alice, sessions, tokens, f = file_for(argv[1], argv[2], "tokens"));
    done(f);
    write_refresh(&ctx, f = file_for(argv[1], argv[2], "refresh"));
    done(f);
    write_key(&ctx, f = file_for(argv[1], argv[2], "key.jwk"));
    done(f);
    ja_user_clear(&alice);
    ja_ctx_clear(&ctx);
    return 0;
}
