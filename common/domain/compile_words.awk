# Turns the word list into one C string, a newline before and after each word.  One string and no
# table of pointers: nothing has to be relocated when the module is loaded.
BEGIN { print "/* Generated from common_passwords.txt. */"; print "#include \"common/domain/password_blocklist.h\"\n"
        print "const char ja_common_passwords[] = \"\\n\"" }
/^# / || /^#$/ || /^$/ { next }
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\?/, "\\?"); printf "    \"%s\\n\"\n", $0; n++ }
END { printf "    ;\nconst size_t ja_common_passwords_len = sizeof ja_common_passwords - 1;\nconst size_t ja_common_passwords_count = %d;\n", n }
