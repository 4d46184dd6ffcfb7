/* min_mint CONFIGURATION USER: the least that can be done for authctl token issue: the configuration, the
 * user's and the key's row, the private key unsealed, a signature, one row committed as its record. */
#include "bench/floor.h"

#include <ini_configobj.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define B64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static sqlite3 *db;
static struct ini_cfgobj *conf;

static bool read_conf(const char *path)
{
    struct ini_cfgfile *file = NULL;

    return ini_config_create(&conf) == 0 && ini_config_file_open(path, 0, &file) == 0 &&
           ini_config_parse(file, INI_STOP_ON_ANY, INI_MV1S_ERROR | INI_MS_ERROR,
                            INI_PARSE_NOWRAP | INI_PARSE_NO_C_COMMENTS, conf) == 0;
}

static const char *conf_text(const char *section, const char *name)
{
    struct value_obj *value = NULL;
    char *text = NULL;
    int error = 0;

    if (ini_get_config_valueobj(section, name, conf, INI_GET_FIRST_VALUE, &value) == 0 && value)
        text = ini_get_string_config_value(value, &error);
    if (!text)
        exit(6);
    return text;
}

static sqlite3_stmt *ask(const char *sql, const char *one)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK ||
        (one && sqlite3_bind_text(st, 1, one, -1, SQLITE_STATIC) != SQLITE_OK))
        exit(3);
    if (sqlite3_step(st) == SQLITE_ERROR)
        exit(3);
    return st;
}

static void run(const char *sql, const char *one)
{
    (void)sqlite3_finalize(ask(sql, one));
}

static EVP_PKEY *unseal(const char *master_file, const char *kid, const char *sealed)
{
    unsigned char master[32], key[32], box[4096], der[4096];
    const unsigned char *p = der;
    char hex[65] = "", identity[64];
    FILE *f = fopen(master_file, "re");
    size_t len = 0;
    unsigned long long der_len = 0;

    if (!f || fread(hex, 1, 64, f) != 64 || fclose(f) != 0 ||
        sodium_hex2bin(master, sizeof master, hex, 64, NULL, &len, NULL) != 0 || strlen(sealed) < 12 ||
        sodium_base642bin(box, sizeof box, sealed + 12, strlen(sealed) - 12, NULL, &len, NULL, B64) != 0)
        exit(4);
    (void)snprintf(identity, sizeof identity, "key:%s", kid);
    (void)crypto_kdf_derive_from_key(key, sizeof key, 1, "ja-seal1", master);
    if (len < 40 || crypto_aead_xchacha20poly1305_ietf_decrypt(
            der, &der_len, NULL, box + 24, len - 24, (const unsigned char *)identity, strlen(identity), box, key) != 0)
        exit(4);
    return d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)der_len);
}

static json_t *claims_of(const char *id, const char *user)
{
    time_t now = time(NULL);

    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:[]}", "iss", conf_text("tokens", "issuer"), "sub",
                     id, "aud", conf_text("tokens", "audience"), "exp", (json_int_t)now + 900, "nbf", (json_int_t)now, "iat",
                     (json_int_t)now, "jti", "0197c7a2-0000-7000-8000-000000000001", "token_use", "access",
                     "preferred_username", user, "roles");
}

int main(int argc, char **argv)
{
    struct floor_key key = {.alg = FLOOR_ES256};
    sqlite3_stmt *user, *row;
    const char *kid;
    char *token;
    json_t *claims;

    if (argc != 3 || sodium_init() < 0 || !read_conf(argv[1]) ||
        sqlite3_open_v2(conf_text("store", "url") + strlen("sqlite:"), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return 2;
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    (void)sqlite3_busy_timeout(db, 5000);
    run("PRAGMA synchronous = FULL", NULL);
    user = ask("SELECT id FROM users WHERE username = ? AND deleted_at IS NULL AND status = 'active'", argv[2]);
    row = ask("SELECT kid, private_key FROM signing_keys WHERE state = 'active'", NULL);
    kid = (const char *)sqlite3_column_text(row, 0);
    key.pkey = unseal(conf_text("store", "master_key_file"), kid, (const char *)sqlite3_column_text(row, 1));
    key.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    key.sign = key.pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, key.pkey, NULL) : NULL;
    if (!key.sign || EVP_PKEY_sign_init(key.sign) != 1)
        return 5;
    claims = claims_of((const char *)sqlite3_column_text(user, 0), argv[2]);
    token = floor_sign(&key, kid, claims);
    (void)sqlite3_finalize(user);
    (void)sqlite3_finalize(row);
    run("BEGIN IMMEDIATE", NULL);
    run("INSERT INTO bench_records (text) VALUES (?)", "token.issue user:alice 0197c7a2-0000-7000-8000-000000000001");
    run("COMMIT", NULL);
    (void)sqlite3_close(db);
    return token && puts(token) >= 0 ? 0 : 1;
}
