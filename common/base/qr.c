#include "common/base/qr.h"

#include "common/base/dynload.h"

#include <qrencode.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define QUIET 4 /* ISO/IEC 18004: four light modules on each side */
#define MODULE_BYTES 3 /* a half block in UTF-8 */

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

    return ja_dl_load("libqrencode.so.4", symbols, sizeof symbols / sizeof symbols[0], err);
}

static bool dark(const QRcode *qr, int x, int y)
{
    return x >= 0 && y >= 0 && x < qr->width && y < qr->width &&
           (qr->data[y * qr->width + x] & 1) != 0;
}

static enum ja_status append(struct ja_secret *s, const char *text, struct ja_error *err)
{
    return ja_secret_append(s, text, strlen(text), err);
}

/* One text line holds two rows of modules. Light modules are painted, on black: with colour it is dark on
 * light whatever the terminal's colours. */
static enum ja_status draw_line(const QRcode *qr, int y, bool colour, struct ja_secret *out,
                                struct ja_error *err)
{
    static const char *const blocks[] = {"\u2588", "\u2580", "\u2584", " "}; /* both, upper, lower */
    enum ja_status st = colour ? append(out, "\033[40;97m", err) : JA_OK;

    for (int x = -QUIET; st == JA_OK && x < qr->width + QUIET; x++) {
        bool lower_dark = y + 1 < qr->width + QUIET ? dark(qr, x, y + 1) : true;

        st = append(out, blocks[(dark(qr, x, y) ? 2 : 0) + (lower_dark ? 1 : 0)], err);
    }
    if (st == JA_OK)
        st = append(out, colour ? "\033[0m\n" : "\n", err);
    return st;
}

static enum ja_status draw(const QRcode *qr, bool colour, struct ja_secret *ret, struct ja_error *err)
{
    size_t side = (size_t)(qr->width + 2 * QUIET);
    struct ja_secret s = {0};
    enum ja_status st = ja_secret_init(&s, (side / 2 + 1) * (side * MODULE_BYTES + 16), err);

    for (int y = -QUIET; st == JA_OK && y < qr->width + QUIET; y += 2)
        st = draw_line(qr, y, colour, &s, err);
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}

enum ja_status ja_qr_draw(const struct ja_secret *text, int columns, bool colour, struct ja_secret *ret,
                          struct ja_error *err)
{
    QRcode *qr = NULL;
    enum ja_status st = load(err);

    if (st != JA_OK)
        return st;
    qr = lib.encode((const char *)text->data, 0, QR_ECLEVEL_L);
    if (!qr)
        return ja_fail(err, JA_ERR_CRYPTO, "qr_failed", "it could not be made");
    if (columns > 0 && qr->width + 2 * QUIET > columns)
        st = ja_fail(err, JA_ERR_INVALID, "qr_too_wide", "the terminal is narrower than %d columns",
                     qr->width + 2 * QUIET);
    else
        st = draw(qr, colour, ret, err);
    sodium_memzero(qr->data, (size_t)qr->width * (size_t)qr->width);
    lib.release(qr);
    return st;
}
