/* Which templates there are, where their texts come from, and what a text must be. */
#include "common/notify/message_template.h"

#include "common/base/file_guard.h"
#include "common/notify/template_builtin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (32 * 1024)
#define COMMON "username full_name issuer time hint"
#define SUBJECT "Subject: "

static const struct ja_template templates[] = {
    {"verify_email", JA_CHANNEL_EMAIL, "token", COMMON " token link valid"},
    {"verify_phone", JA_CHANNEL_SMS, "code", COMMON " code valid"},
    {"reset_email", JA_CHANNEL_EMAIL, "token", COMMON " token link valid"},
    {"reset_sms", JA_CHANNEL_SMS, "code", COMMON " code valid"},
    {"invite_email", JA_CHANNEL_EMAIL, "token", COMMON " token link valid"},
    {"invite_sms", JA_CHANNEL_SMS, "code", COMMON " code valid"},
    {"new_source", JA_CHANNEL_EMAIL, NULL, COMMON " source service"},
    {"password_changed", JA_CHANNEL_EMAIL, NULL, COMMON " source service"},
    {"mfa_disabled", JA_CHANNEL_EMAIL, NULL, COMMON " source service"},
    {"address_changed", JA_CHANNEL_EMAIL, NULL, COMMON " source service"},
    {"register_taken", JA_CHANNEL_EMAIL, NULL, COMMON},
    {"welcome", JA_CHANNEL_EMAIL, NULL, COMMON},
    {"grant_ended", JA_CHANNEL_EMAIL, NULL, COMMON " role"},
    {"ssh_key_added", JA_CHANNEL_EMAIL, NULL, COMMON " keys"},
    {"ssh_key_removed", JA_CHANNEL_EMAIL, NULL, COMMON " keys"},
};

const struct ja_template *ja_template_at(size_t i)
{
    return i < sizeof templates / sizeof *templates ? &templates[i] : NULL;
}

const struct ja_template *ja_template_find(const char *name)
{
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (strcmp(templates[i].name, name) == 0)
            return &templates[i];
    return NULL;
}

void ja_rendered_clear(struct ja_rendered *r)
{
    ja_secret_clear(&r->subject);
    ja_secret_clear(&r->text);
    ja_secret_clear(&r->html);
}

/* ---- where a text comes from ---- */

static const char *builtin(const char *file)
{
    for (const struct ja_builtin_template *t = ja_builtin_templates; t->file; t++)
        if (strcmp(t->file, file) == 0)
            return t->text;
    return NULL;
}

/* In place: lines end with \n. Nothing but printable UTF-8, tabs and line ends is a template. */
static enum ja_status check_text(const char *path, struct ja_secret *s, struct ja_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < s->len; i++)
        if (s->data[i] != '\r' || s->data[i + 1] != '\n')
            s->data[n++] = s->data[i];
    s->data[n] = 0;
    s->len = n;
    for (size_t i = 0; i < n; i++)
        if ((s->data[i] < ' ' && s->data[i] != '\n' && s->data[i] != '\t') || s->data[i] == 0x7f)
            return ja_fail(err, JA_ERR_INVALID, "bad_template", "%s holds control characters", path);
    if (!ja_utf8_valid((const char *)s->data, n))
        return ja_fail(err, JA_ERR_INVALID, "bad_template", "%s is not UTF-8", path);
    return JA_OK;
}

/* JA_ERR_NOT_FOUND: the folder has no such file. */
static enum ja_status from_folder(const char *folder, const char *file, struct ja_secret *ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0644, .max_size = FILE_MAX};
    struct ja_secret text = {0};
    char *path = NULL;
    enum ja_status st;

    if (asprintf(&path, "%s/%s", folder, file) < 0)
        return ja_fail_nomem(err);
    st = ja_file_read(path, &rule, &text, err);
    if (st == JA_OK)
        st = check_text(path, &text, err);
    free(path);
    if (st == JA_OK)
        *ret = text;
    else
        ja_secret_clear(&text);
    return st;
}

struct source {
    struct ja_secret text, html; /* html empty: none */
};

static enum ja_status load_builtin(const char *name, struct source *ret, struct ja_error *err)
{
    const char *kinds[] = {".txt", ".html"};
    struct ja_secret *into[] = {&ret->text, &ret->html};
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < 2; i++) {
        char file[64];
        const char *text;

        (void)snprintf(file, sizeof file, "%s%s", name, kinds[i]);
        text = builtin(file);
        if (text)
            st = ja_secret_from(into[i], text, strlen(text), err);
    }
    if (st == JA_OK && !ret->text.data)
        st = ja_fail(err, JA_ERR_INTERNAL, "internal", "the template %s was not compiled in", name);
    return st;
}

/* Both texts come from one place, so that they say the same. */
static enum ja_status load(const struct ja_ctx *ctx, const char *name, struct source *ret, struct ja_error *err)
{
    const char *folder = ctx->cfg->email.templates;
    char text[64], html[64];
    enum ja_status st;

    (void)snprintf(text, sizeof text, "%s.txt", name);
    (void)snprintf(html, sizeof html, "%s.html", name);
    if (!*folder)
        return load_builtin(name, ret, err);
    st = ja_dir_check(folder, 0, false, err);
    if (st != JA_OK)
        return st;
    st = from_folder(folder, text, &ret->text, err);
    if (st != JA_OK && st != JA_ERR_NOT_FOUND)
        return st;
    if (st == JA_ERR_NOT_FOUND) {
        st = from_folder(folder, html, &ret->html, err);
        if (st == JA_OK)
            return ja_fail(err, JA_ERR_INVALID, "bad_template", "%s/%s is there, but %s is not", folder, html, text);
        return st == JA_ERR_NOT_FOUND ? load_builtin(name, ret, err) : st;
    }
    st = from_folder(folder, html, &ret->html, err);
    return st == JA_ERR_NOT_FOUND ? JA_OK : st;
}

/* ---- rendering ---- */

static enum ja_status expand(const struct ja_template *t, const char *ending, enum ja_template_form form,
                             const char *text, const json_t *vars, struct ja_secret *ret, struct ja_error *err)
{
    char file[64];
    enum ja_status st = ja_secret_init(ret, JA_MESSAGE_MAX, err);

    (void)snprintf(file, sizeof file, "%s.%s", t->name, ending);
    return st == JA_OK ? ja_template_expand(file, text, t->knows, form, vars, ret, err) : st;
}

/* The first line of a mail's text is its subject. */
static enum ja_status split_subject(const struct ja_template *t, struct ja_rendered *r, struct ja_error *err)
{
    const char *text = (const char *)r->text.data, *end = strchr(text, '\n');
    size_t head = strlen(SUBJECT), len = end ? (size_t)(end - text) : 0;
    enum ja_status st;

    if (strncmp(text, SUBJECT, head) != 0 || len <= head || len - head > JA_SUBJECT_MAX)
        return ja_fail(err, JA_ERR_INVALID, "bad_template", "%s.txt line 1: must be \"" SUBJECT
                       "...\" with at most %d bytes", t->name, JA_SUBJECT_MAX);
    st = ja_secret_from(&r->subject, text + head, len - head, err);
    if (st != JA_OK)
        return st;
    len++;
    r->text.len -= len;
    memmove(r->text.data, r->text.data + len, r->text.len + 1);
    return JA_OK;
}

static enum ja_status render(const struct ja_template *t, const struct source *src, const json_t *vars,
                             struct ja_rendered *r, struct ja_error *err)
{
    enum ja_status st = expand(t, "txt", JA_FORM_TEXT, (const char *)src->text.data, vars, &r->text, err);

    if (st == JA_OK && t->channel == JA_CHANNEL_EMAIL)
        st = split_subject(t, r, err);
    if (st == JA_OK && t->channel == JA_CHANNEL_EMAIL && src->html.data)
        st = expand(t, "html", JA_FORM_HTML, (const char *)src->html.data, vars, &r->html, err);
    /* an SMS is one text without a last line end */
    while (st == JA_OK && t->channel == JA_CHANNEL_SMS && r->text.len > 0 && r->text.data[r->text.len - 1] == '\n')
        r->text.data[--r->text.len] = 0;
    return st;
}

static enum ja_status check_needs(const struct ja_template *t, const json_t *vars, struct ja_error *err)
{
    const char *value = t->needs ? json_string_value(json_object_get(vars, t->needs)) : "x";

    if (!value || !*value)
        return ja_fail(err, JA_ERR_INVALID, "value_missing", "the template %s needs a value for %s", t->name,
                       t->needs);
    return JA_OK;
}

static enum ja_status render_with(const struct ja_ctx *ctx, const struct ja_template *t, json_t *vars,
                                  struct ja_rendered *ret, struct ja_error *err)
{
    struct ja_rendered r = {0};
    struct source src = {0};
    enum ja_status st = check_needs(t, vars, err);

    if (st == JA_OK && !json_object_get(vars, "issuer") &&
        json_object_set_new(vars, "issuer", json_string(ctx->cfg->tokens.issuer)) != 0)
        st = ja_fail_nomem(err);
    if (st == JA_OK)
        st = load(ctx, t->name, &src, err);
    if (st == JA_OK)
        st = render(t, &src, vars, &r, err);
    ja_secret_clear(&src.text);
    ja_secret_clear(&src.html);
    if (st == JA_OK)
        *ret = r;
    else
        ja_rendered_clear(&r);
    return st;
}

enum ja_status ja_template_render(const struct ja_ctx *ctx, const char *name, const json_t *vars,
                                  struct ja_rendered *ret, struct ja_error *err)
{
    const struct ja_template *t = ja_template_find(name);
    json_t *copy; /* shares the values */
    enum ja_status st;

    if (!t)
        return ja_fail(err, JA_ERR_NOT_FOUND, "unknown_template", "there is no template '%.64s'", name);
    copy = json_copy((json_t *)(uintptr_t)vars);
    if (!copy)
        return ja_fail_nomem(err);
    st = render_with(ctx, t, copy, ret, err);
    json_decref(copy);
    return st;
}

enum ja_status ja_template_preview(const struct ja_ctx *ctx, const char *name, struct ja_rendered *ret,
                                   struct ja_error *err)
{
    const char *base = ctx->cfg->registration.link_base;
    json_t *vars = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "username", "alice", "full_name",
                             "Alice <b>O'Hara</b> & Sons", "time", "2026-01-02T03:04:05Z", "code", "123456", "token",
                             "sample-token-0123456789", "valid", "24 hours", "source", "192.0.2.7", "service", "sshd",
                             "role", "admin", "keys", "SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s");
    enum ja_status st;

    if (!vars)
        return ja_fail_nomem(err);
    if (*base && json_object_set_new(vars, "link", json_sprintf("%s%s", base, "?token=sample-token-0123456789")) != 0)
        st = ja_fail_nomem(err);
    else
        st = ja_template_render(ctx, name, vars, ret, err);
    json_decref(vars);
    return st;
}
