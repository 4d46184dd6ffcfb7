#!/usr/bin/env bats
# Every route of the description with missing, wrong-typed, oversized, duplicated and unknown fields and arguments.
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server '
[registration]
open = yes' 'admin = yes'
    export tcp port
}

teardown_file() {
    stop_server
}

@test "R25: no route takes a field or an argument that its description does not allow; each refusal has the described form" {
    call GET /openapi.json
    wants 200
    printf '%s' "$body" >/run/openapi.json
    # shellcheck disable=SC2154 # top_srcdir, port: exported
    run /usr/bin/python3 "$top_srcdir/tests/http/openapi_check.py" fields /run/openapi.json "$port"
    echo "$output"
    [ "$status" = 0 ]
    [[ "$output" =~ ^[0-9]{4,}\ refusals$ ]]
    # nobody was looked up, nothing was written
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM throttle")" = 0 ]
    run grep -c 'cause=' /run/jwtauthd.log
    [ "$output" = 0 ]
}
