/* The cross-check of a new key listens to the other library: SECURITY F1 (a decoder that takes anything). */
#include "common/domain/signing_key.h"

#include <dlfcn.h>
#include <jwt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int *accepts;
static jwt_alg_t *alg;
static struct ja_key *key;

/* From now on libjwt's name leads to tests/support/liar_jwt.c. */
static int up(void **state)
{
    const char *build = getenv("top_builddir");
    char path[512];
    void *liar;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/tests/support/.libs/libjwt.so.0", build ? build : ".");
    liar = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!liar)
        print_error("%s\n", dlerror());
    assert_non_null(liar);
    *(void **)&accepts = dlsym(liar, "liar_accepts");
    *(void **)&alg = dlsym(liar, "liar_alg");
    assert_true(accepts && alg);
    assert_int_equal(ja_crypto_init(NULL), JA_OK);
    assert_int_equal(ja_key_generate(JA_ALG_ES256, &key, NULL), JA_OK);
    return 0;
}

static int down(void **state)
{
    (void)state;
    ja_key_free(key);
    return 0;
}

/* `said`: bit 0 the good token, bit 1 the changed one. */
static enum ja_status check(int said, jwt_alg_t said_alg)
{
    struct ja_error err = {0};
    enum ja_status st;

    *accepts = said;
    *alg = said_alg;
    st = ja_libjwt_cross_check(key, &err);
    if (st != JA_OK)
        assert_string_equal(err.code, "cross_check_failed");
    return st;
}

static void accepted_and_refused_where_it_has_to_be(void **state)
{
    (void)state;
    assert_int_equal(check(1, JWT_ALG_ES256), JA_OK);
}

static void f1_a_library_that_takes_everything_is_no_check(void **state)
{
    (void)state;
    assert_int_equal(check(3, JWT_ALG_ES256), JA_ERR_CRYPTO);
}

static void a_key_that_the_library_refuses_is_refused(void **state)
{
    (void)state;
    assert_int_equal(check(0, JWT_ALG_ES256), JA_ERR_CRYPTO);
    assert_int_equal(check(2, JWT_ALG_ES256), JA_ERR_CRYPTO);
}

static void f1_accepted_as_another_algorithm_does_not_count(void **state)
{
    (void)state;
    assert_int_equal(check(1, JWT_ALG_NONE), JA_ERR_CRYPTO);
    assert_int_equal(check(1, JWT_ALG_HS256), JA_ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_and_refused_where_it_has_to_be),
        cmocka_unit_test(f1_a_library_that_takes_everything_is_no_check),
        cmocka_unit_test(a_key_that_the_library_refuses_is_refused),
        cmocka_unit_test(f1_accepted_as_another_algorithm_does_not_count),
    };

    return cmocka_run_group_tests(tests, up, down);
}
