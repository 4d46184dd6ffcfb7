/* Libraries loaded late (common/base/dynload.h). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/base/dynload.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *slot;
static const struct ja_dl_symbol symbols[] = {{"sqlite3_libversion", &slot}};

static enum ja_status load(const char *soname, struct ja_error *err)
{
    slot = NULL;
    return ja_dl_load(soname, symbols, 1, err);
}

/* Where the loader found the library of the first test. */
static const char *library_path(void)
{
    static Dl_info info;

    assert_int_equal(load("libsqlite3.so.0", NULL), JA_OK);
    assert_int_not_equal(dladdr(slot, &info), 0);
    slot = NULL;
    return info.dli_fname;
}

static void loads_all_or_nothing(void **state)
{
    static const struct ja_dl_symbol two[] = {{"sqlite3_libversion", &slot}, {"no_such_function", &slot}};
    struct ja_error err = {0};

    (void)state;
    slot = NULL;
    assert_int_equal(ja_dl_load("libsqlite3.so.0", two, 2, &err), JA_ERR_UNSUPPORTED);
    assert_null(slot);
    assert_string_equal(err.code, "library_missing");
    assert_int_equal(load("libsqlite3.so.0", &err), JA_OK);
    assert_non_null(slot);
}

/* After a load that broke off in the middle, glibc hands out functions that crash. */
static void what_failed_once_is_not_tried_again(void **state)
{
    static char path[] = "/tmp/ja-dynload.XXXXXX", link_name[64];
    struct ja_error err = {0};

    (void)state;
    assert_non_null(mkdtemp(path));
    (void)snprintf(link_name, sizeof link_name, "%s/lib.so", path);
    assert_int_equal(load(link_name, &err), JA_ERR_UNSUPPORTED);
    assert_int_equal(symlink(library_path(), link_name), 0);
    assert_int_equal(load(link_name, &err), JA_ERR_UNSUPPORTED);
    assert_null(slot);
    assert_int_equal(unlink(link_name), 0);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_all_or_nothing),
        cmocka_unit_test(what_failed_once_is_not_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
