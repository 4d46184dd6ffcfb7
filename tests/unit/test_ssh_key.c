/* Ssh keys: what a line may be, and who has which. Vectors are ssh-keygen's. */
#include "common/domain/seal.h"
#include "common/domain/user.h"
#include "common/flow/role_flow.h"
#include "common/flow/ssh_key_flow.h"
#include "tests/support/letters.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIDPkgcanvKmpGOqVFTbvwXePvKhPRVHJ8eUj9ysIfin7"
#define ED25519_PRINT "SHA256:XkV5Q2EaJzB0vuo3/14fKEjNoe+E/EVoSX0tik1uNXE"
#define P256 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKazx6zrr4xKkhys+pD9PL4/WQ8T87zVDSbNjOpCHHiffyKY4POCcUw/" \
    "fJqv4peVYFtMyx/f2GY2GLSr2HG6hcc="
#define P384 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBJY06u0GQyTlsMHFaQpgfu9x/bBjViIYHQYGEOA2JfjOKnswza17ladv" \
    "hhfhdp6PRT30gzDdk2qfsGujYyTTOuti6vC2znfnMb/JsgiATQBQCYsAPDKyQxHHFSEwm61ZUA=="
#define P521 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABBOoy86qN6Ca/Rbye3LHhlzSrFDDz39ds15DBG1dP3FbyAS/yHsfrj" \
    "ajotFxYW74BXqeIOWgMtpwxO9Td0/UcyOgAj66GtClLn0QwE0eiixyYOSgScM12Rj46EZkmvw/5CHnsdFfPUW5yq26eXhDEw+GyjIISG7t/r" \
    "/HBOwdUSRlq9+A=="
#define RSA2048 \
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQCgCmvFObmPRDfQvcWaI3CmBo9QZ3ruxbWbXZ5DYIxqc7doZk1mK74WBKvn/6FyWUfAC1IOmv9v12vg" \
    "PRO4zr+Het+/3TeCPsBGD+9latm3EIh9EEZUoukHsUPFhV3LSw4/XXDHIWbr8SFNWA8pZm8rUsKBMwum5Coe8V20Vi+q840D2L3vXaLlMBYn" \
    "C/R8Jk51Kskte7yMbWFbvPkDVI+dvA9/aHqCoJ5U8He5tzsYHzibxUHUqAaB5dVwzt9kjrNWcJIMjp6yIVG+BgUJlF0WE04/re9oqPWYXizK" \
    "fkfVUZtGNgTEKYW7hLLcKQS4r6s5mpNFuI6vdNSkTf5HxqNN"

/* ---- the line ---- */

static enum ja_status parse(const char *line, struct ja_ssh_line *ret, struct ja_error *err)
{
    struct ja_ssh_line before, after;
    enum ja_status st;

    memset(&before, 0x5a, sizeof before);
    after = before;
    st = ja_ssh_line_parse(line, strlen(line), &after, err);
    if (st == JA_OK)
        *ret = after;
    else
        assert_memory_equal(&before, &after, sizeof before);
    return st;
}

static void the_types_that_are_taken(void **state)
{
    static const struct { const char *type, *blob, *print; int bits; } table[] = {
        {"ssh-ed25519", ED25519, ED25519_PRINT, 256},
        {"ecdsa-sha2-nistp256", P256, "SHA256:9j80ZMsHxX2ggP1+pyIrxJPpEuH5d0B8UB5VPb/AFH4", 256},
        {"ecdsa-sha2-nistp384", P384, "SHA256:ssVpFDEtaEpg58aBlMo8nWyfysK1sqEMGQu2WXFk5yo", 384},
        {"ecdsa-sha2-nistp521", P521, "SHA256:fzFiXrlklmnpFne46c2Wfi0z6qaPXhHrfoZGoZvQmFc", 521},
        {"ssh-rsa", RSA2048, "SHA256:GoDxcpdfJ3DJJu8wVJHU2uiMsyL9Pu7b9cvz4r7/bf0", 2048},
    };
    struct ja_ssh_line k;
    char line[4096];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        (void)snprintf(line, sizeof line, " \t%s \t%s  my  key \r", table[i].type, table[i].blob);
        assert_int_equal(parse(line, &k, NULL), JA_OK);
        assert_string_equal(k.type, table[i].type);
        assert_string_equal(k.blob, table[i].blob);
        assert_string_equal(k.fingerprint, table[i].print);
        assert_string_equal(k.comment, "my  key");
        assert_int_equal(k.bits, table[i].bits);
        /* the type outside says another thing than the one inside */
        (void)snprintf(line, sizeof line, "%s %s", table[(i + 1) % 5].type, table[i].blob);
        assert_int_equal(parse(line, &k, NULL), JA_ERR_INVALID);
    }
}

static void refused(const char *line, enum ja_status st, const char *code)
{
    struct ja_ssh_line k;
    struct ja_error err = {0};

    if (parse(line, &k, &err) != st || strcmp(err.code, code) != 0)
        fail_msg("%s: %s", line, err.code);
    assert_null(strstr(err.message, "AAAA")); /* whatever it was, it is not repeated */
}

static void what_is_no_key_or_not_taken(void **state)
{
    static const char *const malformed[] = {
        "", " ", "ssh-ed25519", "ssh-ed25519 ", "hello", "restrict ssh-ed25519 " ED25519,
        "command=\"x\" ssh-ed25519 " ED25519, "ssh-ed25519 " ED25519 "=", "ssh-ed25519 " ED25519 "AAAA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDPkgcanvKmpGOqVFTbvwXePvKhPRVHJ8eUj9ysIfi", "ssh-ed25519 x" ED25519,
        "ssh-ed25519 AAAA_3NzaC1lZDI1NTE5AAAAIDPkgcanvKmpGOqVFTbvwXePvKhPRVHJ8eUj9ysIfin7",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKazx6zrr4xKkhys+pD9PL4/"
        "WQ8T87zVDSbNjOpCHHiffyKY4POCcUw/fJqv4peVYFtMyx/f2GY2GLSr2HG6hcd=", /* bits that base64 does not use */
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKazx6zrr4xKkhys+pD9PL4/"
        "WQ8T87zVDSbNjOpCHHiffyKY4POCcUw/fJqv4peVYFtMyx/f2GY2GLSr2HG6hcc", /* no padding */
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDPkgcanvKmpGOqVFTbvwXePvKhPRVHJ8eUj9ysIfi\x9b" "7",
        "-----BEGIN OPENSSH PRIVATE KEY-----", "---- BEGIN SSH2 PUBLIC KEY ----",
    };
    static const char *const not_taken[] = {
        "ssh-dss AAAAB3NzaC1kc3MAAACB", "ssh-ed25519-cert-v01@openssh.com AAAA", "ssh-rsa-cert-v01@openssh.com AAAA",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA", "sk-ssh-ed25519-cert-v01@openssh.com AAAA", "ssh-xmss AAAA",
        "ssh-ed448 AAAA", "ecdsa-sha2-nistp224 AAAA", "SSH-ED25519 " ED25519, "ssh-ed25519x " ED25519,
    };
    struct ja_error err = {0};
    struct ja_ssh_line k;
    char line[200];

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        refused(malformed[i], JA_ERR_INVALID, "invalid_ssh_key");
    for (size_t i = 0; i < sizeof not_taken / sizeof *not_taken; i++)
        if (strncmp(not_taken[i], "SSH", 3) == 0)
            refused(not_taken[i], JA_ERR_INVALID, "invalid_ssh_key"); /* names are compared as bytes */
        else
            refused(not_taken[i], JA_ERR_POLICY, "ssh_key_refused");
    assert_int_equal(parse("-----BEGIN OPENSSH PRIVATE KEY-----", &k, &err), JA_ERR_INVALID);
    assert_non_null(strstr(err.message, ".pub")); /* the usual slip */
    (void)snprintf(line, sizeof line, "ssh-ed25519 %s a", ED25519);
    assert_int_equal(ja_ssh_line_parse(line, strlen(line), &k, NULL), JA_OK);
    line[strlen(line) - 1] = 0;
    assert_int_equal(ja_ssh_line_parse(line, strlen(line) + 1, &k, NULL), JA_ERR_INVALID); /* a NUL inside */
}

/* ---- what the base64 holds ---- */

struct blob {
    unsigned char data[2048];
    size_t len;
};

static void add(struct blob *b, const void *data, size_t len)
{
    const unsigned char head[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                   (unsigned char)len};

    memcpy(b->data + b->len, head, 4);
    if (len)
        memcpy(b->data + b->len + 4, data, len);
    b->len += 4 + len;
}

static void add_text(struct blob *b, const char *text) { add(b, text, strlen(text)); }

static enum ja_status outcome(const char *type, const struct blob *b, struct ja_ssh_line *ret)
{
    char base64[sizeof b->data * 2], line[sizeof base64 + 100];

    (void)sodium_bin2base64(base64, sizeof base64, b->data, b->len, sodium_base64_VARIANT_ORIGINAL);
    (void)snprintf(line, sizeof line, "%s %s", type, base64);
    return parse(line, ret, NULL);
}

/* An RSA key of made-up numbers: `first` is the first byte of n, which has `len` bytes. */
static enum ja_status rsa(size_t len, unsigned char first, unsigned char last, const char *e, size_t e_len)
{
    unsigned char n[1100] = {0};
    struct blob b = {0};
    struct ja_ssh_line k;

    n[first & 0x80 ? 1 : 0] = first;
    n[len - 1 + (first & 0x80 ? 1 : 0)] = last;
    add_text(&b, "ssh-rsa");
    add(&b, e, e_len);
    add(&b, n, len + (first & 0x80 ? 1 : 0));
    return outcome("ssh-rsa", &b, &k);
}

static void rsa_numbers_have_their_bounds(void **state)
{
    static const char e[] = "\1\0\1";
    unsigned char n[258] = {0, 0x80};
    struct ja_ssh_line k;
    struct blob b = {0};

    (void)state;
    assert_int_equal(rsa(256, 0x80, 1, e, 3), JA_OK);            /* 2048 bits */
    assert_int_equal(rsa(256, 0x7f, 1, e, 3), JA_ERR_POLICY);    /* 2047 */
    assert_int_equal(rsa(128, 0x80, 1, e, 3), JA_ERR_POLICY);
    assert_int_equal(rsa(1024, 0x80, 1, e, 3), JA_OK);           /* 8192 */
    assert_int_equal(rsa(1025, 0x01, 1, e, 3), JA_ERR_POLICY);   /* 8193 */
    assert_int_equal(rsa(256, 0x80, 2, e, 3), JA_ERR_INVALID);   /* even */
    assert_int_equal(rsa(256, 0x80, 1, "\1\0\2", 3), JA_ERR_INVALID);
    assert_int_equal(rsa(256, 0x80, 1, "\1", 1), JA_ERR_INVALID); /* e = 1: the signature is the message */
    assert_int_equal(rsa(256, 0x80, 1, "\3", 1), JA_OK);
    assert_int_equal(rsa(256, 0x80, 1, "\0\x80\0\0\0\0\0\0\1", 9), JA_OK);           /* 64 bits */
    assert_int_equal(rsa(256, 0x80, 1, "\1\0\0\0\0\0\0\0\1", 9), JA_ERR_INVALID);    /* 65 */
    assert_int_equal(rsa(256, 0x80, 1, "", 0), JA_ERR_INVALID);
    assert_int_equal(rsa(256, 0x80, 1, "\0", 1), JA_ERR_INVALID);
    assert_int_equal(rsa(256, 0x80, 1, "\0\1\0\1", 4), JA_ERR_INVALID); /* a zero too many */
    assert_int_equal(rsa(256, 0x80, 1, "\x80\0\1", 3), JA_ERR_INVALID); /* negative */
    n[257] = 1; /* 2049 bytes' worth with a zero in front that does not belong there */
    n[1] = 0;
    n[2] = 0x80;
    add_text(&b, "ssh-rsa");
    add(&b, e, 3);
    add(&b, n, sizeof n);
    assert_int_equal(outcome("ssh-rsa", &b, &k), JA_ERR_INVALID);
}

static void lengths_are_exact(void **state)
{
    struct ja_ssh_line k;
    struct blob good = {0}, b;
    size_t len = 0;

    (void)state;
    assert_int_equal(sodium_base642bin(good.data, sizeof good.data, ED25519, strlen(ED25519), NULL, &len, NULL,
                                       sodium_base64_VARIANT_ORIGINAL), 0);
    good.len = len;
    assert_int_equal(outcome("ssh-ed25519", &good, &k), JA_OK);
    for (size_t cut = 0; cut < good.len; cut++) {
        b = good;
        b.len = cut;
        assert_int_equal(outcome("ssh-ed25519", &b, &k), JA_ERR_INVALID);
    }
    b = good;
    b.len++;
    assert_int_equal(outcome("ssh-ed25519", &b, &k), JA_ERR_INVALID);
    b = good;
    b.data[0] = 0xff; /* a length beyond everything */
    assert_int_equal(outcome("ssh-ed25519", &b, &k), JA_ERR_INVALID);
    b = good;
    memset(b.data + 19, 0, 32); /* a point of small order: any signature would do */
    assert_int_equal(outcome("ssh-ed25519", &b, &k), JA_ERR_INVALID);
    b.len = 0; /* 33 bytes */
    add_text(&b, "ssh-ed25519");
    add(&b, good.data + 19, 33);
    assert_int_equal(outcome("ssh-ed25519", &b, &k), JA_ERR_INVALID);
}

static void points_lie_on_the_curve(void **state)
{
    struct ja_ssh_line k;
    struct blob good = {0}, b;
    size_t len = 0;

    (void)state;
    assert_int_equal(sodium_base642bin(good.data, sizeof good.data, P256, strlen(P256), NULL, &len, NULL,
                                       sodium_base64_VARIANT_ORIGINAL), 0);
    good.len = len;
    b = good;
    b.data[b.len - 1] ^= 1;
    assert_int_equal(outcome("ecdsa-sha2-nistp256", &b, &k), JA_ERR_INVALID);
    b = good;
    b.data[b.len - 65] = 3; /* compressed, by its first byte */
    assert_int_equal(outcome("ecdsa-sha2-nistp256", &b, &k), JA_ERR_INVALID);
    b.len = 0;
    add_text(&b, "ecdsa-sha2-nistp256");
    add_text(&b, "nistp384"); /* the curve is said twice, and differs */
    add(&b, good.data + good.len - 65, 65);
    assert_int_equal(outcome("ecdsa-sha2-nistp256", &b, &k), JA_ERR_INVALID);
    b.len = 0;
    add_text(&b, "ecdsa-sha2-nistp256");
    add_text(&b, "nistp256");
    add(&b, "\0", 1); /* infinity */
    assert_int_equal(outcome("ecdsa-sha2-nistp256", &b, &k), JA_ERR_INVALID);
}

static void security_keys_name_their_application(void **state)
{
    static const struct { const char *application; size_t len; enum ja_status st; } table[] = {
        {"ssh:", 4, JA_OK}, {"ssh:work", 8, JA_OK}, {"", 0, JA_ERR_INVALID}, {"ssh:\n", 5, JA_ERR_INVALID},
        {"ssh: x", 6, JA_ERR_INVALID}, {"ssh\0:", 5, JA_ERR_INVALID},
    };
    unsigned char bin[200];
    struct ja_ssh_line k;
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct blob b = {0};

        assert_int_equal(sodium_base642bin(bin, sizeof bin, ED25519, strlen(ED25519), NULL, &len, NULL,
                                           sodium_base64_VARIANT_ORIGINAL), 0);
        add_text(&b, "sk-ssh-ed25519@openssh.com");
        add(&b, bin + len - 32, 32);
        add(&b, table[i].application, table[i].len);
        assert_int_equal(outcome("sk-ssh-ed25519@openssh.com", &b, &k), table[i].st);
        b.len = 0;
        assert_int_equal(sodium_base642bin(bin, sizeof bin, P256, strlen(P256), NULL, &len, NULL,
                                           sodium_base64_VARIANT_ORIGINAL), 0);
        add_text(&b, "sk-ecdsa-sha2-nistp256@openssh.com");
        add_text(&b, "nistp256");
        add(&b, bin + len - 65, 65);
        add(&b, table[i].application, table[i].len);
        assert_int_equal(outcome("sk-ecdsa-sha2-nistp256@openssh.com", &b, &k), table[i].st);
        if (table[i].st == JA_OK)
            assert_int_equal(k.bits, 256);
    }
}

static void comments_are_kept_as_utf8(void **state)
{
    struct ja_ssh_line k;
    char line[1000] = "ssh-ed25519 " ED25519 " ";
    size_t at = strlen(line);

    (void)state;
    (void)snprintf(line + at, sizeof line - at, "M\xc3\xbcller\tx");
    assert_int_equal(parse(line, &k, NULL), JA_OK);
    assert_string_equal(k.comment, "M\xc3\xbcller\tx");
    (void)snprintf(line + at, sizeof line - at, "M\xfcller");
    assert_int_equal(parse(line, &k, NULL), JA_OK);
    assert_string_equal(k.comment, "M\\xfcller");
    (void)memset(line + at, 'x', JA_SSH_COMMENT_MAX - 1);
    (void)snprintf(line + at + JA_SSH_COMMENT_MAX - 1, 10, "\xc3\xbcy"); /* would be cut within a character */
    assert_int_equal(parse(line, &k, NULL), JA_OK);
    assert_int_equal(strlen(k.comment), JA_SSH_COMMENT_MAX - 1);
    (void)memset(line + at, 'x', JA_SSH_COMMENT_MAX - 1);
    (void)snprintf(line + at + JA_SSH_COMMENT_MAX - 1, 10, " y"); /* no blank at the end of what is cut */
    assert_int_equal(parse(line, &k, NULL), JA_OK);
    assert_int_equal(strlen(k.comment), JA_SSH_COMMENT_MAX - 1);
}

/* ---- keys of users ---- */

static int setup(void **state)
{
    struct ja_test_store *t = ja_test_store_new("dictionary = no\n[email]\nprovider = smtp\nurl = smtps://127.0.0.1:1\n"
                                                "from = auth@example.org\n");
    char id[JA_UUID_LEN + 1];

    ja_test_user(t, "alice", NULL, id);
    ja_test_user(t, "bob", NULL, id);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

#define LINE_A "ssh-ed25519 " ED25519 " a\n"
#define LINE_B "ecdsa-sha2-nistp256 " P256 " b\n"

static enum ja_status add_keys(struct ja_test_store *t, const char *name, const char *text, struct ja_error *err)
{
    struct ja_ssh_key *keys = NULL;
    size_t n = 0;
    enum ja_status st = ja_ssh_key_add_flow(&t->ctx, name, text, strlen(text), 0, &keys, &n, err);

    free(keys);
    return st;
}

/* "keys", or an action in the audit log of alice */
static int64_t number(struct ja_test_store *t, const char *what)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n;

    if (strcmp(what, "keys") == 0)
        assert_int_equal(ja_db_query(t->ctx.db, "SELECT COUNT(*) AS n FROM ssh_keys", JA_NO_BINDS, &rows, NULL), JA_OK);
    else
        assert_int_equal(ja_db_query(t->ctx.db, "SELECT COUNT(*) AS n FROM audit_log WHERE action = $1 "
                                     "AND target = 'user:alice'", JA_BINDS(JA_T(what)), &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

static void all_lines_or_none(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_error err = {0};

    assert_int_equal(add_keys(t, "alice", LINE_A "\n# mine\n" LINE_B "nonsense\n", &err), JA_ERR_INVALID);
    assert_string_equal(err.code, "invalid_ssh_key");
    assert_non_null(strstr(err.message, "line 5: "));
    assert_int_equal(number(t, "keys"), 0);
    assert_int_equal(add_keys(t, "alice", LINE_A LINE_B LINE_A, &err), JA_ERR_EXISTS); /* twice in one file */
    assert_non_null(strstr(err.message, "line 3: "));
    assert_non_null(strstr(err.message, ED25519_PRINT));
    assert_int_equal(number(t, "keys"), 0);
    assert_int_equal(number(t, "ssh_key.add"), 0);
    assert_int_equal(add_keys(t, "alice", "\n# nothing\n \n", &err), JA_ERR_INVALID);
    assert_int_equal(add_keys(t, "alice", "", &err), JA_ERR_INVALID);
    assert_int_equal(add_keys(t, "alice", "\r\n" LINE_A "ecdsa-sha2-nistp256 " P256, &err), JA_OK);
    assert_int_equal(number(t, "keys"), 2);
    assert_int_equal(number(t, "ssh_key.add"), 2);
    assert_int_equal(add_keys(t, "alice", LINE_A, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "ssh_key_exists");
    assert_int_equal(add_keys(t, "bob", LINE_A, &err), JA_OK); /* two people at one machine */
    assert_int_equal(add_keys(t, "nobody", LINE_A, &err), JA_ERR_NOT_FOUND);
}

static void a_user_has_so_many(void **state)
{
    struct ja_test_store *t = *state;
    char *text = calloc(JA_SSH_KEYS_MAX + 1, 200);
    unsigned char seed[32] = {0}, key[51] = "\0\0\0\13ssh-ed25519\0\0\0\40", secret[64];
    struct ja_error err = {0};
    char base64[100];
    size_t len = 0, last = 0;

    assert_non_null(text);
    for (int i = 0; i <= JA_SSH_KEYS_MAX; i++) {
        seed[0] = (unsigned char)i;
        assert_int_equal(crypto_sign_seed_keypair(key + 19, secret, seed), 0);
        (void)sodium_bin2base64(base64, sizeof base64, key, sizeof key, sodium_base64_VARIANT_ORIGINAL);
        last = len;
        len += (size_t)snprintf(text + len, 200, "ssh-ed25519 %s\n", base64);
    }
    assert_int_equal(add_keys(t, "alice", text, &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "too_many_ssh_keys");
    text[last] = 0;
    assert_int_equal(add_keys(t, "alice", text, &err), JA_OK);
    assert_int_equal(number(t, "keys"), JA_SSH_KEYS_MAX);
    assert_int_equal(add_keys(t, "alice", LINE_A, &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "too_many_ssh_keys");
    assert_int_equal(add_keys(t, "bob", LINE_A, &err), JA_OK);
    free(text);
}

static void removed_by_id_or_fingerprint(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ssh_key *keys = NULL, gone = {0};
    struct ja_error err = {0};
    size_t n = 0;

    assert_int_equal(add_keys(t, "bob", LINE_A, NULL), JA_OK);
    assert_int_equal(ja_ssh_key_add_flow(&t->ctx, "alice", LINE_A LINE_B, strlen(LINE_A LINE_B), 0, &keys, &n, NULL),
                     JA_OK);
    assert_int_equal(n, 2);
    assert_int_equal(ja_ssh_key_remove_flow(&t->ctx, "bob", keys[0].id, &gone, &err), JA_ERR_NOT_FOUND); /* hers */
    assert_string_equal(err.code, "ssh_key_not_found");
    assert_int_equal(ja_ssh_key_remove_flow(&t->ctx, "alice", ED25519_PRINT, &gone, NULL), JA_OK);
    assert_string_equal(gone.id, keys[0].id);
    assert_int_equal(ja_ssh_key_remove_flow(&t->ctx, "alice", ED25519_PRINT, &gone, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_ssh_key_remove_flow(&t->ctx, "alice", keys[1].id, &gone, NULL), JA_OK);
    assert_string_equal(gone.line.comment, "b");
    assert_int_equal(number(t, "keys"), 1); /* his is there still */
    assert_int_equal(number(t, "ssh_key.remove"), 2);
    free(keys);
}

static void an_end_lies_ahead(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ssh_key *keys = NULL;
    struct ja_error err = {0};
    int64_t now = ja_now(&t->ctx.clock);
    size_t n = 0;

    assert_int_equal(ja_ssh_key_add_flow(&t->ctx, "alice", LINE_A, strlen(LINE_A), now, &keys, &n, &err),
                     JA_ERR_INVALID);
    assert_string_equal(err.code, "invalid_time");
    assert_int_equal(ja_ssh_key_add_flow(&t->ctx, "alice", LINE_A, strlen(LINE_A), now + 1, &keys, &n, &err), JA_OK);
    assert_int_equal(keys[0].ends_at, now + 1);
    free(keys);
}

/* Whoever adds a key to an account can log in to it. */
static void callers_need_the_right(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ssh_key k;
    struct ja_error err = {0};

    assert_int_equal(ja_role_grant_flow(&t->ctx, "bob", "user", 0, NULL), JA_OK); /* profile:* */
    t->ctx.actor.name = "user:bob";
    assert_int_equal(add_keys(t, "alice", LINE_A, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(add_keys(t, "bob", LINE_A, &err), JA_OK);
    t->ctx.actor.name = "root";
    assert_int_equal(add_keys(t, "alice", LINE_A, &err), JA_OK);
    t->ctx.actor.name = "user:bob";
    assert_int_equal(ja_ssh_key_remove_flow(&t->ctx, "alice", ED25519_PRINT, &k, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_ssh_key_list_flow(&t->ctx, "alice", NULL, 0, NULL, NULL, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_ssh_key_remove_flow(&t->ctx, "bob", ED25519_PRINT, &k, &err), JA_OK);
    assert_string_equal(k.created_by, "user:bob");
    t->ctx.actor.name = "root";
}

static void the_user_is_told(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ssh_key k;

    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(t->ctx.db, "UPDATE users SET email = 'a@example.org', email_key = 'a@example.org', "
                                "email_verified_at = 1 WHERE username = 'alice'", JA_NO_BINDS, NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_equal(add_keys(t, "alice", LINE_A LINE_B, NULL), JA_OK);
    assert_int_equal(ja_test_letters(&t->ctx, "ssh_key_added"), 1); /* one letter for both */
    assert_int_equal(ja_ssh_key_remove_flow(&t->ctx, "alice", ED25519_PRINT, &k, NULL), JA_OK);
    assert_int_equal(ja_test_letters(&t->ctx, "ssh_key_removed"), 1);
    assert_int_equal(add_keys(t, "alice", LINE_B, NULL), JA_ERR_EXISTS);
    assert_int_equal(ja_test_letters(&t->ctx, "ssh_key_added"), 1);
}

/* R18: nothing that logs in stays behind a deleted user. */
static void a_deleted_user_has_none(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    assert_int_equal(add_keys(t, "alice", LINE_A, NULL), JA_OK);
    assert_int_equal(ja_user_find_by_name(&t->ctx, "alice", &u, NULL), JA_OK);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_user_delete(&t->ctx, u.id, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_equal(number(t, "keys"), 0);
    ja_user_clear(&u);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_types_that_are_taken),
        cmocka_unit_test(what_is_no_key_or_not_taken),
        cmocka_unit_test(rsa_numbers_have_their_bounds),
        cmocka_unit_test(lengths_are_exact),
        cmocka_unit_test(points_lie_on_the_curve),
        cmocka_unit_test(security_keys_name_their_application),
        cmocka_unit_test(comments_are_kept_as_utf8),
        T(all_lines_or_none),
        T(a_user_has_so_many),
        T(removed_by_id_or_fingerprint),
        T(an_end_lies_ahead),
        T(callers_need_the_right),
        T(the_user_is_told),
        T(a_deleted_user_has_none),
    };

    return ja_crypto_init(NULL) == JA_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
