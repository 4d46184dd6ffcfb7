#!/bin/sh
# CVE-2023-2283, CVE-2025-5372, CVE-2023-42465 (R2): no result is taken for a truth value.  Success is 1 in OpenSSL,
# 0 in libsodium, SQLITE_OK, ROW or DONE in SQLite, JA_OK here: each call is compared with the success value of its
# own library; a login's verdict by equality with JA_ALLOW and with nothing else.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
command -v python3 >/dev/null || { echo "check_results: no python3" >&2; exit 77; }
exec python3 - "$@" <<'PY'
import glob, re, sys

# A function of these libraries is in one of the three lists, or this check fails.
STATUS = set("""
BN_bn2binpad ECDSA_SIG_set0 EVP_Digest EVP_DigestVerify EVP_DigestVerifyInit EVP_MAC_final EVP_MAC_init EVP_MAC_update
EVP_PKEY_CTX_set_rsa_padding EVP_PKEY_CTX_set_signature_md EVP_PKEY_fromdata EVP_PKEY_fromdata_init
EVP_PKEY_get_bn_param EVP_PKEY_get_octet_string_param EVP_PKEY_get_raw_private_key EVP_PKEY_get_raw_public_key
EVP_PKEY_get_utf8_string_param EVP_PKEY_is_a EVP_PKEY_pairwise_check EVP_PKEY_public_check EVP_PKEY_set_utf8_string_param EVP_PKEY_sign
EVP_PKEY_sign_init EVP_PKEY_up_ref EVP_PKEY_verify EVP_PKEY_verify_init OPENSSL_init_crypto OSSL_PARAM_BLD_push_BN
OSSL_PARAM_BLD_push_octet_string OSSL_PARAM_BLD_push_utf8_string PEM_write_bio_PKCS8PrivateKey PEM_write_bio_PUBKEY
RAND_bytes crypto_core_ed25519_is_valid_point
crypto_aead_xchacha20poly1305_ietf_decrypt crypto_aead_xchacha20poly1305_ietf_encrypt crypto_generichash
crypto_generichash_final crypto_generichash_init crypto_generichash_update crypto_hash_sha256 crypto_kdf_derive_from_key
crypto_pwhash crypto_sign_detached crypto_sign_seed_keypair crypto_sign_verify_detached sodium_base642bin
sodium_hex2bin sodium_init sodium_memcmp sodium_mlock
sqlite3_backup_finish sqlite3_backup_step sqlite3_bind_int64 sqlite3_bind_null sqlite3_bind_text sqlite3_busy_handler
sqlite3_clear_bindings sqlite3_close sqlite3_close_v2 sqlite3_config sqlite3_db_config sqlite3_exec sqlite3_extended_result_codes
sqlite3_file_control sqlite3_finalize sqlite3_limit sqlite3_open_v2 sqlite3_prepare_v2 sqlite3_prepare_v3 sqlite3_reset
sqlite3_step sqlite3_wal_checkpoint_v2 sqlite3_get_autocommit sqlite3_stmt_readonly
""".split())
POINTER = set("""
BIO_new BIO_new_mem_buf BIO_s_mem BIO_s_secmem BN_bin2bn BN_secure_new ECDSA_SIG_get0_r ECDSA_SIG_get0_s ECDSA_SIG_new
EVP_EC_gen EVP_MAC_CTX_new EVP_MAC_fetch EVP_MD_CTX_new EVP_MD_fetch EVP_PKEY_CTX_new_from_name
EVP_PKEY_CTX_new_from_pkey EVP_PKEY_new_raw_private_key_ex EVP_PKEY_new_raw_public_key_ex EVP_RSA_gen OSSL_PARAM_BLD_new
OSSL_PARAM_BLD_to_param PEM_read_bio_PUBKEY PEM_read_bio_PrivateKey d2i_ECDSA_SIG d2i_PrivateKey d2i_PublicKey
sodium_bin2base64 sodium_bin2hex sodium_malloc sqlite3_backup_init sqlite3_column_name sqlite3_column_text
sqlite3_errmsg sqlite3_errstr
""".split())
# nothing, or a number that is what it says: a length, a count, a truth; hmacsha256 has no failure
VALUE = set("""
crypto_auth_hmacsha256_final crypto_auth_hmacsha256_init crypto_auth_hmacsha256_update sodium_base64_ENCODED_LEN
sodium_stackzero
BIO_free BIO_get_mem_data BN_clear_free BN_free BN_is_odd BN_num_bits BN_num_bytes ECDSA_SIG_free ERR_GET_REASON
ERR_clear_error ERR_peek_last_error EVP_MAC_CTX_free EVP_MAC_free EVP_MD_CTX_free EVP_MD_free EVP_PKEY_CTX_free
EVP_PKEY_free EVP_PKEY_get_bits OPENSSL_clear_free OPENSSL_free OSSL_PARAM_BLD_free OSSL_PARAM_construct_end
OSSL_PARAM_construct_octet_string OSSL_PARAM_construct_utf8_string OSSL_PARAM_free i2d_ECDSA_SIG i2d_PrivateKey i2d_PublicKey randombytes_buf
randombytes_uniform sodium_base64_encoded_len sodium_free sodium_is_zero sodium_memzero sodium_increment
sqlite3_backup_pagecount sqlite3_backup_remaining sqlite3_bind_parameter_count sqlite3_bind_parameter_index
sqlite3_changes64 sqlite3_column_count sqlite3_column_int64 sqlite3_column_type sqlite3_extended_errcode
""".split())
LIBRARY = re.compile(r"\b((?:BIO|BN|EC|ECDSA|ECDSA_SIG|ERR|EVP|HMAC|OPENSSL|OSSL|PEM|RAND|RSA|X509)_\w+"
                     r"|(?:d2i|i2d)_\w+|(?:sodium|crypto|randombytes|sqlite3)_\w+)\(")
COMPARED = ("==", "!=", "<", ">")
bad = 0


def complain(name, text, at, why):
    global bad
    bad = 1
    line = text.count("\n", 0, at) + 1
    print(f"{name}:{line}: {text.splitlines()[line - 1].strip()}\ncheck_results: {why}", file=sys.stderr)


def code_of(name):
    """The file with comments and the insides of literals blanked out, every offset as it was."""
    def blank(m):
        s = m.group(0)
        keep = s[0] if s[0] in "\"'" else " "
        return keep + re.sub(r"[^\n]", " ", s[1:-1]) + (keep if len(s) > 1 else "")
    with open(name, encoding="utf-8") as f:
        text = f.read()
    code = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)
    return text, re.sub(r"(?m)^[ \t]*#(?:.*\\\n)*.*$", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)


def end_of_call(code, at):
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return i + 1
    return len(code)


def before(code, at):
    return code[max(0, at - 200):at].rstrip()


def is_compared(code, m):
    return code[end_of_call(code, m.end() - 1):].lstrip().startswith(COMPARED) or \
        re.search(r"(==|!=|<|>|<=|>=)$", before(code, m.start())) is not None


def is_truth(code, m):
    """Stands where only whether it is zero counts."""
    left = before(code, m.start())
    right = code[end_of_call(code, m.end() - 1):].lstrip()
    return re.search(r"(!|&&|\|\||\b(if|while) ?\()$", left) is not None and not left.endswith("!=") or \
        right.startswith(("&&", "||", "?"))


files = sorted(glob.glob("common/**/*.[ch]", recursive=True) + glob.glob("pam/*.[ch]") + glob.glob("cli/*.[ch]") + glob.glob("daemon/*.[ch]"))
codes = {name: code_of(name) for name in files if not name.endswith("_late.c")}
DEFINED = re.compile(r"(?m)^(static )?enum ja_status (\w+)\(")
ours = {m.group(2) for _, code in codes.values() for m in DEFINED.finditer(code) if not m.group(1)}
seen = 0
for name, (text, code) in codes.items():
    here = ours | {m.group(2) for m in DEFINED.finditer(code)}
    for m in LIBRARY.finditer(code):
        call = m.group(1)
        left = before(code, m.start())
        if re.search(r"\bstatic [^;{}()]*$", left):
            continue  # one of ours
        if call not in STATUS | POINTER | VALUE:
            complain(name, text, m.start(), f"{call}: say in tests/lint/check_results.sh what it returns")
        elif call in STATUS:
            seen += 1
            if not is_compared(code, m) and not left.endswith(("(void)", " =", "return")):
                complain(name, text, m.start(), f"compare the result of {call} with the success value of its library")
    for m in re.finditer(r"\b(" + "|".join(sorted(here)) + r")\(", code):
        if is_truth(code, m) and not is_compared(code, m):
            complain(name, text, m.start(), f"compare the result of {m.group(1)} with JA_OK")
    for m in re.finditer(r"(?<![\w.>])!(?:st|rc|rc2)\b(?!\()|\b(?:if|while) \((?:st|rc|rc2)(?:\)| &&| \|\|)|"
                         r"(?:&&|\|\|) (?:st|rc|rc2)(?:\)| &&| \|\||;)|\b(?:return|=) (?:st|rc|rc2) \?", code):
        complain(name, text, m.start(), "compare a status with its success value")
    # the verdict of a login
    for m in re.finditer(r"(?:\.|->)verdict\b", code):
        if not re.match(r" (?:==|!=) JA_ALLOW\b| = JA_(?:ALLOW|DENY|PENDING)\b", code[m.end():]):
            complain(name, text, m.start(), "a verdict is tested by equality with JA_ALLOW only")
    for m in re.finditer(r"(?:==|!=|<|>|case) JA_(?:DENY|PENDING)\b|\bJA_(?:DENY|PENDING|ALLOW) (?:==|!=|<|>)", code):
        complain(name, text, m.start(), "what is not JA_ALLOW is a denial: compare with JA_ALLOW, on its right side")
if seen < 60 or len(ours) < 200:
    print(f"check_results: only {seen} calls and {len(ours)} functions seen: the search is broken", file=sys.stderr)
    bad = 1
sys.exit(bad)
PY
