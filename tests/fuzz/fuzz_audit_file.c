/* Any bytes as a rotated file of the audit log, verified in front of the store that it was rotated out of: only lines
 * that were written there pass (SECURITY R28).
 *
 * Input: a zero byte and a whole file; or edits of the genuine one, four bytes each: two of the place, one of what to
 * do (overwrite, insert, delete, cut), one of the byte.
 */
#include "common/domain/audit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define ROWS 8
#define FILE_MAX 16384

static struct ja_test_store *store;
static char path[96], genuine[FILE_MAX];
static size_t genuine_len;
static json_t *rows[ROWS + 3]; /* the lines of the genuine file: begin, rows, end */
static size_t nrows;

static void clean_up(void)
{
    for (size_t i = 0; i < nrows; i++)
        json_decref(rows[i]);
    ja_test_store_free(store);
}

static void write_rows(size_t n)
{
    json_t *detail = json_pack("{s:i, s:s}", "count", 3, "text", "a \"b\" \\ c");

    for (size_t i = 0; i < n; i++) {
        struct ja_audit_event ev = {"login", i % 2 ? "user:alice" : NULL, "denied", i % 2 ? "wrong_password" : NULL,
                                    detail};

        ja_fake_clock_advance(&store->clock, 10);
        FUZZ_DEMAND(ja_db_begin(store->ctx.db, NULL) == JA_OK && ja_audit_write(&store->ctx, &ev, NULL) == JA_OK);
        FUZZ_DEMAND(ja_db_commit(store->ctx.db, NULL) == JA_OK);
    }
    json_decref(detail);
}

static void read_genuine(void)
{
    FILE *f = fopen(path, "rbe");

    FUZZ_DEMAND(f != NULL);
    genuine_len = fread(genuine, 1, sizeof genuine, f);
    fclose(f);
    FUZZ_DEMAND(genuine_len > 0 && genuine_len < sizeof genuine);
    for (const char *p = genuine; p < genuine + genuine_len; p = strchr(p, '\n') + 1) {
        FUZZ_DEMAND(nrows < sizeof rows / sizeof *rows);
        rows[nrows] = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL);
        FUZZ_DEMAND(rows[nrows++] != NULL);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct ja_audit_rotation done = {0};

    (void)argc, (void)argv;
    store = ja_test_store_new(NULL);
    atexit(clean_up);
    (void)snprintf(path, sizeof path, "%s/rotated", store->dir);
    write_rows(ROWS);
    ja_fake_clock_advance(&store->clock, 1000);
    FUZZ_DEMAND(ja_audit_rotate(&store->ctx, path, JA_TEST_EPOCH + 500, &done, NULL) == JA_OK && done.rows > 0);
    read_genuine();
    write_rows(2);
    return 0;
}

static size_t make_file(struct fuzz_bytes *in, char text[FILE_MAX])
{
    size_t len = genuine_len;

    if (in->left > 0 && *in->p == 0) {
        len = in->left - 1 < FILE_MAX ? in->left - 1 : FILE_MAX;
        memcpy(text, in->p + 1, len);
        return len;
    }
    memcpy(text, genuine, genuine_len);
    while (in->left >= 4) {
        size_t at = (size_t)fuzz_byte(in) << 8, what;
        uint8_t byte;

        at = (at | fuzz_byte(in)) % (len ? len : 1);
        what = fuzz_byte(in) % 4;
        byte = fuzz_byte(in);
        if (what == 0 && len > 0) {
            text[at] = (char)byte;
        } else if (what == 1 && len < FILE_MAX) {
            memmove(text + at + 1, text + at, len++ - at);
            text[at] = (char)byte;
        } else if (what == 2 && len > 0) {
            memmove(text + at, text + at + 1, --len - at);
        } else if (what == 3) {
            len = at;
        }
    }
    return len;
}

/* Every row of an accepted file is the row of that number, and there is one for each number up to the last. */
static void demand_genuine(const char *text, size_t len)
{
    json_int_t next = 0;
    const char *end = text + len;

    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        json_t *doc = json_loadb(text, (size_t)((stop ? stop : end) - text), 0, NULL);
        json_int_t seq = json_integer_value(json_object_get(doc, "seq"));
        bool found = false;

        FUZZ_DEMAND(doc != NULL);
        if (!json_object_get(doc, "audit")) {
            for (size_t i = 0; i < nrows; i++)
                found = found || json_equal(doc, rows[i]);
            FUZZ_DEMAND(found && (next == 0 || seq == next));
            next = seq + 1;
        }
        json_decref(doc);
        text = stop ? stop + 1 : end;
    }
    FUZZ_DEMAND(next == 0 || next == json_integer_value(json_object_get(rows[nrows - 2], "seq")) + 1);
}

static void check_head(const struct fuzz_bytes *in)
{
    struct fuzz_bytes copy = *in;
    char *s = fuzz_text(&copy, '\n'), again[JA_AUDIT_HASH_TEXT + 32];
    struct ja_audit_head head = {0};

    if (ja_audit_head_parse(s, &head)) {
        (void)snprintf(again, sizeof again, "%" PRId64 ":%s", head.seq, head.hash);
        FUZZ_DEMAND(head.seq > 0 && strcmp(again, s) == 0);
    }
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    char text[FILE_MAX];
    const char *files[] = {path};
    struct ja_audit_check check = {.files = files, .nfiles = 1};
    struct ja_audit_report report = {0};
    struct ja_error err = {0};
    size_t len;
    int fd;

    check_head(&in);
    len = make_file(&in, text);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_DEMAND(fd >= 0 && write(fd, text, len) == (ssize_t)len && close(fd) == 0);
    if (ja_audit_inspect(&store->ctx, &check, &report, &err) != JA_OK) {
        fprintf(stderr, "%s: %s\n", err.code, err.message);
        FUZZ_DEMAND(!"bytes in a file are no fault of the system");
    }
    FUZZ_DEMAND(report.ok || (report.reason[0] && report.message[0]));
    if (len == genuine_len && memcmp(text, genuine, len) == 0)
        FUZZ_DEMAND(report.ok && report.rows >= ROWS + 2);
    if (report.ok)
        demand_genuine(text, len);
    return 0;
}
