#include "common/view/audit_row.h"

#include <assert.h>

static const struct row_field fields[] = {
    {"seq", "SEQ", ROW_INT},
    {"time", "TIME", ROW_TIME},
    {"time_ms", NULL, ROW_INT},
    {"actor", "ACTOR", ROW_TEXT},
    {"action", "ACTION", ROW_TEXT},
    {"target", "TARGET", ROW_TEXT},
    {"outcome", "OUTCOME", ROW_TEXT},
    {"reason", "REASON", ROW_TEXT},
    {"source", "SOURCE", ROW_TEXT},
    {"service", "SERVICE", ROW_TEXT},
    {"count", "COUNT", ROW_INT},
    {"detail", NULL, ROW_JSON},
    {"prev_hash", NULL, ROW_TEXT},
    {"hash", NULL, ROW_TEXT},
};
const struct row_type row_audit = {"audit row", "rows", fields, ROW_AUDIT_FIELDS};
static_assert(sizeof fields / sizeof *fields == ROW_AUDIT_FIELDS, "values and fields differ");

struct row_audit_values ja_row_audit(const struct ja_audit_row *r, const json_t *detail)
{
    const json_t *count = json_object_get(detail, "count");

    return (struct row_audit_values){{
        ROW_N(r->seq),
        ROW_N(r->time_ms / 1000),
        ROW_N(r->time_ms),
        ROW_T(r->actor),
        ROW_T(r->action),
        ROW_T(r->target),
        ROW_T(r->outcome),
        ROW_T(r->reason),
        ROW_T(r->source),
        ROW_T(r->service),
        json_is_integer(count) ? ROW_N(json_integer_value(count)) : ROW_NULL,
        ROW_J(detail),
        ROW_T(r->prev_hash),
        ROW_T(r->hash),
    }};
}
