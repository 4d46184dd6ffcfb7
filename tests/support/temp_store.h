/* A whole small installation in a temporary folder: configuration, master key, migrated SQLite store,
 * default roles, one active ES256 key, a fake clock.  Real files, real SQLite; cheap hashes (8 MiB, 1 pass).
 */
#ifndef JA_TEST_TEMP_STORE_H
#define JA_TEST_TEMP_STORE_H

#include "common/domain/ctx.h"
#include "tests/support/fake_clock.h"

struct ja_test_store {
    struct ja_ctx ctx;            /* actor "root", service "test" */
    struct ja_fake_clock clock;
    char dir[64];                 /* holds jwtauth.conf, master.key, state/, run/, cache/ */
    char last_log[2048];          /* the last line that was logged */
};

/* `extra` is configuration text appended to the standard one; it may start with [sections] of its
 * own that the standard one does not have (it has [paths] [store] [tokens] [password]); keys put before
 * the first section header go into [password].  Fails the test program on error. */
struct ja_test_store *ja_test_store_new(const char *extra);
void ja_test_store_free(struct ja_test_store *t);
/* A second context on the same store (another "process"); free with ja_ctx_clear. */
void ja_test_store_second(struct ja_test_store *t, struct ja_ctx *ret);

/* Without signing key or default roles, and not migrated: for tests of the layers below. */
struct ja_test_store *ja_test_store_bare(const char *extra);

/* An active person "alice" or so with this password (NULL: none), written straight to the store; returns its id
 * in `id` (37 bytes). */
void ja_test_user(struct ja_test_store *t, const char *name, const char *password, char *id);

#endif
