/* Sessions as authctl and the session routes show them. */
#ifndef JA_VIEW_SESSION_ROW_H
#define JA_VIEW_SESSION_ROW_H

#include "common/domain/session.h"
#include "common/view/row.h"

#define ROW_SESSION_FIELDS 17

extern const struct row_type row_session;

struct row_session_values { struct row_value v[ROW_SESSION_FIELDS]; };

/* Values borrow from `s`. */
struct row_session_values ja_row_session(const struct ja_session *s, int64_t now);

#endif
