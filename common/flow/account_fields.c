#include "common/domain/local_user.h"
#include "common/flow/account_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_STORED 255

static enum ja_status replace(char **dst, const char *text, struct ja_error *err)
{
    char *copy = NULL;

    if (text && text[0]) {
        copy = strdup(text);
        if (!copy)
            return ja_fail_nomem(err);
    }
    free(*dst);
    *dst = copy;
    return JA_OK;
}

enum ja_status ja_field_username(const char *s, struct ja_user *u, struct ja_error *err)
{
    if (!ja_username_valid(s))
        return ja_fail(err, JA_ERR_INVALID, "invalid_username",
                       "not a user name: 1 to 32 of a-z, 0-9, _ and -, the first a letter or _");
    (void)snprintf(u->username, sizeof u->username, "%s", s);
    return JA_OK;
}

/* The text without blanks around it, as typed otherwise. */
static enum ja_status set_email(const char *typed, struct ja_user *u, struct ja_error *err)
{
    char key[JA_EMAIL_MAX + 1], old[JA_EMAIL_MAX + 1] = "", kept[JA_EMAIL_MAX + 1];
    const char *start = typed + strspn(typed, " \t");

    if (!ja_email_normalize(typed, key))
        return ja_fail(err, JA_ERR_INVALID, "invalid_email",
                       "not an email address: give it as name@domain");
    (void)snprintf(kept, sizeof kept, "%.*s", (int)strlen(key), start);
    if (u->email && (!ja_email_normalize(u->email, old) || strcmp(old, key) != 0))
        u->email_verified_at = 0; /* what was verified was the other address */
    return replace(&u->email, kept, err);
}

static enum ja_status set_phone(const char *typed, struct ja_user *u, struct ja_error *err)
{
    char key[JA_PHONE_MAX + 1];

    if (!ja_phone_normalize(typed, key))
        return ja_fail(err, JA_ERR_INVALID, "invalid_phone",
                       "not a phone number: give + and 8 to 15 digits with the country code");
    if (u->phone && strcmp(u->phone, key) != 0)
        u->phone_verified_at = 0;
    return replace(&u->phone, key, err);
}

enum ja_status ja_field_contacts(const struct ja_user_spec *spec, struct ja_user *u,
                                 struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (spec->email) /* what waited for its verification waits for nothing now */
        st = replace(&u->email_pending, NULL, err);
    if (st == JA_OK && spec->phone)
        st = replace(&u->phone_pending, NULL, err);
    if (st == JA_OK && spec->email && spec->email[0]) {
        st = set_email(spec->email, u, err);
    } else if (st == JA_OK && spec->email) {
        u->email_verified_at = 0;
        st = replace(&u->email, NULL, err);
    }
    if (st == JA_OK && spec->phone && spec->phone[0]) {
        st = set_phone(spec->phone, u, err);
    } else if (st == JA_OK && spec->phone) {
        u->phone_verified_at = 0;
        st = replace(&u->phone, NULL, err);
    }
    return st;
}

static enum ja_status set_name(const char *what, const char *text, char **dst, struct ja_error *err)
{
    if (!text)
        return JA_OK;
    if (text[0] && (!ja_text_valid(text, JA_TEXT_MAX) || !text[strspn(text, " \t")]))
        return ja_fail(err, JA_ERR_INVALID, "invalid_name",
                       "not a valid %s: UTF-8 without control characters, 1 to %d bytes", what,
                       JA_TEXT_MAX);
    return replace(dst, text, err);
}

/* The full name is made of the two where only they are given. */
static enum ja_status join_names(const struct ja_user_spec *spec, struct ja_user *u,
                                 struct ja_error *err)
{
    char both[2 * JA_TEXT_MAX + 2];

    if (spec->full_name || (!spec->first_name && !spec->last_name))
        return JA_OK;
    if (!u->first_name && !u->last_name)
        return JA_OK;
    (void)snprintf(both, sizeof both, "%s%s%s", u->first_name ? u->first_name : "",
                   u->first_name && u->last_name ? " " : "", u->last_name ? u->last_name : "");
    return set_name("full name", both, &u->full_name, err);
}

enum ja_status ja_field_names(const struct ja_user_spec *spec, struct ja_user *u,
                              struct ja_error *err)
{
    enum ja_status st = set_name("full name", spec->full_name, &u->full_name, err);

    if (st == JA_OK)
        st = set_name("first name", spec->first_name, &u->first_name, err);
    if (st == JA_OK)
        st = set_name("last name", spec->last_name, &u->last_name, err);
    if (st == JA_OK)
        st = set_name("company name", spec->company_name, &u->company_name, err);
    return st == JA_OK ? join_names(spec, u, err) : st;
}

/* An absolute path that passwd(5) can hold and that means the same to everybody. */
static bool path_valid(const char *s)
{
    size_t len = strnlen(s, PATH_MAX_STORED + 1);

    if (len > PATH_MAX_STORED || s[0] != '/' || !ja_text_valid(s, PATH_MAX_STORED) ||
        strchr(s, ':') || strstr(s, "/../"))
        return false;
    return len < 3 || strcmp(s + len - 3, "/..") != 0;
}

static bool expand_home(const char *template, const char *username, char *out, size_t size)
{
    size_t n = 0;

    for (const char *p = template; *p; p++) {
        const char *piece = username;
        size_t len = 0;

        if (p[0] == '%' && p[1] == 'u') {
            len = strlen(username);
            p++;
        } else {
            piece = p;
            len = 1;
        }
        if (n + len >= size)
            return false;
        memcpy(out + n, piece, len);
        n += len;
    }
    out[n] = 0;
    return true;
}

enum ja_status ja_field_paths(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                              struct ja_user *u, struct ja_error *err)
{
    char expanded[PATH_MAX_STORED + 1];
    const char *home = spec->home, *shell = spec->shell;
    enum ja_status st = JA_OK;

    if (!home && !u->home) {
        if (!expand_home(ctx->cfg->accounts.home, u->username, expanded, sizeof expanded))
            return ja_fail(err, JA_ERR_INVALID, "invalid_home", "the home folder's path is too long");
        home = expanded;
    }
    if (!shell && !u->shell)
        shell = u->kind == JA_USER_SERVICE ? "/usr/sbin/nologin" : ctx->cfg->accounts.shell;
    if (home && !path_valid(home))
        return ja_fail(err, JA_ERR_INVALID, "invalid_home",
                       "not a home folder: an absolute path without : or .., at most %d bytes",
                       PATH_MAX_STORED);
    if (shell && !path_valid(shell))
        return ja_fail(err, JA_ERR_INVALID, "invalid_shell",
                       "not a shell: an absolute path without : or .., at most %d bytes",
                       PATH_MAX_STORED);
    if (home)
        st = replace(&u->home, home, err);
    if (st == JA_OK && shell)
        st = replace(&u->shell, shell, err);
    return st;
}

static bool in_range(const struct ja_ctx *ctx, int64_t id)
{
    return id >= ctx->cfg->accounts.uid_min && id <= ctx->cfg->accounts.uid_max;
}

enum ja_status ja_field_posix_ids(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                  struct ja_user *u, struct ja_error *err)
{
    if ((spec->uid && !in_range(ctx, spec->uid)) || (spec->gid && !in_range(ctx, spec->gid)))
        return ja_fail(err, JA_ERR_INVALID, "uid_out_of_range",
                       "uid and gid have to be in %lld to %lld (uid_min and uid_max in [accounts])",
                       (long long)ctx->cfg->accounts.uid_min,
                       (long long)ctx->cfg->accounts.uid_max);
    if (spec->uid && spec->uid != u->uid && ja_local_uid_taken(spec->uid))
        return ja_fail(err, JA_ERR_CONFLICT, "local_user", "uid %lld belongs to a local user",
                       (long long)spec->uid);
    if (spec->uid)
        u->uid = spec->uid;
    if (spec->gid)
        u->gid = spec->gid;
    return JA_OK;
}
