#include "common/flow/pam_trial.h"

#include "common/base/file_guard.h"
#include "common/domain/ctx.h"
#include "common/domain/password_hash.h"
#include "common/flow/account_flow.h"
#include "common/flow/setup_flow.h"

#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FOLDER "/etc/jwtauth" /* of JA_CONFIG_PATH */
#define RANDOM_BYTES 18

/* Cheap hashes and no delays: it lives for a second and nobody else sees it. The uids are nobody's: a lock ends what
 * runs under one. */
static const char configuration[] =
    "[paths]\nstate = " FOLDER "/state\nrun = " FOLDER "/run\ncache = " FOLDER "/cache\n"
    "[store]\nmaster_key_file = " FOLDER "/master.key\n"
    "[tokens]\nissuer = https://trial.invalid\naudience = trial.invalid\n"
    "[password]\ndictionary = no\nhistory = 0\nhash_memory = 8M\nhash_ops = 1\n"
    "[throttle]\nlogin = 1000/1m\nper_source = 1000/1m\nper_user = 1000/1m\ndelay_base = 0\n"
    "[accounts]\nuid_min = 2147480000\nuid_max = 2147483000\n";

static enum ja_status name_user(char name[JA_USERNAME_MAX + 1], const char *kind, struct ja_error *err)
{
    unsigned char random[4];
    char hex[2 * sizeof random + 1];
    enum ja_status st = ja_random(random, sizeof random, err);

    if (st != JA_OK)
        return st;
    (void)sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    (void)snprintf(name, JA_USERNAME_MAX + 1, "jwtauth-try-%s-%s", kind, hex);
    if (getpwnam(name)) /* no other thread reads it */
        return ja_fail(err, JA_ERR_EXISTS, "name_taken", "there is a user %s", name);
    return JA_OK;
}

enum ja_status ja_pam_trial_init(struct ja_pam_trial *ret, struct ja_error *err)
{
    unsigned char random[RANDOM_BYTES];
    char text[JA_B64_SIZE(sizeof random)], password[sizeof text + 8];
    enum ja_status st = name_user(ret->allowed, "in", err);

    if (st == JA_OK)
        st = name_user(ret->locked, "out", err);
    if (st == JA_OK)
        st = name_user(ret->unknown, "not", err);
    if (st == JA_OK)
        st = ja_random(random, sizeof random, err);
    if (st != JA_OK)
        return st;
    ja_b64_encode(random, sizeof random, text, sizeof text);
    (void)snprintf(password, sizeof password, "Aa1.%s", text);
    st = ja_secret_from(&ret->password, password, strlen(password), err);
    sodium_memzero(text, sizeof text);
    sodium_memzero(password, sizeof password);
    return st;
}

void ja_pam_trial_clear(struct ja_pam_trial *t)
{
    ja_secret_clear(&t->password);
}

static enum ja_status add(struct ja_ctx *ctx, const char *name, const struct ja_secret *password, struct ja_error *err)
{
    const struct ja_user_spec spec = {.username = name, .password = password};
    struct ja_user u = {0};
    enum ja_status st = ja_account_add(ctx, &spec, NULL, &u, err);

    ja_user_clear(&u);
    return st;
}

enum ja_status ja_pam_trial_store(const struct ja_pam_trial *t, struct ja_error *err)
{
    const struct ja_init_options opts = {0};
    const struct ja_log log = {0};
    struct ja_init_report report = {0};
    struct ja_config *cfg = NULL;
    struct ja_ctx ctx = {0};
    struct ja_cut cut = {0};
    enum ja_status st = ja_file_write(JA_CONFIG_PATH, 0644, true, configuration, sizeof configuration - 1, err);

    if (st == JA_OK)
        st = ja_init(&opts, &ja_clock_system, &log, &report, err);
    if (st == JA_OK)
        st = ja_config_load(NULL, false, &cfg, err);
    if (st != JA_OK)
        return st;
    ja_ctx_init(&ctx, cfg, log);
    ctx.actor.name = "root";
    ctx.actor.service = "authctl";
    st = ja_ctx_open_store(&ctx, err);
    if (st == JA_OK)
        st = ja_ctx_require_master(&ctx, err);
    if (st == JA_OK)
        st = add(&ctx, t->allowed, &t->password, err);
    if (st == JA_OK)
        st = add(&ctx, t->locked, &t->password, err);
    if (st == JA_OK)
        st = ja_account_lock(&ctx, t->locked, 0, &cut, err);
    ja_ctx_clear(&ctx);
    return st;
}

enum ja_status ja_pam_trial_break(struct ja_error *err)
{
    static const char nonsense[] = "[nonsense\n";

    return ja_file_write(JA_CONFIG_PATH, 0644, false, nonsense, sizeof nonsense - 1, err);
}

enum ja_status ja_pam_trial_shadow(const struct ja_pam_trial *t, const char *path, struct ja_error *err)
{
    char hash[JA_HASH_STRING_MAX] = "", line[JA_HASH_STRING_MAX + 64];
    enum ja_status st = ja_password_crypt_passing((const char *)t->password.data, hash, err);

    if (st != JA_OK)
        return st;
    (void)snprintf(line, sizeof line, "root:%s:%lld:0:99999:7:::\n", hash, (long long)(time(NULL) / 86400));
    return ja_file_write(path, 0600, true, line, strlen(line), err);
}
