#!/usr/bin/env bats
# Where secrets must not be: in programs, in another installation, in logs, audit log and store.

load ../support/cli.bash

setup_file() {
    make_installation 'history = 0
[log]
target = stderr
level = debug'
}

# secret: stdin goes to standard output and to the list of secrets.
secret() { tee -a /run/secrets; }

# quiet COMMAND...: its standard error is the log.
logged() { "$@" 2>>/run/log; }

@test "CVE-2023-22463 two installations share no secret, no program holds one, and nobody has an account" {
    local file kid
    cp /etc/jwtauth/master.key /run/first.key
    logged authctl key jwks >/run/first.jwks
    kid=$(json 'd["keys"][0]["kid"]' </run/first.jwks)
    make_installation
    run ! cmp -s /etc/jwtauth/master.key /run/first.key
    [ "$(authctl --json user list | json 'len(d["users"])')" = 0 ]
    authctl key jwks >/run/second.jwks
    run ! grep -q "$kid" /run/second.jwks
    for file in "$top_builddir/authctl" "$top_builddir/.libs/pam_jwtauth.so"; do
        [ -s "$file" ]
        # a private PEM, a JWK's private member, a hash of a password
        run ! grep -aqE -- 'PRIVATE KEY-----[[:space:]]+[A-Za-z0-9+/]{16}|"(d|k)":"[A-Za-z0-9_-]{16}|\$argon2id\$v=19\$m=[0-9]+,t=[0-9]+,p=1\$[A-Za-z0-9+/]{22}' "$file"
        run ! grep -aqF "$(cat /run/first.key)" "$file"
    done
    # the pattern finds what it looks for
    authctl key export "$(json 'd["keys"][0]["kid"]' </run/second.jwks)" --private --yes >/run/private.pem
    grep -aq -- 'PRIVATE KEY-----' /run/private.pem
    setup_file
}

@test "CVE-2023-28443, CVE-2024-51752 no secret that was ever given out is in log, audit log or store" {
    local pass fresh otp line found=0
    rm -f /run/secrets /run/log
    pass='Marker-Horse-7-Battery' fresh='Other-Marker-7-Battery'
    printf '%s\n%s\n' "$pass" "$fresh" >/run/secrets
    printf '%s\n' "$pass" | logged authctl user add alice --email alice@example.org --password-stdin >/dev/null
    logged authctl user add carol --generate-password | secret >/dev/null
    logged authctl --json totp enroll alice >/run/enrolled
    json 'd["secret"]' </run/enrolled | secret >/run/seed
    otp=$(oathtool --totp -b - </run/seed)
    logged authctl --json totp confirm alice "$otp" | json '"\n".join(d["recovery_codes"])' | secret >/run/codes
    # in, by a code for recovery; refreshed, used twice, out
    printf '%s\n%s\n' "$pass" "$(head -1 /run/codes)" | logged authctl --json login alice --password-stdin --otp-stdin >/run/pair
    json '"\n".join([d["access_token"], d["refresh_token"]])' </run/pair | secret >/dev/null
    json 'd["refresh_token"]' </run/pair | logged authctl --json token refresh --refresh-token-stdin >/run/next
    json '"\n".join([d["access_token"], d["refresh_token"]])' </run/next | secret >/dev/null
    json 'd["access_token"]' </run/next | logged authctl token verify - >/dev/null
    json 'd["access_token"]' </run/next | logged authctl token decode - >/dev/null
    json 'd["access_token"]' </run/next | logged authctl token revoke -
    json 'd["refresh_token"]' </run/next | logged authctl logout --token-stdin
    run ! logged authctl token refresh --refresh-token-stdin < <(json 'd["refresh_token"]' </run/next)
    run ! logged authctl token verify - < <(json 'd["access_token"]' </run/next)
    logged authctl token issue --user alice --ttl 5m | secret >/dev/null
    # wrong ones, too long ones, in the wrong place
    run ! logged authctl login alice --password-stdin < <(printf '%s\n' "$fresh")
    run ! logged authctl login "$fresh" --password-stdin < <(printf '%s\n' "$pass")
    printf '%s\n%s\n%s\n' "$pass" "$fresh" "$(sed -n 2p /run/codes)" | logged authctl password change alice --password-stdin
    run ! logged authctl password check alice < <(printf 'Marker-alice-short\n')
    head -c 16 /etc/jwtauth/master.key | secret >/dev/null
    echo >>/run/secrets
        [ "$(grep -c . /run/secrets)" = 20 ]
    # the log was written, at debug, and the store is there to be looked through
    [ -s /run/log ]
    sqlite3 /var/lib/jwtauth/jwtauth.db .dump >/run/dump
    grep -q 'login' /run/dump
    while read -r line; do
        [ -n "$line" ] || continue
        if grep -aqF -- "$line" /run/log /run/dump; then
            echo "found: ${line:0:6}... of ${#line} characters in $(grep -alF -- "$line" /run/log /run/dump)"
            found=1
        fi
    done </run/secrets
    [ $found = 0 ]
    # and the looking finds
    printf '%s\n' "$pass" >>/run/log
    grep -aqF -- "$pass" /run/log
}

@test "CVE-2024-36111, CVE-2019-20933 an empty key file verifies nothing, with any algorithm in the token" {
    local alg token
    : >/run/empty.key
    printf '\n' >/run/newline.key
    for alg in none HS256 HS384 HS512 RS256 ES256 EdDSA; do
        token=$(python3 - "$alg" <<'PY'
import base64, hashlib, hmac, json, sys
b = lambda x: base64.urlsafe_b64encode(x).rstrip(b"=").decode()
head = b(json.dumps({"alg": sys.argv[1]}).encode()) + "." + b(json.dumps({"exp": 4102444800}).encode())
print(head + "." + b(hmac.new(b"", head.encode(), hashlib.sha256).digest()))
PY
)
        for key in empty newline; do
            run -5 --separate-stderr authctl token verify --key /run/$key.key --alg HS256 - <<<"$token"
            [ -z "$output" ]
            run ! authctl token verify --key /run/$key.key - <<<"$token"
        done
    done
}
