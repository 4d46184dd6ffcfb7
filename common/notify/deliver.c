#include "common/notify/deliver.h"

#include "common/domain/outbox_row.h"
#include "common/domain/permission.h"
#include "common/notify/curl_call.h"
#include "common/notify/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE (6 * JA_PROVIDER_SECONDS) /* longer than any attempt */
#define UNREACHABLE_MAX 3

struct run {
    struct ja_ctx *ctx;
    struct ja_curl curl;
    struct ja_delivery sum;
    int unreachable; /* in a row */
};

static const struct {
    int provider;
    const char *name;
    ja_provider_send_fn send;
} providers[] = {
    {JA_PROVIDER_SMTP, "smtp", ja_provider_smtp},
    {JA_PROVIDER_WEBHOOK, "webhook", ja_provider_webhook},
    {JA_PROVIDER_TWILIO, "twilio", ja_provider_twilio},
    {JA_PROVIDER_COMMAND, "command", ja_provider_command},
};

static int provider_of(const struct ja_ctx *ctx, enum ja_channel channel)
{
    int wanted = channel == JA_CHANNEL_EMAIL ? ctx->cfg->email.provider : ctx->cfg->sms.provider;

    for (int i = 0; i < (int)(sizeof providers / sizeof *providers); i++)
        if (providers[i].provider == wanted)
            return i;
    return -1;
}

const char *ja_provider_name(const struct ja_ctx *ctx, enum ja_channel channel)
{
    int i = provider_of(ctx, channel);

    return i < 0 ? "none" : providers[i].name;
}

/* Whose address it is, is nobody's business who reads logs. */
static void mask(const char *address, char *out, size_t size)
{
    const char *at = strchr(address, '@');
    size_t len = strlen(address);

    if (at)
        (void)snprintf(out, size, "%.1s***%s", address, at);
    else
        (void)snprintf(out, size, "%.3s***%s", address, len > 6 ? address + len - 2 : "");
}

static enum ja_status render(struct run *r, const struct ja_outbox_row *row, struct ja_rendered *ret,
                             struct ja_error *err)
{
    const struct ja_template *t = ja_template_find(row->template);
    json_t *vars = NULL;
    enum ja_status st = JA_OK;

    if (t && t->channel != row->channel)
        return ja_fail(err, JA_ERR_INVALID, "wrong_channel", "the template %s is not for %s", row->template,
                       ja_channel_name(row->channel));
    st = ja_outbox_vars(r->ctx, row, &vars, err);
    if (st == JA_OK)
        st = ja_template_render(r->ctx, row->template, vars, ret, err);
    ja_outbox_vars_free(vars);
    return st;
}

static enum ja_status attempt(struct run *r, const struct ja_outbox_row *row, struct ja_error *err)
{
    struct ja_rendered words = {0};
    struct ja_outgoing m = {.id = row->id, .channel = row->channel, .destination = row->destination,
                            .template = row->template, .words = &words};
    int which = provider_of(r->ctx, row->channel);
    enum ja_status st;

    if (row->ends_at <= ja_now(&r->ctx->clock))
        return ja_fail(err, JA_ERR_INVALID, "message_ended", "what the message holds has expired");
    if (which < 0)
        return ja_fail(err, JA_ERR_CONFIG, "no_provider", "no provider is configured for %s",
                       ja_channel_name(row->channel));
    st = ja_outgoing_check(&m, err);
    if (st == JA_OK)
        st = render(r, row, &words, err);
    if (st == JA_OK)
        st = providers[which].send(r->ctx, &r->curl, &m, err);
    ja_rendered_clear(&words);
    return st;
}

static enum ja_status record_failure(struct run *r, const struct ja_outbox_row *row, const struct ja_error *why,
                                     struct ja_error *err)
{
    char address[JA_EMAIL_MAX + 8];
    bool given_up = false;
    enum ja_status st = ja_outbox_failed(r->ctx, row, why->message, &given_up, err);

    mask(row->destination, address, sizeof address);
    ja_log_write(&r->ctx->log, given_up ? LOG_ERR : LOG_WARNING,
                 "message %s not delivered: channel %s, provider %s, template %s, to %s, attempt %lld%s: %s", row->id,
                 ja_channel_name(row->channel), ja_provider_name(r->ctx, row->channel), row->template, address,
                 (long long)row->attempts, given_up ? ", given up" : "", why->message);
    (void)snprintf(r->sum.cause, sizeof r->sum.cause, "%.255s", why->message);
    if (st == JA_OK)
        *(given_up ? &r->sum.given_up : &r->sum.failed) += 1;
    return st;
}

/* Somebody else finished it: what was sent twice has one id. */
static enum ja_status lost_lease(struct run *r, const struct ja_outbox_row *row, enum ja_status st,
                                 struct ja_error *err)
{
    if (st != JA_ERR_CONFLICT)
        return st;
    ja_log_write(&r->ctx->log, LOG_NOTICE, "message %s: %s", row->id, err->message);
    return JA_OK;
}

static enum ja_status deliver(struct run *r, const struct ja_outbox_row *row, struct ja_error *err)
{
    struct ja_error why = {0};
    enum ja_status st = attempt(r, row, &why);

    r->unreachable = st != JA_OK && strcmp(why.code, "provider_unreachable") == 0 ? r->unreachable + 1 : 0;
    if (st != JA_OK)
        return lost_lease(r, row, record_failure(r, row, &why, err), err);
    st = ja_outbox_sent(r->ctx, row, err);
    if (st == JA_OK) {
        r->sum.sent++;
        ja_log_write(&r->ctx->log, LOG_INFO, "message %s sent: channel %s, provider %s, template %s, attempt %lld",
                     row->id, ja_channel_name(row->channel), ja_provider_name(r->ctx, row->channel), row->template,
                     (long long)row->attempts);
    }
    return lost_lease(r, row, st, err);
}

enum ja_status ja_deliver_one(struct ja_ctx *ctx, const char *id, struct ja_delivery *ret, struct ja_error *err)
{
    struct run r = {.ctx = ctx};
    struct ja_outbox_row row = {0};
    enum ja_status st = ja_ctx_require_master(ctx, err);

    if (st == JA_OK)
        st = ja_outbox_take_one(ctx, id, LEASE, &row, err);
    if (st == JA_OK)
        st = deliver(&r, &row, err);
    ja_outbox_row_clear(&row);
    ja_curl_end(&r.curl);
    if (st == JA_OK)
        *ret = r.sum;
    return st;
}

static bool ending(const struct ja_delivery_watch *watch)
{
    return watch && watch->ending && watch->ending(watch->arg);
}

static enum ja_status deliver_channel(struct run *r, enum ja_channel channel, int64_t total,
                                      const struct ja_delivery_watch *watch, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    r->unreachable = 0;
    while (r->unreachable < UNREACHABLE_MAX) {
        struct ja_outbox_row row = {0};
        int64_t done;

        if (ending(watch))
            return JA_OK;
        st = ja_outbox_take(r->ctx, channel, LEASE, &row, err);
        if (st == JA_ERR_NOT_FOUND)
            return JA_OK;
        if (st == JA_OK)
            st = deliver(r, &row, err);
        ja_outbox_row_clear(&row);
        if (st != JA_OK)
            return st;
        done = r->sum.sent + r->sum.failed + r->sum.given_up;
        if (watch && watch->progress)
            watch->progress(watch->arg, done, done > total ? done : total);
    }
    ja_log_write(&r->ctx->log, LOG_WARNING, "the provider for %s cannot be reached: its other messages wait",
                 ja_channel_name(channel));
    return JA_OK;
}

enum ja_status ja_deliver_due(struct ja_ctx *ctx, const struct ja_delivery_watch *watch, struct ja_delivery *ret,
                              struct ja_error *err)
{
    static const enum ja_channel channels[] = {JA_CHANNEL_EMAIL, JA_CHANNEL_SMS};
    struct run r = {.ctx = ctx};
    int64_t total = 0;
    enum ja_status st = ja_permit(ctx, "outbox:write", NULL, err);

    if (st == JA_OK)
        st = ja_ctx_require_master(ctx, err);
    if (st == JA_OK)
        st = ja_outbox_count_due(ctx, &total, err);
    for (size_t i = 0; st == JA_OK && i < 2; i++)
        st = deliver_channel(&r, channels[i], total, watch, err);
    ja_curl_end(&r.curl);
    *ret = r.sum; /* also of a run that was broken off: what was sent is sent */
    return st;
}
