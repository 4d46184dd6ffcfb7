/* Does the time of a refused login tell who exists (SECURITY R8; CVE-2025-6011, CVE-2018-15473, CVE-2016-6210), or the
 * time of a refused MAC how much of it was right (CVE-2024-25189)?  AUC: how often a sample of one kind took longer
 * than one of the other; 0.5 tells nothing.  For a quiet machine: what else runs there is in the figures.
 */
#include "bench/stats.h"
#include "bench/store.h"
#include "common/domain/token.h"
#include "common/domain/totp.h"
#include "common/flow/account_flow.h"
#include "common/flow/auth_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD "Correct-Horse-42"
#define WRONG "Correct-Horse-43"
#define FAKE "\b\n\r\177INCORRECT" /* sshd's, for users it does not know */
#define BATCH 200

enum { KNOWN, UNKNOWN, LOCKED, LOCKED_RIGHT, DISABLED, FACTOR, FAKED, KINDS };
static const struct { const char *row, *user, *password; } kinds[KINDS] = {
    [KNOWN] = {"known", "tellknown", WRONG},
    [UNKNOWN] = {"unknown", "tellnobody", WRONG},
    [LOCKED] = {"locked", "telllocked", WRONG},
    [LOCKED_RIGHT] = {"locked, right password", "telllocked", PASSWORD},
    [DISABLED] = {"disabled", "telldisabled", WRONG},
    [FACTOR] = {"with a second factor", "tellfactor", WRONG},
    [FAKED] = {"unknown, sshd's password", "tellnobody", FAKE},
};
static struct bench_series times[KINDS];

static double auc(const struct bench_series *a, const struct bench_series *b)
{
    double longer = 0;

    for (int i = 0; i < a->len; i++)
        for (int k = 0; k < b->len; k++)
            longer += a->ms[i] > b->ms[k] ? 1 : a->ms[i] < b->ms[k] ? 0 : 0.5;
    return longer / a->len / b->len;
}

static void row(const char *name, const struct bench_series *a, const struct bench_series *b)
{
    double value = auc(a, b);
    char unit[64];

    (void)snprintf(unit, sizeof unit, "AUC (%.3g/%.3g ms, %d each)", bench_median(a), bench_median(b), a->len);
    bench_row(name, value, unit, "0.45 to 0.55", value >= 0.45 && value <= 0.55);
}

static void give_factor(struct ja_ctx *ctx, const char *user_id)
{
    struct ja_totp t = {0};
    struct ja_error err = {0};

    bench_must(ja_db_begin(ctx->db, &err), &err, "factor");
    bench_must(ja_totp_create(ctx, user_id, JA_TOTP_SHA1, 6, &t, &err), &err, "factor");
    bench_must(ja_totp_set_confirmed(ctx, user_id, 1, &err), &err, "factor");
    bench_must(ja_db_commit(ctx->db, &err), &err, "factor");
    ja_totp_clear(&t);
}

static void add(struct ja_ctx *ctx, const char *name)
{
    struct ja_secret pw = {0};
    struct ja_user_spec spec = {.username = name, .password = &pw};
    struct ja_user u = {0};
    struct ja_error err = {0};

    bench_must(ja_secret_from(&pw, PASSWORD, strlen(PASSWORD), &err), &err, name);
    bench_must(ja_account_add(ctx, &spec, NULL, &u, &err), &err, name);
    if (strcmp(name, "tellfactor") == 0)
        give_factor(ctx, u.id);
    ja_secret_clear(&pw);
    ja_user_clear(&u);
}

static void people(struct ja_ctx *ctx)
{
    struct ja_error err = {0};
    struct ja_cut cut;

    add(ctx, "tellknown");
    add(ctx, "telllocked");
    add(ctx, "telldisabled");
    add(ctx, "tellfactor");
    bench_must(ja_account_lock(ctx, "telllocked", 0, &cut, &err), &err, "lock");
    bench_must(ja_account_disable(ctx, "telldisabled", &cut, &err), &err, "disable");
}

static double refused(struct ja_ctx *ctx, int kind)
{
    const struct ja_auth_request req = {.user = kinds[kind].user, .service = "bench", .source = "192.0.2.7",
                                        .mfa = JA_MFA_AUTO};
    struct ja_auth *auth = NULL;
    struct ja_auth_result result = {.verdict = JA_ALLOW};
    char handle[JA_HANDLE_LEN + 1];
    struct ja_error err = {0};
    double begin = bench_now_ms();

    bench_must(ja_auth_begin(ctx, &req, &auth, &err), &err, "login");
    bench_must(ja_auth_answer(auth, kinds[kind].password, strlen(kinds[kind].password), &err), &err, "login");
    bench_must(ja_auth_finish_handle(auth, 1, handle, &result, &err), &err, "login");
    begin = bench_now_ms() - begin;
    if (result.verdict != JA_DENY || result.reason == JA_REASON_THROTTLED)
        bench_die("login", ja_auth_reason_name(result.reason));
    ja_auth_free(auth);
    return begin;
}

/* Each round begins with another kind, and goes through them in another direction: no kind always follows the same. */
static void logins(struct ja_ctx *ctx)
{
    people(ctx);
    for (int i = 0; i < 2 * KINDS; i++) /* what is loaded late is loaded */
        (void)refused(ctx, i % KINDS);
    for (int i = bench_rounds(2000); i > 0; i--)
        for (int k = 0; k < KINDS; k++) {
            int kind = (i % 2 ? i + k : i + KINDS * 1000 - k) % KINDS;

            bench_add(&times[kind], refused(ctx, kind));
        }
    for (int k = KNOWN + 1; k < KINDS; k++) {
        char name[64];

        (void)snprintf(name, sizeof name, "%s, beside known", kinds[k].row);
        row(name, &times[k], &times[KNOWN]);
    }
}

static double macs(struct ja_key *key, const unsigned char *sig, size_t len)
{
    double begin = bench_now_ms();

    for (int i = 0; i < BATCH; i++)
        if (ja_key_verify(key, "header.payload", 14, sig, len, NULL) != JA_ERR_DENIED)
            bench_die("mac", "a wrong one was accepted");
    return bench_now_ms() - begin;
}

static void compares(void)
{
    struct bench_series first = {.len = 0}, last = {.len = 0};
    unsigned char a[JA_SIG_MAX], b[JA_SIG_MAX];
    struct ja_key *key = NULL;
    struct ja_error err = {0};
    size_t len = 0;

    bench_must(ja_key_generate(JA_ALG_HS256, &key, &err), &err, "key");
    bench_must(ja_key_sign(key, "header.payload", 14, a, &len, &err), &err, "sign");
    memcpy(b, a, len);
    a[0] ^= 1;
    b[len - 1] ^= 1;
    for (int i = bench_rounds(2000); i > 0; i--) {
        bench_add(i % 2 ? &first : &last, macs(key, i % 2 ? a : b, len));
        bench_add(i % 2 ? &last : &first, macs(key, i % 2 ? b : a, len));
    }
    row("MAC wrong in the last byte, beside the first", &last, &first);
    ja_key_free(key);
}

int main(int argc, char **argv)
{
    struct ja_ctx ctx = {0};

    if (argc != 2)
        bench_die("bench_tell", "usage: bench_tell FOLDER");
    bench_open(&ctx, argv[1], "lean");
    logins(&ctx);
    ja_ctx_clear(&ctx);
    compares();
    return 0;
}
