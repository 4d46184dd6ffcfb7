/* Header values of a mail. */
#ifndef JA_NOTIFY_MAIL_HEADER_H
#define JA_NOTIFY_MAIL_HEADER_H

#include "common/base/status.h"

#define JA_MAIL_DATE 40
#define JA_SUBJECT_ENCODED 1536

/* RFC 5322 section 3.3, in UTC, whatever the locale. */
enum ja_status ja_mail_date(int64_t t, char out[JA_MAIL_DATE], struct ja_error *err);
/* Printable ASCII as it is; anything else as encoded words (RFC 2047, B), folded between them. A control
 * character is JA_ERR_INVALID. So is a text that a reader would take for an encoded word: it is encoded. */
enum ja_status ja_mail_subject(const char *text, char *out, size_t size, struct ja_error *err);

#endif
