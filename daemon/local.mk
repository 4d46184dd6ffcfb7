sbin_PROGRAMS += jwtauthd
# What happens to a request, on whatever thread.
ja_request_sources = \
	daemon/answer.c daemon/answer.h \
	daemon/call.c daemon/call.h \
	daemon/caller.c daemon/caller.h \
	daemon/captcha.c daemon/captcha.h \
	daemon/conn.c daemon/conn.h \
	daemon/cookies.c daemon/cookies.h \
	daemon/cors.c daemon/cors.h \
	daemon/failures.c daemon/failures.h \
	daemon/forwarded.c daemon/forwarded.h \
	daemon/gate.c daemon/gate.h \
	daemon/http.c daemon/http.h \
	daemon/later.c daemon/later.h \
	daemon/metrics.c daemon/metrics.h \
	daemon/openapi.c daemon/openapi.h \
	daemon/prove.c daemon/prove.h \
	daemon/request.c daemon/request.h daemon/request_body.c daemon/request_head.c daemon/request_impl.h \
	daemon/response.c daemon/response.h \
	daemon/page.c daemon/page.h \
	daemon/route_audit.c \
	daemon/route_factor.c \
	daemon/route_gate.c \
	daemon/route_login.c \
	daemon/route_oauth.c \
	daemon/route_own.c \
	daemon/route_password.c \
	daemon/route_profile.c \
	daemon/route_register.c \
	daemon/route_roles.c \
	daemon/route_service.c \
	daemon/route_token.c \
	daemon/route_users.c \
	daemon/routes.c daemon/routes.h \
	daemon/target.c daemon/target.h \
	daemon/tokens_answer.c daemon/tokens_answer.h
ja_jwtauthd_sources = \
	daemon/chores.c daemon/chores.h \
	daemon/listen.c daemon/listen.h \
	daemon/log.c daemon/log.h \
	daemon/loop.c daemon/loop.h \
	daemon/pool.c daemon/pool.h \
	daemon/privileges.c daemon/privileges.h \
	daemon/server.c daemon/server.h \
	daemon/systemd.c daemon/systemd.h \
	daemon/thread.c daemon/thread.h \
	$(ja_request_sources)
jwtauthd_SOURCES = daemon/jwtauthd.c $(ja_jwtauthd_sources)
jwtauthd_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(MICROHTTPD_CFLAGS) -pthread
jwtauthd_LDADD = libja_view.la libja_client.la libja_notify.la libja_flow.la $(MICROHTTPD_LIBS) -lpthread
