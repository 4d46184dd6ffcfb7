#include "cli/token_format.h"

#include "cli/output.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/domain/jws.h"
#include "common/view/row.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [TOKEN_RAW] = "raw",   [TOKEN_HEADER] = "header", [TOKEN_ENV] = "env",
    [TOKEN_JSON] = "json", [TOKEN_EXEC_CREDENTIAL] = "exec-credential", [TOKEN_NETRC] = "netrc",
};

static bool copy(const json_t *claims, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(claims, name));
    int n = text ? snprintf(out, size, "%s", text) : -1;

    return n > 0 && (size_t)n < size;
}

enum ja_status token_facts_read(const char *token, size_t len, struct token_facts *ret, struct ja_error *err)
{
    struct ja_jws jws = {0};
    struct token_facts f = {0};
    json_t *claims = NULL;
    enum ja_status st = ja_jws_parse_unverified(token, len, &jws, err);

    if (st == JA_OK)
        st = ja_jws_claims_unverified(&jws, &claims, err);
    f.iat = (int64_t)json_integer_value(json_object_get(claims, "iat"));
    f.exp = (int64_t)json_integer_value(json_object_get(claims, "exp"));
    if (st != JA_OK || f.iat <= 0 || f.exp <= f.iat || !copy(claims, "jti", f.jti, sizeof f.jti) ||
        !copy(claims, "preferred_username", f.username, sizeof f.username) || !ja_username_valid(f.username))
        st = ja_fail(err, JA_ERR_CORRUPT, "invalid_answer", "what was given is no access token");
    json_decref(claims);
    ja_jws_clear(&jws);
    if (st == JA_OK)
        *ret = f;
    return st;
}

/* A name that netrc's words can hold: no blank, no quote. */
static bool host_valid(const char *s)
{
    return *s && strlen(s) <= 253 &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")] == 0;
}

enum ja_status token_format_read(struct cli *cli, enum token_format *ret, struct ja_error *err)
{
    const char *name = cli_opt(cli, "format"), *host = cli_opt(cli, "host");
    size_t n = sizeof names / sizeof *names, i = 0;

    if (!name)
        name = cli->json ? "json" : "raw";
    while (i < n && strcmp(name, names[i]) != 0)
        i++;
    if (i == n)
        return cli_usage(cli, err, "--format is raw, header, env, json, exec-credential or netrc");
    if (cli->json && i != TOKEN_JSON && i != TOKEN_EXEC_CREDENTIAL)
        return cli_usage(cli, err, "--json and --format %s contradict each other", name);
    if ((i == TOKEN_NETRC) != (host != NULL))
        return cli_usage(cli, err, "--format netrc and --host NAME belong together");
    if (host && !host_valid(host))
        return ja_fail(err, JA_ERR_INVALID, "invalid_host", "--host is the name of a machine");
    *ret = (enum token_format)i;
    return JA_OK;
}

/* A line of the answer, wiped afterwards. */
static enum ja_status put_text(struct cli *cli, struct ja_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static enum ja_status put_text(struct cli *cli, struct ja_error *err, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return ja_fail_nomem(err);
    cli_raw(cli, text, (size_t)n);
    ja_wipe_free(text);
    return JA_OK;
}

static enum ja_status put_json(struct cli *cli, const char *token, const struct token_facts *f, struct ja_error *err)
{
    int64_t left = f->exp - cli_now(cli);

    return cli_answer(cli,
                      json_pack("{s:s,s:s,s:I,s:o,s:o,s:I,s:I,s:s,s:s}", "access_token", token, "token_type", "Bearer",
                                "expires_in", (json_int_t)(left > 0 ? left : 0), "expires_at", ja_json_time(f->exp),
                                "issued_at", ja_json_time(f->iat), "exp", (json_int_t)f->exp, "iat",
                                (json_int_t)f->iat, "jti", f->jti, "username", f->username),
                      err);
}

static enum ja_status put_exec_credential(struct cli *cli, const char *token, const struct token_facts *f,
                                          struct ja_error *err)
{
    /* kubernetes.io/docs/reference/config-api/client-authentication.v1 */
    json_t *doc = json_pack("{s:s,s:s,s:{s:s,s:o}}", "apiVersion", "client.authentication.k8s.io/v1", "kind",
                            "ExecCredential", "status", "token", token, "expirationTimestamp", ja_json_time(f->exp));
    char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
    enum ja_status st = text ? JA_OK : ja_fail_nomem(err);

    if (text)
        cli_raw(cli, text, strlen(text));
    ja_wipe_free(text);
    json_decref(doc);
    return st;
}

enum ja_status token_format_put(struct cli *cli, enum token_format format, const char *token,
                                const struct token_facts *f, struct ja_error *err)
{
    switch (format) {
    case TOKEN_RAW: return put_text(cli, err, "%s\n", token);
    case TOKEN_HEADER: return put_text(cli, err, "Authorization: Bearer %s\n", token);
    case TOKEN_ENV: return put_text(cli, err, "JWTAUTH_TOKEN=%s\nJWTAUTH_TOKEN_EXPIRES=%lld\n", token, (long long)f->exp);
    case TOKEN_JSON: return put_json(cli, token, f, err);
    case TOKEN_EXEC_CREDENTIAL: return put_exec_credential(cli, token, f, err);
    case TOKEN_NETRC:
        return put_text(cli, err, "machine %s\nlogin %s\npassword %s\n", cli_opt(cli, "host"), f->username, token);
    }
    return ja_fail(err, JA_ERR_INTERNAL, "internal", "no such format");
}
