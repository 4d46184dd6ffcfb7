/* Whatever the libraries free is wiped: jansson's strings are tokens and secrets, OpenSSL's decoders and encoders
 * copy private keys (SECURITY R29).
 *
 * For a whole process of ours, before its first call into either library.  Never in a PAM module: the process is
 * not ours there, and may have used them already.
 */
#ifndef JA_DOMAIN_WIPE_FREED_H
#define JA_DOMAIN_WIPE_FREED_H

#include <stdbool.h>

/* False: OpenSSL has been used already. */
bool ja_wipe_freed(void);

#endif
