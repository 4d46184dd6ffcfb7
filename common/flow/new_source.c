#include "common/flow/new_source.h"

#include "common/domain/known_source.h"
#include "common/domain/outbox.h"

void ja_source_network(const struct ja_ctx *ctx, const struct ja_addr *addr, char ret[JA_NET_TEXT])
{
    ja_net_bucket(addr, (unsigned)ctx->cfg->suspicious.ipv4_prefix,
                  (unsigned)ctx->cfg->suspicious.ipv6_prefix, ret);
}

enum ja_status ja_source_judge(struct ja_ctx *ctx, const char *user_id, const char *network,
                               bool second_factor, struct ja_source_verdict *ret, struct ja_error *err)
{
    int mode = ctx->cfg->suspicious.new_source;
    bool known = false, any = false;
    enum ja_status st = JA_OK;

    if (mode != JA_SOURCE_OFF)
        st = ja_known_source_find(ctx, user_id, network, &known, &any, err);
    if (st != JA_OK)
        return st;
    ret->is_new = mode != JA_SOURCE_OFF && any && !known;
    ret->refused = ret->is_new && (mode == JA_SOURCE_DENY || (mode == JA_SOURCE_REQUIRE_MFA && !second_factor));
    return JA_OK;
}

/* Was it really the user? Only the user can say. */
static enum ja_status tell(struct ja_ctx *ctx, const struct ja_user *user, const char *address,
                           const char *service, struct ja_error *err)
{
    char when[JA_TIME_LEN + 1];
    json_t *vars = NULL;
    enum ja_status st;

    ja_time_format(ja_now(&ctx->clock), when);
    vars = json_pack("{s:s,s:s,s:s,s:s}", "username", user->username, "time", when, "source",
                     address ? address : "this host", "service", service ? service : "");
    if (!vars)
        return ja_fail_nomem(err);
    st = ja_outbox_notify(ctx, user, "new_source", vars, err);
    json_decref(vars);
    return st;
}

enum ja_status ja_source_note(struct ja_ctx *ctx, const struct ja_user *user, const char *network,
                              const char *address, const char *service, bool is_new,
                              struct ja_error *err)
{
    enum ja_status st;

    if (ctx->cfg->suspicious.new_source == JA_SOURCE_OFF)
        return JA_OK;
    st = ja_known_source_note(ctx, user->id, network, err);
    return st == JA_OK && is_new ? tell(ctx, user, address, service, err) : st;
}
