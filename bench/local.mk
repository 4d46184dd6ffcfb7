# Benchmarks: built and run by `make bench` alone.
ja_bench_programs = bench/bare_hash bench/bench_login bench/bench_nss bench/bench_store bench/bench_tell bench/bench_token \
	bench/min_mint bench/min_verify bench/once_login bench/prepare bench/http/floor_http bench/http/prepare_http
EXTRA_PROGRAMS += $(ja_bench_programs)
EXTRA_LTLIBRARIES = bench/pam_empty.la
EXTRA_DIST += bench/run bench/README.md bench/http/.npmrc bench/http/package.json bench/http/package-lock.json \
	bench/http/bench_http.py bench/http/client.lua bench/http/work.js bench/http/express.js bench/http/fastify.js

bench_bare_hash_SOURCES = bench/bare_hash.c bench/stats.c bench/stats.h
bench_bare_hash_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
bench_bare_hash_LDADD = $(SODIUM_LIBS)

bench_once_login_SOURCES = bench/once_login.c bench/pam_app.c bench/pam_app.h bench/stats.c bench/stats.h
bench_once_login_LDADD = -lpam

bench_bench_login_SOURCES = bench/bench_login.c bench/pam_app.c bench/pam_app.h bench/stats.c bench/stats.h
bench_bench_login_LDADD = -lpam -loath

ja_bench_store = bench/store.c bench/store.h bench/stats.c bench/stats.h
bench_prepare_SOURCES = bench/prepare.c $(ja_bench_store)
bench_prepare_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
bench_prepare_LDADD = libja_flow.la -loath
bench_bench_store_SOURCES = bench/bench_store.c $(ja_bench_store)
bench_bench_store_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
bench_bench_store_LDADD = libja_flow.la

bench_bench_nss_SOURCES = bench/bench_nss.c bench/stats.c bench/stats.h
bench_bench_nss_CPPFLAGS = $(AM_CPPFLAGS) -DJA_NSS_CACHEDIR='"$(nsscachedir)"'
bench_bench_nss_LDADD = libja_flow.la

bench_bench_tell_SOURCES = bench/bench_tell.c $(ja_bench_store)
bench_bench_tell_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
bench_bench_tell_LDADD = libja_flow.la

ja_bench_floor = bench/floor.c bench/floor.h
ja_bench_floor_cflags = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
bench_bench_token_SOURCES = bench/bench_token.c $(ja_bench_floor) $(ja_bench_store)
bench_bench_token_CFLAGS = $(ja_bench_floor_cflags)
bench_bench_token_LDADD = libja_flow.la
bench_min_verify_SOURCES = bench/min_verify.c $(ja_bench_floor)
bench_min_verify_CFLAGS = $(ja_bench_floor_cflags)
bench_min_verify_LDADD = $(SODIUM_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
bench_min_mint_SOURCES = bench/min_mint.c $(ja_bench_floor)
bench_min_mint_CFLAGS = $(ja_bench_floor_cflags) $(SQLITE_CFLAGS) $(INI_CONFIG_CFLAGS)
bench_min_mint_LDADD = $(INI_CONFIG_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS)

bench_http_floor_http_SOURCES = bench/http/floor_http.c bench/stats.c bench/stats.h $(ja_bench_floor)
bench_http_floor_http_CFLAGS = $(ja_bench_floor_cflags) $(SQLITE_CFLAGS) $(MICROHTTPD_CFLAGS) -pthread
bench_http_floor_http_LDADD = $(SODIUM_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS) $(MICROHTTPD_LIBS) -lpthread
bench_http_prepare_http_SOURCES = bench/http/prepare_http.c $(ja_bench_store)
bench_http_prepare_http_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
bench_http_prepare_http_LDADD = libja_flow.la

# Linked to what pam_jwtauth.so is linked to, used or not.
bench_pam_empty_la_SOURCES = bench/pam_empty.c
bench_pam_empty_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(INI_CONFIG_CFLAGS) $(SQLITE_CFLAGS) \
	$(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
bench_pam_empty_la_LDFLAGS = -module -avoid-version -shared -rpath /nonexistent
bench_pam_empty_la_LIBADD = $(SODIUM_LIBS) $(INI_CONFIG_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) -lpam

bench-programs: $(ja_bench_programs) bench/pam_empty.la
bench: bench-programs
	$(SHELL) $(srcdir)/bench/run '$(abs_top_builddir)'
.PHONY: bench bench-programs
CLEANFILES += $(ja_bench_programs) bench/pam_empty.la
clean-local: clean-bench-http
clean-bench-http:
	rm -rf bench/http/node
.PHONY: clean-bench-http
