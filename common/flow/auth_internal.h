/* Inside of the login state machine: what its parts share. */
#ifndef JA_FLOW_AUTH_INTERNAL_H
#define JA_FLOW_AUTH_INTERNAL_H

#include "common/domain/one_time_token.h"
#include "common/domain/password_hash.h"
#include "common/domain/recovery_code.h"
#include "common/domain/signing_key.h"
#include "common/domain/throttle.h"
#include "common/domain/totp.h"
#include "common/flow/auth_flow.h"

#define JA_AUDIT_TARGET_MAX (sizeof "user:" + JA_USERNAME_MAX)

#define JA_NAME_KEY_SIZE 64
#define JA_THROTTLE_SOURCE_SIZE (JA_NET_TEXT + 24)

/* ---- whom a try is counted against (auth_who.c) ---- */
bool ja_auth_in_networks(const struct ja_netlist *nets, const struct ja_addr *addr);
/* "?" and a keyed hash: a name of nobody's counts like one of somebody's, but not in clear. */
enum ja_status ja_auth_name_key(struct ja_ctx *ctx, const char *name, bool any_name, char out[JA_NAME_KEY_SIZE],
                                struct ja_error *err);
void ja_auth_throttle_source(const struct ja_ctx *ctx, const struct ja_addr *addr, int64_t local_uid,
                             char out[JA_THROTTLE_SOURCE_SIZE]);

/* Made during the login, kept in memory until finish. */
struct enrolment {
    struct ja_enrolment shown;
    bool invited;                 /* the first answer was the invitation `ott` */
    struct ja_ott ott;
    char *hash;                   /* of the password that the invited user chose */
    struct ja_totp totp;
    int64_t step;                 /* of its first code */
    bool confirmed;               /* the code was right and the recovery codes were kept */
    int tries;                    /* wrong answers to the prompt that is open */
};

/* What was given in place of the password. */
struct login_token {
    bool given;                   /* the answer had the form of one, and was judged as such */
    bool good;                    /* so far: finish looks again and uses it up */
    bool mfa;                     /* it was got with a second factor */
    json_t *claims;               /* when good */
    struct ja_secret text;        /* when good: verified once more in finish's transaction */
    char refused[48];             /* the code of what is wrong with it; for the audit log */
};

struct ja_auth {
    struct ja_ctx *ctx;
    struct ja_auth_request req;
    enum ja_auth_next next;
    enum ja_auth_reason reason;   /* of the denial so far; NONE: nothing speaks against it yet */
    bool dead;                    /* a system failure: no verdict any more */

    bool known;                   /* a user of the store */
    struct ja_user user;
    struct ja_totp totp;          /* loaded when the code is due */
    bool have_totp;
    struct ja_policy_terms terms; /* what holds for this login */
    enum ja_mfa_mode blind;       /* the mode of a nobody here: which prompts follow a wrong password */
    bool demand_code;             /* by the caller's mode or by policy */

    struct ja_addr addr;
    char bucket[JA_NET_TEXT];     /* the source's network */
    char throttle_source[JA_THROTTLE_SOURCE_SIZE]; /* the same; without an address each local uid has its own */
    char user_key[JA_NAME_KEY_SIZE]; /* throttle key: user id, or keyed hash of an unknown name */
    char captcha_name[JA_NAME_KEY_SIZE]; /* "": no captcha is ever asked of this login */
    struct ja_throttle_who who;
    bool booked, evaluated;
    bool code_booked;             /* counted against the secret, not judged yet */
    int64_t failures;             /* count in the bucket with this try */
    unsigned retry_after;

    bool password_ok, code_ok;
    bool spared;                  /* the code: one was given in this login session (mfa_remember) */
    bool recovery;                /* the code has the form of a recovery code */
    int64_t step;                 /* TOTP step that the code belongs to */
    struct ja_secret code;        /* kept until finish consumes it */
    bool rehash;                  /* the stored hash has other parameters than configured */
    struct enrolment enrol;
    struct login_token token;
    struct ja_secret password;    /* kept for the rehash after success only */
    bool finished;
};

/* ---- the second step (auth_code.c) ---- */
/* Whether the code is right; that it is used up is for finish, in its transaction. */
enum ja_status ja_auth_evaluate_code(struct ja_auth *auth, const char *code, size_t len, struct ja_error *err);
/* Names that other modules may know are counted nowhere (PAM.md: "books nothing against a user"). */
bool ja_auth_counts(const struct ja_auth *auth);
/* The verdict of a try that is blocked; `err` says for how long. */
void ja_auth_throttled(struct ja_auth *auth, const struct ja_error *err);

/* Which secret a code is of: what its tries are counted against (throttle.h). */
const char *ja_auth_code_kind(const struct ja_auth *auth);

/* ---- enrolment during a login (auth_enroll.c) ---- */
/* Is the first answer the invitation of a user who has no password yet? It is looked at only where terms and user
 * allow it; its work does not replace the hash. */
enum ja_status ja_auth_judge_invitation(struct ja_auth *auth, const void *answer, size_t len, struct ja_error *err);
/* All that every login asks was answered: does enrolment follow? Sets next and reason. */
enum ja_status ja_auth_enroll_begin(struct ja_auth *auth, struct ja_error *err);
enum ja_status ja_auth_enroll_answer(struct ja_auth *auth, const void *answer, size_t len, struct ja_error *err);
/* In finish's transaction: before the account is looked at, and after. *reason other than NONE: refused. */
enum ja_status ja_auth_accept_invitation(struct ja_auth *auth, enum ja_auth_reason *reason, struct ja_error *err);
enum ja_status ja_auth_store_factor(struct ja_auth *auth, enum ja_auth_reason *reason, struct ja_error *err);
void ja_auth_enroll_clear(struct ja_auth *auth);

/* ---- a token in place of the password (auth_token.c) ---- */
/* Sets password_ok and the token's facts when it is this user's; a refusal is no error. */
enum ja_status ja_auth_judge_token(struct ja_auth *auth, const void *answer, size_t len, struct ja_error *err);
/* In finish's transaction: revoked or ended since? With jwt_once: used before? */
enum ja_status ja_auth_consume_token(struct ja_auth *auth, enum ja_auth_reason *reason, struct ja_error *err);
void ja_auth_token_clear(struct ja_auth *auth);

/* Is there a remembered factor of this login? *ret false where nothing may be remembered. */
enum ja_status ja_auth_find_remembered(const struct ja_auth *auth, const struct ja_user *user, bool *ret,
                                       struct ja_error *err);
/* The code of this login was right: from now on it is remembered, where that is wanted. In the transaction of finish. */
enum ja_status ja_auth_note_remembered(const struct ja_auth *auth, const struct ja_user *user,
                                       struct ja_error *err);
/* The same question of account's: as it was at `at`, when auth decided. */
enum ja_status ja_account_find_remembered(struct ja_ctx *ctx, const struct ja_account_check *check,
                                          const struct ja_policy_terms *terms, const struct ja_user *user,
                                          int64_t at, bool *ret, struct ja_error *err);

/* The conversation ended after something was evaluated: a denied try like any other, which stays counted and has its
 * row; nobody waits for its verdict any more. */
void ja_auth_given_up(struct ja_auth *auth);
/* The booked try counts for nothing: nothing was evaluated, or what was evaluated was right. */
void ja_auth_take_back(struct ja_auth *auth);

/* May this account log in now (DESIGN section 4, step 4)? NONE when nothing speaks against it. */
enum ja_auth_reason ja_auth_account_reason(const struct ja_ctx *ctx, const struct ja_user *user);
/* Is the password to be changed? Never for users without one. *ret_days_left: -1 or within warn_days. */
bool ja_auth_must_change(const struct ja_ctx *ctx, const struct ja_user *user, int64_t *ret_days_left);
/* The terms by options and [policy] rules; `user` NULL: nobody of the store's. */
enum ja_status ja_auth_terms(struct ja_ctx *ctx, const struct ja_user *user, const struct ja_policy_login *where,
                             const struct ja_policy_terms *options, struct ja_policy_terms *ret,
                             struct ja_error *err);
/* What a login has to show for its terms. */
struct ja_auth_shown {
    bool by_module;     /* the module's auth ran */
    bool second_factor;
    unsigned methods;   /* 0: not known here */
};
/* *ret stays NONE when the terms are met. */
enum ja_status ja_auth_judge_terms(struct ja_ctx *ctx, const struct ja_policy_terms *terms, const struct ja_user *user,
                                   const struct ja_auth_shown *shown, enum ja_auth_reason *ret,
                                   struct ja_error *err);
/* The same for the methods alone. */
void ja_auth_judge_method(const struct ja_policy_terms *terms, const struct ja_auth_shown *shown,
                          enum ja_auth_reason *ret);
/* What an amr of ours says about the method: password or token. */
unsigned ja_auth_method_of(const char *amr);
/* Is a code asked for after a right password? */
bool ja_auth_code_wanted(enum ja_mfa_mode mode, bool demanded, bool enrolled);
/* The same with the mode of a nobody: where everybody is asked for both, so is who has none. */
bool ja_auth_asks_code(enum ja_mfa_mode mode, enum ja_mfa_mode blind, bool demanded, bool enrolled);
/* Does the [mfa] section demand a second factor of this user from there? */
enum ja_status ja_auth_demanded(struct ja_ctx *ctx, const char *user_id, const struct ja_addr *addr, bool *ret,
                                struct ja_error *err);
/* Does policy demand a second factor of this user? */
enum ja_status ja_auth_policy_mfa(struct ja_ctx *ctx, const char *user_id, bool *ret,
                                  struct ja_error *err);

#endif
