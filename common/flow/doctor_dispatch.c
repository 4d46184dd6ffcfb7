/* doctor: what a PAM stack comes to, by the rules of libpam's dispatcher (pam.conf(5); Linux-PAM, pam_dispatch.c). */
#include "common/flow/doctor_internal.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

/* The action that a control has for a return value, as libpam reads it (pam.conf(5)): a value that is
 * not named has the default's, and without a default `bad`. */
void doctor_action(const char *control, const char *value, char *out, size_t size)
{
    const char *p = control;
    char other[32] = "bad", found[32] = "";

    if (*control != '[') {
        bool success = strcmp(value, "success") == 0;
        bool weak = strcmp(control, "sufficient") == 0 || strcmp(control, "optional") == 0;
        (void)snprintf(out, size, "%s", success ? (strcmp(control, "sufficient") == 0 ? "done" : "ok")
                                                : weak ? "ignore"
                                                : strcmp(control, "requisite") == 0 ? "die" : "bad");
        return;
    }
    for (p++; *p && *p != ']'; p += strcspn(p, " \t]")) {
        size_t name;
        p += strspn(p, " \t");
        name = strcspn(p, "= \t]");
        if (p[name] != '=')
            continue;
        if (name == strlen(value) && strncmp(p, value, name) == 0)
            (void)snprintf(found, sizeof found, "%.*s", (int)strcspn(p + name + 1, " \t]"), p + name + 1);
        else if (name == 7 && strncmp(p, "default", name) == 0)
            (void)snprintf(other, sizeof other, "%.*s", (int)strcspn(p + name + 1, " \t]"), p + name + 1);
    }
    (void)snprintf(out, size, "%s", *found ? found : other);
}

/* ---- the run ---- */

#define LEVELS 16

struct run {
    const struct doctor_entry *entries;
    size_t n, at;
    enum { UNDECIDED, POSITIVE, NEGATIVE } mood, kept[LEVELS]; /* kept: when the substack of that level began */
};

static const char *answer_of(const struct run *r, const struct doctor_answers *a, bool ours_seen)
{
    const char *module = r->entries[r->at].module;

    if (strcmp(module, "pam_jwtauth.so") == 0)
        return a->ours;
    if (strcmp(module, "pam_unix.so") == 0)
        return ours_seen ? a->behind : a->before;
    if (strcmp(module, "pam_deny.so") == 0)
        return "auth_err";
    return strcmp(module, "pam_permit.so") == 0 ? "success" : NULL;
}

/* Over so many lines of this level, a substack being one; too many is an error of the stack. */
static void jump(struct run *r, int64_t lines)
{
    int level = r->entries[r->at].level;

    while (r->at + 1 < r->n && r->entries[r->at + 1].level >= level && lines > 0) {
        do
            r->at++;
        while (r->at + 1 < r->n && r->entries[r->at + 1].level > level);
        lines--;
    }
    if (lines > 0)
        r->mood = NEGATIVE;
}

static void act(struct run *r, const char *action)
{
    int level = r->entries[r->at].level;
    bool done = strcmp(action, "done") == 0, die = strcmp(action, "die") == 0;
    int64_t lines = 0;

    if (strcmp(action, "reset") == 0)
        r->mood = r->kept[level];
    else if ((done || strcmp(action, "ok") == 0) && r->mood == UNDECIDED)
        r->mood = POSITIVE;
    else if (die || strcmp(action, "bad") == 0)
        r->mood = NEGATIVE;
    else if (ja_parse_i64(action, 1, 1000, &lines))
        jump(r, lines);
    if ((done && r->mood == POSITIVE) || die)
        while (r->at + 1 < r->n && r->entries[r->at + 1].level >= level)
            r->at++;
}

bool doctor_stack_passes(const struct doctor_entry *entries, size_t n, const struct doctor_answers *a)
{
    struct run r = {.entries = entries, .n = n};
    bool ours_seen = false;
    char action[32];

    for (; r.at < n; r.at++) {
        const struct doctor_entry *e = &entries[r.at];
        const char *answer = answer_of(&r, a, ours_seen);

        if (strcmp(e->control, "substack") == 0) {
            if (e->level + 1 < LEVELS)
                r.kept[e->level + 1] = r.mood;
            continue;
        }
        ours_seen = ours_seen || strcmp(e->module, "pam_jwtauth.so") == 0;
        if (!answer)
            continue;
        doctor_action(e->control, answer, action, sizeof action);
        act(&r, action);
    }
    return r.mood == POSITIVE;
}
