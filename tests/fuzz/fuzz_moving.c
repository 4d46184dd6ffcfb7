/* Files of other systems that administrators move in with: of google-authenticator (the user's own to write), pam_oath,
 * passwd and shadow.  What is taken is what the flows are promised; what is not says why, without the secret.
 *
 * The first byte is the format; passwd ends at the first byte 0xff, then comes shadow.
 */
#include "common/domain/password_hash.h"
#include "common/domain/recovery_code.h"
#include "common/import/import_google_authenticator.h"
#include "common/import/import_oath_users.h"
#include "common/import/import_shadow.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1790000000)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

static void demand_row(const struct ja_import_row *r, int64_t lines)
{
    FUZZ_DEMAND(r->line >= 1 && r->line <= lines);
    FUZZ_DEMAND(memchr(r->name, 0, sizeof r->name));
    switch (r->outcome) {
    case JA_IMPORT_READY: FUZZ_DEMAND(ja_username_valid(r->name) && !r->code[0]); break;
    case JA_IMPORT_FAILED:
    case JA_IMPORT_SKIPPED: FUZZ_DEMAND(r->code[0] && r->message && r->message[0] && r->status != JA_OK); break;
    default: FUZZ_DEMAND(!"an outcome that is the flow's to give");
    }
}

static int64_t lines_of(const uint8_t *p, size_t len)
{
    int64_t n = 1;

    for (size_t i = 0; i < len; i++)
        n += p[i] == '\n';
    return n;
}

static void demand_totp(const struct ja_totp *t)
{
    FUZZ_DEMAND(t->algorithm == JA_TOTP_SHA1 && (t->digits == 6 || t->digits == 8));
    FUZZ_DEMAND(t->period >= 1 && t->period <= 60 && t->last_step >= 0);
    FUZZ_DEMAND(!t->own_window || (t->step_window >= 0 && t->step_window <= 50));
    FUZZ_DEMAND(t->confirmed_at == 0 && (t->secret.len == 0 || t->secret.data));
}

static void check_google(const uint8_t *p, size_t len)
{
    struct ja_import_factor f = {0};
    struct ja_error err = {0};

    if (ja_import_google_authenticator("alice", p, len, &f, &err) != JA_OK) {
        FUZZ_DEMAND(err.status == JA_ERR_INVALID && err.code[0] && !f.totp.secret.data);
        return;
    }
    demand_row(&f.row, 1);
    demand_totp(&f.totp);
    FUZZ_DEMAND(f.totp.digits == 6 && f.ncodes <= JA_IMPORT_CODES && strcmp(f.row.name, "alice") == 0);
    for (size_t i = 0; i < f.ncodes; i++) {
        FUZZ_DEMAND(strspn(f.codes[i], "0123456789") == JA_RECOVERY_SCRATCH_LEN && f.codes[i][JA_RECOVERY_SCRATCH_LEN] == 0);
        for (size_t k = 0; k < i; k++)
            FUZZ_DEMAND(strcmp(f.codes[i], f.codes[k]) != 0);
    }
    ja_import_factor_clear(&f);
    FUZZ_DEMAND(!f.totp.secret.data && f.codes[0][0] == 0);
}

static void check_oath(const uint8_t *p, size_t len)
{
    struct ja_import_factor *rows = NULL;
    struct ja_error err = {0};
    size_t n = 0;

    if (ja_import_oath_users(p, len, NOW, &rows, &n, &err) != JA_OK) {
        FUZZ_DEMAND(err.status == JA_ERR_INVALID && strcmp(err.code, "invalid_file") == 0 && !rows);
        return;
    }
    FUZZ_DEMAND(n >= 1);
    for (size_t i = 0; i < n; i++) {
        demand_row(&rows[i].row, lines_of(p, len));
        FUZZ_DEMAND(i == 0 || rows[i].row.line > rows[i - 1].row.line);
        FUZZ_DEMAND(rows[i].ncodes == 0 && rows[i].row.outcome != JA_IMPORT_SKIPPED);
        if (rows[i].row.outcome != JA_IMPORT_READY)
            continue;
        demand_totp(&rows[i].totp);
        FUZZ_DEMAND(rows[i].totp.period == 30 || rows[i].totp.period == 60);
        FUZZ_DEMAND(rows[i].totp.last_step <= NOW / rows[i].totp.period + JA_TOTP_WINDOW_MAX);
    }
    ja_oath_users_free(rows, n);
}

static void demand_account(const struct ja_import_account *a)
{
    const char *hash = a->user.password_hash;

    FUZZ_DEMAND(a->user.uid >= JA_IMPORT_UID_MIN && a->user.uid < UINT32_MAX && a->user.uid != 65534);
    FUZZ_DEMAND(a->user.gid >= 0 && a->user.gid < UINT32_MAX);
    FUZZ_DEMAND(a->user.home && a->user.shell && !strchr(a->user.home, ':') && !strchr(a->user.shell, ':'));
    FUZZ_DEMAND(!a->user.full_name || ja_text_valid(a->user.full_name, JA_TEXT_MAX));
    FUZZ_DEMAND(a->user.valid_until >= 0 && a->user.password_changed_at >= 0 && a->user.password_changed_at <= NOW);
    FUZZ_DEMAND(!a->user.id[0] && !a->user.adopted && !a->taken_over);
    if (!hash)
        return;
    FUZZ_DEMAND(hash[0] && hash[0] != '!' && hash[0] != '*' && !strpbrk(hash, ":\n"));
    FUZZ_DEMAND(strlen(hash) < 8 || !a->row.message || !strstr(a->row.message, hash));
}

static void check_shadow(const uint8_t *p, size_t len)
{
    const uint8_t *end = memchr(p, 0xff, len);
    size_t first = end ? (size_t)(end - p) : len;
    const struct ja_shadow_files files = {p, end ? end + 1 : p + len, first, end ? len - first - 1 : 0};
    struct ja_import_account *rows = NULL;
    struct ja_error err = {0};
    size_t n = 0, ready = 0;

    if (ja_import_shadow(&files, NOW, &rows, &n, &err) != JA_OK) {
        FUZZ_DEMAND(err.status == JA_ERR_INVALID && strcmp(err.code, "invalid_file") == 0 && !rows);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        demand_row(&rows[i].row, lines_of(p, len));
        if (rows[i].row.outcome == JA_IMPORT_READY) {
            demand_account(&rows[i]);
            ready++;
        }
    }
    FUZZ_DEMAND(n >= 1 && (int64_t)ready <= lines_of(p, first));
    ja_shadow_free(rows, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};

    switch (fuzz_byte(&in) % 3) {
    case 0: check_google(in.p, in.left); break;
    case 1: check_oath(in.p, in.left); break;
    default: check_shadow(in.p, in.left); break;
    }
    return 0;
}
