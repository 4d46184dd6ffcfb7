/* pam_app CONFDIR USER WHAT: a PAM application that keeps nothing of what the person typed.
 *
 * Standard input: password, code, new password, a line each.  WHAT: login, login-reuse (freed memory is used again),
 * or change (a forced change of the password).  Stops itself (SIGSTOP) while the first answer is under way, behind the first call, with
 * its session open, and behind pam_end.  Exit 0 when every call succeeded, else the PAM code.
 */
#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char typed[2048]; /* the only copy that is this program's own */
static char *lines[3];
static bool shown;

/* Found before libpam's own (-export-dynamic): nothing reaches the machine's log. */
#define EXPORT __attribute__((visibility("default")))
EXPORT void pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...);
EXPORT void pam_vsyslog(const pam_handle_t *pamh, int priority, const char *fmt, va_list args);

void pam_vsyslog(const pam_handle_t *pamh, int priority, const char *fmt, va_list args)
{
    (void)pamh, (void)priority;
    (void)vdprintf(2, fmt, args);
    (void)dprintf(2, "\n");
}

void pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    pam_vsyslog(pamh, priority, fmt, args);
    va_end(args);
}

/* Nothing is given back, so that no later block covers what somebody freed unwiped. Not for a change of the
 * password (libpwquality frees a copy in lower case) and where OpenSSL signs with RSA: chance covers those. */
static bool keeps;
extern void __libc_free(void *p);
EXPORT void free(void *p);
EXPORT void *realloc(void *p, size_t n);

void free(void *p)
{
    if (!keeps)
        __libc_free(p);
}

void *realloc(void *p, size_t n)
{
    size_t old = p ? malloc_usable_size(p) : 0;
    void *moved = malloc(n);

    if (moved && old > 0)
        memcpy(moved, p, old < n ? old : n);
    if (moved)
        free(p);
    return moved;
}

static void read_all(void)
{
    size_t used = 0;
    ssize_t n;
    char *p = typed;

    while ((n = read(0, typed + used, sizeof typed - 1 - used)) > 0)
        used += (size_t)n;
    for (int i = 0; i < 3; i++) {
        lines[i] = p;
        p += strcspn(p, "\n");
        if (*p)
            *p++ = '\0';
    }
}

static const char *answer_to(const char *prompt)
{
    if (strstr(prompt, "Verification code"))
        return lines[1];
    if (strstr(prompt, "New password") || strstr(prompt, "Retype"))
        return lines[2];
    return lines[0];
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
    struct pam_response *r = calloc((size_t)n, sizeof *r);

    (void)data;
    if (!r)
        return PAM_BUF_ERR;
    for (int i = 0; i < n; i++)
        if (m[i]->msg_style == PAM_PROMPT_ECHO_OFF || m[i]->msg_style == PAM_PROMPT_ECHO_ON)
            r[i].resp = strdup(answer_to(m[i]->msg));
    *ret = r;
    if (!shown)
        (void)raise(SIGSTOP);
    shown = true;
    return PAM_SUCCESS;
}

static void ignore_delay(int rc, unsigned usec, void *data)
{
    (void)rc, (void)usec, (void)data;
}

static int log_in(pam_handle_t *pamh)
{
    int rc = pam_authenticate(pamh, 0);

    explicit_bzero(typed, sizeof typed);
    (void)raise(SIGSTOP);
    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0);
    if (rc == PAM_SUCCESS)
        rc = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    if (rc == PAM_SUCCESS)
        rc = pam_open_session(pamh, 0);
    (void)raise(SIGSTOP);
    if (rc == PAM_SUCCESS)
        rc = pam_close_session(pamh, 0);
    return rc;
}

static int change(pam_handle_t *pamh)
{
    int rc = pam_chauthtok(pamh, PAM_CHANGE_EXPIRED_AUTHTOK);

    explicit_bzero(typed, sizeof typed);
    (void)raise(SIGSTOP);
    (void)raise(SIGSTOP);
    return rc;
}

int main(int argc, char **argv)
{
    struct pam_conv conv = {converse, NULL};
    void (*delay)(int, unsigned, void *) = ignore_delay;
    pam_handle_t *pamh = NULL;
    int rc;

    if (argc != 4)
        return 99;
    keeps = strcmp(argv[3], "login") == 0;
    read_all();
    if (pam_start_confdir("t", argv[2], &conv, argv[1], &pamh) != PAM_SUCCESS)
        return 98;
    (void)pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)delay);
    rc = strcmp(argv[3], "change") == 0 ? change(pamh) : log_in(pamh);
    (void)pam_end(pamh, rc);
    (void)raise(SIGSTOP);
    return rc;
}
