/* db status, migrate, check, backup, restore. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/rows.h"
#include "common/flow/store_flow.h"

#include <stdio.h>
#include <unistd.h>

static const struct row_field store_fields[] = {
    {"engine", "ENGINE", ROW_TEXT},
    {"path", "PATH", ROW_TEXT},
    {"state", "STATE", ROW_TEXT},
    {"schema_version", "SCHEMA", ROW_INT},
    {"program_version", "PROGRAM", ROW_INT},
    {"size", "SIZE", ROW_INT},
    {"users", "USERS", ROW_INT},
    {"newest_audit", "NEWEST AUDIT", ROW_TIME},
};
static const struct row_type store_row = {"store", "stores", store_fields, 8};

static enum ja_status run_status(struct cli *cli, struct ja_error *err)
{
    struct ja_store_info i = {0};
    enum ja_status st = ja_store_info(&cli->ctx, &i, err);

    if (st != JA_OK)
        return st;
    return cli_record(cli, &store_row,
                      (struct row_value[]){ROW_T(i.engine), ROW_T(i.path), ROW_T(i.state),
                                           ROW_N(i.schema_version), ROW_N(i.schema_built),
                                           ROW_N(i.size), i.users < 0 ? ROW_NULL : ROW_N(i.users),
                                           ROW_N(i.newest_audit)},
                      err);
}

static enum ja_status run_migrate(struct cli *cli, struct ja_error *err)
{
    int applied = 0, version = 0;
    enum ja_status st = ja_store_migrate(&cli->ctx, &applied, &version, err);

    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:i, s:i}", "applied", applied, "schema_version", version),
                          err);
    if (applied == 0)
        cli_line(cli, "the schema has version %d already", version);
    else
        cli_line(cli, "applied %d migration%s, the schema has version %d", applied,
                 applied == 1 ? "" : "s", version);
    return JA_OK;
}

static enum ja_status run_check(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_store_check(&cli->ctx, err);

    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:b}", "ok", 1), err);
    cli_line(cli, "the database is sound");
    return JA_OK;
}

/* One line on a terminal that is written over; nothing elsewhere. */
struct progress { const struct cli *cli; int shown; };

static void show_progress(void *arg, int64_t done, int64_t total)
{
    struct progress *p = arg;
    int percent = total > 0 ? (int)(done * 100 / total) : 100;

    if (p->cli->quiet || percent == p->shown || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\r%3d %%%s", percent, percent == 100 ? "\n" : "");
    p->shown = percent;
}

static void end_progress(const struct progress *p)
{
    if (p->shown >= 0 && p->shown < 100)
        (void)fputc('\n', stderr);
}

static enum ja_status run_backup(struct cli *cli, struct ja_error *err)
{
    struct progress p = {cli, -1};
    enum ja_status st = ja_store_backup(&cli->ctx, cli->args[0], show_progress, &p, err);

    end_progress(&p);
    if (st != JA_OK)
        return st;
    cli_notice(cli, "secrets in it are sealed by the master key, which is not in it: keep a copy of "
               "that apart");
    if (cli->json)
        return cli_answer(cli, json_pack("{s:o}", "path", ja_json_text(cli->args[0])), err);
    cli_line(cli, "made %s", cli->args[0]);
    return JA_OK;
}

static enum ja_status run_restore(struct cli *cli, struct ja_error *err)
{
    struct progress p = {cli, -1};
    int applied = 0;
    enum ja_status st = cli_confirm(cli, err, "replace all users, sessions and keys by those of %s?",
                                    cli->args[0]);

    if (st == JA_OK)
        st = ja_store_restore(&cli->ctx, cli->args[0], show_progress, &p, &applied, err);
    end_progress(&p);
    if (st != JA_OK)
        return st;
    cli_notice(cli, "sessions and tokens that were revoked since the backup may be valid again: see "
               "'authctl session revoke'");
    if (cli->json)
        return cli_answer(cli, json_pack("{s:o, s:i}", "path", ja_json_text(cli->args[0]), "applied",
                                         applied), err);
    cli_line(cli, "restored %s", cli->args[0]);
    if (applied > 0)
        cli_line(cli, "applied %d migration%s to it", applied, applied == 1 ? "" : "s");
    return JA_OK;
}

#define NEEDS (NEEDS_CONFIG | NEEDS_ROOT)

const struct command cmd_store_commands[] = {
    {.noun = "db", .verb = "status", .run = run_status, .needs = NEEDS,
     .summary = "show engine, file, schema version and size of the store",
     .example = "authctl db status",
     .details = "State: current; older (authctl db migrate mends it); newer (than this program);\n"
                "different (the schema was changed by something else, see authctl db check).",
     .rows = &store_row},
    {.noun = "db", .verb = "migrate", .run = run_migrate, .needs = NEEDS,
     .summary = "bring the schema to this program's version", .example = "authctl db migrate",
     .details = "Safe to repeat. Each step is one transaction: it is there wholly or not at all.\n"
                "A store that is newer than the program is refused.",
     .keys = "applied schema_version"},
    {.noun = "db", .verb = "check", .run = run_check, .needs = NEEDS,
     .summary = "check the store's pages, references and schema", .example = "authctl db check",
     .details = "Exit 8 and the first finding when something is wrong.", .keys = "ok"},
    {.noun = "db", .verb = "backup", .run = run_backup, .needs = NEEDS, .args = "FILE",
     .min_args = 1, .max_args = 1, .summary = "copy the store into a new file while logins go on",
     .example = "authctl db backup /var/backups/jwtauth.db",
     .details = "FILE must not exist; it is made with mode 0600 and holds one moment of the store.\n"
                "The master key is not in it: without that, secrets in it cannot be opened.",
     .keys = "path"},
    {.noun = "db", .verb = "restore", .run = run_restore, .needs = NEEDS, .args = "FILE",
     .min_args = 1, .max_args = 1, .summary = "check a backup, then replace the store by it",
     .example = "authctl db restore /var/backups/jwtauth.db",
     .details = "Asks, unless --yes is given. A backup that is damaged, newer than the program or not\n"
                "private leaves the store as it is. Running programs see the new contents at once.",
     .keys = "path applied"},
    {0},
};
