/* import: people move in with what they have. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/base/file_guard.h"
#include "common/import/import_google_authenticator.h"
#include "common/import/import_oath_users.h"
#include "common/import/import_shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FACTOR_FILE_MAX ((size_t)64 << 10)
#define BIG_FILE_MAX ((size_t)64 << 20)

static const struct row_field fields[] = {
    {"row", "ROW", ROW_INT},   {"username", "USER", ROW_TEXT}, {"outcome", "OUTCOME", ROW_TEXT},
    {"uid", "UID", ROW_INT},   {"gid", NULL, ROW_INT},         {"status", "STATUS", ROW_TEXT},
    {"code", "CODE", ROW_TEXT}, {"message", "NOTE", ROW_TEXT},
};
static const struct row_type imported_row = {"imported row", "rows", fields, sizeof fields / sizeof *fields};

/* ---- what all of them do ---- */

static void show_progress(void *arg, int64_t done, int64_t total)
{
    (void)arg;
    if (done % 100 == 0 || done == total)
        (void)fprintf(stderr, "\r%lld of %lld%s", (long long)done, (long long)total, done == total ? "\n" : "");
}

static struct ja_import_mode read_mode(const struct cli *cli, const char *source)
{
    bool terminal = isatty(STDERR_FILENO) && !cli->quiet;

    return (struct ja_import_mode){
        .source = source,
        .dry_run = cli_flag(cli, "dry-run"),
        .skip_bad = cli_flag(cli, "skip-bad"),
        .progress = terminal ? show_progress : NULL,
    };
}

static enum ja_status put_row(struct cli_rows *rows, const struct ja_import_row *r, const struct ja_user *u,
                              const char *status, struct ja_error *err)
{
    const struct row_value values[] = {
        ROW_N(r->line),
        ROW_T(r->name[0] ? r->name : NULL),
        ROW_T(ja_import_outcome_name(r->outcome)),
        u && u->uid ? ROW_N(u->uid) : ROW_NULL,
        u && u->gid ? ROW_N(u->gid) : ROW_NULL,
        ROW_T(status),
        ROW_T(r->code[0] ? r->code : NULL),
        ROW_T(r->message),
    };

    return cli_rows_add(rows, values, err);
}

/* The last word: what failed makes the exit code, unless it was to be left out. */
static enum ja_status conclude(const struct cli *cli, const struct ja_import_mode *mode,
                               const struct ja_import_tally *t, size_t n, struct ja_error *err)
{
    if (t->failed > 0 && !mode->skip_bad)
        return ja_fail(err, JA_ERR_INVALID, "rows_failed",
                       "%zu of %zu rows cannot be taken, so nothing was imported; mend them, or leave them out with "
                       "--skip-bad", t->failed, n);
    if (mode->dry_run)
        cli_notice(cli, "nothing was written: this is what would be done");
    else
        cli_notice(cli, "%zu added, %zu adopted, %zu there already, %zu skipped, %zu failed", t->added, t->adopted,
                   t->unchanged, t->skipped, t->failed);
    return JA_OK;
}

/* ---- second factors ---- */

/* The file is its user's own: whoever it belongs to, nobody else may be able to read it. */
static enum ja_status read_own_file(const char *path, struct ja_secret *ret, struct ja_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct ja_secret s = {0};
    struct stat sb;
    ssize_t n = 1;
    enum ja_status st = JA_OK;

    if (fd < 0)
        return ja_fail(err, errno == ENOENT ? JA_ERR_NOT_FOUND : JA_ERR_INVALID, "file_unreadable",
                       "%s cannot be read: %s", path, strerrordesc_np(errno));
    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode) || (size_t)sb.st_size > FACTOR_FILE_MAX)
        st = ja_fail(err, JA_ERR_INVALID, "file_unreadable", "%s is no file of at most 64 KiB", path);
    else if (sb.st_mode & 077)
        st = ja_fail(err, JA_ERR_INVALID, "unsafe_file",
                     "%s can be read by others than its owner: is the secret still one? If so, run chmod 0400 %s", path,
                     path);
    if (st == JA_OK)
        st = ja_secret_init(&s, FACTOR_FILE_MAX, err);
    while (st == JA_OK && s.len < s.cap && (n = read(fd, s.data + s.len, s.cap - s.len)) > 0)
        s.len += (size_t)n;
    (void)close(fd);
    if (st == JA_OK && n < 0)
        st = ja_fail(err, JA_ERR_IO, "file_unreadable", "%s cannot be read", path);
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}

static enum ja_status answer_factor(struct cli *cli, const struct ja_import_factor *f, struct ja_error *err)
{
    if (f->row.message)
        cli_notice(cli, "%s", f->row.message);
    if (cli->json)
        return cli_answer(cli,
                          json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "user", f->row.name, "outcome",
                                    ja_import_outcome_name(f->row.outcome), "recovery_codes", (json_int_t)f->ncodes,
                                    "window", (json_int_t)ja_totp_window(&cli->ctx, &f->totp), "period",
                                    (json_int_t)f->totp.period, "message", ja_json_text(f->row.message)),
                          err);
    cli_line(cli, "%s the second factor of %s, with %zu recovery codes",
             f->row.outcome == JA_IMPORT_ADDED ? "imported" : "would import", f->row.name, f->ncodes);
    return JA_OK;
}

static enum ja_status run_google_authenticator(struct cli *cli, struct ja_error *err)
{
    struct ja_import_mode mode = {.source = "google-authenticator", .dry_run = cli_flag(cli, "dry-run")};
    struct ja_import_tally t = {0};
    struct ja_import_factor f = {0};
    struct ja_secret text = {0};
    struct ja_user u = {0};
    enum ja_status st = ja_user_find(&cli->ctx, cli->args[0], &u, err);

    if (st == JA_OK)
        st = read_own_file(cli->args[1], &text, err);
    if (st == JA_OK)
        st = ja_import_google_authenticator(u.username, text.data, text.len, &f, err);
    ja_secret_clear(&text);
    if (st == JA_OK)
        st = ja_import_factors(&cli->ctx, &f, 1, &mode, &t, err);
    if (st == JA_OK && t.failed > 0)
        st = ja_fail(err, f.row.status, f.row.code, "%s", f.row.message);
    if (st == JA_OK)
        st = answer_factor(cli, &f, err);
    ja_import_factor_clear(&f);
    ja_user_clear(&u);
    return st;
}

static enum ja_status put_factors(struct cli *cli, const struct ja_import_factor *rows, size_t n, struct ja_error *err)
{
    struct cli_rows *out = NULL;
    enum ja_status st = cli_rows_begin(cli, &imported_row, &out, err);

    for (size_t i = 0; st == JA_OK && i < n; i++)
        st = put_row(out, &rows[i].row, NULL, NULL, err);
    if (st == JA_OK)
        return cli_rows_end(out, err);
    cli_rows_free(out);
    return st;
}

/* A file that others could read, or write, holds no secrets and no truth; of the caller's own making: exit 5. */
static enum ja_status read_guarded(const char *path, mode_t mode, struct ja_secret *ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = mode, .max_size = BIG_FILE_MAX, .allow_own = true};
    enum ja_status st = ja_file_read(path, &rule, ret, err);

    return st == JA_ERR_UNSAFE ? JA_ERR_INVALID : st;
}

static enum ja_status run_oath_users(struct cli *cli, struct ja_error *err)
{
    struct ja_import_mode mode = read_mode(cli, "oath-users");
    struct ja_import_tally t = {0};
    struct ja_import_factor *rows = NULL;
    struct ja_secret text = {0};
    size_t n = 0;
    enum ja_status st = read_guarded(cli->args[0], 0600, &text, err);

    if (st == JA_OK)
        st = ja_import_oath_users(text.data, text.len, cli_now(cli), &rows, &n, err);
    ja_secret_clear(&text);
    if (st == JA_OK)
        st = ja_import_factors(&cli->ctx, rows, n, &mode, &t, err);
    if (st == JA_OK)
        st = put_factors(cli, rows, n, err);
    if (st == JA_OK)
        st = conclude(cli, &mode, &t, n, err);
    ja_oath_users_free(rows, n);
    return st;
}

/* ---- accounts ---- */

#define OWN_PASSWD "/etc/passwd"
#define OWN_SHADOW "/etc/shadow"

static bool has_state(enum ja_import_outcome o)
{
    return o == JA_IMPORT_ADDED || o == JA_IMPORT_ADOPTED || o == JA_IMPORT_PLANNED ||
           o == JA_IMPORT_PLANNED_ADOPTION || o == JA_IMPORT_HELD;
}

static enum ja_status put_accounts(struct cli *cli, const struct ja_import_account *rows, size_t n,
                                   struct ja_error *err)
{
    struct cli_rows *out = NULL;
    enum ja_status st = cli_rows_begin(cli, &imported_row, &out, err);

    for (size_t i = 0; st == JA_OK && i < n; i++) {
        const char *state = ja_import_locked(&rows[i]) ? "locked" : "active";

        st = put_row(out, &rows[i].row, &rows[i].user, has_state(rows[i].row.outcome) ? state : NULL, err);
    }
    if (st == JA_OK)
        return cli_rows_end(out, err);
    cli_rows_free(out);
    return st;
}

static enum ja_status read_files(struct cli *cli, struct ja_import_account **ret, size_t *ret_n, struct ja_error *err)
{
    const char *passwd = cli_opt(cli, "passwd"), *shadow = cli_opt(cli, "shadow");
    struct ja_secret people = {0}, hashes = {0};
    struct ja_shadow_files files;
    enum ja_status st;

    if (!passwd != !shadow)
        return cli_usage(cli, err, "give both --passwd and --shadow, of the same host; or neither for this one");
    st = read_guarded(passwd ? passwd : OWN_PASSWD, 0644, &people, err);
    if (st == JA_OK)
        st = read_guarded(shadow ? shadow : OWN_SHADOW, 0640, &hashes, err);
    files = (struct ja_shadow_files){people.data, hashes.data, people.len, hashes.len};
    if (st == JA_OK)
        st = ja_import_shadow(&files, cli_now(cli), ret, ret_n, err);
    ja_secret_clear(&people);
    ja_secret_clear(&hashes);
    return st;
}

static enum ja_status run_shadow(struct cli *cli, struct ja_error *err)
{
    struct ja_import_mode mode = read_mode(cli, "shadow");
    struct ja_import_tally t = {0};
    struct ja_import_account *rows = NULL;
    size_t n = 0;
    enum ja_status st = read_files(cli, &rows, &n, err);

    mode.adopt = cli_flag(cli, "adopt");
    if (st == JA_OK)
        st = ja_import_accounts(&cli->ctx, rows, n, &mode, &t, err);
    if (st == JA_OK)
        st = put_accounts(cli, rows, n, err);
    if (st == JA_OK)
        st = conclude(cli, &mode, &t, n, err);
    if (st == JA_OK && !cli_opt(cli, "passwd"))
        cli_notice(cli, "%zu accounts stay local, as /etc/passwd and /etc/shadow have them", t.skipped);
    ja_shadow_free(rows, n);
    return st;
}

/* ---- the table ---- */

#define DRY_RUN {"dry-run", 0, NULL, false, "only say what would be done"}
#define SKIP_BAD {"skip-bad", 0, NULL, false, "leave out the rows that cannot be taken"}

static const struct cli_option factor_options[] = {DRY_RUN, CLI_OPTIONS_END};
static const struct cli_option oath_options[] = {DRY_RUN, SKIP_BAD, CLI_OPTIONS_END};

static const struct cli_option shadow_options[] = {
    {"passwd", 0, "F", false, "another host's passwd file (default: /etc/passwd)"},
    {"shadow", 0, "F", false, "another host's shadow file (default: /etc/shadow)"},
    {"adopt", 0, NULL, false, "take over users that /etc/passwd of this host has"},
    DRY_RUN,
    SKIP_BAD,
    CLI_OPTIONS_END,
};

const struct command cmd_import_commands[] = {
    {.noun = "import",
     .verb = "shadow",
     .run = run_shadow,
     .needs = NEEDS_STORE,
     .options = shadow_options,
     .summary = "take over accounts with their passwords from passwd and shadow",
     .example = "authctl import shadow --adopt --dry-run",
     .details = "Passwords, locks and ends are kept; system accounts stay where they are. All rows\n"
                "or none, unless --skip-bad. Exit 5: a row cannot be taken, and none was.",
     .rows = &imported_row},
    {.noun = "import",
     .verb = "google-authenticator",
     .run = run_google_authenticator,
     .needs = NEEDS_MASTER,
     .args = "NAME FILE",
     .min_args = 2,
     .max_args = 2,
     .options = factor_options,
     .summary = "take over a second factor of google-authenticator",
     .example = "authctl import google-authenticator alice /home/alice/.google_authenticator",
     .details = "The secret, its window and used codes are kept; scratch codes become the recovery\n"
                "codes. It is in force at once: remove pam_google_authenticator from the stack.",
     .keys = "user outcome recovery_codes window period message"},
    {.noun = "import",
     .verb = "oath-users",
     .run = run_oath_users,
     .needs = NEEDS_MASTER,
     .args = "FILE",
     .min_args = 1,
     .max_args = 1,
     .options = oath_options,
     .summary = "take over the second factors of pam_oath",
     .example = "authctl import oath-users /etc/users.oath --dry-run",
     .details = "Time-based types only. All rows or none, unless --skip-bad. Exit 5: a row cannot\n"
                "be taken, and none was.",
     .rows = &imported_row},
    {0},
};
