/* Whose user is it (PAM.md): crafted passwd, shadow and group files, bound over the real ones in a mount
 * namespace of this process alone.  Needs root; skipped otherwise. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/domain/local_user.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/ja-local.XXXXXX"; /* becomes /etc */
static bool ready;

static void put(const char *name, const char *text)
{
    char path[64];
    FILE *f;

    (void)snprintf(path, sizeof path, "/etc/%s", name);
    (void)unlink(path);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, strcmp(name, "shadow") == 0 ? 0600 : 0644), 0);
}

static int enter(void **state)
{
    (void)state;
    if (ja_crypto_init(NULL) != JA_OK || !mkdtemp(dir))
        return -1;
    ready = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
            mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
            mount(dir, "/etc", "none", MS_BIND, NULL) == 0;
    return 0;
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

static int leave(void **state)
{
    (void)state;
    if (ready)
        (void)umount("/etc");
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
                             "alice:x:1001:1001:Alice Example,Room 1,,:/home/alice:/bin/bash\n"
                             "bob:x:1002:1002::/home/bob:/bin/sh\n";
static const char shadow[] = "root:*:19000:0:99999:7:::\n"
                             "daemon:*:19000:0:99999:7:::\n"
                             "alice:!jwtauth!$6$salt$hash:19000:0:99999:7:::\n"
                             "bob:$6$salt$other:19000:0:99999:7:::\n";

static void standard(void)
{
    if (!ready)
        skip();
    put("passwd", passwd);
    put("shadow", shadow);
    put("group", "root:x:0:\nalice:x:1001:bob\n");
}

static enum ja_whose whose(const char *name)
{
    struct ja_error err = {0};
    enum ja_whose w = (enum ja_whose)77;

    if (ja_local_whose(name, &w, &err) != JA_OK)
        fail_msg("%s: %s", name, err.message);
    return w;
}

static void a_name_in_passwd_is_local_unless_marked(void **state)
{
    (void)state;
    standard();
    assert_int_equal(whose("root"), JA_WHOSE_LOCAL);
    assert_int_equal(whose("bob"), JA_WHOSE_LOCAL);
    assert_int_equal(whose("alice"), JA_WHOSE_ADOPTED);
    assert_int_equal(whose("carol"), JA_WHOSE_NOT_LOCAL);
    assert_int_equal(whose(""), JA_WHOSE_NOT_LOCAL);
}

/* R5: no folding, no trimming, no prefixes. */
static void r5_names_are_compared_exactly(void **state)
{
    const char *others[] = {"Root", "root ", " root", "roo", "roott", "root:x", "root\n", "ALICE", "+", "+alice"};

    (void)state;
    standard();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(whose(others[i]), JA_WHOSE_NOT_LOCAL);
}

/* R1: only the very mark makes a local user ours; anything near it stays local (pam_unix answers). */
static void only_the_exact_mark_adopts(void **state)
{
    const struct { const char *field; enum ja_whose w; } rows[] = {
        {"!jwtauth!", JA_WHOSE_ADOPTED}, {"!jwtauth!!", JA_WHOSE_ADOPTED}, {"!jwtauth!x", JA_WHOSE_ADOPTED},
        {"!jwtauth", JA_WHOSE_LOCAL}, {"!JWTAUTH!x", JA_WHOSE_LOCAL}, {"!!jwtauth!x", JA_WHOSE_LOCAL}, {"x!jwtauth!", JA_WHOSE_LOCAL},
        {"jwtauth!", JA_WHOSE_LOCAL}, {"!", JA_WHOSE_LOCAL}, {"*", JA_WHOSE_LOCAL}, {"", JA_WHOSE_LOCAL}};
    char text[256];

    (void)state;
    standard();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(text, sizeof text, "bob:%s:19000:0:99999:7:::\n", rows[i].field);
        put("shadow", text);
        if (whose("bob") != rows[i].w)
            fail_msg("'%s'", rows[i].field);
    }
}

static void shadow_absent_or_without_the_name_means_local(void **state)
{
    (void)state;
    standard();
    put("shadow", "root:*:19000:0:99999:7:::\n");
    assert_int_equal(whose("alice"), JA_WHOSE_LOCAL);
    assert_int_equal(unlink("/etc/shadow"), 0);
    assert_int_equal(whose("alice"), JA_WHOSE_LOCAL);
    assert_int_equal(whose("carol"), JA_WHOSE_NOT_LOCAL);
    /* in shadow alone is not local */
    put("shadow", "carol:!jwtauth!x:19000:0:99999:7:::\n");
    assert_int_equal(whose("carol"), JA_WHOSE_NOT_LOCAL);
}

/* The first entry counts, as for the C library. */
static void of_two_entries_the_first_counts(void **state)
{
    (void)state;
    standard();
    put("shadow", "alice:*:1::::::\nalice:!jwtauth!x:1::::::\n");
    assert_int_equal(whose("alice"), JA_WHOSE_LOCAL);
}

static void an_unreadable_passwd_is_an_error_not_an_answer(void **state)
{
    enum ja_whose w = (enum ja_whose)77;
    struct ja_local_user u = {0};

    (void)state;
    standard();
    assert_int_equal(unlink("/etc/passwd"), 0);
    assert_int_equal(ja_local_whose("root", &w, NULL), JA_ERR_IO);
    assert_int_equal(w, 77);
    assert_int_equal(ja_local_find("root", &u, NULL), JA_ERR_IO);
    assert_true(ja_local_uid_taken(54321)); /* not known to be free */
    assert_int_equal(unlink("/etc/group"), 0);
    assert_true(ja_local_gid_taken(54321));
}

static void odd_lines_do_not_hide_later_ones(void **state)
{
    char *text = malloc(400000), *long_name;

    (void)state;
    if (!ready) {
        free(text);
        skip();
    }
    standard();
    assert_non_null(text);
    strcpy(text, "+nis::::::\n+@group\n\n:x:5:5::/:/bin/sh\nbroken\nx:y\n# comment\nlong:x:1003:1003:");
    long_name = text + strlen(text);
    memset(long_name, 'y', 300000);
    long_name[300000] = 0;
    strcat(text, ":/home/long:/bin/sh\n");
    strcat(text, passwd);
    put("passwd", text);
    assert_int_equal(whose("alice"), JA_WHOSE_ADOPTED);
    assert_int_equal(whose("bob"), JA_WHOSE_LOCAL);
    assert_int_equal(whose("nis"), JA_WHOSE_NOT_LOCAL);
    assert_int_equal(whose("long"), JA_WHOSE_LOCAL);
    assert_true(ja_local_uid_taken(1002));
    free(text);
}

static void an_entry_is_taken_over_without_the_mark(void **state)
{
    struct ja_local_user u = {0};

    (void)state;
    standard();
    assert_int_equal(ja_local_find("alice", &u, NULL), JA_OK);
    assert_int_equal(u.uid, 1001);
    assert_int_equal(u.gid, 1001);
    assert_string_equal(u.home, "/home/alice");
    assert_string_equal(u.shell, "/bin/bash");
    assert_string_equal(u.full_name, "Alice Example");
    assert_string_equal((const char *)u.hash.data, "$6$salt$hash");
    ja_local_clear(&u);
    assert_int_equal(ja_local_find("bob", &u, NULL), JA_OK);
    assert_string_equal((const char *)u.hash.data, "$6$salt$other");
    ja_local_clear(&u);
    assert_int_equal(ja_local_find("carol", &u, NULL), JA_ERR_NOT_FOUND);
    assert_null(u.hash.data);
}

static void taken_ids(void **state)
{
    (void)state;
    standard();
    assert_true(ja_local_uid_taken(0));
    assert_true(ja_local_uid_taken(1002));
    assert_false(ja_local_uid_taken(1003));
    assert_true(ja_local_gid_taken(1001));
    assert_false(ja_local_gid_taken(1002)); /* the group file decides */
    assert_false(ja_local_uid_taken(INT64_C(4294967296) + 1002));
}

/* Nothing but a whole, plain line reaches chpasswd: these are refused before it is run. */
static void marks_are_refused_for_what_could_break_shadow(void **state)
{
    const struct { const char *field; size_t len; } rows[] = {{"a:b", 3}, {"a\nroot:x", 8}, {"a\0b", 3}, {"\n", 1}};
    struct ja_secret field = {0};
    struct ja_error err = {0};

    (void)state;
    standard();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ja_secret_from(&field, rows[i].field, rows[i].len, NULL), JA_OK);
        assert_int_equal(ja_local_mark("bob", &field, &err), JA_ERR_INVALID);
        ja_secret_clear(&field);
    }
    assert_int_equal(ja_local_mark("bob\nroot", &field, &err), JA_ERR_NOT_FOUND);
    assert_int_equal(whose("bob"), JA_WHOSE_LOCAL);
}

static void system_accounts_are_never_marked(void **state)
{
    struct ja_secret field = {0};
    struct ja_error err = {0};

    (void)state;
    standard();
    put("passwd", "root:x:0:0::/root:/bin/sh\nlast:x:999:999::/:/bin/sh\n");
    assert_int_equal(ja_local_mark("root", &field, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_local_mark("last", &field, &err), JA_ERR_FORBIDDEN);
    assert_string_equal(err.code, "system_user");
    assert_int_equal(ja_local_unmark("root", &err), JA_ERR_FORBIDDEN);
}

static void field_is(const char *name, const char *wanted)
{
    char *text = calloc(1, 4096), line[256];
    FILE *f = fopen("/etc/shadow", "re");

    assert_non_null(text);
    assert_non_null(f);
    assert_true(fread(text, 1, 4095, f) > 0);
    (void)fclose(f);
    (void)snprintf(line, sizeof line, "%s:%s:", name, wanted);
    if (!strstr(text, line))
        fail_msg("'%s' is not in\n%s", line, text);
    free(text);
}

static void marking_and_releasing_are_exact_inverses(void **state)
{
    struct ja_local_user u = {0};
    struct ja_secret other = {0};
    struct ja_error err = {0};

    (void)state;
    standard();
    if (access("/usr/sbin/chpasswd", X_OK) != 0)
        skip();
    assert_int_equal(ja_local_find("bob", &u, NULL), JA_OK);
    if (ja_local_mark("bob", &u.hash, &err) != JA_OK)
        fail_msg("%s", err.message);
    field_is("bob", "!jwtauth!$6$salt$other");
    assert_int_equal(whose("bob"), JA_WHOSE_ADOPTED);
    /* again, by whoever does not know the old field: it is not lost */
    assert_int_equal(ja_local_mark("bob", &other, NULL), JA_OK);
    field_is("bob", "!jwtauth!$6$salt$other");
    ja_local_clear(&u);
    assert_int_equal(ja_local_unmark("bob", NULL), JA_OK);
    field_is("bob", "$6$salt$other");
    assert_int_equal(ja_local_unmark("bob", NULL), JA_OK);
    field_is("bob", "$6$salt$other");
    field_is("alice", "!jwtauth!$6$salt$hash");
    field_is("root", "*");
}

/* An empty field is a login without a password: it comes back locked. */
static void an_empty_field_comes_back_locked(void **state)
{
    struct ja_secret empty = {0};

    (void)state;
    standard();
    if (access("/usr/sbin/chpasswd", X_OK) != 0)
        skip();
    put("shadow", "bob::19000:0:99999:7:::\n");
    assert_int_equal(ja_local_mark("bob", &empty, NULL), JA_OK);
    field_is("bob", "!jwtauth!");
    assert_int_equal(ja_local_unmark("bob", NULL), JA_OK);
    field_is("bob", "!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_in_passwd_is_local_unless_marked),
        cmocka_unit_test(r5_names_are_compared_exactly),
        cmocka_unit_test(only_the_exact_mark_adopts),
        cmocka_unit_test(shadow_absent_or_without_the_name_means_local),
        cmocka_unit_test(of_two_entries_the_first_counts),
        cmocka_unit_test(an_unreadable_passwd_is_an_error_not_an_answer),
        cmocka_unit_test(odd_lines_do_not_hide_later_ones),
        cmocka_unit_test(an_entry_is_taken_over_without_the_mark),
        cmocka_unit_test(taken_ids),
        cmocka_unit_test(marks_are_refused_for_what_could_break_shadow),
        cmocka_unit_test(system_accounts_are_never_marked),
        cmocka_unit_test(marking_and_releasing_are_exact_inverses),
        cmocka_unit_test(an_empty_field_comes_back_locked),
    };

    return cmocka_run_group_tests_name("local_user", tests, enter, leave);
}
