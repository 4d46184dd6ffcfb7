/* Templates and hostile values: whatever the values hold, a rendering has the lines, the headers and the markup that it
 * has with harmless ones (CVE-2024-6923, CVE-2021-23400, CVE-2023-51764 and their like).
 *
 * Input: a byte; below 128 it picks a built-in template, else the text up to a zero byte is the template and the
 * lowest bit says whether it is HTML. Then one value a zero byte for each name that the template may use.
 */
#include "common/notify/message_template.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_store.h"

static struct ja_test_store *store;

static void clean_up(void)
{
    ja_test_store_free(store);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    store = ja_test_store_new(NULL);
    atexit(clean_up);
    return 0;
}

/* Hostile values, and harmless ones that are there exactly where those are. */
struct values { json_t *hostile, *harmless; };

static struct values make_values(struct fuzz_bytes *in, const char *names)
{
    struct values v = {json_object(), json_object()};
    char *copy = strdup(names), *save = NULL;

    for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
        char *text = fuzz_text(in, 0);
        json_t *value = json_string(text); /* NULL for what is no UTF-8: such a thing is in no JSON */

        if (value && *text) {
            FUZZ_DEMAND(json_object_set_new(v.hostile, name, value) == 0);
            FUZZ_DEMAND(json_object_set_new(v.harmless, name, json_string("x")) == 0);
        } else {
            json_decref(value);
        }
        free(text);
    }
    free(copy);
    return v;
}

static size_t count(const struct ja_secret *s, int byte)
{
    size_t n = 0;

    for (size_t i = 0; i < s->len; i++)
        n += s->data[i] == (unsigned char)byte;
    return n;
}

static void demand_same_structure(const struct ja_secret *hostile, const struct ja_secret *harmless, bool html)
{
    for (int c = 0; c < 0x20; c++)
        FUZZ_DEMAND(count(hostile, c) == count(harmless, c));
    FUZZ_DEMAND(count(hostile, 0x7f) == count(harmless, 0x7f));
    if (html)
        for (const char *c = "<>\"'"; *c; c++)
            FUZZ_DEMAND(count(hostile, *c) == count(harmless, *c));
}

static void demand_mail(const struct ja_rendered *r, const struct ja_rendered *plain)
{
    FUZZ_DEMAND(r->subject.len <= JA_SUBJECT_MAX && ja_text_valid(r->subject.data ? (char *)r->subject.data : "",
                                                                  JA_SUBJECT_MAX));
    FUZZ_DEMAND(r->text.len <= JA_MESSAGE_MAX && r->html.len <= JA_MESSAGE_MAX);
    FUZZ_DEMAND(ja_utf8_valid((char *)r->text.data, r->text.len));
    demand_same_structure(&r->text, &plain->text, false);
    FUZZ_DEMAND((r->html.len > 0) == (plain->html.len > 0));
    if (r->html.len > 0)
        demand_same_structure(&r->html, &plain->html, true);
}

static void render(const struct ja_template *t, const struct values *v)
{
    struct ja_rendered r = {0}, plain = {0};
    struct ja_error err = {0};
    enum ja_status st = ja_template_render(&store->ctx, t->name, v->hostile, &r, &err);

    FUZZ_DEMAND(st == JA_OK || (st == JA_ERR_INVALID && err.code[0]));
    if (st == JA_OK) {
        FUZZ_DEMAND(ja_template_render(&store->ctx, t->name, v->harmless, &plain, NULL) == JA_OK);
        demand_mail(&r, &plain);
    }
    ja_rendered_clear(&r);
    ja_rendered_clear(&plain);
}

static void expand(const char *text, bool html, const char *names, const struct values *v)
{
    enum ja_template_form form = html ? JA_FORM_HTML : JA_FORM_TEXT;
    struct ja_secret out = {0}, plain = {0};
    struct ja_error err = {0};

    FUZZ_DEMAND(ja_secret_init(&out, JA_MESSAGE_MAX, NULL) == JA_OK);
    FUZZ_DEMAND(ja_secret_init(&plain, JA_MESSAGE_MAX, NULL) == JA_OK);
    if (ja_template_expand("f", text, names, form, v->hostile, &out, &err) == JA_OK) {
        FUZZ_DEMAND(ja_template_expand("f", text, names, form, v->harmless, &plain, NULL) == JA_OK);
        demand_same_structure(&out, &plain, html);
    } else {
        FUZZ_DEMAND(err.status == JA_ERR_INVALID && err.code[0]);
    }
    ja_secret_clear(&out);
    ja_secret_clear(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char own[] = "a bc token";
    struct fuzz_bytes in = {data, size};
    uint8_t which = fuzz_byte(&in);
    const struct ja_template *t = ja_template_at(which % 12);
    char *text = which < 128 ? NULL : fuzz_text(&in, 0);
    struct values v = make_values(&in, text ? own : t->knows);

    if (text)
        expand(text, which & 1, own, &v);
    else
        render(t, &v);
    json_decref(v.hostile);
    json_decref(v.harmless);
    free(text);
    return 0;
}
