/* Builds the bytes of the public snapshot (common/base/nss_format.h) in memory.
 *
 * Add users and groups in any order, then finish.  A failure (no memory, more than 4 GiB) is kept and told by finish.
 * Threads: one at a time per image.
 */
#ifndef JA_DOMAIN_NSS_IMAGE_H
#define JA_DOMAIN_NSS_IMAGE_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct ja_nss_image;

/* A group of a user, or a user of a group, until when; INT64_MAX: for good. */
struct ja_nss_member {
    const char *name; /* borrowed; of the user */
    uint32_t gid;
    int64_t until;
};

struct ja_nss_image_user {
    const char *name, *gecos, *home, *shell; /* borrowed; what passwd(5) cannot hold becomes blanks */
    uint32_t uid, gid;
    bool local;
    const struct ja_nss_member *groups;
    size_t ngroups;
};

struct ja_nss_image *ja_nss_image_new(void); /* NULL: no memory */
void ja_nss_image_free(struct ja_nss_image *m);
/* false: a name or path too long to be shown (or the failure of before); the user is left out. */
bool ja_nss_image_user(struct ja_nss_image *m, const struct ja_nss_image_user *u);
bool ja_nss_image_group(struct ja_nss_image *m, const char *name, uint32_t gid, const struct ja_nss_member *members,
                        size_t n);
/* The whole file; borrowed from the image, until it is finished again with another seed (nothing is added by then).
 * `seed` is random and fresh for a file that is to be written. No two may have one name or one id: JA_ERR_INTERNAL.
 * JA_ERR_INTERNAL "snapshot_crowded": not with this seed. */
enum ja_status ja_nss_image_finish(struct ja_nss_image *m, uint64_t generation, uint64_t seed,
                                   const unsigned char **ret, size_t *ret_len, struct ja_error *err);

#endif
