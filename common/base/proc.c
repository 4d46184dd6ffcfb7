#include "common/base/proc.h"

#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first bytes of a small file of /proc, as a string. */
static enum ja_status read_proc(const char *path, char *buf, size_t size, struct ja_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = 0;
    int saved = 0;

    if (fd < 0 && errno == ENOENT)
        return ja_fail(err, JA_ERR_NOT_FOUND, "no_such_process", "%s is not there", path);
    if (fd < 0)
        return ja_fail_errno(err, errno, path);
    do
        n = read(fd, buf, size - 1);
    while (n < 0 && errno == EINTR);
    saved = errno;
    (void)close(fd);
    if (n < 0 && saved == ESRCH) /* it ended between open and read */
        return ja_fail(err, JA_ERR_NOT_FOUND, "no_such_process", "%s is not there", path);
    if (n < 0)
        return ja_fail_errno(err, saved, path);
    buf[n] = 0;
    return JA_OK;
}

enum ja_status ja_proc_boot_id(char ret[JA_BOOT_ID_LEN + 1], struct ja_error *err)
{
    char buf[64] = "";
    enum ja_status st = read_proc("/proc/sys/kernel/random/boot_id", buf, sizeof buf, err);

    if (st != JA_OK)
        return st;
    buf[strcspn(buf, "\n")] = 0;
    if (!ja_uuid_valid(buf))
        return ja_fail(err, JA_ERR_IO, "bad_boot_id", "the kernel's boot id cannot be read");
    memcpy(ret, buf, JA_BOOT_ID_LEN + 1);
    return JA_OK;
}

enum ja_status ja_proc_start(int64_t pid, int64_t *ret, struct ja_error *err)
{
    char path[48], buf[1024] = "";
    char *p = NULL;
    enum ja_status st = JA_OK;

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    st = read_proc(path, buf, sizeof buf, err);
    if (st != JA_OK)
        return st;
    p = strrchr(buf, ')'); /* field 2 is a name that may hold blanks and brackets itself */
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (p) {
        p++;
        p[strcspn(p, " \n")] = 0;
    }
    if (!p || !ja_parse_i64(p, 0, INT64_MAX, ret))
        return ja_fail(err, JA_ERR_IO, "bad_proc_stat", "%s cannot be understood", path);
    return JA_OK;
}

int64_t ja_proc_login_uid(void)
{
    char buf[32] = "";
    int64_t uid;

    if (read_proc("/proc/self/loginuid", buf, sizeof buf, NULL) != JA_OK)
        return (int64_t)getuid();
    buf[strcspn(buf, "\n")] = 0;
    /* 4294967295: not set (a service, or a kernel without audit sessions) */
    return ja_parse_i64(buf, 0, UINT32_MAX - 1, &uid) ? uid : (int64_t)getuid();
}

static int64_t audit_number(const char *path)
{
    char buf[32] = "";
    int64_t n;

    if (read_proc(path, buf, sizeof buf, NULL) != JA_OK)
        return JA_AUDIT_UNSET;
    buf[strcspn(buf, "\n")] = 0;
    return ja_parse_i64(buf, 0, UINT32_MAX, &n) ? n : JA_AUDIT_UNSET;
}

void ja_proc_login(struct ja_proc_login *ret)
{
    *ret = (struct ja_proc_login){
        .audit_session = audit_number("/proc/self/sessionid"),
        .login_uid = audit_number("/proc/self/loginuid"),
    };
    if (ja_proc_boot_id(ret->boot_id, NULL) != JA_OK)
        ret->boot_id[0] = 0;
}
