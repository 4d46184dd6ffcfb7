/* Accounts from a file: CSV with a line of column names, or JSON (an array of objects, or an object with "users").
 *
 * Columns and keys: username, email, phone, full_name (or name), first_name, last_name, company_name, roles (JSON: array;
 * CSV: separated by blanks or semicolons), kind, uid, gid, home, shell, valid_until.  What `user list --json` says
 * besides is passed over; anything else is an error, so that a typing error does not lose a column.
 * Text is taken as it stands; the flows judge it.
 */
#ifndef JA_IMPORT_USER_FILE_H
#define JA_IMPORT_USER_FILE_H

#include "common/flow/account_flow.h"

enum ja_user_format { JA_USERS_CSV, JA_USERS_JSON };

struct ja_user_file; /* the whole file, parsed */

/* `name` stands in messages. JA_ERR_INVALID "invalid_file" with the line or row. */
enum ja_status ja_user_file_parse(const char *name, enum ja_user_format format, const void *data, size_t len,
                                  struct ja_user_file **ret, struct ja_error *err);
void ja_user_file_free(struct ja_user_file *f);
size_t ja_user_file_rows(const struct ja_user_file *f);

#define JA_USER_FILE_ROLES 64
struct ja_user_record {
    struct ja_user_spec spec;                /* borrows from the file, and from `roles` */
    const char *roles[JA_USER_FILE_ROLES];
    char role_text[1024];
};
/* Row `i` from 0. A row that cannot be one is JA_ERR_INVALID; the others go on. `now` for valid_until. */
enum ja_status ja_user_file_row(const struct ja_user_file *f, size_t i, int64_t now, struct ja_user_record *ret,
                                struct ja_error *err);

#endif
