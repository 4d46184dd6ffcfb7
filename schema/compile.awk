# Turns NNNN_name.sql files into the table of migrate.h, one C string a line.
BEGIN { print "/* Generated from schema/NNNN_name.sql. */"; print "#include \"common/db/migrate.h\"\n"
        print "const struct ja_migration ja_migrations[] = {" }
FNR == 1 {
    if (open) print "    },"
    name = FILENAME; sub(/.*\//, "", name); sub(/\.sql$/, "", name)
    version = name; sub(/_.*/, "", version); sub(/^0+/, "", version)
    printf "    {%s, \"%s\",\n", version, name
    open = 1
}
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "     \"%s\\n\"\n", $0 }
END { if (open) print "    },"; print "    {0, 0, 0},\n};" }
