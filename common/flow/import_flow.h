/* Moving in and out: accounts and second factors that come from elsewhere, and who may take them away.
 *
 * The parsers (common/import/) read files and know nothing of the store; these functions decide row by row and write
 * in one transaction.  A run is all or nothing unless `skip_bad`: one bad row, and nobody is written.
 * Each row says what became of it; a call fails only for what is wrong with the installation or the caller.
 */
#ifndef JA_FLOW_IMPORT_FLOW_H
#define JA_FLOW_IMPORT_FLOW_H

#include "common/domain/totp.h"
#include "common/domain/user.h"

enum ja_import_outcome {
    JA_IMPORT_READY,     /* from the parser: to be judged */
    JA_IMPORT_ADDED,     /* the account, or the factor, is in the store */
    JA_IMPORT_ADOPTED,   /* a local account was taken over */
    JA_IMPORT_UNCHANGED, /* is in the store already */
    JA_IMPORT_SKIPPED,   /* stays where it is, as it should */
    JA_IMPORT_FAILED,
    JA_IMPORT_HELD,      /* good, but others were not: nothing was written */
    JA_IMPORT_PLANNED,   /* dry run: would be added */
    JA_IMPORT_PLANNED_ADOPTION,
};
const char *ja_import_outcome_name(enum ja_import_outcome o); /* "added" */

struct ja_import_row {
    int64_t line;                        /* of the file it came from */
    char name[JA_USERNAME_MAX + 1];      /* as the file has it; "": too long for one */
    enum ja_import_outcome outcome;
    enum ja_status status;               /* why, with `code` */
    char code[48];                       /* why it failed or was skipped, "" otherwise */
    char *message;                       /* owned: for the person; notices too */
};
/* Fails or skips a row by an error record; the first word stays. */
void ja_import_refuse(struct ja_import_row *row, enum ja_import_outcome outcome, const struct ja_error *why);
/* Adds to the row's message. */
void ja_import_note(struct ja_import_row *row, const char *text);

struct ja_import_account {
    struct ja_import_row row;
    /* Owned. From the file: username (== row.name), uid, gid (0: a group of its own), home, shell, full_name, password_hash
     * (NULL: none), password_changed_at, must_change, valid_until. */
    struct ja_user user;
    bool locked;     /* by ja_import_password */
    bool over_age;   /* the password is too old to log in with even to change it: locked too */
    bool taken_over; /* by the flow: an entry of /etc/passwd that is adopted */
};
void ja_import_account_clear(struct ja_import_account *a);
/* A password field of shadow(5): '!' before it locks, '*' and nothing are no password, our own mark is passed over. */
enum ja_status ja_import_password(struct ja_import_account *a, const char *field, struct ja_error *err);
bool ja_import_locked(const struct ja_import_account *a);

#define JA_IMPORT_CODES 20
struct ja_import_factor {
    struct ja_import_row row;
    struct ja_totp totp;                       /* owned secret */
    char codes[JA_IMPORT_CODES][9];            /* recovery codes of 8 digits; wiped on clear */
    size_t ncodes;
};
void ja_import_factor_clear(struct ja_import_factor *f);

struct ja_import_mode {
    const char *source;      /* "shadow", "oath-users", "google-authenticator": in the audit log */
    bool dry_run, skip_bad;
    bool adopt;              /* accounts: take over what /etc/passwd has */
    void (*progress)(void *arg, int64_t done, int64_t total); /* may be NULL */
    void *arg;
};
struct ja_import_tally { size_t added, adopted, unchanged, skipped, failed; };

#define JA_IMPORT_UID_MIN 1000

/* Accounts keep uid and gid where nobody has them: from 1000 to [accounts] uid_max, whatever uid_min says (their files
 * have these numbers).  Names and uids of /etc/passwd stay local unless `adopt`; who is adopted keeps what /etc/passwd
 * and /etc/shadow of this host say.  Hashes pass ja_password_hash_check (F10).
 * caller.h: JA_MAY_CHANGE of each name; adoption: who may everything. */
enum ja_status ja_import_accounts(struct ja_ctx *ctx, struct ja_import_account *rows, size_t n,
                                  const struct ja_import_mode *mode, struct ja_import_tally *ret, struct ja_error *err);
/* Second factors of users that there are, in force at once; their codes become the recovery codes. caller.h:
 * JA_MAY_CHANGE of each. */
enum ja_status ja_import_factors(struct ja_ctx *ctx, struct ja_import_factor *rows, size_t n,
                                 const struct ja_import_mode *mode, struct ja_import_tally *ret, struct ja_error *err);

/* ---- out ---- */

enum ja_export { JA_EXPORT_USERS, JA_EXPORT_PASSWD, JA_EXPORT_SHADOW };
/* May the caller have it? users:read; hashes are root's alone ("forbidden"), and their leaving is written to the audit
 * log first. Then every account in order of making; streams. */
enum ja_status ja_export_each(struct ja_ctx *ctx, enum ja_export what, ja_user_fn fn, void *arg, struct ja_error *err);
/* crypt(3) of the system can verify this hash, so it is worth something in a shadow file. */
bool ja_export_hash_usable(const char *hash);

#endif
