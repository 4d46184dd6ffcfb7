/* A token in place of the password (PAM.md, accept=jwt; SECURITY R13-R16): only one that the whole of ja_token_verify
 * takes, for this host, of the very user who logs in. */
#include "common/flow/auth_internal.h"

#include <stdio.h>
#include <string.h>

#define B64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* RFC 7515 section 7.1; the header is an object, so its text begins with the base64url of {". Whatever looks like it is
 * never hashed as a password, good or not: cut ones, unsigned ones and encrypted ones too. */
static bool token_form(const char *answer, size_t len)
{
    size_t dots = 0;

    if (!answer || len < 3 || strncmp(answer, "eyJ", 3) != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (answer[i] == '.')
            dots++;
        else if (!answer[i] || !strchr(B64URL, answer[i]))
            return false;
    }
    return dots >= 2;
}

bool ja_auth_takes_token(const struct ja_auth *auth, const void *answer, size_t len)
{
    return auth->req.take_tokens && (auth->terms.accept & JA_ACCEPT_JWT) && token_form(answer, len);
}

void ja_auth_token_clear(struct ja_auth *auth)
{
    ja_secret_clear(&auth->token.text);
    json_decref(auth->token.claims);
    auth->token.claims = NULL;
}

static void refuse(struct ja_auth *a, const char *code)
{
    (void)snprintf(a->token.refused, sizeof a->token.refused, "%s", code);
}

static const char *claim(const json_t *claims, const char *name)
{
    const char *text = json_string_value(json_object_get(claims, name));

    return text ? text : "";
}

/* The user whom PAM asks for, by both names that a token has of it (PEERS F7). */
static bool is_of(const json_t *claims, const struct ja_user *user)
{
    return strcmp(claim(claims, "sub"), user->id) == 0 &&
           strcmp(claim(claims, "preferred_username"), user->username) == 0;
}

/* A token for some purpose is no key to the whole account: one with a scope, or of a limited credential, which has no
 * roles claim. */
static bool is_limited(const json_t *claims)
{
    return json_object_get(claims, "scope") != NULL || !json_is_array(json_object_get(claims, "roles"));
}

static bool has_mfa(const json_t *claims)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(claims, "amr"), i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), "mfa") == 0)
            return true;
    }
    return false;
}

/* JA_ERR_DENIED with its code; an installation that names neither itself nor its issuer has no tokens of its own. */
static enum ja_status verify(struct ja_auth *a, const char *token, size_t len, json_t **ret, struct ja_error *err)
{
    const struct ja_token_check check = ja_token_check_default(a->ctx);

    if (len > JA_LOGIN_TOKEN_MAX)
        return ja_fail(err, JA_ERR_DENIED, "token_too_large", "the token is longer than %d bytes", JA_LOGIN_TOKEN_MAX);
    if (!check.issuer || !*check.issuer || !check.audience || !*check.audience)
        return ja_fail(err, JA_ERR_DENIED, "no_issuer", "[tokens] issuer and audience are not configured");
    return ja_token_verify(a->ctx, token, len, &check, false, ret, err);
}

static void judge_claims(struct ja_auth *a, json_t *claims)
{
    if (!a->known || a->user.kind != JA_USER_PERSON || !is_of(claims, &a->user)) {
        refuse(a, "wrong_user");
    } else if (is_limited(claims)) {
        refuse(a, "limited_token");
    } else {
        a->password_ok = a->token.good = true;
        a->token.mfa = has_mfa(claims);
        a->token.claims = json_incref(claims);
    }
}

enum ja_status ja_auth_judge_token(struct ja_auth *auth, const void *answer, size_t len, struct ja_error *err)
{
    struct ja_error local = {0};
    json_t *claims = NULL;
    enum ja_status st = verify(auth, answer, len, &claims, &local);

    auth->token.given = true;
    if (st == JA_OK)
        judge_claims(auth, claims);
    if (st == JA_OK && auth->token.good)
        st = ja_secret_from(&auth->token.text, answer, len, &local);
    if (st == JA_ERR_DENIED)
        refuse(auth, local.code);
    else if (st != JA_OK && err)
        *err = local;
    json_decref(claims);
    return st == JA_ERR_DENIED ? JA_OK : st;
}

enum ja_status ja_auth_consume_token(struct ja_auth *auth, enum ja_auth_reason *reason, struct ja_error *err)
{
    const struct ja_secret *text = &auth->token.text;
    struct ja_error local = {0};
    json_t *claims = NULL;
    bool first = true;
    enum ja_status st;

    if (!auth->token.good)
        return JA_OK;
    st = verify(auth, (const char *)text->data, text->len, &claims, &local);
    if (st == JA_OK && auth->req.jwt_once)
        st = ja_token_use_once(auth->ctx, claim(claims, "jti"),
                               (int64_t)json_number_value(json_object_get(claims, "exp")), &first, &local);
    if (st == JA_ERR_DENIED || (st == JA_OK && !first)) {
        refuse(auth, first ? local.code : "token_used");
        *reason = JA_REASON_WRONG_TOKEN;
        st = JA_OK;
    }
    if (st != JA_OK && err)
        *err = local;
    json_decref(claims);
    return st;
}
