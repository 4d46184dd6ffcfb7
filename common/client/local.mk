# Calls to jwtauthd: linked by authctl and by whoever else has no store of its own. libcurl is loaded at the first call.
noinst_LTLIBRARIES += libja_client.la
libja_client_la_SOURCES = common/client/client.c common/client/client.h
libja_client_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
libja_client_la_LIBADD = libja_notify.la
