/* CSV (RFC 4180) by libcsv, loaded late: a header and rows become JSON objects of texts, and records
 * are written. */
#ifndef JA_IMPORT_CSV_TABLE_H
#define JA_IMPORT_CSV_TABLE_H

#include "common/base/status.h"

#include <jansson.h>

/* *ret: an array of objects. Rows with more or fewer fields than the header are an error with their number. */
enum ja_status ja_csv_parse(const char *name, const void *data, size_t len, json_t **ret, struct ja_error *err);
/* One record (RFC 4180), every cell in quotes, NULL an empty one. What a spreadsheet would take for a formula gets an
 * apostrophe before it, which ja_csv_parse takes away again. *ret is malloc'd, with its line's end. */
enum ja_status ja_csv_record(const char *const *cells, size_t n, char **ret, size_t *ret_len, struct ja_error *err);

#endif
