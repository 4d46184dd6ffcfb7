/* Fills the stores of bench/run: users, sessions, and users with a second factor. */
#include "bench/stats.h"
#include "bench/store.h"
#include "common/flow/account_flow.h"

#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSWORD "Correct-Horse-42"
#define SECOND_FACTORS 25

/* Rows only, without passwords: a look-up does not care. */
static void fill_users(const char *dir, const char *name, int64_t count)
{
    struct ja_ctx ctx = {0};
    struct ja_error err = {0};

    bench_open(&ctx, dir, name);
    bench_must(ja_db_begin(ctx.db, &err), &err, name);
    bench_must(
        ja_db_exec(
            ctx.db,
            "INSERT INTO users (id, username, email, email_key, full_name, kind, status, uid, "
            "gid, home, shell, created_at, updated_at, updated_by) "
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
            "SELECT printf('%012d-7000-8000-000000000000', i), 'user' || i, "
            "'user' || i || '@example.org', 'user' || i || '@example.org', 'User ' || i, "
            "'person', 'active', 100000 + i, 100000 + i, '/home/user' || i, '/bin/bash', "
            "1780000000, 1780000000, 'bench' FROM n",
            JA_BINDS(JA_I(count)), NULL, &err),
        &err, name);
    bench_must(ja_db_commit(ctx.db, &err), &err, name);
    ja_ctx_clear(&ctx);
}

static void add_user(struct ja_ctx *ctx, const char *name)
{
    struct ja_secret pw = {0};
    struct ja_user_spec spec = {.username = name, .password = &pw};
    struct ja_user u = {0};
    struct ja_error err = {0};

    bench_must(ja_secret_from(&pw, PASSWORD, strlen(PASSWORD), &err), &err, name);
    bench_must(ja_account_add(ctx, &spec, NULL, &u, &err), &err, name);
    ja_secret_clear(&pw);
    ja_user_clear(&u);
}

/* Live ones of twenty users; none ends while we measure. */
static void fill_sessions(struct ja_ctx *ctx, int64_t count)
{
    struct ja_error err = {0};
    int64_t now = ja_now(&ctx->clock);

    bench_must(ja_db_begin(ctx->db, &err), &err, "sessions");
    bench_must(
        ja_db_exec(
            ctx->db,
            "INSERT INTO sessions (id, user_id, service, amr, auth_time, audience, source, "
            "idle_ends_at, ends_at, last_used_at, created_at) "
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
            "SELECT printf('%012d-7000-8000-000000000000', i), "
            "(SELECT id FROM users WHERE username = 'carol' || (i % 20)), 'sshd', 'pwd', $2, "
            "'bench.example.org', '192.0.2.7', $2 + 86400, $2 + 2592000, $2, $2 FROM n",
            JA_BINDS(JA_I(count), JA_I(now)), NULL, &err),
        &err, "sessions");
    bench_must(ja_db_exec(ctx->db,
                          "INSERT INTO refresh_tokens (hash, session_id, created_at, ends_at) "
                          "SELECT 'hash of ' || id, id, created_at, ends_at FROM sessions",
                          JA_NO_BINDS, NULL, &err),
               &err, "refresh tokens");
    bench_must(ja_db_commit(ctx->db, &err), &err, "sessions");
}

static void add_second_factor(struct ja_ctx *ctx, const char *name, FILE *secrets)
{
    struct ja_totp t = {0};
    struct ja_secret codes = {0}, b32 = {0};
    struct ja_error err = {0};
    char code[9];

    add_user(ctx, name);
    bench_must(ja_account_totp_enroll(ctx, name, JA_TOTP_SHA1, 6, &t, &err), &err, name);
    /* confirmed by the oldest code of the window: the later ones are left for logins */
    if (oath_totp_generate((const char *)t.secret.data, t.secret.len, time(NULL) - 5 * 30, 30, 0, 6,
                           code) != OATH_OK)
        bench_die(name, "no code");
    bench_must(ja_account_totp_confirm(ctx, name, code, 6, &codes, &err), &err, name);
    bench_must(ja_totp_base32(&t, &b32, &err), &err, name);
    fprintf(secrets, "%s %s\n", name, (const char *)b32.data);
    ja_secret_clear(&codes);
    ja_secret_clear(&b32);
    ja_totp_clear(&t);
}

int main(int argc, char **argv)
{
    static const char *const stores[] = {"main", "lean", "busy"};
    struct ja_ctx ctx;
    char path[512], name[32];
    FILE *secrets;

    if (argc != 2)
        return 2;
    fill_users(argv[1], "users1k", 1000);
    fill_users(argv[1], "users1m", 1000000);
    (void)snprintf(path, sizeof path, "%s/secrets", argv[1]);
    secrets = fopen(path, "we");
    if (!secrets || oath_init() != OATH_OK)
        bench_die(path, "cannot be written");
    for (int i = 0; i < 3; i++) {
        ctx = (struct ja_ctx){0};
        bench_open(&ctx, argv[1], stores[i]);
        add_user(&ctx, "alice");
        for (int k = 0; i > 0 && k < SECOND_FACTORS; k++) {
            (void)snprintf(name, sizeof name, "carol%d", k);
            if (i == 1)
                add_second_factor(&ctx, name, secrets);
            else
                add_user(&ctx, name);
        }
        if (i == 2)
            fill_sessions(&ctx, 10000);
        ja_ctx_clear(&ctx);
    }
    return fclose(secrets) == 0 ? 0 : 1;
}
