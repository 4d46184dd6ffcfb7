/* Rows of one type, in two renderings: text (an aligned table on a terminal, tab-separated without
 * padding in a pipe) and JSON ({"users":[...],"next":null}).  Rows stream: memory does not grow
 * with their number.
 *
 * A row type has one fixed list of JSON keys; authctl(1) lists them and tests/lint compares.
 */
#ifndef JA_CLI_ROWS_H
#define JA_CLI_ROWS_H

#include "cli/command.h"

#include <jansson.h>

enum row_kind { ROW_TEXT, ROW_INT, ROW_BOOL, ROW_TIME, ROW_LIST, ROW_JSON };

struct row_field {
    const char *key;     /* JSON key */
    const char *heading; /* column of the table; NULL: only in JSON and in the view of one record */
    enum row_kind kind;
};

struct row_type {
    const char *name;    /* "user" */
    const char *plural;  /* "users": the key of the list */
    const struct row_field *fields; /* the first one is the id for paging */
    size_t count;
};

/* One value per field, borrowed during the call. Unset (NULL, time 0) is null, an empty cell. */
struct row_value {
    const char *text;              /* ROW_TEXT */
    int64_t num;                   /* ROW_INT, ROW_BOOL, ROW_TIME */
    bool null;                     /* ROW_INT, ROW_BOOL: no value */
    const struct ja_strlist *list; /* ROW_LIST */
    const json_t *json;            /* ROW_JSON: in text as compact JSON */
};
#define ROW_T(s) ((struct row_value){.text = (s)})
#define ROW_N(n) ((struct row_value){.num = (int64_t)(n)})
#define ROW_L(l) ((struct row_value){.list = (l)})
#define ROW_J(j) ((struct row_value){.json = (j)})
#define ROW_NULL ((struct row_value){.null = true})

/* ---- one record ---- */
/* "key: value" lines, or with --json the object itself at the top. */
enum ja_status cli_record(struct cli *cli, const struct row_type *type,
                          const struct row_value *values, struct ja_error *err);
/* The row as a JSON object (to put into a bigger answer). NULL: out of memory. */
json_t *cli_row_json(const struct row_type *type, const struct row_value *values);

/* ---- lists ---- */
struct cli_rows;
/* Reads --limit and --after where the command has them. */
enum ja_status cli_rows_begin(struct cli *cli, const struct row_type *type, struct cli_rows **ret,
                              struct ja_error *err);
/* What to ask the store for: one row more than --limit (0: all), so that `next` is known. */
int64_t cli_rows_limit(const struct cli_rows *rows);
const char *cli_rows_after(const struct cli_rows *rows); /* NULL: from the start */
/* The row beyond --limit is not printed but noted. JA_ERR_IO when stdout is gone. */
enum ja_status cli_rows_add(struct cli_rows *rows, const struct row_value *values,
                            struct ja_error *err);
/* Ends the answer and frees. After a failure of the source: cli_rows_free alone. */
enum ja_status cli_rows_end(struct cli_rows *rows, struct ja_error *err);
void cli_rows_free(struct cli_rows *rows);

#endif
