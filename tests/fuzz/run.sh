#!/bin/sh
# Runs fuzz targets: run.sh search|coverage SOURCE-FOLDER BUILD-FOLDER TARGET...
# search: each for $FUZZ_TIME seconds from the corpus of the tree and what earlier runs found; fails on a finding.
# coverage: what the corpus of the tree alone reaches, by clang's counters.
set -eu
what=$1 src=$2 out=$3
shift 3

# The last value of a statistic of libFuzzer's log.
stat_of() {
    sed -n "s/^stat::$2: *//p" "$1" | tail -n 1
}

# search_one TARGET: one line of figures; the log and what was found stay in $out.
search_one() {
    corpus=$src/tests/fuzz/corpus/$1 dict=$src/tests/fuzz/dict/$1.dict log=$out/logs/$1.log
    mkdir -p "$out/logs" "$out/corpus/$1" "$out/found"
    set -- "$1" "-max_total_time=${FUZZ_TIME:-1200}" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
        "-artifact_prefix=$out/found/$1-" "-max_len=$(max_len "$1")"
    [ ! -f "$dict" ] || set -- "$@" "-dict=$dict"
    name=$1
    shift
    rc=0
    top_builddir=$out/asan "$out/asan/$name" "$@" "$out/corpus/$name" "$corpus" >"$log" 2>&1 || rc=$?
    printf '%-18s %10s executions %6s/s  %s  %s\n' "$name" "$(stat_of "$log" number_of_executed_units)" \
        "$(stat_of "$log" average_exec_per_sec)" \
        "$(sed -n 's/.*\(cov: [0-9]* ft: [0-9]* corp: [0-9]*\).*/\1/p' "$log" | tail -n 1)" \
        "$([ "$rc" -eq 0 ] && echo 'no finding' || echo "FINDING: $log")"
    return "$rc"
}

max_len() {
    case $1 in
    fuzz_pam_login) echo 512 ;;
    fuzz_token) echo 2048 ;;
    *) echo 4096 ;;
    esac
}

search() {
    bad=0
    for target in "$@"; do
        search_one "$target" || bad=1
    done
    return "$bad"
}

# What the targets are about; the rest of the library is reached by the way.
parsers='base/config base/config_check base/config_syntax base/config_value base/net base/nss_snapshot base/policy_hours
base/policy_match base/text base/text_time
cli/options cli/suggest daemon/call daemon/caller daemon/cookies daemon/forwarded daemon/request daemon/request_body
daemon/request_head daemon/routes domain/audit_file domain/jwk domain/jwk_ec domain/jwk_ed domain/jwk_hmac domain/jwk_import domain/jwk_rsa domain/jwks domain/jws
domain/password_argon2 domain/password_crypt domain/password_hash domain/token domain/totp
flow/policy import/csv_table import/user_file notify/message_template notify/template_text
nss/nss_buffer nss/nss_group nss/nss_local nss/nss_passwd'

coverage() {
    mkdir -p "$out/cov"
    rm -f "$out"/cov/*.profraw
    binaries=''
    for target in "$@"; do
        top_srcdir=$src top_builddir=$out/cov LLVM_PROFILE_FILE=$out/cov/$target-%m.profraw \
            "$out/cov/$target" >"$out/cov/$target.tap" || { cat "$out/cov/$target.tap"; return 1; }
        binaries="$binaries -object $out/cov/$target"
    done
    [ ! -f "$out/cov/.libs/pam_jwtauth.so" ] || binaries="$binaries -object $out/cov/.libs/pam_jwtauth.so"
    "$LLVM_PROFDATA" merge -sparse -o "$out/cov/all.profdata" "$out"/cov/*.profraw
    # shellcheck disable=SC2086
    "$LLVM_COV" report "$out/cov/$1" $binaries "-instr-profile=$out/cov/all.profdata" >"$out/cov/report.txt"
    # regions and lines; the whole report has the rest
    awk -v parsers="$parsers" '
        BEGIN { n = split(parsers, list) }
        function wanted(file, i) {
            if (file ~ /pam\/[a-z_]+\.c$/ && file !~ /tests\//)
                return 1
            for (i = 1; i <= n; i++)
                if (file ~ (list[i] "\\.c$"))
                    return 1
            return 0
        }
        wanted($1) { printf "%-40s regions %7s  lines %7s\n", $1, $4, $10 }' "$out/cov/report.txt"
}

"$what" "$@"
