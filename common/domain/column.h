/* Copies of text columns: what a row gives ends with the row. */
#ifndef JA_DOMAIN_COLUMN_H
#define JA_DOMAIN_COLUMN_H

#include "common/db/db.h"

#include <stdio.h>
#include <string.h>

/* *ret is malloc'd, or NULL for SQL NULL; false when memory is short. */
static inline bool ja_col_dup(struct ja_rows *rows, const char *name, char **ret)
{
    const char *text = ja_col_text(rows, name);
    *ret = text ? strdup(text) : NULL;
    return !text || *ret;
}

/* Into a fixed field; SQL NULL becomes "". False when the stored text does not fit. */
static inline bool ja_col_copy(struct ja_rows *rows, const char *name, char *out, size_t size)
{
    const char *text = ja_col_text(rows, name);
    int n = snprintf(out, size, "%s", text ? text : "");
    return n >= 0 && (size_t)n < size;
}

#endif
