#!/usr/bin/env bats
# Programs killed at any moment; JA_KILLS says how many (make fault-long: 1,000), JA_SEED the moments.
# shellcheck disable=SC2086,SC2154

load world.bash

setup_file() { make_fault_world; }

# SECURITY section 3 E "disk full / BUSY / kill -9": lost failure counts 0, the store is sound, the chain whole.
@test "R1, R9: whoever is killed loses nothing that was acknowledged and leaves no lock behind" {
    sed -i 's/^hash_ops = 1/&\nparallel_hashes = 1/' $conf # one slot: a left lock would keep everyone out
    run python3 "$BATS_TEST_DIRNAME/kill9.py" "${JA_KILLS:-100}"
    echo "$output"
    [ "$status" -eq 0 ]
    echo "${lines[0]}" >&3
    [ -z "$(find $state /etc/jwtauth $run -type f -perm /077 ! -path $conf)" ]
    printf '%s\n' "$password" | pam erin authenticate | grep -qx '\.'
    [ -z "$(find $run -name '*.tmp*' -o -name '*.new')" ]
}
