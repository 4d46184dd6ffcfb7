/* The bare work behind HTTP, each library used in its fastest way.
 *
 * floor_http serve PORT KEY STORE ISSUER AUDIENCE: one libmicrohttpd thread on loopback. /hello answers at once;
 *     /verify checks the bearer token (floor.h) and asks for its session and revocation in one prepared statement.
 * floor_http refresh KEY STORE SECONDS SIGNATURES: signatures and one commit, again and again; prints how many a second.
 * floor_http hash MIB PASSES SECONDS THREADS: argon2id on so many threads; prints how many a second. */
#include "bench/floor.h"
#include "bench/stats.h"

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

static const char good[] = "{\"active\":true}", bad[] = "{\"active\":false}", hello[] = "hello";

struct floor_server {
    struct floor_key key;
    const char *issuer, *audience;
    sqlite3 *db;
    sqlite3_stmt *find;
    struct MHD_Response *good, *bad, *hello;
};

static void load_key(struct floor_key *key, const char *path)
{
    json_t *jwk = json_load_file(path, 0, NULL);

    if (!jwk || !floor_load(key, jwk))
        bench_die(path, "cannot load the key");
    json_decref(jwk);
}

static sqlite3 *open_store(const char *path)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA mmap_size=67108864; PRAGMA synchronous=FULL;", NULL, NULL, NULL) != SQLITE_OK)
        bench_die(path, "cannot be opened");
    return db;
}

static sqlite3_stmt *prepared(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK)
        bench_die(sql, sqlite3_errmsg(db));
    return st;
}

/* ---- serve ---- */

static bool is_live(struct floor_server *s, const json_t *claims, time_t now)
{
    const char *sid = json_string_value(json_object_get(claims, "sid"));
    const char *jti = json_string_value(json_object_get(claims, "jti"));
    bool live = sid && jti && sqlite3_bind_text(s->find, 1, sid, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_bind_text(s->find, 2, jti, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(s->find) == SQLITE_ROW && sqlite3_column_type(s->find, 0) == SQLITE_NULL &&
                sqlite3_column_int64(s->find, 1) > now && sqlite3_column_type(s->find, 2) == SQLITE_NULL;

    (void)sqlite3_reset(s->find);
    return live;
}

static bool token_is_good(struct floor_server *s, struct MHD_Connection *c)
{
    const char *given = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
    json_t *claims = NULL;
    time_t now = time(NULL);
    bool live;

    if (!given || strncmp(given, "Bearer ", 7) != 0 ||
        !floor_verify(&s->key, given + 7, strlen(given + 7), s->issuer, s->audience, now, &claims))
        return false;
    live = is_live(s, claims, now);
    json_decref(claims);
    return live;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **con_cls)
{
    static int seen;
    struct floor_server *s = cls;

    (void)method, (void)version, (void)upload, (void)upload_size;
    if (!*con_cls) {
        *con_cls = &seen;
        return MHD_YES;
    }
    if (strcmp(url, "/hello") == 0)
        return MHD_queue_response(c, 200, s->hello);
    return token_is_good(s, c) ? MHD_queue_response(c, 200, s->good) : MHD_queue_response(c, 401, s->bad);
}

static struct MHD_Response *constant(const char *text)
{
    return MHD_create_response_from_buffer_with_free_callback(strlen(text), (void *)(uintptr_t)text, NULL);
}

static int serve(char **argv)
{
    struct floor_server s = {.issuer = argv[5], .audience = argv[6]};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)},
                             .sin_port = htons((uint16_t)strtol(argv[2], NULL, 10))};
    sigset_t wait;
    int sig;

    load_key(&s.key, argv[3]);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    s.db = open_store(argv[4]);
    s.find = prepared(s.db, "SELECT s.revoked_at, s.ends_at, r.jti FROM sessions s "
                            "LEFT JOIN revoked_tokens r ON r.jti = ?2 WHERE s.id = ?1");
    s.good = constant(good);
    s.bad = constant(bad);
    s.hello = constant(hello);
    (void)sigemptyset(&wait);
    (void)sigaddset(&wait, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &wait, NULL);
    if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, &s, MHD_OPTION_SOCK_ADDR, &at,
                          MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_END))
        bench_die("floor_http", "cannot listen");
    (void)sigwait(&wait, &sig);
    return 0;
}

/* ---- refresh ---- */

static int refresh(char **argv)
{
    struct floor_key key;
    sqlite3 *db;
    sqlite3_stmt *insert;
    json_t *claims;
    double begin, ms = strtod(argv[4], NULL) * 1000;
    long n = 0, signatures = strtol(argv[5], NULL, 10);

    load_key(&key, argv[2]);
    db = open_store(argv[3]);
    (void)sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS bench_refresh (hash TEXT PRIMARY KEY, at BIGINT)", NULL, NULL,
                       NULL);
    insert = prepared(db, "INSERT INTO bench_refresh VALUES (hex(randomblob(32)), ?)");
    claims = json_pack("{s:s,s:s,s:s,s:I,s:s}", "iss", "https://auth.example.org", "sub",
                       "0197c7a2-0000-7000-8000-000000000001", "aud", "bench.example.org", "exp",
                       (json_int_t)time(NULL) + 900, "jti", "0197c7a2-0000-7000-8000-000000000002");
    for (begin = bench_now_ms(); bench_now_ms() - begin < ms; n++) {
        for (long i = 0; i < signatures; i++) {
            char *token = floor_sign(&key, "0123456789abcdef0123456789abcdef0123456789a", claims);

            if (!token)
                bench_die("refresh", "cannot sign");
            free(token);
        }
        (void)sqlite3_bind_int64(insert, 1, n);
        if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK)
            bench_die("refresh", sqlite3_errmsg(db));
    }
    printf("%.1f\n", (double)n * 1000 / (bench_now_ms() - begin));
    json_decref(claims);
    return 0;
}

/* ---- hash ---- */

struct hashing {
    pthread_t id;
    size_t memory;
    unsigned long long passes;
    double until, rate;
};

static void *hash_on(void *arg)
{
    static const char pw[] = "Correct-Horse-42";
    struct hashing *h = arg;
    unsigned char salt[crypto_pwhash_SALTBYTES] = {1}, out[32];
    double begin = bench_now_ms(), now = begin;
    long n = 0;

    for (; now < h->until; n++, now = bench_now_ms())
        if (crypto_pwhash(out, sizeof out, pw, sizeof pw - 1, salt, h->passes, h->memory,
                          crypto_pwhash_ALG_ARGON2ID13) != 0)
            bench_die("hash", "no memory");
    h->rate = (double)n * 1000 / (now - begin);
    return NULL;
}

static int hash(char **argv)
{
    struct hashing threads[64];
    long n = strtol(argv[5], NULL, 10);
    double until = bench_now_ms() + strtod(argv[4], NULL) * 1000, rate = 0;

    if (n < 1 || n > 64 || sodium_init() < 0)
        return 2;
    for (long i = 0; i < n; i++) {
        threads[i] = (struct hashing){.memory = (size_t)strtol(argv[2], NULL, 10) << 20,
                                      .passes = (unsigned long long)strtol(argv[3], NULL, 10), .until = until};
        if (pthread_create(&threads[i].id, NULL, hash_on, &threads[i]) != 0)
            bench_die("hash", "no thread");
    }
    for (long i = 0; i < n; i++) {
        (void)pthread_join(threads[i].id, NULL);
        rate += threads[i].rate;
    }
    printf("%.3f\n", rate);
    return 0;
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0)
        return 2;
    if (argc == 7 && strcmp(argv[1], "serve") == 0)
        return serve(argv);
    if (argc == 6 && strcmp(argv[1], "refresh") == 0)
        return refresh(argv);
    return argc == 6 && strcmp(argv[1], "hash") == 0 ? hash(argv) : 2;
}
