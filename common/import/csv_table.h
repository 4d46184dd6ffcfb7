/* CSV (RFC 4180) by libcsv, loaded late: a header and rows become JSON objects of texts. */
#ifndef JA_IMPORT_CSV_TABLE_H
#define JA_IMPORT_CSV_TABLE_H

#include "common/base/status.h"

#include <jansson.h>

/* *ret: an array of objects. Rows with more or fewer fields than the header are an error with their number. */
enum ja_status ja_csv_parse(const char *name, const void *data, size_t len, json_t **ret, struct ja_error *err);

#endif
