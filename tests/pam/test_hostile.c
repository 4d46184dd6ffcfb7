/* Hostile items, passwords and processes: what the module must bear, and how it must leave the process. */
#include "tests/pam/pam_world.h"

#include <security/pam_modules.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RIGHT "Right-Horse-7-Battery"
#define GENEROUS "[throttle]\nlogin = 100000/15m\nper_user = 100000/1h\nper_source = 100000/15m"

extern char **environ;

#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static int open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static char *big(size_t n, char c)
{
    char *s = malloc(n + 1);

    assert_non_null(s);
    memset(s, c, n);
    s[n] = '\0';
    return s;
}

static int whole_login(struct world *w, const char *user, const char *password)
{
    struct person p = person(password);
    pam_handle_t *pamh = world_start(w, user, &p);
    int rc = pam_authenticate(pamh, 0);

    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0);
    if (rc == PAM_SUCCESS)
        rc = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    if (rc == PAM_SUCCESS)
        rc = pam_open_session(pamh, 0);
    if (rc == PAM_SUCCESS && !pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"))
        rc = PAM_ABORT;
    if (rc == PAM_SUCCESS)
        rc = pam_close_session(pamh, 0);
    world_end(pamh);
    return rc;
}

/* ---- items ---- */

static void cve_2014_2583_hostile_items(void **state)
{
    char *huge = big(65536, 'A'), *large = big(500, 'B');
    const char *texts[] = {"../../../../etc/shadow", huge, large, "a\nsshd[1]: Accepted password for root", "",
                           "\x1b[31mred", "\xff\xfe\x80", "x rhost=192.0.2.1  user=root", "%n%s%x", "192.0.2.1"};
    static const int items[] = {PAM_RHOST, PAM_TTY, PAM_RUSER};
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        for (int wrong = 0; wrong < 2; wrong++) {
            struct person p = person(wrong ? "wrong" : RIGHT);
            pam_handle_t *pamh = world_start(&w, "alice", &p);
            int rc;

            for (size_t i = 0; i < 3; i++)
                assert_int_equal(pam_set_item(pamh, items[i], texts[t]), PAM_SUCCESS);
            world_log_clear();
            rc = pam_authenticate(pamh, 0);
            if (texts[t] == huge && rc == PAM_SYSTEM_ERR) {
                /* libpam's own audit record takes no 64 kB: it refuses whatever we say */
                assert_non_null(strstr(world_log.text, wrong ? "authentication failure" : "audit_log"));
                world_end(pamh);
                continue;
            }
            assert_int_equal(rc, wrong ? PAM_AUTH_ERR : PAM_SUCCESS);
            if (wrong) {
                /* One record of one line, every field one word, nothing raw. */
                assert_null(strstr(world_log.text, "\nsshd"));
                assert_null(strstr(world_log.text, "\x1b"));
                assert_null(strstr(world_log.text, "\xff"));
                assert_null(strstr(world_log.text, " rhost=192.0.2.1  user=root"));
                assert_true(strlen(world_log.text) < 2048);
                assert_non_null(strstr(world_log.text, "user=alice"));
            } else {
                assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
                assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
                assert_non_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
                assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
            }
            world_end(pamh);
        }
    }
    free(huge);
    free(large);
    world_close(&w);
}

static void hostile_names(void **state)
{
    char *huge = big(65536, 'a');
    char *long33 = big(33, 'a');
    const char *names[] = {huge, long33, "../../etc/passwd", "alice\n", "alice'; DROP TABLE users; --", "\xff\xfe",
                           "", "-", "alice:x:0:0", "alice@example.org", "%s%n", "root ", "\b\n\r\177INCORRECT"};
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (int c = 0; c < CALLS; c++) {
            struct person p = person(RIGHT);
            int rc = world_call(&w, (enum call)c, names[i], &p);

            if (c == SETCRED ? rc != PAM_SUCCESS : rc == PAM_SUCCESS)
                fail_msg("call %d of \"%.40s\" gives %d", c, names[i], rc);
        }
        /* A name that is not in the store is not logged: it may be a password. */
        if (names[i][0])
            assert_null(strstr(world_log.text, names[i]));
        world_log_clear();
    }
    free(huge);
    free(long33);
    world_close(&w);
}

static void unknown_names_are_not_logged(void **state)
{
    struct world w;
    struct person p = person("wrong");

    (void)state;
    world_open(&w, "");
    world_user(&w, "alice", RIGHT);
    world_service(&w, "debug unknown_user=fail");
    world_log_clear();
    (void)world_call(&w, AUTH, "hunter2-was-here", &p);
    assert_true(world_log.lines > 0);
    assert_non_null(strstr(world_log.text, "authentication failure; logname= uid=0"));
    assert_null(strstr(world_log.text, "hunter2"));
    assert_null(strstr(world_log.text, "wrong\n"));
    world_close(&w);
}

/* Passwords reach no log line, at debug level either. */
static void secrets_are_not_logged(void **state)
{
    struct world w;
    unsigned char secret[20];
    char code[7];
    struct person p = person("Marker-Wrong-5-Secret");

    (void)state;
    world_open(&w, "[log]\nlevel = debug");
    world_user(&w, "alice", RIGHT);
    world_totp(&w, "alice", secret);
    world_service(&w, "debug");
    world_log_clear();
    (void)world_call(&w, AUTH, "alice", &p);
    world_code(secret, 0, code);
    p = person(RIGHT);
    p.code = code;
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    p.fresh = p.retype = "Marker-New-5-Secret";
    (void)world_call(&w, PASSWORD, "alice", &p);
    assert_null(strstr(world_log.text, "Marker"));
    assert_null(strstr(world_log.text, RIGHT));
    assert_null(strstr(world_log.text, code));
    world_close(&w);
}

/* ---- long passwords ---- */

static double cpu_ms(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec * 1e3 + (double)u.ru_utime.tv_usec / 1e3;
}

/* CVE-2015-3238, CVE-2016-6515: refused, and not by hashing a megabyte: the cost stays that of a login, which a hash over all of it
 * would leave far behind only in the limit; the exact rule is that no length past 511 is right. */
static void cve_2015_3238_long_passwords(void **state)
{
    static const size_t sizes[] = {511, 512, 513, 4096, 65536, 1024 * 1024};
    struct world w;
    char *right = big(511, 'R');
    double before, after;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", right);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *pw = big(sizes[i], 'R'); /* begins with the right one: never cut to it */
        struct person p = person(pw);

        before = cpu_ms();
        assert_int_equal(world_call(&w, AUTH, "alice", &p), sizes[i] == 511 ? PAM_SUCCESS : PAM_AUTH_ERR);
        after = cpu_ms();
        assert_true(after - before < 5000);
        p = person(right);
        p.fresh = p.retype = pw;
        if (sizes[i] > 511) {
            assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_AUTHTOK_ERR);
            assert_non_null(strstr(p.heard, "511"));
        }
        free(pw);
    }
    free(right);
    world_close(&w);
}

/* ---- the process ---- */

struct traces {
    mode_t mask;
    char cwd[256], locale[128];
    struct sigaction actions[32];
    sigset_t blocked;
    char *env;
    int fds;
};

static void take_traces(struct traces *t)
{
    memset(t, 0, sizeof *t);
    t->mask = umask(0);
    (void)umask(t->mask);
    assert_non_null(getcwd(t->cwd, sizeof t->cwd));
    (void)snprintf(t->locale, sizeof t->locale, "%s", setlocale(LC_ALL, NULL));
    for (int s = 1; s < 32; s++)
        (void)sigaction(s, NULL, &t->actions[s]);
    (void)sigprocmask(SIG_SETMASK, NULL, &t->blocked);
    t->env = environ[0];
    t->fds = open_fds();
}

static void r23_the_process_stays_as_it_was(void **state)
{
    struct world w;
    struct traces before, after;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    assert_int_equal(whole_login(&w, "alice", RIGHT), PAM_SUCCESS); /* libraries are loaded now */
    take_traces(&before);
    assert_int_equal(whole_login(&w, "alice", RIGHT), PAM_SUCCESS);
    assert_int_equal(whole_login(&w, "alice", "wrong"), PAM_AUTH_ERR);
    take_traces(&after);
    assert_int_equal(before.mask, after.mask);
    assert_string_equal(before.cwd, after.cwd);
    assert_string_equal(before.locale, after.locale);
    for (int s = 1; s < 32; s++)
        assert_ptr_equal(before.actions[s].sa_handler, after.actions[s].sa_handler);
    assert_memory_equal(&before.blocked, &after.blocked, sizeof before.blocked);
    assert_ptr_equal(before.env, after.env);
    assert_int_equal(before.fds, after.fds);
    world_close(&w);
}

static long resident_kb(void)
{
    long pages = 0, size = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &size, &pages), 2);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int mappings(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    int c, n = 0;

    assert_non_null(f);
    while ((c = fgetc(f)) != EOF)
        n += c == '\n';
    fclose(f);
    return n;
}

/* CVE-2019-12210, CVE-2018-9275: nothing is left by a login; libpam unloads the module at each end. */
static void many_logins_leave_nothing(void **state)
{
    struct world w;
    int fds, maps;
    long kb;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    for (int i = 0; i < 20; i++)
        assert_int_equal(whole_login(&w, "alice", RIGHT), PAM_SUCCESS);
    fds = open_fds();
    maps = mappings();
    kb = resident_kb();
    for (int i = 0; i < 180; i++) {
        if (i % 3 == 0)
            assert_int_equal(whole_login(&w, "alice", "wrong"), PAM_AUTH_ERR);
        else
            assert_int_equal(whole_login(&w, "alice", RIGHT), PAM_SUCCESS);
    }
    assert_int_equal(open_fds(), fds);
    if (!sanitized) { /* which keeps freed memory for a while */
        assert_in_range(mappings(), 1, maps + 8);
        assert_in_range(resident_kb(), 1, kb + 4096);
    }
    world_close(&w);
}

/* In a child: the bits that cannot be undone. */
static void in_child(struct world *w, void (*prepare)(void), int (*check)(struct world *w))
{
    int status;
    pid_t pid;

    ja_ctx_clear(w->ctx);
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        prepare();
        _exit(check(w));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with %x", (unsigned)status);
}

static void close_standard(void)
{
    close(0);
    close(1);
    close(2);
}

static int logs_in_and_keeps_fds_closed(struct world *w)
{
    if (whole_login(w, "alice", RIGHT) != PAM_SUCCESS || whole_login(w, "alice", "wrong") != PAM_AUTH_ERR)
        return 1;
    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) != -1 || errno != EBADF)
            return 2 + i;
    return 0;
}

static void r23_closed_standard_descriptors(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    in_child(&w, close_standard, logs_in_and_keeps_fds_closed);
    world_close(&w);
}

static void ignore_signals(void)
{
    for (int s = 1; s < 32; s++)
        if (s != SIGKILL && s != SIGSTOP)
            (void)signal(s, SIG_IGN);
    (void)raise(SIGPIPE);
}

static int logs_in(struct world *w)
{
    return whole_login(w, "alice", RIGHT) == PAM_SUCCESS && whole_login(w, "alice", "wrong") == PAM_AUTH_ERR ? 0 : 1;
}

static void r23_ignored_signals(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    in_child(&w, ignore_signals, logs_in);
    world_close(&w);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int s)
{
    (void)s;
    alarms++;
}

/* CVE-2024-6387, CVE-2024-6409, CVE-2006-5051: the application's own handler keeps running (the module installs none:
 * r23_the_process_stays_as_it_was), and interrupted calls go on. */
static int logs_in_under_alarms(struct world *w)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    int rc;

    (void)sigaction(SIGALRM, &sa, NULL);
    (void)setitimer(ITIMER_REAL, &every, NULL);
    rc = logs_in(w);
    (void)setitimer(ITIMER_REAL, &never, NULL);
    return rc || alarms == 0;
}

static void no_preparation(void) {}

static void survives_alarms(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    in_child(&w, no_preparation, logs_in_under_alarms);
    world_close(&w);
}

static void strange_surroundings(void)
{
    (void)umask(0);
    if (chdir("/proc/self") != 0)
        _exit(98);
    setenv("LC_ALL", "tr_TR.UTF-8", 1);
    setenv("TZ", "../../../../etc/shadow", 1);
    setenv("JWTAUTH_CONFIG", "/nonexistent", 1);
    setenv("SQLITE_TMPDIR", "/nonexistent", 1);
    setenv("TMPDIR", "/nonexistent", 1);
    setenv("HOME", "/nonexistent", 1);
    setenv("OPENSSL_CONF", "/nonexistent", 1);
}

static int leaves_no_open_file(struct world *w)
{
    char path[256];
    struct stat sb;

    if (logs_in(w) != 0)
        return 1;
    for (int i = 0; i < 4; i++) { /* umask 0: SQLite's files take the database's mode */
        static const char *const names[] = {"state/jwtauth.db", "state/jwtauth.db-wal", "state/jwtauth.db-shm", "master.key"};

        (void)snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
        if (stat(path, &sb) == 0 && (sb.st_mode & 077) != 0)
            return 2 + i;
    }
    return 0;
}

static void r23_hostile_surroundings(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    in_child(&w, strange_surroundings, leaves_no_open_file);
    world_close(&w);
}

/* ---- memory ---- */

/* The marker is nowhere in the program as it is searched for. */
static const unsigned char veiled[] = {'W' ^ 0x5a, 'i' ^ 0x5a, 'p' ^ 0x5a, 'e' ^ 0x5a, 'M' ^ 0x5a, 'e' ^ 0x5a, '-' ^ 0x5a,
                                       '4' ^ 0x5a, '8' ^ 0x5a, '1' ^ 0x5a, '5' ^ 0x5a, '1' ^ 0x5a, '6' ^ 0x5a, '!' ^ 0x5a};

/* At the end of a long password: malloc overwrites the beginning of what is freed. */
#define BEFORE_MARKER 300

static char *unveil(void)
{
    char *s = calloc(1, BEFORE_MARKER + sizeof veiled + 1);

    assert_non_null(s);
    for (size_t i = 0; i < BEFORE_MARKER; i++)
        s[i] = (char)('!' + (i * i * 7 + i * 13 + i / 9) % 90);
    for (size_t i = 0; i < sizeof veiled; i++)
        s[BEFORE_MARKER + i] = (char)(veiled[i] ^ 0x5a);
    return s;
}

static void wipe(char *s)
{
    explicit_bzero(s, BEFORE_MARKER + sizeof veiled);
    free(s);
}

static int count_in(const unsigned char *buf, size_t len)
{
    int n = 0;

    for (size_t i = 0; i + sizeof veiled <= len; i++) {
        size_t k = 0;

        while (k < sizeof veiled && buf[i + k] == (veiled[k] ^ 0x5a))
            k++;
        n += k == sizeof veiled;
    }
    return n;
}

/* Over every page that can be written. */
static int markers_in_memory(void)
{
    static unsigned char buf[1 << 16];
    FILE *maps = fopen("/proc/self/maps", "re");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), found = 0;
    char line[512], mode[8];
    unsigned long from, to;

    assert_true(maps && mem >= 0);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[1] != 'w')
            continue;
        for (unsigned long at = from; at < to; at += sizeof buf - sizeof veiled) {
            size_t want = to - at < sizeof buf ? to - at : sizeof buf;
            ssize_t n;

            if ((unsigned long)buf < at + want && at < (unsigned long)buf + sizeof buf)
                continue;
            n = pread(mem, buf, want, (off_t)at);
            if (n > 0)
                found += count_in(buf, (size_t)n);
        }
    }
    explicit_bzero(buf, sizeof buf);
    close(mem);
    fclose(maps);
    return found;
}

/* CVE-2024-10041: after pam_end the process holds neither the password nor a part of a change. */
static void cve_2024_10041_no_password_stays(void **state)
{
    struct world w;
    char *pw = unveil();
    struct person p = person(pw);
    pam_handle_t *pamh;

    (void)state;
    if (sanitized) { /* terabytes of shadow memory, and freed memory kept */
        wipe(pw);
        return;
    }
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    world_user(&w, "bob", RIGHT);
    assert_true(markers_in_memory() > 0); /* the search works */
    pamh = world_start(&w, "alice", &p);  /* a wrong password */
    assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    world_end(pamh);
    p = person(RIGHT); /* a new one */
    p.fresh = p.retype = pw;
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_chauthtok(pamh, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
    world_end(pamh);
    p = person(pw); /* the right one */
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    p = person(RIGHT); /* typed as a code */
    p.code = pw;
    world_service(&w, "mfa=required");
    assert_int_equal(world_call(&w, AUTH, "bob", &p), PAM_AUTH_ERR);
    p = (struct person){0};
    wipe(pw);
    assert_int_equal(markers_in_memory(), 0);
    world_close(&w);
}

/* ---- threads ---- */

struct worker {
    struct world *w;
    char user[16];
    int failures;
};

static void *work(void *arg)
{
    struct worker *k = arg;

    for (int i = 0; i < 8; i++) {
        k->failures += whole_login(k->w, k->user, RIGHT) != PAM_SUCCESS;
        k->failures += whole_login(k->w, k->user, "wrong") != PAM_AUTH_ERR;
    }
    return NULL;
}

/* Each thread a handle of its own. libpam itself loads the module for each. */
static void eight_threads(void **state)
{
    struct worker workers[8];
    pthread_t threads[8];
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    for (int i = 0; i < 8; i++) {
        workers[i] = (struct worker){.w = &w};
        (void)snprintf(workers[i].user, sizeof workers[i].user, "user%d", i);
        world_user(&w, workers[i].user, RIGHT);
    }
    ja_ctx_clear(w.ctx);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 8; i++)
        if (workers[i].failures)
            fail_msg("%s: %d logins went wrong; %s", workers[i].user, workers[i].failures, world_log.text);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cve_2014_2583_hostile_items),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(unknown_names_are_not_logged),
        cmocka_unit_test(secrets_are_not_logged),
        cmocka_unit_test(cve_2015_3238_long_passwords),
        cmocka_unit_test(r23_the_process_stays_as_it_was),
        cmocka_unit_test(many_logins_leave_nothing),
        cmocka_unit_test(r23_closed_standard_descriptors),
        cmocka_unit_test(r23_ignored_signals),
        cmocka_unit_test(survives_alarms),
        cmocka_unit_test(r23_hostile_surroundings),
        cmocka_unit_test(cve_2024_10041_no_password_stays),
        cmocka_unit_test(eight_threads),
    };

    if (!world_usable())
        return 77;
    return cmocka_run_group_tests_name("pam hostile", tests, NULL, NULL);
}
