#include "common/base/nss_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of it or nothing. */
static bool read_at(const struct ja_nss_file *f, uint64_t off, void *buf, size_t len)
{
    char *p = buf;

    if (off > f->size || len > f->size - off)
        return false;
    while (len > 0) {
        ssize_t n = pread(f->fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

/* ---- the head ---- */

static bool is_safe(int fd, uid_t owner, uint64_t *ret_size)
{
    struct stat sb;

    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode) || (sb.st_mode & (S_IWGRP | S_IWOTH)) ||
        (sb.st_uid != 0 && sb.st_uid != owner) || sb.st_size < NSS_HEAD_LEN)
        return false;
    *ret_size = (uint64_t)sb.st_size;
    return true;
}

static uint64_t row_size(size_t table)
{
    return table < NSS_USER_LIST ? NSS_DIR_ROW : NSS_ENTRY;
}

static bool read_head(struct ja_nss_file *f)
{
    unsigned char head[NSS_HEAD_LEN];

    if (!read_at(f, 0, head, sizeof head) || strncmp((char *)head, NSS_MAGIC, sizeof NSS_MAGIC - 1) != 0 ||
        nss_get32(head + NSS_HEAD_VERSION) != NSS_VERSION || nss_get64(head + NSS_HEAD_SIZE) != f->size ||
        nss_get32(head + NSS_HEAD_CHECK) != nss_check(NSS_CHECK_START, head, NSS_HEAD_CHECK))
        return false;
    f->generation = nss_get64(head + NSS_HEAD_GENERATION);
    f->seed = nss_get64(head + NSS_HEAD_SEED);
    for (size_t i = 0; i < NSS_TABLES; i++) {
        f->off[i] = nss_get32(head + NSS_HEAD_TABLES + 8 * i);
        f->rows[i] = nss_get32(head + NSS_HEAD_TABLES + 8 * i + 4);
        if (f->off[i] < NSS_HEAD_LEN || f->off[i] > f->size || f->rows[i] > (f->size - f->off[i]) / row_size(i))
            return false;
        if (i < NSS_USER_LIST && (f->rows[i] == 0 || (f->rows[i] & (f->rows[i] - 1)) != 0))
            return false;
    }
    return true;
}

enum ja_nss_result ja_nss_open(const char *path, uid_t owner, struct ja_nss_file *ret)
{
    struct ja_nss_file f = {.fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};

    if (f.fd < 0)
        return JA_NSS_BAD;
    if (!is_safe(f.fd, owner, &f.size) || !read_head(&f)) {
        (void)close(f.fd);
        return JA_NSS_BAD;
    }
    *ret = f;
    return JA_NSS_FOUND;
}

void ja_nss_close(struct ja_nss_file *f)
{
    (void)close(f->fd);
    f->fd = -1;
}

/* ---- records ---- */

/* passwd(5) and group(5) have no escape. */
static bool is_field(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] == 0 || s[i] == ':' || s[i] == '\n')
            return false;
    return true;
}

static bool is_id(uint32_t id)
{
    return id != 0 && id != UINT32_MAX;
}

/* The four texts, each with a NUL of its own. */
static bool copy_texts(const unsigned char *raw, struct ja_nss_user *u)
{
    const char **to[] = {&u->name, &u->gecos, &u->home, &u->shell};
    const unsigned char *from = raw + NSS_USER_HEAD;
    char *at = u->text;

    for (size_t i = 0; i < 4; i++) {
        size_t len = nss_get16(raw + 12 + 2 * i);

        memcpy(at, from, len);
        at[len] = 0;
        if (!is_field(at, len))
            return false;
        *to[i] = at;
        at += len + 1;
        from += len;
    }
    return u->name[0] != 0;
}

static enum ja_nss_result read_user(const struct ja_nss_file *f, uint32_t off, struct ja_nss_user *u)
{
    unsigned char raw[NSS_USER_MAX];
    size_t have, len = NSS_USER_HEAD;

    if (off < NSS_HEAD_LEN || off >= f->size)
        return JA_NSS_BAD;
    have = f->size - off < sizeof raw ? (size_t)(f->size - off) : sizeof raw;
    if (have < len || !read_at(f, off, raw, have))
        return JA_NSS_BAD;
    for (size_t i = 0; i < 4; i++)
        len += nss_get16(raw + 12 + 2 * i);
    if (len > have || nss_get32(raw) != nss_check(NSS_CHECK_START, raw + 4, len - 4))
        return JA_NSS_BAD;
    u->uid = nss_get32(raw + 4);
    u->gid = nss_get32(raw + 8);
    u->flags = nss_get32(raw + 20);
    u->ngroups = nss_get32(raw + 24);
    u->groups_check = nss_get32(raw + 28);
    u->groups_off = (uint64_t)off + len;
    return is_id(u->uid) && is_id(u->gid) && copy_texts(raw, u) ? JA_NSS_FOUND : JA_NSS_BAD;
}

/* What callers take as a measure for their buffers: none that was made up, which they would grow a buffer for without
 * end. Names are a byte long at least. */
static bool members_fit(const struct ja_nss_file *f, const struct ja_nss_group *g)
{
    return g->members_off <= f->size && g->members_size <= f->size - g->members_off &&
           g->nmembers <= g->names_size / 2 &&
           g->members_size == g->names_size + (uint64_t)g->nmembers * (NSS_MEMBER_HEAD - 1);
}

static enum ja_nss_result read_group(const struct ja_nss_file *f, uint32_t off, struct ja_nss_group *g)
{
    unsigned char raw[NSS_GROUP_HEAD + NSS_GROUP_MAX];
    size_t len;

    if (off < NSS_HEAD_LEN || !read_at(f, off, raw, NSS_GROUP_HEAD))
        return JA_NSS_BAD;
    len = nss_get32(raw + 8);
    if (len == 0 || len > NSS_GROUP_MAX || !read_at(f, (uint64_t)off + NSS_GROUP_HEAD, raw + NSS_GROUP_HEAD, len) ||
        nss_get32(raw) != nss_check(NSS_CHECK_START, raw + 4, NSS_GROUP_HEAD - 4 + len))
        return JA_NSS_BAD;
    g->gid = nss_get32(raw + 4);
    g->nmembers = nss_get32(raw + 12);
    g->members_size = nss_get32(raw + 16);
    g->members_check = nss_get32(raw + 20);
    g->names_size = nss_get32(raw + 24);
    g->members_off = (uint64_t)off + NSS_GROUP_HEAD + len;
    memcpy(g->text, raw + NSS_GROUP_HEAD, len);
    g->text[len] = 0;
    g->name = g->text;
    return is_id(g->gid) && is_field(g->text, len) && members_fit(f, g) ? JA_NSS_FOUND : JA_NSS_BAD;
}

/* ---- look-up ---- */

struct bucket {
    unsigned char entries[NSS_BUCKET_MAX * NSS_ENTRY];
    uint32_t n;
};

static bool read_bucket(const struct ja_nss_file *f, enum nss_table table, uint32_t hash, struct bucket *b)
{
    unsigned char row[NSS_DIR_ROW];
    uint32_t i = hash & (f->rows[table] - 1);

    if (!read_at(f, f->off[table] + (uint64_t)i * NSS_DIR_ROW, row, sizeof row))
        return false;
    b->n = nss_get32(row + 4);
    return b->n <= NSS_BUCKET_MAX && read_at(f, nss_get32(row), b->entries, (size_t)b->n * NSS_ENTRY) &&
           nss_get32(row + 8) == nss_bucket_check(table, i, row, b->entries, (size_t)b->n * NSS_ENTRY);
}

/* What is looked for: a name, or without one an id. */
struct key {
    const char *name;
    uint32_t id, hash;
};

static struct key name_key(const struct ja_nss_file *f, const char *name)
{
    return (struct key){.name = name, .hash = nss_hash(f->seed, name, strlen(name))};
}

static struct key id_key(const struct ja_nss_file *f, uint32_t id)
{
    return (struct key){.id = id, .hash = nss_hash_id(f->seed, id)};
}

static bool is_it(const struct key *k, const char *name, uint32_t id)
{
    return k->name ? strcmp(k->name, name) == 0 : k->id == id;
}

static enum ja_nss_result find_user(const struct ja_nss_file *f, enum nss_table table, struct key k,
                                    struct ja_nss_user *ret)
{
    struct bucket b;

    if (!read_bucket(f, table, k.hash, &b))
        return JA_NSS_BAD;
    for (uint32_t i = 0; i < b.n; i++) {
        if (nss_get32(b.entries + (size_t)i * NSS_ENTRY) != k.hash)
            continue;
        if (read_user(f, nss_get32(b.entries + (size_t)i * NSS_ENTRY + 4), ret) != JA_NSS_FOUND)
            return JA_NSS_BAD;
        if (is_it(&k, ret->name, ret->uid))
            return JA_NSS_FOUND;
    }
    return JA_NSS_NONE;
}

static enum ja_nss_result find_group(const struct ja_nss_file *f, enum nss_table table, struct key k,
                                     struct ja_nss_group *ret)
{
    struct bucket b;

    if (!read_bucket(f, table, k.hash, &b))
        return JA_NSS_BAD;
    for (uint32_t i = 0; i < b.n; i++) {
        if (nss_get32(b.entries + (size_t)i * NSS_ENTRY) != k.hash)
            continue;
        if (read_group(f, nss_get32(b.entries + (size_t)i * NSS_ENTRY + 4), ret) != JA_NSS_FOUND)
            return JA_NSS_BAD;
        if (is_it(&k, ret->name, ret->gid))
            return JA_NSS_FOUND;
    }
    return JA_NSS_NONE;
}

enum ja_nss_result ja_nss_user_name(const struct ja_nss_file *f, const char *name, struct ja_nss_user *ret)
{
    return find_user(f, NSS_USER_NAME, name_key(f, name), ret);
}

enum ja_nss_result ja_nss_user_id(const struct ja_nss_file *f, uint32_t uid, struct ja_nss_user *ret)
{
    return find_user(f, NSS_USER_ID, id_key(f, uid), ret);
}

enum ja_nss_result ja_nss_group_by_name(const struct ja_nss_file *f, const char *name, struct ja_nss_group *ret)
{
    return find_group(f, NSS_GROUP_NAME, name_key(f, name), ret);
}

enum ja_nss_result ja_nss_group_id(const struct ja_nss_file *f, uint32_t gid, struct ja_nss_group *ret)
{
    return find_group(f, NSS_GROUP_ID, id_key(f, gid), ret);
}

/* ---- walks ---- */

static bool list_row(const struct ja_nss_file *f, enum nss_table table, uint32_t row, uint32_t *ret_id,
                     uint32_t *ret_off)
{
    unsigned char raw[NSS_ENTRY];

    if (!read_at(f, f->off[table] + (uint64_t)row * NSS_ENTRY, raw, sizeof raw))
        return false;
    *ret_id = nss_get32(raw);
    *ret_off = nss_get32(raw + 4);
    return true;
}

/* The first row whose id is above `after`. */
static bool search(const struct ja_nss_file *f, enum nss_table table, uint32_t after, uint32_t *ret_row)
{
    uint32_t low = 0, high = f->rows[table], id, off;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (!list_row(f, table, mid, &id, &off))
            return false;
        if (id > after)
            high = mid;
        else
            low = mid + 1;
    }
    *ret_row = low;
    return true;
}

/* The row behind the one of the last answer, when that is still there. */
static enum ja_nss_result next_row(const struct ja_nss_file *f, enum nss_table table, uint32_t after, uint32_t *row,
                                   uint32_t *ret_id, uint32_t *ret_off)
{
    uint32_t id = 0, off, i = *row;
    bool goes_on = after != 0 && i < f->rows[table] && list_row(f, table, i, &id, &off) && id == after;

    if (goes_on)
        i++;
    else if (!search(f, table, after, &i))
        return JA_NSS_BAD;
    if (i >= f->rows[table])
        return JA_NSS_NONE;
    if (!list_row(f, table, i, ret_id, ret_off) || *ret_id <= after)
        return JA_NSS_BAD;
    *row = i;
    return JA_NSS_FOUND;
}

enum ja_nss_result ja_nss_user_next(const struct ja_nss_file *f, uint32_t after, uint32_t *row,
                                    struct ja_nss_user *ret)
{
    uint32_t id = 0, off = 0;
    enum ja_nss_result r = next_row(f, NSS_USER_LIST, after, row, &id, &off);

    if (r != JA_NSS_FOUND)
        return r;
    return read_user(f, off, ret) == JA_NSS_FOUND && ret->uid == id ? JA_NSS_FOUND : JA_NSS_BAD;
}

enum ja_nss_result ja_nss_group_next(const struct ja_nss_file *f, uint32_t after, uint32_t *row,
                                     struct ja_nss_group *ret)
{
    uint32_t id = 0, off = 0;
    enum ja_nss_result r = next_row(f, NSS_GROUP_LIST, after, row, &id, &off);

    if (r != JA_NSS_FOUND)
        return r;
    return read_group(f, off, ret) == JA_NSS_FOUND && ret->gid == id ? JA_NSS_FOUND : JA_NSS_BAD;
}

/* ---- memberships ---- */

static bool holds(const unsigned char *end, int64_t now)
{
    int64_t until = (int64_t)nss_get64(end);

    return until == 0 || until > now;
}

enum ja_nss_result ja_nss_user_groups(const struct ja_nss_file *f, const struct ja_nss_user *u, int64_t now,
                                      bool (*fn)(void *arg, uint32_t gid), void *arg)
{
    unsigned char raw[64 * NSS_USER_GROUP];
    uint32_t sum = NSS_CHECK_START;
    uint64_t off = u->groups_off;

    for (uint32_t left = u->ngroups; left > 0;) {
        uint32_t n = left < 64 ? left : 64;

        if (!read_at(f, off, raw, (size_t)n * NSS_USER_GROUP))
            return JA_NSS_BAD;
        sum = nss_check(sum, raw, (size_t)n * NSS_USER_GROUP);
        for (unsigned char *g = raw; g < raw + (size_t)n * NSS_USER_GROUP; g += NSS_USER_GROUP) {
            if (!is_id(nss_get32(g)))
                return JA_NSS_BAD;
            if (holds(g + 8, now) && !fn(arg, nss_get32(g)))
                return JA_NSS_NONE;
        }
        off += (uint64_t)n * NSS_USER_GROUP;
        left -= n;
    }
    return sum == u->groups_check ? JA_NSS_FOUND : JA_NSS_BAD;
}

/* One member at p, of `have` bytes; 0: it does not fit. */
static size_t member_len(const unsigned char *p, size_t have)
{
    size_t len = have < NSS_MEMBER_HEAD ? 0 : NSS_MEMBER_HEAD + (size_t)p[8];

    return len > have ? 0 : len;
}

enum ja_nss_result ja_nss_group_members(const struct ja_nss_file *f, const struct ja_nss_group *g, int64_t now,
                                        bool (*fn)(void *arg, const char *name, size_t len), void *arg)
{
    unsigned char raw[4096];
    size_t have = 0, used = 0, len;
    uint32_t sum = NSS_CHECK_START, left = g->members_size;
    uint64_t off = g->members_off;

    for (uint32_t i = 0; i < g->nmembers; i++, used += len) {
        if ((len = member_len(raw + used, have - used)) == 0) { /* the rest of the block and what follows it */
            size_t more = sizeof raw - (have - used);

            more = left < more ? left : more;
            memmove(raw, raw + used, have - used);
            have -= used;
            used = 0;
            if (!read_at(f, off, raw + have, more))
                return JA_NSS_BAD;
            sum = nss_check(sum, raw + have, more);
            have += more;
            off += more;
            left -= (uint32_t)more;
            len = member_len(raw, have);
        }
        if (len <= NSS_MEMBER_HEAD || len > NSS_MEMBER_HEAD + NSS_MEMBER_NAME_MAX ||
            !is_field((char *)raw + used + NSS_MEMBER_HEAD, len - NSS_MEMBER_HEAD))
            return JA_NSS_BAD;
        if (holds(raw + used, now) && !fn(arg, (char *)raw + used + NSS_MEMBER_HEAD, len - NSS_MEMBER_HEAD))
            return JA_NSS_NONE;
    }
    return left == 0 && used == have && sum == g->members_check ? JA_NSS_FOUND : JA_NSS_BAD;
}
