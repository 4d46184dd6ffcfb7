/* Tokens of this store: issue, introspect, revoke, refresh. Verifying is in cmd_token_offline.c. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/row_tokens.h"
#include "common/flow/session_flow.h"
#include "common/view/introspection.h"
#include "common/view/row.h"

#include <string.h>

static enum ja_status run_issue(struct cli *cli, struct ja_error *err)
{
    const char *user = cli_opt(cli, "user"), *scope = NULL;
    char scopes[CLI_SCOPES_SIZE];
    struct ja_minted m = {0};
    int64_t ttl = 0;
    enum ja_status st;

    if (!user)
        return cli_usage(cli, err, "say whose token: --user NAME");
    st = cli_opt_duration(cli, "ttl", 0, &ttl, err);
    if (st == JA_OK && cli_opt(cli, "ttl") && ttl <= 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_ttl", "a token's lifetime is more than 0 seconds");
    if (st == JA_OK)
        st = cli_opt_scopes(cli, scopes, &scope, err);
    if (st == JA_OK)
        st = ja_token_issue(&cli->ctx, user, cli_opt(cli, "audience"), scope, ttl, &m, err);
    if (st == JA_OK && cli->json)
        st = cli_answer(cli,
                        json_pack("{s:s,s:s,s:I,s:s,s:o}", "access_token", m.token, "token_type",
                                  "Bearer", "expires_in", (json_int_t)(m.exp - m.iat), "jti",
                                  m.jti, "expires_at", ja_json_time(m.exp)),
                        err);
    else if (st == JA_OK)
        cli_raw(cli, m.token, strlen(m.token));
    ja_minted_clear(&m);
    return st;
}

/* The document says no more; the reason is for the person at the terminal. */
static enum ja_status put_inactive(struct cli *cli, struct ja_error *err)
{
    char reason[sizeof err->code];
    enum ja_status st;

    memcpy(reason, err->code, sizeof reason);
    st = cli_answer(cli, json_pack("{s:b}", "active", 0), err);
    return st == JA_OK ? ja_fail(err, JA_ERR_DENIED, "inactive", "the token is not active (%s)", reason)
                       : st;
}

static enum ja_status run_introspect(struct cli *cli, struct ja_error *err)
{
    struct ja_token_check check = ja_token_check_default(&cli->ctx);
    struct ja_secret token = {0};
    json_t *claims = NULL;
    enum ja_status st = cli_arg_or_stdin(cli, 0, "token", JA_TOKEN_MAX, &token, err);

    check.audience = cli_opt(cli, "audience"); /* RFC 7662: the server judges for any audience */
    if (st == JA_OK)
        st = ja_token_verify(&cli->ctx, (const char *)token.data, token.len, &check, false, &claims,
                             err);
    ja_secret_clear(&token);
    if (st == JA_ERR_DENIED)
        return put_inactive(cli, err);
    if (st == JA_OK)
        st = cli_answer(cli, ja_introspection(claims), err);
    json_decref(claims);
    return st;
}

static enum ja_status run_revoke(struct cli *cli, struct ja_error *err)
{
    struct ja_secret token = {0};
    enum ja_status st = cli_arg_or_stdin(cli, 0, "token", JA_TOKEN_MAX, &token, err);

    if (st == JA_OK)
        st = ja_token_revoke(&cli->ctx, (const char *)token.data, token.len, err);
    ja_secret_clear(&token);
    if (st == JA_OK && cli->json)
        return cli_answer(cli, json_pack("{s:b}", "revoked", 1), err);
    if (st == JA_OK)
        cli_line(cli, "the token counts no more");
    return st;
}

static enum ja_status run_refresh(struct cli *cli, struct ja_error *err)
{
    struct ja_auth_tokens tokens = {0};
    struct ja_secret refresh = {0};
    enum ja_status st = cli_secret(cli, "refresh-token-stdin", "refresh token", "Refresh token: ",
                                   JA_TOKEN_MAX, &refresh, err);

    if (st == JA_OK)
        st = ja_session_refresh(&cli->ctx, (const char *)refresh.data, refresh.len, &tokens, err);
    if (st == JA_OK)
        st = row_tokens_answer(cli, &tokens, err);
    ja_auth_tokens_clear(&tokens);
    ja_secret_clear(&refresh);
    return st;
}

static const struct cli_option issue_options[] = {
    {"user", 0, "NAME", false, "whose token (needed)"},
    {"audience", 0, "A", false, "who the token is for (default: as configured)"},
    {"scope", 0, "S", true, "a permission for the token, of those that the user holds"},
    {"ttl", 0, "T", false, "how long it lives: 15m, 2h (at most max_ttl)"},
    CLI_OPTIONS_END,
};
static const struct cli_option introspect_options[] = {
    {"audience", 0, "A", false, "only active for this audience"},
    CLI_OPTIONS_END,
};
static const struct cli_option refresh_options[] = {
    {"refresh-token-stdin", 0, NULL, false, "read the refresh token from standard input"},
    CLI_OPTIONS_END,
};

const struct command cmd_token_commands[] = {
    {.noun = "token",
     .verb = "issue",
     .run = run_issue,
     .needs = NEEDS_MASTER,
     .options = issue_options,
     .summary = "issue a new access token as an administrator",
     .example = "authctl token issue --user billing --audience invoices --ttl 10m",
     .keys = "access_token token_type expires_in jti expires_at"},
    {.noun = "token",
     .verb = "introspect",
     .run = run_introspect,
     .needs = NEEDS_MASTER | RAW_ARGUMENTS,
     .options = introspect_options,
     .args = "[TOKEN | -]",
     .max_args = 1,
     .summary = "say whether a token is active (RFC 7662)",
     .example = "authctl token introspect - <\"$JWTAUTH_TOKEN_FILE\"",
     .details = "Exit 1 when it is not. A token as argument can be seen by others on the host while\n"
                "this runs; '-' reads standard input.",
     .keys = "*"},
    {.noun = "token",
     .verb = "revoke",
     .run = run_revoke,
     .needs = NEEDS_MASTER | RAW_ARGUMENTS,
     .args = "[TOKEN | -]",
     .max_args = 1,
     .summary = "revoke an access token, or the session of a refresh token",
     .example = "authctl token revoke - <token",
     .details = "A token that is unknown or has ended is no error (RFC 7009). Verifiers that have the\n"
                "key set alone accept an access token until it ends.",
     .keys = "revoked"},
    {.noun = "token",
     .verb = "refresh",
     .run = run_refresh,
     .needs = NEEDS_MASTER,
     .options = refresh_options,
     .summary = "exchange a refresh token for new tokens",
     .example = "authctl token refresh --refresh-token-stdin --json <refresh-token",
     .details = "The refresh token is used up; the new one is in the answer with --json.",
     .keys = TOKENS_KEYS},
    {0},
};
