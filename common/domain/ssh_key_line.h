/* One line of an authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT), read strictly.
 *
 * "TYPE BASE64 [COMMENT]" and nothing in front: options of a file that somebody hands in (command=, principals=,
 * cert-authority) would decide what a login may do.  What the base64 holds is taken apart (RFC 4253 section 6.6,
 * RFC 5656 section 3.1, RFC 8709 section 4, OpenSSH's PROTOCOL.u2f): the type inside is the type outside,
 * lengths are exact, points lie on their curve.
 * Taken: ssh-ed25519, ecdsa-sha2-nistp256/384/521, the sk- forms of ed25519 and nistp256, ssh-rsa of
 * JA_SSH_RSA_MIN to JA_SSH_RSA_MAX bits.  DSA, certificates and whatever else is not on that list are refused.
 * Threads: no shared state.
 */
#ifndef JA_DOMAIN_SSH_KEY_LINE_H
#define JA_DOMAIN_SSH_KEY_LINE_H

#include "common/base/status.h"

#define JA_SSH_RSA_MIN 2048 /* NIST SP 800-131A rev. 2; OpenSSH itself would take 1024 */
#define JA_SSH_RSA_MAX 8192
#define JA_SSH_BLOB_MAX 1600 /* bytes; an RSA key of 8192 bits has 1052 */
#define JA_SSH_TYPE_SIZE 40
#define JA_SSH_FINGERPRINT_SIZE (sizeof "SHA256:" + 43)
#define JA_SSH_COMMENT_MAX 255 /* bytes; the rest of a longer one is dropped */

struct ja_ssh_line {
    char type[JA_SSH_TYPE_SIZE];
    char blob[(JA_SSH_BLOB_MAX + 2) / 3 * 4 + 1]; /* base64 */
    char fingerprint[JA_SSH_FINGERPRINT_SIZE];    /* as ssh-keygen -l prints it */
    char comment[JA_SSH_COMMENT_MAX + 1];         /* UTF-8; may have control characters: escape it when printing */
    int bits;
};

/* JA_ERR_INVALID "invalid_ssh_key": malformed; JA_ERR_POLICY "ssh_key_refused": well-formed, but of a type or size
 * that is not taken. No message repeats the line. */
enum ja_status ja_ssh_line_parse(const char *line, size_t len, struct ja_ssh_line *ret, struct ja_error *err);

#endif
