/* One template text and its values. */
#include "common/notify/message_template.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 8
#define VALUE_MAX 2048
#define NAME_MAX_LEN 32

struct section {
    char name[NAME_MAX_LEN + 1];
    bool shown;
};
struct expansion {
    const char *file, *knows;
    enum ja_template_form form;
    const json_t *vars;
    struct ja_secret *out;
    struct section open[DEPTH];
    size_t depth;
    int line;
    struct ja_error *err;
};

static enum ja_status bad(struct expansion *x, const char *what, const char *name)
{
    return ja_fail(x->err, JA_ERR_INVALID, "bad_template", "%s line %d: %s%s%.40s%s", x->file, x->line, what,
                   name ? " {{" : "", name ? name : "", name ? "}}" : "");
}

static bool shown(const struct expansion *x)
{
    for (size_t i = 0; i < x->depth; i++)
        if (!x->open[i].shown)
            return false;
    return true;
}

static enum ja_status put(struct expansion *x, const char *s, size_t len)
{
    enum ja_status st;

    if (!shown(x) || !len)
        return JA_OK;
    st = ja_secret_append(x->out, s, len, x->err);
    return st == JA_OK ? st : bad(x, "the message gets too long", NULL);
}

static bool known(const struct expansion *x, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = x->knows; (p = strstr(p, name)) != NULL; p += len)
        if ((p == x->knows || p[-1] == ' ') && (p[len] == ' ' || p[len] == 0))
            return true;
    return false;
}

static const char *value_of(const struct expansion *x, const char *name)
{
    const char *s = json_string_value(json_object_get(x->vars, name));

    return s ? s : "";
}

/* U+2028, U+2029 end lines; U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows. */
static bool turns_line(const unsigned char *s)
{
    return s[0] == 0xe2 &&
           ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

static const char *entity(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

static enum ja_status put_escaped(struct expansion *x, const char *s)
{
    enum ja_status st = JA_OK;

    while (*s && st == JA_OK) {
        const char *special = x->form == JA_FORM_HTML ? entity(*s) : NULL;
        size_t step = turns_line((const unsigned char *)s) ? 3 : 1;

        if (special)
            st = put(x, special, strlen(special));
        else if (step == 3)
            st = put(x, "?", 1);
        else
            st = put(x, s, 1);
        s += step;
    }
    return st;
}

static enum ja_status put_value(struct expansion *x, const char *name)
{
    const char *value = value_of(x, name);
    char *plain;
    enum ja_status st;

    if (strlen(value) > VALUE_MAX)
        return ja_fail(x->err, JA_ERR_INVALID, "value_too_long", "the value of %s is longer than %d bytes", name,
                       VALUE_MAX);
    plain = malloc(VALUE_MAX * 4 + 1);
    if (!plain)
        return ja_fail_nomem(x->err);
    (void)ja_text_escape(value, plain, VALUE_MAX * 4 + 1);
    st = put_escaped(x, plain);
    sodium_memzero(plain, VALUE_MAX * 4 + 1);
    free(plain);
    return st;
}

static enum ja_status open_section(struct expansion *x, const char *name, bool when_there)
{
    struct section *s = &x->open[x->depth];

    if (x->depth == DEPTH)
        return bad(x, "sections are nested too deep at", name);
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    s->shown = (value_of(x, name)[0] != 0) == when_there;
    x->depth++;
    return JA_OK;
}

static enum ja_status close_section(struct expansion *x, const char *name)
{
    if (x->depth == 0 || strcmp(x->open[x->depth - 1].name, name) != 0)
        return bad(x, "does not close the section that is open:", name);
    x->depth--;
    return JA_OK;
}

/* `tag` is what stands between the braces; *ret_section: it prints nothing itself. */
static enum ja_status do_tag(struct expansion *x, const char *tag, size_t len, bool *ret_section)
{
    char name[NAME_MAX_LEN + 1];
    char kind = len > 0 && strchr("#^/", tag[0]) ? tag[0] : 0;

    *ret_section = kind != 0;
    tag += kind != 0;
    len -= kind != 0;
    if (len == 0 || len > NAME_MAX_LEN)
        return bad(x, "no name between {{ and }}", NULL);
    memcpy(name, tag, len);
    name[len] = 0;
    if (!known(x, name) || strchr(name, ' '))
        return bad(x, "unknown placeholder", name);
    switch (kind) {
    case '#': return open_section(x, name, true);
    case '^': return open_section(x, name, false);
    case '/': return close_section(x, name);
    default: return put_value(x, name);
    }
}

enum ja_status ja_template_expand(const char *file, const char *text, const char *knows, enum ja_template_form form,
                                  const json_t *vars, struct ja_secret *ret, struct ja_error *err)
{
    struct expansion x = {.file = file, .knows = knows, .form = form, .vars = vars, .out = ret, .line = 1, .err = err};
    enum ja_status st = JA_OK;
    bool line_start = true;

    while (st == JA_OK && *text) {
        const char *tag = strstr(text, "{{"), *end = tag ? strstr(tag, "}}") : NULL;
        size_t plain = tag ? (size_t)(tag - text) : strlen(text);
        bool section = false;

        st = put(&x, text, plain);
        for (size_t i = 0; i < plain; i++)
            x.line += text[i] == '\n';
        line_start = plain > 0 ? text[plain - 1] == '\n' : line_start;
        text += plain;
        if (st != JA_OK || !tag)
            break;
        if (!end)
            return bad(&x, "{{ without }}", NULL);
        st = do_tag(&x, tag + 2, (size_t)(end - tag - 2), &section);
        text = end + 2;
        /* a section's tag that has a line to itself takes the line away with it */
        if (section && line_start && *text == '\n') {
            x.line++;
            text++;
        } else {
            line_start = false;
        }
    }
    if (st == JA_OK && x.depth > 0)
        return bad(&x, "the section is not closed:", x.open[x.depth - 1].name);
    return st;
}
