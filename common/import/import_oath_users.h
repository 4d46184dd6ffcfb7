/* users.oath of pam_oath (liboath's usersfile): "HOTP/T30/6 user - hexsecret [counter [last code [time]]]".
 *
 * Time-based types become factors; those by counter, with 7 digits or of unknown form are rows that fail.  The last
 * code that was used counts where it could still be given: its step is looked for around `now`.
 */
#ifndef JA_IMPORT_IMPORT_OATH_USERS_H
#define JA_IMPORT_IMPORT_OATH_USERS_H

#include "common/flow/import_flow.h"

#define JA_OATH_USERS_MAX 100000

/* Blank lines and comments (#) are no rows. JA_ERR_INVALID "invalid_file": no rows, or too many.
 * *ret is malloc'd: ja_oath_users_free. No message holds a secret. */
enum ja_status ja_import_oath_users(const void *data, size_t len, int64_t now, struct ja_import_factor **ret,
                                    size_t *ret_n, struct ja_error *err);
void ja_oath_users_free(struct ja_import_factor *rows, size_t n);

#endif
