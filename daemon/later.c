#include "daemon/later.h"

#include "common/flow/contact_flow.h"
#include "common/flow/reset_flow.h"
#include "daemon/chores.h"
#include "daemon/server.h"

#include <netinet/in.h>
#include <stdio.h>

struct letter {
    enum later_what what;
    bool phone;
    char who[JA_EMAIL_MAX + 1];
    char source[INET6_ADDRSTRLEN]; /* "": the Unix socket */
};

static enum ja_status write_letter(struct ja_ctx *ctx, const struct letter *l, struct ja_error *err)
{
    if (l->what == LATER_RESET)
        return ja_reset_send(ctx, l->who, l->phone ? JA_RESET_BY_SMS : JA_RESET_BY_EMAIL, err);
    return ja_contact_resend(ctx, l->who, l->phone ? JA_CHANNEL_SMS : JA_CHANNEL_EMAIL, err);
}

static void run(struct ja_ctx *ctx, struct server *server, const void *arg)
{
    const struct letter *l = arg;
    struct ja_error err = {0};

    ctx->actor = (struct ja_actor){.name = "anonymous", .source = l->source[0] ? l->source : NULL, .service = "jwtauthd"};
    if (write_letter(ctx, l, &err) != JA_OK)
        ja_log_write(&ctx->log, LOG_ERR, "a message that was asked for could not be written: code=%s cause=%s", err.code,
                     err.message);
    ctx->actor = (struct ja_actor){.name = "anonymous", .service = "jwtauthd"};
    chores_poke(server->chores); /* whoever it was */
}

enum ja_status later_letter(struct http_call *call, enum later_what what, const char *email, const char *phone,
                            struct ja_error *err)
{
    const char *who = email ? email : phone;
    struct letter l = {.what = what, .phone = !email};
    enum ja_status st = what == LATER_RESET ? ja_reset_turn(call->ctx, who, err) : ja_contact_turn(call->ctx, who, err);

    (void)snprintf(l.who, sizeof l.who, "%s", who);
    (void)snprintf(l.source, sizeof l.source, "%s", call->source ? call->source : "");
    return st == JA_OK ? http_after(call, run, &l, sizeof l, err) : st;
}
