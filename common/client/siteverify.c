#include "common/client/siteverify.h"

#include "common/base/secret.h"
#include "common/client/curl_answer.h"
#include "common/notify/provider.h"

#include <jansson.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 * 1024)
#define FORM_MAX ((size_t)(JA_CAPTCHA_MAX + 4096 + 64) * 3 + 256) /* every byte as %XX */

static enum ja_status refused(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_DENIED, "captcha_refused", "the captcha was not solved");
}

static enum ja_status strange(long code, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_UNAVAILABLE, "captcha_unavailable",
                   "the captcha service gave no answer that can be understood (HTTP status %ld)%s", code,
                   code >= 300 && code <= 399 ? ": redirects are not followed" : "");
}

/* Visible ASCII: what every such service hands out; nothing else is worth a question. */
static bool has_form(const char *response)
{
    size_t len = strnlen(response, JA_CAPTCHA_MAX + 1);

    for (size_t i = 0; i < len; i++)
        if (response[i] <= ' ' || response[i] > '~')
            return false;
    return len > 0 && len <= JA_CAPTCHA_MAX;
}

/* ---- the question ---- */

static enum ja_status make_form(struct ja_curl *c, const struct ja_siteverify *q, struct ja_secret *form,
                                struct ja_error *err)
{
    struct ja_secret secret = {0};
    enum ja_status st = ja_provider_secret(q->secret_file, "[throttle] captcha_secret_file", &secret, err);

    if (st == JA_OK)
        st = ja_secret_init(form, FORM_MAX, err);
    if (st == JA_OK)
        st = ja_curl_form_field(c, "secret=", (const char *)secret.data, form, err);
    if (st == JA_OK)
        st = ja_curl_form_field(c, "&response=", q->response, form, err);
    if (st == JA_OK && q->remote_ip)
        st = ja_curl_form_field(c, "&remoteip=", q->remote_ip, form, err);
    ja_secret_clear(&secret);
    return st;
}

/* ---- the answer ---- */

/* Ours to mend, and not the visitor's failure. */
static bool blames_secret(const json_t *doc)
{
    const json_t *codes = json_object_get(doc, "error-codes"), *code;
    size_t i;

    json_array_foreach(codes, i, code)
        if (json_is_string(code) && (strcmp(json_string_value(code), "invalid-input-secret") == 0 ||
                                     strcmp(json_string_value(code), "missing-input-secret") == 0))
            return true;
    return false;
}

static enum ja_status judge(const struct ja_curl_answer *a, long code, struct ja_error *err)
{
    json_t *doc = code == 200 && a->len > 0 ? json_loadb(a->text, a->len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *success = json_object_get(doc, "success");
    enum ja_status st = JA_ERR_DENIED;

    if (json_is_true(success))
        st = JA_OK;
    else if (!json_is_false(success))
        st = strange(code, err);
    else if (blames_secret(doc))
        st = ja_fail(err, JA_ERR_CONFIG, "captcha_secret_refused",
                     "the captcha service does not take the secret in [throttle] captcha_secret_file");
    else
        st = refused(err);
    json_decref(doc);
    return st;
}

static enum ja_status perform(struct ja_curl *c, struct ja_curl_answer *a, struct ja_error *err)
{
    struct ja_error local = {0};
    long code = 0;
    enum ja_status st = ja_curl_run(c, &code, &local);

    if (st == JA_ERR_UNAVAILABLE)
        return ja_fail(err, st, "captcha_unavailable", "the captcha service does not answer (%.200s)", local.message);
    if (st != JA_OK) {
        if (err)
            *err = local;
        return st;
    }
    return judge(a, code, err);
}

enum ja_status ja_siteverify(const struct ja_siteverify *q, struct ja_error *err)
{
    struct ja_curl c = {0};
    struct ja_curl_answer a = {.max = ANSWER_MAX};
    struct ja_secret form = {0};
    long seconds = q->seconds > 0 ? q->seconds : JA_SITEVERIFY_SECONDS;
    enum ja_status st = JA_ERR_DENIED;

    if (!has_form(q->response))
        return refused(err);
    st = ja_curl_begin(&c, q->url, strncmp(q->url, "https://", 8) == 0 ? "https" : "http", err);
    if (st == JA_OK)
        st = make_form(&c, q, &form, err);
    if (st == JA_OK) {
        ja_curl_collect(&c, &a);
        ja_curl_set(&c, CURLOPT_CONNECTTIMEOUT, seconds);
        ja_curl_set(&c, CURLOPT_TIMEOUT, seconds);
        ja_curl_set(&c, CURLOPT_POSTFIELDS, (const char *)form.data);
        ja_curl_set(&c, CURLOPT_POSTFIELDSIZE, (long)form.len);
        ja_curl_header(&c, "Expect:");
        ja_curl_header(&c, "Accept: application/json");
        st = perform(&c, &a, err);
    }
    ja_curl_end(&c);
    ja_curl_answer_clear(&a);
    ja_secret_clear(&form);
    return st;
}
