#include "cli/user_bulk.h"

#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/read_file.h"
#include "cli/rows.h"
#include "common/domain/nss_export.h"
#include "common/import/user_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)

static const struct row_field fields[] = {
    {"row", "ROW", ROW_INT},
    {"username", "USER", ROW_TEXT},
    {"outcome", "OUTCOME", ROW_TEXT},
    {"id", NULL, ROW_TEXT},
    {"code", "CODE", ROW_TEXT},
    {"message", "WHY", ROW_TEXT},
};
const struct row_type row_user_outcome = {"user outcome", "rows", fields, sizeof fields / sizeof *fields};

/* ---- the file ---- */

static bool ends_with(const char *s, const char *end)
{
    size_t a = strlen(s), b = strlen(end);

    return a >= b && strcmp(s + a - b, end) == 0;
}

static enum ja_status load(struct cli *cli, const char *path, struct ja_user_file **ret, struct ja_error *err)
{
    bool json = ends_with(path, ".json"), csv = ends_with(path, ".csv");
    char *data = NULL;
    size_t len = 0;
    enum ja_status st;

    if (!json && !csv)
        return cli_usage(cli, err, "the file's name says what it is: FILE.csv or FILE.json");
    st = cli_read_file(path, FILE_MAX, &data, &len, err);
    if (st == JA_OK)
        st = ja_user_file_parse(path, json ? JA_USERS_JSON : JA_USERS_CSV, data, len, ret, err);
    free(data);
    return st;
}

/* ---- the rows ---- */

struct bulk {
    struct cli *cli;
    struct cli_rows *rows;
    bool invite, terminal;
    size_t total, failed, invited;
};

/* Is who is there already the one that the row means? Then a run that was interrupted goes on. */
static bool same(struct ja_ctx *ctx, const struct ja_user_spec *spec)
{
    char want[JA_EMAIL_MAX + 1] = "", have[JA_EMAIL_MAX + 1] = "";
    struct ja_user u = {0};
    bool yes = ja_user_find_by_name(ctx, spec->username, &u, NULL) == JA_OK;

    if (yes && spec->email && spec->email[0])
        yes = ja_email_normalize(spec->email, want) && u.email && ja_email_normalize(u.email, have) &&
              strcmp(want, have) == 0;
    if (yes && spec->phone && spec->phone[0])
        yes = ja_phone_normalize(spec->phone, want) && u.phone && strcmp(want, u.phone) == 0;
    yes = yes && spec->service == (u.kind == JA_USER_SERVICE);
    ja_user_clear(&u);
    return yes;
}

static enum ja_status add_one(struct bulk *b, const struct ja_user_spec *spec, struct ja_user *u,
                              struct ja_error *why)
{
    struct ja_sent sent = {0};
    enum ja_status st;

    if (!b->invite || spec->service)
        return ja_account_add(&b->cli->ctx, spec, NULL, u, why);
    st = ja_account_invite(&b->cli->ctx, spec, u, &sent, why);
    b->invited += st == JA_OK ? 1 : 0;
    return st;
}

/* What is wrong with a row is its outcome; what is wrong with the installation ends the run. */
static bool of_the_row(enum ja_status st)
{
    return st == JA_ERR_INVALID || st == JA_ERR_POLICY || st == JA_ERR_EXISTS || st == JA_ERR_CONFLICT ||
           st == JA_ERR_NOT_FOUND;
}

static enum ja_status put(struct bulk *b, size_t i, const char *username, const char *outcome, const char *id,
                          const struct ja_error *why, struct ja_error *err)
{
    const struct row_value values[] = {
        ROW_N(i + 1), ROW_T(username), ROW_T(outcome), ROW_T(id), ROW_T(why ? why->code : NULL),
        ROW_T(why ? why->message : NULL),
    };

    return cli_rows_add(b->rows, values, err);
}

static enum ja_status run_row(struct bulk *b, const struct ja_user_file *f, size_t i, struct ja_error *err)
{
    struct ja_user_record r;
    struct ja_user u = {0};
    struct ja_error why = {0};
    enum ja_status st = ja_user_file_row(f, i, cli_now(b->cli), &r, &why);

    if (st == JA_OK)
        st = add_one(b, &r.spec, &u, &why);
    if (st == JA_OK) {
        st = put(b, i, r.spec.username, b->invite && u.status == JA_USER_PENDING ? "invited" : "added", u.id,
                 NULL, err);
    } else if (st == JA_ERR_EXISTS && same(&b->cli->ctx, &r.spec)) {
        st = put(b, i, r.spec.username, "unchanged", NULL, NULL, err);
    } else if (of_the_row(st)) {
        b->failed++;
        st = put(b, i, r.spec.username, "failed", NULL, &why, err);
    } else if (err) {
        *err = why;
    }
    ja_user_clear(&u);
    return st;
}

static void show_progress(const struct bulk *b, size_t done)
{
    if (b->terminal && (done % 100 == 0 || done == b->total))
        (void)fprintf(stderr, "\r%zu of %zu%s", done, b->total, done == b->total ? "\n" : "");
}

static enum ja_status finish(struct bulk *b, enum ja_status st, struct ja_error *err)
{
    struct ja_error local = {0};

    if (st != JA_OK) {
        cli_rows_free(b->rows);
        return st;
    }
    st = cli_rows_end(b->rows, err);
    if (b->invited > 0)
        cli_notice(b->cli, "%zu invitations wait in the outbox: authctl outbox flush sends them", b->invited);
    if (st == JA_OK && b->failed > 0) {
        st = ja_fail(&local, JA_ERR_INVALID, "rows_failed",
                     "%zu of %zu rows could not be added; mend them and run it again, the others stay", b->failed,
                     b->total);
        if (err)
            *err = local;
    }
    return st;
}

enum ja_status user_bulk_add(struct cli *cli, const char *path, bool invite, struct ja_error *err)
{
    struct ja_user_file *f = NULL;
    struct bulk b = {.cli = cli, .invite = invite, .terminal = isatty(STDERR_FILENO) && !cli->quiet};
    enum ja_status st = load(cli, path, &f, err);

    if (st == JA_OK)
        st = cli_rows_begin(cli, &row_user_outcome, &b.rows, err);
    if (st == JA_OK) {
        b.total = ja_user_file_rows(f);
        ja_nss_export_hold(&cli->ctx); /* written once, for all */
        for (size_t i = 0; st == JA_OK && i < b.total; i++) {
            st = run_row(&b, f, i, err);
            show_progress(&b, i + 1);
        }
        ja_nss_export_release(&cli->ctx);
        st = finish(&b, st, err);
    }
    ja_user_file_free(f);
    return st;
}
