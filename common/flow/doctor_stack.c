/* doctor: the PAM stacks of /etc/pam.d as libpam would run them.
 *
 * Each service is read with its includes and judged group by group.  The rules are those of PAM.md: a
 * denial of ours must be final, a user who is not ours must reach the modes behind us, and account
 * must be there wherever auth is, since locking is decided there.
 */
#include "common/flow/doctor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAM_FOLDER "/etc/pam.d"
#define DEPTH_MAX 8
#define LINES_MAX 64 /* a line more is not judged */

static const char *const group_names[DOCTOR_GROUPS] = {"auth", "account", "password", "session"};

/* What is known of pam_jwtauth in one group of one service. */
struct place {
    bool present, after_unix, unix_seen;
    char control[256];
};

struct stack {
    const char *service;
    int depth;
    int level; /* of substacks */
    struct doctor_entry entries[DOCTOR_GROUPS][LINES_MAX];
    size_t n[DOCTOR_GROUPS];
    int only; /* the group that an `include` asks for; -1: all (@include) */
    struct place places[DOCTOR_GROUPS];
};

static void read_file(struct stack *s, const char *name, int only);

int doctor_group(const char *word)
{
    word += *word == '-';
    for (int g = 0; g < DOCTOR_GROUPS; g++)
        if (strcmp(word, group_names[g]) == 0)
            return g;
    return -1;
}

const char *doctor_base(const char *module)
{
    const char *slash = strrchr(module, '/');

    return slash ? slash + 1 : module;
}

static void note_entry(struct stack *s, int g, const char *control, const char *module)
{
    struct doctor_entry *e = &s->entries[g][s->n[g]];

    if (s->n[g] == LINES_MAX)
        return;
    (void)snprintf(e->control, sizeof e->control, "%s", control);
    (void)snprintf(e->module, sizeof e->module, "%s", doctor_base(module));
    e->level = s->level;
    s->n[g]++;
}

static void note_module(struct place *p, const char *control, const char *module)
{
    const char *base = doctor_base(module);

    if (strcmp(base, "pam_unix.so") == 0)
        p->unix_seen = true;
    if (strcmp(base, "pam_jwtauth.so") != 0 || p->present)
        return;
    p->present = true;
    p->after_unix = p->unix_seen;
    (void)snprintf(p->control, sizeof p->control, "%s", control);
}

static void stack_line(void *arg, char *line)
{
    struct stack *s = arg;
    char *type = doctor_word(&line), *control, *module;
    int g;

    if (!type)
        return;
    if (strcmp(type, "@include") == 0) {
        module = doctor_word(&line);
        if (module)
            read_file(s, module, s->only);
        return;
    }
    g = doctor_group(type);
    control = doctor_word(&line);
    module = control ? doctor_word(&line) : NULL;
    if (g < 0 || !module || (s->only >= 0 && s->only != g))
        return;
    if (strcmp(control, "include") == 0) {
        read_file(s, module, g);
    } else if (strcmp(control, "substack") == 0) {
        note_entry(s, g, control, module);
        s->level++;
        read_file(s, module, g);
        s->level--;
    } else {
        note_entry(s, g, control, module);
        note_module(&s->places[g], control, module);
    }
}

static void read_file(struct stack *s, const char *name, int only)
{
    char path[300];
    int outer = s->only;

    if (s->depth >= DEPTH_MAX)
        return;
    (void)snprintf(path, sizeof path, "%s%.200s", name[0] == '/' ? "" : PAM_FOLDER "/", name);
    s->depth++;
    s->only = only;
    (void)doctor_lines(path, stack_line, s);
    s->only = outer;
    s->depth--;
}

void doctor_file_uses(const char *name, int only, const char *module, bool ret[DOCTOR_GROUPS])
{
    struct stack *s = calloc(1, sizeof *s);

    if (!s)
        return;
    s->only = -1;
    read_file(s, name, only);
    for (int g = 0; g < DOCTOR_GROUPS; g++)
        for (size_t i = 0; i < s->n[g]; i++)
            ret[g] = ret[g] || !module || strcmp(s->entries[g][i].module, module) == 0;
    free(s);
}

static bool refuses(const char *action)
{
    return strcmp(action, "bad") == 0 || strcmp(action, "die") == 0;
}

/* The return values that mean "no" or "broken": none of them may let the stack go on to success. */
static const char *const denials[] = {"auth_err", "perm_denied", "maxtries", "acct_expired",
                                      "authinfo_unavail", "system_err", "service_err", "buf_err",
                                      "cred_insufficient", "conv_err", "abort", "new_authtok_reqd"};

static const char *ignored_denial(const char *control, enum doctor_group g)
{
    char action[32];

    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++) {
        bool change = strcmp(denials[i], "new_authtok_reqd") == 0;
        doctor_action(control, denials[i], action, sizeof action);
        /* account passes "must change" on with done; auth never answers it */
        if (change && (g == DOCTOR_AUTH || strcmp(action, "done") == 0 || strcmp(action, "ok") == 0))
            continue;
        if (!refuses(action))
            return denials[i];
    }
    return NULL;
}

static void check_control(struct doctor *d, const struct stack *s, enum doctor_group g, int *bad)
{
    const struct place *p = &s->places[g];
    const char *mend = "use the line of pam_jwtauth(8)", *denial = ignored_denial(p->control, g);
    char action[32];

    if (denial) {
        ++*bad;
        doctor_say(d, JA_DOCTOR_FAIL, "pam", mend,
                   "%s %s: a denial (%s) of pam_jwtauth is not final with %s", s->service,
                   group_names[g], denial, p->control);
    }
    doctor_action(p->control, "user_unknown", action, sizeof action);
    if (strcmp(action, "ignore") != 0) {
        ++*bad;
        doctor_say(d, JA_DOCTOR_FAIL, "pam", mend,
                   refuses(action) ? "%s %s: local users, root too, cannot get in with %s"
                                   : "%s %s: users who are not jwtauth's get in with %s",
                   s->service, group_names[g], p->control);
    }
}

static void check_order(struct doctor *d, const struct stack *s, enum doctor_group g, int *bad)
{
    if (!s->places[g].after_unix)
        return;
    ++*bad;
    doctor_say(d, JA_DOCTOR_WARN, "pam", "move it up, as in pam_jwtauth(8)",
               "%s %s: pam_jwtauth comes after pam_unix, which fails for users of jwtauth", s->service,
               group_names[g]);
}

/* Each line may be right and the stack wrong: a jump that lands in the wrong place, a deny that is missing, a
 * `sufficient` that lets everybody past. So the whole is run for those who come. */
static void check_outcome(struct doctor *d, const struct stack *s, enum doctor_group g, int *bad)
{
    static const struct {
        struct doctor_answers answers;
        bool passes;
        enum ja_doctor_level level;
        const char *text;
    } cases[] = {
        {{"auth_err", "auth_err", "success"}, false, JA_DOCTOR_FAIL, "whom pam_jwtauth refuses gets in"},
        {{"perm_denied", "auth_err", "success"}, false, JA_DOCTOR_FAIL, "whom pam_jwtauth refuses gets in"},
        {{"user_unknown", "success", "success"}, true, JA_DOCTOR_FAIL, "local users, root too, cannot get in"},
        {{"user_unknown", "auth_err", "auth_err"}, false, JA_DOCTOR_FAIL, "whom nobody knows gets in"},
        {{"success", "auth_err", "auth_err"}, true, JA_DOCTOR_WARN, "whom pam_jwtauth lets in is refused behind it"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (doctor_stack_passes(s->entries[g], s->n[g], &cases[i].answers) == cases[i].passes)
            continue;
        ++*bad;
        doctor_say(d, cases[i].level, "pam", "compare it line by line with pam_jwtauth(8)", "%s %s: %s", s->service,
                   group_names[g], cases[i].text);
        return;
    }
}

static void check_groups(struct doctor *d, const struct stack *s, int *bad)
{
    static const struct {
        enum doctor_group g;
        enum ja_doctor_level level;
        const char *text;
    } needs[] = {
        {DOCTOR_AUTH, JA_DOCTOR_FAIL, "passwords of jwtauth are not asked"},
        {DOCTOR_ACCOUNT, JA_DOCTOR_FAIL, "locked and disabled users get in with a key"},
        {DOCTOR_SESSION, JA_DOCTOR_WARN, "logins get no token"},
        {DOCTOR_PASSWORD, JA_DOCTOR_WARN, "passwords cannot be changed at login"},
    };

    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (s->places[needs[i].g].present)
            continue;
        ++*bad;
        doctor_say(d, needs[i].level, "pam", "add the line of pam_jwtauth(8)",
                   "%s has no pam_jwtauth in %s: %s", s->service, group_names[needs[i].g],
                   needs[i].text);
    }
}

void doctor_service(struct doctor *d, const char *service)
{
    struct stack s = {.service = service, .only = -1};
    char path[300];
    int bad = 0;
    bool any = false;

    (void)snprintf(path, sizeof path, PAM_FOLDER "/%s", service);
    if (access(path, F_OK) != 0)
        return;
    read_file(&s, service, -1);
    for (int g = 0; g < DOCTOR_GROUPS; g++)
        any = any || s.places[g].present;
    if (!any) {
        doctor_say(d, JA_DOCTOR_WARN, "pam",
                   "pam-auth-update --enable jwtauth jwtauth-session, or the stanza in pam_jwtauth(8)",
                   "%s does not use pam_jwtauth", service);
        return;
    }
    check_groups(d, &s, &bad);
    for (int g = DOCTOR_AUTH; g <= DOCTOR_PASSWORD; g++) {
        int before = bad;

        if (!s.places[g].present)
            continue;
        check_control(d, &s, (enum doctor_group)g, &bad);
        check_order(d, &s, (enum doctor_group)g, &bad);
        if (bad == before)
            check_outcome(d, &s, (enum doctor_group)g, &bad);
    }
    if (bad == 0)
        doctor_say(d, JA_DOCTOR_OK, "pam", "", "%s: denials are final, local users pass", service);
}

void doctor_stacks(struct doctor *d)
{
    static const char *const services[] = {"sshd", "login", "su", "sudo", "sudo-i"};

    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        doctor_service(d, services[i]);
}

enum ja_doctor_level ja_doctor_service(const char *service, ja_doctor_fn fn, void *arg)
{
    struct doctor d = {.fn = fn, .arg = arg, .worst = JA_DOCTOR_OK};

    doctor_service(&d, service);
    return d.worst;
}
