/* An LD_PRELOAD library for tests: what a program says to syslog goes to the file that JA_SYSLOG names, one line
 * "<priority> text" each, since the private world of a test has no /dev/log. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* glibc's, for programs built with _FORTIFY_SOURCE; declared in a header that is not to be included */
void __syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
void __vsyslog_chk(int priority, int flag, const char *format, va_list ap) __attribute__((format(printf, 3, 0)));

EXPORT __attribute__((format(printf, 2, 0))) void vsyslog(int priority, const char *format, va_list ap)
{
    const char *path = getenv("JA_SYSLOG");
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return;
    (void)dprintf(fd, "<%d> ", LOG_PRI(priority));
    (void)vdprintf(fd, format, ap);
    (void)dprintf(fd, "\n");
    (void)close(fd);
}

EXPORT void syslog(int priority, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsyslog(priority, format, ap);
    va_end(ap);
}

EXPORT void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list ap;

    (void)flag;
    va_start(ap, format);
    vsyslog(priority, format, ap);
    va_end(ap);
}

EXPORT void __vsyslog_chk(int priority, int flag, const char *format, va_list ap)
{
    (void)flag;
    vsyslog(priority, format, ap);
}
