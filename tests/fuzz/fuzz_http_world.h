/* The installation behind fuzz_http: a store with people, and one loop's state, as each input finds it. */
#ifndef JA_TEST_FUZZ_HTTP_WORLD_H
#define JA_TEST_FUZZ_HTTP_WORLD_H

#include "daemon/loop.h"
#include "tests/support/temp_store.h"

/* What the bytes 1 to 9 stand for. */
enum { NO_BYTE, ALICE_TOKEN, ADMIN_TOKEN, API_KEY, ALICE_REFRESH, ALICE_CSRF, ALICE_ID, ALICE_PASSWORD, ALICE_SESSION,
       ALICE_EMAIL, BYTES };
extern char *secrets[BYTES];

extern struct ja_test_store *store; /* its context is the loop's, while a request is under way */
extern struct loop loop;
extern bool logged_secret;

void world_open(void);
/* As it is now is how every input finds it. */
void world_keep(void);
/* As it was kept, when anything was written. */
void world_put_back(void);
bool holds_secret(const char *text);

#endif
