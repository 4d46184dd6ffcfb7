/* Logins on a small installation, for the tests of the login flow.
 *
 * Users: alice and bob with RIGHT, bob with a second factor; what else a test needs it makes itself.
 */
#ifndef JA_TEST_AUTH_WORLD_H
#define JA_TEST_AUTH_WORLD_H

#include "common/flow/auth_flow.h"
#include "tests/support/temp_store.h"

#define RIGHT "Correct-Horse-7"
#define WRONG "Correct-Horse-8"
#define HOME "192.0.2.7"

struct world {
    struct ja_test_store *t;
    struct ja_ctx *ctx;
    char alice[37], bob[37];
    unsigned char secret[20]; /* bob's */
    char recovery[3][20];     /* bob's */
    struct ja_auth *meanwhile; /* decided (as a handle) while this process sleeps the first time */
    int work;                 /* hashing slots taken since the start, by every context of this process */
};

/* cmocka fixtures; *state comes in as configuration text (NULL: none). */
int world_up(void **state);
int world_down(void **state);

enum fruit { HANDLE, SESSION, PROOF };
/* Texts for `code` that are filled in. */
extern const char NOW[];   /* the code of now */
extern const char NOBODY[];/* the person ends the conversation: no answer */

struct attempt {
    const char *user, *password, *code, *source;
    enum ja_mfa_mode mfa;
    enum fruit fruit;
    bool forward, ignore, any;
    size_t len; /* of the password; 0: strlen */
    int64_t local_uid;
    const char *service; /* NULL: sshd */
    int64_t remember;
    const struct ja_proc_login *login;
    const char *target;
    unsigned accept;
    enum ja_captcha captcha;
    bool tokens, once; /* as the module asks; accept may also come from a rule */
};
struct outcome {
    enum ja_status st;        /* the first that was no JA_OK */
    struct ja_auth_result r;
    char prompts[4];          /* "P", "PC", "" */
    char handle[JA_HANDLE_LEN + 1], session[37];
};

struct outcome attempt(struct ja_ctx *ctx, struct world *w, const struct attempt *a);
#define LOGIN(w, ...) attempt((w)->ctx, (w), &(struct attempt){__VA_ARGS__})

struct ja_auth *begin(struct ja_ctx *ctx, const struct attempt *a);
enum ja_status answer(struct ja_auth *auth, const char *text);
struct outcome finish(struct ja_auth *auth, enum fruit fruit);

void code_of(struct world *w, int64_t step_offset, char out[9]);
void new_factor(struct world *w, const char *user_id, int digits, unsigned char secret[20]);
void sql(struct world *w, const char *sql); /* past every check */
int64_t number(struct world *w, const char *sql); /* the column n */
const char *text(struct world *w, const char *sql); /* the column t of a row, "" for NULL; one at a time */
void crypt_password(struct world *w, const char *name, const char *setting, const char *pw);

bool allowed(const struct outcome *o);
/* A verdict was reached, and it is this denial. */
bool denied(const struct outcome *o, enum ja_auth_reason reason);
/* What a login leaves: sessions, refresh tokens, handles, last login, networks, success rows. */
int64_t granted(struct world *w);

#endif
