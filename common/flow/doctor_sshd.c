/* doctor: sshd_config as sshd reads it, and the keys that sshd asks authctl for. */
#include "common/flow/doctor_internal.h"

#include "common/base/file_guard.h"
#include "common/domain/health.h"
#include "common/domain/local_user.h"
#include "common/domain/ssh_key_snapshot.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define COMMAND "AuthorizedKeysCommand /usr/bin/authctl ssh-key authorized %u"
#define COMMAND_USER "AuthorizedKeysCommandUser jwtauth-keys"

/* Of the global part sshd takes the first value it meets, a Match block overrides it (sshd_config(5)). */
struct sshd {
    int depth;
    bool in_match;
    char use_pam[8], keyboard[8];
    char command[400], command_user[64];
    char match[200]; /* the criteria of the block */
    char match_keyboard[200], match_command[200]; /* of the first block that says otherwise */
};

static void keep_first(char *slot, size_t size, const char *value)
{
    if (!*slot && value)
        (void)snprintf(slot, size, "%s", value);
}

static const char *rest_of(const char *line)
{
    return line + strspn(line, " \t=");
}

static void match_line(struct sshd *s, const char *key, const char *value)
{
    bool off = strcasecmp(value, "no") == 0;

    if (strcasecmp(key, "KbdInteractiveAuthentication") == 0 && off)
        keep_first(s->match_keyboard, sizeof s->match_keyboard, s->match);
    else if (strcasecmp(key, "AuthorizedKeysCommand") == 0)
        keep_first(s->match_command, sizeof s->match_command, s->match);
}

static void global_line(struct sshd *s, const char *key, const char *value, const char *whole)
{
    if (strcasecmp(key, "UsePAM") == 0)
        keep_first(s->use_pam, sizeof s->use_pam, value);
    else if (strcasecmp(key, "KbdInteractiveAuthentication") == 0 ||
             strcasecmp(key, "ChallengeResponseAuthentication") == 0)
        keep_first(s->keyboard, sizeof s->keyboard, value);
    else if (strcasecmp(key, "AuthorizedKeysCommand") == 0)
        keep_first(s->command, sizeof s->command, whole);
    else if (strcasecmp(key, "AuthorizedKeysCommandUser") == 0)
        keep_first(s->command_user, sizeof s->command_user, value);
}

static void read_sshd(struct sshd *s, const char *pattern);

static void sshd_line(void *arg, char *line)
{
    struct sshd *s = arg;
    char *key = doctor_word(&line), *value, whole[400];

    if (!key)
        return;
    (void)snprintf(whole, sizeof whole, "%s", rest_of(line));
    if (strcasecmp(key, "Match") == 0) {
        s->in_match = true;
        (void)snprintf(s->match, sizeof s->match, "%.190s", whole);
        return;
    }
    value = doctor_word(&line);
    if (!value)
        return;
    if (strcasecmp(key, "Include") == 0)
        for (; value; value = doctor_word(&line))
            read_sshd(s, value);
    else if (s->in_match)
        match_line(s, key, value);
    else
        global_line(s, key, value, whole);
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

#define WARN(d, mend, ...) doctor_say(d, JA_DOCTOR_WARN, "sshd", mend, __VA_ARGS__)

static bool check_asking(struct doctor *d, const struct sshd *s)
{
    if (strcasecmp(s->use_pam, "yes") != 0)
        WARN(d, "set UsePAM yes in " SSHD_CONFIG, "sshd does not use PAM: users of jwtauth cannot log in with it");
    else if (s->keyboard[0] && strcasecmp(s->keyboard, "yes") != 0)
        WARN(d, "set KbdInteractiveAuthentication yes in " SSHD_CONFIG, "sshd cannot ask for a verification code");
    else if (s->match_keyboard[0])
        WARN(d, "take KbdInteractiveAuthentication no out of the Match block",
             "sshd cannot ask for a verification code where this matches: %s", s->match_keyboard);
    else
        return true;
    return false;
}

/* ---- keys ---- */

static bool check_program(struct doctor *d, const char *command)
{
    const struct ja_file_rule rule = {.max_mode = 0755, .max_size = (size_t)1 << 30};
    char path[400];
    struct ja_error err = {0};

    (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(command, " \t"), command);
    if (path[0] == '/' && ja_file_check(path, &rule, &err) == JA_OK)
        return true;
    if (path[0] != '/')
        (void)ja_fail(&err, JA_ERR_CONFIG, "relative", "%s in AuthorizedKeysCommand is no absolute path", path);
    doctor_fail(d, JA_DOCTOR_WARN, "sshd", COMMAND, &err);
    return false;
}

static bool check_user(struct doctor *d, const char *user)
{
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;

    if (!*user)
        WARN(d, "add: " COMMAND_USER, "sshd asks nobody for keys without AuthorizedKeysCommandUser");
    else if (strcmp(user, "root") == 0)
        WARN(d, "set " COMMAND_USER, "sshd asks for keys as root, who is not needed for that");
    else if (ja_local_whose(user, &whose, NULL) != JA_OK || whose == JA_WHOSE_NOT_LOCAL)
        WARN(d, "systemd-sysusers", "there is no user %s, so sshd asks nobody for keys", user);
    else
        return true;
    return false;
}

static bool check_command(struct doctor *d, const struct sshd *s)
{
    struct ja_health h = {0};
    bool none = !s->command[0] || strcasecmp(s->command, "none") == 0;

    if (strstr(s->command, " ssh-key authorized")) {
        if (!strstr(s->command, "%u")) {
            WARN(d, "set " COMMAND, "AuthorizedKeysCommand does not say whose keys: %%u is missing");
            return false;
        }
        if (s->match_command[0]) {
            WARN(d, "take AuthorizedKeysCommand out of the Match block", "sshd asks another command where this "
                 "matches: %s", s->match_command);
            return false;
        }
        return check_program(d, s->command) && check_user(d, s->command_user);
    }
    if (!d->ctx.db || ja_health_read(&d->ctx, &h, NULL) != JA_OK || h.ssh_keys == 0)
        return true;
    if (none)
        WARN(d, "add: " COMMAND " and " COMMAND_USER, "sshd does not ask for the %lld ssh keys of jwtauth",
             (long long)h.ssh_keys);
    else
        WARN(d, "set " COMMAND, "sshd asks another command for keys, so the %lld of jwtauth count nothing: %s",
             (long long)h.ssh_keys, s->command);
    return false;
}

/* Also without an sshd: root's purge mends it. */
static void check_snapshot(struct doctor *d)
{
    struct ja_error err = {0};
    char *path = NULL;

    if (!d->ctx.cfg || !d->ctx.db || asprintf(&path, "%s/" JA_SSH_SNAPSHOT_NAME, d->ctx.cfg->paths.cache) < 0)
        return;
    if (ja_ssh_snapshot_check(path, false, &err) != JA_OK)
        doctor_fail(d, JA_DOCTOR_FAIL, "ssh keys", "authctl purge", &err);
    else
        doctor_say(d, JA_DOCTOR_OK, "ssh keys", "", "sshd can read them in %s", path);
    free(path);
}

void doctor_sshd(struct doctor *d)
{
    struct sshd s = {0};
    struct stat sb;

    check_snapshot(d);
    if (stat(SSHD_CONFIG, &sb) != 0)
        return; /* no sshd here */
    read_sshd(&s, SSHD_CONFIG);
    if (check_asking(d, &s) && check_command(d, &s))
        doctor_say(d, JA_DOCTOR_OK, "sshd", "", "asks through PAM, keyboard-interactive");
}
