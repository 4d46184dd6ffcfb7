/* doctor: configuration, files, store, keys and clock; the host's own files are in doctor_host.c and
 * doctor_stack.c. */
#include "common/base/file_guard.h"
#include "common/base/text.h"
#include "common/db/migrate.h"
#include "common/domain/health.h"
#include "common/domain/outbox_row.h"
#include "common/domain/signing_key.h"
#include "common/flow/doctor_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 2026-01-01: no host has run this program before. */
#define FIRST_RELEASE INT64_C(1767225600)
#define MIB ((int64_t)1 << 20)

void doctor_say(struct doctor *d, enum ja_doctor_level level, const char *check, const char *mend,
                const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    d->worst = level > d->worst ? level : d->worst;
    d->fn(d->arg, level, check, text, level == JA_DOCTOR_OK ? "" : mend);
}

void doctor_fail(struct doctor *d, enum ja_doctor_level level, const char *check, const char *mend,
                 const struct ja_error *err)
{
    const char *own = strstr(err->message, ": ch"); /* chmod, chown */

    if (strncmp(err->code, "unsafe_", 7) == 0 && own)
        doctor_say(d, level, check, own + 2, "%.*s", (int)(own - err->message), err->message);
    else
        doctor_say(d, level, check, mend, "%s", err->message);
}

bool doctor_lines(const char *path, void (*fn)(void *arg, char *line), void *arg)
{
    FILE *in = fopen(path, "re");
    char *line = NULL, *whole = NULL;
    size_t size = 0;

    if (!in)
        return false;
    while (getline(&line, &size, in) > 0) {
        size_t len = strcspn(line, "#\n");
        bool joined = len > 0 && line[len] == '\n' && line[len - 1] == '\\';
        char *next = NULL;

        line[len - joined] = 0;
        if (asprintf(&next, "%s%s%s", whole ? whole : "", whole ? " " : "", line) < 0)
            break;
        free(whole);
        whole = next;
        if (joined)
            continue;
        next += strspn(next, " \t");
        if (*next)
            fn(arg, next);
        free(whole);
        whole = NULL;
    }
    free(whole);
    free(line);
    (void)fclose(in);
    return true;
}

char *doctor_word(char **s)
{
    char *word = *s + strspn(*s, " \t\r=");
    size_t len = *word == '[' ? strcspn(word, "]") + 1 : strcspn(word, " \t\r=");

    if (!*word || len > strlen(word))
        return NULL;
    *s = word + len + (word[len] != 0);
    word[len] = 0;
    return word;
}

/* ---- configuration and files ---- */

static bool check_config(struct doctor *d, const char *config_path)
{
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};

    if (ja_config_load(config_path, config_path != NULL, &cfg, &err) != JA_OK) {
        doctor_fail(d, JA_DOCTOR_FAIL, "config", "mend the line, then: authctl config check", &err);
        return false;
    }
    ja_ctx_init(&d->ctx, cfg, (struct ja_log){0});
    if (!cfg->path)
        doctor_say(d, JA_DOCTOR_FAIL, "config", "authctl init", "%s does not exist", d->config);
    else if (!*cfg->tokens.issuer || !*cfg->tokens.audience)
        doctor_say(d, JA_DOCTOR_FAIL, "config", "set [tokens] issuer and audience",
                   "%s has no issuer or audience: no token can be made", d->config);
    else
        doctor_say(d, JA_DOCTOR_OK, "config", "", "%s is valid", d->config);
    if (!cfg->log.audit_fail_deny)
        doctor_say(d, JA_DOCTOR_WARN, "config", "set [log] audit_fail = deny",
                   "logins go on when the audit log cannot be written");
    return true;
}

static void check_hash_cost(struct doctor *d)
{
    const struct ja_config *cfg = d->ctx.cfg;

    if (cfg->password.hash_memory < 19 * MIB || cfg->password.hash_ops < 2)
        doctor_say(d, JA_DOCTOR_WARN, "passwords", "set [password] hash_memory = 19M, hash_ops = 2 or more",
                   "argon2id with %lld MiB and %lld passes is too cheap for who steals the database",
                   (long long)(cfg->password.hash_memory / MIB), (long long)cfg->password.hash_ops);
}

/* Everybody can read the configuration; a password in a URL is for root alone. */
static void check_url_password(struct doctor *d)
{
    const char *url = d->ctx.cfg->store.url, *scheme = strstr(url, "://");
    const char *at = scheme ? strchr(scheme, '@') : NULL;
    char mend[512];
    struct stat sb;

    if (!d->ctx.cfg->path || !at || !memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) ||
        stat(d->config, &sb) != 0 || !(sb.st_mode & 0077))
        return;
    (void)snprintf(mend, sizeof mend, "chmod 0600 '%.400s'", d->config);
    doctor_say(d, JA_DOCTOR_WARN, "config", mend, "[store] url has a password, and others can read %s",
               d->config);
}

static void check_folder(struct doctor *d, const char *path, mode_t mode, int *bad)
{
    struct ja_error err = {0};

    if (ja_dir_check(path, mode, false, &err) == JA_OK)
        return;
    ++*bad;
    doctor_fail(d, JA_DOCTOR_FAIL, "modes", "authctl init", &err);
}

/* A file that an option names; an empty path is none. */
static void check_named_file(struct doctor *d, const char *path, mode_t mode, const char *mend,
                             int *bad)
{
    struct ja_file_rule rule = {.max_mode = mode};
    struct ja_error err = {0};

    if (!*path || ja_file_check(path, &rule, &err) == JA_OK)
        return;
    ++*bad;
    doctor_fail(d, JA_DOCTOR_FAIL, "modes", mend, &err);
}

/* Without it whoever is asked for a captcha stays outside. */
static void check_captcha(struct doctor *d)
{
    const struct ja_config *cfg = d->ctx.cfg;
    const char *missing = !*cfg->throttle.captcha_secret_file ? "captcha_secret_file"
                          : !*cfg->throttle.captcha_site_key  ? "captcha_site_key"
                                                              : NULL;
    char mend[64];

    if (!*cfg->throttle.captcha_url)
        return;
    if (!missing) {
        doctor_say(d, JA_DOCTOR_OK, "captcha", "", "asked of logins over HTTP after %lld failures",
                   (long long)cfg->throttle.captcha_after);
        return;
    }
    (void)snprintf(mend, sizeof mend, "set [throttle] %s, or take captcha_url out", missing);
    doctor_say(d, JA_DOCTOR_FAIL, "captcha", mend, "captcha_url is set without %s: nobody can pass one", missing);
}

static void check_modes(struct doctor *d)
{
    const struct ja_config *cfg = d->ctx.cfg;
    const char *named = "make the file, or take its option out";
    char sessions[512];
    int bad = 0;

    (void)snprintf(sessions, sizeof sessions, "%.480s/sessions", cfg->paths.run);
    check_folder(d, cfg->paths.state, 0700, &bad);
    check_folder(d, cfg->paths.cache, 0755, &bad);
    check_folder(d, cfg->paths.run, 0755, &bad);
    check_folder(d, sessions, 0711, &bad);
    check_named_file(d, cfg->store.master_key_file, 0600,
                     "put the file back; on a new host: authctl init", &bad);
    check_named_file(d, cfg->email.password_file, 0600, named, &bad);
    check_named_file(d, cfg->sms.token_file, 0600, named, &bad);
    check_named_file(d, cfg->throttle.captcha_secret_file, 0600, named, &bad);
    check_named_file(d, cfg->password.blocklist, 0644, named, &bad);
    if (bad == 0)
        doctor_say(d, JA_DOCTOR_OK, "modes", "", "folders and secrets have safe owners and modes");
}

/* ---- store and keys ---- */

static const char *store_mend(enum ja_status st)
{
    if (st == JA_ERR_NOT_FOUND)
        return "authctl init";
    if (st == JA_ERR_VERSION)
        return "install the version of jwtauth that made it";
    if (st == JA_ERR_CORRUPT)
        return "authctl db restore BACKUP";
    return "authctl db status";
}

static bool check_store(struct doctor *d)
{
    char problem[256] = "";
    struct ja_error err = {0};
    enum ja_status st = ja_ctx_open_store(&d->ctx, &err);

    if (st != JA_OK) {
        doctor_fail(d, JA_DOCTOR_FAIL, "database", store_mend(st), &err);
        return false;
    }
    st = ja_db_check(d->ctx.db, problem, sizeof problem, &err);
    if (st != JA_OK || problem[0]) {
        doctor_say(d, JA_DOCTOR_FAIL, "database", "authctl db restore BACKUP", "%s",
                   problem[0] ? problem : err.message);
        return st == JA_OK;
    }
    doctor_say(d, JA_DOCTOR_OK, "database", "", "consistent, schema version %d",
               ja_schema_version_built());
    return true;
}

static enum ja_status find_active(void *arg, const struct ja_key_info *info)
{
    struct ja_key_info *found = arg;

    if (strcmp(info->state, "active") == 0)
        *found = *info;
    return JA_OK;
}

/* The active key opens with this master key, and the independent library takes what it signs. */
static void check_key_works(struct doctor *d, const struct ja_key_info *info)
{
    struct ja_key *key = NULL;
    struct ja_error err = {0};
    enum ja_status st = ja_signing_key_load(&d->ctx, info->kid, true, &key, &err);

    if (st != JA_OK) {
        doctor_fail(d, JA_DOCTOR_FAIL, "master key", "put back the master key that this store was made with", &err);
        return;
    }
    doctor_say(d, JA_DOCTOR_OK, "master key", "", "opens the active signing key");
    st = ja_libjwt_cross_check(key, &err);
    ja_key_free(key);
    if (st == JA_OK)
        doctor_say(d, JA_DOCTOR_OK, "keys", "", "%s, active, checked by a second library",
                   ja_alg_name(info->alg));
    else
        doctor_fail(d, st == JA_ERR_UNSUPPORTED ? JA_DOCTOR_WARN : JA_DOCTOR_FAIL, "keys",
                    st == JA_ERR_UNSUPPORTED ? "apt-get install libjwt0" : "authctl key rotate", &err);
}

static void check_keys(struct doctor *d)
{
    struct ja_key_info active = {0};
    struct ja_error err = {0};
    int64_t age;

    if (ja_ctx_require_master(&d->ctx, &err) != JA_OK) {
        doctor_fail(d, JA_DOCTOR_FAIL, "master key", "put the file back; on a new host: authctl init",
                    &err);
        return;
    }
    if (ja_signing_key_each(&d->ctx, find_active, &active, &err) != JA_OK) {
        doctor_fail(d, JA_DOCTOR_FAIL, "keys", "authctl db check", &err);
        return;
    }
    if (!active.kid[0]) {
        doctor_say(d, JA_DOCTOR_FAIL, "keys", "authctl key rotate", "no signing key is active");
        return;
    }
    check_key_works(d, &active);
    age = ja_now(&d->ctx.clock) - active.active_at;
    if (age > d->ctx.cfg->tokens.rotate_every)
        doctor_say(d, JA_DOCTOR_WARN, "keys",
                   "authctl key rotate; systemctl enable --now jwtauth-key-rotate.timer",
                   "the active key is %lld days old", (long long)(age / 86400));
}

static void check_contents(struct doctor *d)
{
    struct ja_health h = {0};
    struct ja_error err = {0};
    char when[JA_TIME_LEN + 1];
    int64_t now = ja_now(&d->ctx.clock);

    if (ja_health_read(&d->ctx, &h, &err) != JA_OK) {
        doctor_fail(d, JA_DOCTOR_FAIL, "database", "authctl db check", &err);
        return;
    }
    if (h.other_hashes > 0)
        doctor_say(d, JA_DOCTOR_WARN, "passwords",
                   "they are replaced at the next login; or: authctl password expire NAME",
                   "%lld of %lld users have a password hash weaker than argon2id",
                   (long long)h.other_hashes, (long long)h.users);
    ja_time_format(h.newest_audit, when);
    /* A minute: another process may have written since this one looked at the clock. */
    if (h.newest_audit > now + 60)
        doctor_say(d, JA_DOCTOR_FAIL, "clock", "timedatectl set-ntp true",
                   "the clock is behind the newest audit row, %s", when);
}

static void check_outbox(struct doctor *d)
{
    struct ja_outbox_health h = {0};
    struct ja_error err = {0};
    bool quiet;

    if (ja_outbox_health(&d->ctx, &h, &err) != JA_OK) {
        doctor_fail(d, JA_DOCTOR_FAIL, "outbox", "authctl db check", &err);
        return;
    }
    quiet = h.overdue == 0 && h.given_up == 0;
    if (h.overdue > 0)
        doctor_say(d, JA_DOCTOR_WARN, "outbox",
                   "systemctl enable --now jwtauth-outbox.timer; why: authctl outbox list --state queued",
                   "%lld messages are due and nobody sends them", (long long)h.overdue);
    if (h.given_up > 0)
        doctor_say(d, JA_DOCTOR_WARN, "outbox", "authctl outbox list --state given_up; then outbox retry or drop",
                   "%lld messages were given up", (long long)h.given_up);
    if (quiet && h.queued > 0)
        doctor_say(d, JA_DOCTOR_OK, "outbox", "", "%lld messages wait for their next attempt", (long long)h.queued);
}

static void check_clock(struct doctor *d)
{
    char when[JA_TIME_LEN + 1];
    int64_t now = ja_now(&d->ctx.clock);

    ja_time_format(now, when);
    if (now < FIRST_RELEASE)
        doctor_say(d, JA_DOCTOR_FAIL, "clock", "timedatectl set-ntp true",
                   "%s is before this program was written", when);
    else
        doctor_say(d, JA_DOCTOR_OK, "clock", "", "%s", when);
}

enum ja_doctor_level ja_doctor(const char *config_path, const struct ja_clock *clock, ja_doctor_fn fn,
                               void *arg)
{
    struct doctor d = {.fn = fn, .arg = arg, .worst = JA_DOCTOR_OK,
                       .config = config_path ? config_path : JA_CONFIG_PATH};
    struct ja_error err = {0};
    bool configured;

    if (ja_crypto_init(&err) != JA_OK) {
        doctor_fail(&d, JA_DOCTOR_FAIL, "crypto", "reinstall libsodium", &err);
        return d.worst;
    }
    configured = check_config(&d, config_path);
    d.ctx.clock = *clock;
    check_clock(&d);
    if (configured) {
        check_url_password(&d);
        check_hash_cost(&d);
        check_modes(&d);
        check_captcha(&d);
        if (strcmp(d.ctx.cfg->store.url, "none") != 0 && check_store(&d)) {
            check_keys(&d);
            check_contents(&d);
            check_outbox(&d);
        }
        doctor_policy(&d);
    }
    doctor_changes(&d);
    doctor_stacks(&d);
    doctor_sshd(&d);
    doctor_host(&d);
    ja_ctx_clear(&d.ctx);
    return d.worst;
}
