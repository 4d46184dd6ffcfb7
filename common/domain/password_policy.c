#include "common/domain/password_policy.h"

#include "common/domain/password_blocklist.h"
#include "common/domain/password_dictionary.h"
#include "common/domain/password_hash.h"
#include "common/domain/user.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define NAME_MIN 3       /* shorter names are in every other password */
#define HISTORY_MOST 24  /* the configuration's bound */

static void broken(struct ja_policy_report *r, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void broken(struct ja_policy_report *r, const char *code, const char *fmt, ...)
{
    va_list ap;

    if (r->len == JA_POLICY_RULES_MAX)
        return;
    (void)snprintf(r->broken[r->len].code, sizeof r->broken[0].code, "%s", code);
    va_start(ap, fmt);
    (void)vsnprintf(r->broken[r->len].text, sizeof r->broken[0].text, fmt, ap);
    va_end(ap);
    r->len++;
}

/* ---- length and classes ---- */

/* Code points (NIST SP 800-63B 3.1.1.2); what is no UTF-8 counts by the byte. */
static size_t characters(const char *pw, size_t len)
{
    size_t n = 0;

    if (!ja_utf8_valid(pw, len))
        return len;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)pw[i] & 0xc0) != 0x80;
    return n;
}

static int64_t min_length(const struct ja_config *cfg, const struct ja_policy_subject *subject)
{
    if (cfg->password.min_length > 0)
        return cfg->password.min_length;
    if (cfg->password.preset == JA_PRESET_CLASSIC)
        return 8;
    return subject->mfa_enforced ? 8 : 15;
}

static int required_classes(const struct ja_config *cfg)
{
    if (cfg->password.require >= 0)
        return cfg->password.require;
    return cfg->password.preset == JA_PRESET_CLASSIC
               ? JA_CLASS_UPPER | JA_CLASS_LOWER | JA_CLASS_DIGIT
               : 0;
}

static int class_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return JA_CLASS_UPPER;
    if (c >= 'a' && c <= 'z')
        return JA_CLASS_LOWER;
    if (c >= '0' && c <= '9')
        return JA_CLASS_DIGIT;
    return (c > ' ' && c != 0x7f) ? JA_CLASS_SPECIAL : 0;
}

static void check_length(const struct ja_config *cfg, const struct ja_policy_subject *subject,
                         const char *pw, size_t len, struct ja_policy_report *r)
{
    int64_t least = min_length(cfg, subject);

    if ((int64_t)characters(pw, len) < least)
        broken(r, "too_short", "the password is shorter than %lld characters", (long long)least);
    if (len > JA_PASSWORD_MAX)
        broken(r, "too_long", "the password is longer than %d bytes", JA_PASSWORD_MAX);
}

static void check_classes(const struct ja_config *cfg, const char *pw, size_t len,
                          struct ja_policy_report *r)
{
    int missing = required_classes(cfg);

    for (size_t i = 0; i < len; i++)
        missing &= ~class_of((unsigned char)pw[i]);
    if (missing & JA_CLASS_UPPER)
        broken(r, "no_upper", "the password has no upper-case letter (A to Z)");
    if (missing & JA_CLASS_LOWER)
        broken(r, "no_lower", "the password has no lower-case letter (a to z)");
    if (missing & JA_CLASS_DIGIT)
        broken(r, "no_digit", "the password has no digit");
    if (missing & JA_CLASS_SPECIAL)
        broken(r, "no_special",
               "the password has no special character (punctuation, or one outside ASCII)");
}

/* ---- names inside ---- */

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Is name[0..n) in the password, in any letter case? */
static bool has_name(const char *pw, size_t len, const char *name, size_t n)
{
    if (n < NAME_MIN)
        return false;
    for (size_t at = 0; at + n <= len; at++) {
        size_t i = 0;

        while (i < n && fold(pw[at + i]) == fold(name[i]))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* A host's whole name, and the label that tells it apart: "web1" of a host, "example" of an issuer.
 */
static bool has_host(const char *pw, size_t len, const char *host, size_t n, bool first_label)
{
    const char *dot = memchr(host, '.', n), *label = host, *end = host + n;

    if (has_name(pw, len, host, n))
        return true;
    if (!dot)
        return false;
    if (first_label)
        return has_name(pw, len, host, (size_t)(dot - host));
    while (end > host && end[-1] != '.')
        end--;
    end--; /* at the last dot */
    for (const char *p = host; p < end; p++) {
        if (*p == '.')
            label = p + 1;
    }
    return has_name(pw, len, label, (size_t)(end - label));
}

static bool has_issuer(const struct ja_config *cfg, const char *pw, size_t len)
{
    const char *issuer = cfg->tokens.issuer ? cfg->tokens.issuer : "";
    const char *label = cfg->mfa.issuer_label ? cfg->mfa.issuer_label : "";
    const char *scheme = strstr(issuer, "://");
    struct utsname uts;

    if (scheme)
        issuer = scheme + 3;
    if (has_host(pw, len, issuer, strcspn(issuer, ":/?#"), false) ||
        has_name(pw, len, label, strlen(label)))
        return true;
    return uname(&uts) == 0 && has_host(pw, len, uts.nodename, strlen(uts.nodename), true);
}

static void check_names(const struct ja_config *cfg, const struct ja_policy_subject *s,
                        const char *pw, size_t len, struct ja_policy_report *r)
{
    if (s->username && has_name(pw, len, s->username, strlen(s->username)))
        broken(r, "has_username", "the password has the user name in it");
    if (s->email && has_name(pw, len, s->email, strcspn(s->email, "@")))
        broken(r, "has_email", "the password has the email address's name in it");
    if (has_issuer(cfg, pw, len))
        broken(r, "has_issuer", "the password has the name of this host or issuer in it");
}

/* ---- lists ---- */

static enum ja_status check_lists(const struct ja_config *cfg, const char *pw, size_t len,
                                  struct ja_policy_report *r, struct ja_error *err)
{
    const char *path = cfg->password.blocklist;
    bool found = false;
    enum ja_status st = JA_OK;

    if (cfg->password.dictionary)
        st = ja_dictionary_has(pw, &found, err);
    if (st == JA_OK && found)
        broken(r, "in_dictionary",
               "the password is based on a dictionary word or a simple pattern");
    found = ja_blocklist_common(pw, len);
    if (st == JA_OK && !found && path && *path)
        st = ja_blocklist_file(path, pw, len, &found, err);
    if (st == JA_OK && found)
        broken(r, "on_blocklist", "the password is one that many people use");
    return st;
}

/* ---- history ---- */

struct history {
    char *hashes[HISTORY_MOST + 1];
    size_t len;
};

static enum ja_status keep(void *arg, const char *hash, bool *stop)
{
    struct history *h = arg;

    for (size_t i = 0; i < h->len; i++) {
        if (strcmp(h->hashes[i], hash) == 0)
            return JA_OK;
    }
    if (h->len == sizeof h->hashes / sizeof h->hashes[0]) {
        *stop = true;
        return JA_OK;
    }
    h->hashes[h->len] = strdup(hash);
    return h->hashes[h->len++] ? JA_OK : JA_ERR_NOMEM;
}

/* Read first, hashed after: the rows are not held open over slow work. */
static enum ja_status check_history(struct ja_ctx *ctx, const struct ja_policy_subject *s,
                                    const char *pw, size_t len, struct ja_policy_report *r,
                                    struct ja_error *err)
{
    int64_t limit = ctx->cfg->password.history;
    struct history h = {0};
    bool stop = false;
    enum ja_status st = JA_OK;

    if (s->current_hash)
        st = keep(&h, s->current_hash, &stop);
    if (st == JA_OK && s->user_id && limit > 0)
        st = ja_user_history_each(ctx, s->user_id, limit, keep, &h, err);
    if (st == JA_ERR_NOMEM)
        st = ja_fail_nomem(err);
    for (size_t i = 0; st == JA_OK && i < h.len; i++) {
        st = ja_password_verify(ctx, h.hashes[i], pw, len, NULL, err);
        if (st == JA_OK) {
            broken(r, "reused", "the password was used before");
            break;
        }
        /* A damaged hash matches nothing, and a new password is what mends it. */
        if (st == JA_ERR_DENIED || st == JA_ERR_CORRUPT)
            st = JA_OK;
    }
    for (size_t i = 0; i < h.len; i++)
        ja_wipe_free(h.hashes[i]);
    return st;
}

/* One line with every rule: for those who print no list. */
static enum ja_status refuse(const struct ja_policy_report *r, struct ja_error *err)
{
    char text[sizeof((struct ja_error){0}.message)];
    size_t at = 0;

    for (size_t i = 0; i < r->len && at < sizeof text; i++) {
        int n = snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? "; " : "", r->broken[i].text);

        at += n > 0 ? (size_t)n : 0;
    }
    return ja_fail(err, JA_ERR_POLICY, "weak_password", "%s", text);
}

enum ja_status ja_password_policy_check(struct ja_ctx *ctx, const struct ja_policy_subject *subject,
                                        const void *pw, size_t len, struct ja_policy_report *report,
                                        struct ja_error *err)
{
    const struct ja_config *cfg = ctx->cfg;
    struct ja_policy_report r = {0};
    char text[JA_PASSWORD_MAX + 1];
    enum ja_status st = JA_OK;

    check_length(cfg, subject, pw, len, &r);
    check_classes(cfg, pw, len, &r);
    check_names(cfg, subject, pw, len, &r);
    if (len > 0 && memchr(pw, 0, len)) {
        broken(&r, "has_nul", "the password has a zero byte in it");
    } else if (len > 0 && len <= JA_PASSWORD_MAX) {
        memcpy(text, pw, len);
        text[len] = 0;
        st = check_lists(cfg, text, len, &r, err);
        if (st == JA_OK && r.len == 0)
            st = check_history(ctx, subject, text, len, &r, err);
        sodium_memzero(text, sizeof text);
    }
    if (st != JA_OK)
        return st;
    if (report)
        *report = r;
    return r.len > 0 ? refuse(&r, err) : JA_OK;
}
