#include "cli/qr.h"

#include "cli/output.h"
#include "common/base/dynload.h"

#include <langinfo.h>
#include <locale.h>
#include <qrencode.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define QUIET 4 /* ISO/IEC 18004: four light modules on each side */
#define COLUMNS_UNKNOWN 80

static struct {
    __typeof__(QRcode_encodeString8bit) *encode;
    __typeof__(QRcode_free) *release;
} lib;

static enum ja_status load(struct ja_error *err)
{
    static const struct ja_dl_symbol symbols[] = {
        {"QRcode_encodeString8bit", (void **)&lib.encode},
        {"QRcode_free", (void **)&lib.release},
    };

    return lib.release ? JA_OK : ja_dl_load("libqrencode.so.4", symbols, 2, err);
}

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

static bool dark(const QRcode *qr, int x, int y)
{
    return x >= 0 && y >= 0 && x < qr->width && y < qr->width &&
           (qr->data[y * qr->width + x] & 1) != 0;
}

/* One text line holds two rows of modules. Light modules are painted, on black: so it is dark on
 * light whatever the terminal's colours. */
static void print_rows(struct cli *cli, const QRcode *qr, bool colour)
{
    static const char *const blocks[] = {"\u2588", "\u2580", "\u2584",
                                         " "}; /* both, upper, lower */
    char line[1024]; /* the widest code has 177 modules: 185 characters of three bytes */

    for (int y = -QUIET; y < qr->width + QUIET; y += 2) {
        size_t at = (size_t)snprintf(line, sizeof line, "%s", colour ? "\033[40;97m" : "");

        for (int x = -QUIET; x < qr->width + QUIET; x++) {
            bool lower_dark = y + 1 < qr->width + QUIET ? dark(qr, x, y + 1) : true;

            at += (size_t)snprintf(line + at, sizeof line - at, "%s",
                                   blocks[(dark(qr, x, y) ? 2 : 0) + (lower_dark ? 1 : 0)]);
        }
        at += (size_t)snprintf(line + at, sizeof line - at, "%s", colour ? "\033[0m" : "");
        cli_raw(cli, line, at);
    }
    sodium_memzero(line, sizeof line);
}

void cli_qr(struct cli *cli, const struct ja_secret *text)
{
    struct ja_error err = {0};
    QRcode *qr = NULL;

    if (cli->json || !isatty(STDOUT_FILENO) || !terminal_takes_utf8())
        return;
    if (load(&err) != JA_OK) {
        cli_notice(cli, "no QR code: %s", err.message);
        return;
    }
    qr = lib.encode((const char *)text->data, 0, QR_ECLEVEL_L);
    if (!qr) {
        cli_notice(cli, "no QR code: it could not be made");
        return;
    }
    if (qr->width + 2 * QUIET <= terminal_columns())
        print_rows(cli, qr, !getenv("NO_COLOR"));
    else
        cli_notice(cli, "no QR code: the terminal is narrower than %d columns",
                   qr->width + 2 * QUIET);
    sodium_memzero(qr->data, (size_t)qr->width * (size_t)qr->width);
    lib.release(qr);
}
