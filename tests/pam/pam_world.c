#include "tests/pam/pam_world.h"

#include "common/domain/totp.h"
#include "common/domain/user.h"

#include <liboath/oath.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct world_log world_log;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void world_log_clear(void)
{
    world_log = (struct world_log){.lines = 0};
}

static void keep_line(int priority, const char *fmt, va_list args)
{
    char line[4096];
    size_t used;

    (void)vsnprintf(line, sizeof line, fmt, args);
    pthread_mutex_lock(&log_lock);
    used = strlen(world_log.text);
    (void)snprintf(world_log.text + used, sizeof world_log.text - used, "%d %s\n", priority, line);
    world_log.lines++;
    world_log.alerts += priority <= LOG_ALERT;
    pthread_mutex_unlock(&log_lock);
    if (getenv("JA_TEST_VERBOSE"))
        fprintf(stderr, "# log %d %s\n", priority, line);
}

/* Found before libpam's own: the program is linked with -export-dynamic. */
#define EXPORT __attribute__((visibility("default")))
EXPORT void pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...);
EXPORT void pam_vsyslog(const pam_handle_t *pamh, int priority, const char *fmt, va_list args);

void pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
    va_list args;

    (void)pamh;
    va_start(args, fmt);
    keep_line(priority, fmt, args);
    va_end(args);
}

void pam_vsyslog(const pam_handle_t *pamh, int priority, const char *fmt, va_list args)
{
    (void)pamh;
    keep_line(priority, fmt, args);
}

static void must(enum ja_status st, const struct ja_error *err, const char *what)
{
    if (st == JA_OK)
        return;
    fprintf(stderr, "# pam_world: %s: %s (%s)\n", what, err->message, err->code);
    exit(99);
}

static void must_libc(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(99);
}

static FILE *create(const struct world *w, const char *name)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", w->pamd, name);
    f = fopen(path, "we");
    must_libc(f != NULL, path);
    return f;
}

void world_open(struct world *w, const char *extra_config)
{
    const char *build = getenv("top_builddir");
    char path[4096], real[PATH_MAX];

    *w = (struct world){.store = ja_test_store_new(extra_config)};
    w->ctx = &w->store->ctx;
    w->ctx->clock = ja_clock_system;
    (void)snprintf(w->dir, sizeof w->dir, "%.60s", w->store->dir);
    (void)snprintf(w->conf, sizeof w->conf, "%s/jwtauth.conf", w->dir);
    (void)snprintf(w->pamd, sizeof w->pamd, "%s/pam.d", w->dir);
    (void)snprintf(path, sizeof path, "%s/.libs/pam_jwtauth.so", build ? build : ".");
    must_libc(realpath(path, real) != NULL, path);
    (void)snprintf(w->module, sizeof w->module, "%.500s", real);
    must_libc(chmod(w->dir, 0755) == 0, "chmod");
    must_libc(mkdir(w->pamd, 0755) == 0, "mkdir");
    must_libc(fclose(create(w, "other")) == 0, "other");
    world_service(w, "");
    world_log_clear();
}

void world_let_go(struct world *w)
{
    ja_db_close(w->ctx->db);
    w->ctx->db = NULL;
}

void world_close(struct world *w)
{
    ja_test_store_free(w->store);
    *w = (struct world){0};
}

void world_user(struct world *w, const char *name, const char *password)
{
    char id[JA_UUID_LEN + 1];

    ja_test_user(w->store, name, password, id);
}

void world_totp(struct world *w, const char *name, unsigned char secret[20])
{
    struct ja_user u = {0};
    struct ja_totp t = {0};
    struct ja_error err = {0};

    must(ja_user_find_by_name(w->ctx, name, &u, &err), &err, "find");
    must(ja_ctx_require_master(w->ctx, &err), &err, "master key");
    must(ja_db_begin(w->ctx->db, &err), &err, "begin");
    must(ja_totp_create(w->ctx, u.id, JA_TOTP_SHA1, 6, &t, &err), &err, "totp");
    must(ja_totp_set_confirmed(w->ctx, u.id, 1, &err), &err, "confirm");
    must(ja_db_commit(w->ctx->db, &err), &err, "commit");
    must_libc(t.secret.len == 20, "secret of 20 bytes");
    memcpy(secret, t.secret.data, 20);
    ja_totp_clear(&t);
    ja_user_clear(&u);
}

void world_code(const unsigned char secret[20], int step_offset, char out[7])
{
    (void)oath_init();
    must_libc(oath_totp_generate((const char *)secret, 20, time(NULL) + 30 * step_offset, 30, 0, 6,
                                 out) == OATH_OK, "code");
}

void world_sql(struct world *w, const char *sql)
{
    struct ja_error err = {0};

    must(ja_ctx_open_store(w->ctx, &err), &err, "open");
    must(ja_db_begin(w->ctx->db, &err), &err, "begin");
    must(ja_db_exec_(w->ctx->db, sql, NULL, 0, NULL, &err), &err, sql);
    must(ja_db_commit(w->ctx->db, &err), &err, "commit");
}

void world_service_text(struct world *w, const char *text)
{
    FILE *f = create(w, "t");

    for (const char *p = text; *p;) {
        if (strncmp(p, "MODULE", 6) == 0) {
            fputs(w->module, f);
            p += 6;
        } else {
            fputc(*p++, f);
        }
    }
    must_libc(fclose(f) == 0, "service file");
}

void world_service(struct world *w, const char *options)
{
    static const char *const groups[] = {"auth", "account", "session", "password"};
    char text[8192];
    size_t used = 0;

    for (size_t i = 0; i < 4; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s required MODULE %s%s %s\n",
                                 groups[i], strstr(options, "conf=") ? "" : "conf=",
                                 strstr(options, "conf=") ? "" : w->conf, options);
    world_service_text(w, text);
}

static char *copy(const char *s)
{
    char *c = s ? strdup(s) : NULL;

    must_libc(!s || c, "strdup");
    return c;
}

/* The code of the key in the text, as an app makes it. */
static const char *code_of_key(const struct person *p)
{
    static __thread char code[7];
    const char *key = NULL;
    struct ja_secret secret = {0};
    struct ja_error err = {0};

    for (const char *at = p->heard; (at = strstr(at, "Key:  ")); at++)
        key = at + strlen("Key:  ");
    must_libc(key != NULL, "no key was shown");
    must(ja_totp_decode(key, strcspn(key, "\n"), &secret, &err), &err, "base32");
    must_libc(secret.len == 20, "secret of 20 bytes");
    world_code(secret.data, 0, code);
    ja_secret_clear(&secret);
    return code;
}

static const char *answer_of(struct person *p, const struct pam_message *m)
{
    if (strstr(m->msg, "Code that the app shows") || strstr(m->msg, "Type yes")) {
        const char *said = p->enroll ? p->enroll[p->enrolled] : NULL;

        p->enrolled += said != NULL;
        return said && strcmp(said, "CODE") == 0 ? code_of_key(p) : said;
    }
    if (strstr(m->msg, "Verification code"))
        return p->code;
    if (strstr(m->msg, "Current"))
        return p->current;
    if (strstr(m->msg, "Retype"))
        return p->retype;
    if (strstr(m->msg, "New password"))
        return p->fresh;
    return p->password;
}

static void hear(struct person *p, const struct pam_message *m)
{
    size_t used = strlen(p->heard);

    (void)snprintf(p->heard + used, sizeof p->heard - used, "%s|", m->msg);
    p->errors += m->msg_style == PAM_ERROR_MSG;
    p->infos += m->msg_style == PAM_TEXT_INFO;
    p->echo_on += m->msg_style == PAM_PROMPT_ECHO_ON;
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
    struct person *p = data;
    struct pam_response *r;
    bool prompt = m[0]->msg_style == PAM_PROMPT_ECHO_OFF || m[0]->msg_style == PAM_PROMPT_ECHO_ON;
    enum mood mood;

    must_libc(n == 1, "one message at a time");
    hear(p, m[0]);
    if (!prompt) {
        *ret = calloc(1, sizeof **ret);
        return PAM_SUCCESS;
    }
    if (p->prompts == 0 && p->change_user_to[0])
        (void)pam_set_item(p->pamh, PAM_USER, p->change_user_to);
    if (p->during)
        p->during(p, p->prompts);
    mood = p->prompts++ >= p->from ? p->mood : SPEAKS;
    if (mood == FAILS)
        return PAM_CONV_ERR;
    if (mood == GIVES_NOTHING)
        return PAM_SUCCESS; /* *ret stays as the module set it */
    r = calloc(1, sizeof *r);
    must_libc(r != NULL, "calloc");
    if (mood != GIVES_NULL)
        r->resp = copy(answer_of(p, m[0]));
    *ret = r;
    return mood == FAILS_WITH_ANSWER ? PAM_CONV_ERR : PAM_SUCCESS;
}

struct person person(const char *password)
{
    return (struct person){.password = password, .current = password, .code = "000000",
                           .fresh = "Fresh-Horse-7-Battery", .retype = "Fresh-Horse-7-Battery"};
}

/* libpam would sleep for it. */
static void note_delay(int rc, unsigned usec, void *data)
{
    (void)rc, (void)data;
    pthread_mutex_lock(&log_lock);
    world_log.fail_delay = usec;
    pthread_mutex_unlock(&log_lock);
}

pam_handle_t *world_start(struct world *w, const char *user, struct person *p)
{
    struct pam_conv conv = {converse, p};
    void (*delay)(int, unsigned, void *) = note_delay;
    pam_handle_t *pamh = NULL;

    must_libc(pam_start_confdir("t", user, &conv, w->pamd, &pamh) == PAM_SUCCESS, "pam_start");
    if (p->mood == HAS_NO_CONVERSATION) {
        conv = (struct pam_conv){NULL, NULL};
        (void)pam_set_item(pamh, PAM_CONV, &conv);
    }
    (void)pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)delay);
    p->pamh = pamh;
    return pamh;
}

void world_end(pam_handle_t *pamh)
{
    (void)pam_end(pamh, PAM_SUCCESS);
}

int world_dispatch(pam_handle_t *pamh, enum call call)
{
    switch (call) {
    case AUTH:
        return pam_authenticate(pamh, 0);
    case ACCOUNT:
        return pam_acct_mgmt(pamh, 0);
    case SETCRED:
        return pam_setcred(pamh, PAM_ESTABLISH_CRED);
    case OPEN:
        return pam_open_session(pamh, 0);
    case CLOSE:
        return pam_close_session(pamh, 0);
    case PASSWORD:
        return pam_chauthtok(pamh, PAM_CHANGE_EXPIRED_AUTHTOK);
    case CALLS:
        break;
    }
    return -1;
}

int world_call(struct world *w, enum call call, const char *user, struct person *p)
{
    pam_handle_t *pamh = world_start(w, user, p);
    int rc = world_dispatch(pamh, call);

    world_end(pamh);
    return rc;
}

/* What the module itself says, before libpam makes something of it. */
int world_direct(struct world *w, enum call call, const char *user, const char *option)
{
    static const char *const names[] = {"pam_sm_authenticate", "pam_sm_acct_mgmt", "pam_sm_setcred",
                                        "pam_sm_open_session", "pam_sm_close_session",
                                        "pam_sm_chauthtok"};
    void *lib = dlopen(w->module, RTLD_NOW | RTLD_LOCAL);
    int (*entry)(pam_handle_t *, int, int, const char **);
    char conf[128];
    const char *argv[] = {conf, option, NULL};
    struct person p = person("x");
    pam_handle_t *pamh = world_start(w, user, &p);
    int rc;

    must_libc(lib != NULL, "dlopen");
    *(void **)&entry = dlsym(lib, names[call]);
    must_libc(entry != NULL, names[call]);
    (void)snprintf(conf, sizeof conf, "conf=%s", w->conf);
    rc = entry(pamh, 0, option && *option ? 2 : 1, argv);
    world_end(pamh);
    (void)dlclose(lib);
    return rc;
}

int world_usable(void)
{
    if (geteuid() == 0)
        return 1;
    printf("1..0 # SKIP needs root: the module opens the store for root only\n");
    return 0;
}
