#!/usr/bin/env bats
# authctl's commands with one failing call each; make fault-long tries every call.

load world.bash

setup_file() { make_fault_world; }

# Here as in test_pam_faults, for the program.
@test "R1: each call of a command fails once: no crash, no success without its work, one line" {
    run python3 "$BATS_TEST_DIRNAME/commands.py"
    echo "$output"
    [ "$status" -eq 0 ]
}
