/* Points of the NIST curves, as ECDSA keys of ssh have them. */
#ifndef JA_DOMAIN_SSH_KEY_POINT_H
#define JA_DOMAIN_SSH_KEY_POINT_H

#include <stdbool.h>
#include <stddef.h>

/* An uncompressed point (RFC 5656 section 3.1) of exactly the right length, on P-256, P-384 or P-521 and not at
 * infinity. False as well when libcrypto could not say. */
bool ja_ssh_point_valid(int bits, const unsigned char *point, size_t len);

#endif
