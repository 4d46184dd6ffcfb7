#include "cli/qr.h"

#include "cli/output.h"
#include "common/base/qr.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_UNKNOWN 80

static bool terminal_takes_utf8(void)
{
    locale_t loc = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool utf8;

    if (!loc)
        return false;
    utf8 = strcmp(nl_langinfo_l(CODESET, loc), "UTF-8") == 0;
    freelocale(loc);
    return utf8;
}

static int terminal_columns(void)
{
    struct winsize ws = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) != 0 || ws.ws_col == 0)
        return COLUMNS_UNKNOWN;
    return ws.ws_col;
}

void cli_qr(struct cli *cli, const struct ja_secret *text)
{
    struct ja_error err = {0};
    struct ja_secret drawn = {0};

    if (cli->json || !isatty(STDOUT_FILENO) || !terminal_takes_utf8())
        return;
    if (ja_qr_draw(text, terminal_columns(), !getenv("NO_COLOR"), &drawn, &err) != JA_OK) {
        cli_notice(cli, "no QR code: %s", err.message);
        return;
    }
    cli_raw(cli, drawn.data, drawn.len);
    ja_secret_clear(&drawn);
}
