#include "common/flow/reset_flow.h"

#include "common/domain/rate_limit.h"
#include "common/domain/seal.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"
#include "common/flow/new_source.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* ---- request ---- */

/* Where may a reset go? Only to what was verified, of an active person. */
static bool reachable(const struct ja_user *u, enum ja_reset_by by, enum ja_channel *ret_channel,
                      char out[JA_EMAIL_MAX + 1])
{
    if (u->kind != JA_USER_PERSON || u->status != JA_USER_ACTIVE)
        return false;
    if (by != JA_RESET_BY_SMS && u->email && u->email_verified_at && ja_email_normalize(u->email, out)) {
        *ret_channel = JA_CHANNEL_EMAIL;
        return true;
    }
    if (by != JA_RESET_BY_EMAIL && u->phone && u->phone_verified_at && ja_phone_normalize(u->phone, out)) {
        *ret_channel = JA_CHANNEL_SMS;
        return true;
    }
    return false;
}

/* The log has the truth; an unknown name is not written, it may be a password. */
static enum ja_status log_nothing_sent(struct ja_ctx *ctx, const struct ja_user *u, const char *why,
                                       struct ja_error *err)
{
    char target[sizeof "user:" + JA_USERNAME_MAX];
    const struct ja_audit_event ev = {.action = "password.request_reset", .outcome = "denied", .reason = why,
                                      .target = u->id[0] ? target : NULL};

    (void)snprintf(target, sizeof target, "user:%s", u->username);
    return ja_audit_write(ctx, &ev, err);
}

static enum ja_status write_or_pretend(struct ja_ctx *ctx, const struct ja_user *u, enum ja_reset_by by,
                                       struct ja_error *err)
{
    struct ja_error local = {0};
    enum ja_channel channel = JA_CHANNEL_EMAIL;
    char destination[JA_EMAIL_MAX + 1] = "";
    enum ja_status st;

    if (!u->id[0] || !reachable(u, by, &channel, destination)) {
        st = ja_letter_decoy(ctx, err);
        return st == JA_OK ? log_nothing_sent(ctx, u, u->id[0] ? "no_verified_address" : "unknown_user", err) : st;
    }
    st = ja_letter_token(ctx, u, JA_PURPOSE_RESET, channel, destination, "password.request_reset", NULL, &local);
    if (st == JA_ERR_THROTTLED) /* enough messages for now: whoever asks is not told */
        return log_nothing_sent(ctx, u, "too_many_messages", err);
    if (st != JA_OK && err)
        *err = local;
    return st;
}

enum ja_status ja_reset_turn(struct ja_ctx *ctx, const char *who, struct ja_error *err)
{
    return ja_letter_turn(ctx, "reset", who, err);
}

enum ja_status ja_reset_request(struct ja_ctx *ctx, const char *who, enum ja_reset_by by, struct ja_error *err)
{
    enum ja_status st = ja_reset_turn(ctx, who, err);

    return st == JA_OK ? ja_reset_send(ctx, who, by, err) : st;
}

enum ja_status ja_reset_send(struct ja_ctx *ctx, const char *who, enum ja_reset_by by, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_error ignored = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_user_find(ctx, who, &u, &ignored);
    if (st == JA_OK || st == JA_ERR_NOT_FOUND || st == JA_ERR_INVALID)
        st = write_or_pretend(ctx, &u, by, err);
    else if (err)
        *err = ignored;
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    return st;
}

/* ---- confirm ---- */

#define RESET_OR_INVITE (1U << JA_PURPOSE_RESET | 1U << JA_PURPOSE_INVITE)

static enum ja_status find_by_code(struct ja_ctx *ctx, const struct ja_reset *r, struct ja_ott *ret,
                                   struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_purpose purpose = JA_PURPOSE_RESET;
    enum ja_status st = ja_user_find(ctx, r->name, &u, err);

    if (st == JA_OK && u.status == JA_USER_PENDING)
        purpose = JA_PURPOSE_INVITE;
    if (st == JA_OK || st == JA_ERR_NOT_FOUND || st == JA_ERR_INVALID)
        st = ja_ott_try_code(ctx, u.id, purpose, r->secret, r->len, ret, err);
    ja_user_clear(&u);
    return st;
}

static enum ja_status gone(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_DENIED, "invalid_token",
                   "the token is wrong, was used, or has ended; ask for a new one");
}

enum ja_status ja_proof_still_good(const struct ja_user *u, const struct ja_ott *ott, struct ja_error *err)
{
    char email[JA_EMAIL_MAX + 1], phone[JA_PHONE_MAX + 1];
    bool invited = ott->purpose == JA_PURPOSE_INVITE;
    bool mail = u->email && ja_email_normalize(u->email, email) && strcmp(email, ott->destination) == 0 &&
                (invited || u->email_verified_at);
    bool text = u->phone && ja_phone_normalize(u->phone, phone) && strcmp(phone, ott->destination) == 0 &&
                (invited || u->phone_verified_at);

    if (u->kind != JA_USER_PERSON || u->status != (invited ? JA_USER_PENDING : JA_USER_ACTIVE))
        return gone(err);
    return mail || text ? JA_OK : gone(err);
}

/* Following the invitation shows that the address is read. */
static enum ja_status accept_invitation(struct ja_ctx *ctx, struct ja_user *u, const struct ja_ott *ott,
                                        struct ja_error *err)
{
    enum ja_status st;

    if (strchr(ott->destination, '@'))
        u->email_verified_at = ja_now(&ctx->clock);
    else
        u->phone_verified_at = ja_now(&ctx->clock);
    st = ja_user_update(ctx, u, err);
    if (st == JA_OK)
        st = ja_user_activate(ctx, u->id, err);
    u->status = JA_USER_ACTIVE;
    return st;
}

enum ja_status ja_proof_set_password(struct ja_ctx *ctx, const struct ja_ott *ott, const char *hash,
                                     struct ja_user *ret, struct ja_error *err)
{
    bool invited = ott->purpose == JA_PURPOSE_INVITE;
    struct ja_user u = {0};
    enum ja_status st = ja_user_find_by_id(ctx, ott->user_id, &u, err);

    if (st == JA_ERR_NOT_FOUND)
        st = gone(err);
    if (st == JA_OK)
        st = ja_proof_still_good(&u, ott, err);
    if (st == JA_OK)
        st = ja_ott_consume(ctx, ott, err);
    if (st == JA_OK)
        st = ja_user_set_password(ctx, u.id, hash, false, err);
    if (st == JA_OK && invited)
        st = accept_invitation(ctx, &u, ott, err);
    if (st == JA_OK)
        st = ja_account_cut(ctx, u.id, NULL, "password_reset", NULL, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, invited ? "user.accept_invitation" : "password.reset", u.username, NULL, err);
    if (st == JA_OK)
        st = ja_letter_notice(ctx, &u, invited ? "welcome" : "password_changed", err);
    if (st == JA_OK) {
        *ret = u;
        return JA_OK;
    }
    ja_user_clear(&u);
    return st;
}

/* Policy and hash before the transaction; the proof is used up with the change, or not at all. */
static enum ja_status hash_for(struct ja_ctx *ctx, const struct ja_ott *ott, const struct ja_secret *pw,
                               struct ja_policy_report *report, struct ja_user *ret, struct ja_error *err)
{
    enum ja_status st = ja_user_find_by_id(ctx, ott->user_id, ret, err);

    if (st == JA_ERR_NOT_FOUND)
        return gone(err);
    if (st == JA_OK)
        st = ja_proof_still_good(ret, ott, err);
    return st == JA_OK ? ja_account_hash_password(ctx, pw, ret, report, err) : st;
}

enum ja_status ja_reset_confirm(struct ja_ctx *ctx, const struct ja_reset *r, const struct ja_secret *pw,
                                struct ja_policy_report *report, struct ja_user *ret, struct ja_error *err)
{
    struct ja_ott ott = {0};
    struct ja_user hashed = {0};
    enum ja_status st = r->code ? find_by_code(ctx, r, &ott, err)
                                : ja_ott_find(ctx, RESET_OR_INVITE, r->secret, r->len, &ott, err);

    if (st == JA_OK)
        st = hash_for(ctx, &ott, pw, report, &hashed, err);
    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st == JA_OK)
        st = ja_tx_end(ctx, ja_proof_set_password(ctx, &ott, hashed.password_hash, ret, err), err);
    ja_user_clear(&hashed);
    return st;
}

/* ---- invitations ---- */

enum ja_status ja_invite_send(struct ja_ctx *ctx, const struct ja_user *u, struct ja_sent *ret_sent,
                              struct ja_error *err)
{
    char destination[JA_EMAIL_MAX + 1];

    if (u->email && ja_email_normalize(u->email, destination))
        return ja_letter_token(ctx, u, JA_PURPOSE_INVITE, JA_CHANNEL_EMAIL, destination, "user.invite",
                               ret_sent, err);
    if (u->phone && ja_phone_normalize(u->phone, destination))
        return ja_letter_token(ctx, u, JA_PURPOSE_INVITE, JA_CHANNEL_SMS, destination, "user.invite",
                               ret_sent, err);
    return ja_fail(err, JA_ERR_INVALID, "contact_required",
                   "an invitation needs an email address or a phone number");
}

enum ja_status ja_account_invite(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_user *ret,
                                 struct ja_sent *ret_sent, struct ja_error *err)
{
    static const struct ja_add_as as = {JA_USER_PENDING, "user.add", JA_ADD_INVITE, false, false};
    struct ja_sent sent[2];
    size_t n = 0;
    enum ja_status st;

    if (spec->service || spec->adopt || spec->password)
        return ja_fail(err, JA_ERR_INVALID, "invite_options",
                       "an invited person chooses a password: --invite goes with none, and not with a service "
                       "or an adopted account");
    st = ja_account_may_add(ctx, spec, err);
    if (st == JA_OK)
        st = ja_account_add_as(ctx, spec, &as, NULL, ret, sent, &n, err);
    if (st == JA_OK)
        *ret_sent = sent[0];
    return st;
}

enum ja_status ja_account_invite_again(struct ja_ctx *ctx, const char *name, struct ja_sent *ret_sent,
                                       struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err);
    if (st == JA_OK && (u.status != JA_USER_PENDING || u.password_hash))
        st = ja_fail(err, JA_ERR_CONFLICT, "not_invited", "%s has no invitation that waits", u.username);
    if (st == JA_OK)
        st = ja_invite_send(ctx, &u, ret_sent, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    return st;
}
