#include "common/flow/contact_flow.h"

#include "common/flow/account_internal.h"
#include "common/flow/caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The two kinds of address, side by side. */
static const struct contact {
    enum ja_channel channel;
    enum ja_purpose purpose;
    const char *missing, *missing_text, *taken, *sent, *verified; /* codes, audit actions */
} contacts[] = {
    {JA_CHANNEL_EMAIL, JA_PURPOSE_VERIFY_EMAIL, "no_email", "no email address", "email_taken",
     "email.send_verification", "email.verify"},
    {JA_CHANNEL_SMS, JA_PURPOSE_VERIFY_PHONE, "no_phone", "no phone number", "phone_taken",
     "phone.send_verification", "phone.verify"},
};

static bool normalize(enum ja_channel channel, const char *s, char out[JA_EMAIL_MAX + 1])
{
    return channel == JA_CHANNEL_EMAIL ? ja_email_normalize(s, out) : ja_phone_normalize(s, out);
}

struct address {
    char **current, **pending;
    int64_t *verified_at;
};

static struct address address_of(struct ja_user *u, enum ja_channel channel)
{
    if (channel == JA_CHANNEL_EMAIL)
        return (struct address){&u->email, &u->email_pending, &u->email_verified_at};
    return (struct address){&u->phone, &u->phone_pending, &u->phone_verified_at};
}

/* ---- send ---- */

static enum ja_status which_address(struct ja_user *u, const struct contact *c, char out[JA_EMAIL_MAX + 1],
                                    struct ja_error *err)
{
    struct address a = address_of(u, c->channel);
    const char *target = *a.pending ? *a.pending : *a.current;

    if (!target)
        return ja_fail(err, JA_ERR_CONFLICT, c->missing, "%s has %s", u->username, c->missing_text);
    if (!*a.pending && *a.verified_at)
        return ja_fail(err, JA_ERR_EXISTS, "already_verified", "%s is verified already", target);
    if (!normalize(c->channel, target, out))
        return ja_fail(err, JA_ERR_CORRUPT, "corrupt_user",
                       "a user row of the store is damaged; run authctl db check");
    return JA_OK;
}

static enum ja_status send_proof(struct ja_ctx *ctx, struct ja_user *u, const struct contact *c,
                                 struct ja_sent *ret, struct ja_error *err)
{
    char target[JA_EMAIL_MAX + 1];
    enum ja_status st = which_address(u, c, target, err);

    return st == JA_OK ? ja_letter_token(ctx, u, c->purpose, c->channel, target, c->sent, ret, err) : st;
}

enum ja_status ja_contact_send(struct ja_ctx *ctx, const char *name, enum ja_channel channel,
                               struct ja_sent *ret, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_sent sent = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_user_find(ctx, name, &u, err);
    if (st == JA_OK)
        st = send_proof(ctx, &u, &contacts[channel], &sent, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    if (st == JA_OK)
        *ret = sent;
    return st;
}

/* Nobody, nothing to verify, enough messages for now: the work is the same and nothing is told. */
static enum ja_status resend_or_pretend(struct ja_ctx *ctx, struct ja_user *u, enum ja_channel channel,
                                        struct ja_error *err)
{
    struct ja_error local = {0};
    struct ja_sent sent;
    char target[JA_EMAIL_MAX + 1];
    enum ja_status st;

    if (!u->id[0] || which_address(u, &contacts[channel], target, &local) != JA_OK)
        return ja_letter_decoy(ctx, err);
    st = send_proof(ctx, u, &contacts[channel], &sent, &local);
    if (st == JA_ERR_THROTTLED) /* nor by the time it takes */
        return ja_letter_decoy(ctx, err);
    if (st != JA_OK && err)
        *err = local;
    return st;
}

enum ja_status ja_contact_turn(struct ja_ctx *ctx, const char *address, struct ja_error *err)
{
    return ja_letter_turn(ctx, "resend", address, err);
}

enum ja_status ja_contact_resend(struct ja_ctx *ctx, const char *address, enum ja_channel channel, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_error ignored = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_user_find(ctx, address, &u, &ignored);
    if (st == JA_OK || st == JA_ERR_NOT_FOUND || st == JA_ERR_INVALID)
        st = resend_or_pretend(ctx, &u, channel, err);
    else if (err)
        *err = ignored;
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_contact_send_all(struct ja_ctx *ctx, struct ja_user *u, struct ja_sent ret_sent[2],
                                   size_t *ret_nsent, struct ja_error *err)
{
    int verify = ctx->cfg->registration.verify;
    size_t n = 0;
    enum ja_status st = JA_OK;

    if (u->email && verify != JA_VERIFY_PHONE && verify != JA_VERIFY_NONE)
        st = send_proof(ctx, u, &contacts[JA_CHANNEL_EMAIL], &ret_sent[n++], err);
    if (st == JA_OK && u->phone && verify != JA_VERIFY_EMAIL && verify != JA_VERIFY_NONE)
        st = send_proof(ctx, u, &contacts[JA_CHANNEL_SMS], &ret_sent[n++], err);
    if (st == JA_OK)
        *ret_nsent = n;
    return st;
}

/* ---- confirm ---- */

/* [registration] verify: is everything verified that has to be? */
static bool satisfied(const struct ja_ctx *ctx, const struct ja_user *u)
{
    bool email = u->email_verified_at != 0, phone = u->phone_verified_at != 0;

    switch (ctx->cfg->registration.verify) {
    case JA_VERIFY_EMAIL: return email;
    case JA_VERIFY_PHONE: return phone;
    case JA_VERIFY_ANY: return email || phone;
    case JA_VERIFY_ALL: return (email || !u->email) && (phone || !u->phone) && (email || phone);
    case JA_VERIFY_NONE: return true;
    default: return false;
    }
}

/* Who was invited becomes active by setting a password, not by reading mail. */
static enum ja_status activate(struct ja_ctx *ctx, struct ja_user *u, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (u->status != JA_USER_PENDING || !u->password_hash || !satisfied(ctx, u))
        return JA_OK;
    st = ja_user_activate(ctx, u->id, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "user.activate", u->username, NULL, err);
    u->status = JA_USER_ACTIVE;
    return st == JA_OK ? ja_letter_notice(ctx, u, "welcome", err) : st;
}

/* The address that was proven becomes the user's; what it had is told. */
static enum ja_status take_over(struct ja_ctx *ctx, struct ja_user *u, const struct contact *c,
                                const char *proven, struct ja_error *err)
{
    struct address a = address_of(u, c->channel);
    char current[JA_EMAIL_MAX + 1] = "";
    char *old = *a.current;
    bool was_verified = *a.verified_at != 0, tell = false;
    enum ja_status st = JA_OK;

    if (old && !normalize(c->channel, old, current))
        current[0] = 0;
    if (strcmp(current, proven) != 0) {
        if (!*a.pending || strcmp(*a.pending, proven) != 0) /* changed again since it was sent */
            return ja_fail(err, JA_ERR_DENIED, "invalid_token",
                           "this proof is for another address than the account has");
        tell = was_verified && c->channel == JA_CHANNEL_EMAIL;
        *a.current = *a.pending;
        *a.pending = NULL;
    }
    *a.verified_at = ja_now(&ctx->clock);
    st = ja_user_update(ctx, u, err);
    if (st == JA_OK && tell)
        st = ja_letter_old_address(ctx, u, current, err);
    if (*a.current != old)
        free(old);
    return st;
}

static enum ja_status confirm(struct ja_ctx *ctx, const struct ja_ott *ott, const char *name,
                              const struct contact *c, struct ja_user *ret, struct ja_error *err)
{
    struct ja_user u = {0}, named = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_user_find_by_id(ctx, ott->user_id, &u, err);
    if (st == JA_OK && name)
        st = ja_user_find(ctx, name, &named, err);
    if (st == JA_ERR_NOT_FOUND || (st == JA_OK && name && strcmp(named.id, u.id) != 0))
        st = ja_fail(err, JA_ERR_DENIED, "invalid_token",
                     "the token is wrong, was used, or has ended; ask for a new one");
    if (st == JA_OK)
        st = ja_ott_consume(ctx, ott, err);
    if (st == JA_OK)
        st = take_over(ctx, &u, c, ott->destination, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, c->verified, u.username, NULL, err);
    if (st == JA_OK)
        st = activate(ctx, &u, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&named);
    if (st == JA_OK)
        *ret = u;
    else
        ja_user_clear(&u);
    return st;
}

enum ja_status ja_contact_confirm_token(struct ja_ctx *ctx, const char *name, const char *token, size_t len,
                                        struct ja_user *ret, struct ja_error *err)
{
    struct ja_ott ott = {0};
    enum ja_status st = ja_ott_find(ctx, 1U << JA_PURPOSE_VERIFY_EMAIL, token, len, &ott, err);

    return st == JA_OK ? confirm(ctx, &ott, name, &contacts[JA_CHANNEL_EMAIL], ret, err) : st;
}

enum ja_status ja_contact_confirm_code(struct ja_ctx *ctx, const char *name, const char *code, size_t len,
                                       struct ja_user *ret, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_ott ott = {0};
    enum ja_status st = ja_user_find(ctx, name, &u, err);

    if (st == JA_OK || st == JA_ERR_NOT_FOUND || st == JA_ERR_INVALID)
        st = ja_ott_try_code(ctx, u.id, JA_PURPOSE_VERIFY_PHONE, code, len, &ott, err);
    ja_user_clear(&u);
    return st == JA_OK ? confirm(ctx, &ott, NULL, &contacts[JA_CHANNEL_SMS], ret, err) : st;
}

/* ---- the person's own change ---- */

/* A verified address stays for now: the new one waits beside it. *given is taken out of the common change. */
static enum ja_status put_aside(struct ja_ctx *ctx, struct ja_user *u, enum ja_channel channel,
                                const char **given, bool *ret_send, struct ja_error *err)
{
    struct address a = address_of(u, channel);
    char key[JA_EMAIL_MAX + 1], old[JA_EMAIL_MAX + 1] = "", *copy;

    (void)ctx;
    *ret_send = false;
    if (!*given || !(*given)[0])
        return JA_OK;
    if (!normalize(channel, *given, key))
        return JA_OK; /* refused by the common change */
    *ret_send = true;
    if (*a.current && normalize(channel, *a.current, old) && strcmp(old, key) == 0)
        *ret_send = !*a.verified_at; /* back to what it was */
    copy = *a.verified_at && *ret_send ? strdup(key) : NULL;
    if (*a.verified_at && *ret_send && !copy)
        return ja_fail_nomem(err);
    free(*a.pending);
    *a.pending = copy;
    if (*a.verified_at)
        *given = NULL;
    return JA_OK;
}

static enum ja_status profile(struct ja_ctx *ctx, const char *name, struct ja_user_spec spec,
                              struct ja_user *u, struct ja_sent sent[2], size_t *n, struct ja_error *err)
{
    bool send[2] = {false, false};
    enum ja_status st = ja_caller_find(ctx, name, JA_MAY_FURNISH, u, err);

    if (st == JA_OK)
        st = put_aside(ctx, u, JA_CHANNEL_EMAIL, &spec.email, &send[JA_CHANNEL_EMAIL], err);
    if (st == JA_OK)
        st = put_aside(ctx, u, JA_CHANNEL_SMS, &spec.phone, &send[JA_CHANNEL_SMS], err);
    if (st == JA_OK)
        st = ja_account_modify_in_tx(ctx, &spec, u, err);
    for (size_t i = 0; st == JA_OK && i < 2; i++)
        if (send[i])
            st = send_proof(ctx, u, &contacts[i], &sent[(*n)++], err);
    return st;
}

enum ja_status ja_contact_profile(struct ja_ctx *ctx, const char *name, const struct ja_user_spec *spec,
                                  struct ja_user *ret, struct ja_sent ret_sent[2], size_t *ret_nsent,
                                  struct ja_error *err)
{
    struct ja_user u = {0};
    size_t n = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = profile(ctx, name, *spec, &u, ret_sent, &n, err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK) {
        *ret = u;
        *ret_nsent = n;
    } else {
        ja_user_clear(&u);
    }
    return st;
}
