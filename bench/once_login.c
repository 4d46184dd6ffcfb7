/* once_login CONFDIR SERVICE [FILE]: one login in a fresh process, what su or sudo pays; with FILE authentication alone, its
 * first line being the answer at the prompt. */
#include "bench/pam_app.h"
#include "bench/stats.h"

#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>

static int authenticate(struct pam_login *l, const char *path)
{
    static char line[2048];
    FILE *f = fopen(path, "re");

    if (!f || !fgets(line, sizeof line, f))
        bench_die(path, "cannot be read");
    (void)fclose(f);
    line[strcspn(line, "\n")] = 0;
    l->password = line;
    return pam_login_auth(l) == PAM_SUCCESS ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct pam_login l = {.user = "alice", .password = "Correct-Horse-42"};

    if (argc < 3 || argc > 4)
        return 2;
    l.confdir = argv[1];
    l.service = argv[2];
    if (argc == 4)
        return authenticate(&l, argv[3]);
    (void)pam_login_whole(&l);
    return 0;
}
