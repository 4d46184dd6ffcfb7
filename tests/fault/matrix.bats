#!/usr/bin/env bats
# What breaks below us, and what every program answers.  One row a fault:
#
#   PAM codes, authctl's exit codes | how it is made | what log and stderr have to say
#
# PAM: authenticate, acct_mgmt, setcred, open_session of a user with the right password, chauthtok by root; U is
# PAM_AUTHINFO_UNAVAIL, Y PAM_SYSTEM_ERR, C PAM_CRED_UNAVAIL, E PAM_SESSION_ERR, a point PAM_SUCCESS.
# authctl: login, user add, user list, password set, token issue, token verify, session list, db check, doctor.
#
# Each row also demands (world.bash): root and a local user get in through the shipped stanza; an adopted user does
# not get in beside the second factor; one line for each failure; no file of ours elsewhere or open to others; and
# after mending everything that was committed is there, db check passes and a login works.
# shellcheck disable=SC2016,SC2086,SC2154

load world.bash

setup_file() { make_fault_world; }
teardown() { as_before; }

@test "nothing is broken: everything works" {
    check_rows <<'ROWS'
..... 000000000 | : |
ROWS
}

# SECURITY R1, R22; CVE-2025-24531, CVE-2024-22365 (no open of a FIFO or device that blocks)
@test "R1, R22, CVE-2025-24531, CVE-2024-22365: the database is not there, or something else is" {
    check_rows <<'ROWS'
UYCEY 888888888 | swap $db nothing              | $db does not exist: make it with 'authctl init'
UYCEY 888888888 | swap $state nothing           | $db does not exist: make it with 'authctl init'
UYCEY 888888888 | swap $db empty                | schema version 0
UYCEY 888888888 | swap $db text                 | $db is damaged
UYCEY 888888888 | swap $db folder               | $db is a folder, not a regular file: replace it by one
UYCEY 888888888 | swap $db fifo                 | $db is a named pipe, not a regular file: replace it by one
UYCEY 888888888 | swap $db socket               | $db is a socket, not a regular file: replace it by one
UYCEY 888888888 | swap $db device               | $db is a device, not a regular file: replace it by one
UYCEY 888888888 | swap $db symlink              | $db is a symbolic link, not a regular file: replace it by one
UYCEY 888888888 | swap $db symlink $kept/backup | $db is a symbolic link, not a regular file: replace it by one
UYCEY 888888888 | swap $state symlink           | $db does not exist
UYCEY 888888888 | swap $state text              | $state: a folder is wanted
ROWS
}

@test "R1: the database is damaged" {
    check_rows <<'ROWS'
UYCEY 888888888 | garble $db 1                                     | $db is damaged
UYCEY 888888888 | garble $db $(root_page users)                    | $db is damaged
UYCEY 880880088 | garble $db $(root_page users_username)           | $db is damaged
U...Y 880880088 | garble $db $(root_page audit_log)                | $db is damaged
U.... 800000088 | garble $db $(root_page throttle)                 | $db is damaged
UYCEY 888888888 | truncate -s 100 $db                              | $db is damaged
UYCEY 888888888 | truncate -s 8192 $db                             | $db is damaged
UYCEY 888888888 | truncate -s -4096 $db                            | $db is damaged
UYCEY 888888888 | sql "INSERT INTO schema_migrations VALUES (900, '0900_later', 'x', 1)" | schema version 900
UYCEY 888888888 | sql "CREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; END"       | trigger
ROWS
}

# SQLite would follow a link, and log into what others can read (F12).
@test "R22: something else stands where the database keeps its log" {
    check_rows <<'ROWS'
UYCEY 888888888 | swap $db-wal symlink                 | $db-wal is a symbolic link, not a regular file
UYCEY 888888888 | swap $db-wal folder                  | $db-wal is a folder, not a regular file
UYCEY 888888888 | swap $db-wal fifo                    | $db-wal is a named pipe, not a regular file
UYCEY 888888888 | swap $db-shm symlink                 | $db-shm is a symbolic link, not a regular file
UYCEY 888888888 | swap $db-journal symlink             | $db-journal is a symbolic link, not a regular file
UYCEY 888888888 | swap $db-wal empty; chmod 0700 $db-wal | $db-wal has mode 0700: chmod 0600
UYCEY 888888888 | swap $db-wal empty; chown 99 $db-wal | $db-wal is owned by uid 99: chown root '$db-wal'
ROWS
}

@test "R22: wrong owners and modes" {
    check_rows <<'ROWS'
UYCEY 888888888 | chmod 0644 $db                | $db has mode 0644: chmod 0600 '$db'
UYCEY 888888888 | chown 99 $db                  | $db is owned by uid 99: chown root '$db'
UYCEY 888888888 | chmod 0777 $state             | chmod
UYCEY 888888888 | chown 99 $state               | chown root '$state'
UYCEY 888888888 | chmod 0777 /var/lib           | /var/lib has mode 0777, others can write there: chmod go-w '/var/lib'
UYCEY 800088008 | chmod 0640 $key               | $key has mode 0640: chmod 0600 '$key'
UYCEY 800088008 | chown 99 $key                 | $key is owned by uid 99: chown root '$key'
UYCEY 888888888 | chmod 0666 $conf              | $conf has mode 0666: chmod 0644 '$conf'
UYCEY 888888888 | chown 99 $conf                | $conf is owned by uid 99: chown root '$conf'
UYCEY 888888888 | chmod 0777 /etc/jwtauth       | chmod go-w '/etc/jwtauth'
UYCEY 888888888 | chown 99 /etc/jwtauth         | chown root '/etc/jwtauth'
U...Y 880800008 | chmod 0777 $run               | $run has mode 0777: chmod 0755 '$run'
U...Y 880800008 | chown 99 $run                 | chown root '$run'
ROWS
}

@test "R1, R22: the master key" {
    check_rows <<'ROWS'
UYCEY 800088008 | swap $key nothing             | $key does not exist: put the master key back
UYCEY 800088008 | swap $key empty               | $key is no master key (64 hexadecimal digits and a newline): put the right file back
UYCEY 800088008 | swap $key text                | $key is no master key
UYCEY 800088008 | truncate -s 40 $key           | $key is no master key
UYCEY 800088008 | swap $key folder              | $key is a folder, not a regular file: replace it by one
UYCEY 800088008 | swap $key fifo                | $key is a named pipe, not a regular file: replace it by one
UYCEY 800088008 | swap $key device              | $key is a device, not a regular file: replace it by one
UYCEY 800088008 | swap $key symlink             | $key is a symbolic link, not a regular file: replace it by one
UYCEY 800088008 | link_to $key                  | $key is a symbolic link, not a regular file: replace it by one
UYCEY 800088008 | other_key                     | was sealed with another master key
ROWS
}

# CVE-2025-53013, CVE-2025-11561, CVE-2023-3758: without its settings a login is not judged by weaker ones.
@test "R1, R22, CVE-2025-53013, CVE-2025-11561, CVE-2023-3758: the configuration" {
    check_rows <<'ROWS'
UYCEY 888888808 | swap $conf nothing            | $conf does not exist: put it back, or make one with 'authctl init'
UYCEY 888888888 | swap $conf folder             | $conf is a folder, not a regular file: replace it by one
UYCEY 888888888 | swap $conf fifo               | $conf is a named pipe, not a regular file: replace it by one
UYCEY 888888888 | swap $conf device             | $conf is a device, not a regular file: replace it by one
UYCEY 888888888 | swap $conf symlink            | $conf is a symbolic link, not a regular file: replace it by one
UYCEY 888888888 | link_to $conf                 | $conf is a symbolic link, not a regular file: replace it by one
UYCEY 888888888 | sed -i '1i [nonsense' $conf   | $conf:1: no closing bracket
UYCEY 888888888 | echo 'no_such = 1' >>$conf    | no_such is no option
ROWS
}

# CVE-2026-31979, CVE-2025-54882, CVE-2025-6020, CVE-2025-8941
@test "R22, CVE-2026-31979, CVE-2025-54882, CVE-2025-6020: the run folder" {
    check_rows <<'ROWS'
..... 000000008 | swap $run nothing             | $run/sessions does not exist
U...Y 880800008 | swap $run text                | $run: a folder is wanted
U...Y 880800008 | swap $run fifo                | $run: a folder is wanted
U...Y 880800008 | swap $run symlink $kept       | $run is a symbolic link: use the folder's own path
U...Y 880800008 | swap $run symlink             | $run is a symbolic link
U...Y 880800000 | swap $run/hash-slots fifo     | $run/hash-slots must be a regular file of root with mode 0600: rm '$run/hash-slots'
U...Y 880800000 | swap $run/hash-slots symlink  | $run/hash-slots must be a regular file of root with mode 0600: rm '$run/hash-slots'
ROWS
}

# CVE-2025-24531 again; section 3 E: what is half-written is not there afterwards
@test "R1: a full disk, a read-only file system" {
    check_rows <<'ROWS'
UYCEY 888888888 | on_small_disk                 | $db: no space left on its file system: make room there
UYCEY 888888888 | read_only                     | check that its file system is mounted writable
ROWS
}

# 1 s of busy_timeout passes in each of the commands; nothing here looks at a clock.
@test "R1: the database is locked by another process" {
    check_rows <<'ROWS'
U...Y 770770000 | hold                          | $db is locked by another process: try again
ROWS
}

@test "the clock is a year ahead, a year behind" {
    check_rows <<'ROWS'
..... 000001000 | clock +365d                   |
..... 000001008 | clock -365d                   | is before this program was written
ROWS
}

# What a killed writer left in the log: whole transactions count, a torn one does not, at any length.
@test "R1: the database's log is cut off" {
    python3 - $db $t <<'PY'
import os, sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("PRAGMA wal_autocheckpoint = 0")
with open(sys.argv[2] + "/ends", "w") as ends:
    for n in range(8):
        store.execute("INSERT INTO counters (name, value) VALUES (?, 1)", ("wal%d" % n,))
        print(os.path.getsize(sys.argv[1] + "-wal"), file=ends)
os._exit(0)
PY
    cp $db-wal $t/wal
    cp $db $t/db
    for size in $(awk '{ print $1, $1 - 1, $1 - 2000 }' $t/ends) 0 31 32 33; do
        rm -f $db-shm $db-wal
        cp $t/db $db
        (umask 077 && head -c "$size" $t/wal >$db-wal)
        authctl db check
        [ "$(sql "SELECT count(*) FROM counters WHERE name LIKE 'wal%'")" = "$(awk -v s="$size" '$1 <= s' $t/ends | wc -l)" ]
    done
    printf '%s\n' "$password" | pam erin authenticate | grep -qx '\.'
}
