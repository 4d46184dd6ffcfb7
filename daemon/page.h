/* Lists with keyset paging: ?limit= (100, at most 1,000) and ?after=; the answer has the rows and `next`. */
#ifndef JA_DAEMON_PAGE_H
#define JA_DAEMON_PAGE_H

#include "common/view/row.h"
#include "daemon/http.h"

#define PAGE_FIELDS \
    {"limit", FIELD_STRING, false, 8, "how many rows at most: 1 to 1000, 100 when not given"}, \
    {"after", FIELD_STRING, false, 128, "the `next` of the page before"}

struct page {
    struct http_call *call;
    const struct row_type *type;
    json_t *rows;
    int64_t limit, count;
    const char *after; /* NULL: from the start */
    bool more;
    struct ja_error *err;
};

enum ja_status page_begin(struct http_call *call, const struct row_type *type, struct page *ret, struct ja_error *err);
/* What to ask the store for: one row more than the page has. */
int64_t page_want(const struct page *p);
enum ja_status page_add(struct page *p, const struct row_value *values);
/* Makes the answer of it, or frees it when `st` is a failure. */
enum ja_status page_end(struct page *p, enum ja_status st);

#endif
