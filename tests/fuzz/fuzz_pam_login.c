/* A whole PAM application: the real module under the real libpam, on a store that every input finds as it was made.
 * Options, user, items, calls with their flags and order, and every answer to every prompt come from the bytes.
 *
 * Demands: pam_authenticate succeeds only for a user who may log in, whose right password was given in that very
 * call, and whose right code was given where one is enrolled (R1, R2, R6); codes are those of PAM.md's table (never
 * PAM_IGNORE from auth); account lets nobody in whom auth must refuse; a session token needs that login; log lines
 * are single lines without control characters (R28).
 *
 * Input: a byte for the service, one for the user, then calls: one byte each with what it needs behind it.
 */
#include "common/base/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/pam/pam_world.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLS_MAX 8
#define PROMPTS_MAX 24
#define PASSWORD_MAX 700

/* ---- the people ---- */

enum { ALICE, BOB, CAROL, DAVE, ERIN, ZOE, OURS, NOBODY = OURS };
static const char *const names[OURS] = {"alice", "bob", "carol", "dave", "erin", "zoe"};
static const bool may_log_in[OURS] = {true, true, false, true, false, false};
static const char first_password[] = "Right-Horse-1-Battery"; /* of all of them */
static const char next_password[] = "Fresh-Horse-7-Battery";
/* sha512crypt of first_password at the lowest cost, so that a wrong one is cheap */
#define HASH "$6$rounds=1000$saltsalt$wVss26rhFVKLcN9qJ69ZwpLyRV603GNdnbq/1njNsAFLzt9XRrrjByR9sEhJ7ZewOrSi3DQ.AThJ7SEqbXimK0"

static struct world w;
static unsigned char secret[20]; /* bob's */
static void *pinned;             /* the module stays mapped between inputs */
static struct { char *bytes; size_t len; } image; /* the store as it was made */
static char db_path[128];

static const char *const services[] = {
    "", "mfa=required", "mfa=off", "try_first_pass", "use_first_pass", "forward_pass", "unknown_user=fail",
    "token=none quiet", "token_required debug nodelay", "forward_pass mfa=required try_first_pass"};
enum { SERVICES = sizeof services / sizeof *services };
static bool option(unsigned service, const char *name)
{
    return strstr(services[service], name) != NULL;
}

/* ---- fixtures ---- */

static void write_services(void)
{
    static const char *const groups[] = {"auth", "account", "session", "password"};
    char path[160];

    for (size_t i = 0; i < SERVICES; i++) {
        FILE *f;

        (void)snprintf(path, sizeof path, "%s/f%zu", w.pamd, i);
        f = fopen(path, "we");
        FUZZ_DEMAND(f != NULL);
        for (size_t g = 0; g < 4; g++)
            fprintf(f, "%s required %s conf=%s %s\n", groups[g], w.module, w.conf, services[i]);
        FUZZ_DEMAND(fclose(f) == 0);
    }
}

static void read_image(void)
{
    FILE *f = fopen(db_path, "rbe");
    struct stat sb;

    FUZZ_DEMAND(f && fstat(fileno(f), &sb) == 0);
    image.len = (size_t)sb.st_size;
    image.bytes = malloc(image.len);
    FUZZ_DEMAND(image.bytes && fread(image.bytes, 1, image.len, f) == image.len);
    fclose(f);
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag;
    return ftw->level > 0 ? remove(path) : 0;
}

/* The store and the folder of tokens as they were made. */
static void put_back(void)
{
    char path[160];
    int fd;

    (void)snprintf(path, sizeof path, "%s-wal", db_path);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s-shm", db_path);
    (void)unlink(path);
    fd = open(db_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    FUZZ_DEMAND(fd >= 0 && write(fd, image.bytes, image.len) == (ssize_t)image.len && close(fd) == 0);
    (void)snprintf(path, sizeof path, "%s/run", w.dir);
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void clean_up(void)
{
    if (w.store)
        world_close(&w);
    free(image.bytes);
    image.bytes = NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (geteuid() != 0) {
        printf("ok 1 - # SKIP needs root: the module opens the store for root only\n");
        exit(0);
    }
    world_open(&w, NULL);
    atexit(clean_up);
    for (size_t i = 0; i < OURS; i++)
        world_user(&w, names[i], first_password);
    world_totp(&w, "bob", secret);
    world_sql(&w, "UPDATE users SET password_hash = '" HASH "'");
    world_sql(&w, "UPDATE users SET status = 'locked' WHERE username = 'carol'");
    world_sql(&w, "UPDATE users SET must_change = 1 WHERE username = 'dave'");
    world_sql(&w, "UPDATE users SET status = 'disabled' WHERE username = 'erin'");
    world_sql(&w, "UPDATE users SET valid_until = 1000 WHERE username = 'zoe'");
    world_let_go(&w);
    (void)snprintf(db_path, sizeof db_path, "%s/state/jwtauth.db", w.dir);
    read_image();
    write_services();
    pinned = dlopen(w.module, RTLD_NOW | RTLD_LOCAL);
    if (!pinned)
        fprintf(stderr, "%s\n", dlerror());
    FUZZ_DEMAND(pinned != NULL);
    return 0;
}

/* ---- one run: what was said and what is true by now ---- */

struct run {
    struct fuzz_bytes in;
    pam_handle_t *pamh;
    unsigned service;
    int prompts;
    char password[OURS][PASSWORD_MAX]; /* what is right now */
    bool must_change[OURS];
    bool by_key;   /* sshd's word for a login without us */
    int logged_in; /* whom the last successful authenticate was for; NOBODY */
    /* in this call: */
    bool right_password[OURS], right_code, renamed;
    char fresh[PASSWORD_MAX]; /* the last answer to "New password" */
};

static int who(const struct run *r)
{
    const void *item = NULL;

    if (pam_get_item(r->pamh, PAM_USER, &item) == PAM_SUCCESS && item)
        for (int i = 0; i < OURS; i++)
            if (strcmp(item, names[i]) == 0)
                return i;
    return NOBODY;
}

static bool is_code(const char *s)
{
    char code[7];

    for (int step = -1; step <= 1; step++) {
        world_code(secret, step, code);
        if (strcmp(s, code) == 0)
            return true;
    }
    return false;
}

/* Notes what a right answer this is, and for whom. */
static void note(struct run *r, const char *prompt, const char *answer)
{
    size_t len = strlen(answer);

    for (int i = 0; i < OURS; i++) {
        size_t right = strlen(r->password[i]);

        if (strcmp(answer, r->password[i]) == 0)
            r->right_password[i] = true;
        /* "secret123456" */
        if (option(r->service, "forward_pass") && len == right + 6 && strncmp(answer, r->password[i], right) == 0 &&
            is_code(answer + right))
            r->right_password[i] = r->right_code = true;
    }
    r->right_code = r->right_code || is_code(answer);
    if (strstr(prompt, "New password"))
        (void)snprintf(r->fresh, sizeof r->fresh, "%s", answer);
}

static char *user_text(struct run *r)
{
    static const char *const known[] = {"alice", "bob", "carol", "dave", "erin", "zoe", "root", "nobody-here"};
    uint8_t b = fuzz_byte(&r->in);

    return b < 200 ? strdup(known[b % 8]) : fuzz_text(&r->in, '\n');
}

static char *answer_text(struct run *r)
{
    char code[7] = "", *s = NULL;

    switch (fuzz_byte(&r->in) % 11) {
    case 0:
    case 1:
        return strdup(first_password);
    case 2:
        return strdup(next_password);
    case 3:
        world_code(secret, 0, code);
        return strdup(code);
    case 4:
        world_code(secret, -4, code);
        return strdup(code);
    case 5:
        world_code(secret, 0, code);
        FUZZ_DEMAND(asprintf(&s, "%s%s", first_password, code) > 0);
        return s;
    case 6: /* longer than any password */
        s = calloc(1, 600);
        FUZZ_DEMAND(s != NULL);
        memset(s, 'x', 599);
        memcpy(s, first_password, strlen(first_password));
        return s;
    case 7:
        return strdup("");
    case 8: /* right but for case */
        s = strdup(first_password);
        s[0] = 'r';
        return s;
    default:
        return fuzz_text(&r->in, '\n');
    }
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
    struct run *r = data;
    uint8_t mood = 0;
    char *user;

    FUZZ_DEMAND(n == 1 && m[0]->msg && strlen(m[0]->msg) < 1024);
    if (m[0]->msg_style != PAM_PROMPT_ECHO_OFF && m[0]->msg_style != PAM_PROMPT_ECHO_ON) {
        *ret = NULL;
        return PAM_SUCCESS;
    }
    if (++r->prompts > PROMPTS_MAX)
        return PAM_CONV_ERR;
    mood = fuzz_byte(&r->in) % 16;
    if (mood == 15)
        return PAM_CONV_ERR;
    if (mood == 14)
        return PAM_SUCCESS; /* *ret stays as the module set it */
    if (mood == 13) {
        user = user_text(r);
        r->renamed = true;
        (void)pam_set_item(r->pamh, PAM_USER, user);
        free(user);
    }
    *ret = calloc(1, sizeof **ret);
    FUZZ_DEMAND(*ret != NULL);
    if (mood == 12)
        return PAM_SUCCESS; /* a NULL answer */
    (*ret)->resp = answer_text(r);
    if (mood != 11)
        note(r, m[0]->msg, (*ret)->resp);
    return mood == 11 ? PAM_CONV_ERR : PAM_SUCCESS; /* an answer that does not count */
}

/* ---- calls and what must hold after them ---- */

static void expect(int rc, const int *allowed, size_t n, const char *call)
{
    for (size_t i = 0; i < n; i++)
        if (rc == allowed[i])
            return;
    fprintf(stderr, "%s answered %d\n%s", call, rc, world_log.text);
    FUZZ_DEMAND(!"a code that PAM.md does not have here");
}
#define EXPECT(rc, call, ...) expect(rc, (const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int), call)

static void before(struct run *r)
{
    memset(r->right_password, 0, sizeof r->right_password);
    r->right_code = r->renamed = false;
    r->fresh[0] = 0;
}

/* What an earlier module left counts as given. */
static void count_item(struct run *r, int item)
{
    const void *token = NULL;

    if ((option(r->service, "try_first_pass") || option(r->service, "use_first_pass")) &&
        pam_get_item(r->pamh, item, &token) == PAM_SUCCESS && token)
        note(r, "", token);
}

static void demand_earned(const struct run *r, int user)
{
    FUZZ_DEMAND(user != NOBODY && may_log_in[user] && r->right_password[user]);
    FUZZ_DEMAND(user != BOB || option(r->service, "mfa=off") || r->right_code);
    FUZZ_DEMAND(user == BOB || !option(r->service, "mfa=required")); /* nobody else has a second factor */
}

static void authenticate(struct run *r)
{
    int rc;

    before(r);
    count_item(r, PAM_AUTHTOK);
    rc = pam_authenticate(r->pamh, (int)fuzz_byte(&r->in) & 1 ? PAM_SILENT : 0);
    EXPECT(rc, "auth", PAM_SUCCESS, PAM_USER_UNKNOWN, PAM_AUTH_ERR, PAM_MAXTRIES, PAM_CONV_ERR);
    r->logged_in = rc == PAM_SUCCESS ? who(r) : NOBODY;
    if (rc == PAM_SUCCESS)
        demand_earned(r, who(r));
}

static void account(struct run *r)
{
    int rc = pam_acct_mgmt(r->pamh, 0), user = who(r);

    EXPECT(rc, "account", PAM_SUCCESS, PAM_USER_UNKNOWN, PAM_PERM_DENIED, PAM_ACCT_EXPIRED, PAM_NEW_AUTHTOK_REQD,
           PAM_SYSTEM_ERR);
    if (rc == PAM_SUCCESS || rc == PAM_NEW_AUTHTOK_REQD)
        FUZZ_DEMAND(user != NOBODY && may_log_in[user] && r->must_change[user] == (rc == PAM_NEW_AUTHTOK_REQD));
}

static void session_open(struct run *r)
{
    int rc, user;

    if (pam_getenv(r->pamh, "JWTAUTH_TOKEN_FILE"))
        (void)pam_putenv(r->pamh, "JWTAUTH_TOKEN_FILE"); /* of an earlier session: taken out */
    rc = pam_open_session(r->pamh, 0);
    user = who(r);
    /* PERM_DENIED is libpam's word when its only module said IGNORE */
    EXPECT(rc, "open_session", PAM_SUCCESS, PAM_SESSION_ERR, PAM_PERM_DENIED);
    if (rc == PAM_SUCCESS)
        FUZZ_DEMAND(user != NOBODY && may_log_in[user]);
    if (rc == PAM_SUCCESS && pam_getenv(r->pamh, "JWTAUTH_TOKEN_FILE"))
        FUZZ_DEMAND((r->logged_in == user || r->by_key) && !r->must_change[user]);
    FUZZ_DEMAND(rc != PAM_SUCCESS || !pam_getenv(r->pamh, "JWTAUTH_LOGIN")); /* not for the session's child */
}

static void session_close(struct run *r)
{
    int rc = pam_close_session(r->pamh, 0);

    EXPECT(rc, "close_session", PAM_SUCCESS, PAM_SESSION_ERR, PAM_PERM_DENIED);
}

static void setcred(struct run *r)
{
    static const int flags[] = {PAM_ESTABLISH_CRED, PAM_DELETE_CRED, PAM_REINITIALIZE_CRED, PAM_REFRESH_CRED, 0};
    int rc = pam_setcred(r->pamh, flags[fuzz_byte(&r->in) % 5]);

    EXPECT(rc, "setcred", PAM_SUCCESS, PAM_CRED_ERR, PAM_CRED_UNAVAIL, PAM_PERM_DENIED);
}

static void change(struct run *r)
{
    int rc, user;

    before(r);
    count_item(r, PAM_OLDAUTHTOK);
    rc = pam_chauthtok(r->pamh, fuzz_byte(&r->in) & 1 ? PAM_CHANGE_EXPIRED_AUTHTOK : 0);
    user = who(r);
    EXPECT(rc, "chauthtok", PAM_SUCCESS, PAM_USER_UNKNOWN, PAM_AUTHTOK_RECOVERY_ERR, PAM_AUTHTOK_ERR, PAM_TRY_AGAIN,
           PAM_CONV_ERR, PAM_SYSTEM_ERR, PAM_PERM_DENIED);
    if (rc != PAM_SUCCESS || user == NOBODY)
        return;
    if (r->fresh[0]) /* root changes without the old one */
        (void)snprintf(r->password[user], sizeof r->password[user], "%s", r->fresh);
    r->must_change[user] = r->must_change[user] && !r->fresh[0];
}

static void set_item(struct run *r)
{
    static const int items[] = {PAM_RHOST, PAM_TTY, PAM_RUSER, PAM_AUTHTOK, PAM_OLDAUTHTOK, PAM_XDISPLAY};
    int item = items[fuzz_byte(&r->in) % 6];
    char *text = item == PAM_AUTHTOK || item == PAM_OLDAUTHTOK ? answer_text(r) : fuzz_text(&r->in, '\n');

    (void)pam_set_item(r->pamh, item, text);
    free(text);
}

static void set_env(struct run *r)
{
    static const char *const variables[] = {"JWTAUTH_LOGIN", "JWTAUTH_SESSION_ID", "JWTAUTH_TOKEN_FILE", "HOME",
                                            "SSH_AUTH_INFO_0"};
    const char *name = variables[fuzz_byte(&r->in) % 5];
    char *text = fuzz_text(&r->in, '\n'), *line = NULL;

    for (char *p = text; *p; p++)
        *p = *p == '\t' ? '\n' : *p; /* sshd's information has lines */
    FUZZ_DEMAND(asprintf(&line, "%s=%s", name, text) > 0);
    r->by_key = r->by_key || strcmp(name, "SSH_AUTH_INFO_0") == 0;
    if (strcmp(name, "JWTAUTH_TOKEN_FILE") != 0) /* that one is what the module shows a login by */
        (void)pam_putenv(r->pamh, line);
    free(line);
    free(text);
}

static void set_user(struct run *r)
{
    char *user = user_text(r);

    (void)pam_set_item(r->pamh, PAM_USER, user);
    free(user);
}

static void note_delay(int rc, unsigned usec, void *data)
{
    (void)rc, (void)data;
    FUZZ_DEMAND(usec <= 12000000); /* 8 s, which libpam spreads by half */
}

static void demand_clean_log(void)
{
    int lines = 0;

    for (const char *p = world_log.text; *p; p++) {
        lines += *p == '\n';
        FUZZ_DEMAND(*p == '\n' || !((unsigned char)*p < 0x20 || *p == 0x7f));
    }
    FUZZ_DEMAND(strlen(world_log.text) + 1 == sizeof world_log.text || lines == world_log.lines);
    FUZZ_DEMAND(!strstr(world_log.text, first_password) && !strstr(world_log.text, next_password));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(struct run *) = {authenticate, authenticate, authenticate, account, account,
                                                  session_open, session_close, setcred, change, set_item,
                                                  set_item, set_env, set_user};
    struct run r = {.in = {data, size}, .logged_in = NOBODY};
    struct pam_conv conv = {converse, &r};
    void (*delay)(int, unsigned, void *) = note_delay;
    char service[8], *user;

    for (int i = 0; i < OURS; i++)
        memcpy(r.password[i], first_password, sizeof first_password);
    r.must_change[DAVE] = true;
    put_back();
    world_log_clear();
    r.service = fuzz_byte(&r.in) % SERVICES;
    (void)snprintf(service, sizeof service, "f%u", r.service);
    user = user_text(&r);
    FUZZ_DEMAND(pam_start_confdir(service, *user ? user : NULL, &conv, w.pamd, &r.pamh) == PAM_SUCCESS);
    free(user);
    (void)pam_set_item(r.pamh, PAM_FAIL_DELAY, (const void *)delay);
    for (int i = 0; i < CALLS_MAX && r.in.left > 0; i++)
        calls[fuzz_byte(&r.in) % (sizeof calls / sizeof *calls)](&r);
    (void)pam_end(r.pamh, PAM_SUCCESS);
    demand_clean_log();
    return 0;
}
