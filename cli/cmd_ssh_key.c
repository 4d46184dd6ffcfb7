/* ssh-key: the public keys that users log in with. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/read_file.h"
#include "cli/rows.h"
#include "common/domain/ssh_key_snapshot.h"
#include "common/flow/ssh_key_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_FILE_MAX 262144

static const struct row_field fields[] = {
    {"id", "ID", ROW_TEXT},
    {"type", "TYPE", ROW_TEXT},
    {"fingerprint", "FINGERPRINT", ROW_TEXT},
    {"comment", "COMMENT", ROW_TEXT},
    {"ends_at", "ENDS", ROW_TIME},
    {"created_at", "CREATED", ROW_TIME},
    {"created_by", NULL, ROW_TEXT},
    {"key", NULL, ROW_TEXT},
};
static const struct row_type row_ssh_key = {"ssh key", "ssh_keys", fields, sizeof fields / sizeof *fields};

struct listing {
    struct cli_rows *rows;
    struct ja_error *err;
};

static enum ja_status put(void *arg, const struct ja_ssh_key *k)
{
    struct listing *l = arg;
    const struct row_value values[] = {
        ROW_T(k->id),        ROW_T(k->line.type),  ROW_T(k->line.fingerprint),
        ROW_T(k->line.comment[0] ? k->line.comment : NULL),
        ROW_N(k->ends_at),   ROW_N(k->created_at), ROW_T(k->created_by),
        ROW_T(k->line.blob),
    };

    return cli_rows_add(l->rows, values, l->err);
}

static enum ja_status end_rows(struct listing *l, enum ja_status st)
{
    if (st == JA_OK)
        return cli_rows_end(l->rows, l->err);
    cli_rows_free(l->rows);
    return st;
}

/* ---- add ---- */

static enum ja_status read_text(struct cli *cli, char **ret, size_t *ret_len, struct ja_error *err)
{
    struct ja_secret in = {0};
    enum ja_status st;

    if (cli->nargs > 1 && strcmp(cli->args[1], "-") != 0)
        return cli_read_file(cli->args[1], KEYS_FILE_MAX, ret, ret_len, err);
    st = cli_stdin_all(cli, "public key", KEYS_FILE_MAX, &in, err);
    if (st == JA_OK) {
        *ret = malloc(in.len + 1);
        if (*ret)
            memcpy(*ret, in.data, in.len);
        else
            st = ja_fail_nomem(err);
        *ret_len = in.len;
    }
    ja_secret_clear(&in);
    return st;
}

static enum ja_status run_add(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.err = err};
    struct ja_ssh_key *keys = NULL;
    char *text = NULL;
    size_t len = 0, n = 0;
    int64_t ends_at = 0;
    enum ja_status st = cli_opt_when(cli, "expires", 0, &ends_at, err);

    if (st == JA_OK)
        st = read_text(cli, &text, &len, err);
    if (st == JA_OK)
        st = ja_ssh_key_add_flow(&cli->ctx, cli->args[0], text, len, ends_at, &keys, &n, err);
    free(text);
    if (st == JA_OK)
        st = cli_rows_begin(cli, &row_ssh_key, &l.rows, err);
    for (size_t i = 0; st == JA_OK && i < n; i++)
        st = put(&l, &keys[i]);
    free(keys);
    return end_rows(&l, st);
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.err = err};
    enum ja_status st = cli_rows_begin(cli, &row_ssh_key, &l.rows, err);

    if (st == JA_OK)
        st = ja_ssh_key_list_flow(&cli->ctx, cli->args[0], cli_rows_after(l.rows), cli_rows_limit(l.rows), put, &l,
                                  err);
    return end_rows(&l, st);
}

static enum ja_status run_remove(struct cli *cli, struct ja_error *err)
{
    struct ja_ssh_key k = {0};
    enum ja_status st = ja_ssh_key_remove_flow(&cli->ctx, cli->args[0], cli->args[1], &k, err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:s,s:s}", "id", k.id, "fingerprint", k.line.fingerprint), err);
    else if (st == JA_OK)
        cli_line(cli, "%s removed", k.line.fingerprint);
    return st;
}

/* ---- authorized: runs for every login that offers a key, as an account without rights ---- */

struct answer {
    char text[JA_SSH_KEYS_MAX * (sizeof(struct ja_ssh_line) + 2)];
    size_t len;
    json_t *list;
};

static enum ja_status put_key(void *arg, const char *type, const char *blob)
{
    struct answer *a = arg;

    a->len += (size_t)snprintf(a->text + a->len, sizeof a->text - a->len, "%s %s\n", type, blob);
    if (a->len >= sizeof a->text)
        return JA_ERR_CORRUPT;
    return !a->list || json_array_append_new(a->list, json_sprintf("%s %s", type, blob)) == 0 ? JA_OK : JA_ERR_NOMEM;
}

static enum ja_status run_authorized(struct cli *cli, struct ja_error *err)
{
    const char *path = cli_opt(cli, "snapshot");
    struct answer *a = calloc(1, sizeof *a);
    enum ja_status st;

    if (a && cli->json)
        a->list = json_array();
    if (!a || (cli->json && !a->list)) {
        free(a);
        return ja_fail_nomem(err);
    }
    st = ja_ssh_snapshot_find(path ? path : JA_SSH_SNAPSHOT, path != NULL, cli->args[0], cli_now(cli), put_key, a,
                              err);
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:O}", "keys", a->list), err);
    else if (st == JA_OK)
        cli_raw(cli, a->text, a->len);
    json_decref(a->list);
    free(a);
    return st;
}

static const struct cli_option authorized_options[] = {
    {"snapshot", 0, "FILE", false, "where [paths] cache is another folder: its file ssh_keys"},
    CLI_OPTIONS_END,
};
static const struct cli_option add_options[] = {
    {"expires", 0, "T", false, "ends then: RFC 3339, or a duration from now"},
    CLI_OPTIONS_END,
};
static const struct cli_option list_options[] = {CLI_OPTIONS_PAGE, CLI_OPTIONS_END};

const struct command cmd_ssh_key_commands[] = {
    {.noun = "ssh-key",
     .verb = "add",
     .run = run_add,
     .needs = NEEDS_STORE,
     .options = add_options,
     .args = "NAME [FILE | -]",
     .min_args = 1,
     .max_args = 2,
     .summary = "let a user log in with ssh keys",
     .example = "authctl ssh-key add alice id_ed25519.pub --expires 90d",
     .details = "Public keys, one a line as in authorized_keys, without options in front; all of\n"
                "them are added or none. Ed25519, ECDSA, their sk- forms, RSA of 2048 bits and more.",
     .rows = &row_ssh_key},
    {.noun = "ssh-key",
     .verb = "list",
     .run = run_list,
     .needs = NEEDS_STORE,
     .options = list_options,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .summary = "list a user's ssh keys",
     .example = "authctl ssh-key list alice",
     .rows = &row_ssh_key},
    {.noun = "ssh-key",
     .verb = "remove",
     .run = run_remove,
     .needs = NEEDS_STORE,
     .args = "NAME KEY",
     .min_args = 2,
     .max_args = 2,
     .summary = "take an ssh key from a user",
     .example = "authctl ssh-key remove alice SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s",
     .details = "KEY is the id or the fingerprint that 'authctl ssh-key list' prints.",
     .keys = "id fingerprint"},
    {.noun = "ssh-key",
     .verb = "authorized",
     .run = run_authorized,
     .needs = NEEDS_NOTHING,
     .options = authorized_options,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .summary = "print the keys that a user may log in with now, for sshd",
     .example = "authctl ssh-key authorized alice",
     .details = "Reads a public file that every change of keys and accounts writes; neither store nor\n"
                "configuration. Exit 3: none, or not jwtauth's user; 8: the file is missing or damaged.\n"
                "sshd_config: AuthorizedKeysCommand /usr/bin/authctl ssh-key authorized %u\n"
                "             AuthorizedKeysCommandUser jwtauth-keys",
     .keys = "keys"},
    {0},
};
