/* Reads the public snapshot of users and groups (nss_format.h): the NSS module, getent and doctor.
 *
 * Needs libc alone and allocates nothing.  Every call reads with pread from a descriptor that the caller opened
 * for it: no state, so threads, fork, chroot and setuid programs need no thought, and a file that is cut short
 * under the reader is a short read, where a mapping would be SIGBUS.  Whatever does not fit together is
 * JA_NSS_BAD, never a guess.
 */
#ifndef JA_BASE_NSS_SNAPSHOT_H
#define JA_BASE_NSS_SNAPSHOT_H

#include "common/base/nss_format.h"

#include <stdbool.h>
#include <sys/types.h>

#define JA_NSS_SNAPSHOT_NAME "nss.snapshot"

enum ja_nss_result {
    JA_NSS_BAD,   /* missing, unsafe or damaged */
    JA_NSS_NONE,  /* no such entry */
    JA_NSS_FOUND,
};

struct ja_nss_file {
    int fd;
    uint64_t generation, size, seed;
    uint32_t off[NSS_TABLES], rows[NSS_TABLES];
};

struct ja_nss_user {
    uint32_t uid, gid, flags;
    const char *name, *gecos, *home, *shell; /* in `text` */
    uint32_t ngroups, groups_check;
    uint64_t groups_off;
    char text[NSS_USER_MAX + 4];
};

struct ja_nss_group {
    uint32_t gid;
    const char *name; /* in `text` */
    uint32_t nmembers, members_size, members_check;
    uint32_t names_size; /* with a NUL each. What the sizes say is in the file: they are fit to measure a buffer by */
    uint64_t members_off;
    char text[NSS_GROUP_MAX + 1];
};

/* A regular file of root's (or of `owner`) that no one else can write, no link. ja_nss_close after JA_NSS_FOUND. */
enum ja_nss_result ja_nss_open(const char *path, uid_t owner, struct ja_nss_file *ret);
void ja_nss_close(struct ja_nss_file *f);

/* Every user and group, adopted ones (NSS_USER_LOCAL) included: the caller decides about those. */
enum ja_nss_result ja_nss_user_name(const struct ja_nss_file *f, const char *name, struct ja_nss_user *ret);
enum ja_nss_result ja_nss_user_id(const struct ja_nss_file *f, uint32_t uid, struct ja_nss_user *ret);
enum ja_nss_result ja_nss_group_by_name(const struct ja_nss_file *f, const char *name, struct ja_nss_group *ret);
enum ja_nss_result ja_nss_group_id(const struct ja_nss_file *f, uint32_t gid, struct ja_nss_group *ret);

/* The first with an id above `after`; *row: where the last one was found, 0 at first, makes it fast. Ids ascend, so
 * a walk goes on where it was in a newer file, too. */
enum ja_nss_result ja_nss_user_next(const struct ja_nss_file *f, uint32_t after, uint32_t *row,
                                    struct ja_nss_user *ret);
enum ja_nss_result ja_nss_group_next(const struct ja_nss_file *f, uint32_t after, uint32_t *row,
                                     struct ja_nss_group *ret);

/* fn gets each that has not ended at `now`; false from it ends the walk, which then answers JA_NSS_NONE. What fn was
 * given counts only after JA_NSS_FOUND. */
enum ja_nss_result ja_nss_user_groups(const struct ja_nss_file *f, const struct ja_nss_user *u, int64_t now,
                                      bool (*fn)(void *arg, uint32_t gid), void *arg);
enum ja_nss_result ja_nss_group_members(const struct ja_nss_file *f, const struct ja_nss_group *g, int64_t now,
                                        bool (*fn)(void *arg, const char *name, size_t len), void *arg);

#endif
