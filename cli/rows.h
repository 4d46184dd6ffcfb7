/* Rows of one type, in two renderings: text (an aligned table on a terminal, tab-separated without
 * padding in a pipe) and JSON ({"users":[...],"next":null}).  Rows stream: memory does not grow
 * with their number.
 *
 * A row type has one fixed list of JSON keys; authctl(1) lists them and tests/lint compares.
 */
#ifndef JA_CLI_ROWS_H
#define JA_CLI_ROWS_H

#include "cli/command.h"
#include "common/view/row.h"

/* ---- one record ---- */
/* "key: value" lines, or with --json the object itself at the top. */
enum ja_status cli_record(struct cli *cli, const struct row_type *type,
                          const struct row_value *values, struct ja_error *err);

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
