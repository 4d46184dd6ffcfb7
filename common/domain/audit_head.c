/* The end of the chain outside of the store: a file after each commit, the log now and then. */
#include "common/domain/audit_internal.h"

#include "common/base/file_guard.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_NAME "audit.head"
#define HEAD_LINE 86 /* 20 digits, 43 of the hash, 20 of the time, two blanks, a newline */
#define TELL_EVERY 64

void ja_audit_head_tell(const struct ja_ctx *ctx, int64_t seq, const char *hash)
{
    ja_log_write(&ctx->log, LOG_NOTICE, "audit head seq=%" PRId64 " hash=%s", seq, hash);
}

/* Always of one length: overwritten in place by one write within one block, it is the old line or the new one
 * after a crash, too, with no temporary name to be left behind by a killed login. */
static bool head_line(const struct ja_ctx *ctx, char out[HEAD_LINE + 1])
{
    char when[JA_TIME_LEN + 1];
    int n;

    ja_time_format(ja_now(&ctx->clock), when);
    n = snprintf(out, HEAD_LINE + 1, "%020" PRId64 " %43s %20s\n", ctx->tip.seq, ctx->tip.hash, when);
    return n == HEAD_LINE;
}

static bool ours(const struct stat *sb)
{
    return (sb->st_uid == 0 || sb->st_uid == geteuid()) && (sb->st_mode & 022) == 0;
}

/* What another put there is left alone: a link would lead the write astray, a second name keep it readable. */
static int open_head(const char *folder)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd = -1, why;
    struct stat sb;

    if (dir < 0)
        return -1;
    if (fstat(dir, &sb) != 0 || !ours(&sb))
        errno = EPERM;
    else
        fd = openat(dir, HEAD_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                    0600);
    if (fd >= 0 && (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode) || sb.st_nlink != 1 || !ours(&sb) ||
                    (sb.st_mode & 07777 & ~0600))) {
        (void)close(fd);
        fd = -1;
        errno = EPERM;
    }
    why = errno;
    (void)close(dir);
    errno = why;
    return fd;
}

static bool write_head(const struct ja_ctx *ctx)
{
    char line[HEAD_LINE + 1];
    int fd = head_line(ctx, line) ? open_head(ctx->cfg->paths.state) : -1;
    bool done;

    if (fd < 0)
        return false;
    done = pwrite(fd, line, HEAD_LINE, 0) == HEAD_LINE;
    if (close(fd) != 0)
        done = false;
    return done;
}

/* Between two commits in a row the older may write last. That is harmless: verify demands of the file that the
 * store has this row, not that it is the last one, and the next event mends it. For the same reason nothing
 * is synced: after a power failure the file is behind the store, never ahead. */
static void after_commit(void *arg)
{
    struct ja_ctx *ctx = arg;
    struct ja_audit_tip *tip = &ctx->tip;

    errno = 0;
    if (!write_head(ctx) && !tip->failed) {
        tip->failed = true;
        ja_log_write(&ctx->log, LOG_WARNING,
                     "%s/" HEAD_NAME ", which shows a cut audit log, could not be written: %s",
                     ctx->cfg->paths.state, errno ? strerror(errno) : "the line has another length");
    }
    if (tip->told_seq)
        ja_audit_head_tell(ctx, tip->told_seq, tip->told_hash);
    tip->told_seq = 0;
}

enum ja_status ja_audit_head_note(struct ja_ctx *ctx, int64_t seq, const char *prev_hash, const char *hash,
                                  struct ja_error *err)
{
    struct ja_audit_tip *tip = &ctx->tip;

    if (strcmp(tip->hash, prev_hash) != 0)
        tip->told_seq = 0; /* of a transaction that was rolled back */
    tip->seq = seq;
    (void)snprintf(tip->hash, sizeof tip->hash, "%s", hash);
    if (seq % TELL_EVERY == 0) {
        tip->told_seq = seq;
        (void)snprintf(tip->told_hash, sizeof tip->told_hash, "%s", hash);
    }
    return ja_db_after_commit(ctx->db, after_commit, ctx, err);
}

static bool take_head(const char *digits, size_t ndigits, const char *hash, struct ja_audit_head *ret)
{
    char number[24];
    unsigned char bin[32];
    size_t len = 0;
    struct ja_audit_head h = {0};

    if (ndigits == 0 || ndigits >= sizeof number || strlen(hash) != JA_AUDIT_HASH_TEXT - 1)
        return false;
    memcpy(number, digits, ndigits);
    number[ndigits] = 0;
    if (strspn(number, "0123456789") != ndigits ||
        !ja_b64_decode(hash, JA_AUDIT_HASH_TEXT - 1, bin, sizeof bin, &len) || len != sizeof bin)
        return false;
    errno = 0;
    h.seq = strtoimax(number, NULL, 10);
    if (errno != 0 || h.seq <= 0)
        return false;
    memcpy(h.hash, hash, sizeof h.hash);
    *ret = h;
    return true;
}

bool ja_audit_head_parse(const char *text, struct ja_audit_head *ret)
{
    const char *colon = strchr(text, ':');

    /* one spelling: the log prints no leading zero */
    return colon && text[0] != '0' && take_head(text, (size_t)(colon - text), colon + 1, ret);
}

static bool parse_line(const struct ja_secret *text, struct ja_audit_head *ret)
{
    char line[HEAD_LINE + 1];

    if (text->len != HEAD_LINE)
        return false;
    memcpy(line, text->data, HEAD_LINE);
    line[HEAD_LINE] = 0;
    if (line[20] != ' ' || line[64] != ' ')
        return false;
    line[20] = line[64] = 0;
    return take_head(line, 20, line + 21, ret);
}

enum ja_status ja_audit_head_read(struct ja_ctx *ctx, struct ja_audit_head *ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0600, .max_size = 4096, .allow_own = true};
    struct ja_secret text = {0};
    char *path = NULL;
    enum ja_status st = JA_OK;

    if (asprintf(&path, "%s/" HEAD_NAME, ctx->cfg->paths.state) < 0)
        return ja_fail_nomem(err);
    st = ja_file_read(path, &rule, &text, err);
    if (st == JA_OK && !parse_line(&text, ret))
        st = ja_fail(err, JA_ERR_CORRUPT, "audit_head_damaged", "%s has not the form of our own: somebody changed it",
                     path);
    ja_secret_clear(&text);
    free(path);
    return st;
}
