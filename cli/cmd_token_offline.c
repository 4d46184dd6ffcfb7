/* Verifying and looking at tokens; with --jwks or --key no store and no configuration is needed. */
#include "cli/cmd.h"
#include "cli/jwks_cache.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "common/base/file_guard.h"
#include "common/domain/token.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYS_FILE_MAX (1 << 20)
#define OFFLINE_LEEWAY 30
#define MAX_STALE 86400                    /* as [verify] max_stale is, where there is no configuration */
#define CACHE_FOLDER "/var/cache/jwtauth"  /* as [paths] cache is */

/* Public keys decide whom to believe: nobody else may be able to change the file. */
static enum ja_status read_keys(const char *path, struct ja_secret *ret, struct ja_error *err)
{
    static const struct ja_file_rule rule = {.max_mode = 07755, .max_size = KEYS_FILE_MAX,
                                             .allow_own = true};
    enum ja_status st;

    st = ja_file_read(path, &rule, ret, err);
    return st == JA_ERR_UNSAFE ? JA_ERR_INVALID : st;
}

/* Where the keys come from, when not from the store. */
struct keys_from {
    const char *jwks, *key; /* --jwks or [verify] jwks: a file or URL; --key: a file */
    const char *folder;     /* of the cache; NULL: the caller's */
    int64_t max_stale;
};

static enum ja_status load_file(const struct keys_from *from, enum ja_alg alg, struct ja_keyset *ret,
                                struct ja_error *err)
{
    struct ja_secret text = {0};
    struct ja_key *key = NULL;
    enum ja_status st = read_keys(from->jwks ? from->jwks : from->key, &text, err);

    if (st == JA_OK && from->jwks)
        st = ja_keyset_parse(text.data, text.len, ret, err);
    else if (st == JA_OK)
        st = ja_key_from_file_text(&text, alg, &key, err);
    if (st == JA_OK && !from->jwks) {
        ret->keys = calloc(1, sizeof *ret->keys);
        if (ret->keys) {
            ret->keys[0] = key;
            ret->len = 1;
        } else {
            ja_key_free(key);
            st = ja_fail_nomem(err);
        }
    }
    ja_secret_clear(&text);
    return st;
}

static enum ja_status by_file(struct cli *cli, const struct keys_from *from, const struct ja_token_check *check,
                              const struct ja_secret *token, json_t **ret, struct ja_error *err)
{
    struct ja_keyset set = {0};
    enum ja_status st = load_file(from, check->alg, &set, err);

    if (st == JA_OK)
        st = ja_token_verify_keyset(&set, (const char *)token->data, token->len, check, cli_now(cli), ret, err);
    ja_keyset_clear(&set);
    return st;
}

/* A key that is not among those kept may be new: they are fetched again, once. */
static enum ja_status by_url(struct cli *cli, const struct keys_from *from, const struct ja_token_check *check,
                             const struct ja_secret *token, json_t **ret, struct ja_error *err)
{
    const struct jwks_query q = {from->jwks, from->folder, from->max_stale, cli_now(cli)};
    struct jwks_found found = {.kept = false};
    struct ja_error local = {0};
    bool again = false;
    enum ja_status st;

    do {
        jwks_found_clear(&found);
        st = jwks_find(&q, again, &found, &local);
        if (st == JA_OK)
            st = ja_token_verify_keyset(&found.set, (const char *)token->data, token->len, check, q.now, ret, &local);
        again = !again && found.kept && st == JA_ERR_DENIED && strcmp(local.code, "unknown_key") == 0;
    } while (again);
    if (st == JA_OK && found.stale)
        cli_notice(cli, "%s does not answer: keys fetched %lld seconds ago are used", q.url,
                   (long long)(q.now - found.fetched_at));
    jwks_found_clear(&found);
    if (st != JA_OK)
        *err = local;
    return st;
}

static void warn_unchecked(struct cli *cli, const struct ja_token_check *check)
{
    if (check->signature_only)
        cli_notice(cli, "only the signature was checked: no claim, not even the token's end");
    else if (!check->issuer || !check->audience)
        cli_notice(cli, "%s not checked: give %s", !check->issuer && !check->audience
                                                       ? "issuer and audience were"
                   : check->issuer ? "the audience was"
                                   : "the issuer was",
                   !check->issuer && !check->audience ? "--issuer and --audience"
                   : check->issuer                    ? "--audience"
                                                      : "--issuer");
}

/* Any JWS's payload: escaped on a terminal, as it is elsewhere. */
static enum ja_status put_payload(struct cli *cli, const struct ja_secret *token, struct ja_error *err)
{
    struct ja_jws jws = {0};
    enum ja_status st = ja_jws_parse_unverified((const char *)token->data, token->len, &jws, err);

    if (st != JA_OK)
        return st;
    if (cli->json)
        st = ja_fail(err, JA_ERR_INVALID, "not_json", "the payload is no JSON object: leave --json out");
    else if (isatty(STDOUT_FILENO))
        cli_line(cli, "%s", (const char *)jws.payload);
    else
        cli_raw(cli, jws.payload, jws.payload_len);
    ja_jws_clear(&jws);
    return st;
}

static enum ja_status put_claims(struct cli *cli, const json_t *claims, struct ja_error *err)
{
    char *text;

    if (cli->json)
        return cli_answer(cli, json_deep_copy(claims), err);
    text = json_dumps(claims, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    if (!text)
        return ja_fail_nomem(err);
    cli_raw(cli, text, strlen(text));
    free(text);
    return JA_OK;
}

/* The reason stands first, for people and scripts alike. */
static enum ja_status say_reason(struct cli *cli, struct ja_error *err)
{
    char code[sizeof err->code], message[sizeof err->message];
    enum ja_status st;

    memcpy(code, err->code, sizeof code);
    memcpy(message, err->message, sizeof message);
    if (cli->json) {
        /* what every "no" has, and by the names that a verdict on a token goes by */
        st = cli_answer(cli, json_pack("{s:b,s:s,s:b,s:s,s:s}", "valid", 0, "reason", code, "ok", 0, "code",
                                       code, "message", message),
                        err);
        if (st != JA_OK)
            return st;
    }
    if (strncmp(message, code, strlen(code)) == 0)
        return ja_fail(err, JA_ERR_DENIED, code, "%.900s", message);
    return ja_fail(err, JA_ERR_DENIED, code, "%s: %.900s", code, message);
}

/* A text too long to be a token is a token that does not count, however long: no error of the caller. */
static enum ja_status read_token(struct cli *cli, struct ja_secret *ret, struct ja_error *err)
{
    enum ja_status st = cli_arg_or_stdin(cli, 0, "token", JA_TOKEN_MAX, ret, err);

    if (st == JA_ERR_INVALID && strcmp(err->code, "too_long") == 0)
        st = ja_fail(err, JA_ERR_DENIED, "token_too_large", "a token has at most %d bytes", JA_TOKEN_MAX);
    return st;
}

/* [verify] of a host without a store. */
static enum ja_status take_section(struct cli *cli, struct ja_token_check *check, struct keys_from *from,
                                   struct ja_error *err)
{
    const struct ja_config *cfg = cli->ctx.cfg;

    if (!cfg->verify.jwks || !*cfg->verify.jwks || !cfg->verify.issuer || !*cfg->verify.issuer)
        return ja_fail(err, JA_ERR_CONFIG, "no_keys",
                       "this host has no store ([store] url = none), and [verify] does not say issuer and jwks; "
                       "or give --jwks");
    from->jwks = cfg->verify.jwks;
    from->max_stale = cfg->verify.max_stale;
    if (from->folder)
        from->folder = cfg->paths.cache;
    if (!check->issuer)
        check->issuer = cfg->verify.issuer;
    return JA_OK;
}

static enum ja_status by_store(struct cli *cli, struct ja_token_check *check, const struct ja_secret *token,
                               json_t **ret, struct ja_error *err)
{
    struct ja_token_check ours;
    enum ja_status st = cli_require(cli, NEEDS_MASTER, err);

    if (st != JA_OK)
        return st;
    ours = ja_token_check_default(&cli->ctx);
    ours.alg = check->alg;
    ours.signature_only = check->signature_only;
    if (check->issuer)
        ours.issuer = check->issuer;
    if (check->audience)
        ours.audience = check->audience;
    *check = ours;
    return ja_token_verify(&cli->ctx, (const char *)token->data, token->len, check, cli_flag(cli, "offline"), ret, err);
}

static enum ja_status verify(struct cli *cli, struct ja_token_check *check,
                             const struct ja_secret *token, json_t **ret, struct ja_error *err)
{
    struct keys_from from = {.jwks = cli_opt(cli, "jwks"), .key = cli_opt(cli, "key"), .max_stale = MAX_STALE,
                             .folder = geteuid() == 0 ? CACHE_FOLDER : NULL};
    enum ja_status st = JA_OK;

    if (!from.jwks && !from.key) {
        st = cli_require(cli, NEEDS_CONFIG, err);
        if (st == JA_OK && strcmp(cli->ctx.cfg->store.url, "none") != 0)
            return by_store(cli, check, token, ret, err);
        if (st == JA_OK)
            st = take_section(cli, check, &from, err);
    }
    if (st != JA_OK)
        return st;
    if (from.jwks && jwks_is_url(from.jwks))
        return by_url(cli, &from, check, token, ret, err);
    return by_file(cli, &from, check, token, ret, err);
}

static enum ja_status run_verify(struct cli *cli, struct ja_error *err)
{
    struct ja_token_check check = {
        .issuer = cli_opt(cli, "issuer"),
        .audience = cli_opt(cli, "audience"),
        .leeway = OFFLINE_LEEWAY,
        .signature_only = cli_flag(cli, "signature-only"),
        .single_key = cli_opt(cli, "key") != NULL,
    };
    struct ja_secret token = {0};
    json_t *claims = NULL;
    enum ja_status st = cli_opt_alg(cli, "alg", &check.alg, err);

    if (st == JA_OK && cli_opt(cli, "jwks") && cli_opt(cli, "key"))
        return cli_usage(cli, err, "--jwks and --key exclude each other");
    if (st == JA_OK)
        st = ja_crypto_init(err);
    if (st == JA_OK)
        st = read_token(cli, &token, err);
    if (st == JA_OK)
        st = verify(cli, &check, &token, &claims, err);
    if (st == JA_OK)
        st = claims ? put_claims(cli, claims, err) : put_payload(cli, &token, err);
    if (st == JA_OK)
        warn_unchecked(cli, &check);
    if (st == JA_ERR_DENIED)
        st = say_reason(cli, err);
    json_decref(claims);
    ja_secret_clear(&token);
    return st;
}

/* ---- decode ---- */

static enum ja_status put_parts(struct cli *cli, const struct ja_jws *jws, struct ja_error *err)
{
    json_t *payload = NULL, *doc;
    enum ja_status st = ja_jws_claims_unverified(jws, &payload, err);

    if (st != JA_OK)
        return st;
    doc = json_pack("{s:O,s:o}", "header", jws->header, "payload", payload);
    if (cli->json)
        return cli_answer(cli, doc, err);
    st = doc ? put_claims(cli, doc, err) : ja_fail_nomem(err);
    json_decref(doc);
    return st;
}

static enum ja_status say_unreadable(struct ja_error *err)
{
    char message[sizeof err->message];

    memcpy(message, err->message, sizeof message);
    return ja_fail(err, JA_ERR_INVALID, "malformed", "%.900s", message);
}

static enum ja_status run_decode(struct cli *cli, struct ja_error *err)
{
    struct ja_secret token = {0};
    struct ja_jws jws = {0};
    enum ja_status st = ja_crypto_init(err);

    if (st == JA_OK)
        st = read_token(cli, &token, err);
    if (st == JA_OK)
        st = ja_jws_parse_unverified((const char *)token.data, token.len, &jws, err);
    if (st == JA_OK)
        st = put_parts(cli, &jws, err);
    if (st == JA_OK)
        cli_notice(cli, "nothing was checked: anybody can write such a token");
    if (st == JA_ERR_DENIED) /* the question was what it says, not whether it counts */
        st = say_unreadable(err);
    ja_jws_clear(&jws);
    ja_secret_clear(&token);
    return st;
}

static const struct cli_option verify_options[] = {
    {"audience", 0, "A", false, "who it must be for (default with the store: as configured)"},
    {"issuer", 0, "I", false, "who must have issued it (default with the store: as configured)"},
    {"jwks", 0, "FILE|URL", false, "verify with this public key set alone: no store, no configuration"},
    {"key", 0, "FILE", false, "verify with this key alone: PEM, JWK, or an HS256 secret"},
    {"alg", 0, "A", false, "the algorithm that the key must be of"},
    {"offline", 0, NULL, false, "with the store: leave revocation out"},
    {"signature-only", 0, NULL, false, "check the signature of any JWS, none of its claims"},
    CLI_OPTIONS_END,
};

const struct command cmd_token_offline_commands[] = {
    {.noun = "token",
     .verb = "verify",
     .run = run_verify,
     .needs = NEEDS_NOTHING | RAW_ARGUMENTS,
     .options = verify_options,
     .args = "[TOKEN | -]",
     .max_args = 1,
     .summary = "verify a token and print its claims",
     .example = "authctl token verify --jwks jwks.json - <\"$JWTAUTH_TOKEN_FILE\"",
     .details = "Exit 1 and the reason (expired, bad_signature, unknown_key, revoked, ...) when it\n"
                "does not count (--json: {\"valid\":false,\"reason\":...}). With --jwks or --key tokens\n"
                "of any issuer are taken; revocation is not known there. Keys of a https URL are kept\n"
                "in the cache folder as long as the server says, and for a day when it is down; a\n"
                "host without a store takes [verify] of its configuration. A token as argument can\n"
                "be seen by others on the host while this runs.",
     .keys = "*"},
    {.noun = "token",
     .verb = "decode",
     .run = run_decode,
     .needs = NEEDS_NOTHING | RAW_ARGUMENTS,
     .args = "[TOKEN | -]",
     .max_args = 1,
     .summary = "show what a token says, without checking it",
     .example = "authctl token decode - <token",
     .keys = "header payload"},
    {0},
};
