/* What the providers share. */
#include "common/base/file_guard.h"
#include "common/domain/outbox_row.h"
#include "common/notify/provider.h"

#include <stdlib.h>
#include <string.h>

enum ja_status ja_provider_secret(const char *path, const char *key, struct ja_secret *ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0600, .max_size = 4096};
    struct ja_secret s = {0};
    enum ja_status st;

    if (!*path)
        return ja_fail(err, JA_ERR_CONFIG, "no_secret", "%s is not set", key);
    st = ja_file_read(path, &rule, &s, err);
    while (st == JA_OK && s.len > 0 && (s.data[s.len - 1] == '\n' || s.data[s.len - 1] == '\r'))
        s.data[--s.len] = 0;
    if (st == JA_OK && s.len == 0)
        st = ja_fail(err, JA_ERR_CONFIG, "empty_secret", "%s is empty", path);
    for (size_t i = 0; st == JA_OK && i < s.len; i++)
        if (s.data[i] < ' ' || s.data[i] == 0x7f)
            st = ja_fail(err, JA_ERR_CONFIG, "bad_secret", "%s must hold one line without control characters", path);
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}

static int append(const char *data, size_t len, void *arg)
{
    return ja_secret_append(arg, data, len, NULL) == JA_OK ? 0 : -1;
}

enum ja_status ja_outgoing_json(const struct ja_ctx *ctx, const struct ja_outgoing *m, struct ja_secret *ret,
                                struct ja_error *err)
{
    const struct ja_rendered *w = m->words;
    bool mail = m->channel == JA_CHANNEL_EMAIL;
    struct ja_secret out = {0};
    json_t *doc = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "id", m->id, "channel", ja_channel_name(m->channel),
                            "template", m->template, "from", mail ? ctx->cfg->email.from : ctx->cfg->sms.from, "to",
                            m->destination, "text", (const char *)w->text.data);
    enum ja_status st = doc ? ja_secret_init(&out, (size_t)JA_MESSAGE_MAX * 12, err) : ja_fail_nomem(err);

    if (st == JA_OK && w->subject.len > 0 &&
        json_object_set_new(doc, "subject", json_string((const char *)w->subject.data)) != 0)
        st = ja_fail_nomem(err);
    if (st == JA_OK && w->html.len > 0 &&
        json_object_set_new(doc, "html", json_string((const char *)w->html.data)) != 0)
        st = ja_fail_nomem(err);
    if (st == JA_OK && json_dump_callback(doc, append, &out, JSON_COMPACT) != 0)
        st = ja_fail(err, JA_ERR_INVALID, "message_too_long", "the message is too long");
    ja_outbox_vars_free(doc);
    if (st == JA_OK)
        *ret = out;
    else
        ja_secret_clear(&out);
    return st;
}

enum ja_status ja_outgoing_check(const struct ja_outgoing *m, struct ja_error *err)
{
    char email[JA_EMAIL_MAX + 1], phone[JA_PHONE_MAX + 1];
    bool fine = m->channel == JA_CHANNEL_EMAIL
                    ? ja_email_normalize(m->destination, email) && strcmp(email, m->destination) == 0
                    : ja_phone_normalize(m->destination, phone) && strcmp(phone, m->destination) == 0;

    if (!fine)
        return ja_fail(err, JA_ERR_INVALID, "bad_destination", "the destination is no %s",
                       m->channel == JA_CHANNEL_EMAIL ? "mail address" : "telephone number");
    return JA_OK;
}
