/* Files that somebody names on the command line and that hold no secret. */
#ifndef JA_CLI_READ_FILE_H
#define JA_CLI_READ_FILE_H

#include "common/base/status.h"

/* All of a regular file of at most `max` bytes; *ret is malloc'd. JA_ERR_NOT_FOUND or JA_ERR_INVALID
 * "file_unreadable". */
enum ja_status cli_read_file(const char *path, size_t max, char **ret, size_t *ret_len, struct ja_error *err);

#endif
