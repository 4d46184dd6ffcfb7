#!/bin/sh
# SQL stands in common/domain (and in the drivers, the schema and tests), in the subset that both engines
# take, and is never built from pieces at run time (STYLE 33, 34): values are bound and nothing else
# (CVE-2022-4254, CVE-2026-44840).
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 2
bad=0

# complain WHY FOUND: FOUND is grep's lines, or nothing
complain() {
    [ -n "$2" ] || return 0
    printf '%s\ncheck_sql: %s\n' "$2" "$1" >&2
    bad=1
}

# C files with comments and what is no string literal blanked out: "file:line:literals".  In place of the
# literals' own line breaks a statement stays on several lines; the patterns below need only pieces.
literals() {
    awk '
    FNR == 1 { comment = 0 }
    {
        out = ""; rest = $0; quoted = 0
        while (rest != "") {
            two = substr(rest, 1, 2); one = substr(rest, 1, 1)
            if (comment) {
                if (two == "*/") { comment = 0; rest = substr(rest, 3) } else rest = substr(rest, 2)
            } else if (quoted) {
                if (one == "\\") { out = out two; rest = substr(rest, 3); continue }
                if (one == "\"") { quoted = 0; out = out "\" " } else out = out one
                rest = substr(rest, 2)
            } else if (two == "/*") { comment = 1; rest = substr(rest, 3) }
            else if (two == "//") rest = ""
            else if (substr(rest, 1, 3) == "\047\"\047") rest = substr(rest, 4)
            else if (one == "\"") { quoted = 1; out = out "\""; rest = substr(rest, 2) }
            else { if (match(rest, /^[A-Za-z_][A-Za-z_0-9]*\(/)) { out = out substr(rest, 1, RLENGTH) " "; rest = substr(rest, RLENGTH + 1) }
                   else if (match(rest, /^[A-Za-z_0-9]+/)) rest = substr(rest, RLENGTH + 1)
                   else rest = substr(rest, 2) }
        }
        if (out ~ /"/) print FILENAME ":" FNR ":" out
    }' "$@"
}

statement='"(SELECT|INSERT INTO|INSERT OR|UPDATE [a-z_]+ SET|DELETE FROM|CREATE (TABLE|INDEX|UNIQUE)|DROP (TABLE|INDEX)|ALTER TABLE|PRAGMA|REPLACE INTO|WITH RECURSIVE|BEGIN IMMEDIATE|VACUUM|ATTACH)( |"|;|$)'

# all_literals FOLDER...
all_literals() {
    find "$@" -name '*.[ch]' | sort | while read -r file; do
        literals "$file"
    done
}

# Elsewhere there is none at all.
complain 'SQL belongs next to the domain function that uses it' \
    "$(all_literals common/base common/flow common/view cli pam daemon | grep -E "$statement")"

# Above the drivers only through the macros that take literals.
complain 'ja_db_exec and ja_db_query take literals; the functions behind them are not for others' \
    "$(grep -rnE 'ja_db_(exec|query)_ *\(' common/domain common/flow cli pam daemon --include='*.[ch]')"
complain 'only the drivers call an engine' \
    "$(grep -rnE 'sqlite3_|PQexec' common/base common/domain common/flow cli pam daemon --include='*.[ch]')"

# In the domain: both engines must take it.
domain=$(all_literals common/domain)
in_domain() {
    complain "$2" "$(printf '%s\n' "$domain" | grep -E "$1")"
}
# shellcheck disable=SC2016 # the dollar is SQL's
in_domain '(=|<|>|\(|,|LIMIT|IN) *\?[0-9]*( |,|\)|")' 'parameters are $1, $2, ...'
in_domain '"[^"]*\b(BLOB|AUTOINCREMENT|WITHOUT ROWID|GLOB|IFNULL|rowid)\b' 'SQLite only'
in_domain '"[^"]*\b(datetime|strftime|julianday|unixepoch|printf|last_insert_rowid|changes|json_extract)\(' 'SQLite only'
in_domain '"[^"]*\b(INSERT OR|REPLACE INTO|UPDATE OR)\b' 'write ON CONFLICT'
in_domain '"[^"]*\b(PRAGMA|ATTACH|VACUUM|COLLATE NOCASE|sqlite_schema|sqlite_master)\b' 'the drivers do that'
in_domain '"[^"]*\b(ILIKE|SERIAL|BYTEA|JSONB|now\(\)|FOR UPDATE|::[a-z])' 'PostgreSQL only'
in_domain '(printf|strcat|strcpy|stpcpy)\( .*'"$statement" 'SQL is not built at run time'
in_domain "$statement"'.*%[sdlzu]' 'SQL is not built at run time'

# And in the schema, which is written once for both.
complain 'schema: TEXT and BIGINT, no triggers, no views' \
    "$(sed 's/--.*//' schema/[0-9]*.sql |
        grep -nE '\b(BLOB|AUTOINCREMENT|INTEGER|WITHOUT ROWID|DATETIME|COLLATE|TRIGGER|VIEW|INSERT OR|STRICT)\b')"
exit $bad
