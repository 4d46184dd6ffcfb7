#include "common/base/log.h"

#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>

void ja_log_write(const struct ja_log *log, int priority, const char *fmt, ...)
{
    char raw[1024], line[2048];
    va_list ap;

    if (!log->emit || priority > log->level)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    (void)ja_text_escape(raw, line, sizeof line);
    log->emit(log->arg, priority, line);
}
