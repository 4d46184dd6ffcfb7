#include "cli/jwks_cache.h"

#include "common/base/file_guard.h"
#include "common/base/text.h"
#include "common/domain/jws.h"
#include "common/domain/seal.h"
#include "common/notify/curl_call.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FRESH_DEFAULT 300 /* seconds, when the answer does not say */
#define FRESH_MAX 86400
#define AGAIN_AFTER 10    /* seconds: tokens with made-up kids do not make us a flood */
#define FILE_MAX (JA_ANSWER_MAX * 2)
#define ETAG_MAX 256
#define URL_MAX 1024

/* What is in the file, or was answered. */
struct kept {
    json_t *jwks;
    char etag[ETAG_MAX + 1];
    int64_t fetched_at, fresh_until;
};

void jwks_found_clear(struct jwks_found *f)
{
    ja_keyset_clear(&f->set);
    *f = (struct jwks_found){.kept = false};
}

static void kept_clear(struct kept *k)
{
    json_decref(k->jwks);
    *k = (struct kept){.jwks = NULL};
}

bool jwks_is_url(const char *text)
{
    return strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "http://", 7) == 0;
}

static enum ja_status check_url(const char *url, struct ja_error *err)
{
    size_t len = strnlen(url, URL_MAX + 1);

    if (strncmp(url, "https://", 8) != 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_jwks", "keys are fetched by https only: %.200s", url);
    for (size_t i = 8; i < len; i++)
        if (url[i] <= ' ' || url[i] > '~' || url[i] == '@')
            len = URL_MAX + 1; /* no password in it either */
    if (len > URL_MAX || len == 8)
        return ja_fail(err, JA_ERR_INVALID, "invalid_jwks", "not a https URL that keys are fetched from");
    return JA_OK;
}

/* ---- the file ---- */

static const char *own_folder(char out[512])
{
    const char *base = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
    char buf[4096];
    struct passwd pw, *found = NULL;
    int n;

    if (!home || home[0] != '/')
        home = getpwuid_r(geteuid(), &pw, buf, sizeof buf, &found) == 0 && found ? found->pw_dir : NULL;
    if (base && base[0] == '/')
        n = snprintf(out, 512, "%s/jwtauth", base);
    else
        n = home ? snprintf(out, 512, "%s/.cache/jwtauth", home) : -1;
    return n > 0 && n < 512 ? out : NULL;
}

/* False: there is no folder to keep it in. */
static bool path_of(const struct jwks_query *q, char out[640])
{
    char own[512], hash[JA_HASH_TEXT];
    const char *folder = q->folder ? q->folder : own_folder(own);
    int n;

    if (!folder || ja_dir_make(folder, geteuid() == 0 ? 0755 : 0700, NULL) != JA_OK)
        return false;
    ja_token_hash(q->url, strlen(q->url), hash);
    n = snprintf(out, 640, "%s/jwks-%.32s.json", folder, hash);
    return n > 0 && n < 640;
}

/* What is damaged, unsafe or of another address counts as nothing. */
static bool read_kept(const struct jwks_query *q, const char *path, struct kept *ret)
{
    static const struct ja_file_rule rule = {.max_mode = 0644, .max_size = FILE_MAX, .allow_own = true};
    struct ja_secret text = {0};
    json_t *doc = NULL;
    const char *url, *etag;
    bool good = false;

    if (ja_file_read(path, &rule, &text, NULL) == JA_OK)
        (void)ja_json_parse_strict(text.data, text.len, &doc, NULL);
    ja_secret_clear(&text);
    url = json_string_value(json_object_get(doc, "url"));
    etag = json_string_value(json_object_get(doc, "etag"));
    if (url && strcmp(url, q->url) == 0 && etag && strlen(etag) <= ETAG_MAX) {
        *ret = (struct kept){.jwks = json_incref(json_object_get(doc, "jwks")),
                             .fetched_at = json_integer_value(json_object_get(doc, "fetched_at")),
                             .fresh_until = json_integer_value(json_object_get(doc, "fresh_until"))};
        (void)snprintf(ret->etag, sizeof ret->etag, "%s", etag);
        good = ret->fetched_at <= q->now; /* else the clock was set back */
    }
    json_decref(doc);
    if (!good)
        kept_clear(ret);
    return good;
}

static void write_kept(const struct jwks_query *q, const char *path, const struct kept *k)
{
    json_t *doc = json_pack("{s:s,s:s,s:I,s:I,s:O}", "url", q->url, "etag", k->etag, "fetched_at",
                            (json_int_t)k->fetched_at, "fresh_until", (json_int_t)k->fresh_until, "jwks", k->jwks);
    char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

    if (text) /* failing to keep it: it is fetched again */
        (void)ja_file_write(path, geteuid() == 0 ? 0644 : 0600, false, text, strlen(text), NULL);
    free(text);
    json_decref(doc);
}

/* ---- the call ---- */

struct answer {
    char text[JA_ANSWER_MAX];
    size_t len;
    char etag[ETAG_MAX + 1];
    int64_t max_age; /* -1: not said */
    bool no_store;
};

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    struct answer *a = arg;

    if (size * n > sizeof a->text - a->len)
        return 0;
    memcpy(a->text + a->len, data, size * n);
    a->len += size * n;
    return size * n;
}

static void take_cache_control(struct answer *a, const char *value)
{
    const char *age = strcasestr(value, "max-age=");

    if (strcasestr(value, "no-store"))
        a->no_store = true;
    if (strcasestr(value, "no-cache"))
        a->max_age = 0;
    else if (age && age[8] >= '0' && age[8] <= '9')
        a->max_age = strtoll(age + 8, NULL, 10);
    if (a->max_age > FRESH_MAX)
        a->max_age = FRESH_MAX;
}

/* RFC 9110 section 8.8.3: sent back as it came, so only what may stand in a header. */
static void take_etag(struct answer *a, const char *value)
{
    size_t len = strcspn(value, "\r\n");

    if (len == 0 || len > ETAG_MAX)
        return;
    for (size_t i = 0; i < len; i++)
        if (value[i] < ' ' || value[i] > '~')
            return;
    (void)snprintf(a->etag, sizeof a->etag, "%.*s", (int)len, value);
}

static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
    char line[1024];
    size_t len = size * n < sizeof line - 1 ? size * n : sizeof line - 1;

    memcpy(line, data, len);
    line[len] = 0;
    if (strncasecmp(line, "Cache-Control:", 14) == 0)
        take_cache_control(arg, line + 14);
    else if (strncasecmp(line, "ETag:", 5) == 0)
        take_etag(arg, line + 5 + strspn(line + 5, " \t"));
    return size * n;
}

static enum ja_status unavailable(const char *url, const char *why, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_UNAVAILABLE, "jwks_unavailable", "no key set from %.200s: %.300s", url, why);
}

static enum ja_status call(const char *url, const char *etag, struct answer *a, long *ret_code, struct ja_error *err)
{
    struct ja_curl c = {0};
    struct ja_error local = {0};
    enum ja_status st = ja_curl_begin(&c, url, "https", err);

    if (st == JA_OK) {
        ja_curl_set(&c, CURLOPT_WRITEFUNCTION, take_body);
        ja_curl_set(&c, CURLOPT_WRITEDATA, a);
        ja_curl_set(&c, CURLOPT_HEADERFUNCTION, take_header);
        ja_curl_set(&c, CURLOPT_HEADERDATA, a);
        if (*etag)
            ja_curl_header(&c, "If-None-Match: %s", etag);
        st = ja_curl_run(&c, ret_code, &local);
        if (st == JA_ERR_UNAVAILABLE)
            st = unavailable(url, local.message, err);
        else if (st != JA_OK && err)
            *err = local;
    }
    ja_curl_end(&c);
    return st;
}

/* Only what is a key set takes the place of what was there. */
static enum ja_status take_set(const struct jwks_query *q, const struct answer *a, struct kept *k, struct ja_error *err)
{
    struct ja_keyset set = {0};
    json_t *jwks = NULL;
    struct ja_error local = {0};
    enum ja_status st = ja_keyset_parse(a->text, a->len, &set, &local);

    ja_keyset_clear(&set);
    if (st == JA_OK)
        st = ja_json_parse_strict(a->text, a->len, &jwks, &local);
    if (st != JA_OK)
        return unavailable(q->url, local.message, err);
    json_decref(k->jwks);
    k->jwks = jwks;
    (void)snprintf(k->etag, sizeof k->etag, "%s", a->etag);
    return JA_OK;
}

/* Into *k, which holds what was kept; untouched on failure. */
static enum ja_status fetch(const struct jwks_query *q, struct kept *k, bool *ret_no_store, struct ja_error *err)
{
    struct answer *a = calloc(1, sizeof *a);
    long code = 0;
    char why[32];
    enum ja_status st;

    if (!a)
        return ja_fail_nomem(err);
    a->max_age = -1;
    st = call(q->url, k->jwks ? k->etag : "", a, &code, err);
    if (st == JA_OK && code == 200) {
        st = take_set(q, a, k, err);
    } else if (st == JA_OK && !(code == 304 && k->jwks)) {
        (void)snprintf(why, sizeof why, "HTTP status %ld", code);
        st = unavailable(q->url, why, err);
    }
    if (st == JA_OK) {
        k->fetched_at = q->now;
        k->fresh_until = q->now + (a->max_age >= 0 ? a->max_age : FRESH_DEFAULT);
        *ret_no_store = a->no_store;
    }
    free(a);
    return st;
}

/* ---- the decision ---- */

static enum ja_status give(const struct kept *k, struct jwks_found *f, struct ja_error *err)
{
    char *text = json_dumps(k->jwks, JSON_COMPACT);
    enum ja_status st = text ? ja_keyset_parse(text, strlen(text), &f->set, err) : ja_fail_nomem(err);

    f->fetched_at = k->fetched_at;
    free(text);
    return st;
}

static enum ja_status decide(const struct jwks_query *q, const char *path, bool again, struct kept *k,
                             struct jwks_found *f, struct ja_error *err)
{
    bool fresh = k->jwks && q->now < k->fresh_until, no_store = false;
    enum ja_status st;

    if (again && k->jwks && q->now - k->fetched_at < AGAIN_AFTER)
        again = false;
    if (fresh && !again) {
        f->kept = true;
        return JA_OK;
    }
    st = fetch(q, k, &no_store, err);
    if (st == JA_ERR_UNAVAILABLE && k->jwks && q->now - k->fetched_at < q->max_stale) {
        f->stale = !fresh;
        return JA_OK;
    }
    if (st == JA_OK && path && !no_store)
        write_kept(q, path, k);
    return st;
}

enum ja_status jwks_find(const struct jwks_query *q, bool again, struct jwks_found *ret, struct ja_error *err)
{
    struct jwks_found f = {.kept = false};
    struct kept k = {.jwks = NULL};
    char path[640];
    bool has_path;
    enum ja_status st = check_url(q->url, err);

    if (st != JA_OK)
        return st;
    has_path = path_of(q, path);
    if (has_path)
        (void)read_kept(q, path, &k);
    st = decide(q, has_path ? path : NULL, again, &k, &f, err);
    if (st == JA_OK)
        st = give(&k, &f, err);
    kept_clear(&k);
    if (st == JA_OK)
        *ret = f;
    else
        jwks_found_clear(&f);
    return st;
}
