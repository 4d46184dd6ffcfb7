/* The module in a program of eight threads, a PAM handle each.
 *
 * Right and wrong passwords, codes, password changes and sessions at the same time. Built with
 * --enable-sanitizers=thread (make check-tsan) ThreadSanitizer watches the module and this program;
 * libpam and the other libraries are not instrumented.
 */
#include "tests/pam/pam_world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIGHT "Right-Horse-7-Battery"
#define CONFIG "[throttle]\nlogin = 100000/15m\nper_user = 100000/1h\nper_source = 100000/15m\n"
#define THREADS 8
#define TURNS 3

static struct world w;

struct worker {
    char user[16];
    unsigned char secret[20];
    bool coded;
    char failed[128];
};

static void must_be(struct worker *k, const char *what, int rc, int want)
{
    if (rc != want && !k->failed[0])
        (void)snprintf(k->failed, sizeof k->failed, "%s: %d instead of %d", what, rc, want);
}

static void log_in(struct worker *k, const char *password, int want)
{
    struct person p = person(password);
    pam_handle_t *pamh = world_start(&w, k->user, &p);
    char code[7];
    int rc;

    if (k->coded) {
        world_code(k->secret, 0, code);
        p.code = code;
    }
    rc = pam_authenticate(pamh, 0);
    must_be(k, "authenticate", rc, want);
    if (rc == PAM_SUCCESS) {
        must_be(k, "account", pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
        must_be(k, "setcred", pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
        must_be(k, "open_session", pam_open_session(pamh, 0), PAM_SUCCESS);
        must_be(k, "close_session", pam_close_session(pamh, 0), PAM_SUCCESS);
    }
    world_end(pamh);
}

static void change(struct worker *k, const char *from, const char *to)
{
    struct person p = person(from);

    p.fresh = p.retype = to;
    must_be(k, "chauthtok", world_call(&w, PASSWORD, k->user, &p), PAM_SUCCESS);
}

static void *work(void *arg)
{
    struct worker *k = arg;

    log_in(k, RIGHT, PAM_SUCCESS);
    if (k->coded) /* a code is good once */
        return NULL;
    for (int i = 0; i < TURNS; i++) {
        char old[64], fresh[64];

        (void)snprintf(old, sizeof old, i ? "Turned-%d-Battery-Pq" : RIGHT, i);
        (void)snprintf(fresh, sizeof fresh, "Turned-%d-Battery-Pq", i + 1);
        log_in(k, "wrong", PAM_AUTH_ERR);
        change(k, old, fresh);
        log_in(k, old, PAM_AUTH_ERR);
        log_in(k, fresh, PAM_SUCCESS);
    }
    return NULL;
}

static void eight_threads_with_a_handle_each(void **state)
{
    struct worker workers[THREADS] = {{.user = ""}};
    pthread_t threads[THREADS];

    (void)state;
    world_open(&w, CONFIG);
    for (int i = 0; i < THREADS; i++) {
        (void)snprintf(workers[i].user, sizeof workers[i].user, "user%d", i);
        world_user(&w, workers[i].user, RIGHT);
        workers[i].coded = i % 4 == 0;
        if (workers[i].coded)
            world_totp(&w, workers[i].user, workers[i].secret);
    }
    world_let_go(&w);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        if (workers[i].failed[0])
            fail_msg("%s: %s; %s", workers[i].user, workers[i].failed, world_log.text);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_with_a_handle_each),
    };

    if (!world_usable())
        return 77;
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
