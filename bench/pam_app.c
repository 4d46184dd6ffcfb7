#include "bench/pam_app.h"

#include "bench/stats.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

static int converse(int n, const struct pam_message **msg, struct pam_response **resp, void *arg)
{
    struct pam_login *l = arg;
    struct pam_response *r = calloc((size_t)n, sizeof *r);

    if (!r)
        return PAM_BUF_ERR;
    for (int i = 0; i < n; i++) {
        if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            r[i].resp = strdup(l->password);
        if (msg[i]->msg_style == PAM_PROMPT_ECHO_ON && l->code) {
            r[i].resp = strdup(l->code);
            l->code_given_ms = bench_now_ms();
        }
    }
    *resp = r;
    return PAM_SUCCESS;
}

/* libpam would sleep after a failure. */
static void no_delay(int rc, unsigned usec, void *arg)
{
    (void)rc, (void)usec, (void)arg;
}

static pam_handle_t *start(struct pam_login *l, struct pam_conv *conv)
{
    pam_handle_t *h = NULL;
    void (*delay)(int, unsigned, void *) = no_delay;
    const void *item;

    *conv = (struct pam_conv){converse, l};
    memcpy(&item, &delay, sizeof item);
    if (pam_start_confdir(l->service, l->user, conv, l->confdir, &h) != PAM_SUCCESS ||
        pam_set_item(h, PAM_FAIL_DELAY, item) != PAM_SUCCESS)
        bench_die(l->service, "pam_start failed");
    return h;
}

int pam_login_auth(struct pam_login *l)
{
    struct pam_conv conv;
    pam_handle_t *h = start(l, &conv);
    int rc = pam_authenticate(h, 0);

    l->answered_ms = bench_now_ms();
    (void)pam_end(h, rc);
    return rc;
}

double pam_login_whole(struct pam_login *l)
{
    struct pam_conv conv;
    double begin = bench_now_ms(), end;
    pam_handle_t *h = start(l, &conv);
    int rc = pam_authenticate(h, 0);

    l->answered_ms = bench_now_ms();
    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(h, 0);
    if (rc == PAM_SUCCESS)
        rc = pam_setcred(h, PAM_ESTABLISH_CRED);
    if (rc == PAM_SUCCESS)
        rc = pam_open_session(h, 0);
    end = bench_now_ms();
    if (rc == PAM_SUCCESS)
        rc = pam_close_session(h, 0);
    if (rc != PAM_SUCCESS)
        bench_die(l->service, pam_strerror(h, rc));
    (void)pam_end(h, rc);
    return end - begin;
}
