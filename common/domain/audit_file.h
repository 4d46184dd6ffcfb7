/* Writing a rotated file (audit_file.c has its form). One of `end` and `drop` ends it; `drop` removes the file. */
#ifndef JA_DOMAIN_AUDIT_FILE_H
#define JA_DOMAIN_AUDIT_FILE_H

#include "common/domain/audit.h"

struct ja_audit_file;
/* New and 0600; JA_ERR_EXISTS. `path` is borrowed. */
enum ja_status ja_audit_file_new(const char *path, const struct ja_audit_head *after, struct ja_audit_file **ret,
                                 struct ja_error *err);
enum ja_status ja_audit_file_add(struct ja_audit_file *f, const struct ja_audit_row *row, struct ja_error *err);
/* On disk for good when this is JA_OK; otherwise removed. */
enum ja_status ja_audit_file_end(struct ja_audit_file *f, int64_t rows, const struct ja_audit_head *last,
                                 struct ja_error *err);
void ja_audit_file_drop(struct ja_audit_file *f);

#endif
