#include "common/flow/account_flow.h"

#include "common/domain/local_user.h"
#include "common/domain/password_hash.h"
#include "common/domain/posix_id.h"
#include "common/domain/role.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ja_status ja_account_hash_password(struct ja_ctx *ctx, const struct ja_secret *pw,
                                        struct ja_user *u, struct ja_policy_report *report,
                                        struct ja_error *err)
{
    struct ja_policy_report own = {0};
    struct ja_policy_subject subject = {
        .user_id = u->id[0] ? u->id : NULL,
        .username = u->username,
        .email = u->email,
        .full_name = u->full_name,
        .current_hash = u->password_hash,
        .mfa_enforced = ctx->cfg->mfa.policy == JA_MFA_REQUIRED,
    };
    char hash[JA_HASH_STRING_MAX] = "";
    enum ja_status st = JA_OK;

    if (u->kind == JA_USER_SERVICE)
        return ja_fail(err, JA_ERR_INVALID, "service_password",
                       "a service account has no password; use authctl token issue");
    st = ja_password_policy_check(ctx, &subject, pw->data, pw->len, report ? report : &own, err);
    if (st == JA_OK)
        st = ja_password_hash(ctx, pw->data, pw->len, hash, err);
    if (st == JA_OK) {
        ja_wipe_free(u->password_hash);
        u->password_hash = strdup(hash);
        st = u->password_hash ? JA_OK : ja_fail_nomem(err);
    }
    return st;
}

/* ---- add ---- */

/* A name of /etc/passwd is never ours unless it is adopted. */
static enum ja_status refuse_local(const struct ja_user_spec *spec, struct ja_error *err)
{
    enum ja_whose whose = JA_WHOSE_LOCAL;
    enum ja_status st = ja_local_whose(spec->username, &whose, err);

    if (st == JA_OK && whose != JA_WHOSE_NOT_LOCAL)
        st = ja_fail(err, JA_ERR_CONFLICT, "local_user",
                     "%s is a local user (/etc/passwd); add it with --adopt", spec->username);
    return st;
}

static enum ja_status refuse_adopt_options(const struct ja_user_spec *spec, struct ja_error *err)
{
    if (spec->uid || spec->gid || spec->home || spec->shell || spec->service)
        return ja_fail(err, JA_ERR_INVALID, "adopt_options",
                       "an adopted user keeps uid, gid, home and shell of /etc/passwd");
    return JA_OK;
}

/* Every field of the new row, checked; nothing is written and nothing slow is done. */
static enum ja_status prepare(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                              struct ja_user *u, struct ja_error *err)
{
    enum ja_status st = ja_field_username(spec->username, u, err);

    u->kind = spec->service ? JA_USER_SERVICE : JA_USER_PERSON;
    u->bind_uid = spec->bind_uid > 0 ? spec->bind_uid : 0;
    u->valid_until = spec->valid_until > 0 ? spec->valid_until : 0;
    if (st == JA_OK && spec->adopt) {
        st = refuse_adopt_options(spec, err);
        if (st == JA_OK)
            st = ja_adopt_load(spec->username, spec->password != NULL, u, err);
    } else if (st == JA_OK) {
        st = refuse_local(spec, err);
        if (st == JA_OK)
            st = ja_field_posix_ids(ctx, spec, u, err);
    }
    if (st == JA_OK)
        st = ja_field_contacts(spec, u, err);
    if (st == JA_OK)
        st = ja_field_names(spec, u, err);
    if (st == JA_OK)
        st = ja_field_paths(ctx, spec, u, err);
    for (size_t i = 0; st == JA_OK && i < spec->nroles; i++)
        st = ja_role_require(ctx, spec->roles[i], err);
    return st;
}

/* What is taken already is told before a password is hashed for nothing; the unique indexes decide. */
static enum ja_status refuse_taken(struct ja_ctx *ctx, const struct ja_user *u, struct ja_error *err)
{
    struct ja_user other = {0};
    enum ja_status st = ja_user_find_by_name(ctx, u->username, &other, NULL);

    ja_user_clear(&other);
    if (st == JA_OK)
        return ja_fail(err, JA_ERR_EXISTS, "username_taken", "user name is already in use (%s)",
                       u->username);
    st = u->email ? ja_user_find_by_email(ctx, u->email, &other, NULL) : JA_ERR_NOT_FOUND;
    ja_user_clear(&other);
    if (st == JA_OK)
        return ja_fail(err, JA_ERR_EXISTS, "email_taken", "email address is already in use (%s)",
                       u->email);
    st = u->phone ? ja_user_find_by_phone(ctx, u->phone, &other, NULL) : JA_ERR_NOT_FOUND;
    ja_user_clear(&other);
    if (st == JA_OK)
        return ja_fail(err, JA_ERR_EXISTS, "phone_taken", "phone number is already in use (%s)",
                       u->phone);
    return JA_OK;
}

static enum ja_status write_letter(struct ja_ctx *ctx, const struct ja_add_as *as, struct ja_user *u,
                                   struct ja_sent sent[2], size_t *nsent, struct ja_error *err)
{
    switch (as->letter) {
    case JA_ADD_SILENT: return JA_OK;
    case JA_ADD_VERIFY: return ja_contact_send_all(ctx, u, sent, nsent, err);
    case JA_ADD_INVITE: *nsent = 1; return ja_invite_send(ctx, u, sent, err);
    }
    return ja_fail(err, JA_ERR_INTERNAL, "internal", "no such letter");
}

/* uid and gid reach files of the host, adoption its accounts, a shell is what opens it.  A home folder is made by root
 * (pam_mkhomedir) and given to the user, wherever it is: under /etc/systemd that is root itself. */
static enum ja_status may_reach_host(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_error *err)
{
    if (spec->adopt || spec->uid || spec->gid || spec->bind_uid || spec->home || spec->shell)
        return ja_caller_may_all(ctx, err);
    return JA_OK;
}

enum ja_status ja_account_may_add(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_error *err)
{
    enum ja_status st = may_reach_host(ctx, spec, err);

    if (st == JA_OK && ja_username_valid(spec->username)) /* else refused as a name, which tells nothing */
        st = ja_caller_may_name(ctx, spec->username, JA_MAY_CHANGE, err);
    else if (st == JA_OK)
        st = ja_permit(ctx, "users:write", NULL, err);
    for (size_t i = 0; st == JA_OK && i < spec->nroles; i++)
        st = ja_caller_may_give(ctx, spec->roles[i], 0, err);
    return st;
}

static enum ja_status insert_with_roles(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                        const struct ja_add_as *as, struct ja_user *u,
                                        struct ja_sent sent[2], size_t *nsent, struct ja_error *err)
{
    json_t *detail = NULL;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    if (!as->by_itself) /* once more: while the password was hashed, the caller may have lost the right */
        st = ja_account_may_add(ctx, spec, err);
    if (st == JA_OK)
        st = ja_user_insert(ctx, u, err);
    for (size_t i = 0; st == JA_OK && i < spec->nroles; i++)
        st = ja_role_grant_in_tx(ctx, u, spec->roles[i], 0, as->by_itself, err);
    if (st == JA_OK) {
        detail = json_pack("{s:s, s:I, s:s, s:b}", "id", u->id, "uid", (json_int_t)u->uid, "status",
                           ja_user_status_name(u->status), "adopted", (int)u->adopted);
        if (detail && u->bind_uid && json_object_set_new(detail, "bind_uid", json_integer(u->bind_uid)) != 0) {
            json_decref(detail);
            detail = NULL;
        }
        st = detail ? ja_account_audit(ctx, as->action, u->username, detail, err) : ja_fail_nomem(err);
    }
    if (st == JA_OK)
        st = write_letter(ctx, as, u, sent, nsent, err);
    if (st == JA_OK && as->pretend) {
        ja_db_rollback(ctx->db);
        return JA_OK;
    }
    return ja_tx_end(ctx, st, err);
}

static enum ja_status add_prepared(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                   const struct ja_add_as *as, struct ja_user *u,
                                   struct ja_policy_report *report, struct ja_sent sent[2],
                                   size_t *nsent, struct ja_error *err)
{
    enum ja_status st = refuse_taken(ctx, u, err);

    if (st == JA_OK && spec->password)
        st = ja_account_hash_password(ctx, spec->password, u, report, err);
    u->must_change = spec->password && spec->generated;
    return st == JA_OK ? insert_with_roles(ctx, spec, as, u, sent, nsent, err) : st;
}

static enum ja_status give_back(enum ja_status st, struct ja_user *u, struct ja_user *ret)
{
    if (st == JA_OK && ret) {
        *ret = *u;
        *u = (struct ja_user){0};
    }
    ja_user_clear(u);
    return st;
}

/* A crash between row and mark left the row alone: adopting again finishes it. */
static bool half_adopted(struct ja_ctx *ctx, const struct ja_user *u, struct ja_user *ret)
{
    enum ja_whose whose = JA_WHOSE_ADOPTED;

    if (ja_user_find_by_name(ctx, u->username, ret, NULL) != JA_OK)
        return false;
    if (ret->adopted && ret->uid == u->uid && ja_local_whose(u->username, &whose, NULL) == JA_OK &&
        whose == JA_WHOSE_LOCAL)
        return true;
    ja_user_clear(ret);
    return false;
}

enum ja_status ja_account_add(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                              struct ja_policy_report *report, struct ja_user *ret,
                              struct ja_error *err)
{
    static const struct ja_add_as as = {JA_USER_ACTIVE, "user.add", JA_ADD_SILENT, false, false};
    struct ja_sent none[2];
    size_t n = 0;
    enum ja_status st = ja_account_may_add(ctx, spec, err);

    return st == JA_OK ? ja_account_add_as(ctx, spec, &as, report, ret, none, &n, err) : st;
}

enum ja_status ja_account_add_as(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                 const struct ja_add_as *as, struct ja_policy_report *report,
                                 struct ja_user *ret, struct ja_sent ret_sent[2], size_t *ret_nsent,
                                 struct ja_error *err)
{
    struct ja_user u = {0}, half = {0};
    enum ja_status st = prepare(ctx, spec, &u, err);

    *ret_nsent = 0;
    u.status = as->status;
    if (st == JA_OK && spec->adopt && half_adopted(ctx, &u, &half)) {
        ja_user_clear(&u);
        u = half;
    } else if (st == JA_OK) {
        st = add_prepared(ctx, spec, as, &u, report, ret_sent, ret_nsent, err);
    }
    if (st == JA_OK && spec->adopt)
        st = ja_adopt_mark(ctx, &u, err);
    return give_back(st, &u, ret);
}

static bool swap_contact(char **field, const char *other)
{
    char *copy;

    if (!*field)
        return true;
    copy = strdup(other);
    if (!copy)
        return false;
    free(*field);
    *field = copy;
    return true;
}

/* The password is judged beside the names that were given; what goes to the unique indexes is nobody's. */
static enum ja_status pretend_prepared(struct ja_ctx *ctx, const struct ja_user_spec *spec, const struct ja_add_as *as,
                                       const char *decoy, struct ja_user *u, struct ja_policy_report *report,
                                       struct ja_sent sent[2], size_t *nsent, struct ja_error *err)
{
    char address[64], number[24];
    enum ja_status st;

    (void)snprintf(u->username, sizeof u->username, "%s", spec->username);
    st = refuse_taken(ctx, u, NULL);
    if (st == JA_OK || st == JA_ERR_EXISTS)
        st = ja_account_hash_password(ctx, spec->password, u, report, err);
    if (st != JA_OK)
        return st;
    (void)snprintf(u->username, sizeof u->username, "%s", decoy);
    (void)snprintf(address, sizeof address, "%s@invalid.example", decoy);
    (void)snprintf(number, sizeof number, "+999%.8s", decoy + 1);
    if (!swap_contact(&u->email, address) || !swap_contact(&u->phone, number))
        return ja_fail_nomem(err);
    return insert_with_roles(ctx, spec, as, u, sent, nsent, err);
}

enum ja_status ja_account_pretend(struct ja_ctx *ctx, const struct ja_user_spec *spec, const struct ja_add_as *as,
                                  struct ja_policy_report *report, struct ja_user *ret, struct ja_sent ret_sent[2],
                                  size_t *ret_nsent, struct ja_error *err)
{
    struct ja_user_spec names = *spec;
    struct ja_user u = {0}, given = {0};
    uint64_t number = 0;
    char decoy[24];
    enum ja_status st = ja_random(&number, sizeof number, err);

    *ret_nsent = 0;
    (void)snprintf(decoy, sizeof decoy, "u%016llu", (unsigned long long)(number % 10000000000000000ULL));
    names.username = decoy;
    if (st == JA_OK)
        st = prepare(ctx, &names, &u, err);
    if (st == JA_OK)
        st = ja_field_contacts(spec, &given, err);
    u.status = as->status;
    if (st == JA_OK)
        st = pretend_prepared(ctx, spec, as, decoy, &u, report, ret_sent, ret_nsent, err);
    if (st == JA_OK && ((given.email && !swap_contact(&u.email, given.email)) ||
                        (given.phone && !swap_contact(&u.phone, given.phone))))
        st = ja_fail_nomem(err);
    (void)snprintf(u.username, sizeof u.username, "%s", spec->username);
    ja_user_clear(&given);
    return give_back(st, &u, ret);
}

/* ---- modify ---- */

static enum ja_status modify_fields(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                    struct ja_user *u, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (u->adopted && (spec->username || spec->uid || spec->gid || spec->home || spec->shell))
        return ja_fail(err, JA_ERR_CONFLICT, "adopted",
                       "%s is adopted: name, uid, gid, home and shell are those of /etc/passwd",
                       u->username);
    if (spec->username) {
        st = refuse_local(spec, err);
        if (st == JA_OK)
            st = ja_field_username(spec->username, u, err);
    }
    if (st == JA_OK)
        st = ja_field_posix_ids(ctx, spec, u, err);
    if (st == JA_OK)
        st = ja_field_contacts(spec, u, err);
    if (st == JA_OK)
        st = ja_field_names(spec, u, err);
    if (st == JA_OK)
        st = ja_field_paths(ctx, spec, u, err);
    if (spec->bind_uid)
        u->bind_uid = spec->bind_uid > 0 ? spec->bind_uid : 0;
    if (spec->valid_until)
        u->valid_until = spec->valid_until > 0 ? spec->valid_until : 0;
    return st;
}

/* Names of the fields that were given, not their values: the log is read by more people than the
 * profile is. */
static json_t *given_fields(const struct ja_user_spec *s)
{
    const struct {
        bool given;
        const char *name;
    } all[] = {
        {s->username, "username"},     {s->email, "email"},
        {s->phone, "phone"},           {s->full_name, "full_name"},
        {s->first_name, "first_name"}, {s->last_name, "last_name"},
        {s->company_name, "company"},  {s->home, "home"},
        {s->shell, "shell"},           {s->uid != 0, "uid"},
        {s->gid != 0, "gid"},          {s->valid_until != 0, "valid_until"},
        {s->bind_uid != 0, "bind_uid"}, {s->nroles != 0, "roles"},
    };
    json_t *names = json_array();

    for (size_t i = 0; names && i < sizeof all / sizeof *all; i++)
        if (all[i].given && json_array_append_new(names, json_string(all[i].name)) != 0) {
            json_decref(names);
            return NULL;
        }
    return names ? json_pack("{s:o}", "fields", names) : NULL;
}

enum ja_status ja_account_modify_in_tx(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                       struct ja_user *u, struct ja_error *err)
{
    json_t *detail = NULL;
    int64_t old_uid = u->uid, old_gid = u->gid;
    enum ja_status st = modify_fields(ctx, spec, u, err);

    if (st == JA_OK && u->valid_until)
        st = ja_admin_may_end(ctx, u->id, u->valid_until, err);
    if (st == JA_OK && u->uid != old_uid)
        st = ja_posix_id_check(ctx, u->uid, u->id, err);
    if (st == JA_OK && u->gid != old_gid)
        st = ja_posix_gid_unused(ctx, u->gid, u->id, err);
    if (st == JA_OK)
        st = ja_user_update(ctx, u, err);
    if (st == JA_OK && u->uid != old_uid)
        st = ja_posix_id_retire(ctx, old_uid, u->id, err);
    for (size_t i = 0; st == JA_OK && i < spec->nroles; i++)
        st = ja_role_grant_in_tx(ctx, u, spec->roles[i], 0, false, err);
    if (st != JA_OK)
        return st;
    u->updated_at = ja_now(&ctx->clock);
    detail = given_fields(spec);
    return detail ? ja_account_audit(ctx, "user.modify", u->username, detail, err)
                  : ja_fail_nomem(err);
}

static enum ja_status may_modify(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_error *err)
{
    enum ja_status st = may_reach_host(ctx, spec, err);

    if (st == JA_OK && spec->username && ja_username_valid(spec->username))
        st = ja_caller_may_name(ctx, spec->username, JA_MAY_CHANGE, err);
    return st;
}

enum ja_status ja_account_modify(struct ja_ctx *ctx, const char *name, const struct ja_user_spec *spec,
                                 struct ja_user *ret, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err);
    if (st == JA_OK)
        st = may_modify(ctx, spec, err);
    if (st == JA_OK)
        st = ja_account_modify_in_tx(ctx, spec, &u, err);
    st = ja_tx_end(ctx, st, err);
    return give_back(st, &u, ret);
}
