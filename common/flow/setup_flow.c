#include "common/flow/setup_flow.h"

#include "common/base/file_guard.h"
#include "common/base/text.h"
#include "common/db/migrate.h"
#include "common/domain/audit.h"
#include "common/domain/nss_export.h"
#include "common/domain/password_hash.h"
#include "common/domain/role.h"
#include "common/domain/seal.h"
#include "common/domain/signing_key.h"
#include "common/domain/ssh_key_snapshot.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((int64_t)1 << 20)
#define HASH_MS_MAX 150
#define SQLITE_SCHEME "sqlite:"

/* ---- what this host can do and is called ---- */

/* OWASP's least is 19 MiB and 2 passes; time is linear in memory. */
static const int64_t memories[] = {64 * MIB, 48 * MIB, 32 * MIB, 24 * MIB, 19 * MIB};
#define HASH_OPS 2

enum ja_status ja_init_measure(const struct ja_clock *clock, struct ja_init_report *ret,
                               struct ja_error *err)
{
    enum ja_status st = JA_OK;
    int64_t ms = 0;

    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        int64_t best = INT64_MAX;

        /* The first run pays for the pages; a neighbour's load is not ours: the better of two counts. */
        for (int run = 0; run < 2; run++) {
            st = ja_password_hash_measure(memories[i], HASH_OPS, clock, &ms, err);
            if (st != JA_OK)
                return st;
            best = ms < best ? ms : best;
        }
        ret->hash_memory = memories[i];
        ret->hash_ops = HASH_OPS;
        ret->hash_ms = best;
        if (best < HASH_MS_MAX)
            break;
    }
    return JA_OK;
}

static bool host_name_ok(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-");

    return n > 0 && s[n] == 0 && n < 200;
}

/* The fully qualified name as `hostname -f` finds it, else the plain one. */
static void host_name(char *out, size_t size)
{
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_DGRAM}, *found = NULL;
    char name[256] = "";

    if (gethostname(name, sizeof name - 1) != 0)
        name[0] = 0;
    if (!strchr(name, '.') && getaddrinfo(name, NULL, &hints, &found) == 0) {
        if (found->ai_canonname && strchr(found->ai_canonname, '.'))
            (void)snprintf(name, sizeof name, "%s", found->ai_canonname);
        freeaddrinfo(found);
    }
    for (char *p = name; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    (void)snprintf(out, size, "%s", host_name_ok(name) ? name : "localhost");
}

/* ---- the configuration file ---- */

struct live {
    const char *section, *key;
    char value[256];
};

struct writer {
    FILE *out;
    const struct live *live;
    size_t nlive;
    const char *section; /* the last one that was begun */
};

static enum ja_status write_item(void *arg, const struct ja_config_item *item)
{
    struct writer *w = arg;
    const char *value = item->value;
    const char *mark = "#";

    if (!w->section || strcmp(w->section, item->section) != 0)
        (void)fprintf(w->out, "\n[%s]\n", item->section);
    w->section = item->section;
    for (size_t i = 0; i < w->nlive; i++) {
        if (strcmp(w->live[i].section, item->section) == 0 &&
            strcmp(w->live[i].key, item->key) == 0) {
            value = w->live[i].value;
            mark = "";
        }
    }
    (void)fprintf(w->out, "# %s\n%s%s = %s\n", item->help, mark, item->key, value);
    return JA_OK;
}

/* Every key commented out with its default, but for those in `live`; checked by the parser itself. */
static enum ja_status config_text(const char *path, const struct live *live, size_t nlive,
                                  char **ret, size_t *ret_len, struct ja_error *err)
{
    struct ja_config *defaults = NULL, *check = NULL;
    struct writer w = {.live = live, .nlive = nlive};
    char *text = NULL;
    size_t len = 0;
    enum ja_status st = ja_config_parse(path, "", 0, &defaults, err);

    if (st != JA_OK)
        return st;
    w.out = open_memstream(&text, &len);
    if (!w.out) {
        ja_config_free(defaults);
        return ja_fail_nomem(err);
    }
    (void)fprintf(w.out, "# jwtauth.conf(5).  A line without # differs from the default shown, or was "
                         "decided by authctl init.\n");
    st = ja_config_each(defaults, write_item, &w);
    if (fclose(w.out) != 0 || st != JA_OK)
        st = ja_fail_nomem(err);
    if (st == JA_OK)
        st = ja_config_parse(path, text, len, &check, err);
    ja_config_free(defaults);
    ja_config_free(check);
    if (st == JA_OK) {
        *ret = text;
        *ret_len = len;
    } else {
        free(text);
    }
    return st;
}

/* The folder part of an absolute path; malloc'd. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

static enum ja_status make_folder_of(const char *path, mode_t mode, struct ja_error *err)
{
    char *dir = folder_of(path);
    enum ja_status st = dir ? ja_dir_make(dir, mode, err) : ja_fail_nomem(err);

    free(dir);
    return st;
}

static enum ja_status write_config(const char *path, const struct ja_init_options *opts,
                                   const struct ja_clock *clock, struct ja_init_report *ret,
                                   struct ja_error *err)
{
    struct live live[6] = {{"tokens", "issuer", ""}, {"tokens", "audience", ""},
                           {"tokens", "algorithm", ""}, {"password", "hash_memory", ""},
                           {"password", "hash_ops", ""}, {"registration", "open", ""}};
    char host[256], *text = NULL;
    size_t len = 0;
    enum ja_status st = ja_init_measure(clock, ret, err);

    if (st != JA_OK)
        return st;
    if (opts->issuer && strlen(opts->issuer) >= sizeof live[0].value)
        return ja_fail(err, JA_ERR_INVALID, "invalid_issuer", "issuer is longer than %zu bytes",
                       sizeof live[0].value - 1);
    host_name(host, sizeof host);
    (void)snprintf(live[0].value, sizeof live[0].value, "%s%.200s", opts->issuer ? "" : "https://",
                   opts->issuer ? "" : host);
    if (opts->issuer)
        (void)snprintf(live[0].value, sizeof live[0].value, "%s", opts->issuer);
    (void)snprintf(live[1].value, sizeof live[1].value, "%s", host);
    (void)snprintf(live[2].value, sizeof live[2].value, "%s",
                   ja_alg_name(opts->alg ? opts->alg : JA_ALG_ES256));
    (void)snprintf(live[3].value, sizeof live[3].value, "%lldM", (long long)(ret->hash_memory / MIB));
    (void)snprintf(live[4].value, sizeof live[4].value, "%lld", (long long)ret->hash_ops);
    (void)snprintf(live[5].value, sizeof live[5].value, "%s", opts->open_registration ? "yes" : "no");
    st = config_text(path, live, 6, &text, &len, err);
    if (st == JA_ERR_CONFIG) /* the issuer is the one text that came from outside */
        err->status = st = JA_ERR_INVALID;
    if (st == JA_OK)
        st = make_folder_of(path, 0755, err);
    if (st == JA_OK)
        st = ja_file_write(path, 0644, true, text, len, err);
    free(text);
    ret->config = st == JA_OK;
    return st;
}

/* What was asked for must be what an existing file says: it is not edited behind its owner's back. */
static enum ja_status compare_config(const char *path, const struct ja_init_options *opts,
                                     const struct ja_config *cfg, struct ja_error *err)
{
    const char *key = NULL;

    if (opts->issuer && strcmp(opts->issuer, cfg->tokens.issuer) != 0)
        key = "[tokens] issuer";
    else if (opts->alg && (int)opts->alg != cfg->tokens.algorithm)
        key = "[tokens] algorithm";
    else if (opts->open_registration && !cfg->registration.open)
        key = "[registration] open";
    if (!key)
        return JA_OK;
    return ja_fail(err, JA_ERR_CONFLICT, "config_exists",
                   "%s exists and has another %s: change it there", path, key);
}

static enum ja_status prepare_config(const struct ja_init_options *opts,
                                     const struct ja_clock *clock, struct ja_config **ret_cfg,
                                     struct ja_init_report *ret, struct ja_error *err)
{
    const char *path = opts->config_path ? opts->config_path : JA_CONFIG_PATH;
    struct ja_config *cfg = NULL;
    struct stat sb;
    enum ja_status st = JA_OK;

    if (lstat(path, &sb) != 0)
        st = errno == ENOENT ? write_config(path, opts, clock, ret, err)
                             : ja_fail_errno(err, errno, path);
    if (st == JA_OK)
        st = ja_config_load(path, opts->config_path != NULL, &cfg, err);
    if (st == JA_OK)
        st = compare_config(path, opts, cfg, err);
    if (st != JA_OK) {
        ja_config_free(cfg);
        return st;
    }
    ret->hash_memory = cfg->password.hash_memory;
    ret->hash_ops = cfg->password.hash_ops;
    (void)snprintf(ret->issuer, sizeof ret->issuer, "%s", cfg->tokens.issuer);
    *ret_cfg = cfg;
    return JA_OK;
}

/* ---- folders, database, master key ---- */

static enum ja_status make_folders(const struct ja_config *cfg, struct ja_init_report *ret,
                                   struct ja_error *err)
{
    struct stat sb;
    char *sessions = NULL;
    bool had_state = lstat(cfg->paths.state, &sb) == 0;
    enum ja_status st = ja_dir_make(cfg->paths.state, 0700, err);

    ret->state_dir = st == JA_OK && !had_state;
    if (st == JA_OK)
        st = ja_dir_make(cfg->paths.cache, 0755, err);
    if (st == JA_OK)
        st = ja_dir_make(cfg->paths.run, 0755, err);
    if (st == JA_OK && asprintf(&sessions, "%s/sessions", cfg->paths.run) < 0) {
        sessions = NULL;
        st = ja_fail_nomem(err);
    }
    if (st == JA_OK)
        st = ja_dir_make(sessions, 0711, err);
    free(sessions);
    return st;
}

static enum ja_status make_database(struct ja_ctx *ctx, struct ja_init_report *ret,
                                    struct ja_error *err)
{
    const char *url = ctx->cfg->store.url;
    struct ja_db_options opts = {.url = url, .busy_timeout = ctx->cfg->store.busy_timeout,
                                 .create = true, .any_schema = true};
    struct stat sb;
    int applied = 0;
    enum ja_status st = JA_OK;

    if (strcmp(url, "none") == 0)
        return ja_fail(err, JA_ERR_CONFIG, "no_store",
                       "[store] url is none: this host only verifies tokens, there is nothing to "
                       "initialise");
    if (strncmp(url, SQLITE_SCHEME, strlen(SQLITE_SCHEME)) == 0) {
        const char *file = url + strlen(SQLITE_SCHEME);
        ret->database = lstat(file, &sb) != 0;
        st = make_folder_of(file, 0700, err);
    }
    if (st == JA_OK)
        st = ja_db_open(&opts, &ctx->db, err);
    if (st == JA_OK)
        st = ja_migrate(ctx->db, ja_now(&ctx->clock), &applied, err);
    ret->database = ret->database && st == JA_OK;
    return st;
}

struct key_count { int all, active, next; };

static enum ja_status count_key(void *arg, const struct ja_key_info *info)
{
    struct key_count *count = arg;

    count->all++;
    count->active += strcmp(info->state, "active") == 0;
    count->next += strcmp(info->state, "next") == 0;
    return JA_OK;
}

/* A second master key beside a store sealed with a first one would only hide the loss. */
static enum ja_status make_master(struct ja_ctx *ctx, struct ja_init_report *ret,
                                  struct ja_error *err)
{
    const char *path = ctx->cfg->store.master_key_file;
    struct key_count count = {0};
    struct stat sb;
    enum ja_status st = JA_OK;

    if (lstat(path, &sb) != 0) {
        if (errno != ENOENT)
            return ja_fail_errno(err, errno, path);
        st = ja_signing_key_each(ctx, count_key, &count, err);
        if (st == JA_OK && count.all > 0)
            st = ja_fail(err, JA_ERR_CRYPTO, "master_key_lost",
                         "%s is missing, but the store is sealed with it: put the file back", path);
        if (st == JA_OK)
            st = make_folder_of(path, 0755, err);
        if (st == JA_OK)
            st = ja_master_create(path, err);
        ret->master_key = st == JA_OK;
    }
    return st == JA_OK ? ja_ctx_require_master(ctx, err) : st;
}

/* ---- contents ---- */

static enum ja_status audit_init(struct ja_ctx *ctx, const struct ja_key *key, struct ja_error *err)
{
    json_t *detail = key ? json_pack("{s:s, s:s}", "kid", ja_key_kid(key), "alg",
                                     ja_alg_name(ja_key_alg(key)))
                         : json_object();
    enum ja_status st;

    if (!detail)
        return ja_fail_nomem(err);
    st = ja_audit_write(ctx, &(struct ja_audit_event){.action = "init", .target = "store",
                                                      .outcome = "success", .detail = detail}, err);
    json_decref(detail);
    return st;
}

/* Roles, and the key unless another init was faster; `key` NULL: there is one. */
static enum ja_status fill(struct ja_ctx *ctx, struct ja_key *key, struct ja_key *next,
                           struct ja_init_report *ret, struct ja_error *err)
{
    struct key_count count = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_role_create_defaults(ctx, err);
    if (st == JA_OK)
        st = ja_signing_key_each(ctx, count_key, &count, err);
    if (count.active > 0)
        key = NULL;
    if (st == JA_OK && key)
        st = ja_signing_key_insert(ctx, key, "active", err);
    /* published from the first day, so that verifiers know it before it signs */
    if (st == JA_OK && key && count.next == 0)
        st = ja_signing_key_insert(ctx, next, "next", err);
    if (st == JA_OK && (key || ret->database || ret->master_key || ret->config))
        st = audit_init(ctx, key, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    ja_db_rollback(ctx->db);
    ret->signing_key = st == JA_OK && key;
    return st;
}

static enum ja_status make_key(const struct ja_ctx *ctx, struct ja_key **ret, struct ja_error *err)
{
    enum ja_status st = ja_key_generate((enum ja_alg)ctx->cfg->tokens.algorithm, ret, err);

    return st == JA_OK ? ja_libjwt_cross_check(*ret, err) : st;
}

static enum ja_status make_contents(struct ja_ctx *ctx, struct ja_init_report *ret,
                                    struct ja_error *err)
{
    struct key_count count = {0};
    struct ja_key *key = NULL, *next = NULL;
    enum ja_status st = ja_signing_key_each(ctx, count_key, &count, err);

    /* Made and cross-checked before the transaction: an RSA key takes its time. */
    if (st == JA_OK && count.active == 0) {
        st = make_key(ctx, &key, err);
        if (st == JA_OK)
            st = make_key(ctx, &next, err);
    }
    if (st == JA_OK)
        st = fill(ctx, key, next, ret, err);
    ja_key_free(key);
    ja_key_free(next);
    return st;
}

enum ja_status ja_init(const struct ja_init_options *opts, const struct ja_clock *clock,
                       const struct ja_log *log, struct ja_init_report *ret, struct ja_error *err)
{
    struct ja_init_report report = {0};
    struct ja_config *cfg = NULL;
    struct ja_error local = {0};
    struct ja_ctx ctx = {0};
    enum ja_status st;

    err = err ? err : &local;
    st = ja_crypto_init(err);
    if (st == JA_OK)
        st = prepare_config(opts, clock, &cfg, &report, err);
    if (st != JA_OK)
        return st;
    ja_ctx_init(&ctx, cfg, *log);
    ctx.clock = *clock;
    ctx.actor = (struct ja_actor){.name = "root", .service = "authctl"};
    st = make_folders(cfg, &report, err);
    if (st == JA_OK)
        st = make_database(&ctx, &report, err);
    if (st == JA_OK)
        st = make_master(&ctx, &report, err);
    if (st == JA_OK)
        st = make_contents(&ctx, &report, err);
    if (st == JA_OK)
        st = ja_ssh_snapshot_write(&ctx, report.database, err);
    if (st == JA_OK)
        st = ja_nss_export_write(&ctx, report.database, err);
    ja_ctx_clear(&ctx);
    if (st == JA_OK)
        *ret = report;
    return st;
}
