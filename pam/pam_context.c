#include "pam/pam_context.h"

#include "common/domain/local_user.h"
#include "common/domain/signing_key.h"

#include <fcntl.h>
#include <security/pam_ext.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *ja_pam_or_null(const char *s)
{
    return *s ? s : NULL;
}

/* A hostile item as one bounded word: escaped, blanks replaced so that "x rhost=1.2.3.4" cannot pose as
 * another field of the log line. */
static void take_item(pam_handle_t *pamh, int item, char *out, size_t size)
{
    const void *value = NULL;

    out[0] = '\0';
    if (pam_get_item(pamh, item, &value) != PAM_SUCCESS || !value)
        return;
    (void)ja_text_escape(value, out, size);
    for (char *p = out; *p; p++)
        if (*p == ' ')
            *p = '_';
}

/* Only auth and password may ask for a missing name; the others would surprise the application. */
static const char *user_of(pam_handle_t *pamh, enum ja_pam_entry entry)
{
    const char *user = NULL;
    const void *item = NULL;

    if (entry == JA_PAM_AUTH || entry == JA_PAM_PASSWORD)
        return pam_get_user(pamh, &user, NULL) == PAM_SUCCESS ? user : NULL;
    return pam_get_item(pamh, PAM_USER, &item) == PAM_SUCCESS ? item : NULL;
}

/* Descriptors 0-2 may be closed in the caller. Hold their places while we work, so that no file of ours
 * lands where the application prints (and SQLite does not plug them for good). */
static void plug(struct ja_pam_call *call)
{
    for (int i = 0; i < 3; i++) {
        int fd;

        if (fcntl(i, F_GETFD) != -1)
            continue;
        fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (fd == i)
            call->plugged[i] = true;
        else if (fd >= 0)
            (void)close(fd);
    }
}

static void unplug(struct ja_pam_call *call)
{
    for (int i = 0; i < 3; i++)
        if (call->plugged[i])
            (void)close(i);
}

/* The session's child must not inherit it, whoever the session is for. */
static void take_login(struct ja_pam_call *call)
{
    const char *value = pam_getenv(call->pamh, JA_PAM_LOGIN_VARIABLE);

    if (value && strnlen(value, sizeof call->handle) == JA_HANDLE_LEN)
        memcpy(call->handle, value, JA_HANDLE_LEN);
    ja_pam_unset(call->pamh, JA_PAM_LOGIN_VARIABLE);
}

enum ja_pam_outcome ja_pam_whose(struct ja_pam_call *call, pam_handle_t *pamh,
                                 enum ja_pam_entry entry, int flags)
{
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    const char *user;

    *call = (struct ja_pam_call){.pamh = pamh, .entry = entry, .flags = flags};
    plug(call);
    if (entry == JA_PAM_SESSION)
        take_login(call);
    user = user_of(pamh, entry);
    if (!user) {
        (void)ja_fail(&call->err, JA_ERR_INVALID, "no_user", "the application gave no user name");
        return JA_PAM_NO_ANSWER;
    }
    (void)snprintf(call->user, sizeof call->user, "%s", user);
    if (entry == JA_PAM_ACCOUNT && ja_pam_name_changed(call, true)) {
        pam_syslog(pamh, LOG_ALERT, "the user name was changed after authentication: refused");
        return JA_PAM_REFUSED;
    }
    if (ja_local_whose(call->user, &whose, &call->err) != JA_OK)
        return JA_PAM_BROKEN;
    call->adopted = whose == JA_WHOSE_ADOPTED;
    if (whose != JA_WHOSE_LOCAL)
        return JA_PAM_GO;
    if (entry == JA_PAM_AUTH)
        (void)ja_pam_remember(call, false); /* failing to: nothing of ours depends on it */
    return JA_PAM_LOCAL;
}

static void emit(void *arg, int priority, const char *line)
{
    const struct ja_pam_call *call = arg;

    pam_syslog(call->pamh, priority, "%s", line);
}

static int log_level(const struct ja_pam_call *call, const struct ja_config *cfg)
{
    static const struct { const char *name; int level; } levels[] = {
        {"emerg", LOG_EMERG}, {"alert", LOG_ALERT}, {"crit", LOG_CRIT}, {"err", LOG_ERR},
        {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE}, {"info", LOG_INFO},
    };

    if (call->opt.debug)
        return LOG_DEBUG;
    for (size_t i = 0; cfg->log.level && i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(cfg->log.level, levels[i].name) == 0)
            return levels[i].level;
    return LOG_INFO;
}

static enum ja_status load_config(struct ja_pam_call *call)
{
    struct ja_config *cfg = NULL;
    enum ja_status st = ja_crypto_init(&call->err);

    if (st == JA_OK)
        st = ja_config_load(call->opt.conf, false, &cfg, &call->err);
    if (st != JA_OK)
        return st;
    ja_ctx_init(&call->ctx, cfg, (struct ja_log){emit, call, log_level(call, cfg)});
    return ja_config_demand_file(cfg, &call->err);
}

static enum ja_status open_context(struct ja_pam_call *call)
{
    enum ja_status st = load_config(call);

    if (st != JA_OK)
        return st;
    call->ctx.actor = (struct ja_actor){.name = "pam",
                                        .source = ja_pam_or_null(call->rhost),
                                        .service = ja_pam_or_null(call->service)};
    /* In every call, so that a missing key never shows up half-way through a login. */
    if (st == JA_OK)
        st = ja_ctx_require_master(&call->ctx, &call->err);
    if (st == JA_OK)
        st = ja_ctx_open_store(&call->ctx, &call->err);
    if (st == JA_OK)
        st = ja_signing_key_check_master(&call->ctx, &call->err);
    return st;
}

static enum ja_pam_outcome take_call(struct ja_pam_call *call, int argc, const char **argv)
{
    take_item(call->pamh, PAM_SERVICE, call->service, sizeof call->service);
    take_item(call->pamh, PAM_RHOST, call->rhost, sizeof call->rhost);
    take_item(call->pamh, PAM_TTY, call->tty, sizeof call->tty);
    take_item(call->pamh, PAM_RUSER, call->ruser, sizeof call->ruser);
    ja_proc_login(&call->login);
    return ja_pam_options_parse(argc, argv, &call->opt, &call->err) == JA_OK ? JA_PAM_GO : JA_PAM_BROKEN;
}

enum ja_pam_outcome ja_pam_prepare_remote(struct ja_pam_call *call, int argc, const char **argv)
{
    if (take_call(call, argc, argv) != JA_PAM_GO)
        return JA_PAM_BROKEN;
    return load_config(call) == JA_OK ? JA_PAM_GO : JA_PAM_BROKEN;
}

enum ja_pam_outcome ja_pam_prepare(struct ja_pam_call *call, int argc, const char **argv)
{
    if (take_call(call, argc, argv) != JA_PAM_GO)
        return JA_PAM_BROKEN;
    /* A deleted one: passed on, it would get in by an ssh key, for pam_unix's account part lets it. */
    call->opt.unknown_fails = call->opt.unknown_fails || call->adopted;
    return open_context(call) == JA_OK ? JA_PAM_GO : JA_PAM_BROKEN;
}

int ja_pam_end(struct ja_pam_call *call, enum ja_pam_outcome outcome)
{
    char line[sizeof call->err.message * 2];
    pam_handle_t *pamh = call->pamh;
    int code = ja_pam_code(call->entry, outcome);

    if (outcome == JA_PAM_BROKEN || outcome == JA_PAM_GO) {
        (void)ja_text_escape(call->err.message, line, sizeof line);
        pam_syslog(pamh, LOG_ERR, "%s", *line ? line : "internal error");
    } else if (call->opt.debug) {
        pam_syslog(pamh, LOG_DEBUG, "answers %d (%s)", code, pam_strerror(pamh, code));
    }
    ja_ctx_clear(&call->ctx);
    sodium_memzero(call->handle, sizeof call->handle);
    unplug(call);
    return code;
}
