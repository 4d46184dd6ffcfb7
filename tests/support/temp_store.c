#include "tests/support/temp_store.h"

#include "common/db/migrate.h"
#include "common/domain/password_hash.h"
#include "common/domain/role.h"
#include "common/domain/seal.h"
#include "common/domain/signing_key.h"
#include "common/domain/user.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(enum ja_status st, const struct ja_error *err, const char *what)
{
    if (st == JA_OK)
        return;
    fprintf(stderr, "temp_store: %s: %s (%s)\n", what, err->message, err->code);
    exit(99);
}

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
    char path[160];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) != 0) {
        perror(path);
        exit(99);
    }
    close(fd);
}

static void keep_log(void *arg, int priority, const char *line)
{
    struct ja_test_store *t = arg;

    (void)priority;
    (void)snprintf(t->last_log, sizeof t->last_log, "%s", line);
}

static void load(struct ja_test_store *t, struct ja_ctx *ctx)
{
    char path[160];
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};

    (void)snprintf(path, sizeof path, "%s/jwtauth.conf", t->dir);
    must(ja_crypto_init(&err), &err, "crypto");
    must(ja_config_load(path, true, &cfg, &err), &err, "config");
    ja_ctx_init(ctx, cfg, (struct ja_log){keep_log, t, LOG_DEBUG});
    ctx->actor = (struct ja_actor){.name = "root", .service = "test"};
    ctx->clock = ctx == &t->ctx ? ja_fake_clock_table(&t->clock) : t->ctx.clock;
}

struct ja_test_store *ja_test_store_bare(const char *extra)
{
    struct ja_test_store *t = calloc(1, sizeof *t);
    const char *tmp = getenv("TMPDIR");
    char conf[8192], path[160];
    struct ja_db *db = NULL;
    struct ja_error err = {0};

    if (!t)
        exit(99);
    (void)snprintf(t->dir, sizeof t->dir, "%s/ja-test.XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (!mkdtemp(t->dir))
        exit(99);
    (void)snprintf(conf, sizeof conf,
                   "[paths]\nstate = %s/state\nrun = %s/run\ncache = %s/cache\n"
                   "[store]\nurl = sqlite:%s/state/jwtauth.db\nmaster_key_file = %s/master.key\n"
                   "busy_timeout = 60s\n" /* for many at once on a busy machine */
                   "[tokens]\nissuer = https://auth.example.org\naudience = host.example.org\n"
                   "[password]\nhash_memory = 8M\nhash_ops = 1\n%s\n",
                   t->dir, t->dir, t->dir, t->dir, t->dir, extra ? extra : "");
    write_file(t->dir, "jwtauth.conf", conf, 0600);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", t->dir, ((const char *[]){"state", "run", "cache"})[i]);
        if (mkdir(path, i == 0 ? 0700 : 0755) != 0)
            exit(99);
    }
    load(t, &t->ctx);
    must(ja_master_create(t->ctx.cfg->store.master_key_file, &err), &err, "master key");
    must(ja_db_open(&(struct ja_db_options){.url = t->ctx.cfg->store.url, .busy_timeout = 5,
                                            .create = true, .any_schema = true}, &db, &err),
         &err, "open");
    t->ctx.db = db;
    return t;
}

struct ja_test_store *ja_test_store_new(const char *extra)
{
    struct ja_test_store *t = ja_test_store_bare(extra);
    struct ja_key *key = NULL;
    struct ja_error err = {0};
    int applied;

    must(ja_migrate(t->ctx.db, JA_TEST_EPOCH, &applied, &err), &err, "migrate");
    must(ja_db_begin(t->ctx.db, &err), &err, "begin");
    must(ja_role_create_defaults(&t->ctx, &err), &err, "roles");
    must(ja_key_generate(JA_ALG_ES256, &key, &err), &err, "key");
    must(ja_signing_key_insert(&t->ctx, key, "active", &err), &err, "insert key");
    must(ja_db_commit(t->ctx.db, &err), &err, "commit");
    ja_key_free(key);
    return t;
}

void ja_test_store_second(struct ja_test_store *t, struct ja_ctx *ret)
{
    struct ja_error err = {0};

    *ret = (struct ja_ctx){0};
    load(t, ret);
    must(ja_ctx_open_store(ret, &err), &err, "second open");
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

void ja_test_store_free(struct ja_test_store *t)
{
    if (!t)
        return;
    ja_ctx_clear(&t->ctx);
    (void)nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(t);
}

void ja_test_user(struct ja_test_store *t, const char *name, const char *password, char *id)
{
    struct ja_user u = {.kind = JA_USER_PERSON, .status = JA_USER_ACTIVE};
    char hash[JA_HASH_STRING_MAX];
    struct ja_error err = {0};

    (void)snprintf(u.username, sizeof u.username, "%s", name);
    u.home = strdup("/home/x");
    u.shell = strdup("/bin/sh");
    if (password)
        must(ja_password_hash(&t->ctx, password, strlen(password), hash, &err), &err, "hash");
    must(ja_db_begin(t->ctx.db, &err), &err, "begin");
    must(ja_user_insert(&t->ctx, &u, &err), &err, "insert user");
    if (password)
        must(ja_user_set_password(&t->ctx, u.id, hash, false, &err), &err, "set password");
    must(ja_db_commit(t->ctx.db, &err), &err, "commit");
    memcpy(id, u.id, sizeof u.id);
    ja_user_clear(&u);
}
