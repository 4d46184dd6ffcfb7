/* Secrets at rest and the master key (SECURITY R22). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/domain/seal.h"
#include "tests/support/temp_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ja_test_store *t;

static int setup(void **state)
{
    t = ja_test_store_bare(NULL);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ja_test_store_free(t);
    return 0;
}

#define OK(call) assert_int_equal((call), JA_OK)

static const char *key_file(void)
{
    return t->ctx.cfg->store.master_key_file;
}

static void write_key(const char *text, size_t len, mode_t mode)
{
    int fd;

    (void)unlink(key_file());
    fd = open(key_file(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    ja_secret_clear(&t->ctx.master);
}

static const char *const OTHER_KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

static char *seal(const char *identity, const void *data, size_t len)
{
    char *out = NULL;
    struct ja_error err = {0};

    OK(ja_seal(&t->ctx, identity, data, len, &out, &err));
    return out;
}

static enum ja_status unseal(const char *identity, const char *sealed, struct ja_error *err)
{
    struct ja_secret got = {0};
    enum ja_status st = ja_unseal(&t->ctx, identity, sealed, &got, err);

    if (st != JA_OK)
        assert_null(got.data);
    ja_secret_clear(&got);
    return st;
}

static void what_is_sealed_opens(void **state)
{
    static unsigned char data[5000];
    const size_t lengths[] = {0, 1, 20, 32, 4999};
    struct ja_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct ja_secret got = {0};
        char *sealed = seal("totp:1", data, lengths[i]);

        OK(ja_unseal(&t->ctx, "totp:1", sealed, &got, &err));
        assert_int_equal(got.len, lengths[i]);
        assert_memory_equal(got.data, data, lengths[i]);
        assert_int_equal(got.data[got.len], 0);
        ja_secret_clear(&got);
        free(sealed);
    }
}

static void the_format_is_text_and_hides_the_secret(void **state)
{
    char *a = seal("totp:1", "12345678901234567890", 20), *b = seal("totp:1", "12345678901234567890", 20);

    (void)state;
    assert_int_equal(strncmp(a, "v1.", 3), 0);
    assert_int_equal(strspn(a + 3, "0123456789abcdef"), 8);
    assert_int_equal(a[11], '.');
    /* nonce 24, text 20, tag 16: 60 bytes are 80 characters */
    assert_int_equal(strlen(a), 12 + 80);
    assert_int_equal(strspn(a + 12, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 80);
    assert_memory_equal(a, b, 12); /* the same key */
    assert_string_not_equal(a, b); /* another nonce each time */
    free(a);
    free(b);
}

/* A row's secret copied into another row by somebody who can write the store. */
static void a_moved_row_does_not_open(void **state)
{
    char *sealed = seal("totp:alice", "secret", 6);
    struct ja_error err = {0};

    (void)state;
    OK(unseal("totp:alice", sealed, &err));
    assert_int_equal(unseal("totp:mallory", sealed, &err), JA_ERR_CORRUPT);
    assert_int_equal(unseal("key:alice", sealed, &err), JA_ERR_CORRUPT);
    assert_int_equal(unseal("totp:alic", sealed, &err), JA_ERR_CORRUPT);
    assert_int_equal(unseal("", sealed, &err), JA_ERR_CORRUPT);
    assert_string_equal(err.code, "seal_damaged");
    free(sealed);
}

static void another_master_key_is_told_apart(void **state)
{
    char *sealed = seal("totp:1", "secret", 6);
    struct ja_error err = {0};

    (void)state;
    write_key(OTHER_KEY, 65, 0600);
    assert_int_equal(unseal("totp:1", sealed, &err), JA_ERR_CRYPTO);
    assert_string_equal(err.code, "wrong_master_key");
    free(sealed);
}

/* Also with the right key id pasted in front: it is a hint, not a proof. */
static void the_key_id_is_no_proof(void **state)
{
    char *sealed = seal("totp:1", "secret", 6), *other;
    struct ja_error err = {0};

    (void)state;
    write_key(OTHER_KEY, 65, 0600);
    other = seal("totp:1", "secret", 6);
    memcpy(sealed, other, 12);
    assert_int_equal(unseal("totp:1", sealed, &err), JA_ERR_CORRUPT);
    free(other);
    free(sealed);
}

static void every_changed_character_is_refused(void **state)
{
    char *sealed = seal("totp:1", "12345678901234567890", 20);
    struct ja_error err = {0};

    (void)state;
    for (size_t i = 0; sealed[i]; i++) {
        for (int bit = 0; bit < 7; bit++) {
            char held = sealed[i];
            enum ja_status st;

            sealed[i] = (char)(held ^ (1 << bit));
            st = unseal("totp:1", sealed, &err);
            if (i >= 3 && i < 11 ? st != JA_ERR_CRYPTO && st != JA_ERR_CORRUPT : st != JA_ERR_CORRUPT)
                fail_msg("character %zu, bit %d: %d", i, bit, st);
            sealed[i] = held;
        }
    }
    OK(unseal("totp:1", sealed, &err));
    free(sealed);
}

static void every_shortened_value_is_refused(void **state)
{
    char *sealed = seal("totp:1", "x", 1), longer[256];
    struct ja_error err = {0};

    (void)state;
    (void)snprintf(longer, sizeof longer, "%sA", sealed);
    assert_int_equal(unseal("totp:1", longer, &err), JA_ERR_CORRUPT);
    (void)snprintf(longer, sizeof longer, "%s==", sealed);
    assert_int_equal(unseal("totp:1", longer, &err), JA_ERR_CORRUPT);
    for (size_t len = strlen(sealed); len-- > 0;) {
        sealed[len] = 0;
        assert_int_equal(unseal("totp:1", sealed, &err), JA_ERR_CORRUPT);
    }
    free(sealed);
    assert_int_equal(unseal("totp:1", "v2.00000000.AAAA", &err), JA_ERR_CORRUPT);
    assert_int_equal(unseal("totp:1", "12345678901234567890", &err), JA_ERR_CORRUPT);
}

static void keyed_hashes_depend_on_key_purpose_and_data(void **state)
{
    unsigned char a[32], b[32];
    struct ja_error err = {0};

    (void)state;
    OK(ja_keyed_hash(&t->ctx, "purpose1", "abc", 3, a, &err));
    OK(ja_keyed_hash(&t->ctx, "purpose1", "abc", 3, b, &err));
    assert_memory_equal(a, b, 32);
    OK(ja_keyed_hash(&t->ctx, "purpose2", "abc", 3, b, &err));
    assert_memory_not_equal(a, b, 32);
    OK(ja_keyed_hash(&t->ctx, "purpose1", "abd", 3, b, &err));
    assert_memory_not_equal(a, b, 32);
    OK(ja_keyed_hash(&t->ctx, "purpose1", "abc", 2, b, &err));
    assert_memory_not_equal(a, b, 32);
    write_key(OTHER_KEY, 65, 0600);
    OK(ja_keyed_hash(&t->ctx, "purpose1", "abc", 3, b, &err));
    assert_memory_not_equal(a, b, 32);
}

/* The vector is from b2sum -l 256. */
static void token_hash_is_blake2b_256(void **state)
{
    char out[JA_HASH_TEXT];

    (void)state;
    ja_token_hash("abc", 3, out);
    assert_string_equal(out, "vd2BPGNCOXIxce8_7phXm5SWTjuxyz5CcmLIwGjVIxk");
}

static void the_master_key_is_made_once_and_privately(void **state)
{
    char path[128];
    struct ja_error err = {0};
    struct stat sb;
    mode_t old = umask(0);
    char text[80] = "", again[80] = "";
    FILE *f;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/new.key", t->dir);
    OK(ja_master_create(path, &err));
    (void)umask(old);
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 07777, 0600);
    assert_int_equal(sb.st_size, 65);
    f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof text - 1, f), 65);
    (void)fclose(f);
    assert_int_equal(strspn(text, "0123456789abcdef"), 64);
    assert_int_equal(ja_master_create(path, &err), JA_ERR_EXISTS);
    f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fread(again, 1, sizeof again - 1, f), 65);
    (void)fclose(f);
    assert_string_equal(text, again);
}

static void require(enum ja_status want, const char *text)
{
    struct ja_error err = {0};
    enum ja_status st = ja_ctx_require_master(&t->ctx, &err);

    if (st != want || !strstr(err.message, text))
        fail_msg("%d (%s) instead of %d with '%s'", st, err.message, want, text);
    assert_null(t->ctx.master.data);
}

/* Absent, unsafe or malformed: an error, never a default. */
static void r22_the_master_key_is_read_strictly(void **state)
{
    const char *const bad[] = {
        "", "\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",    /* no newline */
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef\n",   /* 63 digits */
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeg\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefff",   /* 65 of them */
        "00112233445566778899aabbccddeeff 0112233445566778899aabbccddeeff\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef\n\n",
        "0000000000000000000000000000000000000000000000000000000000000000\n",
    };
    struct ja_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_key(bad[i], strlen(bad[i]), 0600);
        require(JA_ERR_CONFIG, key_file());
    }
    write_key("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nmore", 69, 0600);
    require(JA_ERR_UNSAFE, key_file());
    write_key("0011223344556677\00099aabbccddeeff00112233445566778899aabbccddeeff\n", 65, 0600);
    require(JA_ERR_CONFIG, key_file());
    write_key(OTHER_KEY, 65, 0640);
    require(JA_ERR_UNSAFE, "chmod 0600");
    assert_int_equal(unlink(key_file()), 0);
    require(JA_ERR_CONFIG, "authctl init");
    assert_int_equal(mkfifo(key_file(), 0600), 0);
    require(JA_ERR_UNSAFE, key_file());
    write_key(OTHER_KEY, 65, 0600);
    OK(ja_ctx_require_master(&t->ctx, &err));
    assert_int_equal(t->ctx.master.len, 32);
    assert_int_equal(t->ctx.master.data[1], 0x11);
    OK(ja_ctx_require_master(&t->ctx, &err));
}

/* Nothing is sealed, opened or hashed without the key. */
static void without_the_key_nothing_works(void **state)
{
    char *sealed = seal("totp:1", "secret", 6), *out = NULL;
    unsigned char hash[32];
    struct ja_error err = {0};

    (void)state;
    ja_secret_clear(&t->ctx.master);
    assert_int_equal(unlink(key_file()), 0);
    assert_int_equal(unseal("totp:1", sealed, &err), JA_ERR_CONFIG);
    assert_int_equal(ja_seal(&t->ctx, "totp:1", "x", 1, &out, &err), JA_ERR_CONFIG);
    assert_null(out);
    assert_int_equal(ja_keyed_hash(&t->ctx, "purpose1", "x", 1, hash, &err), JA_ERR_CONFIG);
    free(sealed);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_sealed_opens),
        T(the_format_is_text_and_hides_the_secret),
        T(a_moved_row_does_not_open),
        T(another_master_key_is_told_apart),
        T(the_key_id_is_no_proof),
        T(every_changed_character_is_refused),
        T(every_shortened_value_is_refused),
        T(keyed_hashes_depend_on_key_purpose_and_data),
        T(token_hash_is_blake2b_256),
        T(the_master_key_is_made_once_and_privately),
        T(r22_the_master_key_is_read_strictly),
        T(without_the_key_nothing_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
