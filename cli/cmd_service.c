/* Services that ask for tokens themselves: their accounts, the uid they run under, their API keys. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/domain/role.h"
#include "common/flow/account_flow.h"
#include "common/flow/look_flow.h"
#include "common/flow/service_flow.h"

#include <string.h>

#define ROLES_MAX 64

static const struct row_field service_fields[] = {
    {"id", NULL, ROW_TEXT},           {"username", "SERVICE", ROW_TEXT}, {"status", "STATUS", ROW_TEXT},
    {"uid", "UID", ROW_INT},          {"bind_uid", "BOUND TO", ROW_INT}, {"roles", "ROLES", ROW_LIST},
    {"valid_until", NULL, ROW_TIME},  {"created_at", NULL, ROW_TIME},    {"updated_at", NULL, ROW_TIME},
};
static const struct row_type row_service = {"service", "services", service_fields,
                                            sizeof service_fields / sizeof *service_fields};

static const struct row_field key_fields[] = {
    {"id", "KEY", ROW_TEXT},         {"service", "SERVICE", ROW_TEXT},  {"scopes", "SCOPES", ROW_TEXT},
    {"ends_at", "ENDS", ROW_TIME},   {"last_used_at", "LAST USED", ROW_TIME},
    {"created_at", NULL, ROW_TIME},  {"created_by", NULL, ROW_TEXT},
};
static const struct row_type row_key = {"api key", "api_keys", key_fields, sizeof key_fields / sizeof *key_fields};

struct listing {
    struct cli *cli;
    struct cli_rows *rows;
    struct ja_error *err;
};

/* ---- services ---- */

/* `rows` NULL: the one record of the answer. */
static enum ja_status show_service(struct cli *cli, struct cli_rows *rows, const struct ja_user *u, struct ja_error *err)
{
    struct ja_strlist roles = {0};
    enum ja_status st = ja_role_effective(&cli->ctx, u->id, &roles, err);

    if (st == JA_OK) {
        const struct row_value values[] = {
            ROW_T(u->id), ROW_T(u->username), ROW_T(ja_user_status_name(u->status)), ROW_N(u->uid),
            u->bind_uid ? ROW_N(u->bind_uid) : ROW_NULL, ROW_L(&roles), ROW_N(u->valid_until),
            ROW_N(u->created_at), ROW_N(u->updated_at),
        };

        st = rows ? cli_rows_add(rows, values, err) : cli_record(cli, &row_service, values, err);
    }
    ja_strlist_clear(&roles);
    return st;
}

static enum ja_status read_uid(const char *text, int64_t *ret, struct ja_error *err)
{
    if (!text || ja_parse_i64(text, 1, UINT32_MAX - INT64_C(1), ret))
        return JA_OK;
    return ja_fail(err, JA_ERR_INVALID, "invalid_uid", "a service is bound to a uid of 1 to 4294967294, not %.40s", text);
}

static enum ja_status run_add(struct cli *cli, struct ja_error *err)
{
    const char *roles[ROLES_MAX];
    struct ja_user_spec spec = {.username = cli->args[0], .service = true, .roles = roles};
    struct ja_user u = {0};
    enum ja_status st = read_uid(cli_opt(cli, "bind-uid"), &spec.bind_uid, err);

    spec.nroles = cli_opt_all(cli, "role", roles, ROLES_MAX);
    if (st == JA_OK)
        st = ja_account_add(&cli->ctx, &spec, NULL, &u, err);
    if (st == JA_OK)
        st = show_service(cli, NULL, &u, err);
    ja_user_clear(&u);
    return st;
}

static enum ja_status rebind(struct cli *cli, int64_t uid, struct ja_error *err)
{
    struct ja_user_spec spec = {.bind_uid = uid};
    struct ja_user u = {0};
    enum ja_status st = ja_service_find(&cli->ctx, cli->args[0], &u, err);

    ja_user_clear(&u);
    if (st == JA_OK)
        st = ja_account_modify(&cli->ctx, cli->args[0], &spec, &u, err);
    if (st == JA_OK)
        st = show_service(cli, NULL, &u, err);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_bind(struct cli *cli, struct ja_error *err)
{
    int64_t uid = 0;
    enum ja_status st = read_uid(cli->args[1], &uid, err);

    return st == JA_OK ? rebind(cli, uid, err) : st;
}

static enum ja_status run_unbind(struct cli *cli, struct ja_error *err)
{
    return rebind(cli, -1, err);
}

static enum ja_status put_service(void *arg, const struct ja_user *u)
{
    struct listing *l = arg;

    return show_service(l->cli, l->rows, u, l->err);
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_user_filter filter = {.kind = "service"};
    enum ja_status st = cli_rows_begin(cli, &row_service, &l.rows, err);

    if (st == JA_OK) {
        filter.limit = cli_rows_limit(l.rows);
        filter.after = cli_rows_after(l.rows);
        st = ja_look_users(&cli->ctx, &filter, put_service, &l, err);
    }
    if (st == JA_OK)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

/* ---- API keys ---- */

/* The key alone on stdout, to be piped into a file of the service. */
static enum ja_status answer_key(struct cli *cli, const struct ja_api_key *k, const struct ja_secret *text,
                                 struct ja_error *err)
{
    if (cli->json)
        return cli_answer(cli,
                          json_pack("{s:s,s:s,s:o,s:s,s:o}", "id", k->id, "service", k->username, "scopes",
                                    ja_json_text(k->scopes[0] ? k->scopes : NULL), "key", (const char *)text->data,
                                    "ends_at", ja_json_time(k->ends_at)),
                          err);
    cli_notice(cli, "this is the key of %s, shown once; authctl api-key remove %s ends it", k->username, k->id);
    cli_raw(cli, text->data, text->len);
    return JA_OK;
}

static enum ja_status run_key_add(struct cli *cli, struct ja_error *err)
{
    char scopes[CLI_SCOPES_SIZE];
    const char *scope = NULL;
    struct ja_api_key k = {0};
    struct ja_secret text = {0};
    int64_t ends_at = 0;
    enum ja_status st = cli_opt_when(cli, "expires", 0, &ends_at, err);

    if (st == JA_OK)
        st = cli_opt_scopes(cli, scopes, &scope, err);
    if (st == JA_OK)
        st = ja_service_key_add(&cli->ctx, cli->args[0], scope, ends_at, &k, &text, err);
    if (st == JA_OK)
        st = answer_key(cli, &k, &text, err);
    ja_secret_clear(&text);
    return st;
}

static enum ja_status put_key(void *arg, const struct ja_api_key *k)
{
    struct listing *l = arg;
    const struct row_value values[] = {
        ROW_T(k->id), ROW_T(k->username), ROW_T(k->scopes[0] ? k->scopes : NULL), ROW_N(k->ends_at),
        ROW_N(k->last_used_at), ROW_N(k->created_at), ROW_T(k->created_by),
    };

    return cli_rows_add(l->rows, values, l->err);
}

static enum ja_status run_key_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_api_key_filter filter = {0};
    struct ja_user u = {0};
    enum ja_status st = cli->nargs ? ja_service_find(&cli->ctx, cli->args[0], &u, err) : JA_OK;

    if (st == JA_OK)
        st = cli_rows_begin(cli, &row_key, &l.rows, err);
    if (st == JA_OK) {
        filter.limit = cli_rows_limit(l.rows);
        filter.after = cli_rows_after(l.rows);
        st = ja_look_api_keys(&cli->ctx, cli->nargs ? cli->args[0] : NULL, &filter, put_key, &l, err);
    }
    ja_user_clear(&u);
    if (st == JA_OK)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

static enum ja_status run_key_remove(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_service_key_remove(&cli->ctx, cli->args[0], err);

    if (st == JA_OK && cli->json)
        return cli_answer(cli, json_pack("{s:o,s:b}", "id", ja_json_text(cli->args[0]), "removed", 1), err);
    if (st == JA_OK)
        cli_line(cli, "the API key counts no more");
    return st;
}

/* ---- table ---- */

static const struct cli_option add_options[] = {
    {"bind-uid", 0, "N", false, "whoever runs under this uid is the service, without any secret"},
    {"role", 0, "R", true, "grant this role"},
    CLI_OPTIONS_END,
};
static const struct cli_option page_options[] = {
    CLI_OPTIONS_PAGE,
    CLI_OPTIONS_END,
};
static const struct cli_option key_options[] = {
    {"scope", 0, "S", true, "only for this, of what the service's roles permit (default: all of that)"},
    {"expires", 0, "T", false, "the key ends then: 90d, or RFC 3339 (default: never)"},
    CLI_OPTIONS_END,
};

const struct command cmd_service_commands[] = {
    {.noun = "service",
     .verb = "add",
     .run = run_add,
     .needs = NEEDS_STORE,
     .options = add_options,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .summary = "add an account for a service, which gets tokens and has no password",
     .example = "authctl service add billing --bind-uid 991 --role invoicing",
     .details = "A process that runs under the service's own uid, or the one it is bound to, gets its\n"
                "tokens with 'authctl token get'; elsewhere it needs an API key.",
     .rows = &row_service},
    {.noun = "service",
     .verb = "list",
     .run = run_list,
     .needs = NEEDS_STORE,
     .options = page_options,
     .summary = "list the service accounts",
     .example = "authctl service list",
     .rows = &row_service},
    {.noun = "service",
     .verb = "bind",
     .run = run_bind,
     .needs = NEEDS_STORE,
     .args = "NAME UID",
     .min_args = 2,
     .max_args = 2,
     .summary = "bind a service to the uid that it runs under",
     .example = "authctl service bind billing 991",
     .rows = &row_service},
    {.noun = "service",
     .verb = "unbind",
     .run = run_unbind,
     .needs = NEEDS_STORE,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .summary = "bind a service to no uid any more",
     .example = "authctl service unbind billing",
     .rows = &row_service},
    {.noun = "api-key",
     .verb = "add",
     .run = run_key_add,
     .needs = NEEDS_MASTER,
     .options = key_options,
     .args = "SERVICE",
     .min_args = 1,
     .max_args = 1,
     .summary = "make an API key for a service and print it, once",
     .example = "authctl api-key add billing --scope invoices:read --expires 90d",
     .details = "The store keeps a hash only. A token that a key with scopes gets has these scopes and\n"
                "names no roles.",
     .keys = "id service scopes key ends_at"},
    {.noun = "api-key",
     .verb = "list",
     .run = run_key_list,
     .needs = NEEDS_STORE,
     .options = page_options,
     .args = "[SERVICE]",
     .max_args = 1,
     .summary = "list API keys with their ends and last use",
     .example = "authctl api-key list billing",
     .rows = &row_key},
    {.noun = "api-key",
     .verb = "remove",
     .run = run_key_remove,
     .needs = NEEDS_STORE,
     .args = "ID",
     .min_args = 1,
     .max_args = 1,
     .summary = "end an API key",
     .example = "authctl api-key remove 0197c7a2-0000-7000-8000-000000000000",
     .details = "At once; tokens that were got with it live on until their end.",
     .keys = "id removed"},
    {0},
};
