/* Rows of one type as front ends show them: one fixed list of JSON keys per type, for authctl and jwtauthd alike.
 *
 * Keys are only ever added; authctl(1) lists them and tests compare.
 * Ownership: values borrow what they point to. Threads: no shared state.
 */
#ifndef JA_VIEW_ROW_H
#define JA_VIEW_ROW_H

#include "common/base/config.h"

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

/* The row as a JSON object. NULL: out of memory. */
json_t *ja_row_json(const struct row_type *type, const struct row_value *values);
/* json_string that takes any bytes: invalid UTF-8 is escaped first; NULL becomes null. */
json_t *ja_json_text(const char *s);
/* RFC 3339, or null for 0. */
json_t *ja_json_time(int64_t t);

#endif
