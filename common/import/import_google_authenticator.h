/* ~/.google_authenticator of pam_google_authenticator: the secret in base32, options in lines that begin with a quote,
 * scratch codes of 8 digits, one a line.
 *
 * A code by counter (HOTP_COUNTER) is refused.  WINDOW_SIZE n becomes n / 2 steps either way; the highest of
 * DISALLOW_REUSE the last used step.  No message holds anything of the file but its line numbers.
 */
#ifndef JA_IMPORT_IMPORT_GOOGLE_AUTHENTICATOR_H
#define JA_IMPORT_IMPORT_GOOGLE_AUTHENTICATOR_H

#include "common/flow/import_flow.h"

/* row.name is `username`; row.message says what was passed over. JA_ERR_INVALID "invalid_file" with the line,
 * "counter_based", "invalid_secret", "time_skew". ja_import_factor_clear when done. */
enum ja_status ja_import_google_authenticator(const char *username, const void *data, size_t len,
                                              struct ja_import_factor *ret, struct ja_error *err);

#endif
