noinst_LTLIBRARIES += libja_base.la libja_db.la libja_domain.la libja_flow.la

libja_base_la_SOURCES = \
	common/base/clock.c common/base/clock.h \
	common/base/config.c common/base/config.h \
	common/base/config_check.c common/base/config_load.h common/base/config_message.c \
	common/base/config_format.c common/base/config_policy.c common/base/config_syntax.c common/base/config_value.c \
	common/base/config_options.c common/base/config_options.h \
	common/base/dynload.c common/base/dynload.h \
	common/base/file_guard.c common/base/file_guard.h \
	common/base/log.c common/base/log.h \
	common/base/net.c common/base/net.h \
	common/base/nss_format.h common/base/nss_snapshot.c common/base/nss_snapshot.h \
	common/base/policy_hours.c common/base/policy_hours.h \
	common/base/policy_match.c common/base/policy_options.c common/base/policy_rule.h \
	common/base/proc.c common/base/proc.h \
	common/base/qr.c common/base/qr.h \
	common/base/secret.c common/base/secret.h \
	common/base/status.c common/base/status.h \
	common/base/text.c common/base/text.h \
	common/base/text_time.c \
	common/base/timezone.c common/base/timezone.h \
	common/base/token_file.c common/base/token_file.h \
	common/base/verdict.h
libja_base_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(INI_CONFIG_CFLAGS)
libja_base_la_LIBADD = $(SODIUM_LIBS) $(INI_CONFIG_LIBS)

libja_db_la_SOURCES = \
	common/db/db.c common/db/db.h common/db/db_driver.h \
	common/db/db_rows.c \
	common/db/db_sqlite_process.c common/db/db_sqlite.c common/db/db_sqlite_open.c common/db/db_sqlite_maint.c \
	common/db/db_sqlite_backup.c \
	common/db/db_sqlite.h \
	common/db/migrate.c common/db/migrate.h
nodist_libja_db_la_SOURCES = schema/migrations.c
libja_db_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(SQLITE_CFLAGS)
libja_db_la_LIBADD = libja_base.la $(SQLITE_LIBS)

libja_domain_la_SOURCES = \
	common/domain/api_key.c common/domain/api_key.h \
	common/domain/audit.c common/domain/audit.h common/domain/audit_internal.h \
	common/domain/audit_chain.c common/domain/audit_file.c common/domain/audit_file.h \
	common/domain/audit_fold.c common/domain/audit_head.c common/domain/audit_list.c \
	common/domain/audit_rotate.c \
	common/domain/column.h \
	common/domain/ctx.c common/domain/ctx.h \
	common/domain/hash_slots.c common/domain/hash_slots.h \
	common/domain/health.c common/domain/health.h \
	common/domain/jwk.c common/domain/jwk.h \
	common/domain/known_source.c common/domain/known_source.h \
	common/domain/jwk_import.c common/domain/jwk_export.c common/domain/jwk_impl.h \
	common/domain/jwk_ec.c common/domain/jwk_ed.c common/domain/jwk_rsa.c common/domain/jwk_hmac.c \
	common/domain/jwks.c \
	common/domain/jws.c common/domain/jws.h \
	common/domain/libjwt_check.c \
	common/domain/local_table.c common/domain/local_table.h \
	common/domain/local_mark.c common/domain/local_user.c common/domain/local_user.h \
	common/domain/login_handle.c \
	common/domain/nss_export.c common/domain/nss_export.h \
	common/domain/nss_image.c common/domain/nss_image.h \
	common/domain/nss_local_names.c common/domain/nss_roles.c \
	common/domain/nss_rows.c common/domain/nss_rows.h \
	common/domain/one_time_token.c common/domain/one_time_token.h \
	common/domain/outbox.c common/domain/outbox.h \
	common/domain/outbox_admin.c common/domain/outbox_delivery.c \
	common/domain/outbox_impl.h common/domain/outbox_row.h \
	common/domain/password_blocklist.c common/domain/password_blocklist.h \
	common/domain/password_crypt.c common/domain/password_argon2.c common/domain/password_scheme.h \
	common/domain/password_hash.c common/domain/password_hash.h \
	common/domain/password_dictionary.c common/domain/password_dictionary.h \
	common/domain/password_generate.c \
	common/domain/password_policy.c common/domain/password_policy.h \
	common/domain/posix_id.c common/domain/posix_id.h \
	common/domain/purge.c common/domain/purge.h \
	common/domain/rate_limit.c common/domain/rate_limit.h \
	common/domain/recovery_code.c common/domain/recovery_code.h \
	common/domain/refresh_token.c \
	common/domain/remembered_factor.c common/domain/remembered_factor.h \
	common/domain/grant.c \
	common/domain/lock_reach.c common/domain/lock_reach.h \
	common/domain/permission.c common/domain/permission.h \
	common/domain/permission_cover.c \
	common/domain/role.c common/domain/role.h \
	common/domain/role_admin.c common/domain/role_admin.h \
	common/domain/csrf.c common/domain/csrf.h \
	common/domain/seal.c common/domain/seal.h \
	common/domain/snapshot_lock.c common/domain/snapshot_lock.h \
	common/domain/session.c common/domain/session.h common/domain/session_due.c common/domain/session_reap.c \
	common/domain/signing_key.c common/domain/signing_key.h common/domain/signing_key_row.h \
	common/domain/keyring.c \
	common/domain/ssh_key.c common/domain/ssh_key.h \
	common/domain/ssh_key_lookup.c \
	common/domain/ssh_key_snapshot.c common/domain/ssh_key_snapshot.h \
	common/domain/ssh_key_snapshot_format.h \
	common/domain/ssh_key_line.c common/domain/ssh_key_line.h \
	common/domain/ssh_key_point.c common/domain/ssh_key_point.h \
	common/domain/throttle.c common/domain/throttle.h \
	common/domain/throttle_admin.c common/domain/throttle_admin.h \
	common/domain/throttle_bucket.c common/domain/throttle_bucket.h \
	common/domain/token_memory.c common/domain/token_memory.h \
	common/domain/token.c common/domain/token.h \
	common/domain/token_mint.c \
	common/domain/totp.c common/domain/totp.h \
	common/domain/user.c common/domain/user.h \
	common/domain/user_binding.c common/domain/user_change.c common/domain/user_delete.c \
	common/domain/wipe_freed.c common/domain/wipe_freed.h
nodist_libja_domain_la_SOURCES = common/domain/common_passwords.c
libja_domain_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
libja_domain_la_LIBADD = libja_db.la $(JANSSON_LIBS) $(CRYPTO_LIBS)

libja_flow_la_SOURCES = \
	common/flow/account_admin.c \
	common/flow/account_adopt.c \
	common/flow/account_fields.c \
	common/flow/account_flow.c common/flow/account_flow.h \
	common/flow/account_internal.h \
	common/flow/account_register.c \
	common/flow/account_state.c \
	common/flow/auth_account.c common/flow/auth_denied.c \
	common/flow/auth_enroll.c \
	common/flow/auth_finish.c common/flow/auth_finish_audit.c common/flow/auth_finish_impl.h \
	common/flow/auth_code.c common/flow/auth_flow.c common/flow/auth_flow.h \
	common/flow/auth_internal.h common/flow/auth_policy.c \
	common/flow/auth_remember.c \
	common/flow/auth_token.c \
	common/flow/auth_who.c \
	common/flow/captcha_flow.h \
	common/flow/credential_flow.c \
	common/flow/factor_flow.c \
	common/flow/doctor.c common/flow/doctor_host.c common/flow/doctor_internal.h \
	common/flow/doctor_change.c common/flow/doctor_policy.c common/flow/doctor_stack.c common/flow/doctor_dispatch.c common/flow/doctor_sshd.c \
	common/flow/export_flow.c \
	common/flow/import_account.c common/flow/import_factor.c common/flow/import_row.c \
	common/flow/import_flow.h common/flow/import_internal.h \
	common/flow/key_flow.c common/flow/key_flow.h \
	common/flow/letter_turn.c \
	common/flow/letter.c common/flow/letter.h \
	common/flow/logind.c \
	common/flow/contact_flow.c common/flow/contact_flow.h \
	common/flow/new_source.c common/flow/new_source.h \
	common/flow/pam_change.c common/flow/pam_change.h \
	common/flow/pam_stanza.c common/flow/pam_stanza.h \
	common/flow/pam_trial.c common/flow/pam_trial.h \
	common/flow/policy.c common/flow/policy.h \
	common/flow/policy_explain.c common/flow/policy_explain.h \
	common/flow/purge_planned.c common/flow/purge_planned.h \
	common/flow/purge_flow.c common/flow/purge_flow.h \
	common/flow/reset_flow.c common/flow/reset_flow.h \
	common/flow/caller.c common/flow/caller.h \
	common/flow/look_flow.c common/flow/look_flow.h \
	common/flow/role_flow.c common/flow/role_flow.h \
	common/flow/throttle_flow.c common/flow/throttle_flow.h \
	common/flow/session_flow.c common/flow/session_flow.h common/flow/session_internal.h common/flow/session_pam.c common/flow/session_renew.c \
	common/flow/setup_flow.c common/flow/setup_flow.h \
	common/flow/ssh_key_flow.c common/flow/ssh_key_flow.h \
	common/flow/store_flow.c common/flow/store_flow.h \
	common/flow/own_token.c common/flow/own_token.h \
	common/flow/service_flow.c common/flow/service_flow.h \
	common/flow/token_flow.c \
	common/flow/token_scope.c common/flow/token_scope.h
libja_flow_la_CPPFLAGS = $(AM_CPPFLAGS) -DJA_NSS_CACHEDIR='"$(nsscachedir)"'
libja_flow_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
libja_flow_la_LIBADD = libja_domain.la

EXTRA_DIST += common/domain/common_passwords.txt common/domain/compile_words.awk
CLEANFILES += common/domain/common_passwords.c

common/domain/common_passwords.c: common/domain/common_passwords.txt common/domain/compile_words.awk
	@$(MKDIR_P) common/domain
	$(AM_V_GEN)LC_ALL=C $(AWK) -f $(srcdir)/common/domain/compile_words.awk \
	  $(srcdir)/common/domain/common_passwords.txt > $@.tmp && mv $@.tmp $@
