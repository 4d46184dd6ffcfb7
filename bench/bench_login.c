/* PAM logins: looped and in fresh processes against the bare hash, the second factor's step,
 * unknown users against wrong passwords, and a store with many sessions against an empty one. */
#include "bench/pam_app.h"
#include "bench/stats.h"

#include <fcntl.h>
#include <liboath/oath.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define PASSWORD "Correct-Horse-42"

static char confdir[256];
static const char *programs;

/* ---- the bare hash, in a process of its own ---- */

static int to_server = -1, from_server = -1;

static void server_start(void)
{
    int in[2], out[2];
    char path[512];
    pid_t pid;

    (void)snprintf(path, sizeof path, "%s/bare_hash", programs);
    if (pipe(in) != 0 || pipe(out) != 0 || (pid = fork()) < 0)
        bench_die("bare_hash", "no process");
    if (pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(in[1]);
        (void)close(out[0]);
        (void)execl(path, "bare_hash", "serve", (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    to_server = in[1];
    from_server = out[0];
}

static double bare_hash(struct bench_cost *c)
{
    double ms[2];

    if (write(to_server, "", 1) != 1 || read(from_server, ms, sizeof ms) != (ssize_t)sizeof ms)
        bench_die("bare_hash", "no answer");
    bench_add(&c->wall, ms[0]);
    bench_add(&c->cpu, ms[1]);
    return ms[0];
}

static void login_once(struct pam_login *l, struct bench_cost *c)
{
    double cpu = bench_cpu_ms(), wall = pam_login_whole(l);

    bench_add(&c->cpu, bench_cpu_ms() - cpu); /* with close_session */
    bench_add(&c->wall, wall);
}

static struct pam_login alice(const char *service)
{
    return (struct pam_login){.confdir = confdir, .service = service, .user = "alice",
                              .password = PASSWORD};
}

/* ---- rows ---- */

/* A login is three commits (booking, success, session), each with one flush of the disk. */
static double flush(int fd)
{
    static const char page[4096];
    double begin = bench_now_ms();

    if (pwrite(fd, page, sizeof page, 0) != (ssize_t)sizeof page || fdatasync(fd) != 0)
        bench_die("flush", "the disk could not be written");
    return bench_now_ms() - begin;
}

static int scratch_file(const char *dir)
{
    char path[512];
    int fd;

    (void)snprintf(path, sizeof path, "%s/scratch", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        bench_die(path, "cannot be written");
    return fd;
}

static void looped(const char *dir)
{
    struct bench_cost login = {.wall.len = 0}, bare = {.wall.len = 0};
    struct bench_series flushed = {.len = 0}, one = {.len = 0};
    struct pam_login l = alice("main");
    int fd = scratch_file(dir);

    (void)pam_login_whole(&l);
    for (int i = bench_rounds(60); i > 0; i--) {
        double hash = bare_hash(&bare), disk = flush(fd);

        bench_add(&one, disk);
        bench_add(&flushed, hash + disk + flush(fd) + flush(fd));
        login_once(&l, &login);
    }
    (void)close(fd);
    bench_ratio("PAM password login, looped", &login.wall, &bare.wall, 1.08, "the bare hash");
    bench_by_cpu(&login, &bare);
    bench_row("  over the hash and three flushes", bench_median(&login.wall) / bench_median(&flushed),
              "x", NULL, 1);
    bench_row("  one flush of this disk", bench_median(&one), "ms", NULL, 1);
    bench_row("PAM password login, p95", bench_quantile(&login.wall, 0.95), "ms here (64 MiB, 2 passes)",
              NULL, 1);
}

static pid_t spawn(const char *path, char **argv)
{
    pid_t pid;

    if (posix_spawn(&pid, path, NULL, NULL, argv, environ) != 0)
        bench_die(path, "cannot be started");
    return pid;
}

/* With a process that has the store open, the log is neither made nor written back in each call. */
static void beside_jwtauthd(const char *dir)
{
    struct bench_cost login = {.wall.len = 0}, bare = {.wall.len = 0};
    struct pam_login l = alice("main");
    char program[512], conf[512], sock[512], c[] = "-c";
    char *argv[] = {program, c, conf, NULL};
    int status = 0;
    pid_t pid;

    (void)snprintf(program, sizeof program, "%s/../jwtauthd", programs);
    (void)snprintf(conf, sizeof conf, "%s/main/jwtauth.conf", dir);
    (void)snprintf(sock, sizeof sock, "%s/main/run/jwtauthd.sock", dir);
    pid = spawn(program, argv);
    for (int i = 0; i < 500 && access(sock, F_OK) != 0; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    if (access(sock, F_OK) != 0)
        bench_die("jwtauthd", "does not listen");
    for (int i = bench_rounds(60); i > 0; i--) {
        (void)bare_hash(&bare);
        login_once(&l, &login);
    }
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, &status, 0);
    bench_ratio("PAM password login, looped, jwtauthd running", &login.wall, &bare.wall, 1.08, "the bare hash");
    bench_by_cpu(&login, &bare);
}

/* ARGS: what follows the name, up to NULL. */
static void process(const char *name, const char *const args[3], struct bench_cost *c)
{
    char text[4][512], path[512];
    char *argv[5] = {text[0]};
    double begin = bench_now_ms();

    (void)snprintf(text[0], sizeof text[0], "%s", name);
    for (int i = 0; i < 3 && args[i]; i++) {
        (void)snprintf(text[i + 1], sizeof text[0], "%s", args[i]);
        argv[i + 1] = text[i + 1];
    }
    (void)snprintf(path, sizeof path, "%s/%s", programs, name);
    bench_wait(name, spawn(path, argv), begin, c);
}

static void fresh(void)
{
    struct bench_cost login = {.wall.len = 0}, bare = {.wall.len = 0};

    for (int i = bench_rounds(60); i > 0; i--) {
        process("bare_hash", (const char *const[3]){"once"}, &bare);
        process("once_login", (const char *const[3]){confdir, "main"}, &login);
    }
    bench_ratio("PAM password login, fresh process", &login.wall, &bare.wall, 1.16,
                "the bare hash's process");
    bench_by_cpu(&login, &bare);
}

/* The signature check that the aim allows for, 0.07 ms, is not added to the empty module's side. */
static void token_as_password(const char *dir)
{
    struct bench_cost token = {.wall.len = 0}, empty = {.wall.len = 0};
    char path[512];

    (void)snprintf(path, sizeof path, "%s/token", dir);
    for (int i = bench_rounds(200); i > 0; i--) {
        process("once_login", (const char *const[3]){confdir, "empty", path}, &empty);
        process("once_login", (const char *const[3]){confdir, "token", path}, &token);
    }
    bench_ratio("PAM with a token as password, fresh process", &token.wall, &empty.wall, 1.10,
                "the empty linked module");
    bench_by_cpu(&token, &empty);
}

/* A step counts once, so each user of the file gives as many logins as the window has steps. */
static void second_factor(const char *dir)
{
    struct bench_series step = {.len = 0}, empty = {.len = 0};
    struct pam_login none = alice("empty");
    char path[512], name[64], secret[64], code[9];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/secrets", dir);
    f = fopen(path, "re");
    if (!f || oath_init() != OATH_OK)
        bench_die(path, "cannot be read");
    while (fscanf(f, "%63s %63s", name, secret) == 2) {
        struct pam_login l = {.confdir = confdir, .service = "lean", .user = name,
                              .password = PASSWORD, .code = code};
        char *key = NULL;
        size_t len = 0;
        time_t now = time(NULL);

        if (oath_base32_decode(secret, strlen(secret), &key, &len) != OATH_OK)
            bench_die(path, "is damaged");
        for (int off = -3; off <= 4; off++) {
            double begin = bench_now_ms();

            (void)pam_login_auth(&none);
            bench_add(&empty, bench_now_ms() - begin);
            if (oath_totp_generate(key, len, now + off * 30, 30, 0, 6, code) != OATH_OK)
                bench_die("totp", "no code");
            if (pam_login_auth(&l) != PAM_SUCCESS || l.code_given_ms == 0)
                bench_die("second factor", "a right code was refused");
            bench_add(&step, l.answered_ms - l.code_given_ms);
        }
        free(key);
    }
    (void)fclose(f);
    bench_row("PAM second factor step", bench_median(&step) - bench_median(&empty),
              "ms over the empty linked module", "aim <= 1.00",
              bench_median(&step) - bench_median(&empty) <= 1.0);
    bench_row("  the step alone", bench_median(&step), "ms", NULL, 1);
    bench_row("  an empty linked module's transaction", bench_median(&empty), "ms", NULL, 1);
}

static void unknown_users(void)
{
    struct bench_series unknown = {.len = 0}, wrong = {.len = 0};
    struct pam_login w = alice("main"), u = alice("main");
    double ratio;

    w.password = "Wrong-Horse-42";
    u.user = "mallory";
    u.password = "Wrong-Horse-42";
    for (int i = bench_rounds(60); i > 0; i--) {
        double begin = bench_now_ms();

        if (pam_login_auth(&w) != PAM_AUTH_ERR)
            bench_die("wrong password", "was not refused as such");
        bench_add(&wrong, w.answered_ms - begin);
        begin = bench_now_ms();
        if (pam_login_auth(&u) != PAM_USER_UNKNOWN)
            bench_die("unknown user", "was not refused as such");
        bench_add(&unknown, u.answered_ms - begin);
    }
    ratio = bench_median(&unknown) / bench_median(&wrong);
    bench_row("unknown user over wrong password", ratio, "x", "aim 0.95..1.05",
              ratio >= 0.95 && ratio <= 1.05);
}

static void many_sessions(void)
{
    struct bench_series busy = {.len = 0}, lean = {.len = 0};
    struct pam_login b = alice("busy"), l = alice("lean");

    for (int i = bench_rounds(200); i > 0; i--) {
        bench_add(&lean, pam_login_whole(&l));
        bench_add(&busy, pam_login_whole(&b));
    }
    bench_ratio("PAM login with 10,000 live sessions", &busy, &lean, 1.10, "an empty store");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    programs = argv[1];
    (void)snprintf(confdir, sizeof confdir, "%s/pam.d", argv[2]);
    server_start();
    (void)bare_hash(&(struct bench_cost){.wall.len = 0});
    looped(argv[2]);
    beside_jwtauthd(argv[2]);
    fresh();
    token_as_password(argv[2]);
    second_factor(argv[2]);
    unknown_users();
    many_sessions();
    return 0;
}
