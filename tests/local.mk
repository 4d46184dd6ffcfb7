# Unit tests: one cmocka program per module, TAP output.  CLI and PAM tests: bats, each file in a
# private mount namespace (tests/support/in-world).  Lints: plain exit codes.

ja_unit = \
	tests/unit/test_audit \
	tests/unit/test_audit_log \
	tests/unit/test_auth_finish \
	tests/unit/test_auth_flow \
	tests/unit/test_account_flow \
	tests/unit/test_client \
	tests/unit/test_code_limit \
	tests/unit/test_config \
	tests/unit/test_contact_flow \
	tests/unit/test_credential_flow \
	tests/unit/test_cross_check \
	tests/unit/test_cve_login \
	tests/unit/test_cve_tokens \
	tests/unit/test_cve_identity \
	tests/unit/test_cve_reset \
	tests/unit/test_db \
	tests/unit/test_db_files \
	tests/unit/test_dynload \
	tests/unit/test_db_maint \
	tests/unit/test_enroll_flow \
	tests/unit/test_failures \
	tests/unit/test_file_guard \
	tests/unit/test_import \
	tests/unit/test_jwk \
	tests/unit/test_jws \
	tests/unit/test_key_flow \
	tests/unit/test_last_admin \
	tests/unit/test_login_token \
	tests/unit/test_local_user \
	tests/unit/test_net \
	tests/unit/test_new_source \
	tests/unit/test_one_time_token \
	tests/unit/test_password_hash \
	tests/unit/test_password_policy \
	tests/unit/test_permit \
	tests/unit/test_planned \
	tests/unit/test_nss \
	tests/unit/test_policy \
	tests/unit/test_policy_rule \
	tests/unit/test_query_plan \
	tests/unit/test_recovery_code \
	tests/unit/test_remember \
	tests/unit/test_reset_flow \
	tests/unit/test_seal \
	tests/unit/test_service \
	tests/unit/test_session \
	tests/unit/test_setup \
	tests/unit/test_ssh_key \
	tests/unit/test_ssh_snapshot \
	tests/unit/test_text \
	tests/unit/test_role \
	tests/unit/test_throttle \
	tests/unit/test_timezone \
	tests/unit/test_token \
	tests/unit/test_token_renew \
	tests/unit/test_token_roles \
	tests/unit/test_totp \
	tests/unit/test_user

if HAVE_CMOCKA
check_PROGRAMS += $(ja_unit)
TESTS += $(ja_unit)
check_LTLIBRARIES += libja_testsupport.la tests/support/libjwt.la
endif

libja_testsupport_la_SOURCES = \
	tests/support/temp_db.c tests/support/temp_db.h \
	tests/support/temp_store.c tests/support/temp_store.h \
	tests/support/fake_clock.c tests/support/fake_clock.h \
	tests/support/forge.c tests/support/forge.h \
	tests/support/letters.c tests/support/letters.h \
	tests/support/parallel.c tests/support/parallel.h \
	tests/support/core_search.c tests/support/core_search.h \
	tests/support/process_state.c tests/support/process_state.h \
	tests/support/traced.c tests/support/traced.h
libja_testsupport_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(CRYPTO_CFLAGS)
libja_testsupport_la_LIBADD = libja_flow.la

LDADD = libja_testsupport.la libja_flow.la $(CMOCKA_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS)
ja_auth_world = tests/unit/auth_world.c tests/unit/auth_world.h
tests_unit_test_auth_finish_SOURCES = tests/unit/test_auth_finish.c $(ja_auth_world)
tests_unit_test_auth_finish_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_auth_flow_SOURCES = tests/unit/test_auth_flow.c $(ja_auth_world)
tests_unit_test_auth_flow_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_code_limit_SOURCES = tests/unit/test_code_limit.c $(ja_auth_world)
tests_unit_test_code_limit_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_cve_reset_SOURCES = tests/unit/test_cve_reset.c $(ja_auth_world)
tests_unit_test_cve_reset_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_enroll_flow_SOURCES = tests/unit/test_enroll_flow.c $(ja_auth_world)
tests_unit_test_enroll_flow_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_login_token_SOURCES = tests/unit/test_login_token.c $(ja_auth_world)
tests_unit_test_login_token_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_remember_SOURCES = tests/unit/test_remember.c $(ja_auth_world)
tests_unit_test_remember_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_reset_flow_SOURCES = tests/unit/test_reset_flow.c $(ja_auth_world)
tests_unit_test_reset_flow_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_failures_SOURCES = tests/unit/test_failures.c daemon/failures.c daemon/failures.h
tests_unit_test_failures_LDADD = $(LDADD) -lpthread
tests_unit_test_client_LDADD = libja_client.la libja_notify.la $(LDADD)
tests_unit_test_service_SOURCES = tests/unit/test_service.c $(ja_auth_world)
tests_unit_test_service_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_nss_SOURCES = tests/unit/test_nss.c nss/nss_buffer.c nss/nss_buffer.h nss/nss_entry.h \
	nss/nss_group.c nss/nss_local.c nss/nss_passwd.c
tests_unit_test_nss_CPPFLAGS = $(AM_CPPFLAGS) -DJA_NSS_CACHEDIR='"test_nss.tmp"'
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c $(ja_auth_world)
tests_unit_test_policy_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_new_source_SOURCES = tests/unit/test_new_source.c $(ja_auth_world)
tests_unit_test_new_source_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_import_SOURCES = tests/unit/test_import.c $(ja_auth_world)
tests_unit_test_import_LDADD = libja_testsupport.la libja_import.la $(LDADD) -loath -lcrypt
tests_support_libjwt_la_SOURCES = tests/support/liar_jwt.c
tests_support_libjwt_la_LDFLAGS = -version-info 0:0:0 -shared -rpath /nowhere
tests_unit_test_cross_check_LDADD = $(LDADD) -ldl
tests_unit_test_jwk_SOURCES = tests/unit/test_jwk.c tests/unit/jose_vectors.h
tests_unit_test_jws_SOURCES = tests/unit/test_jws.c tests/unit/jose_vectors.h
tests_unit_test_credential_flow_LDADD = $(LDADD) -loath
tests_unit_test_cve_login_SOURCES = tests/unit/test_cve_login.c $(ja_auth_world)
tests_unit_test_cve_login_LDADD = $(LDADD) -loath -lcrypt
tests_unit_test_password_hash_LDADD = $(LDADD) -lcrypt -lpthread
tests_unit_test_permit_LDADD = libja_testsupport.la libja_notify.la $(LDADD) -loath
tests_unit_test_role_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_totp_LDADD = $(LDADD) -loath
tests_unit_test_query_plan_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)

# The real module under the real libpam, on a temporary store; root only.
ja_pamtests = \
	tests/pam/test_cve_pam \
	tests/pam/test_enroll \
	tests/pam/test_hostile \
	tests/pam/test_login \
	tests/pam/test_policy_matrix \
	tests/pam/test_returns
ja_pam_world = tests/pam/pam_world.c tests/pam/pam_world.h
ja_pam_libs = $(LDADD) -lpam -loath -lpthread
tests_pam_test_cve_pam_SOURCES = tests/pam/test_cve_pam.c $(ja_pam_world)
tests_pam_test_cve_pam_LDADD = $(ja_pam_libs)
tests_pam_test_cve_pam_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_pam_test_enroll_SOURCES = tests/pam/test_enroll.c $(ja_pam_world)
tests_pam_test_enroll_LDADD = $(ja_pam_libs)
tests_pam_test_enroll_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_pam_test_hostile_SOURCES = tests/pam/test_hostile.c $(ja_pam_world)
tests_pam_test_hostile_LDADD = $(ja_pam_libs)
tests_pam_test_hostile_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_pam_test_login_SOURCES = tests/pam/test_login.c $(ja_pam_world)
tests_pam_test_login_LDADD = $(ja_pam_libs)
tests_pam_test_login_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_pam_test_policy_matrix_SOURCES = tests/pam/test_policy_matrix.c $(ja_pam_world)
tests_pam_test_policy_matrix_LDADD = $(ja_pam_libs)
tests_pam_test_policy_matrix_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_pam_test_returns_SOURCES = tests/pam/test_returns.c $(ja_pam_world)
tests_pam_test_returns_LDADD = $(ja_pam_libs)
tests_pam_test_returns_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
if HAVE_CMOCKA
check_PROGRAMS += $(ja_pamtests)
TESTS += $(ja_pamtests)
endif

# What is left in memory: the programs that are searched know nothing of what is looked for.
ja_hygiene = \
	tests/hygiene/test_core_authctl \
	tests/hygiene/test_core_pam \
	tests/hygiene/test_many_logins \
	tests/hygiene/test_threads
ja_hygiene_secrets = tests/hygiene/secrets.c tests/hygiene/secrets.h
tests_hygiene_pam_app_LDADD = -lpam
tests_hygiene_pam_app_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_hygiene_test_core_authctl_SOURCES = tests/hygiene/test_core_authctl.c $(ja_hygiene_secrets)
tests_hygiene_test_core_authctl_LDADD = $(LDADD) -loath
tests_hygiene_test_core_pam_SOURCES = tests/hygiene/test_core_pam.c $(ja_hygiene_secrets) $(ja_pam_world)
tests_hygiene_test_core_pam_LDADD = $(ja_pam_libs) -lcrypt
tests_hygiene_test_core_pam_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_hygiene_test_many_logins_SOURCES = tests/hygiene/test_many_logins.c $(ja_pam_world)
tests_hygiene_test_many_logins_LDADD = $(ja_pam_libs)
tests_hygiene_test_many_logins_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_hygiene_test_threads_SOURCES = tests/hygiene/test_threads.c $(ja_pam_world)
tests_hygiene_test_threads_LDADD = $(ja_pam_libs)
tests_hygiene_test_threads_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
# ThreadSanitizer, in a build of its own.
ja_tsan = tests/hygiene/test_threads tests/unit/test_password_hash
check-tsan:
	@$(MKDIR_P) tsan
	cd tsan && { test -f Makefile || $(abs_top_srcdir)/configure -q --enable-sanitizers=thread CC='$(CC)'; }
	cd tsan && $(MAKE) all && $(MAKE) $(ja_tsan)
	cd tsan && for t in $(ja_tsan); do \
	  $(AM_TESTS_ENVIRONMENT) top_builddir='$(abs_top_builddir)/tsan' TSAN_OPTIONS='exitcode=66 second_deadlock_stack=1' \
	    ./$$t || exit 1; done
.PHONY: check-tsan
# Under valgrind: a few programs in make check, all of them (an hour) in check-valgrind.
dist_check_SCRIPTS += tests/hygiene/check_valgrind.sh
EXTRA_DIST += tests/hygiene/valgrind.supp
if HAVE_CMOCKA
TESTS += tests/hygiene/check_valgrind.sh
endif
check-valgrind: all $(ja_unit) $(ja_pamtests) tests/hygiene/test_threads$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/hygiene/check_valgrind.sh $(ja_unit) $(ja_pamtests) \
	  tests/hygiene/test_threads
.PHONY: check-valgrind
# The long form, about five minutes.
hygiene-long: all tests/hygiene/test_many_logins$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) JA_LOGINS=10000 tests/hygiene/test_many_logins$(EXEEXT)
.PHONY: hygiene-long
if HAVE_CMOCKA
check_PROGRAMS += $(ja_hygiene) tests/hygiene/pam_app
TESTS += $(ja_hygiene)
endif

dist_check_SCRIPTS += tests/lint/check_nss_module.sh
TESTS += tests/lint/check_nss_module.sh
dist_check_SCRIPTS += tests/pam/check_module.sh
TESTS += tests/pam/check_module.sh

TEST_EXTENSIONS = .bats .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' CMOCKA_MESSAGE_OUTPUT=TAP $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
BATS_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
BATS_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/support/run-bats
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' CC='$(CC)'; \
	export top_srcdir top_builddir CC; \
	unset JWTAUTH_CONFIG;

EXTRA_DIST += tests/support/in-world tests/support/run-bats

ja_lints = \
	tests/lint/check_banned.sh \
	tests/lint/check_headers.sh \
	tests/lint/check_install.sh \
	tests/lint/check_layers.sh \
	tests/lint/check_listed.sh \
	tests/lint/check_man.sh \
	tests/lint/check_pam_man.sh \
	tests/lint/check_requirements.sh \
	tests/lint/check_results.sh \
	tests/lint/check_routes.sh \
	tests/lint/check_scripts.sh \
	tests/lint/check_secrets.sh \
	tests/lint/check_security_audit.sh \
	tests/lint/check_security_page.sh \
	tests/lint/check_sql.sh \
	tests/lint/check_warnings.sh
dist_check_SCRIPTS += $(ja_lints)
EXTRA_DIST += tests/requirements.txt
TESTS += $(ja_lints)

# Each bats file runs in a world of its own.
ja_bats = \
	tests/cli/audit.bats \
	tests/cli/basics.bats \
	tests/cli/bulk.bats \
	tests/cli/config.bats \
	tests/cli/contract.bats \
	tests/cli/cve.bats \
	tests/cli/danger.bats \
	tests/cli/db.bats \
	tests/cli/doctor.bats \
	tests/cli/export.bats \
	tests/cli/help.bats \
	tests/cli/import.bats \
	tests/cli/init.bats \
	tests/cli/jwks_url.bats \
	tests/cli/key.bats \
	tests/cli/login.bats \
	tests/cli/outbox.bats \
	tests/cli/parallel.bats \
	tests/cli/password.bats \
	tests/cli/prompt.bats \
	tests/cli/rows.bats \
	tests/cli/register.bats \
	tests/cli/secrets.bats \
	tests/cli/service.bats \
	tests/cli/session.bats \
	tests/cli/ssh_key.bats \
	tests/cli/policy.bats \
	tests/cli/role.bats \
	tests/cli/throttle.bats \
	tests/cli/token.bats \
	tests/cli/token_get.bats \
	tests/cli/totp.bats \
	tests/cli/user.bats \
	tests/interop/interop.bats
# Programs of the system cannot load a module that wants AddressSanitizer's runtime.
ja_e2e = \
	tests/e2e/import.bats \
	tests/e2e/lock.bats \
	tests/e2e/enroll.bats \
	tests/e2e/login.bats \
	tests/e2e/nss.bats \
	tests/e2e/pam_auth_update.bats \
	tests/e2e/pam_enable.bats \
	tests/e2e/policy.bats \
	tests/e2e/renew.bats \
	tests/e2e/sshd.bats \
	tests/e2e/sshd_keys.bats \
	tests/e2e/sshd_token.bats \
	tests/e2e/stepup.bats \
	tests/e2e/su.bats \
	tests/e2e/sudo.bats \
	tests/e2e/token_get.bats \
	tests/e2e/unlock.bats
EXTRA_DIST += tests/interop/.npmrc tests/interop/package.json tests/interop/package-lock.json \
	tests/interop/jose.mjs tests/interop/libjwt_verify.c tests/interop/pyjwt.py
# What breaks below us; pamtester there has a preloaded library as well.
ja_fault_bats = \
	tests/fault/commands.bats \
	tests/fault/kill9.bats \
	tests/fault/matrix.bats
EXTRA_DIST += $(ja_fault_bats) tests/fault/commands.py tests/fault/kill9.py tests/fault/world.bash
EXTRA_DIST += $(ja_bats) $(ja_e2e) tests/support/cli.bash tests/support/storm.py tests/support/demo tests/support/on-tty.exp tests/e2e/e2e.bash
if HAVE_BATS
TESTS += $(ja_bats)
if !SANITIZERS
TESTS += $(ja_e2e) $(ja_fault_bats)
check_LTLIBRARIES += tests/fault/syslog.la
endif
endif

# Processes killed at seeded moments.
if HAVE_CMOCKA
check_PROGRAMS += tests/fault/test_kill9
TESTS += tests/fault/test_kill9
endif

# Faults: an LD_PRELOAD library lets the Nth call fail.  Not with AddressSanitizer, which must come first.
if HAVE_CMOCKA
if !SANITIZERS
check_LTLIBRARIES += tests/fault/inject.la
check_PROGRAMS += tests/fault/test_pam_faults
TESTS += tests/fault/test_pam_faults
endif
endif
tests_fault_inject_la_SOURCES = tests/fault/inject.c tests/fault/inject.h
tests_fault_inject_la_LIBADD = $(SQLITE_LIBS) -ldl
tests_fault_inject_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
tests_fault_syslog_la_SOURCES = tests/fault/syslog.c
tests_fault_syslog_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
tests_fault_test_pam_faults_SOURCES = tests/fault/test_pam_faults.c $(ja_pam_world)
tests_fault_test_pam_faults_LDADD = $(ja_pam_libs) -ldl -lcrypt
tests_fault_test_pam_faults_LDFLAGS = $(AM_LDFLAGS) -export-dynamic

# jose, fetched by npm.
clean-local: clean-interop
clean-interop:
	rm -rf tests/interop/node
.PHONY: clean-interop

# The long forms: every allocation, read and write of the commands, a thousand kills.
fault-long: all tests/fault/syslog.la tests/fault/inject.la
	cd $(top_builddir) && for t in $(ja_fault_bats); do \
		$(AM_TESTS_ENVIRONMENT) JA_KILLS=1000 JA_FAULT_ALL=1 \
		$(SHELL) $(abs_top_srcdir)/tests/support/run-bats $(abs_top_srcdir)/$$t || exit 1; done
.PHONY: fault-long
