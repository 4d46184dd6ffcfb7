/* Login as one state machine (DESIGN section 4): PAM, authctl and jwtauthd carry prompts and answers.
 *
 *   ja_auth_begin -> [ja_auth_next: PASSWORD -> ja_auth_answer] -> [CODE -> ja_auth_answer] -> DONE
 *      with `enroll`: -> [NEW_PASSWORD ->] [ENROLL -> ja_auth_answer] -> [RECOVERY -> ja_auth_answer] -> DONE
 *                 -> ja_auth_finish (account checks, source, session or handle, audit: one transaction)
 *
 * The verdict starts as JA_DENY and only ja_auth_finish makes it JA_ALLOW.  A status other than
 * JA_OK is a system failure (store, memory, busy), never a verdict; the machine is then dead.
 * The try is booked before hashing; each machine evaluates at most one password and one code.
 * Ownership: ja_auth_free wipes everything. Threads: one at a time.
 */
#ifndef JA_FLOW_AUTH_FLOW_H
#define JA_FLOW_AUTH_FLOW_H

#include "common/base/proc.h"
#include "common/base/verdict.h"
#include "common/domain/ctx.h"
#include "common/domain/password_policy.h"
#include "common/domain/session.h"
#include "common/domain/token.h"
#include "common/domain/user.h"
#include "common/flow/policy.h"

#define JA_LOGIN_TOKEN_MAX 1023 /* bytes: what ssh reads at a prompt */

enum ja_auth_next {
    JA_NEXT_PASSWORD, JA_NEXT_CODE, JA_NEXT_DONE,
    JA_NEXT_NEW_PASSWORD, /* who came by an invitation chooses one */
    JA_NEXT_ENROLL,       /* the code of the key in ja_auth_enrolment; "" skips where that may be */
    JA_NEXT_RECOVERY      /* "yes": the recovery codes in ja_auth_enrolment were kept */
};

/* What becomes of a user who has no second factor, after everything else was right. */
enum ja_enroll_mode { JA_ENROLL_OFF, JA_ENROLL_OFFER, JA_ENROLL_REQUIRE };
struct ja_enroll_terms {
    enum ja_enroll_mode mode; /* where a second factor is demanded, an offer cannot be skipped either */
    int64_t until;            /* REQUIRE: before this time an offer; 0: at once */
    /* A password alone enrols nobody: only who was invited does. In place of the password that an invited user has
     * not yet, the first prompt takes the invitation; a password is chosen in the same login. */
    bool by_invitation;
};

/* The true reason; for the audit log, return codes and exit codes, never shown as text to the caller. */
enum ja_auth_reason {
    JA_REASON_NONE,
    JA_REASON_UNKNOWN_USER,
    JA_REASON_NO_PASSWORD,     /* the user has none */
    JA_REASON_WRONG_PASSWORD,  /* also empty, too long, with NUL */
    JA_REASON_WRONG_CODE,
    JA_REASON_CODE_REPLAYED,
    JA_REASON_NO_SECOND_FACTOR,/* demanded, not enrolled */
    JA_REASON_CODE_REQUIRED,   /* demanded, not given (finish before the code) */
    JA_REASON_LOCKED,
    JA_REASON_DISABLED,
    JA_REASON_PENDING,
    JA_REASON_EXPIRED,         /* valid_until */
    JA_REASON_THROTTLED,
    JA_REASON_NEW_SOURCE,
    JA_REASON_UID_MISMATCH,
    JA_REASON_NOT_A_PERSON,    /* services have no password */
    JA_REASON_MUST_CHANGE,     /* session wanted while the password has to be changed */
    JA_REASON_NO_ROLE,         /* demanded, not held now */
    JA_REASON_NO_PERMISSION,   /* demanded, not held now */
    JA_REASON_POLICY,          /* a rule denies, or a broken one may have meant this login */
    JA_REASON_METHOD,          /* a rule lets others log in than by this method */
    JA_REASON_WRONG_TOKEN,     /* in place of the password: no good, somebody else's, limited, used before */
    JA_REASON_CAPTCHA,         /* a captcha is due and was not passed; nothing was booked nor evaluated */
};
const char *ja_auth_reason_name(enum ja_auth_reason r); /* "wrong_password" */

/* COUNTED: its failures count towards [throttle] captcha_after, and one is asked when due. */
enum ja_captcha { JA_CAPTCHA_NEVER, JA_CAPTCHA_COUNTED, JA_CAPTCHA_PASSED };

struct ja_auth_request {
    const char *user;       /* borrowed until ja_auth_free */
    bool any_name;          /* email and phone count as names (CLI, HTTP); PAM: user names only */
    const char *service;    /* "sshd", "authctl" */
    const char *source;     /* hostile text or NULL: counts only as a numeric address */
    int64_t local_uid;      /* without an address: the real uid of who asks (su, sudo); 0: root, or not known */
    const char *tty, *user_agent;
    enum ja_mfa_mode mfa;   /* [mfa] policy of the configuration can only make it stricter */
    int64_t mfa_remember;   /* seconds; [policy] rules override it, mfa and accept (struct ja_policy_terms) */
    const struct ja_proc_login *login; /* this process's, where a factor may be remembered; NULL: not */
    const char *target;     /* whom the service acts for, as far as it says so; NULL: the same user */
    unsigned accept;        /* JA_ACCEPT_ bits; 0: password */
    bool take_tokens;       /* the prompt is a login's and may take a token, where options or rules say so */
    bool jwt_once;          /* a token logs in once only */
    struct ja_enroll_terms enroll; /* the front end has to answer the three prompts then */
    enum ja_captcha captcha; /* HTTP only */
    bool forward_pass;
    bool unknown_ignore;    /* names not in the store: the same work and prompts, nothing booked */
};

struct ja_auth;

struct ja_auth_result {
    enum ja_verdict verdict;
    enum ja_auth_reason reason;
    char user_id[JA_UUID_LEN + 1];
    char username[JA_USERNAME_MAX + 1];
    char amr[64];              /* "pwd", "pwd otp mfa", "pwd rc mfa"; "pwd" too where the code was remembered; "ext" in
                                  place of "pwd" for a token, with "mfa" where the token's own amr has it */
    bool must_change;          /* password past its age or to be changed */
    int64_t password_days_left;/* -1: no age limit, or not within warn_days */
    unsigned delay_ms;         /* to announce after a failure */
    unsigned retry_after;      /* seconds, with JA_REASON_THROTTLED */
    struct ja_policy_terms terms; /* what held for this login, by options and rules; of ja_account_decide: zero in
                                     setcred and the like */
};

enum ja_status ja_auth_begin(struct ja_ctx *ctx, const struct ja_auth_request *req,
                             struct ja_auth **ret, struct ja_error *err);
enum ja_auth_next ja_auth_next(const struct ja_auth *auth);
enum ja_status ja_auth_answer(struct ja_auth *auth, const void *answer, size_t len,
                              struct ja_error *err);
/* Would this answer to the password prompt be judged as a token? Then it is nothing for anybody else. */
bool ja_auth_takes_token(const struct ja_auth *auth, const void *answer, size_t len);
/* What the three prompts are about. Nothing of it is in the store before ja_auth_finish, which writes password, factor
 * and recovery codes in one transaction, or nothing: whoever breaks off has enrolled nothing. */
struct ja_enrolment {
    struct ja_secret key, uri; /* base32; otpauth:// for an app */
    struct ja_secret codes;    /* recovery codes, one a line */
    bool may_skip;
    bool again;                /* the last answer was not right; it is asked a few times */
    struct ja_policy_report report; /* with NEW_PASSWORD, again: what was wrong with it */
};
const struct ja_enrolment *ja_auth_enrolment(const struct ja_auth *auth); /* valid until the next answer */
/* The conversation ended without an answer: a try that evaluated nothing is taken back, another one stays counted. */
void ja_auth_abandon(struct ja_auth *auth);

/* Which fruit a login bears. */
struct ja_auth_tokens {
    struct ja_session session;
    struct ja_minted access;
    struct ja_secret refresh;
    struct ja_user user;
};
void ja_auth_tokens_clear(struct ja_auth_tokens *t);

/* PAM: on JA_ALLOW a handle for JWTAUTH_LOGIN. must_change does not refuse here (account answers it). */
enum ja_status ja_auth_finish_handle(struct ja_auth *auth, int64_t pid,
                                     char ret_handle[JA_HANDLE_LEN + 1],
                                     struct ja_auth_result *ret, struct ja_error *err);
/* CLI, HTTP: on JA_ALLOW a session with tokens. must_change refuses (JA_REASON_MUST_CHANGE). */
enum ja_status ja_auth_finish_session(struct ja_auth *auth, const char *audience,
                                      struct ja_auth_tokens *ret_tokens,
                                      struct ja_auth_result *ret, struct ja_error *err);
/* A password alone proven, no session (password change): on JA_ALLOW the throttle is cleared. */
enum ja_status ja_auth_finish_proof(struct ja_auth *auth, struct ja_auth_result *ret,
                                    struct ja_error *err);
void ja_auth_free(struct ja_auth *auth);

/* The account decision, from the store alone (PAM account, setcred, session; refresh; key logins). */
struct ja_account_check {
    const char *user;
    const char *service;
    enum ja_mfa_mode mfa;   /* ALWAYS: refuses when `handle` shows no second factor */
    const char *handle;     /* JWTAUTH_LOGIN, or NULL */
    bool check_mfa;         /* what only account asks, setcred and session do not: this and all below */
    const char *source;     /* hostile text or NULL, counts only as a numeric address */
    int64_t mfa_remember;   /* these three as in struct ja_auth_request */
    const struct ja_proc_login *login;
    const char *target;
    const char *require_role, *require_permission; /* must be held now; NULL: none. Unknown names refuse. */
    const char *tty;        /* hostile text or NULL */
    /* What only open_session asks, with source and tty: the method is seen there first. */
    bool opens;
    unsigned methods;       /* JA_METHOD_ bits that sshd names; 0: none seen */
    const char *audience;   /* as the options say; NULL: configured */
};
enum ja_status ja_account_decide(struct ja_ctx *ctx, const struct ja_account_check *check,
                                 struct ja_user *ret_user, struct ja_auth_result *ret,
                                 struct ja_error *err);
/* Writes the audit row of a refusal, folded; a row that cannot be written is logged. Outside of a transaction; nothing
 * for users who are not known. */
void ja_account_note_denied(struct ja_ctx *ctx, const struct ja_account_check *check,
                            const struct ja_auth_result *result);

#endif
