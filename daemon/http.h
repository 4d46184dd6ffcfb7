/* What a route is and what its handler sees: independent of the HTTP library and of threads.
 *
 * A route is one row of a table (routes.h): the router, the checks of body and query, OpenAPI, README's list and the
 * tests read the same rows.  A handler reads the call, calls one flow and leaves `data`; what it returns becomes the
 * status and the error body (answer.h).
 *
 * Ownership: everything in a call is the call's until http_call_free; a handler borrows.
 * Threads: a call belongs to one thread at a time: its loop, or the worker that runs it.
 */
#ifndef JA_DAEMON_HTTP_H
#define JA_DAEMON_HTTP_H

#include "common/domain/ctx.h"
#include "common/domain/user.h"

#include <jansson.h>
#include <sys/types.h>

#define HTTP_BODY_MAX ((size_t)64 * 1024) /* R25 */
#define HTTP_HEAD_MAX ((size_t)8 * 1024)
#define HTTP_PARAMS_MAX 3
#define HTTP_HEADERS_MAX 12

enum http_method { HTTP_GET = 1, HTTP_POST = 2, HTTP_PUT = 4, HTTP_PATCH = 8, HTTP_DELETE = 16 };

/* Where a handler runs. The loop answers other connections meanwhile only if it is quick: memory, and reads. */
enum http_run {
    RUN_LOOP, /* reads, and signatures */
    RUN_WORK, /* writes: may wait for the store's lock */
    RUN_HASH, /* hashes passwords: bounded in number and queue (R21) */
};

enum {
    ROUTE_AUTH = 1,     /* under /api/v1/auth/, and under /api/auth/ and /auth/ as well */
    ROUTE_PUBLIC = 2,   /* no identity is asked for */
    ROUTE_ADMIN = 4,    /* over TCP only with [http] admin = yes */
    ROUTE_PLAIN = 8,    /* answers as an RFC has them, without the envelope */
    ROUTE_FORM = 16,    /* body: application/x-www-form-urlencoded */
    ROUTE_LIMITED = 32, /* [throttle] other, per route and source */
    ROUTE_CACHEABLE = 64, /* sets Cache-Control itself; everything else is no-store */
    ROUTE_GATE = 128,   /* asked by proxies (auth_request): never 429 */
    ROUTE_TOKEN = 256,  /* takes a token itself: one that it refuses counts ([throttle] token_failures) */
    ROUTE_CAPTCHA = 512, /* asks for a captcha once logins failed (captcha.h); its body has the field */
};

enum field_type { FIELD_STRING, FIELD_INT, FIELD_BOOL, FIELD_STRINGS };
struct http_field {
    const char *name; /* NULL ends the table */
    enum field_type type;
    bool required;
    size_t max;       /* bytes of a string */
    const char *help;
};

struct http_call;
struct gate;   /* gate.h */
struct gate_note;
struct server; /* server.h */
struct http_route {
    unsigned method;             /* one enum http_method */
    const char *path;            /* "/api/v1/users/{id}/roles/{role}" */
    enum ja_status (*run)(struct http_call *call, struct ja_error *err);
    enum http_run where;
    enum ja_status (*closed)(const struct ja_config *cfg, struct ja_error *err); /* asked before all else; may be NULL */
    unsigned flags;
    const struct http_field *body;  /* NULL: none is taken */
    const struct http_field *query; /* NULL: none is taken */
    const char *permission;      /* for the documentation: what a caller must hold, NULL: none beyond being the caller */
    const char *summary;         /* "Log in." */
    const char *answer;          /* keys of data, blank-separated; "user" for the user object; NULL: none */
    int status;                  /* of success: 200, 201, 202 */
    const char *codes;           /* error codes of its own, blank-separated, for the documentation */
    const char *example;         /* arguments of curl after the URL, for README; may be NULL */
};

enum caller_kind { CALLER_NONE, CALLER_PEER, CALLER_BEARER, CALLER_API_KEY };
struct http_caller {
    enum caller_kind kind;
    bool root;            /* uid 0 on the Unix socket */
    struct ja_user user;  /* not with root; owned */
    json_t *claims;       /* CALLER_BEARER; owned */
    char actor[40];       /* "root", "user:alice" */
    char api_key[JA_UUID_LEN + 1]; /* CALLER_API_KEY: its id */
    char *key_scope;      /* CALLER_API_KEY: what it is limited to; NULL: nothing; owned */
};

struct http_header { const char *name; char *value; };

/* What would tell by its time, were it done before the answer. */
typedef void (*http_after_fn)(struct ja_ctx *ctx, struct server *server, const void *arg);

struct http_call {
    const struct http_route *route;
    struct ja_ctx *ctx;       /* while a handler runs: the thread's, actor set */
    char *params[HTTP_PARAMS_MAX]; /* {…} of the path in order, percent-decoded, valid UTF-8 */
    json_t *body;             /* object with known fields of the right types; NULL: none */
    json_t *query;            /* object of strings; NULL: none */
    struct http_caller caller;

    /* of the connection and head; borrowed, may be NULL */
    bool on_unix;
    uid_t peer_uid;           /* on_unix */
    pid_t peer_pid;
    const char *source;       /* numeric address of the client; NULL on the Unix socket */
    const char *user_agent, *host, *origin, *if_none_match, *authorization, *cookie, *csrf;
    bool admitted;            /* [throttle] other has counted it already */
    bool captcha_passed;      /* the service vouched for who asks */
    bool proxied;             /* a header that only proxies and browsers send is there (R24) */

    /* the answer */
    int status;               /* 0: the route's */
    json_t *data;             /* object; owned */
    const char *message;      /* borrowed, NULL: "OK" */
    json_t *details;          /* of an error: array of strings; owned */
    char *site_key;           /* of an error: for the captcha that is asked; owned */
    char *plain;              /* body as it stands, instead of data; owned */
    size_t plain_len;
    const char *plain_type;   /* its Content-Type */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t nheaders;
    bool answered;            /* by the head alone: the body is not looked at */
    struct gate_note *note;   /* the answer may be remembered (gate.h); owned */
    struct gate *gate;        /* the loop's memory of verified tokens; NULL on workers */
    http_after_fn after;      /* runs on the same worker once the answer is on its way; not in a loop */
    void *after_arg;          /* malloc'd: the call is gone by then. Wiped and freed by who runs it, or with the call */
    size_t after_len;
    struct server *server;    /* for what the daemon itself says: health, metrics */
};

/* A field of the body as text, NULL when it was not given. */
const char *http_text(const struct http_call *call, const char *name);
bool http_bool(const struct http_call *call, const char *name, bool otherwise);
int64_t http_int(const struct http_call *call, const char *name, int64_t otherwise);
const char *http_query(const struct http_call *call, const char *name);
/* Adds a header to the answer; the value is copied and must be one line of visible ASCII, else JA_ERR_INTERNAL. */
enum ja_status http_header_add(struct http_call *call, const char *name, const char *value, struct ja_error *err);
/* For plain answers: Cache-Control and an ETag (RFC 9110 section 8.8.3); 304 without a body where the client has it. */
enum ja_status http_cache(struct http_call *call, int seconds, struct ja_error *err);
/* Location of what was made: `path` and its `last` part, which needs no encoding (an id, a role's name) or is NULL. */
enum ja_status http_created(struct http_call *call, const char *path, const char *last, struct ja_error *err);
/* Copies `arg`. */
enum ja_status http_after(struct http_call *call, http_after_fn fn, const void *arg, size_t len, struct ja_error *err);
/* Takes `data` over as the answer; NULL is "out of memory". */
enum ja_status http_data(struct http_call *call, json_t *data, struct ja_error *err);

#endif
