# Turns NAME.txt and NAME.html files into the table of message_template.c, one C string a line.
BEGIN { print "/* Generated from common/notify/templates. */"; print "#include \"common/notify/template_builtin.h\"\n"
        print "const struct ja_builtin_template ja_builtin_templates[] = {" }
FNR == 1 {
    if (open) print "    },"
    name = FILENAME; sub(/.*\//, "", name)
    printf "    {\"%s\",\n", name
    open = 1
}
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "     \"%s\\n\"\n", $0 }
END { if (open) print "    },"; print "    {0, 0},\n};" }
