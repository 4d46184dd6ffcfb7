/* A PAM application as small as one can be: it answers the prompts of one user, and links libpam
 * alone. */
#ifndef JA_BENCH_PAM_APP_H
#define JA_BENCH_PAM_APP_H

struct pam_login {
    const char *confdir, *service, *user, *password;
    const char *code;      /* answer to the echoed prompt, NULL: none is expected */
    double code_given_ms;  /* when it was asked for */
    double answered_ms;    /* when pam_authenticate came back */
};

/* authenticate alone: the PAM code. */
int pam_login_auth(struct pam_login *l);
/* authenticate, account, setcred and open_session, timed; then the session is closed. Dies unless
 * all succeed. */
double pam_login_whole(struct pam_login *l);

#endif
