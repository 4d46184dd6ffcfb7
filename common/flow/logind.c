#include "common/flow/account_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOGINCTL "/usr/bin/loginctl"
#define SYSTEMD_RUNS "/run/systemd/system" /* sd_booted(3) */

/* Runs loginctl without a shell and with an empty environment; its output's first bytes in buf. */
static int run(const char *const argv[], char *buf, size_t size)
{
    static char *const no_environment[] = {NULL};
    /* posix_spawn(3) takes the array without const but changes nothing in it */
    const union {
        const char *const *in;
        char *const *out;
    } args = {.in = argv};
    posix_spawn_file_actions_t actions;
    int out[2] = {-1, -1}, status = -1;
    pid_t pid = -1;
    size_t n = 0;
    ssize_t got = 0;
    bool spawned = false;

    if (pipe2(out, O_CLOEXEC) != 0)
        return -1;
    if (posix_spawn_file_actions_init(&actions) == 0) {
        spawned = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
                  posix_spawn_file_actions_adddup2(&actions, out[1], 1) == 0 &&
                  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) == 0 &&
                  posix_spawn(&pid, LOGINCTL, &actions, NULL, args.out, no_environment) == 0;
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    (void)close(out[1]);
    while (spawned && n + 1 < size &&
           ((got = read(out[0], buf + n, size - 1 - n)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (size_t)got : 0;
    buf[n] = 0;
    (void)close(out[0]);
    while (spawned && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return spawned && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int64_t count_words(const char *s)
{
    int64_t words = 0;

    while (*(s += strspn(s, " \n"))) {
        words++;
        s += strcspn(s, " \n");
    }
    return words;
}

void ja_logind_end(struct ja_ctx *ctx, int64_t uid, struct ja_cut *cut)
{
    char uid_text[24], sessions[4096] = "";
    const char *const show[] = {"loginctl", "show-user", "--property=Sessions",
                                "--value",  "--",        uid_text,
                                NULL};
    const char *const end[] = {"loginctl", "terminate-user", "--", uid_text, NULL};
    char ignored[64];
    int64_t live = 0;

    cut->logind = 0;
    if (access(SYSTEMD_RUNS, F_OK) != 0 || access(LOGINCTL, X_OK) != 0)
        return;
    (void)snprintf(uid_text, sizeof uid_text, "%" PRId64, uid);
    /* a user without sessions is unknown to logind: that is no failure */
    if (run(show, sessions, sizeof sessions) != 0)
        return;
    live = count_words(sessions);
    if (live == 0)
        return;
    if (run(end, ignored, sizeof ignored) == 0)
        cut->logind = live;
    else
        ja_log_write(&ctx->log, LOG_WARNING, "loginctl could not end the sessions of uid %s",
                     uid_text);
}
