# Delivery of messages: linked by authctl (later the daemon), never by the PAM module.
noinst_LTLIBRARIES += libja_notify.la
libja_notify_la_SOURCES = \
	common/notify/curl_call.c common/notify/curl_call.h \
	common/notify/deliver.c common/notify/deliver.h \
	common/notify/mail_header.c common/notify/mail_header.h \
	common/notify/message_template.c common/notify/message_template.h \
	common/notify/provider.h common/notify/provider_check.c common/notify/provider_common.c \
	common/notify/provider_command.c common/notify/provider_http.c common/notify/provider_smtp.c \
	common/base/subprocess.c common/base/subprocess.h \
	common/notify/template_builtin.h common/notify/template_text.c
nodist_libja_notify_la_SOURCES = common/notify/templates.c
libja_notify_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
libja_notify_la_LIBADD = libja_domain.la

ja_templates = \
	common/notify/templates/address_changed.html common/notify/templates/address_changed.txt \
	common/notify/templates/grant_ended.html common/notify/templates/grant_ended.txt \
	common/notify/templates/invite_email.html common/notify/templates/invite_email.txt \
	common/notify/templates/invite_sms.txt \
	common/notify/templates/mfa_disabled.html common/notify/templates/mfa_disabled.txt \
	common/notify/templates/new_source.html common/notify/templates/new_source.txt \
	common/notify/templates/password_changed.html common/notify/templates/password_changed.txt \
	common/notify/templates/register_taken.html common/notify/templates/register_taken.txt \
	common/notify/templates/reset_email.html common/notify/templates/reset_email.txt \
	common/notify/templates/reset_sms.txt \
	common/notify/templates/ssh_key_added.html common/notify/templates/ssh_key_added.txt \
	common/notify/templates/ssh_key_removed.html common/notify/templates/ssh_key_removed.txt \
	common/notify/templates/verify_email.html common/notify/templates/verify_email.txt \
	common/notify/templates/verify_phone.txt \
	common/notify/templates/welcome.html common/notify/templates/welcome.txt
EXTRA_DIST += $(ja_templates) common/notify/compile_templates.awk
CLEANFILES += common/notify/templates.c

common/notify/templates.c: $(ja_templates) common/notify/compile_templates.awk
	@$(MKDIR_P) common/notify
	$(AM_V_GEN)LC_ALL=C $(AWK) -f $(srcdir)/common/notify/compile_templates.awk \
	  $(addprefix $(srcdir)/,$(ja_templates)) > $@.tmp && mv $@.tmp $@
