#include "tests/fuzz/fuzz_http_wire.h"

#include "tests/fuzz/fuzz.h"

struct wire wire;

struct MHD_Connection *wire_connection(void)
{
    return (struct MHD_Connection *)(void *)&wire;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *c, enum MHD_ConnectionInfoType type, ...)
{
    FUZZ_DEMAND(c == wire_connection() && type == MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return &wire.info;
}

/* As MHD_parse_arguments_ of its internal.c: pairs between "&", "+" is a blank, no "=" is no value. */
static int each_argument(MHD_KeyValueIterator fn, void *cls)
{
    char *save = NULL, *text = wire.query ? strdup(wire.query) : NULL;
    int n = 0;

    for (char *item = text ? strtok_r(text, "&", &save) : NULL; item; item = strtok_r(NULL, "&", &save)) {
        char *value = strchr(item, '=');

        for (char *p = item; *p; p++)
            *p = *p == '+' ? ' ' : *p;
        if (value)
            *value++ = 0;
        n++;
        if (fn(cls, MHD_GET_ARGUMENT_KIND, item, value) != MHD_YES)
            break;
    }
    free(text);
    return n;
}

int MHD_get_connection_values(struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIterator fn, void *cls)
{
    FUZZ_DEMAND(c == wire_connection());
    if (kind == MHD_GET_ARGUMENT_KIND)
        return each_argument(fn, cls);
    for (size_t i = 0; i < wire.nheaders; i++)
        if (fn(cls, kind, wire.headers[i].name, wire.headers[i].value) != MHD_YES)
            break;
    return (int)wire.nheaders;
}

struct MHD_Response *MHD_create_response_from_buffer_with_free_callback(size_t len, void *text,
                                                                        MHD_ContentReaderFreeCallback free_text)
{
    struct MHD_Response *r = calloc(1, sizeof *r);

    FUZZ_DEMAND(r != NULL);
    *r = (struct MHD_Response){.text = text, .len = len, .free_text = free_text, .refs = 1};
    return r;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *name, const char *value)
{
    FUZZ_DEMAND(r->nheaders < WIRE_HEADERS_MAX && name[0] && value[0]);
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        FUZZ_DEMAND(*p >= 0x20 && *p < 0x7f); /* one line, no header of its own */
    r->headers[r->nheaders].name = strdup(name);
    r->headers[r->nheaders++].value = strdup(value);
    return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *r)
{
    FUZZ_DEMAND(r && r->refs > 0);
    if (--r->refs > 0)
        return;
    for (size_t i = 0; i < r->nheaders; i++) {
        free(r->headers[i].name);
        free(r->headers[i].value);
    }
    r->free_text(r->text);
    free(r);
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
    FUZZ_DEMAND(c == wire_connection() && !wire.suspended && wire.answers++ == 0);
    wire.status = status;
    wire.answer = r;
    r->refs++;
    return MHD_YES;
}

void MHD_suspend_connection(struct MHD_Connection *c)
{
    FUZZ_DEMAND(c == wire_connection() && !wire.suspended);
    wire.suspended = true;
}

void MHD_resume_connection(struct MHD_Connection *c)
{
    FUZZ_DEMAND(c == wire_connection() && wire.suspended);
    wire.suspended = false;
}

/* ---- the daemon's threads: this one ---- */

static struct pool_job *waiting;

bool pool_push(struct pool *pool, struct pool_job *job)
{
    (void)pool;
    FUZZ_DEMAND(!waiting);
    waiting = job;
    return true;
}

struct pool_job *wire_take_job(void)
{
    struct pool_job *job = waiting;

    waiting = NULL;
    return job;
}

bool pool_job_late(const struct pool_job *job, int64_t seconds)
{
    (void)job, (void)seconds;
    return false;
}

struct pool_load pool_load(struct pool *pool)
{
    (void)pool;
    return (struct pool_load){0};
}

const char *chore_name(enum chore_kind kind)
{
    return kind < CHORE_KINDS ? "chore" : "";
}

void chores_poke(struct chores *c)
{
    (void)c;
}

void loop_wake(struct loop *loop)
{
    (void)loop;
}

int64_t loop_now_ms(void)
{
    return 1;
}
