/* Webhooks and SMS gateways: one POST. */
#include "common/domain/outbox_row.h"
#include "common/notify/curl_call.h"
#include "common/notify/provider.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* config_check.c allows http:// to loopback only. */
static enum ja_status begin(struct ja_curl *c, const char *url, struct ja_error *err)
{
    return ja_curl_begin(c, url, strncmp(url, "https://", 8) == 0 ? "https" : "http", err);
}

/* The status line says whether the message was taken over; what comes after it changes nothing (an answer that is
 * too long is cut). A redirect is not followed: the secret is for this host. */
static enum ja_status run(struct ja_curl *c, struct ja_error *err)
{
    long code = 0;
    enum ja_status st = ja_curl_run(c, &code, err);

    if (code >= 200 && code <= 299)
        return JA_OK;
    if (st != JA_OK && code == 0)
        return st;
    return ja_fail(err, JA_ERR_UNAVAILABLE, "provider_refused", "the provider answered %ld%s", code,
                   code >= 300 && code <= 399 ? ": redirects are not followed" : "");
}

/* Over "timestamp.body": a receiver refuses old timestamps, so that a request cannot be sent again later. */
static void sign(const struct ja_secret *key, const char *timestamp, const struct ja_secret *body, char out[65])
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key->data, key->len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)timestamp, strlen(timestamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, body->data, body->len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof state);
    (void)sodium_bin2hex(out, 65, mac, sizeof mac);
}

enum ja_status ja_provider_webhook(struct ja_ctx *ctx, struct ja_curl *c, const struct ja_outgoing *m,
                                   struct ja_error *err)
{
    bool mail = m->channel == JA_CHANNEL_EMAIL;
    struct ja_secret key = {0}, body = {0};
    char timestamp[24], signature[65];
    enum ja_status st = mail ? ja_provider_secret(ctx->cfg->email.password_file, "[email] password_file", &key, err)
                             : ja_provider_secret(ctx->cfg->sms.token_file, "[sms] token_file", &key, err);

    if (st == JA_OK)
        st = ja_outgoing_json(ctx, m, &body, err);
    if (st == JA_OK)
        st = begin(c, mail ? ctx->cfg->email.url : ctx->cfg->sms.url, err);
    if (st == JA_OK) {
        (void)snprintf(timestamp, sizeof timestamp, "%lld", (long long)ja_now(&ctx->clock));
        sign(&key, timestamp, &body, signature);
        ja_curl_header(c, "Content-Type: application/json");
        ja_curl_header(c, "Idempotency-Key: %s", m->id);
        ja_curl_header(c, "Jwtauth-Timestamp: %s", timestamp);
        ja_curl_header(c, "Jwtauth-Signature: v1=%s", signature);
        ja_curl_header(c, "Expect:");
        ja_curl_set(c, CURLOPT_POSTFIELDSIZE, (long)body.len);
        ja_curl_set(c, CURLOPT_POSTFIELDS, (const char *)body.data);
        st = run(c, err);
        c->lib.easy_reset(c->easy); /* lets go of body */
    }
    ja_secret_clear(&key);
    ja_secret_clear(&body);
    return st;
}

/* ---- the form of Twilio's Programmable Messaging API, which others take too ---- */

static enum ja_status make_form(struct ja_ctx *ctx, struct ja_curl *c, const struct ja_outgoing *m,
                                struct ja_secret *form, struct ja_error *err)
{
    enum ja_status st = ja_secret_init(form, (size_t)JA_MESSAGE_MAX * 3 + 1024, err);

    if (st == JA_OK)
        st = ja_curl_form_field(c, "To=", m->destination, form, err);
    if (st == JA_OK)
        st = ja_curl_form_field(c, "&From=", ctx->cfg->sms.from, form, err);
    return st == JA_OK ? ja_curl_form_field(c, "&Body=", (const char *)m->words->text.data, form, err) : st;
}

static char *twilio_url(const struct ja_config *cfg)
{
    const char *base = *cfg->sms.url ? cfg->sms.url : "https://api.twilio.com";
    size_t len = strlen(base);
    char *url = NULL;

    while (len > 0 && base[len - 1] == '/')
        len--;
    if (asprintf(&url, "%.*s/2010-04-01/Accounts/%s/Messages.json", (int)len, base, cfg->sms.account) < 0)
        return NULL;
    return url;
}

enum ja_status ja_provider_twilio(struct ja_ctx *ctx, struct ja_curl *c, const struct ja_outgoing *m,
                                  struct ja_error *err)
{
    struct ja_secret token = {0}, form = {0};
    char *url = twilio_url(ctx->cfg);
    enum ja_status st = url ? ja_provider_secret(ctx->cfg->sms.token_file, "[sms] token_file", &token, err)
                            : ja_fail_nomem(err);

    if (st == JA_OK)
        st = begin(c, url, err);
    if (st == JA_OK)
        st = make_form(ctx, c, m, &form, err);
    if (st == JA_OK) {
        ja_curl_header(c, "Idempotency-Key: %s", m->id);
        ja_curl_header(c, "Expect:");
        ja_curl_set(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        ja_curl_set(c, CURLOPT_USERNAME, ctx->cfg->sms.account);
        ja_curl_set(c, CURLOPT_PASSWORD, (const char *)token.data);
        ja_curl_set(c, CURLOPT_POSTFIELDSIZE, (long)form.len);
        ja_curl_set(c, CURLOPT_POSTFIELDS, (const char *)form.data);
        st = run(c, err);
        c->lib.easy_reset(c->easy);
    }
    ja_secret_clear(&token);
    ja_secret_clear(&form);
    free(url);
    return st;
}
