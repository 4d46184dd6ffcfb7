#include "tests/unit/auth_world.h"

#include "common/domain/recovery_code.h"
#include "common/domain/totp.h"
#include "tests/support/temp_db.h"

#include <crypt.h>
#include <liboath/oath.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

const char NOW[] = "NOW", NOBODY[] = "NOBODY";

/* Each slot that is taken looks at the monotonic clock twice, and nothing else does (hash_slots.c). */
static int64_t counting_mono(void *arg)
{
    struct world *w = arg;

    w->work++;
    return w->t->clock.mono_ms;
}

static int64_t counting_wall(void *arg)
{
    return ((struct world *)arg)->t->clock.wall_ms;
}

static void counting_sleep(void *arg, unsigned ms)
{
    struct world *w = arg;
    struct ja_auth *other = w->meanwhile;

    w->t->clock.mono_ms += ms;
    w->meanwhile = NULL;
    if (other)
        (void)finish(other, HANDLE);
}

int world_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct ja_secret codes = {0};

    assert_non_null(w);
    w->t = ja_test_store_new(*state);
    w->ctx = &w->t->ctx;
    w->ctx->clock = (struct ja_clock){counting_wall, counting_mono, counting_sleep, w};
    ja_test_user(w->t, "alice", RIGHT, w->alice);
    ja_test_user(w->t, "bob", RIGHT, w->bob);
    new_factor(w, w->bob, 6, w->secret);
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_recovery_regenerate(w->ctx, w->bob, &codes, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    for (int i = 0; i < 3; i++)
        memcpy(w->recovery[i], codes.data + i * (JA_RECOVERY_CODE_LEN + 1), JA_RECOVERY_CODE_LEN);
    ja_secret_clear(&codes);
    *state = w;
    return 0;
}

int world_down(void **state)
{
    struct world *w = *state;

    ja_test_store_free(w->t);
    free(w);
    return 0;
}

void new_factor(struct world *w, const char *user_id, int digits, unsigned char secret[20])
{
    struct ja_totp t = {0};

    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_totp_create(w->ctx, user_id, JA_TOTP_SHA1, digits, &t, NULL), JA_OK);
    assert_int_equal(ja_totp_set_confirmed(w->ctx, user_id, 1, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    assert_int_equal(t.secret.len, 20);
    memcpy(secret, t.secret.data, 20);
    ja_totp_clear(&t);
}

static void code_at(const unsigned char secret[20], int64_t time, int digits, char out[9])
{
    assert_int_equal(oath_totp_generate2((const char *)secret, 20, (time_t)time, 30, 0,
                                         (unsigned)digits, 0, out),
                     OATH_OK);
}

void code_of(struct world *w, int64_t step_offset, char out[9])
{
    code_at(w->secret, ja_now(&w->ctx->clock) + 30 * step_offset, 6, out);
}

/* ---- one login ---- */

struct ja_auth *begin(struct ja_ctx *ctx, const struct attempt *a)
{
    struct ja_auth_request req = {
        .user = a->user, .service = a->service ? a->service : "sshd", .source = a->source, .local_uid = a->local_uid, .mfa = a->mfa,
        .any_name = a->any, .forward_pass = a->forward, .unknown_ignore = a->ignore,
        .tty = "ssh", .user_agent = "test", .mfa_remember = a->remember, .login = a->login, .target = a->target,
        .accept = a->accept, .take_tokens = a->tokens, .jwt_once = a->once, .captcha = a->captcha,
    };
    struct ja_auth *auth = NULL;

    assert_int_equal(ja_auth_begin(ctx, &req, &auth, NULL), JA_OK);
    assert_non_null(auth);
    return auth;
}

enum ja_status answer(struct ja_auth *auth, const char *text)
{
    return ja_auth_answer(auth, text, text ? strlen(text) : 0, NULL);
}

static void finish_session(struct ja_auth *auth, struct outcome *o)
{
    struct ja_auth_tokens tokens = {0};

    o->st = ja_auth_finish_session(auth, NULL, &tokens, &o->r, NULL);
    (void)snprintf(o->session, sizeof o->session, "%s", tokens.session.id);
    ja_auth_tokens_clear(&tokens);
}

struct outcome finish(struct ja_auth *auth, enum fruit fruit)
{
    struct outcome o = {.r.verdict = JA_DENY};

    switch (fruit) {
    case HANDLE: o.st = ja_auth_finish_handle(auth, 4711, o.handle, &o.r, NULL); break;
    case SESSION: finish_session(auth, &o); break;
    case PROOF: o.st = ja_auth_finish_proof(auth, &o.r, NULL); break;
    }
    return o;
}

/* Answers one prompt; false: the person went away, or the machine failed. */
static bool say(struct world *w, struct ja_auth *auth, const struct attempt *a, struct outcome *o)
{
    bool code = ja_auth_next(auth) == JA_NEXT_CODE;
    const char *said = code ? a->code : a->password;
    size_t len = code || !a->len ? (said ? strlen(said) : 0) : a->len;
    char now[9];

    o->prompts[strlen(o->prompts)] = code ? 'C' : 'P';
    assert_true(strlen(o->prompts) < sizeof o->prompts);
    if (said == NOBODY) {
        ja_auth_abandon(auth);
        return false;
    }
    if (said == NOW) {
        code_of(w, 0, now);
        said = now;
        len = 6;
    }
    o->st = ja_auth_answer(auth, said, len, NULL);
    return o->st == JA_OK;
}

struct outcome attempt(struct ja_ctx *ctx, struct world *w, const struct attempt *a)
{
    struct outcome o = {.r.verdict = JA_DENY}, end;
    struct ja_auth *auth = begin(ctx, a);
    bool spoke = true;

    while (spoke && ja_auth_next(auth) != JA_NEXT_DONE)
        spoke = say(w, auth, a, &o);
    if (o.st == JA_OK && spoke) {
        end = finish(auth, a->fruit);
        memcpy(end.prompts, o.prompts, sizeof o.prompts);
        o = end;
    }
    ja_auth_free(auth);
    return o;
}

/* ---- the store ---- */

void sql(struct world *w, const char *sql)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/state/jwtauth.db", w->t->dir);
    ja_temp_db_raw(path, sql);
}

int64_t number(struct world *w, const char *sql)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n;

    assert_int_equal(ja_db_query_(w->ctx->db, sql, NULL, 0, &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

const char *text(struct world *w, const char *sql)
{
    static char out[1024];
    struct ja_rows *rows = NULL;
    bool row = false;
    const char *t;

    assert_int_equal(ja_db_query_(w->ctx->db, sql, NULL, 0, &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    t = row ? ja_col_text(rows, "t") : "no row";
    (void)snprintf(out, sizeof out, "%s", t ? t : "");
    ja_rows_end(rows);
    return out;
}

void crypt_password(struct world *w, const char *name, const char *setting, const char *pw)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    char change[512];

    assert_non_null(data);
    assert_non_null(crypt_rn(pw, setting, data, (int)sizeof *data));
    (void)snprintf(change, sizeof change,
                   "UPDATE users SET password_hash = '%s' WHERE username = '%s'", data->output, name);
    free(data);
    sql(w, change);
}

/* ---- what came out ---- */

bool allowed(const struct outcome *o)
{
    return o->st == JA_OK && o->r.verdict == JA_ALLOW && o->r.reason == JA_REASON_NONE;
}

bool denied(const struct outcome *o, enum ja_auth_reason reason)
{
    if (o->st == JA_OK && o->r.verdict == JA_DENY && o->r.reason == reason)
        return true;
    print_message("# status %d, verdict %x, %s instead of %s\n", o->st, (unsigned)o->r.verdict,
                  ja_auth_reason_name(o->r.reason), ja_auth_reason_name(reason));
    return false;
}

int64_t granted(struct world *w)
{
    return number(w, "SELECT (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM refresh_tokens) "
                     "+ (SELECT COUNT(*) FROM login_handles) + (SELECT COUNT(*) FROM known_sources) "
                     "+ (SELECT COUNT(*) FROM users WHERE last_login_at IS NOT NULL) "
                     "+ (SELECT COUNT(*) FROM recovery_codes WHERE used_at IS NOT NULL) "
                     "+ (SELECT COUNT(*) FROM totp WHERE last_step > 1) "
                     "+ (SELECT COUNT(*) FROM audit_log WHERE outcome = 'success') AS n");
}
