/* The real module, loaded by the real libpam through pam_start_confdir, on a store in a temporary folder.
 *
 * Needs root (the module opens the store for root only). The system's clock, cheap hashes.
 * pam_syslog is this program's own: what the module logs is kept, nothing reaches the system log.
 */
#ifndef JA_TEST_PAM_WORLD_H
#define JA_TEST_PAM_WORLD_H

#include "common/base/secret.h"
#include "tests/support/temp_store.h"

#include <security/pam_appl.h>

struct world {
    struct ja_test_store *store; /* ctx with the system's clock */
    struct ja_ctx *ctx;
    char dir[64], conf[96], pamd[96], module[512];
};

/* What the person at the terminal does. */
enum mood { SPEAKS, FAILS, FAILS_WITH_ANSWER, GIVES_NOTHING, GIVES_NULL, HAS_NO_CONVERSATION };
struct person {
    const char *password, *code, *current, *fresh, *retype; /* per prompt; NULL: a NULL answer */
    enum mood mood;
    int from;            /* the prompt (from 0) at which the mood sets in */
    /* heard */
    int prompts, errors, infos, echo_on;
    char heard[32768];    /* every message, "|" behind each */
    /* enrolment: answers in their order; "CODE": the right one for the key that was shown last */
    const char *const *enroll;
    int enrolled;            /* how many of them were given */
    void (*during)(struct person *p, int prompt); /* what happens while a prompt is open */
    void *arg;               /* of `during` */
    char change_user_to[64]; /* during the first prompt the application changes PAM_USER */
    pam_handle_t *pamh;
};

void world_open(struct world *w, const char *extra_config);
void world_close(struct world *w);
/* Closes this program's own connection: SQLite would write its log back at a later close. */
void world_let_go(struct world *w);
/* An active person; uid and gid by the store's range. */
void world_user(struct world *w, const char *name, const char *password);
/* In force; the base32-free raw secret (20 bytes) goes to `secret`. */
void world_totp(struct world *w, const char *name, unsigned char secret[20]);
void world_code(const unsigned char secret[20], int step_offset, char out[7]);
void world_sql(struct world *w, const char *sql); /* a constant statement on the store, its own transaction */
/* Service "t" of one module line per group. */
void world_service(struct world *w, const char *options);
/* Any text, MODULE replaced by the module's path. */
void world_service_text(struct world *w, const char *text);

pam_handle_t *world_start(struct world *w, const char *user, struct person *p);
void world_end(pam_handle_t *pamh);

enum call { AUTH, ACCOUNT, SETCRED, OPEN, CLOSE, PASSWORD, CALLS };
/* One call in a handle of its own; PASSWORD is a forced change (asks the current one). */
int world_call(struct world *w, enum call call, const char *user, struct person *p);
int world_dispatch(pam_handle_t *pamh, enum call call);
int world_direct(struct world *w, enum call call, const char *user, const char *option);

struct world_log {
    char text[65536];
    int lines, alerts;
    unsigned fail_delay; /* last announced, microseconds */
};
extern struct world_log world_log;
void world_log_clear(void);

/* A good person with this password. */
struct person person(const char *password);
/* One TAP line and 0 when this is not root. */
int world_usable(void);

#endif
