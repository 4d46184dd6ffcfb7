#include "daemon/page.h"

#include "common/base/text.h"

#define LIMIT 100
#define LIMIT_MAX 1000

enum ja_status page_begin(struct http_call *call, const struct row_type *type, struct page *ret, struct ja_error *err)
{
    const char *limit = http_query(call, "limit");

    *ret = (struct page){.call = call, .type = type, .limit = LIMIT, .after = http_query(call, "after"), .err = err};
    if (limit && !ja_parse_i64(limit, 1, LIMIT_MAX, &ret->limit))
        return ja_fail(err, JA_ERR_INVALID, "invalid_limit", "limit is a number from 1 to %d", LIMIT_MAX);
    ret->rows = json_array();
    return ret->rows ? JA_OK : ja_fail_nomem(err);
}

int64_t page_want(const struct page *p)
{
    return p->limit + 1;
}

enum ja_status page_add(struct page *p, const struct row_value *values)
{
    if (p->count == p->limit) {
        p->more = true;
        return JA_OK;
    }
    p->count++;
    return json_array_append_new(p->rows, ja_row_json(p->type, values)) == 0 ? JA_OK : ja_fail_nomem(p->err);
}

/* The first field of a row is what paging goes by. */
static json_t *next_of(const struct page *p)
{
    const json_t *last = json_array_get(p->rows, json_array_size(p->rows) - 1);
    json_t *key = json_object_get(last, p->type->fields[0].key);

    if (!p->more)
        return json_null();
    return json_is_integer(key) ? json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(key)) : json_incref(key);
}

enum ja_status page_end(struct page *p, enum ja_status st)
{
    json_t *rows = p->rows;

    p->rows = NULL;
    if (st != JA_OK) {
        json_decref(rows);
        return st;
    }
    p->rows = rows;
    return http_data(p->call, json_pack("{s:o,s:o}", p->type->plural, rows, "next", next_of(p)), p->err);
}
