#include "daemon/privileges.h"

#include "daemon/conn.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void privileges_forbid_dumps(void)
{
    static const struct rlimit none = {0, 0};

#ifndef __SANITIZE_ADDRESS__ /* its leak check has to attach to us */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    (void)setrlimit(RLIMIT_CORE, &none);
}

void privileges_take_descriptors(void)
{
    struct rlimit limit = {0};

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= CONN_FDS)
        return;
    limit.rlim_cur = limit.rlim_max < CONN_FDS ? limit.rlim_max : CONN_FDS;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

enum ja_status privileges_drop(struct ja_error *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    if (syscall(SYS_capget, &head, data) != 0)
        return ja_fail_errno(err, errno, "capget");
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
        if (cap != CAP_CHOWN && (data[cap / 32].effective & (1u << (cap % 32))) &&
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EINVAL && errno != EPERM)
            return ja_fail_errno(err, errno, "cannot give up a capability");
    data[0].effective = data[0].permitted = data[0].permitted & (1u << CAP_CHOWN);
    data[1].effective = data[1].permitted = 0;
    data[0].inheritable = data[1].inheritable = 0;
    if (syscall(SYS_capset, &head, data) != 0)
        return ja_fail_errno(err, errno, "cannot give up the capabilities");
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? JA_OK : ja_fail_errno(err, errno, "no_new_privs");
}
