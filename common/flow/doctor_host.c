/* doctor: sshd_config, nsswitch.conf, the daemon's socket. */
#include "common/flow/doctor_internal.h"

#include "common/domain/health.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define SSHD_CONFIG "/etc/ssh/sshd_config"

/* sshd takes the first value it meets (sshd_config(5)); a Match block ends the global part. */
struct sshd {
    int depth;
    bool in_match;
    char use_pam[8], keyboard[8], password[8];
};

static void keep_first(char *slot, size_t size, const char *value)
{
    if (!*slot && value)
        (void)snprintf(slot, size, "%s", value);
}

static void read_sshd(struct sshd *s, const char *pattern);

static void sshd_line(void *arg, char *line)
{
    struct sshd *s = arg;
    char *key = doctor_word(&line), *value;

    if (!key || s->in_match)
        return;
    if (strcasecmp(key, "Match") == 0) {
        s->in_match = true;
        return;
    }
    value = doctor_word(&line);
    if (!value)
        return;
    if (strcasecmp(key, "Include") == 0)
        for (; value; value = doctor_word(&line))
            read_sshd(s, value);
    else if (strcasecmp(key, "UsePAM") == 0)
        keep_first(s->use_pam, sizeof s->use_pam, value);
    else if (strcasecmp(key, "KbdInteractiveAuthentication") == 0 ||
             strcasecmp(key, "ChallengeResponseAuthentication") == 0)
        keep_first(s->keyboard, sizeof s->keyboard, value);
    else if (strcasecmp(key, "PasswordAuthentication") == 0)
        keep_first(s->password, sizeof s->password, value);
}

static void read_sshd(struct sshd *s, const char *pattern)
{
    char path[512];
    glob_t found = {0};

    (void)snprintf(path, sizeof path, "%s%.480s", pattern[0] == '/' ? "" : "/etc/ssh/", pattern);
    if (s->depth >= 16 || glob(path, 0, NULL, &found) != 0)
        return;
    s->depth++;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        bool outer = s->in_match; /* a Match in an included file ends with it */
        (void)doctor_lines(found.gl_pathv[i], sshd_line, s);
        s->in_match = outer;
    }
    s->depth--;
    globfree(&found);
}

static void check_sshd(struct doctor *d)
{
    struct sshd s = {0};
    struct stat sb;

    if (stat(SSHD_CONFIG, &sb) != 0)
        return; /* no sshd here */
    read_sshd(&s, SSHD_CONFIG);
    if (strcasecmp(s.use_pam, "yes") != 0)
        doctor_say(d, JA_DOCTOR_WARN, "sshd", "set UsePAM yes in " SSHD_CONFIG,
                   "sshd does not use PAM: users of jwtauth cannot log in with it");
    else if (s.keyboard[0] && strcasecmp(s.keyboard, "yes") != 0)
        doctor_say(d, JA_DOCTOR_WARN, "sshd", "set KbdInteractiveAuthentication yes in " SSHD_CONFIG,
                   "sshd cannot ask for a verification code");
    else
        doctor_say(d, JA_DOCTOR_OK, "sshd", "", "asks through PAM, keyboard-interactive");
}

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
    check_sshd(d);
    check_nss(d);
    check_socket(d);
}
