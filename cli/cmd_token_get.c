/* token get: the credential helper. A token of the caller itself, kept until it nears its end. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/token_cache.h"
#include "cli/token_format.h"
#include "common/base/text.h"
#include "common/client/client.h"
#include "common/flow/own_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIN_TTL 300
#define CHECK_SECONDS 3 /* a kept token need not wait for a daemon that hangs */

struct wish {
    const char *audience, *scope, *session, *socket;
    char scopes[CLI_SCOPES_SIZE];
    int64_t ttl, min_ttl; /* min_ttl -1: not given */
    bool fresh, direct;   /* direct: root, on the store itself */
    struct ja_secret key; /* the API key; empty: who we are is proof */
};

struct own {
    struct ja_secret token;
    struct token_facts facts;
};

static void own_clear(struct own *o)
{
    ja_secret_clear(&o->token);
    *o = (struct own){0};
}

static enum ja_status own_take(const char *token, size_t len, struct own *ret, struct ja_error *err)
{
    struct own o = {0};
    enum ja_status st = token_facts_read(token, len, &o.facts, err);

    if (st == JA_OK)
        st = ja_secret_from(&o.token, token, len, err);
    if (st == JA_OK)
        *ret = o;
    return st;
}

/* ---- a new one ---- */

static enum ja_status mint_direct(struct cli *cli, const struct wish *w, struct own *ret, struct ja_error *err)
{
    struct ja_caller caller = {.uid = (int64_t)geteuid(), .session_hint = w->session};
    struct ja_token_ask ask = {.audience = w->audience, .scope = w->scope, .ttl = w->ttl};
    struct ja_minted m = {0};
    enum ja_status st = cli_require(cli, NEEDS_MASTER, err);

    if (w->key.len) {
        caller.key = (const char *)w->key.data;
        caller.key_len = w->key.len;
    }
    if (st == JA_OK)
        st = ja_token_for_caller(&cli->ctx, &caller, &ask, &m, err);
    if (st == JA_OK)
        st = own_take(m.token, strlen(m.token), ret, err);
    ja_minted_clear(&m);
    return st;
}

static enum ja_status mint_by_daemon(const struct wish *w, struct own *ret, struct ja_error *err)
{
    json_t *body = json_pack("{s:s*,s:s*,s:s*}", "audience", w->audience, "scope", w->scope, "session_id", w->session);
    struct ja_client_call call = {.socket = w->socket, .method = "POST", .path = "/api/v1/token", .body = body,
                                  .bearer = w->key.len ? (const char *)w->key.data : NULL};
    json_t *data = NULL;
    const json_t *token;
    enum ja_status st = JA_OK;

    if (!body || (w->ttl && json_object_set_new(body, "ttl", json_integer(w->ttl)) != 0)) {
        json_decref(body);
        return ja_fail_nomem(err);
    }
    st = ja_client_run(&call, &data, err);
    token = json_object_get(data, "access_token");
    if (st == JA_OK)
        st = json_is_string(token) ? own_take(json_string_value(token), json_string_length(token), ret, err)
                                   : ja_fail(err, JA_ERR_CORRUPT, "invalid_answer", "jwtauthd answered without a token");
    json_decref(data);
    json_decref(body);
    return st;
}

static enum ja_status mint(struct cli *cli, const struct wish *w, struct own *ret, struct ja_error *err)
{
    enum ja_status st = w->direct ? mint_direct(cli, w, ret, err) : mint_by_daemon(w, ret, err);

    if (st == JA_OK && w->min_ttl > ret->facts.exp - cli_now(cli))
        cli_notice(cli, "the token lives %lld seconds, less than --min-ttl: no longer one is given",
                   (long long)(ret->facts.exp - cli_now(cli)));
    return st;
}

/* ---- a kept one ---- */

/* Without --min-ttl at most half of its life, so that a short one is reused too. */
static bool lasts(const struct cli *cli, const struct wish *w, const struct token_facts *f)
{
    int64_t now = cli_now(cli), half = (f->exp - f->iat) / 2;
    int64_t want = w->min_ttl >= 0 ? w->min_ttl : half < MIN_TTL ? half : MIN_TTL;

    return f->exp - now >= want && f->exp > now && f->iat <= now + 60; /* else the clock was set back */
}

/* RFC 3986 section 2.1, more bytes than have to be. */
static void verify_path(const char *audience, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "/api/v1/auth/verify-token%s", audience ? "?audience=" : "");

    for (const char *p = audience ? audience : ""; *p && used + 4 < size; p++)
        used += (size_t)snprintf(out + used, size - used, "%%%02X", (unsigned char)*p);
}

/* What ended since (logout, lock, revocation) is not handed out again. A daemon that does not answer says nothing
 * against it: verifiers judge for themselves. */
static bool still_good(struct cli *cli, const struct wish *w, const struct own *o)
{
    struct ja_token_check check;
    char path[64 + 3 * (JA_TEXT_MAX + 1)];
    struct ja_client_call call = {.socket = w->socket, .method = "GET", .path = path, .seconds = CHECK_SECONDS};
    struct ja_error err = {0};
    json_t *data = NULL;
    enum ja_status st;

    if (w->direct) {
        st = cli_require(cli, NEEDS_MASTER, &err);
        if (st == JA_OK) {
            check = ja_token_check_default(&cli->ctx);
            check.audience = NULL;
            st = ja_token_verify(&cli->ctx, (const char *)o->token.data, o->token.len, &check, false, &data, &err);
        }
    } else {
        verify_path(w->audience, path, sizeof path);
        call.bearer = (const char *)o->token.data;
        st = ja_client_run(&call, &data, &err);
    }
    json_decref(data);
    return st != JA_ERR_DENIED;
}

static bool take_kept(struct cli *cli, const struct wish *w, const struct token_cache *cache, struct own *ret)
{
    struct ja_secret text = {0};
    struct own o = {0};
    bool good = token_cache_read(cache, JA_TOKEN_MAX, &text, NULL) == JA_OK &&
                own_take((const char *)text.data, text.len, &o, NULL) == JA_OK && lasts(cli, w, &o.facts) &&
                still_good(cli, w, &o);

    ja_secret_clear(&text);
    if (good)
        *ret = o;
    else
        own_clear(&o);
    return good;
}

/* Everything that makes it another token; the key of a service is in it as a hash only. */
static enum ja_status open_cache(const struct cli *cli, const struct wish *w, struct token_cache *ret,
                                 struct ja_error *err)
{
    struct ja_secret id = {0};
    char ttl[24], uid[24];
    const char *parts[] = {uid, w->direct ? "direct" : w->socket, cli->config_path, w->session, w->audience, w->scope,
                           ttl, w->key.len ? (const char *)w->key.data : NULL};
    enum ja_status st = ja_secret_init(&id, 8192, err);

    (void)snprintf(uid, sizeof uid, "%lu", (unsigned long)geteuid());
    (void)snprintf(ttl, sizeof ttl, "%lld", (long long)w->ttl);
    for (size_t i = 0; st == JA_OK && i < sizeof parts / sizeof *parts; i++) {
        const char *part = parts[i] ? parts[i] : "";

        st = ja_secret_append(&id, parts[i] ? "+" : "-", 1, err); /* absent is not empty */
        if (st == JA_OK)
            st = ja_secret_append(&id, part, strlen(part) + 1, err);
    }
    if (st == JA_OK)
        st = token_cache_open(id.data, id.len, ret, err);
    ja_secret_clear(&id);
    return st;
}

static enum ja_status get_kept(struct cli *cli, const struct wish *w, struct token_cache *cache, struct own *ret,
                               struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!w->fresh) {
        if (take_kept(cli, w, cache, ret))
            return JA_OK;
        st = token_cache_lock(cache, true, err);
        if (st == JA_OK && take_kept(cli, w, cache, ret)) /* somebody was faster */
            return JA_OK;
    }
    if (st != JA_OK)
        return st;
    st = mint(cli, w, ret, err);
    if (st == JA_OK) {
        struct ja_error local = {0};

        if (token_cache_write(cache, &ret->token, ret->facts.exp, &local) != JA_OK)
            cli_notice(cli, "%s", local.message);
        token_cache_prune(cache, cli_now(cli));
    }
    return st;
}

static enum ja_status get(struct cli *cli, const struct wish *w, struct own *ret, struct ja_error *err)
{
    struct token_cache cache = TOKEN_CACHE_NONE;
    struct ja_error local = {0};
    enum ja_status st = open_cache(cli, w, &cache, &local);

    if (st == JA_OK)
        st = token_cache_lock(&cache, w->fresh, &local);
    if (st == JA_OK) {
        st = get_kept(cli, w, &cache, ret, err);
    } else { /* slower, but no reason to give none */
        st = mint(cli, w, ret, err);
        if (st == JA_OK)
            cli_notice(cli, "%s", local.message);
    }
    token_cache_close(&cache);
    return st;
}

/* ---- the command ---- */

static enum ja_status read_times(struct cli *cli, struct wish *w, struct ja_error *err)
{
    enum ja_status st = cli_opt_duration(cli, "ttl", 0, &w->ttl, err);

    if (st == JA_OK)
        st = cli_opt_duration(cli, "min-ttl", -1, &w->min_ttl, err);
    if (st == JA_OK && cli_opt(cli, "ttl") && w->ttl <= 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_ttl", "a token's lifetime is more than 0 seconds");
    return st;
}

static enum ja_status read_wish(struct cli *cli, struct wish *w, struct ja_error *err)
{
    const char *file = cli_opt(cli, "api-key-file");
    enum ja_status st = read_times(cli, w, err);

    w->audience = cli_opt(cli, "audience");
    w->fresh = cli_flag(cli, "fresh");
    w->direct = geteuid() == 0 && !cli->socket;
    w->socket = cli->socket ? cli->socket : cli->ctx.cfg->http.socket;
    w->session = secure_getenv("JWTAUTH_SESSION_ID");
    if (w->session && !ja_uuid_valid(w->session))
        w->session = NULL;
    if (st == JA_OK)
        st = cli_opt_scopes(cli, w->scopes, &w->scope, err);
    if (st == JA_OK && file)
        st = cli_file_line(cli, file, "the API key", JA_API_KEY_LEN, &w->key, err);
    if (st == JA_OK && file && !ja_api_key_form((const char *)w->key.data, w->key.len))
        st = ja_fail(err, JA_ERR_INVALID, "not_an_api_key", "the first line of %.200s is no API key", file);
    if (st == JA_OK && w->direct && !file)
        st = ja_fail(err, JA_ERR_DENIED, "not_a_user",
                     "root is no user of the store; authctl token issue --user NAME makes a token for one");
    return st;
}

static enum ja_status run_get(struct cli *cli, struct ja_error *err)
{
    struct wish w = {0};
    struct own own = {0};
    enum token_format format = TOKEN_RAW;
    enum ja_status st = token_format_read(cli, &format, err);

    if (st == JA_OK)
        st = read_wish(cli, &w, err);
    if (st == JA_OK)
        st = get(cli, &w, &own, err);
    if (st == JA_OK)
        st = token_format_put(cli, format, (const char *)own.token.data, &own.facts, err);
    own_clear(&own);
    ja_secret_clear(&w.key);
    return st;
}

static const struct cli_option get_options[] = {
    {"audience", 'a', "A", false, "who the token is for (default: as configured)"},
    {"scope", 0, "S", true, "a permission for the token, of those that you hold"},
    {"ttl", 0, "T", false, "how long a new one lives: 15m, 2h (at most max_ttl, and what proves you)"},
    {"min-ttl", 0, "T", false, "a kept one must have this left (default: 5m, or half of its life)"},
    {"fresh", 0, NULL, false, "get a new one in any case"},
    {"format", 0, "F", false, "raw, header, env, json, exec-credential or netrc"},
    {"host", 0, "NAME", false, "the machine of --format netrc"},
    {"api-key-file", 0, "FILE", false, "the API key of a service is in FILE (refused when others can read it)"},
    CLI_OPTIONS_END,
};

const struct command cmd_token_get_commands[] = {
    {.noun = "token",
     .verb = "get",
     .run = run_get,
     .needs = NEEDS_CONFIG,
     .options = get_options,
     .summary = "get an access token of your own, for a script",
     .example = "curl -H \"Authorization: Bearer $(authctl token get -a billing --scope invoices:read)\" URL",
     .details = "It is kept in a folder of your own and reused while it has --min-ttl left; of many calls\n"
                "at once one gets it for all. You need a live session (exit 1, login_required); a service\n"
                "needs none: it is known by the uid that it runs under, or by its API key.",
     .keys = TOKEN_KEYS},
    {0},
};
