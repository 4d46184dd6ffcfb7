#include "cli/rows.h"

#include "cli/output.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEASURED 100 /* rows whose widths set those of the table */
#define COLUMNS_MAX 24

enum style { STYLE_TABLE, STYLE_TABS, STYLE_JSON };

struct cli_rows {
    struct cli *cli;
    const struct row_type *type;
    enum style style;
    const char *after;
    int64_t limit, count;
    char *last;               /* id of the last row printed */
    bool more;                /* there was a row beyond --limit */
    char **held;              /* cells of the rows that are being measured */
    size_t nheld;             /* rows */
    bool released;            /* the heading is out */
    size_t width[COLUMNS_MAX];
};

/* ---- one value ---- */

static char *escaped(const char *s)
{
    size_t size = strlen(s) * 4 + 1;
    char *ret = malloc(size);

    if (ret)
        (void)ja_text_escape(s, ret, size);
    return ret;
}

static char *list_text(const struct ja_strlist *list)
{
    size_t size = 1, len = 0;
    char *joined, *ret;

    for (size_t i = 0; i < list->len; i++)
        size += strlen(list->items[i]) + 1;
    joined = calloc(1, size);
    if (!joined)
        return NULL;
    for (size_t i = 0; i < list->len; i++)
        len += (size_t)snprintf(joined + len, size - len, "%s%s", i > 0 ? "," : "",
                                list->items[i]);
    ret = escaped(joined);
    free(joined);
    return ret;
}

static char *json_text(const json_t *json)
{
    char *dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    char *ret = dump ? escaped(dump) : NULL;

    free(dump);
    return ret;
}

/* The text of a cell, escaped; malloc'd, "" for no value. */
static char *cell_text(enum row_kind kind, const struct row_value *v)
{
    char text[32] = "";

    switch (kind) {
    case ROW_TEXT:
        return escaped(v->text ? v->text : "");
    case ROW_LIST:
        return v->list ? list_text(v->list) : strdup("");
    case ROW_JSON:
        return v->json ? json_text(v->json) : strdup("");
    case ROW_INT:
        if (!v->null)
            (void)snprintf(text, sizeof text, "%lld", (long long)v->num);
        break;
    case ROW_BOOL:
        if (!v->null)
            (void)snprintf(text, sizeof text, "%s", v->num ? "yes" : "no");
        break;
    case ROW_TIME:
        if (v->num != 0)
            ja_time_format(v->num, text);
        break;
    }
    return strdup(text);
}

/* ---- one record ---- */

enum ja_status cli_record(struct cli *cli, const struct row_type *type,
                          const struct row_value *values, struct ja_error *err)
{
    int width = 0;

    if (cli->json)
        return cli_answer(cli, ja_row_json(type, values), err);
    for (size_t i = 0; i < type->count; i++)
        if ((int)strlen(type->fields[i].key) > width)
            width = (int)strlen(type->fields[i].key);
    for (size_t i = 0; i < type->count; i++) {
        char *text = cell_text(type->fields[i].kind, &values[i]);

        if (!text)
            return ja_fail_nomem(err);
        (void)printf("%s:%*s%s\n", type->fields[i].key,
                     *text ? width - (int)strlen(type->fields[i].key) + 1 : 0, "", text);
        ja_wipe_free(text);
    }
    cli->answered = true;
    return JA_OK;
}

/* ---- lists ---- */

static size_t columns(const struct row_type *type)
{
    size_t n = 0;

    for (size_t i = 0; i < type->count; i++)
        n += type->fields[i].heading != NULL;
    return n;
}

/* Code points, which is what a terminal shows of most texts; no locale is asked. */
static size_t width_of(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

enum ja_status cli_rows_begin(struct cli *cli, const struct row_type *type, struct cli_rows **ret,
                              struct ja_error *err)
{
    struct cli_rows *rows;
    int64_t limit = 0;
    bool paged = false;
    enum ja_status st = JA_OK;

    for (const struct cli_option *o = cli->cmd->options; o && o->name; o++)
        paged = paged || strcmp(o->name, "limit") == 0;
    if (paged)
        st = cli_opt_int(cli, "limit", 1, 1000000000, 0, &limit, err);
    if (st != JA_OK)
        return st;
    if (columns(type) > COLUMNS_MAX)
        return ja_fail(err, JA_ERR_INTERNAL, "too_many_columns", "too many columns");
    rows = calloc(1, sizeof *rows);
    if (!rows)
        return ja_fail_nomem(err);
    rows->cli = cli;
    rows->type = type;
    rows->limit = limit;
    rows->after = paged ? cli_opt(cli, "after") : NULL;
    rows->style = cli->json ? STYLE_JSON : isatty(STDOUT_FILENO) ? STYLE_TABLE : STYLE_TABS;
    *ret = rows;
    return JA_OK;
}

int64_t cli_rows_limit(const struct cli_rows *rows)
{
    return rows->limit > 0 ? rows->limit + 1 : 0;
}

const char *cli_rows_after(const struct cli_rows *rows)
{
    return rows->after;
}

static void put_table_line(const struct cli_rows *rows, char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *text = *cells[i] ? cells[i] : "-";
        size_t pad = rows->width[i] > width_of(text) ? rows->width[i] - width_of(text) : 0;

        (void)fputs(text, stdout);
        if (i + 1 < n)
            (void)printf("%*s", (int)pad + 2, "");
    }
    (void)putchar('\n');
}

static void put_heading(struct cli_rows *rows)
{
    bool first = true;
    size_t col = 0;

    for (size_t i = 0; i < rows->type->count; i++) {
        const char *text = rows->type->fields[i].heading;

        if (!text)
            continue;
        if (!first)
            (void)printf("%*s", 2, "");
        first = false;
        (void)fputs(text, stdout);
        if (col + 1 < columns(rows->type))
            (void)printf("%*s", (int)(rows->width[col] - width_of(text)), "");
        col++;
    }
    (void)putchar('\n');
}

static void free_cells(char **cells, size_t n)
{
    for (size_t i = 0; cells && i < n; i++)
        ja_wipe_free(cells[i]);
}

/* The widths are known: the heading, what was held, and from now on every row at once. */
static void release(struct cli_rows *rows)
{
    size_t n = columns(rows->type), col = 0;

    if (rows->released)
        return;
    rows->released = true;
    for (size_t i = 0; i < rows->type->count; i++)
        if (rows->type->fields[i].heading) {
            size_t w = width_of(rows->type->fields[i].heading);

            rows->width[col] = w > rows->width[col] ? w : rows->width[col];
            col++;
        }
    for (size_t i = 0; i < rows->nheld * n; i++) {
        size_t w = width_of(rows->held[i]);

        rows->width[i % n] = w > rows->width[i % n] ? w : rows->width[i % n];
    }
    put_heading(rows);
    for (size_t r = 0; r < rows->nheld; r++)
        put_table_line(rows, rows->held + r * n, n);
    free_cells(rows->held, rows->nheld * n);
    free(rows->held);
    rows->held = NULL;
    rows->nheld = 0;
}

static void put_tabs(char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)printf("%s%s", cells[i], i + 1 < n ? "\t" : "\n");
}

/* Takes the cells over. */
static enum ja_status add_table(struct cli_rows *rows, char **cells, size_t n,
                                struct ja_error *err)
{
    if (!rows->released && rows->nheld == MEASURED)
        release(rows);
    if (rows->released) {
        put_table_line(rows, cells, n);
        free_cells(cells, n);
        return JA_OK;
    }
    if (!rows->held)
        rows->held = calloc(MEASURED * n, sizeof *rows->held);
    if (!rows->held) {
        free_cells(cells, n);
        return ja_fail_nomem(err);
    }
    memcpy(rows->held + rows->nheld * n, cells, n * sizeof *cells);
    rows->nheld++;
    return JA_OK;
}

static enum ja_status add_text(struct cli_rows *rows, const struct row_value *values,
                               struct ja_error *err)
{
    char *cells[COLUMNS_MAX] = {0};
    size_t n = 0;

    for (size_t i = 0; i < rows->type->count; i++) {
        if (!rows->type->fields[i].heading)
            continue;
        cells[n] = cell_text(rows->type->fields[i].kind, &values[i]);
        if (!cells[n++]) {
            free_cells(cells, n);
            return ja_fail_nomem(err);
        }
    }
    if (rows->style == STYLE_TABLE)
        return add_table(rows, cells, n, err);
    put_tabs(cells, n);
    free_cells(cells, n);
    return JA_OK;
}

static enum ja_status add_json(struct cli_rows *rows, const struct row_value *values,
                               struct ja_error *err)
{
    json_t *row = ja_row_json(rows->type, values);

    if (!row)
        return ja_fail_nomem(err);
    if (rows->count == 0)
        (void)printf("{\"%s\":[", rows->type->plural);
    else
        (void)putchar(',');
    (void)putchar('\n');
    cli_json_put(row);
    json_decref(row);
    return JA_OK;
}

enum ja_status cli_rows_add(struct cli_rows *rows, const struct row_value *values,
                            struct ja_error *err)
{
    enum ja_status st;

    if (rows->limit > 0 && rows->count >= rows->limit) {
        rows->more = true;
        return JA_OK;
    }
    st = rows->style == STYLE_JSON ? add_json(rows, values, err) : add_text(rows, values, err);
    if (st != JA_OK)
        return st;
    rows->count++;
    if (rows->limit > 0 && rows->count == rows->limit) {
        free(rows->last);
        rows->last = cell_text(rows->type->fields[0].kind, &values[0]);
        if (!rows->last)
            return ja_fail_nomem(err);
    }
    if (cli_stdout_failed())
        return ja_fail(err, JA_ERR_IO, "output_failed", "the answer could not be written");
    return JA_OK;
}

enum ja_status cli_rows_end(struct cli_rows *rows, struct ja_error *err)
{
    const char *next = rows->more ? rows->last : NULL;
    struct cli *cli = rows->cli;
    json_t *id = rows->style == STYLE_JSON ? ja_json_text(next) : NULL;

    if (rows->style == STYLE_JSON && !id) {
        cli_rows_free(rows);
        return ja_fail_nomem(err);
    }
    if (rows->style == STYLE_JSON) {
        if (rows->count == 0)
            (void)printf("{\"%s\":[", rows->type->plural);
        (void)fputs(rows->count > 0 ? "\n],\"next\":" : "],\"next\":", stdout);
        cli_json_put(id);
        (void)fputs("}\n", stdout);
        json_decref(id);
    } else if (rows->style == STYLE_TABLE && rows->count > 0) {
        release(rows);
    }
    cli->answered = true;
    if (next && rows->style != STYLE_JSON)
        cli_notice(cli, "there are more: --after %s", next);
    cli_rows_free(rows);
    return JA_OK;
}

void cli_rows_free(struct cli_rows *rows)
{
    if (!rows)
        return;
    free_cells(rows->held, rows->nheld * columns(rows->type));
    free(rows->held);
    free(rows->last);
    free(rows);
}
