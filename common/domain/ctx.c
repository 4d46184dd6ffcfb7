#include "common/domain/ctx.h"

#include "common/base/file_guard.h"
#include "common/domain/seal.h"
#include "common/domain/signing_key.h"

#include <sodium.h>

void ja_ctx_init(struct ja_ctx *ctx, struct ja_config *cfg, struct ja_log log)
{
    *ctx = (struct ja_ctx){
        .cfg = cfg,
        .clock = ja_clock_system,
        .log = log,
        .actor = {.name = "system", .service = "jwtauth"},
    };
}

void ja_ctx_clear(struct ja_ctx *ctx)
{
    if (!ctx)
        return;
    if (ctx->keys)
        ja_keyring_drop(ctx);
    ja_db_close(ctx->db);
    ja_secret_clear(&ctx->master);
    ja_config_free((struct ja_config *)(uintptr_t)ctx->cfg); /* const after load, but ours to free */
    *ctx = (struct ja_ctx){0};
}

enum ja_status ja_ctx_open_store(struct ja_ctx *ctx, struct ja_error *err)
{
    if (ctx->db)
        return JA_OK;
    return ja_db_open(&(struct ja_db_options){.url = ctx->cfg->store.url,
                                              .busy_timeout = ctx->cfg->store.busy_timeout},
                      &ctx->db, err);
}

static enum ja_status decode(const struct ja_secret *text, const char *path, struct ja_secret *key,
                             struct ja_error *err)
{
    const char *end = NULL;
    size_t len = 0;

    if (text->len != JA_MASTER_KEY_BYTES * 2 + 1 || text->data[text->len - 1] != '\n' ||
        sodium_hex2bin(key->data, JA_MASTER_KEY_BYTES, (const char *)text->data,
                       JA_MASTER_KEY_BYTES * 2, NULL, &len, &end) != 0 ||
        len != JA_MASTER_KEY_BYTES || end != (const char *)text->data + JA_MASTER_KEY_BYTES * 2)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_master_key",
                       "%s is no master key (64 hexadecimal digits and a newline): put the "
                       "right file back", path);
    /* A zeroed file or disk block must not become a key that everybody knows. */
    if (sodium_is_zero(key->data, JA_MASTER_KEY_BYTES))
        return ja_fail(err, JA_ERR_CONFIG, "invalid_master_key",
                       "%s holds zeros, not a key: put the right file back", path);
    key->len = JA_MASTER_KEY_BYTES;
    key->data[key->len] = 0;
    return JA_OK;
}

enum ja_status ja_ctx_require_master(struct ja_ctx *ctx, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0600,
                                      .max_size = JA_MASTER_KEY_BYTES * 2 + 1,
                                      .allow_own = true};
    const char *path = ctx->cfg->store.master_key_file;
    struct ja_secret text = {0}, key = {0};
    enum ja_status st;

    if (ctx->master.data)
        return JA_OK;
    st = ja_file_read(path, &rule, &text, err);
    if (st == JA_ERR_NOT_FOUND)
        st = ja_fail(err, JA_ERR_CONFIG, "no_master_key",
                     "%s does not exist: put the master key back, or make one with "
                     "'authctl init'", path);
    if (st == JA_OK)
        st = ja_secret_init(&key, JA_MASTER_KEY_BYTES, err);
    if (st == JA_OK)
        st = decode(&text, path, &key, err);
    ja_secret_clear(&text);
    if (st == JA_OK)
        ctx->master = key;
    else
        ja_secret_clear(&key);
    return st;
}
