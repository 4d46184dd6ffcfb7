/* Any bytes as a file of accounts (CSV, JSON): what is taken is texts without zero bytes, in columns that are known and
 * not named twice, and CSV read, written and read again is the same table.
 *
 * Input: a byte (even: CSV, odd: JSON), the file.
 */
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/import/csv_table.h"
#include "common/import/user_file.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1780000000

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

static void demand_record(const struct ja_user_record *r)
{
    const char *const fields[] = {r->spec.username, r->spec.email, r->spec.phone, r->spec.full_name,
                                  r->spec.first_name, r->spec.last_name, r->spec.company_name, r->spec.home,
                                  r->spec.shell};

    FUZZ_DEMAND(r->spec.username && !r->spec.password && !r->spec.adopt);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        FUZZ_DEMAND(!fields[i] || ja_utf8_valid(fields[i], strlen(fields[i])));
    FUZZ_DEMAND(r->spec.uid >= 0 && r->spec.uid <= INT32_MAX && r->spec.gid >= 0 && r->spec.gid <= INT32_MAX);
    FUZZ_DEMAND(r->spec.nroles <= JA_USER_FILE_ROLES && r->spec.roles == r->roles);
    for (size_t i = 0; i < r->spec.nroles; i++)
        FUZZ_DEMAND(r->roles[i] >= r->role_text && r->roles[i] + strlen(r->roles[i]) < r->role_text + sizeof r->role_text);
}

static void check_file(enum ja_user_format format, const void *data, size_t len)
{
    struct ja_user_file *f = NULL;
    struct ja_error err = {0};
    size_t rows;

    if (ja_user_file_parse("f", format, data, len, &f, &err) != JA_OK) {
        FUZZ_DEMAND(!f && err.status == JA_ERR_INVALID && strcmp(err.code, "invalid_file") == 0);
        return;
    }
    rows = ja_user_file_rows(f);
    for (size_t i = 0; i < rows; i++) {
        struct ja_user_record r;
        enum ja_status st = ja_user_file_row(f, i, NOW, &r, &err);

        FUZZ_DEMAND(st == JA_OK || (st == JA_ERR_INVALID && err.code[0]));
        if (st == JA_OK)
            demand_record(&r);
    }
    ja_user_file_free(f);
}

#define COLUMNS_MAX 64 /* more than a table may have */

static void put_record(FILE *to, const char *const *cells, size_t n)
{
    char *line = NULL;
    size_t len = 0;

    FUZZ_DEMAND(ja_csv_record(cells, n, &line, &len, NULL) == JA_OK);
    FUZZ_DEMAND(len >= 2 && memcmp(line + len - 2, "\r\n", 2) == 0 && !memchr(line, 0, len));
    fwrite(line, 1, len, to);
    free(line);
}

/* Columns in the order of the first row that has them all are not known: the keys of all rows, each once. */
static char *write_csv(const json_t *rows, size_t *ret_len)
{
    json_t *columns = json_object(), *row;
    const char *cells[COLUMNS_MAX], *key;
    char *text = NULL;
    FILE *to = open_memstream(&text, ret_len);
    json_t *value;
    size_t i, n = 0;

    FUZZ_DEMAND(to && columns);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
        FUZZ_DEMAND(json_object_update(columns, row) == 0);
    json_object_foreach(columns, key, value) {
        FUZZ_DEMAND(n < COLUMNS_MAX);
        cells[n++] = key;
    }
    put_record(to, cells, n);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        n = 0;
        json_object_foreach(columns, key, value)
            cells[n++] = json_string_value(json_object_get(row, key));
        put_record(to, cells, n);
    }
    json_decref(columns);
    FUZZ_DEMAND(fclose(to) == 0);
    return text;
}

static bool any_cell(const json_t *rows)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
        if (json_object_size(row) > 0)
            return true;
    return false;
}

/* A first line without quotes that names a column twice. */
static bool names_twice(const char *s, size_t len)
{
    const char *nl = memchr(s, '\n', len), *cr = memchr(s, '\r', len);
    size_t end = nl ? (size_t)(nl - s) : len;

    end = cr && (size_t)(cr - s) < end ? (size_t)(cr - s) : end;
    if (memchr(s, '"', end) || memchr(s, ' ', end) || memchr(s, '\t', end))
        return false; /* blanks at the edges are dropped: too much to say in a line */
    for (size_t a = 0, a_len; a < end; a += a_len + 1) {
        const char *comma = memchr(s + a, ',', end - a);

        a_len = comma ? (size_t)(comma - s) - a : end - a;
        for (size_t b = a + a_len + 1, b_len; b < end; b += b_len + 1) {
            comma = memchr(s + b, ',', end - b);
            b_len = comma ? (size_t)(comma - s) - b : end - b;
            if (a_len > 0 && a_len == b_len && memcmp(s + a, s + b, a_len) == 0)
                return true;
        }
    }
    return false;
}

static void check_csv(const char *data, size_t len)
{
    json_t *rows = NULL, *again = NULL;
    struct ja_error err = {0};
    size_t text_len = 0;
    char *text;

    if (ja_csv_parse("f", data, len, &rows, &err) != JA_OK) {
        FUZZ_DEMAND(!rows && err.status == JA_ERR_INVALID);
        return;
    }
    FUZZ_DEMAND(!names_twice(data, len));
    if (any_cell(rows)) {
        text = write_csv(rows, &text_len);
        FUZZ_DEMAND(ja_csv_parse("again", text, text_len, &again, &err) == JA_OK);
        FUZZ_DEMAND(json_equal(rows, again));
        json_decref(again);
        free(text);
    }
    json_decref(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    uint8_t format = fuzz_byte(&in);

    check_file(format & 1 ? JA_USERS_JSON : JA_USERS_CSV, in.p, in.left);
    if (!(format & 1))
        check_csv((const char *)in.p, in.left);
    return 0;
}
