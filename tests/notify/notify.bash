# Shared by the bats files here: certificates, servers, an installation that sends.
# shellcheck shell=bash

# shellcheck source=tests/support/cli.bash
. "${BASH_SOURCE[0]%/*}/../support/cli.bash"

# make_ca: an authority of the test's own, trusted in this world only, and the certificate NAME (localhost).
make_ca() {
    ca=$BATS_FILE_TMPDIR/ca
    mkdir -p "$ca"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Test CA" \
        -keyout "$ca/ca.key" -out "$ca/ca.crt" 2>/dev/null
    cat "$ca/ca.crt" >>/etc/ssl/certs/ca-certificates.crt
    make_cert localhost localhost
}

# make_cert FILE HOST [openssl x509 options]
make_cert() {
    local file=$1 host=$2
    shift 2
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$host" \
        -keyout "$ca/$file.key" -out "$ca/$file.csr" 2>/dev/null
    openssl x509 -req -in "$ca/$file.csr" -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -CAcreateserial -days 2 \
        -extfile <(echo "subjectAltName=DNS:$host") "$@" -out "$ca/$file.crt" 2>/dev/null
}

# start_provider PROGRAM [options]: sets $box (what it records) and $port; stopped by stop_servers.
start_provider() {
    local program=$1
    shift
    box=$(mktemp -d "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/box.XXXXXX")
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../support/$program" "$box" "$@" >"$box/log" 2>&1 3>&- &
    servers="${servers:-} $!"
    for _ in $(seq 200); do
        [ -e "$box/port" ] && break
        sleep 0.05
    done
    port=$(cat "$box/port") || { cat "$box/log"; return 1; }
}

stop_servers() {
    for pid in ${servers:-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    servers=
}

# configure SECTIONS: the installation's configuration from now on.
configure() {
    (
        umask 022
        cat >/etc/jwtauth/jwtauth.conf <<CONF
[tokens]
issuer = https://auth.example.org
audience = auth.example.org

[password]
dictionary = no
hash_memory = 8M
hash_ops = 1

[throttle]
delay_base = 0
$1
CONF
    )
}

# secret_file NAME TEXT
secret_file() {
    (umask 077 && printf '%s\n' "$2" >"/etc/jwtauth/$1")
}

# mail_by URL [LINES]: mail goes to the server there.
mail_by() {
    configure "
[email]
provider = smtp
url = $1
from = auth@example.org
username = mailer
password_file = /etc/jwtauth/smtp.secret
${2:-}"
}

# What became of the newest message.
outbox_state() {
    authctl outbox list --json | json 'd["messages"][-1]["state"]'
}
outbox_error() {
    authctl outbox list --json | json 'd["messages"][-1]["last_error"]'
}

# mails: how many the server took.
mails() {
    find "$box" -name '*.eml' | wc -l
}

# dialogue WORD: how many lines of the SMTP dialogue begin with it.
dialogue() {
    cat "$box/dialogue" 2>/dev/null | grep -c "^$1" || true
}

# mail EXPRESSION [N]: a Python expression over m, the Nth message that was received (1); text() and html() decode.
mail() {
    python3 -c '
import email, email.policy, sys
raw = open(sys.argv[2], "rb").read()
m = email.message_from_bytes(raw, policy=email.policy.SMTP)
text = lambda: m.get_body(("plain",)).get_content()
html = lambda: m.get_body(("html",)).get_content()
print(eval(sys.argv[1]))' "$1" "$box/${2:-1}.eml"
}
