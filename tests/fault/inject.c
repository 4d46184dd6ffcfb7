#include "tests/fault/inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <ini_configobj.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

/* Called by dlsym only. */
void ja_fault_arm(int kind, long nth);
long ja_fault_disarm(int *ret_fired);
void ja_fault_pause(int pause);

#define EXPORT __attribute__((visibility("default")))

/* Of a whole program: JA_FAULT="<kind> <nth>" arms it before main, and at the end the number of calls and whether one
 * failed go to the file JA_FAULT_REPORT. */
static void arm_program(void) __attribute__((constructor));
static void report(void) __attribute__((destructor));

/* glibc's own names: dlsym allocates, so malloc cannot be looked up by it. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread struct {
    int on, paused, kind, fired, program;
    long nth, count;
} fault;

EXPORT void ja_fault_arm(int kind, long nth)
{
    fault.kind = kind;
    fault.nth = nth;
    fault.count = 0;
    fault.fired = 0;
    fault.paused = 0;
    fault.on = 1;
}

EXPORT long ja_fault_disarm(int *ret_fired)
{
    fault.on = 0;
    *ret_fired = fault.fired;
    return fault.count;
}

static void arm_program(void)
{
    const char *text = getenv("JA_FAULT");
    char *nth = NULL;
    long kind = text ? strtol(text, &nth, 10) : -1;

    fault.program = 1;
    if (kind >= 0 && kind < JA_FAULT_KINDS)
        ja_fault_arm((int)kind, strtol(nth, NULL, 10));
}

static void report(void)
{
    const char *path = getenv("JA_FAULT_REPORT");
    int fired = 0, fd;
    long count = ja_fault_disarm(&fired);

    fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    (void)dprintf(fd, "%ld %d\n", count, fired);
    (void)close(fd);
}

/* The test's own part of an armed call (its conversation function) is left alone. */
EXPORT void ja_fault_pause(int pause)
{
    fault.paused = pause;
}

/* SQLite calls its own functions through the same names; what fails there without the engine's knowing would
 * show nothing but a broken engine. */
static int from_sqlite(const void *caller)
{
    Dl_info where;

    return dladdr(caller, &where) && where.dli_fname && strstr(where.dli_fname, "libsqlite3.");
}

/* libini_config crashes on short memory (see ini_config_parse below), and libsodium aborts where the first random
 * bytes after a successful call fail, which the kernel's never do: theirs are left alone, however they were loaded. */
static int exempt(int kind)
{
    void *frames[48];
    Dl_info where;
    int n, found = 0;

    if (!fault.program)
        return 0;
    fault.on = 0;
    n = kind == JA_FAULT_ALLOC || kind == JA_FAULT_RANDOM ? backtrace(frames, 48) : 0;
    for (int i = 0; i < n && !found; i++)
        found = dladdr(frames[i], &where) && where.dli_fname &&
                strstr(where.dli_fname, kind == JA_FAULT_ALLOC ? "libini_config" : "libsodium") != NULL;
    fault.on = 1;
    return found;
}

static int hit(int kind)
{
    if (!fault.on || fault.paused || fault.kind != kind || ++fault.count != fault.nth || exempt(kind))
        return 0;
    fault.fired = 1;
    return 1;
}

#define SQLITE_HIT() (!from_sqlite(__builtin_return_address(0)) && hit(JA_FAULT_SQLITE))

/* The real function behind ours; found while disarmed, so that the look-up itself does not count. */
static void *real(const char *name)
{
    static const char *const late[] = {"libsqlite3.so.0", "libini_config.so.5"}; /* authctl loads them itself */
    int on = fault.on;
    void *f;

    fault.on = 0;
    f = dlsym(RTLD_NEXT, name);
    for (size_t i = 0; !f && i < sizeof late / sizeof *late; i++) {
        void *lib = dlopen(late[i], RTLD_NOLOAD | RTLD_LAZY);

        f = lib ? dlsym(lib, name) : NULL;
    }
    fault.on = on;
    return f;
}

#define REAL(name) static __typeof__(name) *next; if (!next) next = (__typeof__(name) *)real(#name)

EXPORT void *malloc(size_t n)
{
    if (hit(JA_FAULT_ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
    if (hit(JA_FAULT_ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
    if (hit(JA_FAULT_ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(p, n);
}

EXPORT int posix_memalign(void **out, size_t align, size_t n)
{
    if (hit(JA_FAULT_ALLOC))
        return ENOMEM;
    *out = __libc_memalign(align, n);
    return *out ? 0 : ENOMEM;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    REAL(mmap);
    if (hit(JA_FAULT_ALLOC)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return next(addr, len, prot, flags, fd, off);
}

/* libini_config 1.3.1 and libcollection crash inside this call when a malloc of theirs fails (config.c finds short
 * memory out before it): their allocations are left alone. */
EXPORT int ini_config_parse(struct ini_cfgfile *file, int level, uint32_t collisions,
                            uint32_t flags, struct ini_cfgobj *ini)
{
    REAL(ini_config_parse);
    int paused = fault.paused, rc;

    if (fault.kind == JA_FAULT_ALLOC)
        fault.paused = 1;
    rc = next(file, level, collisions, flags, ini);
    fault.paused = paused;
    return rc;
}

static int open_failed(void)
{
    errno = EMFILE;
    return -1;
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN_FUNCTION(name)                                   \
    EXPORT int name(const char *path, int flags, ...)         \
    {                                                         \
        va_list ap;                                           \
        mode_t mode;                                          \
        REAL(name);                                           \
        va_start(ap, flags);                                  \
        mode = mode_of(flags, ap);                            \
        va_end(ap);                                           \
        return hit(JA_FAULT_OPEN) ? open_failed() : next(path, flags, mode); \
    }
OPEN_FUNCTION(open)
OPEN_FUNCTION(open64)

#define OPENAT_FUNCTION(name)                                     \
    EXPORT int name(int dir, const char *path, int flags, ...)    \
    {                                                             \
        va_list ap;                                               \
        mode_t mode;                                              \
        REAL(name);                                               \
        va_start(ap, flags);                                      \
        mode = mode_of(flags, ap);                                \
        va_end(ap);                                               \
        return hit(JA_FAULT_OPEN) ? open_failed() : next(dir, path, flags, mode); \
    }
OPENAT_FUNCTION(openat)
OPENAT_FUNCTION(openat64)

#define FOPEN_FUNCTION(name)                                  \
    EXPORT FILE *name(const char *path, const char *mode)     \
    {                                                         \
        REAL(name);                                           \
        if (!hit(JA_FAULT_OPEN))                              \
            return next(path, mode);                          \
        (void)open_failed();                                  \
        return NULL;                                          \
    }
FOPEN_FUNCTION(fopen)
FOPEN_FUNCTION(fopen64)

static ssize_t io_failed(int errnum)
{
    errno = errnum;
    return -1;
}

EXPORT ssize_t read(int fd, void *buf, size_t n)
{
    REAL(read);
    return hit(JA_FAULT_READ) ? io_failed(EIO) : next(fd, buf, n);
}

EXPORT ssize_t pread(int fd, void *buf, size_t n, off_t off)
{
    REAL(pread);
    return hit(JA_FAULT_READ) ? io_failed(EIO) : next(fd, buf, n, off);
}

EXPORT ssize_t pread64(int fd, void *buf, size_t n, off64_t off)
{
    REAL(pread64);
    return hit(JA_FAULT_READ) ? io_failed(EIO) : next(fd, buf, n, off);
}

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
    REAL(write);
    return hit(JA_FAULT_WRITE) ? io_failed(ENOSPC) : next(fd, buf, n);
}

EXPORT ssize_t pwrite(int fd, const void *buf, size_t n, off_t off)
{
    REAL(pwrite);
    return hit(JA_FAULT_WRITE) ? io_failed(ENOSPC) : next(fd, buf, n, off);
}

EXPORT ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t off)
{
    REAL(pwrite64);
    return hit(JA_FAULT_WRITE) ? io_failed(ENOSPC) : next(fd, buf, n, off);
}

EXPORT int fsync(int fd)
{
    REAL(fsync);
    return hit(JA_FAULT_WRITE) ? (int)io_failed(EIO) : next(fd);
}

EXPORT int fdatasync(int fd)
{
    REAL(fdatasync);
    return hit(JA_FAULT_WRITE) ? (int)io_failed(EIO) : next(fd);
}

EXPORT int ftruncate64(int fd, off64_t n)
{
    REAL(ftruncate64);
    return hit(JA_FAULT_WRITE) ? (int)io_failed(ENOSPC) : next(fd, n);
}

EXPORT ssize_t getrandom(void *buf, size_t n, unsigned flags)
{
    static ssize_t (*next)(void *, size_t, unsigned);
    if (!next)
        next = (ssize_t (*)(void *, size_t, unsigned))real("getrandom");
    return hit(JA_FAULT_RANDOM) ? io_failed(ENOSYS) : next(buf, n, flags);
}

EXPORT int sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *vfs)
{
    REAL(sqlite3_open_v2);
    if (SQLITE_HIT()) {
        *db = NULL;
        return SQLITE_CANTOPEN;
    }
    return next(name, db, flags, vfs);
}

EXPORT int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st, const char **tail)
{
    REAL(sqlite3_prepare_v2);
    if (SQLITE_HIT()) {
        *st = NULL;
        return SQLITE_NOMEM;
    }
    return next(db, sql, n, st, tail);
}

EXPORT int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **st,
                              const char **tail)
{
    REAL(sqlite3_prepare_v3);
    if (SQLITE_HIT()) {
        *st = NULL;
        return SQLITE_NOMEM;
    }
    return next(db, sql, n, flags, st, tail);
}

EXPORT int sqlite3_step(sqlite3_stmt *st)
{
    REAL(sqlite3_step);
    return SQLITE_HIT() ? SQLITE_IOERR : next(st);
}

EXPORT int sqlite3_exec(sqlite3 *db, const char *sql, int (*cb)(void *, int, char **, char **),
                        void *arg, char **msg)
{
    REAL(sqlite3_exec);
    return SQLITE_HIT() ? SQLITE_IOERR : next(db, sql, cb, arg, msg);
}

EXPORT int sqlite3_bind_text(sqlite3_stmt *st, int i, const char *s, int n, void (*d)(void *))
{
    REAL(sqlite3_bind_text);
    return SQLITE_HIT() ? SQLITE_NOMEM : next(st, i, s, n, d);
}

EXPORT int sqlite3_bind_int64(sqlite3_stmt *st, int i, sqlite3_int64 v)
{
    REAL(sqlite3_bind_int64);
    return SQLITE_HIT() ? SQLITE_NOMEM : next(st, i, v);
}
