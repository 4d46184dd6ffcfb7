#!/bin/sh
# How secrets are compared, where random bytes come from, and who reads claims that nobody has verified.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
bad=0

# complain WHY FOUND: FOUND is grep's lines, or nothing
complain() {
    [ -n "$2" ] || return 0
    printf '%s\ncheck_secrets: %s\n' "$2" "$1" >&2
    bad=1
}

# CVE-2024-25189, CVE-2024-25714: a MAC compared byte by byte until the first that differs. Bytes are compared by
# sodium_memcmp; memcmp is for addresses.
complain 'bytes that may be secret are compared by sodium_memcmp' \
    "$(grep -rnE '(^|[^_a-z])(memcmp|bcmp|timingsafe_bcmp|CRYPTO_memcmp) *\(' common pam cli daemon --include='*.c' --include='*.h' |
        grep -vE '^common/base/net\.c:.*bytes' || true)"
# Text compares look at names, states and kinds. Some compare what the store holds with what it held before; the
# hashes of the audit chain are no secret.
complain 'a secret, code, hash or signature is not compared as text' \
    "$(grep -rnE '(^|[^_a-z])(strcmp|strncmp|strcasecmp|strncasecmp|memmem) *\(' common pam cli daemon --include='*.c' |
        grep -iE '(cmp|mem) *\([^"]*(mac|sig|digest|secret|passw|hash|otp|refresh|handle|seed)\b' |
        grep -vE '^common/flow/(credential_flow|auth_finish)\.c:.*password_hash|^common/domain/password_policy\.c:.*h->hashes|^common/domain/audit[a-z_]*\.c:' || true)"
# Each place where what somebody gave meets what is stored.
for file in common/domain/jwk_hmac.c common/domain/password_argon2.c common/domain/password_crypt.c \
    common/domain/totp.c common/domain/one_time_token.c common/domain/api_key.c; do
    grep -q 'sodium_memcmp' $file || complain 'compares without sodium_memcmp' $file
done

# CVE-2008-4102, CVE-2016-0783, CVE-2025-56748: one generator, the kernel's.
complain 'random bytes come from ja_random' \
    "$(grep -rnE '(^|[^_a-zA-Z])(rand|rand_r|random|srand|srandom|[dlmej]rand48|nrand48|arc4random[a-z_]*|RAND_[a-z_]+|randombytes[a-z_]*|getentropy) *\(' \
        common pam cli daemon --include='*.c' --include='*.h' || true)"
complain 'one place asks the kernel' \
    "$(grep -rnE '(^|[^_a-z])getrandom *\(|/dev/u?random' common pam cli daemon --include='*.c' | grep -v '^common/base/secret\.c:' || true)"

# CVE-2022-39366: what gives claims away says in its name whether they were verified; the unverified are for the
# verifier itself, for the command that says "nothing is checked", and for `token get`, which prints when its own new
# token ends. An answer of jwtauthd is no token's claims.
complain 'claims leave by a function whose name says what they are worth' \
    "$(cat common/*/*.h | tr '\n' ' ' | grep -oE 'ja_[a-z_]+\([^;{]*json_t \*\*[^;{]*\)' | sed 's/(.*//' |
        grep -vE 'verify|unverified|_jwk$|_vars$|_parse$|json_parse_strict|^ja_client_run$' || true)"
complain 'unverified claims are read by the verifier and by token decode only' \
    "$(grep -rnE '_unverified *\(' common pam cli daemon --include='*.c' |
        grep -vE '^common/domain/(jws|token|token_memory)\.c:|^cli/(cmd_token_offline|token_format)\.c:' || true)"

# F1 to F8: libjwt's verdict counts for nothing but the cross-check of a new key.
complain 'libjwt is asked by the cross-check alone' \
    "$(grep -rnE '"jwt_[a-z_]+"|(^|[^_a-z])jwt_[a-z_]+ *\(' common pam cli daemon --include='*.c' | grep -v -e '^common/domain/libjwt_check\.c:' -e '"jwt_once"' || true)"
exit $bad
