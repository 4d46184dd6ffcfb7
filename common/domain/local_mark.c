/* The mark of adoption in /etc/shadow, set and taken away by chpasswd(8), which knows how to lock and replace the file. */
#include "common/domain/local_user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHPASSWD "/usr/sbin/chpasswd"
#define FIRST_UID 1000 /* below are the system's own accounts */
#define FIELD_MAX 1024

/* chpasswd with the pipe as its input and nothing else of ours: no environment, no descriptors, no
 * blocked or ignored signals. */
static enum ja_status run_chpasswd(int input, struct ja_error *err)
{
    char *argv[] = {(char[]){"chpasswd"}, (char[]){"-e"}, NULL}, *envp[] = {NULL};
    posix_spawn_file_actions_t fds;
    posix_spawnattr_t attr;
    sigset_t none, all;
    pid_t pid = -1;
    int rc, wait_status = 0;

    if (posix_spawn_file_actions_init(&fds) != 0)
        return ja_fail_nomem(err);
    if (posix_spawnattr_init(&attr) != 0) {
        (void)posix_spawn_file_actions_destroy(&fds);
        return ja_fail_nomem(err);
    }
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    rc = posix_spawn_file_actions_adddup2(&fds, input, 0);
    rc = rc ? rc : posix_spawn_file_actions_addopen(&fds, 1, "/dev/null", O_WRONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_addopen(&fds, 2, "/dev/null", O_WRONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(&fds, 3);
    rc = rc ? rc : posix_spawnattr_setsigmask(&attr, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(&attr, &all);
    rc = rc ? rc : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    rc = rc ? rc : posix_spawn(&pid, CHPASSWD, &fds, &attr, argv, envp);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&fds);
    if (rc != 0)
        return ja_fail_errno(err, rc, CHPASSWD);
    while ((rc = waitpid(pid, &wait_status, 0)) < 0 && errno == EINTR)
        ;
    if (rc == pid && (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0))
        return ja_fail(err, JA_ERR_IO, "chpasswd_failed",
                       CHPASSWD " refused to change /etc/shadow (status %d)", wait_status);
    return JA_OK;
}

static bool field_ok(const char *s, size_t len)
{
    return len <= FIELD_MAX && !memchr(s, 0, len) && !memchr(s, ':', len) && !memchr(s, '\n', len);
}

static enum ja_status set_field(const char *name, const char *mark, const char *field, size_t len,
                                struct ja_error *err)
{
    char line[FIELD_MAX + 512];
    int pipe_fds[2], n;
    enum ja_status st;

    if (!field_ok(name, strlen(name)) || strlen(name) > 256 || !field_ok(field, len))
        return ja_fail(err, JA_ERR_INVALID, "local_user_unusable",
                       "the name or password field has characters that /etc/shadow cannot hold");
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return ja_fail_errno(err, errno, "pipe");
    n = snprintf(line, sizeof line, "%s:%s%.*s\n", name, mark, (int)len, field);
    /* The line is shorter than any pipe: it is written before there is a reader. */
    if (write(pipe_fds[1], line, (size_t)n) != n)
        st = ja_fail_errno(err, errno, "pipe");
    else
        st = close(pipe_fds[1]) == 0 ? JA_OK : ja_fail_errno(err, errno, "pipe");
    sodium_memzero(line, sizeof line);
    if (st == JA_OK)
        st = run_chpasswd(pipe_fds[0], err);
    else
        (void)close(pipe_fds[1]);
    (void)close(pipe_fds[0]);
    return st;
}

/* Whether the user may be adopted or released at all, and its present mark. */
static enum ja_status check_user(const char *name, struct ja_local_user *ret, enum ja_whose *ret_whose,
                                 struct ja_error *err)
{
    struct ja_local_user u = {0};
    enum ja_status st = ja_local_find(name, &u, err);

    if (st == JA_OK && u.uid < FIRST_UID)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "system_user",
                     "accounts with a uid below %d stay local", FIRST_UID);
    if (st == JA_OK)
        st = ja_local_whose(name, ret_whose, err);
    if (st == JA_OK)
        *ret = u;
    else
        ja_local_clear(&u);
    return st;
}

/* What chpasswd said counts less than what /etc/shadow has now. */
static enum ja_status confirm(const char *name, enum ja_whose wanted, struct ja_error *err)
{
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = ja_local_whose(name, &whose, err);

    if (st == JA_OK && whose != wanted)
        return ja_fail(err, JA_ERR_IO, "chpasswd_failed",
                       CHPASSWD " did not change the entry of %s in /etc/shadow", name);
    return st;
}

enum ja_status ja_local_mark(const char *name, const struct ja_secret *old_field,
                             struct ja_error *err)
{
    struct ja_local_user u = {0};
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = check_user(name, &u, &whose, err);

    /* Marking a marked one again would bury the old field under two marks. */
    if (st == JA_OK && whose != JA_WHOSE_ADOPTED) {
        st = set_field(name, JA_ADOPT_MARK, old_field->data ? (const char *)old_field->data : "",
                       old_field->len, err);
        if (st == JA_OK)
            st = confirm(name, JA_WHOSE_ADOPTED, err);
    }
    ja_local_clear(&u);
    return st;
}

/* ---- many at once ---- */

struct batch {
    const char *const *names;
    size_t n;
    struct ja_secret lines; /* "name:mark and field" for each that has no mark yet */
    size_t todo, marked;
};

static const char *const *find_name(const struct batch *b, const char *name)
{
    for (size_t low = 0, high = b->n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, b->names[middle]);

        if (order == 0)
            return &b->names[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static enum ja_status add_line(void *arg, const char *name, const char *field)
{
    struct batch *b = arg;
    enum ja_status st;

    if (!find_name(b, name) || ja_local_marked(field))
        return JA_OK;
    if (!field_ok(name, strlen(name)) || !field_ok(field, strlen(field)))
        return JA_ERR_INVALID;
    b->todo++;
    st = ja_secret_append(&b->lines, name, strlen(name), NULL);
    if (st == JA_OK)
        st = ja_secret_append(&b->lines, ":" JA_ADOPT_MARK, sizeof JA_ADOPT_MARK, NULL);
    if (st == JA_OK)
        st = ja_secret_append(&b->lines, field, strlen(field), NULL);
    return st == JA_OK ? ja_secret_append(&b->lines, "\n", 1, NULL) : st;
}

static enum ja_status add_size(void *arg, const char *name, const char *field)
{
    size_t *size = arg;

    *size += strlen(name) + strlen(field) + sizeof JA_ADOPT_MARK + 2;
    return JA_OK;
}

static enum ja_status count_marked(void *arg, const char *name, const char *field)
{
    struct batch *b = arg;

    b->marked += find_name(b, name) && ja_local_marked(field) ? 1 : 0;
    return JA_OK;
}

/* Longer than a pipe holds before it has a reader: a file in memory. */
static enum ja_status feed_chpasswd(const struct ja_secret *lines, struct ja_error *err)
{
    int fd = memfd_create("chpasswd", MFD_CLOEXEC);
    size_t done = 0;
    enum ja_status st = fd < 0 ? ja_fail_errno(err, errno, "memfd_create") : JA_OK;

    while (st == JA_OK && done < lines->len) {
        ssize_t n = write(fd, lines->data + done, lines->len - done);

        if (n <= 0)
            st = ja_fail_errno(err, errno, "memfd");
        else
            done += (size_t)n;
    }
    if (st == JA_OK && lseek(fd, 0, SEEK_SET) != 0)
        st = ja_fail_errno(err, errno, "memfd");
    if (st == JA_OK)
        st = run_chpasswd(fd, err);
    if (fd >= 0)
        (void)close(fd);
    return st;
}

enum ja_status ja_local_mark_all(const char *const *names, size_t n, struct ja_error *err)
{
    struct batch b = {.names = names, .n = n};
    size_t size = 0;
    enum ja_status st = ja_local_each_shadow(add_size, &size, err);

    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) >= 0)
            return ja_fail(err, JA_ERR_INTERNAL, "internal", "names to be marked are not sorted");
    if (st == JA_OK)
        st = ja_secret_init(&b.lines, size + 1, err);
    if (st == JA_OK && ja_local_each_shadow(add_line, &b, err) != JA_OK)
        st = ja_fail(err, JA_ERR_INVALID, "local_user_unusable",
                     "an entry of /etc/shadow changed meanwhile, or is none that chpasswd takes");
    if (st == JA_OK && b.todo > 0)
        st = feed_chpasswd(&b.lines, err);
    ja_secret_clear(&b.lines);
    /* What chpasswd said counts less than what /etc/shadow has now. */
    if (st == JA_OK)
        st = ja_local_each_shadow(count_marked, &b, err);
    if (st == JA_OK && b.marked != n)
        st = ja_fail(err, JA_ERR_IO, "chpasswd_failed",
                     CHPASSWD " marked %zu of %zu entries in /etc/shadow", b.marked, n);
    return st;
}

enum ja_status ja_local_unmark(const char *name, struct ja_error *err)
{
    struct ja_local_user u = {0};
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = check_user(name, &u, &whose, err);

    if (st == JA_OK && whose == JA_WHOSE_ADOPTED) {
        /* An empty field is a login without a password: locked instead. */
        bool empty = u.hash.len == 0;
        st = set_field(name, "", empty ? "!" : (const char *)u.hash.data, empty ? 1 : u.hash.len,
                       err);
        if (st == JA_OK)
            st = confirm(name, JA_WHOSE_LOCAL, err);
    }
    ja_local_clear(&u);
    return st;
}
