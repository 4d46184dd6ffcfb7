# Calls to jwtauthd (linked by authctl) and to captcha services (linked by jwtauthd). libcurl is loaded at the first call.
noinst_LTLIBRARIES += libja_client.la
libja_client_la_SOURCES = \
	common/client/client.c common/client/client.h \
	common/client/curl_answer.c common/client/curl_answer.h \
	common/client/siteverify.c common/client/siteverify.h
libja_client_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
libja_client_la_LIBADD = libja_notify.la
