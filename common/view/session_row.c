#include "common/view/session_row.h"

#include <assert.h>

static const struct row_field fields[] = {
    {"id", "SESSION", ROW_TEXT},
    {"user_id", NULL, ROW_TEXT},
    {"username", "USER", ROW_TEXT},
    {"service", "SERVICE", ROW_TEXT},
    {"amr", "METHODS", ROW_TEXT},
    {"live", "LIVE", ROW_BOOL},
    {"source", "SOURCE", ROW_TEXT},
    {"tty", "TTY", ROW_TEXT},
    {"user_agent", "DEVICE", ROW_TEXT},
    {"audience", NULL, ROW_TEXT},
    {"auth_time", NULL, ROW_TIME},
    {"created_at", "SINCE", ROW_TIME},
    {"last_used_at", "LAST USED", ROW_TIME},
    {"idle_ends_at", NULL, ROW_TIME},
    {"ends_at", NULL, ROW_TIME},
    {"revoked_at", NULL, ROW_TIME},
    {"revoke_reason", NULL, ROW_TEXT},
};
static_assert(sizeof fields / sizeof *fields == ROW_SESSION_FIELDS, "values and fields differ");

const struct row_type row_session = {"session", "sessions", fields, ROW_SESSION_FIELDS};

struct row_session_values ja_row_session(const struct ja_session *s, int64_t now)
{
    return (struct row_session_values){{
        ROW_T(s->id),
        ROW_T(s->user_id),
        ROW_T(s->username),
        ROW_T(s->service),
        ROW_T(s->amr),
        ROW_N(ja_session_live(s, now)),
        ROW_T(s->source),
        ROW_T(s->tty),
        ROW_T(s->user_agent),
        ROW_T(s->audience),
        ROW_N(s->auth_time),
        ROW_N(s->created_at),
        ROW_N(s->last_used_at),
        ROW_N(s->idle_ends_at),
        ROW_N(s->ends_at),
        ROW_N(s->revoked_at),
        ROW_T(s->revoke_reason[0] ? s->revoke_reason : NULL),
    }};
}
