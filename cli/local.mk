bin_PROGRAMS += authctl
authctl_SOURCES = cli/authctl.c $(ja_authctl_sources)
ja_authctl_sources = \
	cli/command.c cli/command.h \
	cli/completion.c cli/completion.h \
	cli/deliver.c cli/deliver.h \
	cli/help.c cli/help.h \
	cli/jwks_cache.c cli/jwks_cache.h \
	cli/options.c cli/options.h \
	cli/output.c cli/output.h \
	cli/pam_call.c cli/pam_call.h \
	cli/pam_store.c cli/pam_store.h \
	cli/pam_try.c cli/pam_try.h \
	cli/pam_watch.c cli/pam_watch.h \
	cli/prompt.c cli/prompt.h \
	cli/qr.c cli/qr.h \
	cli/read_file.c cli/read_file.h \
	cli/row_passwd.c cli/row_passwd.h \
	cli/remote.c cli/remote.h \
	cli/remote_admin.c \
	cli/remote_login.c \
	cli/remote_own.c \
	cli/row_tokens.c cli/row_tokens.h \
	cli/row_user.c cli/row_user.h \
	cli/rows.c cli/rows.h \
	cli/suggest.c cli/suggest.h \
	cli/text_diff.c cli/text_diff.h \
	cli/token_cache.c cli/token_cache.h \
	cli/token_format.c cli/token_format.h \
	cli/tty.c cli/tty.h \
	cli/user_bulk.c cli/user_bulk.h \
	cli/user_spec.c cli/user_spec.h \
	cli/cmd.h \
	common/base/late_ini_config.c \
	common/db/db_sqlite_late.c \
	cli/cmd_audit.c \
	cli/cmd_config.c \
	cli/cmd_credential.c \
	cli/cmd_export.c \
	cli/cmd_getent.c \
	cli/cmd_import.c \
	cli/cmd_key.c \
	cli/cmd_login.c \
	cli/cmd_notify.c \
	cli/cmd_pam.c \
	cli/cmd_pam_change.c \
	cli/cmd_pam_confirm.c \
	cli/cmd_password.c \
	cli/cmd_policy.c \
	cli/cmd_profile.c \
	cli/cmd_purge.c \
	cli/cmd_role.c \
	cli/cmd_service.c \
	cli/cmd_session.c \
	cli/cmd_setup.c \
	cli/cmd_ssh_key.c \
	cli/cmd_store.c \
	cli/cmd_throttle.c \
	cli/cmd_token.c \
	cli/cmd_token_get.c \
	cli/cmd_token_offline.c \
	cli/cmd_user.c \
	cli/cmd_verify.c
authctl_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(INI_CONFIG_CFLAGS)
authctl_LDADD = libja_view.la libja_client.la libja_notify.la libja_import.la libja_flow.la

# The completion is printed by the program that it completes.
nodist_bashcompletion_DATA = cli/completion/authctl
CLEANFILES += cli/completion/authctl
cli/completion/authctl: authctl$(EXEEXT)
	@$(MKDIR_P) cli/completion
	$(AM_V_GEN)./authctl$(EXEEXT) help --completion bash > $@.tmp && mv $@.tmp $@
