# What a package installs beside the programs.  The PAM stanzas are examples for the administrator:
# no installation edits /etc/pam.d ("authctl pam enable" does, when asked to).
ja_services = \
	packaging/systemd/jwtauth-key-rotate.service \
	packaging/systemd/jwtauth-outbox.service \
	packaging/systemd/jwtauth-pam-rollback.service \
	packaging/systemd/jwtauth-purge.service \
	packaging/systemd/jwtauthd.service
EXTRA_DIST += $(addsuffix .in,$(ja_services)) packaging/jwtauth.sysusers packaging/jwtauth.tmpfiles

unitdir = $(prefix)/lib/systemd/system
dist_unit_DATA = \
	packaging/systemd/jwtauth-key-rotate.timer \
	packaging/systemd/jwtauth-outbox.timer \
	packaging/systemd/jwtauth-purge.timer \
	packaging/systemd/jwtauthd.socket
nodist_unit_DATA = $(ja_services)
CLEANFILES += $(ja_services)

packaging/systemd/%.service: packaging/systemd/%.service.in Makefile
	@$(MKDIR_P) packaging/systemd
	$(AM_V_GEN)$(SED) -e 's,@bindir[@],$(bindir),g' -e 's,@sbindir[@],$(sbindir),g' $< > $@.tmp && mv $@.tmp $@

install-data-local: install-packaging
install-packaging:
	$(MKDIR_P) '$(DESTDIR)$(prefix)/lib/sysusers.d' '$(DESTDIR)$(prefix)/lib/tmpfiles.d'
	$(INSTALL_DATA) $(srcdir)/packaging/jwtauth.sysusers '$(DESTDIR)$(prefix)/lib/sysusers.d/jwtauth.conf'
	$(INSTALL_DATA) $(srcdir)/packaging/jwtauth.tmpfiles '$(DESTDIR)$(prefix)/lib/tmpfiles.d/jwtauth.conf'
uninstall-local: uninstall-packaging
uninstall-packaging:
	rm -f '$(DESTDIR)$(prefix)/lib/sysusers.d/jwtauth.conf' '$(DESTDIR)$(prefix)/lib/tmpfiles.d/jwtauth.conf'
.PHONY: install-packaging uninstall-packaging

# For pam-auth-update(8) of Debian and its like: two, since what asks comes first and the session last.
pamconfigsdir = $(datadir)/pam-configs
dist_pamconfigs_DATA = packaging/pam-configs/jwtauth packaging/pam-configs/jwtauth-session

# Examples beside those of pam/: nothing here edits /etc/ssh.
sshdexampledir = $(docdir)/sshd_config.d
dist_sshdexample_DATA = packaging/sshd_config.d/jwtauth.conf
