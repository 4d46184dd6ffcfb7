/* authctl: administration, login and tokens from the shell. The work is in command.c. */
#include "cli/cmd.h"
#include "cli/help.h"
#include "cli/output.h"
#include "common/base/secret.h"
#include "common/domain/wipe_freed.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

const struct command *const cli_tables[] = {
    help_commands,
    cmd_setup_commands,
    cmd_config_commands,
    cmd_store_commands,
    cmd_throttle_commands,
    cmd_user_commands,
    cmd_verify_commands,
    cmd_password_commands,
    cmd_credential_commands,
    cmd_login_commands,
    cmd_policy_commands,
    cmd_profile_commands,
    cmd_notify_commands,
    cmd_purge_commands,
    cmd_role_commands,
    cmd_service_commands,
    cmd_session_commands,
    cmd_token_get_commands,
    cmd_token_commands,
    cmd_token_offline_commands,
    cmd_import_commands,
    cmd_export_commands,
    cmd_key_commands,
    cmd_ssh_key_commands,
    cmd_pam_change_commands,
    cmd_pam_confirm_commands,
    cmd_pam_commands,
    cmd_audit_commands,
    cmd_getent_commands,
    NULL,
};

/* No core file and no ptrace by the same uid: keys and passwords are in this memory (R29). */
static void forbid_dumps(void)
{
    static const struct rlimit none = {0, 0};

#ifndef __SANITIZE_ADDRESS__ /* its leak check has to attach to us */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    (void)setrlimit(RLIMIT_CORE, &none);
}

/* Whatever the parent left behind (R23). A reader that went away shows as a failed write, not as death
 * in the middle of a command; SIGINT and SIGHUP that a shell or nohup ignores stay so. */
static void reset_signals(void)
{
    sigset_t empty;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&empty);
    (void)sigprocmask(SIG_SETMASK, &empty, NULL);
}

int main(int argc, char **argv)
{
    int rc;

    forbid_dumps();
    reset_signals();
    if (!ja_wipe_freed())
        return CLI_EXIT_BROKEN;
    rc = cli_main(argc, argv);
    ja_stack_wipe();
    return rc;
}
