/* throttle: what is counted against users, sources and codes. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/rows.h"
#include "common/domain/user.h"
#include "common/flow/throttle_flow.h"
#include "common/flow/look_flow.h"

#include <stdio.h>
#include <string.h>

static const struct row_field fields[] = {
    {"id", NULL, ROW_TEXT},
    {"scope", "COUNTED BY", ROW_TEXT},
    {"what", "WHAT", ROW_TEXT},
    {"user_id", NULL, ROW_TEXT},
    {"username", "USER", ROW_TEXT},
    {"unknown_user", NULL, ROW_BOOL},
    {"source", "SOURCE", ROW_TEXT},
    {"count", "COUNT", ROW_INT},
    {"limit", "LIMIT", ROW_INT},
    {"window_ends_at", "WINDOW ENDS", ROW_TIME},
    {"blocked_until", "BLOCKED UNTIL", ROW_TIME},
};
static const struct row_type row_throttle = {"throttle", "throttle", fields, sizeof fields / sizeof *fields};

struct selection {
    struct ja_throttle_filter filter;
    struct ja_net net;
    struct ja_user user;
    char target[sizeof "source:" + 256];
};

static const char *or_null(const char *s)
{
    return s[0] ? s : NULL;
}

static enum ja_status read_source(struct selection *s, const char *text, struct ja_error *err)
{
    s->filter.local = strcmp(text, "local") == 0;
    if (!s->filter.local && !ja_net_parse(text, &s->net))
        return ja_fail(err, JA_ERR_INVALID, "invalid_network",
                       "--source is an address, a network as 192.0.2.0/24, or local");
    s->filter.source = s->filter.local ? NULL : &s->net;
    (void)snprintf(s->target, sizeof s->target, "source:%s", text);
    return JA_OK;
}

static enum ja_status select_rows(struct cli *cli, struct selection *s, struct ja_error *err)
{
    const char *user = cli_opt(cli, "user"), *source = cli_opt(cli, "source");
    enum ja_status st = JA_OK;

    (void)snprintf(s->target, sizeof s->target, "all");
    if (source)
        st = read_source(s, source, err);
    if (st == JA_OK && user)
        st = ja_user_find(&cli->ctx, user, &s->user, err);
    if (st == JA_OK && user) {
        s->filter.user_id = s->user.id;
        (void)snprintf(s->target, sizeof s->target, "user:%s", s->user.username);
    }
    return st;
}

struct listing {
    struct cli_rows *rows;
    struct ja_error *err;
};

static enum ja_status put(void *arg, const struct ja_throttle_row *r)
{
    struct listing *l = arg;
    const struct row_value values[] = {
        ROW_T(r->id), ROW_T(r->scope), ROW_T(or_null(r->what)), ROW_T(or_null(r->user_id)),
        ROW_T(or_null(r->username)), ROW_N(r->unknown_user), ROW_T(or_null(r->source)), ROW_N(r->count),
        r->limit ? ROW_N(r->limit) : ROW_NULL, ROW_N(r->window_ends_at), ROW_N(r->blocked_until),
    };

    return cli_rows_add(l->rows, values, l->err);
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct selection s = {0};
    struct listing l = {.err = err};
    enum ja_status st = select_rows(cli, &s, err);

    if (st == JA_OK)
        st = cli_rows_begin(cli, &row_throttle, &l.rows, err);
    if (st == JA_OK) {
        s.filter.limit = cli_rows_limit(l.rows);
        s.filter.after = cli_rows_after(l.rows);
        st = ja_look_throttle(&cli->ctx, &s.filter, put, &l, err);
    }
    ja_user_clear(&s.user);
    if (st == JA_OK)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

static enum ja_status run_clear(struct cli *cli, struct ja_error *err)
{
    struct selection s = {0};
    int64_t n = 0;
    enum ja_status st = select_rows(cli, &s, err);

    if (st == JA_OK && !cli_opt(cli, "user") && !cli_opt(cli, "source"))
        st = cli_confirm(cli, err, "Forget what is counted against every user and source?");
    if (st == JA_OK)
        st = ja_throttle_forget_flow(&cli->ctx, &s.filter, s.target, &n, err);
    ja_user_clear(&s.user);
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:I}", "cleared", (json_int_t)n), err);
    cli_line(cli, "%lld count%s cleared", (long long)n, n == 1 ? "" : "s");
    return JA_OK;
}

#define SELECTION \
    {"user", 0, "U", false, "only of this user"}, \
        {"source", 0, "NET", false, "only of this address or network; local: without an address"}

static const struct cli_option list_options[] = {SELECTION, CLI_OPTIONS_PAGE, CLI_OPTIONS_END};
static const struct cli_option clear_options[] = {SELECTION, CLI_OPTIONS_END};

const struct command cmd_throttle_commands[] = {
    {.noun = "throttle",
     .verb = "list",
     .run = run_list,
     .needs = NEEDS_STORE,
     .options = list_options,
     .summary = "list what is counted against users, sources and codes",
     .example = "authctl throttle list --user alice",
     .details = "Names that are nobody's are counted too, but never shown: they may be passwords.",
     .rows = &row_throttle},
    {.noun = "throttle",
     .verb = "clear",
     .run = run_clear,
     .needs = NEEDS_STORE,
     .options = clear_options,
     .summary = "forget what is counted, so that logins are let through again",
     .example = "authctl throttle clear --user alice",
     .details = "Without --user or --source everything is forgotten; asks first, unless --yes is given.",
     .keys = "cleared"},
    {0},
};
