ja_schema_files = schema/0001_initial.sql schema/0002_attack.sql schema/0003_lifecycle.sql \
	schema/0004_policy_system_services.sql
EXTRA_DIST += $(ja_schema_files) schema/compile.awk
CLEANFILES += schema/migrations.c

schema/migrations.c: $(ja_schema_files) schema/compile.awk
	@$(MKDIR_P) schema
	$(AM_V_GEN)LC_ALL=C $(AWK) -f $(srcdir)/schema/compile.awk \
	  $(addprefix $(srcdir)/,$(ja_schema_files)) > $@.tmp && mv $@.tmp $@
