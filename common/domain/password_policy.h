/* What a new password must be (SECURITY R20, CONFIG [password]).
 *
 * All broken rules are told at once.  Each has a stable code and a line for the person:
 * too_short, too_long, no_upper, no_lower, no_digit, no_special, has_nul, in_dictionary,
 * on_blocklist, has_username, has_email, has_issuer, reused.  The dictionary is libpwquality's
 * (loaded late); the built-in blocklist of common passwords and the configured one are compared in
 * any letter case. If libpwquality or the blocklist cannot be read, that is an error, never a pass.
 * `reused` costs up to `history` hashes: checked last, only when all else passed.
 */
#ifndef JA_DOMAIN_PASSWORD_POLICY_H
#define JA_DOMAIN_PASSWORD_POLICY_H

#include "common/domain/ctx.h"

#define JA_POLICY_RULES_MAX 16

struct ja_policy_report {
    size_t len;
    struct { char code[24]; char text[160]; } broken[JA_POLICY_RULES_MAX];
};

struct ja_policy_subject { /* all may be NULL */
    const char *user_id; /* for the history */
    const char *username, *email, *full_name;
    const char *current_hash;
    bool mfa_enforced;   /* nist: 8 instead of 15 */
};

/* JA_OK: meets policy. JA_ERR_POLICY: *report (may be NULL) has each broken rule, err all in one
 * line. Otherwise the check itself failed. */
enum ja_status ja_password_policy_check(struct ja_ctx *ctx, const struct ja_policy_subject *subject,
                                        const void *pw, size_t len, struct ja_policy_report *report,
                                        struct ja_error *err);
/* A random password that meets the policy (>= 96 bits), for --generate-password. */
enum ja_status ja_password_generate(struct ja_ctx *ctx, struct ja_secret *ret,
                                    struct ja_error *err);

#endif
