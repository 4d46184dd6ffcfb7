/* QR codes as text, by libqrencode (loaded when one is drawn).
 *
 * Half blocks in UTF-8, two rows of modules a line, with the quiet zone that ISO/IEC 18004 asks for.
 * Threads: no shared state but the library's addresses (dynload.h).
 */
#ifndef JA_BASE_QR_H
#define JA_BASE_QR_H

#include "common/base/secret.h"

/* Lines with "\n". `columns`: the terminal's width, 0: not known. `colour`: with ANSI colours, dark on light
 * everywhere; without, for terminals that write light on dark.
 * JA_ERR_INVALID "qr_too_wide"; JA_ERR_UNSUPPORTED "library_missing"; JA_ERR_CRYPTO "qr_failed". */
enum ja_status ja_qr_draw(const struct ja_secret *text, int columns, bool colour, struct ja_secret *ret,
                          struct ja_error *err);

#endif
