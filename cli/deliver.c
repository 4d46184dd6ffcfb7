#include "cli/deliver.h"

#include "cli/output.h"
#include "common/domain/outbox.h"
#include "common/notify/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* libcurl writes every TLS session's keys into this file (SSLKEYLOGFILE), also for root. */
void cli_deliver_prepare(void)
{
    (void)unsetenv("SSLKEYLOGFILE");
}

void cli_deliver(struct cli *cli, const char *id)
{
    struct ja_delivery sum = {0};
    struct ja_error err = {0};
    bool terminal = !cli->quiet && isatty(STDERR_FILENO);
    enum ja_status st;

    cli_deliver_prepare();
    if (terminal)
        (void)fputs("sending ...", stderr);
    st = ja_deliver_one(&cli->ctx, id, &sum, &err);
    if (terminal)
        (void)fputs("\r           \r", stderr);
    if (st != JA_OK)
        cli_notice(cli, "message %s waits in the outbox: %s", id, err.message);
    else if (sum.given_up > 0)
        cli_notice(cli, "message %s could not be sent and was given up: %s", id, sum.cause);
    else if (sum.failed > 0)
        cli_notice(cli, "message %s waits in the outbox: %s", id, sum.cause);
    else
        cli_notice(cli, "message %s was sent", id);
}

/* Nothing of ours goes along: no terminal, no pipe that somebody waits on. */
static void become_flush(const char *config)
{
    char self[] = "/proc/self/exe", name[] = "authctl", quiet[] = "--quiet", flag[] = "-c";
    char noun[] = "outbox", verb[] = "flush";
    char *const with[] = {name, quiet, flag, (char *)(uintptr_t)config, noun, verb, NULL};
    char *const without[] = {name, quiet, noun, verb, NULL};
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || setsid() < 0 || dup2(null, 0) != 0 || dup2(null, 1) != 1 || dup2(null, 2) != 2 ||
        close_range(3, ~0U, 0) != 0)
        _exit(1);
    (void)execv(self, config ? with : without);
    _exit(1);
}

void cli_deliver_later(struct cli *cli)
{
    pid_t pid;

    if (!ja_outbox_has_provider(&cli->ctx, JA_CHANNEL_EMAIL) && !ja_outbox_has_provider(&cli->ctx, JA_CHANNEL_SMS))
        return;
    cli_deliver_prepare();
    pid = fork();
    if (pid == 0) {
        pid = fork(); /* its parent is gone at once: nobody has to wait for it */
        if (pid == 0)
            become_flush(cli->config_path);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
