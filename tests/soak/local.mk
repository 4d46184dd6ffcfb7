# make soak: half an hour of everything at once, not part of make check.
SOAK_TIME ?= 1800
EXTRA_DIST += tests/soak/README.md tests/soak/soak.bats tests/soak/soak.py
soak: all
	SOAK_TIME=$(SOAK_TIME) top_srcdir=$(abs_top_srcdir) top_builddir=$(abs_top_builddir) \
		$(srcdir)/tests/support/run-bats $(srcdir)/tests/soak/soak.bats
.PHONY: soak
