#include "common/domain/nss_image.h"

#include "common/base/nss_format.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

struct bytes {
    unsigned char *data;
    size_t len, room;
};

/* One record, as each table names it. */
struct item {
    uint32_t hash, id, off;
};
struct items {
    struct item *list;
    size_t n, room;
};

struct ja_nss_image {
    struct bytes out; /* begins with the head */
    struct items users_by_name, users_by_id, groups_by_name, groups_by_id;
    size_t records; /* bytes of head and records, once finished */
    bool failed, crowded;
};

static bool more(struct ja_nss_image *m, size_t len)
{
    struct bytes *b = &m->out;
    size_t room = b->room ? b->room : 4096;
    unsigned char *bigger;

    if (m->failed || len > UINT32_MAX - b->len) {
        m->failed = true;
        return false;
    }
    while (room - b->len < len)
        room *= 2;
    if (room == b->room)
        return true;
    bigger = realloc(b->data, room);
    if (!bigger) {
        m->failed = true;
        return false;
    }
    b->data = bigger;
    b->room = room;
    return true;
}

/* `len` bytes of zero at the end; the pointer is good until the next call. */
static unsigned char *append(struct ja_nss_image *m, size_t len)
{
    unsigned char *ret;

    if (!more(m, len))
        return NULL;
    ret = m->out.data + m->out.len;
    memset(ret, 0, len);
    m->out.len += len;
    return ret;
}

static void keep(struct ja_nss_image *m, struct items *l, uint32_t id, uint32_t off)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct item *bigger = reallocarray(l->list, room, sizeof *bigger);

        if (!bigger) {
            m->failed = true;
            return;
        }
        l->list = bigger;
        l->room = room;
    }
    l->list[l->n++] = (struct item){.id = id, .off = off};
}

struct ja_nss_image *ja_nss_image_new(void)
{
    struct ja_nss_image *m = calloc(1, sizeof *m);

    if (m && !append(m, NSS_HEAD_LEN)) {
        ja_nss_image_free(m);
        return NULL;
    }
    return m;
}

void ja_nss_image_free(struct ja_nss_image *m)
{
    if (!m)
        return;
    free(m->out.data);
    free(m->users_by_name.list);
    free(m->users_by_id.list);
    free(m->groups_by_name.list);
    free(m->groups_by_id.list);
    free(m);
}

/* ---- records ---- */

/* passwd(5) has no escape: what would end a field or a line, and text that is none, becomes blanks. */
static void put_field(unsigned char *to, const char *from, size_t len)
{
    bool text = ja_text_valid(from, len);

    for (size_t i = 0; i < len; i++)
        to[i] = from[i] == ':' || (!text && (from[i] < ' ' || from[i] > '~')) ? ' ' : (unsigned char)from[i];
}

static void put_groups(unsigned char *to, const struct ja_nss_member *groups, size_t n)
{
    for (size_t i = 0; i < n; i++, to += NSS_USER_GROUP) {
        nss_put32(to, groups[i].gid);
        nss_put64(to + 8, groups[i].until == INT64_MAX ? 0 : (uint64_t)groups[i].until);
    }
}

bool ja_nss_image_user(struct ja_nss_image *m, const struct ja_nss_image_user *u)
{
    const char *texts[] = {u->name, u->gecos ? u->gecos : "", u->home ? u->home : "", u->shell ? u->shell : ""};
    size_t lens[4], len = NSS_USER_HEAD, at = NSS_USER_HEAD;
    uint32_t off = (uint32_t)m->out.len;
    unsigned char *r;

    for (size_t i = 0; i < 4; i++)
        len += lens[i] = strlen(texts[i]);
    if (len > NSS_USER_MAX || lens[0] == 0 || lens[0] > NSS_MEMBER_NAME_MAX || u->ngroups > UINT32_MAX / NSS_USER_GROUP)
        return false;
    r = append(m, len + u->ngroups * NSS_USER_GROUP);
    if (!r)
        return false;
    nss_put32(r + 4, u->uid);
    nss_put32(r + 8, u->gid);
    for (size_t i = 0; i < 4; i++) {
        nss_put16(r + 12 + 2 * i, (uint32_t)lens[i]);
        put_field(r + at, texts[i], lens[i]);
        at += lens[i];
    }
    put_groups(r + len, u->groups, u->ngroups);
    nss_put32(r + 20, u->local ? NSS_USER_LOCAL : 0);
    nss_put32(r + 24, (uint32_t)u->ngroups);
    nss_put32(r + 28, nss_check(NSS_CHECK_START, r + len, u->ngroups * NSS_USER_GROUP));
    nss_put32(r, nss_check(NSS_CHECK_START, r + 4, len - 4));
    keep(m, &m->users_by_name, u->uid, off);
    keep(m, &m->users_by_id, u->uid, off);
    return !m->failed;
}

static void put_members(unsigned char *to, const struct ja_nss_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(members[i].name);

        nss_put64(to, members[i].until == INT64_MAX ? 0 : (uint64_t)members[i].until);
        to[8] = (unsigned char)len;
        memcpy(to + NSS_MEMBER_HEAD, members[i].name, len);
        to += NSS_MEMBER_HEAD + len;
    }
}

bool ja_nss_image_group(struct ja_nss_image *m, const char *name, uint32_t gid, const struct ja_nss_member *members,
                        size_t n)
{
    size_t len = strlen(name), names = 0, size;
    uint32_t off = (uint32_t)m->out.len;
    unsigned char *r;

    for (size_t i = 0; i < n; i++)
        names += strlen(members[i].name) + 1;
    size = names + n * (NSS_MEMBER_HEAD - 1);
    if (len == 0 || len > NSS_GROUP_MAX)
        return false;
    if (size > UINT32_MAX)
        m->failed = true;
    r = append(m, NSS_GROUP_HEAD + len + size);
    if (!r)
        return false;
    nss_put32(r + 4, gid);
    nss_put32(r + 8, (uint32_t)len);
    put_field(r + NSS_GROUP_HEAD, name, len);
    put_members(r + NSS_GROUP_HEAD + len, members, n);
    nss_put32(r + 12, (uint32_t)n);
    nss_put32(r + 16, (uint32_t)size);
    nss_put32(r + 20, nss_check(NSS_CHECK_START, r + NSS_GROUP_HEAD + len, size));
    nss_put32(r + 24, (uint32_t)names);
    nss_put32(r, nss_check(NSS_CHECK_START, r + 4, NSS_GROUP_HEAD - 4 + len));
    keep(m, &m->groups_by_name, gid, off);
    keep(m, &m->groups_by_id, gid, off);
    return !m->failed;
}

/* ---- tables ---- */

static int by_id(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static void put_head_row(struct ja_nss_image *m, enum nss_table table, size_t off, size_t rows)
{
    nss_put32(m->out.data + NSS_HEAD_TABLES + 8 * (size_t)table, (uint32_t)off);
    nss_put32(m->out.data + NSS_HEAD_TABLES + 8 * (size_t)table + 4, (uint32_t)rows);
}

static void put_list(struct ja_nss_image *m, enum nss_table table, struct items *l)
{
    size_t off = m->out.len;
    unsigned char *r = append(m, l->n * NSS_ENTRY);

    if (!r)
        return;
    for (size_t i = 0; i < l->n; i++, r += NSS_ENTRY) {
        if (i > 0 && l->list[i].id == l->list[i - 1].id)
            m->failed = true;
        nss_put32(r, l->list[i].id);
        nss_put32(r + 4, l->list[i].off);
    }
    put_head_row(m, table, off, l->n);
}

/* Where each bucket's entries begin; starts[rows] is their end. */
static uint32_t *bucket_starts(const struct items *l, size_t rows)
{
    uint32_t *starts = calloc(rows + 1, sizeof *starts);

    for (size_t i = 0; starts && i < l->n; i++)
        starts[(l->list[i].hash & (rows - 1)) + 1]++;
    for (size_t i = 0; starts && i < rows; i++)
        starts[i + 1] += starts[i];
    return starts;
}

/* The entries of one bucket are in the order in which they came; `next` moves on to the bucket's end. */
static void put_entries(unsigned char *to, const struct items *l, uint32_t *next, size_t rows)
{
    for (size_t i = 0; i < l->n; i++) {
        unsigned char *e = to + (size_t)next[l->list[i].hash & (rows - 1)]++ * NSS_ENTRY;

        nss_put32(e, l->list[i].hash);
        nss_put32(e + 4, l->list[i].off);
    }
}

static void put_directory(struct ja_nss_image *m, enum nss_table table, const struct items *l)
{
    size_t rows = 1, off = m->out.len, first;
    unsigned char *dir, *entries;
    uint32_t *next, begin = 0;

    while (rows < l->n)
        rows *= 2;
    first = off + rows * NSS_DIR_ROW;
    next = bucket_starts(l, rows);
    dir = next ? append(m, rows * NSS_DIR_ROW + l->n * NSS_ENTRY) : NULL;
    if (!dir) {
        m->failed = true;
        free(next);
        return;
    }
    entries = dir + rows * NSS_DIR_ROW;
    put_entries(entries, l, next, rows);
    for (size_t i = 0; i < rows; i++) {
        unsigned char *row = dir + i * NSS_DIR_ROW;
        uint32_t n = next[i] - begin;

        if (n > NSS_BUCKET_MAX)
            m->crowded = true;
        nss_put32(row, (uint32_t)(first + (size_t)begin * NSS_ENTRY));
        nss_put32(row + 4, n);
        nss_put32(row + 8, nss_bucket_check(table, (uint32_t)i, row, entries + (size_t)begin * NSS_ENTRY,
                                            (size_t)n * NSS_ENTRY));
        begin = next[i];
    }
    put_head_row(m, table, off, rows);
    free(next);
}

static void hash_names(const struct ja_nss_image *m, struct items *l, uint64_t seed, bool users)
{
    for (size_t i = 0; i < l->n; i++) {
        const unsigned char *r = m->out.data + l->list[i].off;

        l->list[i].hash = users ? nss_hash(seed, r + NSS_USER_HEAD, nss_get16(r + 12))
                                : nss_hash(seed, r + NSS_GROUP_HEAD, nss_get32(r + 8));
    }
}

/* In order of id, so that one content and seed are the same bytes whenever they are asked for. */
static void hash_ids(struct items *l, uint64_t seed)
{
    if (l->n)
        qsort(l->list, l->n, sizeof *l->list, by_id);
    for (size_t i = 0; i < l->n; i++)
        l->list[i].hash = nss_hash_id(seed, l->list[i].id);
}

enum ja_status ja_nss_image_finish(struct ja_nss_image *m, uint64_t generation, uint64_t seed,
                                   const unsigned char **ret, size_t *ret_len, struct ja_error *err)
{
    unsigned char *head;

    if (m->records == 0)
        m->records = m->out.len;
    m->out.len = m->records;
    m->crowded = false;
    hash_names(m, &m->users_by_name, seed, true);
    hash_names(m, &m->groups_by_name, seed, false);
    hash_ids(&m->users_by_id, seed);
    hash_ids(&m->groups_by_id, seed);
    put_directory(m, NSS_USER_NAME, &m->users_by_name);
    put_directory(m, NSS_USER_ID, &m->users_by_id);
    put_directory(m, NSS_GROUP_NAME, &m->groups_by_name);
    put_directory(m, NSS_GROUP_ID, &m->groups_by_id);
    put_list(m, NSS_USER_LIST, &m->users_by_id);
    put_list(m, NSS_GROUP_LIST, &m->groups_by_id);
    if (m->failed)
        return ja_fail(err, JA_ERR_INTERNAL, "snapshot_failed",
                       "users and groups cannot be written down: no memory, or an id twice");
    if (m->crowded)
        return ja_fail(err, JA_ERR_INTERNAL, "snapshot_crowded", "too many users or groups have much the same hash");
    head = m->out.data;
    memcpy(head, NSS_MAGIC, sizeof NSS_MAGIC - 1);
    nss_put32(head + NSS_HEAD_VERSION, NSS_VERSION);
    nss_put64(head + NSS_HEAD_GENERATION, generation);
    nss_put64(head + NSS_HEAD_SIZE, m->out.len);
    nss_put64(head + NSS_HEAD_SEED, seed);
    nss_put32(head + NSS_HEAD_CHECK, nss_check(NSS_CHECK_START, head, NSS_HEAD_CHECK));
    *ret = head;
    *ret_len = m->out.len;
    return JA_OK;
}
