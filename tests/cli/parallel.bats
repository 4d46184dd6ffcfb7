# Many at once (SECURITY R21, CVE-2026-28342).

load ../support/cli.bash

password='Right-Horse-7-Battery'

@test "R21: fifty logins at once all get in, and memory stays within the hashing slots" {
    without_sanitizers
    make_installation '' # the costs below replace the cheap ones
    sed -i 's/^hash_memory = .*/hash_memory = 32M/; s/^hash_ops = .*/hash_ops = 1\nparallel_hashes = 2/' /etc/jwtauth/jwtauth.conf
    printf '%s\n' "$password" | authctl -q user add alice --password-stdin >/dev/null
    printf '%s\n' "$password" | "${top_srcdir:?}/tests/support/storm.py" 50 authctl login alice --password-stdin >"$BATS_TEST_TMPDIR/storm"
    cat "$BATS_TEST_TMPDIR/storm"
    [ "$(json 'd["ok"]' <"$BATS_TEST_TMPDIR/storm")" = 50 ]
    # two slots of 32 MiB, and what fifty small processes take beside them; without slots it would be 1,600 MiB
    [ "$(json 'd["peak_kib"] < 2 * 32768 + 50 * 4096' <"$BATS_TEST_TMPDIR/storm")" = True ]
    authctl -q db check
    [ "$(authctl session list --user alice --json | json 'len(d["sessions"])')" = 50 ]
}
