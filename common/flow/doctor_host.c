/* doctor: nsswitch.conf, the daemon's socket. */
#include "common/flow/doctor_internal.h"

#include "common/domain/health.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct nss {
    bool passwd_seen, ours;
};

static void nss_line(void *arg, char *line)
{
    struct nss *n = arg;
    char *word = doctor_word(&line);

    if (!word || strcmp(word, "passwd:") != 0)
        return;
    n->passwd_seen = true;
    while ((word = doctor_word(&line)))
        n->ours = n->ours || strcmp(word, "jwtauth") == 0;
}

static void check_nss(struct doctor *d)
{
    struct ja_health h = {0};
    struct nss n = {0};

    if (!doctor_lines("/etc/nsswitch.conf", nss_line, &n) || !n.passwd_seen) {
        doctor_say(d, JA_DOCTOR_WARN, "nsswitch", "add: passwd: files",
                   "/etc/nsswitch.conf has no passwd line");
        return;
    }
    /* A store that cannot be read was a finding before. */
    if (!n.ours && d->ctx.db && ja_health_read(&d->ctx, &h, NULL) == JA_OK && h.not_adopted > 0)
        doctor_say(d, JA_DOCTOR_WARN, "nsswitch",
                   "adopt local users: authctl user add NAME --adopt",
                   "%lld users are not adopted, and the passwd line of /etc/nsswitch.conf has no jwtauth: "
                   "sshd and login do not know them",
                   (long long)h.not_adopted);
    else
        doctor_say(d, JA_DOCTOR_OK, "nsswitch", "", "passwd %s jwtauth", n.ours ? "has" : "works without");
}

static void check_socket(struct doctor *d)
{
    const char *path = d->ctx.cfg ? d->ctx.cfg->http.socket : NULL;
    struct stat sb;

    if (!path)
        return;
    if (lstat(path, &sb) != 0)
        doctor_say(d, JA_DOCTOR_OK, "socket", "", "no jwtauthd: root and PAM work without it");
    else if (!S_ISSOCK(sb.st_mode) || sb.st_uid != 0)
        doctor_say(d, JA_DOCTOR_FAIL, "socket", "remove it", "%s is no socket of root", path);
    else
        doctor_say(d, JA_DOCTOR_OK, "socket", "", "%s", path);
}

void doctor_host(struct doctor *d)
{
    check_nss(d);
    check_socket(d);
}
