#include "common/domain/jws.h"

#include "common/base/text.h"
#include "common/domain/jwk_impl.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16

static enum ja_status malformed(struct ja_error *err, const char *why)
{
    return ja_fail(err, JA_ERR_DENIED, "malformed", "malformed token: %s", why);
}

/* ---- strict JSON ---- */

/* Nesting before the parser recurses: jansson's own limit is 2048. Brackets in strings do not count. */
static bool depth_ok(const char *s, size_t len)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        if (in_string) {
            if (s[i] == '\\')
                i++;
            else if (s[i] == '"')
                in_string = false;
        } else if (s[i] == '"') {
            in_string = true;
        } else if (s[i] == '{' || s[i] == '[') {
            if (++depth > DEPTH_MAX)
                return false;
        } else if (s[i] == '}' || s[i] == ']') {
            depth--;
        }
    }
    return true;
}

/* jansson refuses control characters, bad UTF-8, \u0000 and trailing text by itself. */
enum ja_status ja_json_parse_strict(const void *text, size_t len, json_t **ret, struct ja_error *err)
{
    json_error_t where;
    json_t *doc;

    if (!depth_ok(text, len))
        return malformed(err, "JSON nested too deep");
    doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    if (!doc && json_error_code(&where) == json_error_out_of_memory)
        return ja_fail_nomem(err);
    if (!doc)
        return malformed(err, "no valid JSON");
    if (!json_is_object(doc)) {
        json_decref(doc);
        return malformed(err, "no JSON object");
    }
    *ret = doc;
    return JA_OK;
}

/* ---- parsing ---- */

/* Members that would change what is checked, or where the key comes from (R14): refused, not ignored. */
static enum ja_status check_forbidden(const json_t *header, struct ja_error *err)
{
    static const char *const names[] = {"crit", "jwk", "jku", "x5u", "x5c", "zip", "b64", "cty", "enc"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_object_get(header, names[i]))
            return ja_fail(err, JA_ERR_DENIED, "unsupported_header",
                           "the token's header has \"%s\", which is not accepted", names[i]);
    return JA_OK;
}

static enum ja_status read_header(const json_t *header, struct ja_jws *jws, struct ja_error *err)
{
    const json_t *alg = json_object_get(header, "alg"), *kid = json_object_get(header, "kid"),
                 *typ = json_object_get(header, "typ");

    if (!json_is_string(alg))
        return malformed(err, "the header's alg is no string");
    jws->alg = ja_alg_parse(json_string_value(alg));
    if (jws->alg == JA_ALG_NONE)
        return ja_fail(err, JA_ERR_DENIED, "unsupported_alg",
                       "the token's alg is none of ES256, EdDSA, RS256, HS256");
    if (kid && (!json_is_string(kid) || !ja_kid_valid(json_string_value(kid))))
        return malformed(err, "the header's kid is not 1 to 64 of [A-Za-z0-9_-]");
    if (typ && (!json_is_string(typ) || json_string_length(typ) >= sizeof jws->typ))
        return malformed(err, "the header's typ is no short string");
    (void)snprintf(jws->kid, sizeof jws->kid, "%s", kid ? json_string_value(kid) : "");
    (void)snprintf(jws->typ, sizeof jws->typ, "%s", typ ? json_string_value(typ) : "");
    return JA_OK;
}

static enum ja_status parse_header(const char *segment, size_t len, struct ja_jws *jws,
                                   struct ja_error *err)
{
    unsigned char text[JA_TOKEN_MAX];
    size_t text_len = 0;
    enum ja_status st;

    if (len == 0 || !ja_b64_decode(segment, len, text, sizeof text, &text_len))
        return malformed(err, "the header is no base64url");
    st = ja_json_parse_strict(text, text_len, &jws->header, err);
    if (st == JA_OK)
        st = check_forbidden(jws->header, err);
    return st == JA_OK ? read_header(jws->header, jws, err) : st;
}

static enum ja_status parse_rest(const char *payload, size_t payload_len, const char *sig,
                                 size_t sig_len, struct ja_jws *jws, struct ja_error *err)
{
    jws->payload = malloc(payload_len + 1);
    if (!jws->payload)
        return ja_fail_nomem(err);
    if (payload_len == 0 ||
        !ja_b64_decode(payload, payload_len, jws->payload, payload_len, &jws->payload_len))
        return malformed(err, "the payload is no base64url");
    jws->payload[jws->payload_len] = 0;
    if (sig_len == 0 || !ja_b64_decode(sig, sig_len, jws->sig, sizeof jws->sig, &jws->sig_len))
        return malformed(err, "the signature is no base64url of an accepted length");
    return JA_OK;
}

enum ja_status ja_jws_parse_unverified(const char *token, size_t len, struct ja_jws *ret,
                                       struct ja_error *err)
{
    struct ja_jws jws = {0};
    const char *end, *first, *second;
    enum ja_status st;

    if (len > JA_TOKEN_MAX)
        return ja_fail(err, JA_ERR_DENIED, "token_too_large", "the token is longer than %d bytes",
                       JA_TOKEN_MAX);
    end = token + len;
    first = len ? memchr(token, '.', len) : NULL;
    second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
        return malformed(err, "it does not have three parts");
    st = parse_header(token, (size_t)(first - token), &jws, err);
    if (st == JA_OK)
        st = parse_rest(first + 1, (size_t)(second - first - 1), second + 1,
                        (size_t)(end - second - 1), &jws, err);
    if (st != JA_OK) {
        ja_jws_clear(&jws);
        return st;
    }
    jws.signing_input = token;
    jws.signing_len = (size_t)(second - token);
    *ret = jws;
    return JA_OK;
}

void ja_jws_clear(struct ja_jws *jws)
{
    json_decref(jws->header);
    free(jws->payload);
    *jws = (struct ja_jws){0};
}

enum ja_status ja_jws_check_signature(const struct ja_jws *jws, struct ja_key *key,
                                      struct ja_error *err)
{
    if (ja_key_alg(key) != jws->alg)
        return ja_fail(err, JA_ERR_DENIED, "alg_mismatch",
                       "the token's alg is not the one of its key");
    return ja_key_verify(key, jws->signing_input, jws->signing_len, jws->sig, jws->sig_len, err);
}

enum ja_status ja_jws_claims_unverified(const struct ja_jws *jws, json_t **ret, struct ja_error *err)
{
    return ja_json_parse_strict(jws->payload, jws->payload_len, ret, err);
}

/* ---- signing ---- */

static char *append_b64(char *p, char *end, const void *data, size_t len)
{
    ja_b64_encode(data, len, p, (size_t)(end - p));
    return p + strlen(p);
}

static enum ja_status assemble(struct ja_key *key, const char *header, const char *claims, char **ret,
                               struct ja_error *err)
{
    size_t size = JA_B64_SIZE(strlen(header)) + JA_B64_SIZE(strlen(claims)) + JA_B64_SIZE(JA_SIG_MAX);
    unsigned char sig[JA_SIG_MAX];
    size_t sig_len = 0;
    char *token = malloc(size), *p = token;
    enum ja_status st;

    if (!token)
        return ja_fail_nomem(err);
    p = append_b64(p, token + size, header, strlen(header));
    *p++ = '.';
    p = append_b64(p, token + size, claims, strlen(claims));
    st = ja_key_sign(key, token, (size_t)(p - token), sig, &sig_len, err);
    if (st == JA_OK) {
        *p++ = '.';
        p = append_b64(p, token + size, sig, sig_len);
        if ((size_t)(p - token) > JA_TOKEN_MAX)
            st = ja_fail(err, JA_ERR_POLICY, "token_too_large",
                         "the token would be longer than %d bytes: fewer roles or a shorter scope",
                         JA_TOKEN_MAX);
    }
    if (st != JA_OK) {
        sodium_memzero(token, size);
        free(token);
        return st;
    }
    *ret = token;
    return JA_OK;
}

enum ja_status ja_jws_sign(struct ja_key *key, const char *typ, const json_t *claims, char **ret,
                           struct ja_error *err)
{
    json_t *header = json_pack("{s:s,s:s,s:s}", "alg", ja_alg_name(ja_key_alg(key)), "kid",
                               ja_key_kid(key), "typ", typ);
    char *header_text = header ? json_dumps(header, JSON_COMPACT) : NULL;
    char *claims_text = json_dumps(claims, JSON_COMPACT);
    enum ja_status st = header_text && claims_text ? assemble(key, header_text, claims_text, ret, err)
                                                   : ja_fail_nomem(err);

    free(header_text);
    free(claims_text);
    json_decref(header);
    return st;
}
