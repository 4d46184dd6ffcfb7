/* SECURITY R23, CVE-2019-12210, CVE-2018-9275: thousands of logins in one process leave nothing in it.
 *
 * Every outcome in turn, each through the whole of libpam.  As many as the environment's JA_LOGINS says; `make
 * hygiene-long` has 10,000 of them.
 */
#include "tests/pam/pam_world.h"
#include "tests/support/process_state.h"

#include "common/flow/account_flow.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIGHT "Right-Horse-7-Battery"
#define CONFIG "[throttle]\nlogin = 12/15m\nper_user = 1000000/1h\nper_source = 1000000/15m\nlock_after = 0\n"
#define FEW 400
#define WARM_UP 60 /* libraries are loaded, caches filled */

static struct world w;
static unsigned char secret[20];

static const struct kind {
    const char *user, *password;
    bool code, same_source;
    int rc, or_rc;
} kinds[] = {
    {"alice", RIGHT, false, false, PAM_SUCCESS, PAM_SUCCESS},
    {"alice", "wrong", false, false, PAM_AUTH_ERR, PAM_AUTH_ERR},
    {"bob", RIGHT, true, false, PAM_SUCCESS, PAM_SUCCESS},
    {"nobody-here", RIGHT, false, false, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN},
    {"locked", RIGHT, false, false, PAM_AUTH_ERR, PAM_AUTH_ERR},
    {"eve", "wrong", false, true, PAM_AUTH_ERR, PAM_MAXTRIES}, /* throttled from the 13th on */
};
#define KINDS (sizeof kinds / sizeof *kinds)

static int whole_login(const struct kind *k, int number)
{
    struct person p = person(k->password);
    pam_handle_t *pamh = world_start(&w, k->user, &p);
    char code[7], source[64];
    int rc;

    if (k->code) {
        world_sql(&w, "UPDATE totp SET last_step = 1");
        world_let_go(&w);
        world_code(secret, 0, code);
        p.code = code;
    }
    (void)snprintf(source, sizeof source, "10.%d.%d.1", number / 250 % 250, number % 250); /* a network each */
    (void)pam_set_item(pamh, PAM_RHOST, k->same_source ? "198.51.100.1" : source);
    rc = pam_authenticate(pamh, 0);
    if (rc == PAM_SUCCESS && (pam_acct_mgmt(pamh, 0) != PAM_SUCCESS ||
                              pam_setcred(pamh, PAM_ESTABLISH_CRED) != PAM_SUCCESS ||
                              pam_open_session(pamh, 0) != PAM_SUCCESS || !pam_getenv(pamh, "JWTAUTH_TOKEN_FILE") ||
                              pam_close_session(pamh, 0) != PAM_SUCCESS))
        rc = PAM_ABORT;
    world_end(pamh);
    return rc;
}

static void logins(int from, int to)
{
    for (int i = from; i < to; i++) {
        const struct kind *k = &kinds[(size_t)i % KINDS];
        int rc = whole_login(k, i);

        if (rc != k->rc && rc != k->or_rc)
            fail_msg("login %d of %s: %d: %s", i, k->user, rc, world_log.text);
        world_log_clear();
    }
}

static void cve_2019_12210_many_logins_leave_nothing(void **state)
{
    static struct process_state before, after;
    const char *asked = getenv("JA_LOGINS");
    int count = asked ? (int)strtol(asked, NULL, 10) : FEW, maps;
    const char *differs;
    long kb;

    (void)state;
    world_open(&w, CONFIG);
    world_user(&w, "alice", RIGHT);
    world_user(&w, "bob", RIGHT);
    world_user(&w, "locked", RIGHT);
    world_user(&w, "eve", RIGHT);
    world_totp(&w, "bob", secret);
    assert_int_equal(ja_account_lock(w.ctx, "locked", 0, &(struct ja_cut){0}, NULL), JA_OK);
    world_let_go(&w);
    logins(0, WARM_UP);
    (void)malloc_trim(0);
    process_state_take(&before);
    maps = process_mappings();
    kb = process_resident_kb();
    logins(WARM_UP, WARM_UP + count);
    (void)malloc_trim(0);
    process_state_take(&after);
    differs = process_state_differs(&before, &after);
    (void)printf("# %d logins: %ld kB more, %d mappings more\n", count, process_resident_kb() - kb,
                 process_mappings() - maps);
    if (differs)
        fail_msg("%s", differs);
#ifndef __SANITIZE_ADDRESS__ /* it keeps what is freed for a while */
    assert_in_range(process_mappings(), 1, maps + 2);
    assert_in_range(process_resident_kb(), 1, kb + 1024);
#endif
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cve_2019_12210_many_logins_leave_nothing)};

    if (!world_usable())
        return 77;
    return cmocka_run_group_tests_name("many logins", tests, NULL, NULL);
}
