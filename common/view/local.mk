# How rows look to people and programs: the same keys from every front end.
noinst_LTLIBRARIES += libja_view.la
libja_view_la_SOURCES = \
	common/view/audit_row.c common/view/audit_row.h \
	common/view/introspection.c common/view/introspection.h \
	common/view/role_row.c common/view/role_row.h \
	common/view/row.c common/view/row.h \
	common/view/session_row.c common/view/session_row.h \
	common/view/user_row.c common/view/user_row.h
libja_view_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
libja_view_la_LIBADD = libja_domain.la
