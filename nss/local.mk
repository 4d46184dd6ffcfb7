# libnss_jwtauth.so.2: libc only.  The 2 is glibc's number for the interface, not a version of ours.
lib_LTLIBRARIES += libnss_jwtauth.la
libnss_jwtauth_la_SOURCES = \
	common/base/nss_format.h \
	common/base/nss_snapshot.c common/base/nss_snapshot.h \
	nss/nss_buffer.c nss/nss_buffer.h nss/nss_entry.h \
	nss/nss_group.c nss/nss_local.c nss/nss_passwd.c
libnss_jwtauth_la_CPPFLAGS = $(AM_CPPFLAGS) -DJA_NSS_CACHEDIR='"$(nsscachedir)"'
libnss_jwtauth_la_CFLAGS = $(AM_CFLAGS)
libnss_jwtauth_la_LDFLAGS = $(AM_LDFLAGS) -version-info 2:0:0 -shared -Wl,-z,defs -Wl,-z,nodelete \
	-Wl,--version-script=$(srcdir)/nss/libnss_jwtauth.map
libnss_jwtauth_la_DEPENDENCIES = nss/libnss_jwtauth.map
EXTRA_DIST += nss/libnss_jwtauth.map

# Nobody links to it: neither libtool's archive nor the name for the linker serves anyone.
install-exec-hook:
	rm -f $(DESTDIR)$(libdir)/libnss_jwtauth.la $(DESTDIR)$(libdir)/libnss_jwtauth.so
