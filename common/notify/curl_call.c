#include "common/notify/curl_call.h"

#include "common/base/dynload.h"
#include "common/notify/provider.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 2048

static enum ja_status load(struct ja_curl_lib *lib, struct ja_error *err)
{
    const struct ja_dl_symbol symbols[] = {
        {"curl_easy_init", (void **)&lib->easy_init},
        {"curl_easy_cleanup", (void **)&lib->easy_cleanup},
        {"curl_easy_reset", (void **)&lib->easy_reset},
        {"curl_easy_setopt", (void **)&lib->easy_setopt},
        {"curl_easy_perform", (void **)&lib->easy_perform},
        {"curl_easy_getinfo", (void **)&lib->easy_getinfo},
        {"curl_easy_strerror", (void **)&lib->easy_strerror},
        {"curl_easy_escape", (void **)&lib->easy_escape},
        {"curl_free", (void **)&lib->free},
        {"curl_slist_append", (void **)&lib->slist_append},
        {"curl_slist_free_all", (void **)&lib->slist_free_all},
        {"curl_mime_init", (void **)&lib->mime_init},
        {"curl_mime_free", (void **)&lib->mime_free},
        {"curl_mime_addpart", (void **)&lib->mime_addpart},
        {"curl_mime_data", (void **)&lib->mime_data},
        {"curl_mime_type", (void **)&lib->mime_type},
        {"curl_mime_encoder", (void **)&lib->mime_encoder},
        {"curl_mime_subparts", (void **)&lib->mime_subparts},
    };

    return ja_dl_load("libcurl.so.4", symbols, sizeof symbols / sizeof *symbols, err);
}

static void end_call(struct ja_curl *c)
{
    if (c->headers)
        c->lib.slist_free_all(c->headers);
    c->headers = NULL;
    c->answered = 0;
    c->refused = false;
    c->reason[0] = 0;
}

void ja_curl_end(struct ja_curl *c)
{
    if (!c->easy)
        return;
    end_call(c);
    c->lib.easy_cleanup(c->easy);
    memset(c, 0, sizeof *c);
}

/* Nothing of an answer's body is used; more than the bound is not even read. */
static size_t count_answer(char *data, size_t size, size_t n, void *arg)
{
    struct ja_curl *c = arg;

    (void)data;
    c->answered += size * n;
    return c->answered > JA_ANSWER_MAX ? 0 : size * n;
}

enum ja_status ja_curl_begin(struct ja_curl *c, const char *url, const char *protocol, struct ja_error *err)
{
    enum ja_status st = c->easy ? JA_OK : load(&c->lib, err);

    if (st != JA_OK)
        return st;
    if (!c->easy)
        c->easy = c->lib.easy_init();
    if (!c->easy)
        return ja_fail_nomem(err);
    end_call(c);
    c->lib.easy_reset(c->easy); /* keeps the connection */
    ja_curl_set(c, CURLOPT_PROTOCOLS_STR, protocol);
    ja_curl_set(c, CURLOPT_REDIR_PROTOCOLS_STR, protocol);
    ja_curl_set(c, CURLOPT_FOLLOWLOCATION, 0L);
    ja_curl_set(c, CURLOPT_MAXREDIRS, 0L);
    ja_curl_set(c, CURLOPT_PROXY, "");
    ja_curl_set(c, CURLOPT_NOPROXY, "*");
    ja_curl_set(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    ja_curl_set(c, CURLOPT_NOSIGNAL, 1L);
    ja_curl_set(c, CURLOPT_NOPROGRESS, 1L);
    ja_curl_set(c, CURLOPT_CONNECTTIMEOUT, (long)JA_PROVIDER_SECONDS);
    ja_curl_set(c, CURLOPT_TIMEOUT, (long)JA_PROVIDER_SECONDS);
    ja_curl_set(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    ja_curl_set(c, CURLOPT_SSL_VERIFYPEER, 1L);
    ja_curl_set(c, CURLOPT_SSL_VERIFYHOST, 2L);
    ja_curl_set(c, CURLOPT_WRITEFUNCTION, count_answer);
    ja_curl_set(c, CURLOPT_WRITEDATA, c);
    ja_curl_set(c, CURLOPT_ERRORBUFFER, c->reason);
    ja_curl_set(c, CURLOPT_URL, url);
    return JA_OK;
}

void ja_curl_header(struct ja_curl *c, const char *fmt, ...)
{
    char line[HEADER_MAX];
    struct curl_slist *more;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof line) {
        c->refused = true;
        return;
    }
    /* Folding (RFC 5322 section 2.2.3) is the only line end that a header may have. */
    for (const char *p = line; *p; p++) {
        if (strncmp(p, "\r\n ", 3) == 0)
            p += 2;
        else if ((unsigned char)*p < ' ' || *p == 0x7f)
            c->refused = true;
    }
    more = c->refused ? NULL : c->lib.slist_append(c->headers, line);
    if (more)
        c->headers = more;
    else
        c->refused = true;
}

enum ja_status ja_curl_form_field(struct ja_curl *c, const char *name, const char *value, struct ja_secret *form,
                                  struct ja_error *err)
{
    char *text = c->lib.easy_escape(c->easy, value, 0);
    enum ja_status st = text ? ja_secret_append(form, name, strlen(name), err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = ja_secret_append(form, text, strlen(text), err);
    if (text) {
        sodium_memzero(text, strlen(text));
        c->lib.free(text);
    }
    return st;
}

enum ja_status ja_curl_run(struct ja_curl *c, long *ret_code, struct ja_error *err)
{
    long code = 0;
    CURLcode rc;

    ja_curl_set(c, CURLOPT_HTTPHEADER, c->headers);
    if (c->refused)
        return ja_fail(err, JA_ERR_INTERNAL, "provider_options", "libcurl did not take an option or a header");
    rc = c->lib.easy_perform(c->easy);
    if (c->lib.easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &code) != CURLE_OK)
        code = 0;
    *ret_code = code;
    if (rc == CURLE_OK)
        return JA_OK;
    return ja_fail(err, JA_ERR_UNAVAILABLE, code >= 400 ? "provider_refused" : "provider_unreachable", "%s (%s)",
                   c->lib.easy_strerror(rc), c->reason[0] ? c->reason : "no more is known");
}
