/* passwd(5) and shadow(5) of this host or of another: accounts with their hashes, locks and ends.
 *
 * The rows come in the order of passwd.  System accounts and those without a login shell are rows that are skipped;
 * a line that is malformed, without its entry in shadow or with two of them is a row that fails.
 * '!' before the hash: locked; '*': no password; the day of expiry: valid_until; a password that has to be changed, or
 * is over its age: must_change; over its age for longer than shadow's grace: locked, as pam_unix has it.
 */
#ifndef JA_IMPORT_IMPORT_SHADOW_H
#define JA_IMPORT_IMPORT_SHADOW_H

#include "common/flow/import_flow.h"

#define JA_SHADOW_ROWS_MAX 200000

struct ja_shadow_files {
    const void *passwd, *shadow;
    size_t passwd_len, shadow_len;
};
/* JA_ERR_INVALID "invalid_file": no rows, or too many. *ret is malloc'd: ja_shadow_free. No message holds a hash. */
enum ja_status ja_import_shadow(const struct ja_shadow_files *files, int64_t now, struct ja_import_account **ret,
                                size_t *ret_n, struct ja_error *err);
void ja_shadow_free(struct ja_import_account *rows, size_t n);

#endif
