/* The layout of the public snapshot of users and groups, shared by its writer (domain/nss_image.h) and its
 * reader (nss_snapshot.h).  All numbers are little-endian.
 *
 *   head       128 bytes: see the NSS_HEAD_ offsets
 *   records    of users and groups, one after the other
 *   tables     four directories of buckets with their entries, two lists in order of id
 *
 * Whatever a look-up reads has a check of its own: head, bucket, record, list of a record.  FNV-1a takes each
 * byte in by a step that can be undone, so a single damaged byte always shows; it guards against accidents, and
 * ownership and mode of the file against people.
 */
#ifndef JA_BASE_NSS_FORMAT_H
#define JA_BASE_NSS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define NSS_MAGIC "jwtauthU"
#define NSS_VERSION 2

enum {
    NSS_HEAD_VERSION = 8,      /* u32 */
    NSS_HEAD_GENERATION = 16,  /* u64 */
    NSS_HEAD_SIZE = 24,        /* u64: of the file */
    NSS_HEAD_TABLES = 32,      /* NSS_TABLES times {u32 offset, u32 rows} */
    NSS_HEAD_SEED = 80,        /* u64: of the hashes, another in each file */
    NSS_HEAD_CHECK = 124,      /* u32: of the bytes before */
    NSS_HEAD_LEN = 128,
};

/* Directories have a power of two of rows {u32 offset, u32 entries, u32 check}, an entry is {u32 hash, u32 record};
 * lists have rows {u32 id, u32 record}. */
enum nss_table { NSS_USER_NAME, NSS_USER_ID, NSS_GROUP_NAME, NSS_GROUP_ID, NSS_USER_LIST, NSS_GROUP_LIST, NSS_TABLES };
enum { NSS_DIR_ROW = 12, NSS_ENTRY = 8, NSS_BUCKET_MAX = 64 };

/* {u32 check, u32 uid, u32 gid, u16 lengths of name, gecos, home, shell, u32 flags, u32 groups, u32 check of the
 * groups}, the texts, then the groups {u32 gid, u32 0, i64 end} */
enum { NSS_USER_HEAD = 32, NSS_USER_MAX = 2048, NSS_USER_GROUP = 16 };
/* The user is in /etc/passwd (adopted): only the groups are the snapshot's. */
#define NSS_USER_LOCAL 1U

/* {u32 check, u32 gid, u32 length of the name, u32 members, u32 their bytes, u32 their check, u32 bytes of their
 * names, u32 0}, the name, then the members {i64 end, u8 length, name}. An end of 0 is none. */
enum { NSS_GROUP_HEAD = 32, NSS_GROUP_MAX = 256, NSS_MEMBER_HEAD = 9, NSS_MEMBER_NAME_MAX = 64 };

#define NSS_CHECK_START 2166136261U

static inline uint32_t nss_check(uint32_t sum, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ p[i]) * 16777619U;
    return sum;
}

static inline uint32_t nss_get16(const unsigned char *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static inline uint32_t nss_get32(const unsigned char *p)
{
    return nss_get16(p) | nss_get16(p + 2) << 16;
}

static inline uint64_t nss_get64(const unsigned char *p)
{
    return nss_get32(p) | (uint64_t)nss_get32(p + 4) << 32;
}

static inline void nss_put16(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

static inline void nss_put32(unsigned char *p, uint32_t v)
{
    nss_put16(p, v);
    nss_put16(p + 2, v >> 16);
}

static inline void nss_put64(unsigned char *p, uint64_t v)
{
    nss_put32(p, (uint32_t)v);
    nss_put32(p + 4, (uint32_t)(v >> 32));
}

/* FNV-1a of 64 bits from a start that nobody knows before the file is written, so that nobody chooses names which all
 * fall into one bucket.  A multiplication carries upwards only: the last steps bring the high bits down. */
static inline uint32_t nss_hash(uint64_t seed, const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = seed;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h ^ h >> 33);
}

static inline uint32_t nss_hash_id(uint64_t seed, uint32_t id)
{
    unsigned char le[4];

    nss_put32(le, id);
    return nss_hash(seed, le, sizeof le);
}

/* Of a bucket: where it belongs is part of what is checked. */
static inline uint32_t nss_bucket_check(uint32_t table, uint32_t bucket, const unsigned char *row,
                                        const unsigned char *entries, size_t len)
{
    unsigned char place[8];

    nss_put32(place, table);
    nss_put32(place + 4, bucket);
    return nss_check(nss_check(nss_check(NSS_CHECK_START, place, 8), row, 8), entries, len);
}

#endif
