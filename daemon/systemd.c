#include "daemon/systemd.h"

#include "common/base/dynload.h"

#include <stdlib.h>

/* Loaded only where systemd speaks to us: the library brings five others along. */
static const char library[] = "libsystemd.so.0";

enum ja_status systemd_sockets(int *ret_first, int *ret_n, struct ja_error *err)
{
    int (*listen_fds)(int) = NULL;
    const struct ja_dl_symbol symbols[] = {{"sd_listen_fds", (void **)&listen_fds}};
    int n;
    enum ja_status st;

    *ret_n = 0;
    if (!secure_getenv("LISTEN_FDS"))
        return JA_OK;
    st = ja_dl_load(library, symbols, 1, err);
    if (st != JA_OK)
        return st;
    n = listen_fds(1);
    if (n < 0)
        return ja_fail_errno(err, -n, "sd_listen_fds");
    *ret_first = 3; /* SD_LISTEN_FDS_START */
    *ret_n = n;
    return JA_OK;
}

void systemd_notify(const char *state)
{
    int (*notify)(int, const char *) = NULL;
    const struct ja_dl_symbol symbols[] = {{"sd_notify", (void **)&notify}};

    if (secure_getenv("NOTIFY_SOCKET") && ja_dl_load(library, symbols, 1, NULL) == JA_OK)
        (void)notify(0, state);
}
