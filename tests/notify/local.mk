# Delivery: real servers on loopback, each file in a world of its own.
ja_notify_bats = \
	tests/notify/http.bats \
	tests/notify/lifecycle.bats \
	tests/notify/smtp.bats
EXTRA_DIST += $(ja_notify_bats) tests/notify/notify.bash tests/support/smtp_server.py tests/support/http_server.py
if HAVE_BATS
TESTS += $(ja_notify_bats)
endif
