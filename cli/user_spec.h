/* The options that say what an account is: user add, user modify, register, profile set. */
#ifndef JA_CLI_USER_SPEC_H
#define JA_CLI_USER_SPEC_H

#include "cli/options.h"
#include "common/flow/account_flow.h"

#define USER_SPEC_ROLES_MAX 64

#define CLI_OPTIONS_PERSON \
    {"email", 0, "E", false, "email address"}, {"phone", 0, "P", false, "phone number, with + and country code"}, \
        {"full-name", 0, "N", false, "full name"}, {"first-name", 0, "N", false, "first name"}, \
        {"last-name", 0, "N", false, "last name"}, {"company", 0, "C", false, "company name"}
#define CLI_OPTIONS_ACCOUNT \
    {"role", 0, "R", true, "grant this role"}, \
        {"uid", 0, "N", false, "uid, in the range of the configuration"}, \
        {"gid", 0, "N", false, "gid, in the range of the configuration"}, \
        {"home", 0, "D", false, "home folder"}, {"shell", 0, "S", false, "login shell"}, \
        {"valid-until", 0, "T", false, "the account ends then: 90d, RFC 3339, or never"}

struct user_spec {
    struct ja_user_spec spec;
    const char *roles[USER_SPEC_ROLES_MAX];
    struct ja_secret password; /* owned */
};

/* What was given of the options above; options that the command does not have are left out by
 * `account` false. */
enum ja_status user_spec_read(struct cli *cli, bool account, struct user_spec *ret,
                              struct ja_error *err);
/* Was anything given? */
bool user_spec_any(const struct user_spec *s);
/* --password-stdin, --password-file or --generate-password; none: no password. */
enum ja_status user_spec_password(struct cli *cli, struct user_spec *s, struct ja_error *err);
void user_spec_clear(struct user_spec *s);
/* After JA_ERR_POLICY: every broken rule on a line of its own. */
void user_spec_tell_policy(const struct cli *cli, enum ja_status st,
                           const struct ja_policy_report *report);

#endif
