# The daemon over both of its listeners, each file in a world of its own.
ja_http_bats = \
	tests/http/admin.bats \
	tests/http/auth.bats \
	tests/http/captcha.bats \
	tests/http/caddy.bats \
	tests/http/chores.bats \
	tests/http/cli.bats \
	tests/http/conceal.bats \
	tests/http/cookies.bats \
	tests/http/core.bats \
	tests/http/drain.bats \
	tests/http/fields.bats \
	tests/http/hostile.bats \
	tests/http/log.bats \
	tests/http/metrics.bats \
	tests/http/oauth.bats \
	tests/http/pentest.bats \
	tests/http/refused.bats \
	tests/http/storm.bats \
	tests/http/systemd.bats \
	tests/http/tell.bats \
	tests/http/token.bats \
	tests/http/walk.bats
EXTRA_DIST += $(ja_http_bats)
EXTRA_DIST += tests/http/activation.py
EXTRA_DIST += tests/http/hostile.py
EXTRA_DIST += tests/http/http.bash
EXTRA_DIST += tests/http/journal.py
EXTRA_DIST += tests/http/load.py
EXTRA_DIST += tests/http/metrics_check.py
EXTRA_DIST += tests/http/openapi_check.py
EXTRA_DIST += tests/http/siteverify.py
EXTRA_DIST += tests/http/storm.py
if HAVE_BATS
TESTS += $(ja_http_bats)
endif
