pam_LTLIBRARIES += pam_jwtauth.la
# For processes that are not root's: the client and the call it makes, without all else that sends.
pam_jwtauth_la_SOURCES = \
	common/client/client.c common/client/client.h \
	common/client/curl_answer.c common/client/curl_answer.h \
	common/notify/curl_call.c common/notify/curl_call.h \
	pam/pam_account.c \
	pam/pam_auth.c pam/pam_auth.h \
	pam/pam_context.c pam/pam_context.h \
	pam/pam_enroll.c pam/pam_enroll.h \
	pam/pam_entry.c \
	pam/pam_options.c pam/pam_options.h \
	pam/pam_password.c pam/pam_password.h \
	pam/pam_prompt.c pam/pam_prompt.h \
	pam/pam_remote.c pam/pam_remote.h \
	pam/pam_result.c pam/pam_result.h \
	pam/pam_session.c pam/pam_session.h \
	pam/pam_user.c \
	pam/ssh_info.c
pam_jwtauth_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
pam_jwtauth_la_LIBADD = libja_flow.la -lpam
pam_jwtauth_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -Wl,-z,defs \
	-Wl,--version-script=$(srcdir)/pam/pam_jwtauth.map
pam_jwtauth_la_DEPENDENCIES = libja_flow.la pam/pam_jwtauth.map
EXTRA_DIST += pam/pam_jwtauth.map

# Whole service files for Debian 12, examples for the administrator.
pamexampledir = $(docdir)/pam
dist_pamexample_DATA = packaging/pam/login packaging/pam/sshd packaging/pam/su packaging/pam/sudo \
	packaging/pam/sudo-i

# libtool's archive serves nobody in a folder of modules; it also names the module for uninstall.
install-data-hook:
	rm -f $(DESTDIR)$(pamdir)/pam_jwtauth.la
uninstall-hook:
	rm -f $(DESTDIR)$(pamdir)/pam_jwtauth.so $(DESTDIR)$(libdir)/libnss_jwtauth.so.2*
