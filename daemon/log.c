#include "daemon/log.h"

#include "common/base/dynload.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define FIELDS_MAX 16
#define FIELD_SIZE 512
#define PREFIX "JWTAUTH_"

typedef int (*sendv_fn)(const struct iovec *iov, int n);

static void to_stderr(void *arg, int priority, const char *line)
{
    (void)arg;
    (void)fprintf(stderr, "<%d>jwtauthd: %s\n", priority, line); /* sd-daemon(3): the journal reads the level */
}

static void to_syslog(void *arg, int priority, const char *line)
{
    (void)arg;
    syslog(LOG_AUTHPRIV | priority, "%s", line);
}

/* ---- the journal ---- */

struct entry {
    struct iovec iov[FIELDS_MAX];
    char text[FIELDS_MAX][FIELD_SIZE];
    int n;
};

static void put(struct entry *e, const char *field, const char *value, size_t len)
{
    int size;

    if (e->n >= FIELDS_MAX || len >= FIELD_SIZE / 2)
        return;
    size = snprintf(e->text[e->n], FIELD_SIZE, "%s=%.*s", field, (int)len, value);
    e->iov[e->n] = (struct iovec){e->text[e->n], (size_t)size};
    e->n++;
}

/* "status=401" becomes JWTAUTH_STATUS=401 (systemd.journal-fields(7): capital letters, digits and underscores). */
static void put_pair(struct entry *e, const char *pair, size_t len)
{
    char field[32] = PREFIX;
    size_t key = strspn(pair, "abcdefghijklmnopqrstuvwxyz_");

    if (key == 0 || key >= len || pair[key] != '=' || key >= sizeof field - sizeof PREFIX)
        return;
    for (size_t i = 0; i < key; i++)
        field[sizeof PREFIX - 1 + i] = (char)toupper((unsigned char)pair[i]);
    put(e, field, pair + key + 1, len - key - 1);
}

/* A cause is free text and the last: what looks like a pair in it is none. */
static void put_pairs(struct entry *e, const char *line)
{
    while (*line) {
        bool free_text = strncmp(line, "cause=", 6) == 0;
        size_t len = free_text ? strlen(line) : strcspn(line, " ");

        put_pair(e, line, len);
        line += len;
        line += strspn(line, " ");
    }
}

static void to_journal(void *arg, int priority, const char *line)
{
    sendv_fn sendv = *(sendv_fn *)arg;
    struct entry e = {.n = 0};
    char message[2048 + sizeof "MESSAGE="], level[2] = {(char)('0' + (priority & LOG_PRIMASK)), 0};

    (void)snprintf(message, sizeof message, "MESSAGE=%s", line);
    e.iov[e.n++] = (struct iovec){message, strlen(message)};
    put(&e, "PRIORITY", level, 1);
    put(&e, "SYSLOG_FACILITY", "10", 2); /* LOG_AUTHPRIV >> 3 */
    put(&e, "SYSLOG_IDENTIFIER", "jwtauthd", 8);
    put_pairs(&e, line);
    if (sendv(e.iov, e.n) < 0)
        to_stderr(NULL, priority, line);
}

/* sd_journal_sendv(3) says success where there is no journal: then nobody would read it. */
static bool journal_found(sendv_fn *ret)
{
    const struct ja_dl_symbol symbols[] = {{"sd_journal_sendv", (void **)ret}};

    return access("/run/systemd/journal/socket", W_OK) == 0 &&
           ja_dl_load("libsystemd.so.0", symbols, 1, NULL) == JA_OK;
}

int log_level(const struct ja_config *cfg)
{
    static const char *const names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

    for (int i = 0; i < 8; i++)
        if (strcmp(cfg->log.level, names[i]) == 0)
            return i;
    return LOG_INFO;
}

struct ja_log log_open(const struct ja_config *cfg)
{
    static sendv_fn sendv;
    struct ja_log log = {.emit = to_stderr, .level = log_level(cfg)};

    openlog("jwtauthd", LOG_PID, LOG_AUTHPRIV);
    if (cfg->log.target == JA_LOG_SYSLOG)
        log.emit = to_syslog;
    else if (cfg->log.target == JA_LOG_JOURNAL && journal_found(&sendv))
        log = (struct ja_log){.emit = to_journal, .arg = &sendv, .level = log.level};
    return log;
}
