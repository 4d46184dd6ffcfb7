/* Signing keys, by an administrator. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/rows.h"
#include "common/base/file_guard.h"
#include "common/flow/key_flow.h"
#include "common/flow/look_flow.h"

#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 16384

static const struct row_field fields[] = {
    {"kid", "KID", ROW_TEXT},           {"alg", "ALG", ROW_TEXT},
    {"state", "STATE", ROW_TEXT},       {"created_at", "CREATED", ROW_TIME},
    {"active_at", "ACTIVE", ROW_TIME},  {"retiring_at", "RETIRING", ROW_TIME},
    {"retired_at", "RETIRED", ROW_TIME},
};
static const struct row_type row_key = {"key", "keys", fields, sizeof fields / sizeof *fields};

#define VALUES(k) \
    { \
        ROW_T((k)->kid), ROW_T(ja_alg_name((k)->alg)), ROW_T((k)->state), ROW_N((k)->created_at), \
            ROW_N((k)->active_at), ROW_N((k)->retiring_at), ROW_N((k)->retired_at) \
    }

struct listing {
    struct cli_rows *rows;
    const char *after;
    bool started;
    struct ja_error *err;
};

/* A handful of rows: paging is done here. */
static enum ja_status put(void *arg, const struct ja_key_info *info)
{
    struct listing *l = arg;
    const struct row_value values[] = VALUES(info);

    if (!l->started) {
        l->started = strcmp(info->kid, l->after) == 0;
        return JA_OK;
    }
    return cli_rows_add(l->rows, values, l->err);
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.err = err};
    enum ja_status st = cli_rows_begin(cli, &row_key, &l.rows, err);

    if (st != JA_OK)
        return st;
    l.after = cli_rows_after(l.rows);
    l.started = !l.after;
    st = ja_look_keys(&cli->ctx, put, &l, err);
    if (st == JA_OK)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

static enum ja_status answer_key(struct cli *cli, const struct ja_key_info *info, struct ja_error *err)
{
    const struct row_value values[] = VALUES(info);

    return cli_record(cli, &row_key, values, err);
}

static enum ja_status run_rotate(struct cli *cli, struct ja_error *err)
{
    struct ja_key_info active;
    enum ja_alg alg = JA_ALG_NONE;
    bool rotated = false;
    enum ja_status st = cli_opt_alg(cli, "alg", &alg, err);

    if (st == JA_OK)
        st = ja_key_rotate(&cli->ctx, alg, cli_flag(cli, "if-due"), &rotated, &active, err);
    if (st == JA_OK && !rotated)
        cli_notice(cli, "not due: the active key stays");
    return st == JA_OK ? answer_key(cli, &active, err) : st;
}

static enum ja_status run_retire(struct cli *cli, struct ja_error *err)
{
    struct ja_key_info info;
    const char *kid = cli->args[0];
    enum ja_status st = ja_signing_key_info(&cli->ctx, kid, &info, err);

    if (st == JA_OK && strcmp(info.state, "retiring") == 0)
        st = cli_confirm(cli, err, "Tokens that this key signed and that have not ended are refused "
                                   "from now on. Retire it?");
    if (st == JA_OK)
        st = ja_key_retire(&cli->ctx, kid, err);
    if (st == JA_OK)
        st = ja_signing_key_info(&cli->ctx, kid, &info, err);
    return st == JA_OK ? answer_key(cli, &info, err) : st;
}

/* A private key's file is read like a secret: nobody else may be able to read it. */
static enum ja_status run_import(struct cli *cli, struct ja_error *err)
{
    static const struct ja_file_rule rule = {.max_mode = 0600, .max_size = KEY_FILE_MAX,
                                             .allow_own = true};
    struct ja_key_info info;
    struct ja_secret text = {0};
    enum ja_alg alg = JA_ALG_NONE;
    enum ja_status st = cli_opt_alg(cli, "alg", &alg, err);

    if (st == JA_OK)
        st = ja_file_read(cli->args[0], &rule, &text, err);
    if (st == JA_ERR_UNSAFE) /* of the caller's own making: exit 5, nothing of ours is broken */
        st = JA_ERR_INVALID;
    if (st == JA_OK)
        st = ja_key_import(&cli->ctx, &text, alg, &info, err);
    ja_secret_clear(&text);
    if (st == JA_OK && info.alg != (enum ja_alg)cli->ctx.cfg->tokens.algorithm)
        cli_notice(cli, "it becomes active with: authctl key rotate --alg %s (configured is %s)",
                   ja_alg_name(info.alg), ja_alg_name((enum ja_alg)cli->ctx.cfg->tokens.algorithm));
    return st == JA_OK ? answer_key(cli, &info, err) : st;
}

static enum ja_status put_private(struct cli *cli, const struct ja_key *key, struct ja_error *err)
{
    struct ja_secret text = {0};
    bool jwk = ja_key_alg(key) == JA_ALG_HS256 || cli->json;
    enum ja_status st = jwk ? ja_key_private_jwk(key, &text, err) : ja_key_private_pem(key, &text, err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_loadb((const char *)text.data, text.len, 0, NULL), err);
    else if (st == JA_OK)
        cli_raw(cli, text.data, text.len);
    ja_secret_clear(&text);
    return st;
}

static enum ja_status put_public(struct cli *cli, const struct ja_key *key, struct ja_error *err)
{
    json_t *jwk = NULL;
    char *pem = NULL;
    enum ja_status st;

    if (cli->json) {
        st = ja_key_public_jwk(key, &jwk, err);
        return st == JA_OK ? cli_answer(cli, jwk, err) : st;
    }
    st = ja_key_public_pem(key, &pem, err);
    if (st == JA_OK)
        cli_raw(cli, pem, strlen(pem));
    free(pem);
    return st;
}

static enum ja_status run_export(struct cli *cli, struct ja_error *err)
{
    bool with_private = cli_flag(cli, "private");
    struct ja_key *key = NULL;
    enum ja_status st = JA_OK;

    if (with_private)
        st = cli_confirm(cli, err, "Who has the private key can sign tokens for anybody. Print it?");
    if (st == JA_OK)
        st = ja_signing_key_load(&cli->ctx, cli->args[0], with_private, &key, err);
    if (st == JA_OK)
        st = with_private ? put_private(cli, key, err) : put_public(cli, key, err);
    if (st == JA_ERR_UNSUPPORTED) /* an HS256 key has no public part: asked for wrongly, nothing is broken */
        st = ja_fail(err, JA_ERR_INVALID, "symmetric_key",
                     "an HS256 key has no public part; --private prints the secret");
    ja_key_free(key);
    return st;
}

static enum ja_status run_jwks(struct cli *cli, struct ja_error *err)
{
    char *text = NULL;
    enum ja_status st = ja_signing_key_jwks(&cli->ctx, &text, err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_loads(text, 0, NULL), err);
    else if (st == JA_OK)
        cli_raw(cli, text, strlen(text));
    free(text);
    return st;
}

static const struct cli_option list_options[] = {CLI_OPTIONS_PAGE, CLI_OPTIONS_END};
static const struct cli_option rotate_options[] = {
    {"alg", 0, "A", false, "ES256, EdDSA, RS256 or HS256 (default: as configured)"},
    {"if-due", 0, NULL, false, "only when the active key is older than rotate_every"},
    CLI_OPTIONS_END,
};
static const struct cli_option import_options[] = {
    {"alg", 0, "A", false, "what the key is for, where the file does not say"},
    CLI_OPTIONS_END,
};
static const struct cli_option export_options[] = {
    {"private", 0, NULL, false, "the private key (asks; --yes)"},
    CLI_OPTIONS_END,
};

const struct command cmd_key_commands[] = {
    {.noun = "key",
     .verb = "list",
     .run = run_list,
     .needs = NEEDS_STORE,
     .options = list_options,
     .summary = "list signing keys",
     .example = "authctl key list",
     .rows = &row_key},
    {.noun = "key",
     .verb = "rotate",
     .run = run_rotate,
     .needs = NEEDS_MASTER,
     .options = rotate_options,
     .summary = "make the next key the active one",
     .example = "authctl key rotate --if-due",
     .details = "The former key stays published until the last token it signed has ended. A new\n"
                "next key is published at once, so that verifiers know it before it signs.",
     .rows = &row_key},
    {.noun = "key",
     .verb = "retire",
     .run = run_retire,
     .needs = NEEDS_STORE,
     .args = "KID",
     .min_args = 1,
     .max_args = 1,
     .summary = "withdraw a key at once",
     .example = "authctl key retire xEm3VXe3aJEgMmAdTmfJzpZWuqTvkYqNIbBSe2xoGD8",
     .rows = &row_key},
    {.noun = "key",
     .verb = "import",
     .run = run_import,
     .needs = NEEDS_MASTER,
     .options = import_options,
     .args = "FILE",
     .min_args = 1,
     .max_args = 1,
     .summary = "take a private key in as the next one",
     .example = "authctl key import signing.pem --alg ES256",
     .details = "FILE: an unencrypted private PEM (PKCS#8, PKCS#1, SEC1), a private JWK, or an HS256\n"
                "secret of 32 to 128 bytes as it stands. Others must not be able to read it.",
     .rows = &row_key},
    {.noun = "key",
     .verb = "export",
     .run = run_export,
     .needs = NEEDS_MASTER,
     .options = export_options,
     .args = "KID",
     .min_args = 1,
     .max_args = 1,
     .summary = "print a key: the public part as PEM, with --json as JWK",
     .example = "authctl key export xEm3VXe3aJEgMmAdTmfJzpZWuqTvkYqNIbBSe2xoGD8",
     .keys = "*"},
    {.noun = "key",
     .verb = "jwks",
     .run = run_jwks,
     .needs = NEEDS_MASTER,
     .summary = "print the public key set (RFC 7517)",
     .example = "authctl key jwks >/var/www/html/jwks.json",
     .keys = "keys"},
    {0},
};
