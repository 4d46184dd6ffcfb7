/* Passwords that everybody tries first (SECURITY R20).
 *
 * Built in: common_passwords.txt, some 16,000 of the most common ones.  A password is on it when it
 * is, in any letter case, one of them as it stands; or with the usual digit-for-letter changes
 * undone ("p4$$w0rd"); or with up to six digits and punctuation characters taken off its end
 * ("Summer2024!"), when four characters or more remain.  The configured file (one a line, any
 * letter case) is compared as it stands.
 * Threads: no shared state.
 */
#ifndef JA_DOMAIN_PASSWORD_BLOCKLIST_H
#define JA_DOMAIN_PASSWORD_BLOCKLIST_H

#include "common/base/secret.h"

/* "\nword\nword\n", lower case; generated from common_passwords.txt. */
extern const char ja_common_passwords[];
extern const size_t ja_common_passwords_len, ja_common_passwords_count;

/* Is it one of the built-in ones? */
bool ja_blocklist_common(const void *pw, size_t len);
/* Is it in the file? An unreadable or unsafe file is an error, never a no. */
enum ja_status ja_blocklist_file(const char *path, const void *pw, size_t len, bool *ret_found,
                                 struct ja_error *err);

#endif
