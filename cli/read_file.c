#include "cli/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum ja_status cli_read_file(const char *path, size_t max, char **ret, size_t *ret_len, struct ja_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat sb;
    char *data = NULL;
    size_t len = 0;
    ssize_t n = 1;

    if (fd < 0)
        return ja_fail(err, errno == ENOENT ? JA_ERR_NOT_FOUND : JA_ERR_INVALID, "file_unreadable",
                       "%s cannot be read: %s", path, strerrordesc_np(errno));
    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode) || sb.st_size < 0 || (size_t)sb.st_size > max) {
        (void)close(fd);
        return ja_fail(err, JA_ERR_INVALID, "file_unreadable", "%s is no file of at most %zu KiB", path, max >> 10);
    }
    data = malloc((size_t)sb.st_size + 1);
    while (data && len < (size_t)sb.st_size && (n = read(fd, data + len, (size_t)sb.st_size - len)) > 0)
        len += (size_t)n;
    (void)close(fd);
    if (!data)
        return ja_fail_nomem(err);
    if (n < 0) {
        free(data);
        return ja_fail(err, JA_ERR_IO, "file_unreadable", "%s cannot be read", path);
    }
    *ret = data;
    *ret_len = len;
    return JA_OK;
}
