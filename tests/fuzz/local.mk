# Fuzz targets.  `make check` replays the corpora of the tree through each, built as every other test;
# `make fuzz` builds them once more with clang and libFuzzer below fuzz/ and lets them search.

ja_fuzz = \
	tests/fuzz/fuzz_audit_file \
	tests/fuzz/fuzz_cli \
	tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_hash \
	tests/fuzz/fuzz_http \
	tests/fuzz/fuzz_import \
	tests/fuzz/fuzz_jwks \
	tests/fuzz/fuzz_key_import \
	tests/fuzz/fuzz_moving \
	tests/fuzz/fuzz_nss \
	tests/fuzz/fuzz_otpauth \
	tests/fuzz/fuzz_pam_args \
	tests/fuzz/fuzz_pam_login \
	tests/fuzz/fuzz_policy \
	tests/fuzz/fuzz_ssh_key \
	tests/fuzz/fuzz_template \
	tests/fuzz/fuzz_text \
	tests/fuzz/fuzz_token \
	tests/fuzz/fuzz_token_claims
if HAVE_CMOCKA
check_PROGRAMS += $(ja_fuzz)
TESTS += $(ja_fuzz)
endif
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/dict tests/fuzz/run.sh tests/fuzz/README.md

ja_fuzz_replay = tests/fuzz/replay_main.c tests/fuzz/fuzz.h
ja_fuzz_keys = tests/fuzz/fuzz_keys.c tests/fuzz/fuzz_keys.h
tests_fuzz_fuzz_audit_file_SOURCES = tests/fuzz/fuzz_audit_file.c $(ja_fuzz_replay)
tests_fuzz_fuzz_cli_SOURCES = tests/fuzz/fuzz_cli.c $(ja_authctl_sources) $(ja_fuzz_replay)
tests_fuzz_fuzz_cli_CFLAGS = $(authctl_CFLAGS)
tests_fuzz_fuzz_cli_LDADD = $(authctl_LDADD)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(ja_fuzz_replay)
tests_fuzz_fuzz_hash_SOURCES = tests/fuzz/fuzz_hash.c $(ja_fuzz_replay)
ja_fuzz_http = tests/fuzz/fuzz_http_wire.c tests/fuzz/fuzz_http_wire.h tests/fuzz/fuzz_http_world.c tests/fuzz/fuzz_http_world.h
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c $(ja_fuzz_http) $(ja_request_sources) $(ja_fuzz_replay)
tests_fuzz_fuzz_http_CFLAGS = $(jwtauthd_CFLAGS)
tests_fuzz_fuzz_http_LDADD = libja_view.la libja_client.la libja_notify.la $(LDADD) $(MICROHTTPD_LIBS) -lpthread
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz_import.c $(ja_fuzz_replay)
tests_fuzz_fuzz_import_LDADD = libja_import.la $(LDADD)
tests_fuzz_fuzz_jwks_SOURCES = tests/fuzz/fuzz_jwks.c $(ja_fuzz_replay)
tests_fuzz_fuzz_key_import_SOURCES = tests/fuzz/fuzz_key_import.c $(ja_fuzz_replay)
tests_fuzz_fuzz_moving_SOURCES = tests/fuzz/fuzz_moving.c $(ja_fuzz_replay)
tests_fuzz_fuzz_moving_LDADD = libja_import.la $(LDADD)
# The module's own code, with a folder that the target opens under that number.
ja_fuzz_nss_module = nss/nss_buffer.c nss/nss_group.c nss/nss_local.c nss/nss_passwd.c
ja_fuzz_nss_defs = -DFUZZ_NSS_FD=97 -DJA_NSS_CACHEDIR='"/proc/self/fd/97"'
tests_fuzz_fuzz_nss_SOURCES = tests/fuzz/fuzz_nss.c $(ja_fuzz_nss_module) nss/nss_buffer.h nss/nss_entry.h $(ja_fuzz_replay)
tests_fuzz_fuzz_nss_CPPFLAGS = $(AM_CPPFLAGS) $(ja_fuzz_nss_defs)
tests_fuzz_fuzz_otpauth_SOURCES = tests/fuzz/fuzz_otpauth.c $(ja_fuzz_replay)
tests_fuzz_fuzz_pam_args_SOURCES = tests/fuzz/fuzz_pam_args.c pam/pam_options.c $(ja_fuzz_replay)
tests_fuzz_fuzz_pam_login_SOURCES = tests/fuzz/fuzz_pam_login.c $(ja_pam_world) $(ja_fuzz_replay)
tests_fuzz_fuzz_pam_login_LDADD = $(ja_pam_libs)
tests_fuzz_fuzz_pam_login_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz_policy.c $(ja_fuzz_replay)
tests_fuzz_fuzz_ssh_key_SOURCES = tests/fuzz/fuzz_ssh_key.c $(ja_fuzz_replay)
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz_template.c $(ja_fuzz_replay)
tests_fuzz_fuzz_template_LDADD = libja_notify.la $(LDADD)
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c $(ja_fuzz_replay)
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c $(ja_fuzz_keys) $(ja_fuzz_replay)
tests_fuzz_fuzz_token_claims_SOURCES = tests/fuzz/fuzz_token_claims.c $(ja_fuzz_keys) $(ja_fuzz_replay)

# ---- with clang: make fuzz [FUZZ=fuzz_x] [FUZZ_TIME=seconds], make fuzz-coverage ----

FUZZ_TIME = 1200
FUZZ = $(notdir $(ja_fuzz))

# Everything that a target may want, as one archive for each way of compiling.
ja_fuzz_objects = $(patsubst %.c,%.o,$(filter %.c, \
	$(libja_base_la_SOURCES) $(libja_db_la_SOURCES) $(nodist_libja_db_la_SOURCES) \
	$(libja_domain_la_SOURCES) $(nodist_libja_domain_la_SOURCES) $(libja_flow_la_SOURCES) \
	$(libja_import_la_SOURCES) $(libja_client_la_SOURCES) $(libja_notify_la_SOURCES) $(nodist_libja_notify_la_SOURCES) \
	$(libja_view_la_SOURCES) $(ja_fuzz_nss_module) pam/pam_options.c tests/fuzz/fuzz_keys.c tests/support/fake_clock.c tests/support/temp_store.c \
	tests/pam/pam_world.c))
ja_fuzz_pam_objects = $(patsubst %.c,%.o,$(filter %.c,$(pam_jwtauth_la_SOURCES)))
ja_fuzz_cli_objects = $(patsubst %.c,%.o,$(filter %.c,$(ja_authctl_sources)))
ja_fuzz_http_objects = $(patsubst %.c,%.o,$(filter %.c,$(ja_fuzz_http) $(ja_request_sources)))
ja_fuzz_cflags = -std=gnu11 -g -O1 -fno-omit-frame-pointer -fPIC -fvisibility=hidden -Wall -Wextra -Wno-unused-parameter \
	$(DEFS) $(AM_CPPFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(CRYPTO_CFLAGS) \
	$(INI_CONFIG_CFLAGS) $(CURL_CFLAGS) $(MICROHTTPD_CFLAGS) $(ja_fuzz_nss_defs) -MMD -MP
ja_fuzz_link = -rdynamic $(ja_fuzz_libs_sys)
ja_fuzz_libs_sys = $(SODIUM_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS) $(INI_CONFIG_LIBS) \
	$(MICROHTTPD_LIBS) -lpam -loath -lcrypt -lpthread -ldl
ja_fuzz_asan = -fsanitize=address,undefined -fno-sanitize-recover=undefined
ja_fuzz_cov = -fprofile-instr-generate -fcoverage-mapping
ja_fuzz_generated = common/notify/templates.c schema/migrations.c common/domain/common_passwords.c common/notify/templates.c

fuzz/asan/%.o: %.c | $(ja_fuzz_generated)
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(CLANG) $(ja_fuzz_cflags) $(ja_fuzz_asan) -fsanitize=fuzzer-no-link -DJA_FUZZ_ENGINE -c -o $@ $<
fuzz/cov/%.o: %.c | $(ja_fuzz_generated)
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(CLANG) $(ja_fuzz_cflags) $(ja_fuzz_cov) -c -o $@ $<
fuzz/asan/lib.a: $(ja_fuzz_objects:%=fuzz/asan/%)
	$(AM_V_AR)rm -f $@ && $(AR) cr $@ $^
fuzz/cov/lib.a: $(ja_fuzz_objects:%=fuzz/cov/%)
	$(AM_V_AR)rm -f $@ && $(AR) cr $@ $^
# The module calls the sanitizers and counters of the program that loads it.
fuzz/asan/.libs/pam_jwtauth.so: $(ja_fuzz_pam_objects:%=fuzz/asan/%) fuzz/asan/lib.a
	@$(MKDIR_P) $(@D)
	$(AM_V_CCLD)$(CLANG) -shared -Wl,--version-script=$(srcdir)/pam/pam_jwtauth.map -o $@ $^ $(ja_fuzz_libs_sys)
fuzz/cov/.libs/pam_jwtauth.so: $(ja_fuzz_pam_objects:%=fuzz/cov/%) fuzz/cov/lib.a
	@$(MKDIR_P) $(@D)
	$(AM_V_CCLD)$(CLANG) $(ja_fuzz_cov) -shared -Wl,--version-script=$(srcdir)/pam/pam_jwtauth.map -o $@ $^ \
	  $(ja_fuzz_libs_sys)
fuzz/asan/fuzz_pam_login: | fuzz/asan/.libs/pam_jwtauth.so
fuzz/cov/fuzz_pam_login: | fuzz/cov/.libs/pam_jwtauth.so
fuzz/asan/fuzz_cli: $(ja_fuzz_cli_objects:%=fuzz/asan/%)
fuzz/asan/fuzz_http: $(ja_fuzz_http_objects:%=fuzz/asan/%)
fuzz/cov/fuzz_http: $(ja_fuzz_http_objects:%=fuzz/cov/%)
fuzz/cov/fuzz_cli: $(ja_fuzz_cli_objects:%=fuzz/cov/%)
fuzz/asan/fuzz_%: fuzz/asan/tests/fuzz/fuzz_%.o fuzz/asan/lib.a
	$(AM_V_CCLD)$(CLANG) $(ja_fuzz_asan) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(filter %.a,$^) $(ja_fuzz_link)
fuzz/cov/fuzz_%: fuzz/cov/tests/fuzz/fuzz_%.o fuzz/cov/tests/fuzz/replay_main.o fuzz/cov/lib.a
	$(AM_V_CCLD)$(CLANG) $(ja_fuzz_cov) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(ja_fuzz_link)
.PRECIOUS: fuzz/asan/%.o fuzz/cov/%.o
-include $(wildcard fuzz/*/*/*.d fuzz/*/*/*/*.d)

fuzz-clang:
	@$(CLANG) --version >/dev/null 2>&1 || \
	  { echo 'make fuzz needs clang with libFuzzer (Debian: clang, llvm), then configure again' >&2; exit 1; }
fuzz-build: fuzz-clang
	$(MAKE) $(FUZZ:%=fuzz/asan/%)
fuzz: fuzz-build
	CLANG='$(CLANG)' FUZZ_TIME='$(FUZZ_TIME)' $(SHELL) $(srcdir)/tests/fuzz/run.sh search '$(abs_top_srcdir)' fuzz $(FUZZ)
fuzz-coverage: fuzz-clang
	$(MAKE) $(FUZZ:%=fuzz/cov/%)
	LLVM_COV='$(LLVM_COV)' LLVM_PROFDATA='$(LLVM_PROFDATA)' \
	  $(SHELL) $(srcdir)/tests/fuzz/run.sh coverage '$(abs_top_srcdir)' fuzz $(FUZZ)
.PHONY: fuzz fuzz-clang fuzz-build fuzz-coverage

clean-local: clean-fuzz
clean-fuzz:
	rm -rf fuzz
.PHONY: clean-fuzz
