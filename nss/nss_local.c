/* "A name in /etc/passwd is local, never ours, unless it is adopted" (PAM.md), for the groups of a login.  Read as bytes
 * with no stdio: it would allocate. */
#include "nss/nss_buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* name:passwd:uid, byte by byte. */
struct scan {
    const char *name;
    size_t at;   /* of the name, as long as it is the same */
    int field;   /* 0: name, 1: password, 2: uid, 3: the rest of the line */
    bool same, digits;
    uint64_t uid;
};

static void next_line(struct scan *s)
{
    *s = (struct scan){.name = s->name, .same = true};
}

/* true: the line is the name's, and its uid is known. */
static bool take(struct scan *s, char c)
{
    if (c == '\n') {
        next_line(s);
        return false;
    }
    if (c == ':') {
        if (s->field == 0)
            s->same = s->same && s->name[s->at] == 0;
        if (s->field == 2 && s->same && s->digits)
            return true;
        s->field++;
    } else if (s->field == 0) {
        s->same = s->same && s->name[s->at] == c;
        s->at += s->same;
    } else if (s->field == 2 && s->same) {
        s->digits = c >= '0' && c <= '9' && s->uid <= UINT32_MAX;
        s->uid = s->digits ? s->uid * 10 + (uint64_t)(c - '0') : UINT64_MAX;
    }
    return false;
}

bool nss_local_uid(const char *name, bool *ret_there, uint32_t *ret_uid)
{
    char block[4096];
    struct scan s = {.name = name};
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = -1;

    if (fd < 0)
        return false;
    next_line(&s);
    *ret_there = false;
    while (!*ret_there && ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR)))
        for (ssize_t i = 0; i < n && !*ret_there; i++)
            *ret_there = take(&s, block[i]);
    (void)close(fd);
    *ret_uid = s.uid < UINT32_MAX ? (uint32_t)s.uid : UINT32_MAX;
    return n >= 0;
}
