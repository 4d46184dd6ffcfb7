/* Sessions: look at them and end them. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/flow/look_flow.h"
#include "common/flow/session_flow.h"
#include "common/view/session_row.h"

struct listing {
    struct cli *cli;
    struct cli_rows *rows;
    struct ja_error *err;
};

static enum ja_status put(void *arg, const struct ja_session *s)
{
    struct listing *l = arg;
    const struct row_session_values values = ja_row_session(s, cli_now(l->cli));

    return cli_rows_add(l->rows, values.v, l->err);
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_session_filter filter = {.live_only = !cli_flag(cli, "all")};
    enum ja_status st = cli_rows_begin(cli, &row_session, &l.rows, err);

    if (st == JA_OK) {
        filter.limit = cli_rows_limit(l.rows);
        filter.after = cli_rows_after(l.rows);
        st = ja_look_sessions(&cli->ctx, cli_opt(cli, "user"), &filter, put, &l, err);
    }
    if (st == JA_OK)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

static enum ja_status run_show(struct cli *cli, struct ja_error *err)
{
    struct ja_session s = {0};
    enum ja_status st = ja_look_session(&cli->ctx, cli->args[0], &s, err);

    if (st == JA_OK) {
        const struct row_session_values values = ja_row_session(&s, cli_now(cli));

        st = cli_record(cli, &row_session, values.v, err);
    }
    ja_session_clear(&s);
    return st;
}

static enum ja_status revoke_user(struct cli *cli, const char *name, int64_t *ret_count,
                                  struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find(&cli->ctx, name, &u, err);

    if (st == JA_OK)
        st = ja_session_close_user(&cli->ctx, u.id, "revoked", ret_count, err);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_revoke(struct cli *cli, struct ja_error *err)
{
    const char *name = cli_opt(cli, "user");
    bool ended = false;
    int64_t count = 0;
    enum ja_status st;

    if (!name == (cli->nargs == 0))
        return cli_usage(cli, err, "give one session's ID, or --user NAME for all of a user");
    if (name) {
        st = revoke_user(cli, name, &count, err);
    } else {
        st = ja_session_close(&cli->ctx, cli->args[0], "revoked", &ended, err);
        count = ended ? 1 : 0;
    }
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:I}", "ended", (json_int_t)count), err);
    cli_line(cli, "%lld session%s ended", (long long)count, count == 1 ? "" : "s");
    return JA_OK;
}

static const struct cli_option list_options[] = {
    {"user", 0, "NAME", false, "only of this user"},
    {"all", 0, NULL, false, "those that have ended too"},
    CLI_OPTIONS_PAGE,
    CLI_OPTIONS_END,
};
static const struct cli_option revoke_options[] = {
    {"user", 0, "NAME", false, "every session of this user, and its access tokens"},
    {"all", 0, NULL, false, "with --user: the default, said aloud"},
    CLI_OPTIONS_END,
};

const struct command cmd_session_commands[] = {
    {.noun = "session",
     .verb = "list",
     .run = run_list,
     .needs = NEEDS_STORE,
     .options = list_options,
     .summary = "list live sessions",
     .example = "authctl session list --user alice",
     .rows = &row_session},
    {.noun = "session",
     .verb = "show",
     .run = run_show,
     .needs = NEEDS_STORE,
     .args = "ID",
     .min_args = 1,
     .max_args = 1,
     .summary = "show one session",
     .example = "authctl session show 0197c7a2-0000-7000-8000-000000000000",
     .rows = &row_session},
    {.noun = "session",
     .verb = "revoke",
     .run = run_revoke,
     .needs = NEEDS_STORE,
     .options = revoke_options,
     .args = "[ID]",
     .max_args = 1,
     .summary = "end a session with its refresh and access tokens",
     .example = "authctl session revoke --user alice",
     .keys = "ended"},
    {0},
};
