/* One password login in a fresh process: what su or sudo pays. */
#include "bench/pam_app.h"

int main(int argc, char **argv)
{
    struct pam_login l = {.user = "alice", .password = "Correct-Horse-42"};

    if (argc != 3)
        return 2;
    l.confdir = argv[1];
    l.service = argv[2];
    (void)pam_login_whole(&l);
    return 0;
}
