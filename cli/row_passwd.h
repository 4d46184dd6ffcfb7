/* A line of passwd(5), for getent and export. */
#ifndef JA_CLI_ROW_PASSWD_H
#define JA_CLI_ROW_PASSWD_H

#include "cli/rows.h"
#include "common/domain/user.h"

extern const struct row_type row_passwd;

/* passwd(5) and shadow(5) have no escape: what would end a field or a line, and text that is none, becomes blanks. */
void posix_field(char *out, size_t size, const char *text);
/* To `rows` when there are some, else as a line. `password` is what stands in the second field. */
enum ja_status row_passwd_put(struct cli *cli, struct cli_rows *rows, const struct ja_user *u, const char *password,
                              struct ja_error *err);

#endif
