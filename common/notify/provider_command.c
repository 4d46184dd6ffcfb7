/* A program of the administrator's: the message as JSON on its standard input. */
#include "common/base/subprocess.h"
#include "common/notify/provider.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNT "jwtauth-notify" /* packaging/jwtauth.sysusers */

/* A program that talks to the world needs none of root's rights. */
static enum ja_status find_account(uid_t *ret_uid, gid_t *ret_gid, struct ja_error *err)
{
    char buf[4096];
    struct passwd pw, *found = NULL;

    if (geteuid() != 0) {
        *ret_uid = geteuid();
        *ret_gid = getegid();
        return JA_OK;
    }
    if (getpwnam_r(ACCOUNT, &pw, buf, sizeof buf, &found) != 0 || !found || pw.pw_uid == 0)
        return ja_fail(err, JA_ERR_CONFIG, "no_notify_account",
                       "there is no account " ACCOUNT " to run the command as: systemd-sysusers makes it");
    *ret_uid = pw.pw_uid;
    *ret_gid = pw.pw_gid;
    return JA_OK;
}

enum ja_status ja_provider_command(struct ja_ctx *ctx, struct ja_curl *c, const struct ja_outgoing *m,
                                   struct ja_error *err)
{
    struct ja_secret doc = {0};
    struct ja_subprocess p = {.path = m->channel == JA_CHANNEL_EMAIL ? ctx->cfg->email.url : ctx->cfg->sms.url,
                              .seconds = JA_PROVIDER_SECONDS};
    enum ja_status st = find_account(&p.uid, &p.gid, err);

    (void)c;
    if (st == JA_OK)
        st = ja_outgoing_json(ctx, m, &doc, err);
    if (st == JA_OK) {
        p.input = doc.data;
        p.input_len = doc.len;
        st = ja_subprocess_run(&p, err);
    }
    ja_secret_clear(&doc);
    return st;
}
