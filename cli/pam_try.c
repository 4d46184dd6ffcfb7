#include "cli/pam_try.h"

#include "cli/pam_call.h"
#include "common/base/file_guard.h"
#include "common/flow/pam_change.h"
#include "common/flow/pam_stanza.h"
#include "common/flow/pam_trial.h"
#include "common/flow/setup_flow.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_MAX 60
#define NOBODY 65534
#define CONFIG_FOLDER "/etc/jwtauth"

/* ---- one login, in a process of its own ---- */

enum who { ROOT, ALLOWED, LOCKED, UNKNOWN };
enum how { RIGHT, WRONG, BY_KEY }; /* BY_KEY: sshd has checked a key, account alone is asked */

struct outcome {
    bool ran, in;
    char said[200];
};
struct trial { /* shared by the processes */
    struct pam_tries tries;
    struct outcome last;
    bool done;
    enum ja_status st; /* what kept the tries from being run */
    struct ja_error err;
};
struct run {
    const char *service;
    bool ours;
    bool as_nobody; /* pam_rootok would let root in unasked: called as su is, by a set-user-id program */
    struct ja_pam_trial world;
    struct pam_library lib;
    struct trial *shared;
};

static int answer(int n, const struct pam_message **messages, struct pam_response **ret, void *password)
{
    struct pam_response *answers = n > 0 && n <= PAM_MAX_NUM_MSG ? calloc((size_t)n, sizeof *answers) : NULL;

    if (!answers)
        return PAM_CONV_ERR;
    for (int i = 0; i < n; i++) {
        int style = messages[i]->msg_style;

        if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG)
            continue;
        answers[i].resp = style == PAM_PROMPT_ECHO_OFF ? strdup(password) : NULL; /* a code is asked: we have none */
        if (!answers[i].resp) {
            cli_pam_drop(answers, n);
            return PAM_CONV_ERR;
        }
    }
    *ret = answers;
    return PAM_SUCCESS;
}

static void no_delay(int status, unsigned usec, void *arg)
{
    (void)status;
    (void)usec;
    (void)arg;
}

static const char *name_of(const struct run *r, enum who who)
{
    return who == ROOT ? "root" : who == ALLOWED ? r->world.allowed : who == LOCKED ? r->world.locked : r->world.unknown;
}

static void ask(const struct run *r, pam_handle_t *pamh, enum how how, struct outcome *o)
{
    const struct pam_library *lib = &r->lib;
    void (*delay)(int, unsigned, void *) = no_delay;
    void *item;
    int auth = PAM_SUCCESS, account = PAM_SUCCESS;

    memcpy(&item, &delay, sizeof item); /* pam_set_item(3) takes a function as a pointer to data */
    (void)lib->set_item(pamh, PAM_FAIL_DELAY, item);
    (void)lib->set_item(pamh, PAM_TTY, strcmp(r->service, "sshd") == 0 ? "ssh" : "tty1");
    (void)lib->set_item(pamh, PAM_RUSER, "root");
    if (how != BY_KEY)
        auth = lib->authenticate(pamh, 0);
    if (auth == PAM_SUCCESS)
        account = lib->acct_mgmt(pamh, 0);
    o->in = auth == PAM_SUCCESS && account == PAM_SUCCESS;
    (void)snprintf(o->said, sizeof o->said, "%s: %s", auth == PAM_SUCCESS ? "account" : "auth",
                   lib->strerror(pamh, auth == PAM_SUCCESS ? account : auth));
    o->ran = true;
    (void)lib->end(pamh, auth == PAM_SUCCESS ? account : auth);
}

static void login(const struct run *r, enum who who, enum how how)
{
    char password[JA_PASSWORD_MAX + 1] = "";
    const struct pam_conv conv = {answer, password};
    struct outcome *o = &r->shared->last;
    pam_handle_t *pamh = NULL;

    (void)snprintf(password, sizeof password, "%s%s", how == WRONG ? "not" : "", (const char *)r->world.password.data);
    if (r->as_nobody && setresuid(NOBODY, 0, 0) != 0)
        return;
    if (r->lib.start(r->service, name_of(r, who), &conv, &pamh) == PAM_SUCCESS)
        ask(r, pamh, how, o);
}

static const struct outcome *log_in(const struct run *r, enum who who, enum how how)
{
    struct outcome *o = &r->shared->last;
    int status = 0;
    pid_t pid;

    memset(o, 0, sizeof *o);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        login(r, who, how);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0 || status != 0 || !o->ran) { /* a module that crashed has decided nothing */
        o->in = false;
        o->ran = false;
        (void)snprintf(o->said, sizeof o->said, "the stack could not be run to its end");
    }
    return o;
}

/* ---- the tries ---- */

static void note(const struct run *r, const char *name, const char *text, bool ok, const char *said)
{
    struct pam_tries *tries = &r->shared->tries;
    struct pam_try *t = &tries->list[tries->n];

    if (tries->n == PAM_TRIES_MAX)
        return;
    t->name = name;
    t->text = text;
    t->ok = ok;
    (void)snprintf(t->said, sizeof t->said, "%s", said);
    tries->ok = tries->ok && ok;
    tries->n++;
}

static void try(const struct run *r, const char *name, const char *text, enum who who, enum how how, bool in)
{
    const struct outcome *o = log_in(r, who, how);

    note(r, name, text, o->ran && o->in == in, o->said);
}

static void try_root(const struct run *r, bool before, const char *name, const char *text)
{
    const struct outcome *o = log_in(r, ROOT, RIGHT);

    /* whom the file kept out before, it may keep out */
    note(r, name, text, o->ran && (o->in || !before), o->said);
}

struct worst {
    const struct run *run;
    bool told;
};

static void hear(void *arg, enum ja_doctor_level level, const char *check, const char *text, const char *mend)
{
    struct worst *w = arg;

    (void)check;
    (void)mend;
    if (level != JA_DOCTOR_FAIL || w->told)
        return;
    w->told = true;
    note(w->run, "stack", "the lines come to what they should", false, text);
}

#define ROOT_BROKEN "and while jwtauth is broken"

static void try_all(const struct run *r, bool root_before)
{
    struct ja_error err = {0};

    if (r->ours) {
        struct worst w = {.run = r};

        (void)ja_doctor_service(r->service, hear, &w);
        try(r, "allow", "a user of jwtauth is let in by the right password", ALLOWED, RIGHT, true);
        try(r, "allow_key", "and by a key that sshd has checked", ALLOWED, BY_KEY, true);
        try(r, "deny", "not by a wrong password", ALLOWED, WRONG, false);
        try(r, "locked", "a locked user is refused", LOCKED, RIGHT, false);
        try(r, "locked_key", "with a key too", LOCKED, BY_KEY, false);
    } else {
        try(r, "gone", "a user of jwtauth is refused", ALLOWED, RIGHT, false);
    }
    try(r, "unknown", "a name that nobody knows is refused", UNKNOWN, RIGHT, false);
    try(r, "unknown_key", "with a key too", UNKNOWN, BY_KEY, false);
    try_root(r, root_before, "root", "local root is let in by the right password");
    try(r, "root_deny", "not by a wrong one", ROOT, WRONG, false);
    if (r->ours && ja_pam_trial_break(&err) == JA_OK)
        try_root(r, root_before, "root_broken", ROOT_BROKEN);
    else if (r->ours)
        note(r, "root_broken", ROOT_BROKEN, false, err.message);
}

/* ---- the world that they run in ---- */

static enum ja_status fail(struct ja_error *err, int errnum, const char *what)
{
    return ja_fail(err, JA_ERR_UNAVAILABLE, "pam_not_tried", "%s: %s; the stack was not tried", what,
                   strerrorname_np(errnum));
}

static enum ja_status put_over(const char *from, const char *to, struct ja_error *err)
{
    return mount(from, to, NULL, MS_BIND, NULL) == 0 ? JA_OK : fail(err, errno, to);
}

static enum ja_status empty_over(const char *folder, const char *mode, struct ja_error *err)
{
    return mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, mode) == 0 ? JA_OK : fail(err, errno, folder);
}

/* JA_PAM_STATE holds what is put over other files; failures counted by pam_faillock(8) are its own. */
static enum ja_status make_world(const struct run *r, const struct ja_secret *before, const struct ja_secret *after,
                                 struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return fail(err, errno, "a private mount namespace");
    st = empty_over(JA_PAM_STATE, "mode=0700", err);
    if (st == JA_OK)
        st = empty_over(CONFIG_FOLDER, "mode=0755", err);
    if (st == JA_OK && access("/run/faillock", F_OK) == 0)
        st = empty_over("/run/faillock", "mode=0755", err);
    if (st == JA_OK)
        st = ja_pam_trial_shadow(&r->world, JA_PAM_STATE "/shadow", err);
    if (st == JA_OK)
        st = put_over(JA_PAM_STATE "/shadow", "/etc/shadow", err);
    if (st == JA_OK)
        st = ja_file_write(JA_PAM_STATE "/before", 0644, true, before->data, before->len, err);
    if (st == JA_OK)
        st = ja_file_write(JA_PAM_STATE "/after", 0644, true, after->data, after->len, err);
    return st == JA_OK && r->ours ? ja_pam_trial_store(&r->world, err) : st;
}

static enum ja_status put_stack(const struct run *r, const char *from, struct ja_error *err)
{
    char path[128];

    (void)snprintf(path, sizeof path, JA_PAM_FOLDER "/%.64s", r->service);
    return put_over(from, path, err);
}

static enum ja_status run_all(struct run *r, const struct ja_secret *before, const struct ja_secret *after,
                              struct ja_error *err)
{
    bool root_before = true;
    enum ja_status st = ja_pam_trial_init(&r->world, err);

    if (st == JA_OK)
        st = make_world(r, before, after, err);
    if (st == JA_OK)
        st = cli_pam_load(&r->lib, err);
    if (st == JA_OK)
        st = put_stack(r, JA_PAM_STATE "/before", err);
    if (st == JA_OK) {
        const struct outcome *o = log_in(r, ROOT, RIGHT);

        root_before = !o->ran || o->in;
        st = put_stack(r, JA_PAM_STATE "/after", err);
    }
    if (st == JA_OK)
        try_all(r, root_before);
    ja_pam_trial_clear(&r->world);
    return st;
}

/* ---- around it ---- */

static bool wait_for(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int status = 0;

    for (int i = 0; i < SECONDS_MAX * 100; i++) {
        pid_t got = waitpid(pid, &status, WNOHANG);

        if (got == pid)
            return status == 0;
        if (got < 0 && errno != EINTR)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL); /* if it has no group of its own yet */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return false;
}

enum ja_status cli_pam_try(const char *service, const struct ja_secret *before, const struct ja_secret *after, bool ours,
                           struct pam_tries *ret, struct ja_error *err)
{
    struct trial *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct run r = {.service = service, .ours = ours, .shared = shared,
                    .as_nobody = ja_pam_auth_has(service, "pam_rootok.so")};
    enum ja_status st = JA_OK;
    pid_t pid;

    if (shared == MAP_FAILED)
        return ja_fail_nomem(err);
    shared->tries.ok = true;
    pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        shared->st = run_all(&r, before, after, &shared->err);
        shared->done = true;
        _exit(0);
    }
    if (pid < 0)
        st = fail(err, errno, "fork");
    else if (!wait_for(pid) || !shared->done)
        st = ja_fail(err, JA_ERR_UNAVAILABLE, "pam_not_tried", "the tries did not come to an end within %d seconds",
                     SECONDS_MAX);
    else if (shared->st != JA_OK)
        st = ja_fail(err, JA_ERR_UNAVAILABLE, "pam_not_tried", "the stack could not be tried: %s", shared->err.message);
    else
        *ret = shared->tries;
    (void)munmap(shared, sizeof *shared);
    return st;
}
