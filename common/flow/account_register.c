/* Registration by a person for itself (HTTP.md, POST /register; CONFIG [registration]). */
#include "common/domain/local_user.h"
#include "common/domain/rate_limit.h"
#include "common/domain/role.h"
#include "common/flow/account_internal.h"
#include "common/flow/letter.h"

#include <stdio.h>
#include <string.h>

#define DERIVED_MAX 28    /* leaves room for a number */
#define DERIVE_TRIES 9999

static enum ja_status check_contacts(const struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                     struct ja_error *err)
{
    bool email = spec->email && spec->email[0], phone = spec->phone && spec->phone[0];
    int verify = ctx->cfg->registration.verify;

    if (verify == JA_VERIFY_EMAIL && !email)
        return ja_fail(err, JA_ERR_INVALID, "email_required", "an email address is needed");
    if (verify == JA_VERIFY_PHONE && !phone)
        return ja_fail(err, JA_ERR_INVALID, "phone_required", "a phone number is needed");
    if ((verify == JA_VERIFY_ANY || verify == JA_VERIFY_ALL) && !email && !phone)
        return ja_fail(err, JA_ERR_INVALID, "contact_required",
                       "an email address or a phone number is needed");
    if (!spec->password)
        return ja_fail(err, JA_ERR_INVALID, "password_required", "a password is needed");
    return JA_OK;
}

/* The local part by the portable rule: what does not fit becomes '-', a first character that may
 * not be one gets a 'u' before it. */
static void base_name(const char *email, char out[DERIVED_MAX + 1])
{
    char key[JA_EMAIL_MAX + 1] = "";
    size_t n = 0;

    if (!email || !ja_email_normalize(email, key))
        (void)snprintf(key, sizeof key, "user");
    if (!(key[0] >= 'a' && key[0] <= 'z') && key[0] != '_')
        out[n++] = 'u';
    for (const char *p = key; *p && *p != '@' && n < DERIVED_MAX; p++) {
        bool fits = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '-';

        out[n++] = fits ? *p : '-';
    }
    out[n] = 0;
}

static enum ja_status name_free(struct ja_ctx *ctx, const char *name, bool *ret,
                                struct ja_error *err)
{
    struct ja_user other = {0};
    enum ja_whose whose = JA_WHOSE_LOCAL;
    enum ja_status st = ja_local_whose(name, &whose, err);

    if (st != JA_OK)
        return st;
    st = ja_user_find_by_name(ctx, name, &other, err);
    ja_user_clear(&other);
    if (st != JA_OK && st != JA_ERR_NOT_FOUND)
        return st;
    *ret = st == JA_ERR_NOT_FOUND && whose == JA_WHOSE_NOT_LOCAL;
    return JA_OK;
}

/* Where nothing is told of who exists, the number is there whether the bare name is taken or not. */
static enum ja_status derive_name(struct ja_ctx *ctx, const char *email,
                                  char out[JA_USERNAME_MAX + 1], struct ja_error *err)
{
    bool conceal = ctx->cfg->registration.conceal, is_free = false;
    char base[DERIVED_MAX + 1];
    uint32_t any = 0;
    enum ja_status st = JA_OK;

    base_name(email, base);
    (void)snprintf(out, JA_USERNAME_MAX + 1, "%s", base);
    if (!conceal)
        st = name_free(ctx, out, &is_free, err);
    for (uint32_t i = 1; st == JA_OK && !is_free && i <= DERIVE_TRIES; i++) {
        if (conceal)
            st = ja_random(&any, sizeof any, err);
        (void)snprintf(out, JA_USERNAME_MAX + 1, "%s%u", base, conceal ? 1000 + any % 9000 : i);
        if (st == JA_OK)
            st = name_free(ctx, out, &is_free, err);
    }
    if (st == JA_OK && !is_free)
        st = ja_fail(err, JA_ERR_EXISTS, "username_taken",
                     "no user name could be derived; choose one");
    return st;
}

/* Only what a person may say of itself; the rest is the configuration's. */
static struct ja_user_spec own_fields(const struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                      const char *username)
{
    return (struct ja_user_spec){
        .username = username,
        .email = spec->email,
        .phone = spec->phone,
        .full_name = spec->full_name,
        .first_name = spec->first_name,
        .last_name = spec->last_name,
        .company_name = spec->company_name,
        .password = spec->password,
        .roles = (const char *const *)ctx->cfg->registration.default_roles.items,
        .nroles = ctx->cfg->registration.default_roles.len,
    };
}

/* Whose the name, address or number is; the first that is somebody's. */
static enum ja_status find_owner(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_user *ret,
                                 struct ja_error *err)
{
    const char *names[] = {spec->email, spec->phone, spec->username};
    enum ja_status st = JA_ERR_NOT_FOUND;

    for (size_t i = 0; i < 3 && st == JA_ERR_NOT_FOUND; i++)
        if (names[i] && names[i][0])
            st = ja_user_find(ctx, names[i], ret, err);
    return st;
}

/* Once a day: whoever registers an address again and again does not fill its mailbox. */
static enum ja_status tell_owner(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_error *err)
{
    struct ja_user owner = {0};
    char key[96];
    const struct ja_rate_key turn = {key, {1, 86400}};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = find_owner(ctx, spec, &owner, err);
    (void)snprintf(key, sizeof key, "letter register_taken %s", owner.id);
    if (st == JA_OK)
        st = ja_rate_take_in_tx(ctx, &turn, err);
    if (st == JA_OK && owner.email && owner.email_verified_at)
        st = ja_letter_notice(ctx, &owner, "register_taken", err);
    else if (st == JA_OK || st == JA_ERR_NOT_FOUND || st == JA_ERR_THROTTLED || st == JA_ERR_INVALID)
        st = ja_outbox_decoy(ctx, err); /* nowhere to tell, a name of the host's own, or told already */
    ja_user_clear(&owner);
    return ja_tx_end(ctx, st, err);
}

/* As a success would: the same work, and an answer of the same shape. */
static enum ja_status conceal(struct ja_ctx *ctx, const struct ja_user_spec *own, struct ja_policy_report *report,
                              struct ja_user *ret, struct ja_sent ret_sent[2], size_t *ret_nsent, struct ja_error *err)
{
    static const struct ja_add_as as = {JA_USER_PENDING, "user.register", JA_ADD_VERIFY, true, true};
    enum ja_status st = ja_account_pretend(ctx, own, &as, report, ret, ret_sent, ret_nsent, err);

    return st == JA_OK ? tell_owner(ctx, own, err) : st;
}

/* JA_ERR_EXISTS: local names are taken like any other, nothing is told of them. */
static enum ja_status choose_name(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                  char derived[JA_USERNAME_MAX + 1], const char **ret, struct ja_error *err)
{
    bool is_free = true;
    enum ja_status st = JA_OK;

    *ret = spec->username;
    if (!spec->username || !spec->username[0]) {
        st = derive_name(ctx, spec->email, derived, err);
        *ret = derived;
    } else if (ja_username_valid(spec->username)) {
        st = name_free(ctx, spec->username, &is_free, err);
    }
    if (st == JA_OK && !is_free)
        st = ja_fail(err, JA_ERR_EXISTS, "username_taken", "user name is already in use (%s)", spec->username);
    return st;
}

enum ja_status ja_account_register_open(const struct ja_config *cfg, struct ja_error *err)
{
    return cfg->registration.open ? JA_OK
                                  : ja_fail(err, JA_ERR_FORBIDDEN, "registration_closed",
                                            "registration is closed; an administrator can add the account");
}

enum ja_status ja_account_register(struct ja_ctx *ctx, const struct ja_user_spec *spec, bool as_root,
                                   struct ja_policy_report *report, struct ja_user *ret,
                                   struct ja_sent ret_sent[2], size_t *ret_nsent, struct ja_error *err)
{
    static const struct ja_add_as pending = {JA_USER_PENDING, "user.register", JA_ADD_VERIFY, true, false};
    static const struct ja_add_as active = {JA_USER_ACTIVE, "user.register", JA_ADD_SILENT, true, false};
    const struct ja_add_as *as = ctx->cfg->registration.verify == JA_VERIFY_NONE ? &active : &pending;
    char derived[JA_USERNAME_MAX + 1] = "";
    const char *username = NULL;
    struct ja_user_spec own;
    enum ja_status st = JA_OK;

    if (!as_root)
        st = ja_account_register_open(ctx->cfg, err);
    if (st != JA_OK)
        return st;
    st = check_contacts(ctx, spec, err);
    if (st == JA_OK)
        st = choose_name(ctx, spec, derived, &username, err);
    if (st != JA_OK && st != JA_ERR_EXISTS)
        return st;
    own = own_fields(ctx, spec, username);
    if (st == JA_OK)
        st = ja_account_add_as(ctx, &own, as, report, ret, ret_sent, ret_nsent, err);
    if (st == JA_ERR_EXISTS && ctx->cfg->registration.conceal && !as_root)
        st = conceal(ctx, &own, report, ret, ret_sent, ret_nsent, err);
    return st;
}
