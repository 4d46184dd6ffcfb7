/* Any bytes as the public snapshot of users and groups, read as the NSS module and getent read it: no answer reaches
 * outside of its buffer, every walk ends, no size that was made up keeps a caller asking for a bigger buffer, and a
 * single damaged byte is never believed (R30).
 *
 * Input: a byte of MODE_ bits, one that buffers begin with, one for libc's limit of groups; then a whole file, or edits
 * of a genuine one, four bytes each: two of the place, one of what to do (overwrite, insert, delete, cut), one of
 * the byte.
 */
#include "common/base/nss_snapshot.h"
#include "common/domain/nss_image.h"
#include "nss/nss_entry.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { MODE_WHOLE = 1, MODE_CHECKS = 2, MODE_SIZE = 4 }; /* a whole file; its checks, its size are made right */
#define FILE_MAX 65536
#define USERS 12
#define MANY 70 /* members of a group: more than the block that is read at once */
#define FIRST_UID 5000U
#define PATH JA_NSS_CACHEDIR "/" JA_NSS_SNAPSHOT_NAME

static char folder[64] = "/tmp/fuzz_nss-XXXXXX";
static unsigned char genuine[FILE_MAX];
static size_t genuine_len;

static void clean_up(void)
{
    (void)unlink(PATH);
    (void)rmdir(folder);
}

/* As long as a name can be. */
static void name_of(uint32_t i, char ret[NSS_MEMBER_NAME_MAX + 1])
{
    (void)snprintf(ret, NSS_MEMBER_NAME_MAX + 1, "fuzz-user-%054u", i);
}

static void build_genuine(void)
{
    static char names[MANY][NSS_MEMBER_NAME_MAX + 1];
    struct ja_nss_member all[MANY];
    const struct ja_nss_member groups[] = {{"", 900, INT64_MAX}, {"", 901, 1}, {"", 902, INT64_MAX}};
    struct ja_nss_image *m = ja_nss_image_new();
    const unsigned char *data = NULL;

    FUZZ_DEMAND(m != NULL);
    for (uint32_t i = 0; i < MANY; i++) {
        name_of(i, names[i]);
        all[i] = (struct ja_nss_member){names[i], 0, i % 7 ? INT64_MAX : 1};
    }
    for (uint32_t i = 0; i < USERS; i++) {
        FUZZ_DEMAND(ja_nss_image_user(m, &(struct ja_nss_image_user){
            .name = names[i], .gecos = i % 2 ? "Fuzz" : "", .home = "/home/f", .shell = "/bin/sh",
            .uid = FIRST_UID + i, .gid = FIRST_UID + i, .local = i % 9 == 8, .groups = groups, .ngroups = i % 4}));
        FUZZ_DEMAND(i % 5 || ja_nss_image_group(m, names[i], FIRST_UID + i, NULL, 0));
    }
    FUZZ_DEMAND(ja_nss_image_group(m, "fuzz-all", 900, all, MANY));
    FUZZ_DEMAND(ja_nss_image_group(m, "fuzz-few", 902, all + 1, 2));
    FUZZ_DEMAND(ja_nss_image_finish(m, 7, 77, &data, &genuine_len, NULL) == JA_OK);
    FUZZ_DEMAND(genuine_len < sizeof genuine);
    memcpy(genuine, data, genuine_len);
    ja_nss_image_free(m);
}

/* The module has its folder from configure: here a descriptor of a temporary one, which is no link to open(2). */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *tmp = getenv("TMPDIR");
    int fd;

    (void)argc, (void)argv;
    if (geteuid() != 0) {
        printf("ok 1 - # SKIP needs root: the module believes files of root only\n");
        exit(0);
    }
    if (tmp && strlen(tmp) < sizeof folder - sizeof "/fuzz_nss-XXXXXX")
        (void)snprintf(folder, sizeof folder, "%s/fuzz_nss-XXXXXX", tmp);
    FUZZ_DEMAND(mkdtemp(folder) != NULL);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FUZZ_DEMAND(fd >= 0 && dup3(fd, FUZZ_NSS_FD, O_CLOEXEC) == FUZZ_NSS_FD);
    (void)close(fd);
    atexit(clean_up);
    build_genuine();
    return 0;
}

/* ---- the file ---- */

struct image {
    unsigned char bytes[FILE_MAX];
    size_t len;
    size_t changed; /* bytes that were overwritten; SIZE_MAX: another length */
};

static void edit(struct fuzz_bytes *in, struct image *m)
{
    size_t at = (size_t)fuzz_byte(in) << 8, what;
    uint8_t byte;

    at = (at | fuzz_byte(in)) % (m->len ? m->len : 1);
    what = fuzz_byte(in) % 4;
    byte = fuzz_byte(in);
    if (what == 0 && m->len > 0) {
        m->changed += m->changed < SIZE_MAX;
        m->bytes[at] = byte;
        return;
    }
    m->changed = SIZE_MAX;
    if (what == 1 && m->len < FILE_MAX) {
        memmove(m->bytes + at + 1, m->bytes + at, m->len++ - at);
        m->bytes[at] = byte;
    } else if (what == 2 && m->len > 0) {
        memmove(m->bytes + at, m->bytes + at + 1, --m->len - at);
    } else if (what == 3) {
        m->len = at;
    }
}

static bool inside(const struct image *m, uint64_t off, uint64_t len)
{
    return off <= m->len && len <= m->len - off;
}

/* The check of a record and of the list behind it; what does not fit stays as it is. */
static void mend_user(struct image *m, uint32_t off)
{
    uint64_t len = NSS_USER_HEAD, list;
    unsigned char *p;

    if (!inside(m, off, len))
        return;
    p = m->bytes + off;
    for (size_t i = 0; i < 4; i++)
        len += nss_get16(p + 12 + 2 * i);
    list = (uint64_t)nss_get32(p + 24) * NSS_USER_GROUP;
    if (inside(m, off + len, list))
        nss_put32(p + 28, nss_check(NSS_CHECK_START, p + len, list));
    if (inside(m, off, len))
        nss_put32(p, nss_check(NSS_CHECK_START, p + 4, len - 4));
}

static void mend_group(struct image *m, uint32_t off)
{
    uint64_t len, list;
    unsigned char *p;

    if (!inside(m, off, NSS_GROUP_HEAD))
        return;
    p = m->bytes + off;
    len = NSS_GROUP_HEAD + (uint64_t)nss_get32(p + 8);
    list = nss_get32(p + 16);
    if (inside(m, off + len, list))
        nss_put32(p + 20, nss_check(NSS_CHECK_START, p + len, list));
    if (inside(m, off, len))
        nss_put32(p, nss_check(NSS_CHECK_START, p + 4, len - 4));
}

static void mend_bucket(struct image *m, uint32_t table, uint32_t i, uint64_t row_off)
{
    unsigned char *row = m->bytes + row_off;
    uint64_t off = nss_get32(row), n = nss_get32(row + 4);

    if (n > NSS_BUCKET_MAX || !inside(m, off, n * NSS_ENTRY))
        return;
    for (uint64_t e = 0; e < n; e++)
        (table <= NSS_USER_ID ? mend_user : mend_group)(m, nss_get32(m->bytes + off + e * NSS_ENTRY + 4));
    nss_put32(row + 8, nss_bucket_check(table, i, row, m->bytes + off, n * NSS_ENTRY));
}

static void mend(struct image *m, unsigned mode)
{
    if (m->len < NSS_HEAD_LEN)
        return;
    if (mode & MODE_SIZE)
        nss_put64(m->bytes + NSS_HEAD_SIZE, m->len);
    if (!(mode & MODE_CHECKS))
        return;
    for (uint32_t table = NSS_USER_NAME; table <= NSS_GROUP_ID; table++) {
        uint64_t off = nss_get32(m->bytes + NSS_HEAD_TABLES + 8 * table);
        uint32_t rows = nss_get32(m->bytes + NSS_HEAD_TABLES + 8 * table + 4);

        for (uint32_t i = 0; i < rows && inside(m, off + (uint64_t)i * NSS_DIR_ROW, NSS_DIR_ROW); i++)
            mend_bucket(m, table, i, off + (uint64_t)i * NSS_DIR_ROW);
    }
    nss_put32(m->bytes + NSS_HEAD_CHECK, nss_check(NSS_CHECK_START, m->bytes, NSS_HEAD_CHECK));
}

static void make_file(struct fuzz_bytes *in, unsigned mode, struct image *m)
{
    int fd;

    if (mode & MODE_WHOLE) {
        m->len = in->left < FILE_MAX ? in->left : FILE_MAX;
        if (m->len > 0)
            memcpy(m->bytes, in->p, m->len);
        m->changed = SIZE_MAX;
    } else {
        memcpy(m->bytes, genuine, genuine_len);
        m->len = genuine_len;
        while (in->left >= 4)
            edit(in, m);
    }
    mend(m, mode);
    fd = open(PATH, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    FUZZ_DEMAND(fd >= 0 && write(fd, m->bytes, m->len) == (ssize_t)m->len && close(fd) == 0);
}

/* ---- what the module answers ---- */

/* A buffer of exactly that size: one byte over its end is seen. */
struct answer {
    char *buffer;
    size_t size;
    enum nss_status status;
    union { struct passwd pw; struct group gr; } of;
};

typedef enum nss_status (*ask_fn)(const void *key, struct answer *a, int *errnop);

static enum nss_status ask_pwnam(const void *key, struct answer *a, int *e)
{
    return _nss_jwtauth_getpwnam_r(key, &a->of.pw, a->buffer, a->size, e);
}

static enum nss_status ask_pwuid(const void *key, struct answer *a, int *e)
{
    return _nss_jwtauth_getpwuid_r(*(const uint32_t *)key, &a->of.pw, a->buffer, a->size, e);
}

static enum nss_status ask_pwent(const void *key, struct answer *a, int *e)
{
    (void)key;
    return _nss_jwtauth_getpwent_r(&a->of.pw, a->buffer, a->size, e);
}

static enum nss_status ask_grnam(const void *key, struct answer *a, int *e)
{
    return _nss_jwtauth_getgrnam_r(key, &a->of.gr, a->buffer, a->size, e);
}

static enum nss_status ask_grgid(const void *key, struct answer *a, int *e)
{
    return _nss_jwtauth_getgrgid_r(*(const uint32_t *)key, &a->of.gr, a->buffer, a->size, e);
}

static enum nss_status ask_grent(const void *key, struct answer *a, int *e)
{
    (void)key;
    return _nss_jwtauth_getgrent_r(&a->of.gr, a->buffer, a->size, e);
}

/* A text of the answer: whole in the buffer, one field of a file like passwd(5). */
static void demand_field(const struct answer *a, const char *s)
{
    FUZZ_DEMAND(s >= a->buffer && s < a->buffer + a->size && memchr(s, 0, (size_t)(a->buffer + a->size - s)));
    FUZZ_DEMAND(!strpbrk(s, ":\n"));
}

static void demand_passwd(const struct answer *a)
{
    const struct passwd *pw = &a->of.pw;

    demand_field(a, pw->pw_name);
    demand_field(a, pw->pw_passwd);
    demand_field(a, pw->pw_gecos);
    demand_field(a, pw->pw_dir);
    demand_field(a, pw->pw_shell);
    FUZZ_DEMAND(pw->pw_name[0] && strcmp(pw->pw_passwd, "*") == 0);
    FUZZ_DEMAND(pw->pw_uid != 0 && pw->pw_uid != UINT32_MAX && pw->pw_gid != 0 && pw->pw_gid != UINT32_MAX);
}

static void demand_group(const struct answer *a)
{
    const struct group *gr = &a->of.gr;
    size_t n = 0;

    demand_field(a, gr->gr_name);
    FUZZ_DEMAND(gr->gr_name[0] && strcmp(gr->gr_passwd, "*") == 0 && gr->gr_gid != 0 && gr->gr_gid != UINT32_MAX);
    for (;; n++) {
        FUZZ_DEMAND((char *)(gr->gr_mem + n) >= a->buffer && (char *)(gr->gr_mem + n + 1) <= a->buffer + a->size);
        if (!gr->gr_mem[n])
            break;
        demand_field(a, gr->gr_mem[n]);
        FUZZ_DEMAND(gr->gr_mem[n][0]);
    }
}

/* Asks as libc does: with a bigger buffer whenever this one is too small. Never more than the file can fill: a pointer
 * and a NUL for each of its bytes. */
static struct answer ask(ask_fn fn, const void *key, size_t first, size_t file_len, bool group)
{
    struct answer a = {.size = first};
    int e = 0;

    for (;;) {
        a.buffer = malloc(a.size ? a.size : 1);
        FUZZ_DEMAND(a.buffer != NULL);
        e = 0;
        a.status = fn(key, &a, &e);
        if (a.status != NSS_STATUS_TRYAGAIN)
            break;
        FUZZ_DEMAND(e == ERANGE && a.size <= 16 * file_len + 4096);
        free(a.buffer);
        a.size = a.size * 2 + 1;
    }
    FUZZ_DEMAND(a.status == NSS_STATUS_SUCCESS ? e == 0 : e == ENOENT);
    FUZZ_DEMAND(a.status == NSS_STATUS_SUCCESS || a.status == NSS_STATUS_NOTFOUND || a.status == NSS_STATUS_UNAVAIL);
    if (a.status == NSS_STATUS_SUCCESS)
        (group ? demand_group : demand_passwd)(&a);
    return a;
}

/* Both walks: ids ascend, so that they end. */
static void walk(size_t first, size_t file_len)
{
    struct answer a;
    uint32_t last = 0;

    (void)_nss_jwtauth_setpwent(0);
    while ((a = ask(ask_pwent, NULL, first, file_len, false)).status == NSS_STATUS_SUCCESS) {
        FUZZ_DEMAND(a.of.pw.pw_uid > last);
        last = a.of.pw.pw_uid;
        free(a.buffer);
    }
    free(a.buffer);
    (void)_nss_jwtauth_endpwent();
    last = 0;
    (void)_nss_jwtauth_setgrent(0);
    while ((a = ask(ask_grent, NULL, first, file_len, true)).status == NSS_STATUS_SUCCESS) {
        FUZZ_DEMAND(a.of.gr.gr_gid > last);
        last = a.of.gr.gr_gid;
        free(a.buffer);
    }
    free(a.buffer);
    (void)_nss_jwtauth_endgrent();
}

/* libc's list with one group in it. */
static enum nss_status ask_groups(const char *name, long limit)
{
    long start = 1, size = 1;
    gid_t *list = malloc(sizeof *list);
    int e = 0;
    enum nss_status st;

    FUZZ_DEMAND(list != NULL);
    list[0] = 4242;
    st = _nss_jwtauth_initgroups_dyn(name, FIRST_UID, &start, &size, &list, limit, &e);
    FUZZ_DEMAND(st == NSS_STATUS_SUCCESS || (e == ENOENT && start == 1));
    FUZZ_DEMAND(start >= 1 && start <= size && list[0] == 4242 && (limit <= 0 || start <= limit));
    for (long i = 1; i < start; i++) {
        FUZZ_DEMAND(list[i] != FIRST_UID && list[i] != 0 && list[i] != UINT32_MAX);
        for (long j = 0; j < i; j++)
            FUZZ_DEMAND(list[i] != list[j]);
    }
    free(list);
    return st;
}

/* ---- one damaged byte, and none ---- */

/* It says nothing, or what the genuine file says. */
static void demand_user_unharmed(const struct answer *a, uint32_t i, bool intact)
{
    char name[NSS_MEMBER_NAME_MAX + 1];
    bool local = i % 9 == 8;

    name_of(i, name);
    FUZZ_DEMAND(a->status != NSS_STATUS_NOTFOUND || local);
    FUZZ_DEMAND(!intact || a->status == (local ? NSS_STATUS_NOTFOUND : NSS_STATUS_SUCCESS));
    if (a->status == NSS_STATUS_SUCCESS)
        FUZZ_DEMAND(!local && a->of.pw.pw_uid == FIRST_UID + i && a->of.pw.pw_gid == FIRST_UID + i &&
                    strcmp(a->of.pw.pw_name, name) == 0 && strcmp(a->of.pw.pw_gecos, i % 2 ? "Fuzz" : "") == 0 &&
                    strcmp(a->of.pw.pw_dir, "/home/f") == 0 && strcmp(a->of.pw.pw_shell, "/bin/sh") == 0);
}

static void demand_all_unharmed(const struct answer *a, bool intact)
{
    size_t n = 0;
    char name[NSS_MEMBER_NAME_MAX + 1];

    FUZZ_DEMAND(a->status == NSS_STATUS_SUCCESS || (!intact && a->status == NSS_STATUS_UNAVAIL));
    if (a->status != NSS_STATUS_SUCCESS)
        return;
    FUZZ_DEMAND(a->of.gr.gr_gid == 900 && strcmp(a->of.gr.gr_name, "fuzz-all") == 0);
    for (uint32_t i = 0; i < MANY; i++) {
        name_of(i, name);
        if (i % 7)
            FUZZ_DEMAND(a->of.gr.gr_mem[n] && strcmp(a->of.gr.gr_mem[n++], name) == 0);
    }
    FUZZ_DEMAND(a->of.gr.gr_mem[n] == NULL);
}

/* ---- every look-up ---- */

static void look_up(const struct image *m, uint32_t i, size_t first, bool unharmed)
{
    bool intact = unharmed && m->changed == 0;
    uint32_t id = FIRST_UID + i;
    struct answer a;
    char name[NSS_MEMBER_NAME_MAX + 1];

    name_of(i, name);
    a = ask(ask_pwnam, name, first, m->len, false);
    FUZZ_DEMAND(a.status != NSS_STATUS_SUCCESS || strcmp(a.of.pw.pw_name, name) == 0);
    if (unharmed)
        demand_user_unharmed(&a, i, intact);
    free(a.buffer);
    a = ask(ask_pwuid, &id, first, m->len, false);
    FUZZ_DEMAND(a.status != NSS_STATUS_SUCCESS || a.of.pw.pw_uid == id);
    if (unharmed)
        demand_user_unharmed(&a, i, intact);
    free(a.buffer);
    a = ask(ask_grgid, &id, first, m->len, true);
    FUZZ_DEMAND(a.status != NSS_STATUS_SUCCESS || a.of.gr.gr_gid == id);
    free(a.buffer);
}

static void look_up_groups(const struct image *m, size_t first, bool unharmed)
{
    static const char *const names[] = {"fuzz-all", "fuzz-few", "fuzz-nobody", ""};
    const uint32_t all = 900;
    struct answer a;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        a = ask(ask_grnam, names[i], first, m->len, true);
        FUZZ_DEMAND(a.status != NSS_STATUS_SUCCESS || strcmp(a.of.gr.gr_name, names[i]) == 0);
        if (unharmed && i == 0)
            demand_all_unharmed(&a, m->changed == 0);
        free(a.buffer);
    }
    a = ask(ask_grgid, &all, first, m->len, true);
    if (unharmed)
        demand_all_unharmed(&a, m->changed == 0);
    free(a.buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct image m; /* big; nothing of it outlives its input */
    struct fuzz_bytes in = {data, size};
    unsigned mode = fuzz_byte(&in);
    size_t first = fuzz_byte(&in);
    long limit = fuzz_byte(&in) % 8;
    bool unharmed;

    m.changed = m.len = 0;
    make_file(&in, mode, &m);
    unharmed = !(mode & MODE_CHECKS) && m.changed <= 1;
    for (uint32_t i = 0; i < USERS; i++)
        look_up(&m, i, first, unharmed);
    look_up_groups(&m, first, unharmed);
    walk(first, m.len);
    for (long i = 0; i < 4; i++) {
        char name[NSS_MEMBER_NAME_MAX + 1];
        enum nss_status st;

        name_of((uint32_t)i, name); /* nobody of that name is in /etc/passwd */
        st = ask_groups(name, i % 2 ? limit : -1);
        FUZZ_DEMAND(!unharmed || m.changed || st == NSS_STATUS_SUCCESS);
    }
    return 0;
}
