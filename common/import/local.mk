# Files that administrators bring along.  Linked by authctl alone.
noinst_LTLIBRARIES += libja_import.la
libja_import_la_SOURCES = \
	common/import/csv_table.c common/import/csv_table.h \
	common/import/import_google_authenticator.c common/import/import_google_authenticator.h \
	common/import/import_oath_users.c common/import/import_oath_users.h \
	common/import/import_shadow.c common/import/import_shadow.h \
	common/import/text_lines.c common/import/text_lines.h \
	common/import/user_file.c common/import/user_file.h
libja_import_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
libja_import_la_LIBADD = libja_flow.la
