/* What can be seen of a provider without sending anything. */
#include "common/base/file_guard.h"
#include "common/notify/deliver.h"
#include "common/notify/message_template.h"
#include "common/notify/provider.h"

#include <string.h>

static enum ja_status check_secret(const char *path, const char *key, bool needed, struct ja_error *err)
{
    struct ja_secret s = {0};
    enum ja_status st = *path || needed ? ja_provider_secret(path, key, &s, err) : JA_OK;

    ja_secret_clear(&s);
    return st;
}

static enum ja_status check_command(const char *path, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0755, .max_size = (size_t)1 << 30};

    return ja_file_check(path, &rule, err);
}

static enum ja_status check_means(const struct ja_ctx *ctx, enum ja_channel channel, struct ja_error *err)
{
    bool mail = channel == JA_CHANNEL_EMAIL;
    int provider = mail ? ctx->cfg->email.provider : ctx->cfg->sms.provider;
    const char *secret = mail ? ctx->cfg->email.password_file : ctx->cfg->sms.token_file;
    const char *key = mail ? "[email] password_file" : "[sms] token_file";

    switch (provider) {
    case JA_PROVIDER_SMTP: return check_secret(secret, key, *ctx->cfg->email.username != 0, err);
    case JA_PROVIDER_WEBHOOK:
    case JA_PROVIDER_TWILIO: return check_secret(secret, key, true, err);
    case JA_PROVIDER_COMMAND: return check_command(mail ? ctx->cfg->email.url : ctx->cfg->sms.url, err);
    default: return JA_OK;
    }
}

enum ja_status ja_provider_check(struct ja_ctx *ctx, enum ja_channel channel, struct ja_error *err)
{
    const struct ja_template *t;
    enum ja_status st = check_means(ctx, channel, err);

    if (st == JA_OK && channel == JA_CHANNEL_EMAIL && !*ctx->cfg->email.from)
        st = ja_fail(err, JA_ERR_CONFIG, "no_sender", "[email] from is not set");
    for (size_t i = 0; st == JA_OK && (t = ja_template_at(i)); i++) {
        struct ja_rendered r = {0};

        if (t->channel != channel)
            continue;
        st = ja_template_preview(ctx, t->name, &r, err);
        ja_rendered_clear(&r);
    }
    return st;
}
