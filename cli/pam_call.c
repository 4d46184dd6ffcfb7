#include "cli/pam_call.h"

#include "cli/output.h"
#include "cli/prompt.h"
#include "common/base/dynload.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX 511 /* PAM_MAX_RESP_SIZE, with its NUL */

enum ja_status cli_pam_load(struct pam_library *lib, struct ja_error *err)
{
    const struct ja_dl_symbol symbols[] = {
        {"pam_start", (void **)&lib->start},         {"pam_authenticate", (void **)&lib->authenticate},
        {"pam_set_item", (void **)&lib->set_item},
        {"pam_acct_mgmt", (void **)&lib->acct_mgmt}, {"pam_end", (void **)&lib->end},
        {"pam_strerror", (void **)&lib->strerror},
    };

    return ja_dl_load("libpam.so.0", symbols, sizeof symbols / sizeof *symbols, err);
}

/* ---- the conversation ---- */

struct talk {
    struct cli *cli;
    bool from_stdin;
    enum ja_status st; /* of the answers */
    struct ja_error *err;
};

static char *answer(struct talk *t, const char *prompt, bool echo)
{
    struct ja_secret s = {0};
    char *copy = NULL;

    if (t->st == JA_OK)
        t->st = t->from_stdin ? cli_stdin_line(t->cli, "answer", ANSWER_MAX, &s, t->err)
                              : cli_tty_line(t->cli, prompt, echo, ANSWER_MAX, &s, t->err);
    if (t->st == JA_OK) {
        copy = calloc(1, s.len + 1); /* libpam's from here on: it wipes and frees */
        if (copy)
            memcpy(copy, s.data, s.len);
        else
            t->st = ja_fail_nomem(t->err);
    }
    ja_secret_clear(&s);
    return copy;
}

void cli_pam_drop(struct pam_response *answers, int n)
{
    for (int i = 0; i < n; i++)
        if (answers[i].resp) {
            sodium_memzero(answers[i].resp, strlen(answers[i].resp));
            free(answers[i].resp);
        }
    free(answers);
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *arg)
{
    struct talk *t = arg;
    struct pam_response *answers = n > 0 && n <= PAM_MAX_NUM_MSG ? calloc((size_t)n, sizeof *answers) : NULL;

    if (!answers)
        return PAM_CONV_ERR;
    for (int i = 0; i < n; i++) {
        int style = messages[i]->msg_style;

        if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG) {
            cli_notice(t->cli, "%s", messages[i]->msg);
            continue;
        }
        answers[i].resp = answer(t, messages[i]->msg, style == PAM_PROMPT_ECHO_ON);
        if (!answers[i].resp) {
            cli_pam_drop(answers, n);
            return PAM_CONV_ERR;
        }
    }
    *ret = answers;
    return PAM_SUCCESS;
}

/* ---- the call ---- */

static bool plain_name(const char *s)
{
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(s);
}

/* Without a file libpam would take the service "other". */
static enum ja_status check_service(const char *service, struct ja_error *err)
{
    char path[300];

    (void)snprintf(path, sizeof path, "/etc/pam.d/%.200s", service);
    if (plain_name(service) && access(path, R_OK) == 0)
        return JA_OK;
    return ja_fail(err, JA_ERR_NOT_FOUND, "service_not_found", "there is no service %s in /etc/pam.d", service);
}

static void run(const struct pam_library *lib, pam_handle_t *pamh, struct pam_outcome *o)
{
    int rc = lib->authenticate(pamh, 0);

    o->auth_ok = rc == PAM_SUCCESS;
    o->auth = lib->strerror(pamh, rc);
    if (o->auth_ok) {
        rc = lib->acct_mgmt(pamh, 0);
        o->account_ok = rc == PAM_SUCCESS;
        o->account = lib->strerror(pamh, rc);
    }
    (void)lib->end(pamh, rc);
}

enum ja_status cli_pam_call(struct cli *cli, const char *service, const char *user, bool from_stdin,
                            struct pam_outcome *ret, struct ja_error *err)
{
    struct pam_library lib = {0};
    struct talk t = {.cli = cli, .from_stdin = from_stdin, .err = err};
    const struct pam_conv conv = {converse, &t};
    struct pam_outcome o = {0};
    pam_handle_t *pamh = NULL;
    enum ja_status st = check_service(service, err);

    if (st == JA_OK)
        st = cli_pam_load(&lib, err);
    if (st != JA_OK)
        return st;
    if (lib.start(service, user, &conv, &pamh) != PAM_SUCCESS)
        return ja_fail(err, JA_ERR_CONFIG, "pam_broken", "libpam cannot start the service %s", service);
    run(&lib, pamh, &o);
    if (t.st == JA_OK)
        *ret = o;
    return t.st;
}
