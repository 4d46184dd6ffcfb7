#include "common/flow/letter.h"

#include "common/domain/rate_limit.h"
#include "common/domain/seal.h"
#include "common/flow/account_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ja_rate letters_per_user = {5, 3600};

/* What a text message costs is paid by the installation: premium numbers are called for by those who earn with them
 * (SMS pumping).  `digits` of the number name the bucket; 0: all. */
static const struct { const char *name; size_t digits; struct ja_rate rate; } sms_limits[] = {
    {"sms-number", JA_PHONE_MAX, {3, 900}},
    {"sms-number-day", JA_PHONE_MAX, {10, 86400}},
    {"sms-prefix-day", 8, {100, 86400}}, /* "+4930123": a block of 10,000 numbers or so */
    {"sms-day", 0, {2000, 86400}},
};

static const struct {
    enum ja_purpose purpose;
    enum ja_channel channel;
    const char *template, *path; /* path: below link_base */
} letters[] = {
    {JA_PURPOSE_VERIFY_EMAIL, JA_CHANNEL_EMAIL, "verify_email", "verify-email"},
    {JA_PURPOSE_VERIFY_PHONE, JA_CHANNEL_SMS, "verify_phone", NULL},
    {JA_PURPOSE_RESET, JA_CHANNEL_EMAIL, "reset_email", "reset-password"},
    {JA_PURPOSE_RESET, JA_CHANNEL_SMS, "reset_sms", NULL},
    {JA_PURPOSE_INVITE, JA_CHANNEL_EMAIL, "invite_email", "invitation"},
    {JA_PURPOSE_INVITE, JA_CHANNEL_SMS, "invite_sms", NULL},
};

static int64_t ttl_of(const struct ja_ctx *ctx, enum ja_purpose purpose, bool code)
{
    if (code)
        return ctx->cfg->registration.code_ttl;
    return purpose == JA_PURPOSE_RESET ? ctx->cfg->registration.reset_ttl : ctx->cfg->registration.verify_ttl;
}

/* "24 hours": for people. */
static void spell_duration(int64_t seconds, char *out, size_t size)
{
    static const struct { int64_t unit; const char *name; } units[] = {
        {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;

    while (i < 3 && (seconds < 2 * units[i].unit || seconds % units[i].unit) && seconds != units[i].unit)
        i++;
    (void)snprintf(out, size, "%lld %s%s", (long long)(seconds / units[i].unit), units[i].name,
                   seconds == units[i].unit ? "" : "s");
}

static enum ja_status set_text(json_t *vars, const char *key, const char *text, struct ja_error *err)
{
    if (!text || !text[0])
        return JA_OK;
    return json_object_set_new(vars, key, json_string(text)) == 0 ? JA_OK : ja_fail_nomem(err);
}

/* Only the configuration names the host of a link (CVE-2017-8295 and its like). */
static enum ja_status set_link(struct ja_ctx *ctx, json_t *vars, const char *path, const char *token,
                               struct ja_error *err)
{
    const char *base = ctx->cfg->registration.link_base;
    size_t len = strlen(base), size = len + 128;
    char *link;
    enum ja_status st;

    if (!len || !path)
        return JA_OK;
    link = malloc(size);
    if (!link)
        return ja_fail_nomem(err);
    (void)snprintf(link, size, "%s%s%s?token=%s", base, base[len - 1] == '/' ? "" : "/", path, token);
    st = set_text(vars, "link", link, err);
    ja_wipe_free(link);
    return st;
}

static enum ja_status person_vars(struct ja_ctx *ctx, const struct ja_user *u, json_t *vars,
                                  struct ja_error *err)
{
    char when[JA_TIME_LEN + 1];
    enum ja_status st = set_text(vars, "username", u->username, err);

    ja_time_format(ja_now(&ctx->clock), when);
    if (st == JA_OK)
        st = set_text(vars, "full_name", u->full_name, err);
    if (st == JA_OK)
        st = set_text(vars, "issuer", ctx->cfg->tokens.issuer, err);
    return st == JA_OK ? set_text(vars, "time", when, err) : st;
}

/* jansson keeps texts in ordinary memory: what holds a secret is wiped before it is freed. */
static void wipe_vars(json_t *vars)
{
    static const char *const secret[] = {"token", "code", "link"};

    for (size_t i = 0; vars && i < sizeof secret / sizeof *secret; i++) {
        const char *text = json_string_value(json_object_get(vars, secret[i]));

        if (text)
            sodium_memzero((char *)(uintptr_t)text, strlen(text));
    }
    json_decref(vars);
}

static enum ja_status queue(struct ja_ctx *ctx, const struct ja_user *u, size_t which, int64_t ttl,
                            const struct ja_secret *secret, struct ja_sent *sent, struct ja_error *err)
{
    bool code = letters[which].channel == JA_CHANNEL_SMS;
    char valid[32];
    json_t *vars = json_object();
    enum ja_status st = vars ? person_vars(ctx, u, vars, err) : ja_fail_nomem(err);

    spell_duration(ttl, valid, sizeof valid);
    if (st == JA_OK)
        st = set_text(vars, code ? "code" : "token", (const char *)secret->data, err);
    if (st == JA_OK && !code)
        st = set_link(ctx, vars, letters[which].path, (const char *)secret->data, err);
    if (st == JA_OK)
        st = set_text(vars, "valid", valid, err);
    if (st == JA_OK) {
        const struct ja_message m = {.channel = sent->channel, .destination = sent->destination,
                                     .template = letters[which].template, .user_id = u->id,
                                     .vars = vars, .ends_at = ja_now(&ctx->clock) + ttl};

        st = ja_outbox_queue(ctx, &m, sent->message, err);
    }
    wipe_vars(vars);
    return st;
}

static enum ja_status take_sms_turn(struct ja_ctx *ctx, const char *number, struct ja_error *err)
{
    char key[96];
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < sizeof sms_limits / sizeof *sms_limits; i++) {
        const struct ja_rate_key k = {key, sms_limits[i].rate};

        (void)snprintf(key, sizeof key, "%s %.*s", sms_limits[i].name, (int)sms_limits[i].digits, number);
        st = ja_rate_take_in_tx(ctx, &k, err);
    }
    return st;
}

static enum ja_status take_turn(struct ja_ctx *ctx, const struct ja_user *u, const char *template,
                                const struct ja_sent *sent, struct ja_error *err)
{
    char key[96];
    const struct ja_rate_key k = {key, letters_per_user};
    enum ja_status st;

    (void)snprintf(key, sizeof key, "letter %s %s", template, u->id);
    st = ja_rate_take_in_tx(ctx, &k, err);
    return st == JA_OK && sent->channel == JA_CHANNEL_SMS ? take_sms_turn(ctx, sent->destination, err) : st;
}

enum ja_status ja_letter_token(struct ja_ctx *ctx, const struct ja_user *user, enum ja_purpose purpose,
                               enum ja_channel channel, const char *destination, const char *action,
                               struct ja_sent *ret, struct ja_error *err)
{
    bool code = channel == JA_CHANNEL_SMS;
    struct ja_ott_spec spec = {.user_id = user->id, .purpose = purpose, .code = code,
                               .destination = destination, .ttl = ttl_of(ctx, purpose, code)};
    struct ja_sent sent = {.channel = channel};
    struct ja_secret secret = {0};
    size_t which = 0;
    enum ja_status st;

    while (which < sizeof letters / sizeof *letters &&
           (letters[which].purpose != purpose || letters[which].channel != channel))
        which++;
    if (which == sizeof letters / sizeof *letters)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "no letter for this purpose and channel");
    (void)snprintf(sent.destination, sizeof sent.destination, "%s", destination);
    st = take_turn(ctx, user, letters[which].template, &sent, err);
    if (st == JA_OK)
        st = ja_ott_create(ctx, &spec, &secret, err);
    if (st == JA_OK)
        st = queue(ctx, user, which, spec.ttl, &secret, &sent, err);
    ja_secret_clear(&secret);
    if (st == JA_OK) {
        json_t *detail = json_pack("{s:s,s:s}", "channel", ja_channel_name(channel), "message", sent.message);

        st = detail ? ja_account_audit(ctx, action, user->username, detail, err) : ja_fail_nomem(err);
    }
    if (st == JA_OK && ret)
        *ret = sent;
    return st;
}

enum ja_status ja_letter_decoy(struct ja_ctx *ctx, struct ja_error *err)
{
    static const char nobody[] = "00000000-0000-7000-8000-000000000000";
    const struct ja_rate_key k = {"letter decoy", {INT64_MAX, letters_per_user.seconds}};
    unsigned char digest[32];
    enum ja_status st = ja_rate_take_in_tx(ctx, &k, err);

    if (st == JA_OK)
        st = ja_keyed_hash(ctx, "jaonetim", nobody, sizeof nobody, digest, err);
    if (st == JA_OK)
        st = ja_ott_void(ctx, nobody, 1U << JA_PURPOSE_RESET, err);
    return st == JA_OK ? ja_outbox_decoy(ctx, err) : st;
}

enum ja_status ja_letter_notice(struct ja_ctx *ctx, const struct ja_user *user, const char *template,
                                struct ja_error *err)
{
    return ja_letter_notice_of(ctx, user, template, "", NULL, err);
}

enum ja_status ja_letter_notice_of(struct ja_ctx *ctx, const struct ja_user *user, const char *template,
                                   const char *key, const char *value, struct ja_error *err)
{
    json_t *vars = json_object();
    enum ja_status st = vars ? person_vars(ctx, user, vars, err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = set_text(vars, key, value, err);
    if (st == JA_OK)
        st = ja_outbox_notify(ctx, user, template, vars, err);
    json_decref(vars);
    return st;
}

enum ja_status ja_letter_old_address(struct ja_ctx *ctx, const struct ja_user *user, const char *old_email,
                                     struct ja_error *err)
{
    struct ja_user old = *user; /* borrowed: only to be written to */
    char copy[JA_EMAIL_MAX + 1];

    if (!ja_email_normalize(old_email, copy))
        return JA_OK;
    old.email = copy;
    old.email_verified_at = 1;
    return ja_letter_notice(ctx, &old, "address_changed", err);
}
