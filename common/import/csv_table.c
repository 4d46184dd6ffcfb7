#include "common/import/csv_table.h"

#include "common/base/dynload.h"
#include "common/base/text.h"

#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32

static __typeof__(csv_init) *late_init;
static __typeof__(csv_parse) *late_parse;
static __typeof__(csv_fini) *late_fini;
static __typeof__(csv_free) *late_free;
static __typeof__(csv_write) *late_write;

static enum ja_status load(struct ja_error *err)
{
    const struct ja_dl_symbol symbols[] = {
        {"csv_init", (void **)&late_init},
        {"csv_parse", (void **)&late_parse},
        {"csv_fini", (void **)&late_fini},
        {"csv_free", (void **)&late_free},
        {"csv_write", (void **)&late_write},
    };

    return ja_dl_load("libcsv.so.3", symbols, sizeof symbols / sizeof *symbols, err);
}

struct table {
    const char *name;
    json_t *header, *row, *rows;
    size_t line;      /* rows read, the header included */
    size_t column;
    struct ja_error *err;
    enum ja_status st;
};

static void refuse(struct table *t, const char *why)
{
    if (t->st == JA_OK)
        t->st = ja_fail(t->err, JA_ERR_INVALID, "invalid_file", "%s: row %zu %s", t->name, t->line + 1, why);
}

/* A name that stands twice is refused: the rows could hold only one of two values. */
static void add_column(struct table *t, const char *text, size_t len)
{
    json_t *name = json_stringn(text, len), *column;
    size_t i;

    json_array_foreach(t->header, i, column)
        if (json_equal(column, name))
            refuse(t, "names a column twice");
    if (t->column++ >= COLUMNS_MAX)
        refuse(t, "has too many columns");
    if (!name || json_array_append_new(t->header, name) != 0)
        t->st = ja_fail_nomem(t->err);
}

/* What a spreadsheet would compute, whatever apostrophes stand before it (CVE-2024-34448 and many like it). */
static bool is_formula(const char *s, size_t len)
{
    size_t i = 0;

    while (i < len && s[i] == '\'')
        i++;
    return i < len && memchr("=+-@\t\r", s[i], 6);
}

static void on_field(void *field, size_t len, void *arg)
{
    struct table *t = arg;
    const char *column, *text = field;

    if (t->st != JA_OK)
        return;
    if (len > 1 && text[0] == '\'' && is_formula(text, len)) { /* the apostrophe that ja_csv_record has put there */
        text++;
        len--;
    }
    if (!ja_utf8_valid(text, len) || memchr(text, 0, len)) {
        refuse(t, "is not UTF-8");
        return;
    }
    if (t->line == 0) {
        add_column(t, text, len);
        return;
    }
    column = json_string_value(json_array_get(t->header, t->column++));
    if (!column)
        refuse(t, "has more fields than there are columns");
    else if (len > 0 && json_object_set_new(t->row, column, json_stringn(text, len)) != 0)
        t->st = ja_fail_nomem(t->err);
}

static void on_row(int end, void *arg)
{
    struct table *t = arg;

    (void)end;
    if (t->st != JA_OK)
        return;
    if (t->line > 0) {
        if (t->column != json_array_size(t->header)) {
            refuse(t, "has fewer fields than there are columns");
            return;
        }
        if (json_array_append_new(t->rows, t->row) != 0)
            t->st = ja_fail_nomem(t->err);
        t->row = NULL;
    }
    if (!t->row)
        t->row = json_object();
    if (!t->row)
        t->st = ja_fail_nomem(t->err);
    t->column = 0;
    t->line++;
}

static enum ja_status run(struct table *t, const void *data, size_t len, struct ja_error *err)
{
    struct csv_parser p;

    if (late_init(&p, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return ja_fail_nomem(err);
    if (late_parse(&p, data, len, on_field, on_row, t) != len || late_fini(&p, on_field, on_row, t) != 0)
        refuse(t, "is no CSV: a quote stands where none may (RFC 4180)");
    late_free(&p);
    return t->st;
}

enum ja_status ja_csv_parse(const char *name, const void *data, size_t len, json_t **ret, struct ja_error *err)
{
    struct table t = {.name = name, .header = json_array(), .row = json_object(), .rows = json_array(), .err = err};
    enum ja_status st = t.header && t.row && t.rows ? load(err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = run(&t, data, len, err);
    if (st == JA_OK && json_array_size(t.header) == 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_file", "%s is empty: the first line names the columns", name);
    json_decref(t.header);
    json_decref(t.row);
    if (st == JA_OK)
        *ret = t.rows;
    else
        json_decref(t.rows);
    return st;
}

enum ja_status ja_csv_record(const char *const *cells, size_t n, char **ret, size_t *ret_len, struct ja_error *err)
{
    size_t size = 2, used = 0;
    char *line;
    enum ja_status st = load(err);

    if (st != JA_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        size += 4 + 2 * (cells[i] ? strlen(cells[i]) : 0);
    line = malloc(size);
    if (!line)
        return ja_fail_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const char *cell = cells[i] ? cells[i] : "";

        size_t start = used;

        used += late_write(line + used, size - used, cell, strlen(cell));
        if (is_formula(cell, strlen(cell))) {
            memmove(line + start + 2, line + start + 1, used - start - 1);
            line[start + 1] = '\'';
            used++;
        }
        line[used++] = i + 1 < n ? ',' : '\r';
    }
    line[used++] = '\n';
    *ret = line;
    *ret_len = used;
    return JA_OK;
}
