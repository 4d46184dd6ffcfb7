#include "daemon/captcha.h"

#include "common/flow/captcha_flow.h"
#include "daemon/call.h"
#include "daemon/server.h"

#include <string.h>

static bool is_asked(const struct http_call *call, const struct ja_config *cfg)
{
    return (call->route->flags & ROUTE_CAPTCHA) && *cfg->throttle.captcha_url && !http_call_is_root(call);
}

bool captcha_given(const struct http_call *call, const struct ja_config *cfg)
{
    const char *given = http_text(call, "captcha");

    return given && *given && is_asked(call, cfg);
}

static enum ja_status is_due(const struct http_call *call, bool *ret, struct ja_error *err)
{
    static const char *const fields[JA_CAPTCHA_NAMES] = {"email", "phone", "username"};
    struct ja_captcha_question q = {.source = call->source, .local_uid = call->on_unix ? (int64_t)call->peer_uid : 0};

    for (size_t i = 0; i < JA_CAPTCHA_NAMES; i++) {
        const char *name = http_text(call, fields[i]);

        if (name)
            q.names[q.nnames++] = name;
    }
    return ja_captcha_due(call->ctx, &q, ret, err);
}

static enum ja_status too_many(unsigned wait, struct ja_error *err)
{
    enum ja_status st = ja_fail(err, JA_ERR_THROTTLED, "too_many_attempts",
                                "too many captchas were not solved: try again in %u seconds", wait);

    err->retry_after = wait;
    return st;
}

static void note(struct http_call *call, const char *source, enum ja_status st, const struct ja_error *why)
{
    const struct ja_rate *rate = &call->ctx->cfg->throttle.token_failures;
    unsigned ignored = 0;

    call->captcha_passed = st == JA_OK;
    metrics_captcha(call->server->metrics, st == JA_OK ? "passed" : st == JA_ERR_DENIED ? "refused" : "unavailable");
    if (st == JA_ERR_DENIED)
        (void)failures_book(call->server->captchas, source, rate, http_call_mono(), &ignored);
    else if (st != JA_OK)
        ja_log_write(&call->ctx->log, LOG_WARNING, "a captcha could not be checked: %s", why->message);
}

enum ja_status captcha_verify(struct http_call *call, struct ja_error *err)
{
    const struct ja_config *cfg = call->ctx->cfg;
    const struct ja_siteverify question = {
        .url = cfg->throttle.captcha_url,
        .secret_file = cfg->throttle.captcha_secret_file,
        .response = http_text(call, "captcha"),
        .remote_ip = call->source,
    };
    struct ja_error why = {0};
    char source[JA_NET_TEXT];
    bool due = false;
    unsigned wait;
    enum ja_status st = captcha_given(call, cfg) ? is_due(call, &due, err) : JA_OK;

    if (st != JA_OK || !due)
        return st;
    http_call_source(call, source);
    wait = failures_wait(call->server->captchas, source, &cfg->throttle.token_failures, http_call_mono());
    if (wait > 0)
        return too_many(wait, err);
    st = ja_siteverify(&question, &why);
    note(call, source, st, &why);
    return JA_OK;
}

enum ja_status captcha_refuse(struct http_call *call, struct ja_error *err)
{
    call->site_key = strdup(call->ctx->cfg->throttle.captcha_site_key);
    if (!call->site_key)
        return ja_fail_nomem(err);
    return ja_fail(err, JA_ERR_FORBIDDEN, "captcha_required", "%s",
                   http_text(call, "captcha") ? "the captcha was not solved, or could not be checked: solve another one"
                                              : "a captcha has to be solved first");
}

enum ja_status captcha_demand(struct http_call *call, struct ja_error *err)
{
    bool due = false;
    enum ja_status st = JA_OK;

    if (call->captcha_passed || !is_asked(call, call->ctx->cfg))
        return JA_OK;
    st = is_due(call, &due, err);
    return st == JA_OK && due ? captcha_refuse(call, err) : st;
}

enum ja_captcha captcha_mode(const struct http_call *call)
{
    if (!is_asked(call, call->ctx->cfg))
        return JA_CAPTCHA_NEVER;
    return call->captcha_passed ? JA_CAPTCHA_PASSED : JA_CAPTCHA_COUNTED;
}
