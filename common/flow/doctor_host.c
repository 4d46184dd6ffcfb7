/* doctor: nsswitch.conf, the daemon's socket. */
#include "common/domain/nss_export.h"
#include "common/flow/doctor_internal.h"

#include "common/domain/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef JA_NSS_CACHEDIR
#define JA_NSS_CACHEDIR "/var/cache/jwtauth"
#endif

/* nsswitch.conf(5): services are asked in order, and an action in brackets may end the line before ours. */
struct line {
    bool seen, ours;
    int files_at, ours_at;
    char stop[64]; /* the action in front of ours that ends the search for who was not found */
};
struct nss {
    struct line passwd, group, initgroups;
};

static bool stops(const char *action)
{
    return strcasestr(action, "notfound=return") || (strcasestr(action, "!") && strcasestr(action, "=return") &&
                                                     !strcasestr(action, "!notfound"));
}

static void nss_line(void *arg, char *text)
{
    struct nss *n = arg;
    char *word = doctor_word(&text);
    struct line *l = !word                            ? NULL
                     : strcmp(word, "passwd:") == 0     ? &n->passwd
                     : strcmp(word, "group:") == 0      ? &n->group
                     : strcmp(word, "initgroups:") == 0 ? &n->initgroups
                                                        : NULL;

    if (!l || l->seen)
        return;
    l->seen = true;
    for (int at = 1; (word = doctor_word(&text)); at++) {
        if (*word == '[' && !l->ours && !l->stop[0] && stops(word))
            (void)snprintf(l->stop, sizeof l->stop, "%.60s", word);
        else if (strcmp(word, "files") == 0 || strcmp(word, "compat") == 0)
            l->files_at = l->files_at ? l->files_at : at;
        else if (strcmp(word, "jwtauth") == 0 && !l->ours) {
            l->ours = true;
            l->ours_at = at;
        }
    }
}

#define NSS(d, mend, ...) doctor_say(d, JA_DOCTOR_WARN, "nsswitch", mend, __VA_ARGS__)

static bool check_order(struct doctor *d, const char *name, const struct line *l)
{
    if (l->ours && (!l->files_at || l->ours_at < l->files_at))
        NSS(d, "write: files jwtauth", "%s asks jwtauth before the local files, which come first", name);
    else if (l->ours && l->stop[0])
        NSS(d, "put jwtauth in front of it", "%s never asks jwtauth: %s stands before it", name, l->stop);
    else
        return true;
    return false;
}

static bool check_lines(struct doctor *d, const struct nss *n)
{
    if (!check_order(d, "passwd", &n->passwd) || !check_order(d, "group", &n->group) ||
        (n->initgroups.seen && !check_order(d, "initgroups", &n->initgroups)))
        return false;
    if (n->passwd.ours && !n->group.ours)
        NSS(d, "add jwtauth to its end", "the group line has no jwtauth: groups of its users and roles have no name");
    else if (n->passwd.ours && n->initgroups.seen && !n->initgroups.ours)
        NSS(d, "remove the line, or add jwtauth to its end",
            "the initgroups line has no jwtauth: users do not get the groups of their roles");
    else
        return true;
    return false;
}

static void check_nss(struct doctor *d)
{
    struct ja_health h = {0};
    struct nss n = {0};

    if (!doctor_lines("/etc/nsswitch.conf", nss_line, &n) || !n.passwd.seen) {
        NSS(d, "add: passwd: files", "/etc/nsswitch.conf has no passwd line");
        return;
    }
    if (!check_lines(d, &n))
        return;
    /* A store that cannot be read was a finding before. */
    if (!n.passwd.ours && d->ctx.db && ja_health_read(&d->ctx, &h, NULL) == JA_OK && h.not_adopted > 0)
        NSS(d, "passwd: files jwtauth and group: files jwtauth (libnss_jwtauth(8)), or authctl user add NAME --adopt",
            "%lld users are not adopted, and the passwd line of /etc/nsswitch.conf has no jwtauth: "
            "sshd and login do not know them",
            (long long)h.not_adopted);
    else
        doctor_say(d, JA_DOCTOR_OK, "nsswitch", "", "passwd %s jwtauth", n.passwd.ours ? "has" : "works without");
}

/* The module reads no configuration: it looks where it was built to look. */
static void check_snapshot(struct doctor *d)
{
    struct ja_error err = {0};
    enum ja_status st;

    if (!d->ctx.db)
        return; /* a finding before */
    st = ja_nss_export_check(&d->ctx, &err);
    if (st != JA_OK)
        doctor_fail(d, JA_DOCTOR_WARN, "nss", "authctl purge", &err);
    else if (strcmp(d->ctx.cfg->paths.cache, JA_NSS_CACHEDIR) != 0)
        doctor_say(d, JA_DOCTOR_WARN, "nss", "set [paths] cache = " JA_NSS_CACHEDIR ", or build with --with-nss-cachedir",
                   "libnss_jwtauth looks for users and roles in " JA_NSS_CACHEDIR ", not in %s", d->ctx.cfg->paths.cache);
    else
        doctor_say(d, JA_DOCTOR_OK, "nss", "", "the snapshot shows what the store has");
}

/* With systemd's socket unit the first who connects starts the daemon. */
static bool listens(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = fd >= 0 && strlen(path) < sizeof addr.sun_path;

    if (ok) {
        memcpy(addr.sun_path, path, strlen(path) + 1);
        ok = connect(fd, (const struct sockaddr *)&addr, sizeof addr) == 0 || errno == EAGAIN;
    }
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* Not there: never wanted, or wanted and gone, or wanted elsewhere. */
static void no_socket(struct doctor *d, const char *path)
{
    static const char *const units[] = {"/etc/systemd/system/jwtauthd.socket", "/usr/lib/systemd/system/jwtauthd.socket",
                                        "/lib/systemd/system/jwtauthd.socket"};
    struct stat sb;
    bool there = false;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        there |= lstat(units[i], &sb) == 0;
    if (lstat("/etc/systemd/system/sockets.target.wants/jwtauthd.socket", &sb) == 0)
        doctor_say(d, JA_DOCTOR_WARN, "socket",
                   "systemctl start jwtauthd.socket; its ListenStream has to be [http] socket",
                   "jwtauthd.socket is enabled, but %s is not there: it was stopped, or listens elsewhere", path);
    else if (there)
        doctor_say(d, JA_DOCTOR_OK, "socket", "",
                   "no jwtauthd, whose jwtauthd.socket is not enabled: root and PAM work without it");
    else
        doctor_say(d, JA_DOCTOR_OK, "socket", "", "no jwtauthd: root and PAM work without it");
}

static void check_socket(struct doctor *d)
{
    const char *path = d->ctx.cfg ? d->ctx.cfg->http.socket : NULL;
    struct stat sb;

    if (!path)
        return;
    if (lstat(path, &sb) != 0)
        no_socket(d, path);
    else if (!S_ISSOCK(sb.st_mode) || sb.st_uid != 0)
        doctor_say(d, JA_DOCTOR_FAIL, "socket", "remove it", "%s is no socket of root", path);
    else if (!listens(path))
        doctor_say(d, JA_DOCTOR_WARN, "socket", "systemctl start jwtauthd",
                   "nobody listens on %s: jwtauthd was killed; users and scripts without root's rights get no answer", path);
    else
        doctor_say(d, JA_DOCTOR_OK, "socket", "", "jwtauthd listens on %s", path);
}

void doctor_host(struct doctor *d)
{
    check_nss(d);
    check_snapshot(d);
    check_socket(d);
}
