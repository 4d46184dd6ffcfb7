#include "cli/row_passwd.h"

#include "cli/output.h"

#include <stdio.h>
#include <string.h>

static const struct row_field fields[] = {
    {"name", NULL, ROW_TEXT},  {"passwd", NULL, ROW_TEXT}, {"uid", NULL, ROW_INT},
    {"gid", NULL, ROW_INT},    {"gecos", NULL, ROW_TEXT},  {"dir", NULL, ROW_TEXT},
    {"shell", NULL, ROW_TEXT},
};
const struct row_type row_passwd = {"passwd entry", "passwd", fields, sizeof fields / sizeof fields[0]};

void posix_field(char *out, size_t size, const char *text)
{
    bool printable = text && ja_text_valid(text, size - 1);
    size_t i = 0;

    for (; text && text[i] && i + 1 < size; i++)
        out[i] = text[i] == ':' || (!printable && (text[i] < ' ' || text[i] > '~')) ? ' ' : text[i];
    out[i] = 0;
}

enum ja_status row_passwd_put(struct cli *cli, struct cli_rows *rows, const struct ja_user *u, const char *password,
                              struct ja_error *err)
{
    char gecos[JA_TEXT_MAX + 1], home[JA_TEXT_MAX + 1], shell[JA_TEXT_MAX + 1];
    char line[3 * JA_TEXT_MAX + JA_USERNAME_MAX + 64];

    posix_field(gecos, sizeof gecos, u->full_name);
    posix_field(home, sizeof home, u->home);
    posix_field(shell, sizeof shell, u->shell);
    if (rows)
        return cli_rows_add(rows,
                            (const struct row_value[]){ROW_T(u->username), ROW_T(password), ROW_N(u->uid), ROW_N(u->gid),
                                                       ROW_T(gecos), ROW_T(home), ROW_T(shell)},
                            err);
    (void)snprintf(line, sizeof line, "%s:%s:%lld:%lld:%s:%s:%s", u->username, password, (long long)u->uid,
                   (long long)u->gid, gecos, home, shell);
    cli_raw(cli, line, strlen(line));
    return JA_OK;
}
