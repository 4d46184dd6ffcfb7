#include "common/flow/pam_stanza.h"

#include "common/flow/doctor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_MAX 1024
#define NO_LINE SIZE_MAX
#define OURS "pam_jwtauth.so"
#define FINAL "[success=done user_unknown=ignore default=die]  " OURS
#define JUMP "[success=1 new_authtok_reqd=done user_unknown=ignore default=die]  " OURS

bool ja_pam_service_valid(const char *s)
{
    return *s && strlen(s) <= 64 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(s);
}

/* ---- the file's lines ---- */

struct line {
    char text[512]; /* without its newline */
    bool include;   /* @include */
    int group;      /* -1: a comment, a blank line, @include */
    char control[256], module[256];
};

struct plan {
    const char *service;
    struct line *lines;
    size_t n;
    size_t local[DOCTOR_GROUPS]; /* the line that brings pam_unix */
    bool joined;                 /* a line goes on in the next one */
};

static enum ja_status no(struct ja_error *err, const char *service, size_t at, const char *why)
{
    char where[32] = "";

    if (at != NO_LINE)
        (void)snprintf(where, sizeof where, ", line %zu", at + 1);
    return ja_fail(err, JA_ERR_CONFLICT, "pam_not_understood",
                   JA_PAM_FOLDER "/%s%s: %s; put the lines of pam_jwtauth(8) in by hand", service, where, why);
}

static void read_line(struct line *l)
{
    char copy[sizeof l->text], *rest = copy, *type, *control, *module;

    (void)snprintf(copy, sizeof copy, "%.*s", (int)strcspn(l->text, "#"), l->text);
    l->group = -1;
    type = doctor_word(&rest);
    control = type ? doctor_word(&rest) : NULL;
    if (!control)
        return;
    l->include = strcmp(type, "@include") == 0;
    module = l->include ? control : doctor_word(&rest);
    if (!module)
        return;
    if (!l->include)
        l->group = doctor_group(type);
    (void)snprintf(l->control, sizeof l->control, "%s", control);
    (void)snprintf(l->module, sizeof l->module, "%s", module);
}

static enum ja_status split(struct plan *p, const char *text, struct ja_error *err)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        struct line *l = &p->lines[p->n];

        if (p->n == LINES_MAX || len >= sizeof l->text)
            return no(err, p->service, p->n, "it is too long");
        memcpy(l->text, text, len);
        l->text[len] = 0;
        if (len > 0 && text[len - 1] == '\\')
            p->joined = true;
        read_line(l);
        p->n++;
        text += len + (text[len] == '\n');
    }
    return JA_OK;
}

/* ---- which lines count ---- */

static bool is_include(const struct line *l)
{
    return l->include || strcmp(l->control, "include") == 0 || strcmp(l->control, "substack") == 0;
}

/* Where the line brings a module in: its own group, or those of the file it includes. */
static void line_uses(const struct line *l, const char *module, bool ret[DOCTOR_GROUPS])
{
    memset(ret, 0, DOCTOR_GROUPS * sizeof *ret);
    if (is_include(l))
        doctor_file_uses(l->module, l->group, module, ret);
    else if (l->group >= 0)
        ret[l->group] = strcmp(doctor_base(l->module), module) == 0;
}

/* A jump counts lines: what is put between it and where it lands would move that. */
static bool jumps(const struct line *l)
{
    for (const char *p = l->control; (p = strchr(p, '=')); p++)
        if (p[1] >= '0' && p[1] <= '9')
            return true;
    return false;
}

static enum ja_status find_local(struct plan *p, struct ja_error *err)
{
    for (size_t i = 0; i < p->n; i++) {
        bool uses[DOCTOR_GROUPS];
        int groups = 0;

        line_uses(&p->lines[i], "pam_unix.so", uses);
        for (int g = 0; g < DOCTOR_GROUPS; g++) {
            if (!uses[g])
                continue;
            groups++;
            if (p->local[g] != NO_LINE)
                return no(err, p->service, i, "a second line for pam_unix in one part");
            p->local[g] = i;
        }
        if (groups > 1)
            return no(err, p->service, i, "one line stands for several parts");
    }
    return JA_OK;
}

static enum ja_status check_local(const struct plan *p, struct ja_error *err)
{
    const struct line *account;

    if (p->joined)
        return no(err, p->service, NO_LINE, "a line that goes on in the next one");
    if (p->local[DOCTOR_AUTH] == NO_LINE || p->local[DOCTOR_ACCOUNT] == NO_LINE)
        return no(err, p->service, NO_LINE, "no line brings pam_unix into auth and account");
    for (size_t i = 0; i < p->n; i++) {
        int g = p->lines[i].group;

        if (g >= 0 && jumps(&p->lines[i]) && p->local[g] != NO_LINE && i <= p->local[g])
            return no(err, p->service, i, "a jump that counts lines");
    }
    account = &p->lines[p->local[DOCTOR_ACCOUNT]];
    if (account->include) { /* a substack takes its account lines only */
        bool any[DOCTOR_GROUPS] = {false};

        doctor_file_uses(account->module, -1, NULL, any);
        if (any[DOCTOR_AUTH] || any[DOCTOR_PASSWORD] || any[DOCTOR_SESSION])
            return no(err, p->service, p->local[DOCTOR_ACCOUNT], "one line stands for several parts");
    }
    if (!is_include(account) && strcmp(account->control, "required") != 0 && strcmp(account->control, "requisite") != 0)
        return no(err, p->service, p->local[DOCTOR_ACCOUNT], "pam_unix is not simply required in account");
    return JA_OK;
}

/* ---- the new text ---- */

static const char *session_option(const char *service)
{
    static const char *const quiet[] = {"su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l"};

    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        if (strcmp(quiet[i], service) == 0)
            return " token=none";
    return "";
}

static void put_account(FILE *out, const struct line *l)
{
    (void)fprintf(out, "account    " JUMP "\n");
    if (l->include || strcmp(l->control, "include") == 0)
        (void)fprintf(out, "account    substack   %s\n", l->module);
    else
        (void)fprintf(out, "%s\n", l->text);
    (void)fprintf(out, "account    required   pam_permit.so\n");
}

static void put_line(FILE *out, const struct plan *p, size_t i)
{
    if (i == p->local[DOCTOR_AUTH])
        (void)fprintf(out, "# The lines of pam_jwtauth(8) are authctl's: 'authctl pam disable --service %s' takes them "
                           "out.\nauth       " FINAL "\n", p->service);
    if (i == p->local[DOCTOR_PASSWORD])
        (void)fprintf(out, "password   " FINAL "\n");
    if (i == p->local[DOCTOR_ACCOUNT])
        put_account(out, &p->lines[i]);
    else
        (void)fprintf(out, "%s\n", p->lines[i].text);
    if (i == p->local[DOCTOR_SESSION])
        (void)fprintf(out, "session    optional   " OURS "%s\n", session_option(p->service));
}

/* What the file has no line for, as Debian's su and sudo have none for passwords: a login may have to change one. */
static void put_rest(FILE *out, const struct plan *p)
{
    if (p->local[DOCTOR_SESSION] == NO_LINE)
        (void)fprintf(out, "session    optional   " OURS "%s\n", session_option(p->service));
    if (p->local[DOCTOR_PASSWORD] == NO_LINE && access(JA_PAM_FOLDER "/common-password", R_OK) == 0)
        (void)fprintf(out, "password   " FINAL "\n@include common-password\n");
}

static enum ja_status write_text(const struct plan *p, struct ja_secret *ret, struct ja_error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    enum ja_status st;

    if (!out)
        return ja_fail_nomem(err);
    for (size_t i = 0; i < p->n; i++)
        put_line(out, p, i);
    put_rest(out, p);
    st = fclose(out) == 0 ? ja_secret_from(ret, text, len, err) : ja_fail_nomem(err);
    free(text);
    return st;
}

enum ja_status ja_pam_stanza(const char *service, const struct ja_secret *text, struct ja_secret *ret,
                             struct ja_error *err)
{
    struct plan p = {.service = service, .local = {NO_LINE, NO_LINE, NO_LINE, NO_LINE}};
    enum ja_status st;

    if (memchr(text->data, 0, text->len))
        return no(err, service, NO_LINE, "a NUL in the file");
    p.lines = calloc(LINES_MAX, sizeof *p.lines);
    if (!p.lines)
        return ja_fail_nomem(err);
    st = split(&p, (const char *)text->data, err);
    if (st == JA_OK)
        st = find_local(&p, err);
    if (st == JA_OK)
        st = check_local(&p, err);
    if (st == JA_OK)
        st = write_text(&p, ret, err);
    free(p.lines);
    return st;
}

/* ---- is it there already ---- */

enum ja_pam_use ja_pam_use(const char *service, const struct ja_secret *text)
{
    bool uses[DOCTOR_GROUPS] = {false};
    int parts = 0;

    doctor_file_uses(service, -1, OURS, uses);
    for (int g = 0; g < DOCTOR_GROUPS; g++)
        parts += uses[g];
    if (parts == 0)
        return JA_PAM_UNUSED;
    if (!uses[DOCTOR_AUTH] || !uses[DOCTOR_ACCOUNT])
        return JA_PAM_PARTLY;
    return memmem(text->data, text->len, OURS, strlen(OURS)) ? JA_PAM_DIRECT : JA_PAM_INCLUDED;
}

bool ja_pam_auth_has(const char *service, const char *module)
{
    bool uses[DOCTOR_GROUPS] = {false};

    doctor_file_uses(service, DOCTOR_AUTH, module, uses);
    return uses[DOCTOR_AUTH];
}
