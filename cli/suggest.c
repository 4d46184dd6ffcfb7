#include "cli/suggest.h"

#include "cli/command.h"

#include <string.h>

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Damerau-Levenshtein with adjacent swaps: "lsit" is one step from "list". */
static unsigned distance(const char *a, const char *b)
{
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t i = 0; i <= la; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= lb; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++)
        for (size_t j = 1; j <= lb; j++) {
            unsigned change = a[i - 1] != b[j - 1];

            d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    return d[la][lb];
}

struct suggestion suggest_for(const char *typed)
{
    return (struct suggestion){.typed = typed, .best = NULL, .distance = WORD_MAX};
}

void suggest_consider(struct suggestion *s, const char *candidate)
{
    size_t len = strlen(s->typed);
    unsigned d = distance(s->typed, candidate);

    /* A shortened word ("conf" for "config") counts as one step. */
    if (len >= 2 && strncmp(candidate, s->typed, len) == 0 && d > 1)
        d = 1;
    if (d < s->distance && d <= 2 && d < len) {
        s->best = candidate;
        s->distance = d;
    }
}

static void consider_noun(void *arg, const struct command *cmd)
{
    if (!(cmd->needs & HIDDEN))
        suggest_consider(arg, cmd->noun);
}

struct verb_search {
    const char *noun;
    struct suggestion s;
};

static void consider_verb(void *arg, const struct command *cmd)
{
    struct verb_search *v = arg;

    if (cmd->verb && !(cmd->needs & HIDDEN) && strcmp(cmd->noun, v->noun) == 0)
        suggest_consider(&v->s, cmd->verb);
}

enum ja_status suggest_noun(const char *noun, struct ja_error *err)
{
    struct suggestion s = suggest_for(noun);

    command_each(consider_noun, &s);
    if (s.best)
        return ja_fail(err, JA_ERR_INVALID, "unknown_command",
                       "unknown command '%.100s'; did you mean '%s'?", noun, s.best);
    return ja_fail(err, JA_ERR_INVALID, "unknown_command",
                   "unknown command '%.100s'; 'authctl help' lists the commands", noun);
}

enum ja_status suggest_verb(const char *noun, const char *verb, struct ja_error *err)
{
    struct verb_search v = {.noun = noun, .s = suggest_for(verb)};

    command_each(consider_verb, &v);
    if (v.s.best)
        return ja_fail(err, JA_ERR_INVALID, "unknown_command",
                       "unknown command '%s %.100s'; did you mean '%s %s'?", noun, verb, noun,
                       v.s.best);
    return ja_fail(err, JA_ERR_INVALID, "unknown_command",
                   "unknown command '%s %.100s'; 'authctl %s' lists its verbs", noun, verb, noun);
}
