/* bench_nss DIR: getpwnam(3) through libnss_jwtauth in a running process, over the same with few users, beside
 * `files`.  It goes the way of every program, through libc and nsswitch.conf, which a mount namespace of its own makes
 * another one; the machine's stays as it is. */
#include "bench/stats.h"
#include "common/base/nss_format.h"
#include "common/base/nss_snapshot.h"
#include "common/domain/nss_image.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FEW 1000
#define MANY 100000
#define IN_FILES 10000
#define FIRST_UID 200000

static void must(int ok, const char *what)
{
    if (!ok)
        bench_die(what, strerror(errno));
}

static void put(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    must(fd >= 0 && write(fd, data, len) == (ssize_t)len && close(fd) == 0, path);
}

static void put_snapshot(const char *path, uint32_t users)
{
    struct ja_nss_image *m = ja_nss_image_new();
    const unsigned char *data = NULL;
    size_t len = 0;
    char name[32], home[48];

    for (uint32_t i = 0; m && i < users; i++) {
        (void)snprintf(name, sizeof name, "user%u", i);
        (void)snprintf(home, sizeof home, "/home/%s", name);
        if (!ja_nss_image_user(m, &(struct ja_nss_image_user){.name = name, .gecos = "A User", .home = home,
                                   .shell = "/bin/bash", .uid = FIRST_UID + i, .gid = FIRST_UID + i}) ||
            !ja_nss_image_group(m, name, FIRST_UID + i, NULL, 0))
            bench_die(path, "a user was refused");
    }
    if (!m || ja_nss_image_finish(m, 1, 4711, &data, &len, NULL) != JA_OK)
        bench_die(path, "no image");
    put(path, data, len);
    ja_nss_image_free(m);
}

static void put_passwd(const char *path)
{
    FILE *f = fopen(path, "we");

    must(f != NULL, path);
    (void)fputs("root:x:0:0:root:/root:/bin/bash\n", f);
    for (int i = 0; i < IN_FILES; i++)
        (void)fprintf(f, "user%d:x:%d:%d:A User:/home/user%d:/bin/bash\n", i, FIRST_UID + i, FIRST_UID + i, i);
    must(fclose(f) == 0, path);
}

/* Everything else of /var/cache is hidden from this process alone. */
static void enter(const char *dir)
{
    char path[512];

    must(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "namespace");
    must(mount("tmpfs", "/var/cache", "tmpfs", 0, "mode=0755") == 0, "/var/cache");
    must(mkdir(JA_NSS_CACHEDIR, 0755) == 0, JA_NSS_CACHEDIR);
    (void)snprintf(path, sizeof path, "%s/cache", dir);
    must(mount(path, JA_NSS_CACHEDIR, NULL, MS_BIND, NULL) == 0, path);
    (void)snprintf(path, sizeof path, "%s/passwd", dir);
    must(mount(path, "/etc/passwd", NULL, MS_BIND, NULL) == 0, path);
    (void)snprintf(path, sizeof path, "%s/nsswitch.conf", dir);
    must(mount(path, "/etc/nsswitch.conf", NULL, MS_BIND, NULL) == 0, path);
}

/* libc sees the new file at the next look-up. */
static void services(const char *which)
{
    char line[64];
    int n = snprintf(line, sizeof line, "passwd: %s\n", which);

    put("/etc/nsswitch.conf", line, (size_t)n);
}

static void snapshot(const char *which)
{
    must(unlink(JA_NSS_CACHEDIR "/" JA_NSS_SNAPSHOT_NAME) == 0 || errno == ENOENT, which);
    must(link(which, JA_NSS_CACHEDIR "/" JA_NSS_SNAPSHOT_NAME) == 0, which);
}

struct side {
    const char *services, *snapshot;
    uint32_t users;
    int batch;
    struct bench_series wall, cpu;
};

static void look_up(const struct side *s, uint64_t *seed)
{
    struct passwd pw, *found = NULL;
    char name[32], buffer[1024];
    uint32_t i;

    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    i = (uint32_t)(*seed >> 33) % s->users;
    (void)snprintf(name, sizeof name, "user%u", i);
    if (getpwnam_r(name, &pw, buffer, sizeof buffer, &found) != 0 || !found || pw.pw_uid != FIRST_UID + i)
        bench_die(name, "not found");
}

static void turn(struct side *s, uint64_t *seed)
{
    double wall, cpu;

    services(s->services);
    if (s->snapshot)
        snapshot(s->snapshot);
    look_up(s, seed);
    wall = bench_now_ms();
    cpu = bench_cpu_ms();
    for (int i = 0; i < s->batch; i++)
        look_up(s, seed);
    bench_add(&s->cpu, (bench_cpu_ms() - cpu) / s->batch);
    bench_add(&s->wall, (bench_now_ms() - wall) / s->batch);
}

static void figure(const char *name, const struct side *s, double most)
{
    double us = bench_median(&s->wall) * 1e3;
    char aim[32], unit[64];

    (void)snprintf(aim, sizeof aim, "aim <= %g", most);
    (void)snprintf(unit, sizeof unit, "us (%.2f of CPU)", bench_median(&s->cpu) * 1e3);
    bench_row(name, us, unit, most > 0 ? aim : NULL, us <= most);
}

int main(int argc, char **argv)
{
    static struct side few = {.services = "jwtauth", .users = FEW, .batch = 5000};
    static struct side many = {.services = "jwtauth", .users = MANY, .batch = 5000};
    static struct side files = {.services = "files", .users = IN_FILES, .batch = 50};
    char path[512], a[512], b[512];
    uint64_t seed = 1;

    if (argc != 2)
        return 2;
    (void)snprintf(path, sizeof path, "%s/cache", argv[1]);
    must(mkdir(path, 0755) == 0, path);
    (void)snprintf(path, sizeof path, "%s/passwd", argv[1]);
    put_passwd(path);
    (void)snprintf(path, sizeof path, "%s/nsswitch.conf", argv[1]);
    put(path, "", 0);
    enter(argv[1]);
    (void)snprintf(a, sizeof a, "%s/few", JA_NSS_CACHEDIR);
    (void)snprintf(b, sizeof b, "%s/many", JA_NSS_CACHEDIR);
    put_snapshot(few.snapshot = a, FEW);
    put_snapshot(many.snapshot = b, MANY);
    for (int i = bench_rounds(30); i > 0; i--) {
        turn(&few, &seed);
        turn(&many, &seed);
        turn(&files, &seed);
    }
    figure("getpwnam, 100,000 users", &many, 10);
    figure("  1,000 users", &few, 0);
    bench_ratio("  by CPU, 100,000 users", &many.cpu, &few.cpu, 1.3, "1,000 users");
    figure("  10,000 users in /etc/passwd (files)", &files, 0);
    return 0;
}
