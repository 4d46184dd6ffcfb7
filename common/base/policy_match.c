/* Does a rule match a login, and can a rule behind another one still match? */
#include "common/base/policy_rule.h"

#include <string.h>

/* A terminal is the same with and without /dev/ (PAM_TTY has both forms). */
static const char *plain(const char *text)
{
    return strncmp(text, "/dev/", 5) == 0 ? text + 5 : text;
}

static bool fits(const char *pattern, const char *text)
{
    size_t len = strlen(pattern);

    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(pattern, text, len - 1) == 0;
    return strcmp(pattern, text) == 0;
}

static bool any_fits(const struct ja_strlist *list, const char *text)
{
    for (size_t i = 0; text && i < list->len; i++)
        if (fits(plain(list->items[i]), text))
            return true;
    return false;
}

static bool any_held(const struct ja_strlist *wanted, const struct ja_strlist *held)
{
    for (size_t i = 0; held && i < wanted->len; i++)
        for (size_t k = 0; k < held->len; k++)
            if (strcmp(wanted->items[i], held->items[k]) == 0)
                return true;
    return false;
}

static bool any_contains(const struct ja_netlist *nets, const struct ja_addr *addr)
{
    for (size_t i = 0; addr->family && i < nets->len; i++)
        if (ja_net_contains(&nets->items[i], addr))
            return true;
    return false;
}

static bool any_hour(const struct ja_hourslist *hours, int weekday, int minute)
{
    for (size_t i = 0; i < hours->len; i++)
        if (ja_hours_contain(&hours->items[i], weekday, minute))
            return true;
    return false;
}

static bool met(const struct ja_policy_rule *r, enum ja_policy_key key, const struct ja_policy_facts *f)
{
    switch (key) {
    case JA_POLICY_SERVICE: return any_fits(&r->service, f->service);
    case JA_POLICY_USER: return any_fits(&r->user, f->user);
    case JA_POLICY_ROLE: return any_held(&r->role, f->roles);
    case JA_POLICY_NETWORK: return any_contains(&r->network, &f->addr);
    case JA_POLICY_NOT_NETWORK: return !any_contains(&r->not_network, &f->addr);
    case JA_POLICY_TTY: return any_fits(&r->tty, f->tty ? plain(f->tty) : NULL);
    case JA_POLICY_HOURS: return any_hour(&r->hours, f->weekday, f->minute);
    default: return false;
    }
}

enum ja_policy_outcome ja_policy_condition(const struct ja_policy_rule *rule, enum ja_policy_key key,
                                           const struct ja_policy_facts *facts)
{
    if (rule->broken >> key & 1)
        return JA_COND_BROKEN;
    if (!ja_policy_has(rule, key))
        return JA_COND_ABSENT;
    if (key == JA_POLICY_HOURS && !facts->time_known)
        return JA_COND_BROKEN;
    return met(rule, key, facts) ? JA_COND_MET : JA_COND_NOT_MET;
}

/* ---- shadows ---- */

/* Everything that `inner` fits, `outer` fits too. */
static bool pattern_covers(const char *outer, const char *inner)
{
    size_t o = strlen(outer), i = strlen(inner);

    if (o == 0 || outer[o - 1] != '*')
        return strcmp(outer, inner) == 0;
    return i >= o - 1 && strncmp(outer, inner, o - 1) == 0;
}

static bool patterns_cover(const struct ja_strlist *outer, const struct ja_strlist *inner)
{
    for (size_t i = 0; i < inner->len; i++) {
        bool covered = false;

        for (size_t o = 0; !covered && o < outer->len; o++)
            covered = pattern_covers(plain(outer->items[o]), plain(inner->items[i]));
        if (!covered)
            return false;
    }
    return true;
}

static bool net_in(const struct ja_net *inner, const struct ja_netlist *outer)
{
    for (size_t i = 0; i < outer->len; i++)
        if (outer->items[i].prefix <= inner->prefix && ja_net_contains(&outer->items[i], &inner->addr))
            return true;
    return false;
}

static bool nets_in(const struct ja_netlist *inner, const struct ja_netlist *outer)
{
    for (size_t i = 0; i < inner->len; i++)
        if (!net_in(&inner->items[i], outer))
            return false;
    return true;
}

static bool overlap(const struct ja_netlist *a, const struct ja_netlist *b)
{
    for (size_t i = 0; i < a->len; i++)
        for (size_t k = 0; k < b->len; k++)
            if (ja_net_contains(&a->items[i], &b->items[k].addr) || ja_net_contains(&b->items[k], &a->items[i].addr))
                return true;
    return false;
}

static bool excluded_too(const struct ja_policy_rule *earlier, const struct ja_policy_rule *later)
{
    if (ja_policy_has(later, JA_POLICY_NOT_NETWORK) && nets_in(&earlier->not_network, &later->not_network))
        return true;
    return ja_policy_has(later, JA_POLICY_NETWORK) && !overlap(&earlier->not_network, &later->network);
}

static bool hours_cover(const struct ja_policy_rule *earlier, const struct ja_policy_rule *later)
{
    for (int m = 0; m < JA_WEEK_MINUTES; m++) {
        int day = m / 1440, minute = m % 1440;
        bool asked = !ja_policy_has(later, JA_POLICY_HOURS) || any_hour(&later->hours, day, minute);

        if (asked && !any_hour(&earlier->hours, day, minute))
            return false;
    }
    return true;
}

/* The condition `key` of `earlier`, which has it, lets everything through that `later` lets through. */
static bool condition_covers(const struct ja_policy_rule *earlier, const struct ja_policy_rule *later,
                             enum ja_policy_key key)
{
    switch (key) {
    case JA_POLICY_SERVICE: return ja_policy_has(later, key) && patterns_cover(&earlier->service, &later->service);
    case JA_POLICY_USER: return ja_policy_has(later, key) && patterns_cover(&earlier->user, &later->user);
    case JA_POLICY_ROLE: return ja_policy_has(later, key) && patterns_cover(&earlier->role, &later->role);
    case JA_POLICY_TTY: return ja_policy_has(later, key) && patterns_cover(&earlier->tty, &later->tty);
    case JA_POLICY_NETWORK: return ja_policy_has(later, key) && nets_in(&later->network, &earlier->network);
    case JA_POLICY_NOT_NETWORK: return excluded_too(earlier, later);
    case JA_POLICY_HOURS: return hours_cover(earlier, later);
    default: return false;
    }
}

bool ja_policy_covers(const struct ja_policy_rule *earlier, const struct ja_policy_rule *later)
{
    for (int key = 0; key < JA_POLICY_CONDITIONS; key++) {
        if (!ja_policy_has(earlier, (enum ja_policy_key)key) || earlier->broken >> key & 1)
            continue; /* a broken one stops whatever the others let through */
        if (later->broken >> key & 1 || !condition_covers(earlier, later, (enum ja_policy_key)key))
            return false;
    }
    return true;
}

bool ja_policy_impossible(const struct ja_policy_rule *rule)
{
    return ja_policy_has(rule, JA_POLICY_NETWORK) && ja_policy_has(rule, JA_POLICY_NOT_NETWORK) &&
           !((rule->broken >> JA_POLICY_NETWORK | rule->broken >> JA_POLICY_NOT_NETWORK) & 1) &&
           nets_in(&rule->network, &rule->not_network);
}
