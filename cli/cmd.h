/* The tables of all commands, one per cmd_*.c; authctl.c lists them. */
#ifndef JA_CLI_CMD_H
#define JA_CLI_CMD_H

#include "cli/command.h"

extern const struct command cmd_audit_commands[];
extern const struct command cmd_config_commands[];
extern const struct command cmd_credential_commands[];
extern const struct command cmd_export_commands[];
extern const struct command cmd_getent_commands[];
extern const struct command cmd_import_commands[];
extern const struct command cmd_key_commands[];
extern const struct command cmd_login_commands[];
extern const struct command cmd_notify_commands[];
extern const struct command cmd_pam_commands[];
extern const struct command cmd_pam_change_commands[];
extern const struct command cmd_pam_confirm_commands[];
extern const struct command cmd_password_commands[];
extern const struct command cmd_policy_commands[];
extern const struct command cmd_profile_commands[];
extern const struct command cmd_purge_commands[];
extern const struct command cmd_role_commands[];
extern const struct command cmd_service_commands[];
extern const struct command cmd_session_commands[];
extern const struct command cmd_setup_commands[];
extern const struct command cmd_ssh_key_commands[];
extern const struct command cmd_store_commands[];
extern const struct command cmd_throttle_commands[];
extern const struct command cmd_token_commands[];
extern const struct command cmd_token_get_commands[];
extern const struct command cmd_token_offline_commands[];
extern const struct command cmd_user_commands[];
extern const struct command cmd_verify_commands[];

#endif
