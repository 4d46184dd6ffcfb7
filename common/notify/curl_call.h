/* libcurl, loaded late, with the options that every outgoing call has (SECURITY R26): certificate and host checked,
 * one protocol, no redirect, no proxy, no netrc, no signals, 10 seconds, 64 KiB of answer.
 *
 * Threads: one thread at a time per struct ja_curl.
 */
#ifndef JA_NOTIFY_CURL_CALL_H
#define JA_NOTIFY_CURL_CALL_H

#include "common/base/secret.h"
#include "common/base/status.h"

#include <curl/curl.h>
#include <stdbool.h>

#define JA_ANSWER_MAX (64 * 1024)

struct ja_curl_lib {
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_reset) *easy_reset;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_escape) *easy_escape;
    __typeof__(curl_free) *free;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_mime_init) *mime_init;
    __typeof__(curl_mime_free) *mime_free;
    __typeof__(curl_mime_addpart) *mime_addpart;
    __typeof__(curl_mime_data) *mime_data;
    __typeof__(curl_mime_type) *mime_type;
    __typeof__(curl_mime_encoder) *mime_encoder;
    __typeof__(curl_mime_subparts) *mime_subparts;
};

struct ja_curl {
    struct ja_curl_lib lib;
    CURL *easy;                    /* NULL until the first call */
    struct curl_slist *headers;
    bool refused;                  /* an option or a header was not taken: the call must not be made */
    size_t answered;               /* bytes */
    char reason[CURL_ERROR_SIZE];
};
void ja_curl_end(struct ja_curl *c); /* accepts all-zero */

/* A fresh call to `url` by `protocol` ("smtp", "smtps", "https", "http") on the connection that is there. */
enum ja_status ja_curl_begin(struct ja_curl *c, const char *url, const char *protocol, struct ja_error *err);
/* An option that is not taken makes ja_curl_run refuse. */
#define ja_curl_set(c, option, value) \
    ((void)((c)->lib.easy_setopt((c)->easy, (option), (value)) == CURLE_OK || ((c)->refused = true)))
/* "Name: value"; a control character in it makes ja_curl_run refuse. */
void ja_curl_header(struct ja_curl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends "NAME=" or "&NAME=" and the value, percent-encoded whole, to a form. After ja_curl_begin. */
enum ja_status ja_curl_form_field(struct ja_curl *c, const char *name, const char *value, struct ja_secret *form,
                                  struct ja_error *err);
/* JA_ERR_UNAVAILABLE "provider_unreachable" (nobody took the message), or "provider_refused" with the answer's code.
 * *ret_code is the last response code, 0: none came. */
enum ja_status ja_curl_run(struct ja_curl *c, long *ret_code, struct ja_error *err);

#endif
