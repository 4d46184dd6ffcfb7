#include "tests/fuzz/fuzz_http_world.h"

#include "common/base/text.h"
#include "common/domain/signing_key.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char extra[] = "history = 0\n"
                            "[http]\ncookies = yes\nadmin = yes\nhosts = localhost, [::1]\n"
                            "cors_origins = https://app.example.org\ntrusted_proxies = 127.0.0.0/8, ::1\n"
                            "[registration]\nopen = yes\n"
                            "[throttle]\ntoken_failures = 1000000/1m\nother = 1000000/1m\n";

char *secrets[BYTES];
struct ja_test_store *store;
struct loop loop;
bool logged_secret;
static struct server server;
static struct { char *bytes; size_t len; struct stat wal; } image; /* the store as it was made */
static char db_path[128], wal_path[140];

bool holds_secret(const char *text)
{
    static const int ours[] = {ALICE_TOKEN, ADMIN_TOKEN, API_KEY, ALICE_REFRESH, ALICE_CSRF, ALICE_PASSWORD};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (secrets[ours[i]] && strstr(text, secrets[ours[i]]))
            return true;
    return false;
}

static void take_log(void *arg, int priority, const char *line)
{
    (void)arg, (void)priority;
    FUZZ_DEMAND(ja_text_valid(line, 4096)); /* one line, nothing for the terminal */
    logged_secret = logged_secret || holds_secret(line);
}

static void open_store(void)
{
    FUZZ_DEMAND(ja_ctx_open_store(&store->ctx, NULL) == JA_OK && ja_ctx_require_master(&store->ctx, NULL) == JA_OK);
    FUZZ_DEMAND(ja_keyring_require(&store->ctx, NULL) == JA_OK);
}

static void stat_wal(struct stat *ret)
{
    memset(ret, 0, sizeof *ret);
    (void)stat(wal_path, ret);
}

void world_put_back(void)
{
    struct stat now;
    int fd;

    gate_forget(loop.gate);
    stat_wal(&now);
    if (now.st_size == image.wal.st_size && now.st_mtim.tv_sec == image.wal.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == image.wal.st_mtim.tv_nsec)
        return;
    ja_keyring_drop(&store->ctx);
    ja_db_close(store->ctx.db);
    store->ctx.db = NULL;
    fd = open(db_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    FUZZ_DEMAND(fd >= 0 && write(fd, image.bytes, image.len) == (ssize_t)image.len && close(fd) == 0);
    FUZZ_DEMAND(unlink(wal_path) != 0);
    open_store();
    stat_wal(&image.wal);
}

void world_keep(void)
{
    FILE *f;
    struct stat sb;

    ja_keyring_drop(&store->ctx);
    ja_db_close(store->ctx.db);
    store->ctx.db = NULL;
    f = fopen(db_path, "rbe");
    FUZZ_DEMAND(f && fstat(fileno(f), &sb) == 0);
    image.len = (size_t)sb.st_size;
    image.bytes = malloc(image.len);
    FUZZ_DEMAND(image.bytes && fread(image.bytes, 1, image.len, f) == image.len);
    fclose(f);
    open_store();
    stat_wal(&image.wal);
}

static void clean_up(void)
{
    for (size_t i = 0; i < BYTES; i++)
        free(secrets[i]);
    free(image.bytes);
    gate_free(loop.gate);
    metrics_free(server.metrics);
    failures_free(server.failures);
    ja_test_store_free(store);
}

void world_open(void)
{
    store = ja_test_store_new(extra);
    atexit(clean_up);
    store->ctx.log = (struct ja_log){take_log, NULL, LOG_DEBUG};
    (void)snprintf(db_path, sizeof db_path, "%s/state/jwtauth.db", store->dir);
    (void)snprintf(wal_path, sizeof wal_path, "%s-wal", db_path);
    server.log = store->ctx.log;
    FUZZ_DEMAND(metrics_new(&server.metrics, NULL) == JA_OK && failures_new(&server.failures, NULL) == JA_OK);
    FUZZ_DEMAND(gate_new(&loop.gate, NULL) == JA_OK);
    loop.server = &server;
    open_store();
}
