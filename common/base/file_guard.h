/* Trusted files: open, check, write (SECURITY R22).
 *
 * A file is trusted when it is regular, owned by root (or `owner`), has no more mode bits than
 * `max_mode`, is no link, and every folder above it (resolved once by realpath) is owned by root
 * (or owner) and not writable by others; a root-owned sticky folder such as /tmp passes when the next
 * component is ours.  Every refusal says the exact chmod or chown that mends it.
 * All descriptors are O_CLOEXEC.
 */
#ifndef JA_BASE_FILE_GUARD_H
#define JA_BASE_FILE_GUARD_H

#include "common/base/secret.h"
#include "common/base/status.h"

#include <stdbool.h>
#include <sys/types.h>

struct ja_file_rule {
    mode_t max_mode;     /* 0600 for secrets, 0644 for the configuration */
    size_t max_size;     /* bytes; larger is refused */
    bool allow_own;      /* files of our own euid are accepted too (authctl -c) */
};

/* Opens for reading: O_RDONLY|O_NOFOLLOW|O_CLOEXEC|O_NONBLOCK|O_NOCTTY, then fstat.
 * An absent file is JA_ERR_NOT_FOUND; an unsafe one JA_ERR_UNSAFE. */
enum ja_status ja_file_open(const char *path, const struct ja_file_rule *rule, int *ret_fd,
                            struct ja_error *err);
/* Opens and reads all of it into guarded memory. */
enum ja_status ja_file_read(const char *path, const struct ja_file_rule *rule,
                            struct ja_secret *ret, struct ja_error *err);
/* Checks without opening for reading (O_PATH|O_NOFOLLOW + fstat): for SQLite's own files, whose
 * locks an open and close of ours would drop. */
enum ja_status ja_file_check(const char *path, const struct ja_file_rule *rule,
                             struct ja_error *err);
/* The folder and every folder above it. max_mode 0 means: 0755 at most (no write by others). */
enum ja_status ja_dir_check(const char *path, mode_t max_mode, bool allow_own,
                            struct ja_error *err);
/* mkdir with exactly this mode whatever the umask, parents 0755; an existing one is checked. */
enum ja_status ja_dir_make(const char *path, mode_t mode, struct ja_error *err);
/* New file with exactly this mode whatever the umask: temporary name in the same folder, fsync,
 * rename (or link, when `exclusive`: JA_ERR_EXISTS if there is one), fsync of the folder. */
enum ja_status ja_file_write(const char *path, mode_t mode, bool exclusive, const void *data,
                             size_t len, struct ja_error *err);
/* New contents for a file that is there; owner, group and mode stay. As ja_file_write otherwise. */
enum ja_status ja_file_replace(const char *path, const void *data, size_t len, struct ja_error *err);

#endif
