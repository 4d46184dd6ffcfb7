/* Rows of the audit log as authctl and GET /api/v1/audit show them. */
#ifndef JA_VIEW_AUDIT_ROW_H
#define JA_VIEW_AUDIT_ROW_H

#include "common/domain/audit.h"
#include "common/view/row.h"

#define ROW_AUDIT_FIELDS 14

extern const struct row_type row_audit;

struct row_audit_values { struct row_value v[ROW_AUDIT_FIELDS]; };

/* `detail`: the row's, parsed. Values borrow from both. */
struct row_audit_values ja_row_audit(const struct ja_audit_row *r, const json_t *detail);

#endif
