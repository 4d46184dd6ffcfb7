/* Registration by a person for itself (HTTP.md, POST /register; CONFIG [registration]). */
#include "common/domain/local_user.h"
#include "common/domain/role.h"
#include "common/flow/account_internal.h"

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

static enum ja_status derive_name(struct ja_ctx *ctx, const char *email,
                                  char out[JA_USERNAME_MAX + 1], struct ja_error *err)
{
    char base[DERIVED_MAX + 1];
    bool is_free = false;
    enum ja_status st = JA_OK;

    base_name(email, base);
    (void)snprintf(out, JA_USERNAME_MAX + 1, "%s", base);
    st = name_free(ctx, out, &is_free, err);
    for (int i = 1; st == JA_OK && !is_free && i <= DERIVE_TRIES; i++) {
        (void)snprintf(out, JA_USERNAME_MAX + 1, "%s%d", base, i);
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

enum ja_status ja_account_register(struct ja_ctx *ctx, const struct ja_user_spec *spec, bool as_root,
                                   struct ja_policy_report *report, struct ja_user *ret,
                                   struct ja_sent ret_sent[2], size_t *ret_nsent, struct ja_error *err)
{
    static const struct ja_add_as pending = {JA_USER_PENDING, "user.register", JA_ADD_VERIFY, true};
    static const struct ja_add_as active = {JA_USER_ACTIVE, "user.register", JA_ADD_SILENT, true};
    char derived[JA_USERNAME_MAX + 1] = "";
    const char *username = spec->username;
    struct ja_user_spec own;
    bool is_free = false;
    enum ja_status st = JA_OK;

    if (!ctx->cfg->registration.open && !as_root)
        return ja_fail(err, JA_ERR_FORBIDDEN, "registration_closed",
                       "registration is closed; an administrator can add the account");
    st = check_contacts(ctx, spec, err);
    if (st == JA_OK && (!username || !username[0])) {
        st = derive_name(ctx, spec->email, derived, err);
        username = derived;
    } else if (st == JA_OK && ja_username_valid(username)) {
        st = name_free(ctx, username, &is_free, err);
        if (st == JA_OK && !is_free) /* local names are taken like any other: nothing is told of them */
            st = ja_fail(err, JA_ERR_EXISTS, "username_taken", "user name is already in use (%s)",
                         username);
    }
    if (st != JA_OK)
        return st;
    own = own_fields(ctx, spec, username);
    return ja_account_add_as(ctx, &own,
                             ctx->cfg->registration.verify == JA_VERIFY_NONE ? &active : &pending,
                             report, ret, ret_sent, ret_nsent, err);
}
