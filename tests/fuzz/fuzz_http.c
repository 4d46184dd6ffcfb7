/* A request that libmicrohttpd has cut into lines, given to the daemon's own code on a real store: head, route, query,
 * body, identity, handler and answer.  The library's part (sockets, connections, responses) is played here.
 *
 * Demands: one answer, of a status that the documentation has, never an internal error; the envelope or the RFC's form;
 * a code and a clean line in each refusal; headers that belong to the status; nobody gets in without a credential of
 * the input, and no one but the administrator and root manages anything (R2, R24); framing that two servers could
 * read in two ways is refused and the connection ended (R25); no secret of the input in an answer's error or in the log
 * (R28).
 *
 * Input: a letter for the peer (see peers), a byte for the size of the body's pieces, then lines: method and path, header
 * fields, an empty one, the body. Bytes 1 to 9 in them stand for secrets of the store (see below).
 */
#include "common/base/text.h"
#include "common/flow/role_flow.h"
#include "common/flow/service_flow.h"
#include "daemon/routes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_http_wire.h"
#include "tests/fuzz/fuzz_http_world.h"

#include <strings.h>

#define PASSWORD "Right-Horse-1-Battery"

#define CREDENTIALS (1U << ALICE_TOKEN | 1U << ADMIN_TOKEN | 1U << API_KEY | 1U << ALICE_REFRESH | 1U << ALICE_PASSWORD)
#define MANAGERS (1U << ADMIN_TOKEN | 1U << API_KEY)

static const struct peer {
    char letter;
    bool on_unix;
    uid_t uid;
    const char *address;
} peers[] = {
    {'t', false, 0, "203.0.113.9"}, {'p', false, 0, "127.0.0.1"}, {'6', false, 0, "2001:db8::7"},
    {'r', true, 0, ""}, {'n', true, 54321, ""},
};

static unsigned used; /* bits of secrets in this input */

/* ---- one request ---- */

struct given {
    const struct peer *peer;
    char *method, *path;
    char *body;
    size_t body_len, piece;
    const char *host;
    bool authorization, proxied;
};

/* The line with its secrets; malloc'd. */
static char *fill_in(const char *line, size_t len, size_t *ret_len)
{
    size_t size = 0;
    char *text = NULL;
    FILE *f = open_memstream(&text, &size);

    FUZZ_DEMAND(f != NULL);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];

        if (c > 0 && c < BYTES && secrets[c]) {
            used |= 1U << c;
            fputs(secrets[c], f);
        } else {
            fputc(c, f);
        }
    }
    FUZZ_DEMAND(fclose(f) == 0);
    *ret_len = size;
    return text;
}

static char *next_line(struct fuzz_bytes *in)
{
    char *raw = fuzz_text(in, '\n'), *text;
    size_t len;

    text = fill_in(raw, strlen(raw), &len);
    free(raw);
    return text;
}

/* What the library leaves of a header line: no control characters in it, no blanks around the value. */
static bool take_header_line(struct given *g, char *line)
{
    static const char *const proxies[] = {"Forwarded", "X-Real-IP", "Via", "Origin", "Referer", "Cookie"};
    char *value = strchr(line, ':'), *end;

    for (unsigned char *p = (unsigned char *)line; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return false;
    if (!value || value == line || wire.nheaders == WIRE_HEADERS_MAX)
        return false;
    *value++ = 0;
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && end[-1] == ' '; end--)
        ;
    *end = 0;
    wire.headers[wire.nheaders].name = line;
    wire.headers[wire.nheaders++].value = value;
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        g->proxied |= strcasecmp(line, proxies[i]) == 0;
    g->proxied |= strncasecmp(line, "X-Forwarded-", 12) == 0;
    g->authorization |= strcasecmp(line, "Authorization") == 0;
    if (strcasecmp(line, "Host") == 0)
        g->host = value;
    return true;
}

static void parse_input(struct fuzz_bytes *in, struct given *g)
{
    uint8_t letter = fuzz_byte(in);
    char *line, *space;

    g->peer = &peers[0];
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        if (peers[i].letter == (char)letter)
            g->peer = &peers[i];
    g->piece = (size_t)fuzz_byte(in) + 1;
    line = next_line(in);
    space = strchr(line, ' ');
    if (space)
        *space++ = 0;
    g->method = strdup(line);
    g->path = strdup(space ? space : "/");
    FUZZ_DEMAND(g->method && g->path);
    free(line);
    wire.query = strchr(g->path, '?');
    if (wire.query)
        *wire.query++ = 0;
    while (in->left > 0) {
        line = next_line(in);
        if (!*line) {
            free(line);
            break;
        }
        if (!take_header_line(g, line))
            free(line);
    }
    g->body = fill_in((const char *)in->p, in->left, &g->body_len);
}

static void given_clear(struct given *g)
{
    free(g->method);
    free(g->path);
    free(g->body);
    for (size_t i = 0; i < wire.nheaders; i++)
        free(wire.headers[i].name);
}

/* As the library calls: head, pieces of the body, end; once more when a worker is done. */
static void serve(const struct given *g)
{
    void *state = NULL;
    size_t left = g->body_len, n = 0;
    struct pool_job *job;
    enum MHD_Result ok = request_handle(&loop, wire_connection(), g->path, g->method, "HTTP/1.1", NULL, &n, &state);

    while (ok == MHD_YES && wire.answers == 0 && left > 0) {
        size_t piece = left < g->piece ? left : g->piece, rest = piece;

        ok = request_handle(&loop, wire_connection(), g->path, g->method, "HTTP/1.1", g->body + (g->body_len - left), &rest,
                            &state);
        left -= piece - rest;
    }
    if (ok == MHD_YES && wire.answers == 0)
        ok = request_handle(&loop, wire_connection(), g->path, g->method, "HTTP/1.1", NULL, &n, &state);
    job = wire_take_job();
    if (job) {
        FUZZ_DEMAND(wire.suspended && wire.answers == 0);
        job->run(job, &loop.thread);
        ok = request_handle(&loop, wire_connection(), g->path, g->method, "HTTP/1.1", NULL, &n, &state);
    }
    FUZZ_DEMAND(!wire.suspended && (wire.answers == 1 ? ok == MHD_YES : g->body_len > HTTP_BODY_MAX));
    request_completed(&loop, wire_connection(), &state, MHD_REQUEST_TERMINATED_COMPLETED_OK);
    FUZZ_DEMAND(state == NULL);
}

/* ---- the answer ---- */

static const char *header_of(const struct MHD_Response *r, const char *name)
{
    for (size_t i = 0; i < r->nheaders; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}

static unsigned count_given(const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < wire.nheaders; i++)
        n += strcasecmp(wire.headers[i].name, name) == 0;
    return n;
}

static const struct http_route *route_of(const struct given *g)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    const struct http_route *route = NULL;
    char *params[HTTP_PARAMS_MAX] = {NULL};
    unsigned allowed = 0, method = strcmp(g->method, "HEAD") == 0 ? HTTP_GET : 0;

    for (unsigned i = 0; i < 5; i++)
        if (strcmp(g->method, names[i]) == 0)
            method = 1U << i;
    if (http_route_find(method, g->path, &route, params, &allowed, NULL) != JA_OK)
        route = NULL;
    http_params_clear(params);
    return route;
}

static void demand_status(void)
{
    static const unsigned known[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 413, 415, 429, 431, 501, 503};
    bool found = false;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        found = found || wire.status == known[i];
    if (!found)
        fprintf(stderr, "status %u: %.*s\n", wire.status, (int)wire.answer->len, wire.answer->text);
    FUZZ_DEMAND(found);
}

static void demand_headers(const struct http_route *route)
{
    const struct MHD_Response *r = wire.answer;
    bool cacheable = wire.status < 400 && route && (route->flags & ROUTE_CACHEABLE);

    FUZZ_DEMAND(header_of(r, "Content-Type") && header_of(r, "X-Content-Type-Options"));
    FUZZ_DEMAND(cacheable || strcmp(header_of(r, "Cache-Control"), "no-store") == 0);
    FUZZ_DEMAND(wire.status != 401 || header_of(r, "WWW-Authenticate"));
    FUZZ_DEMAND(wire.status != 405 || header_of(r, "Allow"));
    FUZZ_DEMAND((wire.status != 429 && wire.status != 503) || header_of(r, "Retry-After"));
}

/* Managers are told the names that they gave, and whoever puts something into the URL finds it in more logs than ours; else
 * nobody is told what was sent, which may be a password (R28). */
static void demand_refusal(const json_t *doc, const struct given *g, const struct http_route *route)
{
    const json_t *error = json_object_get(doc, "error");
    const char *code = json_string_value(json_is_object(error) ? json_object_get(error, "code") : error);
    const char *message = json_string_value(json_object_get(doc, json_is_object(error) ? "message"
                                                                                       : "error_description"));

    FUZZ_DEMAND(code && code[0] && code[strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0);
    FUZZ_DEMAND(message && message[0] && ja_text_valid(message, 4096));
    FUZZ_DEMAND(!holds_secret(message) || (route && (route->flags & ROUTE_ADMIN)) || holds_secret(g->path) ||
                (wire.query && holds_secret(wire.query)));
    FUZZ_DEMAND(!json_is_true(json_object_get(doc, "success")));
}

static void demand_body(const struct given *g, const struct http_route *route)
{
    const struct MHD_Response *r = wire.answer;
    json_t *doc;

    if (strcmp(header_of(r, "Content-Type"), "application/json") != 0 || r->len == 0) {
        FUZZ_DEMAND(wire.status < 400);
        return;
    }
    doc = json_loadb(r->text, r->len, 0, NULL);
    FUZZ_DEMAND(json_is_object(doc));
    if (wire.status >= 400)
        demand_refusal(doc, g, route);
    else if (route && !(route->flags & (ROUTE_PLAIN | ROUTE_CACHEABLE)))
        FUZZ_DEMAND(json_is_true(json_object_get(doc, "success")));
    json_decref(doc);
}

/* Root's uid counts alone, from who asks the daemon itself, not through a page or a proxy. */
static bool is_root(const struct given *g)
{
    return g->peer->on_unix && g->peer->uid == 0 && !g->authorization && !g->proxied && g->host &&
           strcmp(g->host, "jwtauthd") == 0;
}

static void demand_right(const struct given *g, const struct http_route *route)
{
    if (wire.status >= 300 || !route || is_root(g))
        return;
    FUZZ_DEMAND((used & CREDENTIALS) || (route->flags & ROUTE_PUBLIC) || strcmp(g->method, "OPTIONS") == 0);
    /* The own account, sessions, roles and rights are anybody's to see. */
    FUZZ_DEMAND(!(route->flags & ROUTE_ADMIN) || (used & MANAGERS) || route->method == HTTP_GET);
}

static void demand_framing(void)
{
    if (count_given("Content-Length") + count_given("Transfer-Encoding") < 2 && count_given("Host") < 2 &&
        count_given("Authorization") < 2)
        return;
    FUZZ_DEMAND(wire.status == 400 || wire.status == 431);
    FUZZ_DEMAND(wire.status == 431 || strcmp(header_of(wire.answer, "Connection"), "close") == 0);
}

static void demand_answer(const struct given *g)
{
    const struct http_route *route = route_of(g);

    demand_status();
    demand_headers(route);
    demand_body(g, route);
    demand_right(g, route);
    demand_framing();
    FUZZ_DEMAND(!logged_secret);
}

static void start(struct conn *conn, const struct peer *peer)
{
    memset(&wire, 0, sizeof wire);
    *conn = (struct conn){.on_unix = peer->on_unix, .uid = peer->uid, .pid = 1, .fd = -1};
    (void)snprintf(conn->address, sizeof conn->address, "%s", peer->address);
    wire.info.socket_context = conn;
}

static void one(struct fuzz_bytes *in, char **ret_body)
{
    struct given g = {.method = NULL};
    struct conn conn;

    used = 0;
    logged_secret = false;
    start(&conn, &peers[0]);
    parse_input(in, &g);
    conn.on_unix = g.peer->on_unix;
    conn.uid = g.peer->uid;
    (void)snprintf(conn.address, sizeof conn.address, "%s", g.peer->address);
    serve(&g);
    if (wire.answer) {
        if (ret_body)
            *ret_body = strndup(wire.answer->text, wire.answer->len);
        else
            demand_answer(&g);
        MHD_destroy_response(wire.answer);
    }
    given_clear(&g);
}

/* ---- people ---- */

static json_t *ask(const char *text)
{
    struct fuzz_bytes in = {(const uint8_t *)text, strlen(text)};
    char *body = NULL;
    json_t *doc;

    one(&in, &body);
    doc = body ? json_loads(body, 0, NULL) : NULL;
    if (!json_is_true(json_object_get(doc, "success")))
        fprintf(stderr, "%s\n%s\n", text, body ? body : "no answer");
    FUZZ_DEMAND(json_is_true(json_object_get(doc, "success")));
    free(body);
    return doc;
}

static char *keep(const json_t *doc, const char *name)
{
    const char *value = json_string_value(json_object_get(json_object_get(doc, "data"), name));

    FUZZ_DEMAND(value != NULL);
    return strdup(value);
}

static json_t *log_in(const char *name)
{
    char text[512];

    (void)snprintf(text, sizeof text, "t\xffPOST /api/v1/auth/login\nHost: localhost\nContent-Type: application/json\n\n"
                   "{\"username\":\"%s\",\"password\":\"" PASSWORD "\"}", name);
    return ask(text);
}

static void make_people(void)
{
    struct ja_secret key = {0};
    struct ja_api_key row = {0};
    char alice[37], admin[37], robot[37];
    json_t *doc;

    ja_test_user(store, "alice", PASSWORD, alice);
    ja_test_user(store, "boss", PASSWORD, admin);
    ja_test_user(store, "robot", NULL, robot);
    FUZZ_DEMAND(ja_db_begin(store->ctx.db, NULL) == JA_OK);
    FUZZ_DEMAND(ja_db_exec(store->ctx.db, "UPDATE users SET kind = 'service' WHERE username = 'robot'", JA_NO_BINDS, NULL,
                           NULL) == JA_OK);
    FUZZ_DEMAND(ja_db_exec(store->ctx.db, "UPDATE users SET email = 'alice@example.org', email_key = 'alice@example.org', "
                           "email_verified_at = 1 WHERE username = 'alice'", JA_NO_BINDS, NULL, NULL) == JA_OK);
    FUZZ_DEMAND(ja_db_commit(store->ctx.db, NULL) == JA_OK);
    FUZZ_DEMAND(ja_role_grant_flow(&store->ctx, "alice", "user", 0, NULL) == JA_OK);
    FUZZ_DEMAND(ja_role_grant_flow(&store->ctx, "boss", "admin", 0, NULL) == JA_OK);
    FUZZ_DEMAND(ja_role_grant_flow(&store->ctx, "robot", "admin", 0, NULL) == JA_OK);
    FUZZ_DEMAND(ja_service_key_add(&store->ctx, "robot", NULL, 0, &row, &key, NULL) == JA_OK);
    secrets[API_KEY] = strndup((const char *)key.data, key.len);
    ja_secret_clear(&key);
    loop.thread.ctx = store->ctx;
    doc = log_in("alice");
    secrets[ALICE_TOKEN] = keep(doc, "access_token");
    secrets[ALICE_REFRESH] = keep(doc, "refresh_token");
    secrets[ALICE_CSRF] = keep(doc, "csrf_token");
    json_decref(doc);
    doc = log_in("boss");
    secrets[ADMIN_TOKEN] = keep(doc, "access_token");
    json_decref(doc);
    secrets[ALICE_ID] = strdup(alice);
    secrets[ALICE_PASSWORD] = strdup(PASSWORD);
    secrets[ALICE_SESSION] = strdup("00000000-0000-4000-8000-000000000000");
    secrets[ALICE_EMAIL] = strdup("alice@example.org");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    world_open();
    make_people();
    store->ctx = loop.thread.ctx;
    world_keep();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};

    loop.thread.ctx = store->ctx; /* one context, borrowed by the loop for the time of a request */
    one(&in, NULL);
    store->ctx = loop.thread.ctx;
    world_put_back();
    return 0;
}
