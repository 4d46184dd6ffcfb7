/* R22: which files and folders are trusted, facet by facet; and files written whole, with exactly
 * their mode. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/base/file_guard.h"

#include <dirent.h>
#include <signal.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static char base[64]; /* /tmp/..., ours, 0755 */
static char text[512];

/* base/name; one of four buffers in turn */
static const char *at(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, 512, "%s/%s", base, name);
    return path;
}

static void make(const char *name, mode_t mode)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "content", 7), 7);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void make_dir(const char *name, mode_t mode)
{
    assert_int_equal(mkdir(at(name), 0700), 0);
    assert_int_equal(chmod(at(name), mode), 0);
}

static const struct ja_file_rule secret_rule = {.max_mode = 0600, .max_size = 100, .allow_own = true};

static enum ja_status check(const char *name, struct ja_error *err)
{
    struct ja_secret got = {0};
    enum ja_status checked = ja_file_check(at(name), &secret_rule, err);
    enum ja_status read = ja_file_read(at(name), &secret_rule, &got, err);
    int fd = -1;
    enum ja_status opened = ja_file_open(at(name), &secret_rule, &fd, err);

    /* all three doors have the same lock */
    assert_int_equal(checked, read);
    assert_int_equal(checked, opened);
    if (opened == JA_OK) {
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(got.len, 7);
        assert_memory_equal(got.data, "content", 8);
        (void)close(fd);
    }
    ja_secret_clear(&got);
    return checked;
}

static void refused(const char *name, const char *mend)
{
    struct ja_error err = {0};

    assert_int_equal(check(name, &err), JA_ERR_UNSAFE);
    if (!strstr(err.message, mend))
        fail_msg("'%s' lacks '%s'", err.message, mend);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(base, sizeof base, "/tmp/ja-guard.XXXXXX");
    return mkdtemp(base) && chmod(base, 0755) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void need_root(void)
{
    if (geteuid() != 0)
        skip();
}

static void r22_a_good_file_is_read(void **state)
{
    (void)state;
    make("ok", 0600);
    assert_int_equal(check("ok", NULL), JA_OK);
    assert_int_equal(chmod(at("ok"), 0400), 0);
    assert_int_equal(check("ok", NULL), JA_OK);
}

static void r22_every_mode_bit_beyond_the_rule_is_refused(void **state)
{
    (void)state;
    make("mode", 0600);
    for (mode_t bit = 04000; bit; bit >>= 1) {
        mode_t mode = 0600 | bit;
        char mend[160];
        if (mode == 0600)
            continue;
        assert_int_equal(chmod(at("mode"), mode), 0);
        (void)snprintf(mend, sizeof mend, "chmod 0600 '%s/mode'", base);
        refused("mode", mend);
    }
}

static void r22_an_absent_file_is_not_found(void **state)
{
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(check("absent", &err), JA_ERR_NOT_FOUND);
    assert_int_equal(check("absent/file", &err), JA_ERR_NOT_FOUND);
    make("plain", 0600);
    assert_int_equal(check("plain/file", &err), JA_ERR_UNSAFE); /* ENOTDIR is not "no file" */
    assert_int_equal(check("", &err), JA_ERR_INVALID);
    assert_int_equal(check("x/..", &err), JA_ERR_INVALID);
}

static void r22_a_link_is_refused_wherever_it_points(void **state)
{
    (void)state;
    make("target", 0600);
    assert_int_equal(symlink(at("target"), at("link")), 0);
    refused("link", "symbolic link");
    assert_int_equal(unlink(at("link")), 0);
    assert_int_equal(symlink("/nonexistent", at("link")), 0);
    refused("link", "symbolic link");
}

static void r22_a_linked_folder_counts_as_what_it_is(void **state)
{
    (void)state;
    make_dir("real", 0755);
    make("real/file", 0600);
    assert_int_equal(symlink(at("real"), at("alias")), 0);
    assert_int_equal(check("alias/file", NULL), JA_OK);
    assert_int_equal(chmod(at("real"), 0777), 0);
    refused("alias/file", "chmod go-w");
}

static volatile sig_atomic_t late;

static void on_alarm(int signal)
{
    (void)signal;
    late = 1;
}

/* CVE-2024-22365: a named pipe in place of a file held a login for ever. */
static void r22_cve_2024_22365_a_pipe_answers_at_once(void **state)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: a hanging open would end with EINTR */

    (void)state;
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    (void)alarm(20);
    refused("pipe", "named pipe");
    (void)alarm(0);
    assert_int_equal(late, 0);
}

static void r22_sockets_folders_and_devices_are_refused(void **state)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_true(fd >= 0);
    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", at("socket"));
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    refused("socket", "socket");
    (void)close(fd);
    make_dir("folder", 0700);
    refused("folder", "a folder");
    need_root();
    if (mknod(at("device"), S_IFCHR | 0600, makedev(1, 3)) != 0)
        skip(); /* a container may forbid it */
    refused("device", "a device");
}

static void r22_size_is_bounded(void **state)
{
    (void)state;
    make("size", 0600);
    assert_int_equal(truncate(at("size"), 101), 0);
    refused("size", "larger than 100 bytes");
}

static void r22_no_folder_above_may_be_writable_by_others(void **state)
{
    const mode_t bad[] = {0775, 0757, 0777, 0720, 0702};

    (void)state;
    make_dir("up", 0755);
    make_dir("up/mid", 0755);
    make("up/mid/file", 0600);
    assert_int_equal(check("up/mid/file", NULL), JA_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char mend[128];
        assert_int_equal(chmod(at("up"), bad[i]), 0);
        (void)snprintf(mend, sizeof mend, "chmod go-w '%s/up'", base);
        refused("up/mid/file", mend);
        assert_int_equal(chmod(at("up"), 0755), 0);
        assert_int_equal(chmod(at("up/mid"), bad[i]), 0);
        refused("up/mid/file", "/up/mid'");
        assert_int_equal(chmod(at("up/mid"), 0755), 0);
    }
}

/* Every test here lives in /tmp, which is sticky and root's; a sticky folder of another is not enough. */
static void r22_sticky_counts_only_for_root(void **state)
{
    (void)state;
    need_root();
    make_dir("sticky", 01777);
    make("sticky/file", 0600);
    assert_int_equal(check("sticky/file", NULL), JA_OK);
    assert_int_equal(chown(at("sticky"), 12345, 12345), 0);
    assert_int_equal(chmod(at("sticky"), 01777), 0);
    refused("sticky/file", "chown root");
    assert_int_equal(chown(at("sticky"), 0, 0), 0);
    assert_int_equal(chown(at("sticky/file"), 12345, 0), 0);
    refused("sticky/file", "chown root");
    /* as the last folder there is no next component of ours */
    assert_int_equal(ja_dir_check(at("sticky"), 0, true, NULL), JA_ERR_UNSAFE);
}

static void r22_another_owner_is_refused(void **state)
{
    char mend[160];

    (void)state;
    need_root();
    make_dir("theirs", 0755);
    make("theirs/file", 0600);
    assert_int_equal(chown(at("theirs/file"), 12345, 0), 0);
    (void)snprintf(mend, sizeof mend, "chown root '%s/theirs/file'", base);
    refused("theirs/file", mend);
    assert_int_equal(chown(at("theirs/file"), 0, 0), 0);
    assert_int_equal(chown(at("theirs"), 12345, 0), 0);
    (void)snprintf(mend, sizeof mend, "chown root '%s/theirs'", base);
    refused("theirs/file", mend);
}

/* The caller's own files are for authctl -c alone. */
static void r22_own_files_need_allow_own(void **state)
{
    struct ja_file_rule rule = secret_rule;

    (void)state;
    need_root();
    make_dir("own", 0755);
    make("own/file", 0600);
    assert_int_equal(chown(at("own/file"), 12345, 0), 0);
    assert_int_equal(chown(base, 12345, 0), 0);
    assert_int_equal(chown(at("own"), 12345, 0), 0);
    assert_int_equal(seteuid(12345), 0);
    assert_int_equal(ja_file_check(at("own/file"), &rule, NULL), JA_OK);
    rule.allow_own = false;
    assert_int_equal(ja_file_check(at("own/file"), &rule, NULL), JA_ERR_UNSAFE);
    assert_int_equal(ja_dir_check(at("own"), 0, false, NULL), JA_ERR_UNSAFE);
    assert_int_equal(ja_dir_check(at("own"), 0, true, NULL), JA_OK);
    /* a sticky folder passes when it is root's, not when it is the caller's */
    assert_int_equal(chmod(at("own"), 01777), 0);
    rule.allow_own = true;
    assert_int_equal(ja_file_check(at("own/file"), &rule, NULL), JA_ERR_UNSAFE);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chown(base, 0, 0), 0);
}

static void folders(void **state)
{
    struct ja_error err = {0};

    (void)state;
    make_dir("dir", 0755);
    assert_int_equal(ja_dir_check(at("dir"), 0, true, NULL), JA_OK);
    assert_int_equal(ja_dir_check(at("dir"), 0755, true, NULL), JA_OK);
    assert_int_equal(ja_dir_check(at("dir"), 0700, true, &err), JA_ERR_UNSAFE);
    (void)snprintf(text, sizeof text, "chmod 0700 '%s'", at("dir"));
    assert_non_null(strstr(err.message, text));
    assert_int_equal(ja_dir_check(at("none"), 0, true, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(symlink(at("dir"), at("dirlink")), 0);
    assert_int_equal(ja_dir_check(at("dirlink"), 0, true, NULL), JA_ERR_UNSAFE);
    make("notdir", 0600);
    assert_int_equal(ja_dir_check(at("notdir"), 0, true, NULL), JA_ERR_UNSAFE);
}

static mode_t mode_of(const char *name)
{
    struct stat sb;

    assert_int_equal(lstat(at(name), &sb), 0);
    return sb.st_mode & 07777;
}

static void modes_are_exact_under_any_umask(void **state)
{
    const mode_t umasks[] = {0, 077, 022, 0777};
    char name[64];

    (void)state;
    for (size_t i = 0; i < sizeof umasks / sizeof *umasks; i++) {
        mode_t old = umask(umasks[i]);
        enum ja_status st[5];
        (void)snprintf(name, sizeof name, "mask%zu", i);
        st[0] = ja_dir_make(at(name), 0711, NULL);
        (void)snprintf(name, sizeof name, "mask%zu/a/b/c", i);
        st[1] = ja_dir_make(at(name), 0700, NULL);
        (void)snprintf(name, sizeof name, "mask%zu/open", i);
        st[2] = ja_file_write(at(name), 0644, false, "x", 1, NULL);
        (void)snprintf(name, sizeof name, "mask%zu/secret", i);
        st[3] = ja_file_write(at(name), 0600, true, "x", 1, NULL);
        st[4] = ja_file_write(at(name), 0640, false, "y", 1, NULL);
        assert_int_equal(umask(old), umasks[i]); /* and left as it was */
        for (size_t j = 0; j < 5; j++)
            assert_int_equal(st[j], JA_OK);
        assert_int_equal(mode_of(name), 0640);
        (void)snprintf(name, sizeof name, "mask%zu", i);
        assert_int_equal(mode_of(name), 0711);
        (void)snprintf(name, sizeof name, "mask%zu/a", i);
        assert_int_equal(mode_of(name), 0755);
        (void)snprintf(name, sizeof name, "mask%zu/a/b/c", i);
        assert_int_equal(mode_of(name), 0700);
        (void)snprintf(name, sizeof name, "mask%zu/open", i);
        assert_int_equal(mode_of(name), 0644);
    }
}

static void making_a_folder_checks_one_that_exists(void **state)
{
    (void)state;
    make_dir("there", 0755);
    assert_int_equal(ja_dir_make(at("there"), 0755, NULL), JA_OK);
    assert_int_equal(ja_dir_make(at("there///"), 0755, NULL), JA_OK);
    assert_int_equal(ja_dir_make(at("there"), 0700, NULL), JA_ERR_UNSAFE);
    assert_int_equal(mode_of("there"), 0755); /* it is not changed behind its owner's back */
    assert_int_equal(chmod(at("there"), 0777), 0);
    assert_int_equal(ja_dir_make(at("there/new"), 0700, NULL), JA_ERR_UNSAFE);
    assert_int_equal(symlink("/nonexistent", at("dangling")), 0);
    assert_int_not_equal(ja_dir_make(at("dangling"), 0700, NULL), JA_OK);
}

static int count_entries(const char *name)
{
    DIR *dir = opendir(at(name));
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n - 2;
}

static void writing_replaces_whole_files_and_leaves_nothing(void **state)
{
    struct ja_secret got = {0};

    (void)state;
    make_dir("write", 0755);
    assert_int_equal(ja_file_write(at("write/f"), 0600, false, "first", 5, NULL), JA_OK);
    assert_int_equal(ja_file_write(at("write/f"), 0600, false, "2nd", 3, NULL), JA_OK);
    assert_int_equal(ja_file_write(at("write/f"), 0600, true, "third", 5, NULL), JA_ERR_EXISTS);
    assert_int_equal(ja_file_read(at("write/f"), &secret_rule, &got, NULL), JA_OK);
    assert_string_equal((const char *)got.data, "2nd");
    ja_secret_clear(&got);
    assert_int_equal(count_entries("write"), 1);
    assert_int_equal(ja_file_write(at("write/e"), 0600, true, "", 0, NULL), JA_OK);
    assert_int_equal(ja_file_write(at("none/f"), 0600, false, "x", 1, NULL), JA_ERR_NOT_FOUND);
    /* a folder is in the way: nothing is left behind */
    make_dir("write/d", 0755);
    assert_int_not_equal(ja_file_write(at("write/d"), 0600, false, "x", 1, NULL), JA_OK);
    assert_int_equal(count_entries("write"), 3);
}

static void writing_never_follows_a_link(void **state)
{
    struct stat sb;

    (void)state;
    make("victim", 0600);
    assert_int_equal(symlink(at("victim"), at("trap")), 0);
    assert_int_equal(ja_file_write(at("trap"), 0600, true, "evil", 4, NULL), JA_ERR_EXISTS);
    assert_int_equal(ja_file_write(at("trap"), 0600, false, "evil", 4, NULL), JA_OK);
    assert_int_equal(lstat(at("trap"), &sb), 0);
    assert_true(S_ISREG(sb.st_mode)); /* the link itself was replaced */
    assert_int_equal(check("victim", NULL), JA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(r22_a_good_file_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_every_mode_bit_beyond_the_rule_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_an_absent_file_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_a_link_is_refused_wherever_it_points, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_a_linked_folder_counts_as_what_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_cve_2024_22365_a_pipe_answers_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_sockets_folders_and_devices_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_size_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_no_folder_above_may_be_writable_by_others, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_sticky_counts_only_for_root, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_another_owner_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(r22_own_files_need_allow_own, setup, teardown),
        cmocka_unit_test_setup_teardown(folders, setup, teardown),
        cmocka_unit_test_setup_teardown(modes_are_exact_under_any_umask, setup, teardown),
        cmocka_unit_test_setup_teardown(making_a_folder_checks_one_that_exists, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_replaces_whole_files_and_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_never_follows_a_link, setup, teardown),
    };

    return cmocka_run_group_tests_name("file_guard", tests, NULL, NULL);
}
