/* Checks of single texts of the configuration; each answers NULL or what the text should have been. */
#include "common/base/config_options.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The host of scheme://[user@]host[:port][/...], lower case not enforced; false when there is none. */
static bool url_host(const char *url, char *out, size_t size)
{
    const char *s = strstr(url, "://");
    size_t authority, len;
    const char *at;

    if (!s)
        return false;
    s += 3;
    authority = strcspn(s, "/?#");
    at = memchr(s, '@', authority);
    if (at) {
        authority -= (size_t)(at + 1 - s);
        s = at + 1;
    }
    if (*s == '[') {
        len = strcspn(++s, "]");
        if (s[len] != ']')
            return false;
    } else {
        len = strcspn(s, ":/?#");
    }
    if (len == 0 || len > authority || len >= size)
        return false;
    memcpy(out, s, len);
    out[len] = 0;
    return true;
}

static bool is_loopback(const char *host)
{
    static const struct ja_net v4 = {{AF_INET, {127}}, 8};
    static const struct ja_net v6 = {{AF_INET6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128};
    struct ja_addr addr;

    if (strcmp(host, "localhost") == 0)
        return true;
    return ja_addr_parse(host, &addr) && (ja_net_contains(&v4, &addr) || ja_net_contains(&v6, &addr));
}

bool ja_url_is_loopback(const char *url)
{
    char host[256];

    return url_host(url, host, sizeof host) && is_loopback(host);
}

const char *ja_check_line(const char *s)
{
    return strchr(s, ' ') ? "must have no blanks" : NULL;
}

const char *ja_check_label(const char *s)
{
    return strchr(s, ':') ? "must have no colon" : NULL;
}

static const char *check_url(const char *s, const char *const schemes[], const char *wanted)
{
    char host[256];

    for (; *schemes; schemes++)
        if (starts(s, *schemes) && url_host(s, host, sizeof host) && !ja_check_line(s))
            return NULL;
    return wanted;
}

const char *ja_check_web_url(const char *s)
{
    static const char *const schemes[] = {"https://", "http://", NULL};

    return check_url(s, schemes, "must be a http:// or https:// URL");
}

const char *ja_check_https_url(const char *s)
{
    if (ja_check_web_url(s) || (starts(s, "http://") && !ja_url_is_loopback(s)))
        return "must be a https:// URL (http:// only to loopback)";
    return NULL;
}

/* RFC 7519 section 2, StringOrURI: with a colon it must be a URI. We take web URLs and plain names. */
const char *ja_check_issuer(const char *s)
{
    if (starts(s, "https://") || starts(s, "http://"))
        return strchr(s, '#') ? "must be a URL without a fragment" : ja_check_web_url(s);
    if (ja_check_line(s) || strstr(s, "://"))
        return "must be a https:// URL or a plain name";
    return NULL;
}

const char *ja_check_store_url(const char *s)
{
    if (strcmp(s, "none") == 0 || (starts(s, "sqlite:/") && s[8] != 0 && s[strlen(s) - 1] != '/') ||
        starts(s, "postgresql://"))
        return NULL;
    return "must be sqlite:/absolute/path, postgresql://... or none";
}

/* Passwords belong into password_file and token_file, never into this file. */
static bool has_userinfo(const char *url)
{
    const char *s = strstr(url, "://");

    return s && memchr(s + 3, '@', strcspn(s + 3, "/?#"));
}

const char *ja_check_email_target(const char *s)
{
    static const char *const schemes[] = {"smtp://", "smtps://", NULL};

    if (has_userinfo(s))
        return "must not hold a user or password: use username and password_file";
    if (starts(s, "smtp"))
        return check_url(s, schemes, "must be a smtp:// or smtps:// URL");
    return ja_check_sms_target(s);
}

const char *ja_check_sms_target(const char *s)
{
    if (has_userinfo(s))
        return "must not hold a user or password: use account and token_file";
    return s[0] == '/' ? NULL
           : ja_check_https_url(s) ? "must be a https:// URL, or the absolute path of a command"
                                   : NULL;
}

const char *ja_check_jwks(const char *s)
{
    return s[0] == '/' || !ja_check_https_url(s) ? NULL
                                                 : "must be an absolute path or a https:// URL";
}

const char *ja_check_email(const char *s)
{
    char out[JA_EMAIL_MAX + 1];

    return ja_email_normalize(s, out) ? NULL : "must be an email address";
}

/* Goes into getent's lines: no colon; %u is the user's name. */
const char *ja_check_home(const char *s)
{
    const char *p = strstr(s, "%u");

    if (s[0] != '/' || strchr(s, ':') || !p || strchr(p + 1, '%') ||
        memchr(s, '%', (size_t)(p - s)) || strstr(s, "/../"))
        return "must be an absolute path with one %u for the user's name and no colon";
    return NULL;
}

const char *ja_check_shell(const char *s)
{
    return s[0] == '/' && !strchr(s, ':') ? NULL : "must be an absolute path without a colon";
}

const char *ja_check_group_prefix(const char *s)
{
    return ja_username_valid(s) && strlen(s) <= 16
               ? NULL : "must be lower-case letters, digits, - and _, 16 at most";
}

const char *ja_check_role(const char *s)
{
    return ja_username_valid(s) ? NULL : "must be names of roles";
}

/* RFC 6454 section 6.1; neither "*" nor "null": a browser would let every page in. */
const char *ja_check_origin(const char *s)
{
    const char *host = strstr(s, "://");

    return host && !ja_check_web_url(s) && !strpbrk(host + 3, "/?#@*")
               ? NULL : "must be origins like https://app.example.org";
}

const char *ja_check_listen(const char *s)
{
    char host[256], url[300];
    const char *colon = strrchr(s, ':');
    int64_t port;

    if (strcmp(s, "off") == 0)
        return NULL;
    (void)snprintf(url, sizeof url, "tcp://%s", s);
    if (!colon || strpbrk(s, "/?#@") || !ja_parse_i64(colon + 1, 1, 65535, &port) ||
        !url_host(url, host, sizeof host) || strcmp(host, "localhost") == 0 || !is_loopback(host))
        return "must be off, or a loopback address and a port like 127.0.0.1:8413";
    return NULL;
}
