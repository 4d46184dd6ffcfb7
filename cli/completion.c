#include "cli/completion.h"

#include "cli/command.h"

#include <stdio.h>
#include <string.h>

struct verbs {
    const char *noun;
    bool open;
};

/* Commands of one noun may stand in several tables: the first row of a noun opens its line. */
static void put_verb(void *arg, const struct command *c)
{
    struct verbs *v = arg;

    if ((c->needs & HIDDEN) || !c->verb || strcmp(c->noun, v->noun) != 0)
        return;
    (void)printf("%s%s", v->open ? " " : "", c->verb);
    v->open = true;
}

static bool first_of_noun(const struct command *c)
{
    for (const struct command *const *t = cli_tables; *t; t++)
        for (const struct command *x = *t; x->noun; x++)
            if (strcmp(x->noun, c->noun) == 0)
                return x == c;
    return false;
}

static void put_noun(void *arg, const struct command *c)
{
    bool *open = arg;

    if ((c->needs & HIDDEN) || !first_of_noun(c))
        return;
    (void)printf("%s%s", *open ? " " : "", c->noun);
    *open = true;
}

static void put_verbs(void *arg, const struct command *c)
{
    struct verbs v = {.noun = c->noun};

    (void)arg;
    if ((c->needs & HIDDEN) || !c->verb || !first_of_noun(c))
        return;
    (void)printf("    %s) words=\"", c->noun);
    command_each(put_verb, &v);
    (void)puts("\" ;;");
}

static void put_options(void *arg, const struct command *c)
{
    (void)arg;
    if ((c->needs & HIDDEN) || !c->options || !c->options->name)
        return;
    /* What follows a command of one word is an argument. */
    (void)printf("    \"%s %s\"%s) words=\"", c->noun, c->verb ? c->verb : "", c->verb ? "" : "*");
    for (const struct cli_option *o = c->options; o->name; o++)
        (void)printf("%s--%s", o == c->options ? "" : " ", o->name);
    (void)puts("\" ;;");
}

static void put_globals(void)
{
    for (const struct cli_option *o = cli_global_options; o->name; o++)
        (void)printf("%s--%s", o == cli_global_options ? "" : " ", o->name);
}

void completion_bash(void)
{
    bool open = false;

    (void)fputs("# bash completion for authctl, printed by: authctl help --completion bash\n"
                "_authctl()\n{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} words=\"\" noun=\"\" verb=\"\" i\n"
                "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                "        case ${COMP_WORDS[i]} in\n"
                "        -c | --config | --socket) ((i++)) ;;\n"
                "        -*) ;;\n"
                "        *) if [[ -z $noun ]]; then noun=${COMP_WORDS[i]}\n"
                "           elif [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; fi ;;\n"
                "        esac\n"
                "    done\n"
                "    case $noun in\n"
                "    \"\") words=\"", stdout);
    command_each(put_noun, &open);
    (void)puts("\" ;;");
    command_each(put_verbs, NULL);
    (void)fputs("    esac\n"
                "    [[ -n $verb ]] && words=\"\"\n"
                "    if [[ $cur == -* ]]; then\n"
                "    words=\"\"\n"
                "    case \"$noun $verb\" in\n", stdout);
    command_each(put_options, NULL);
    (void)fputs("    esac\n    words+=\" ", stdout);
    put_globals();
    (void)fputs("\"\n    fi\n"
                "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                "}\n"
                "complete -o default -F _authctl authctl\n", stdout);
}
