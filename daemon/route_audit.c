/* The audit log, for who may read it. */
#include "daemon/page.h"
#include "daemon/routes.h"
#include "daemon/target.h"

#include "common/flow/look_flow.h"
#include "common/view/audit_row.h"

#include <stdio.h>
#include <string.h>

static enum ja_status put(void *arg, const struct ja_audit_row *r)
{
    struct page *p = arg;
    json_t *detail = json_loads(r->detail, 0, NULL);
    const struct row_audit_values values = ja_row_audit(r, detail);
    enum ja_status st = page_add(p, values.v);

    json_decref(detail);
    return st;
}

static enum ja_status read_times(const struct http_call *call, struct ja_audit_filter *f, struct ja_error *err)
{
    const char *since = http_query(call, "since"), *until = http_query(call, "until"), *after = http_query(call, "after");
    int64_t now = ja_now(&call->ctx->clock), ago = 0;

    if (since && ja_parse_duration(since, &ago))
        f->since = now - ago;
    else if (since && !ja_parse_when(since, now, &f->since))
        return ja_fail(err, JA_ERR_INVALID, "invalid_time", "since is RFC 3339, or how long ago");
    if (until && !ja_parse_when(until, now, &f->until))
        return ja_fail(err, JA_ERR_INVALID, "invalid_time", "until is RFC 3339");
    if (after && !ja_parse_i64(after, 0, INT64_MAX, &f->after))
        return ja_fail(err, JA_ERR_INVALID, "invalid_after", "after is the number of a row");
    return JA_OK;
}

static enum ja_status run_audit(struct http_call *call, struct ja_error *err)
{
    struct ja_audit_filter f = {.actor = http_query(call, "actor"), .action = http_query(call, "action"),
                                .outcome = http_query(call, "outcome"), .source = http_query(call, "source")};
    const char *user = http_query(call, "user");
    char target[sizeof "user:" + JA_USERNAME_MAX];
    struct page p;
    enum ja_status st = page_begin(call, &row_audit, &p, err);

    if (st == JA_OK)
        st = read_times(call, &f, err);
    if (st == JA_OK && user && !ja_username_valid(user))
        st = ja_fail(err, JA_ERR_INVALID, "invalid_username", "user is a user name");
    (void)snprintf(target, sizeof target, "user:%s", user ? user : "");
    f.user = user ? target : NULL;
    f.limit = page_want(&p);
    if (st == JA_OK)
        st = ja_look_audit(call->ctx, &f, put, &p, err);
    return page_end(&p, st);
}

static const struct http_field query[] = {
    PAGE_FIELDS,
    {"user", FIELD_STRING, false, 64, "who did it, or whom it was done to"},
    {"actor", FIELD_STRING, false, 128, "who did it: root, user:alice"},
    {"action", FIELD_STRING, false, 64, "login, or user.* for everything of a kind"},
    {"outcome", FIELD_STRING, false, 16, "success, failure or denied"},
    {"source", FIELD_STRING, false, 64, "an address or a network"},
    {"since", FIELD_STRING, false, 40, "RFC 3339, or how long ago: 7d"},
    {"until", FIELD_STRING, false, 40, "RFC 3339"},
    {NULL},
};

const struct http_route route_audit[] = {
    {.method = HTTP_GET,
     .path = "/api/v1/audit",
     .run = run_audit,
     .where = RUN_WORK,
     .flags = ROUTE_ADMIN,
     .query = query,
     .permission = "audit:read",
     .summary = "Read the audit log.",
     .answer = "rows next",
     .codes = "forbidden invalid_time",
     .example = TARGET_AS_BEARER},
    {0},
};
