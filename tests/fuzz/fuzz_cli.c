/* Any words as authctl's command line, up to the point where a command would run: what is taken fits the
 * command's table.
 *
 * Input: words, one a line.
 */
int authctl_main(int argc, char **argv);
#define main authctl_main /* for its table of commands */
#include "cli/authctl.c"
#undef main

#include "common/base/text.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 64

static bool in_table(const struct cli_option *table, const struct cli_option *o)
{
    for (; table && table->name; table++)
        if (table == o)
            return true;
    return false;
}

static void demand_fitting(const struct cli_parsed *p, const struct command *cmd)
{
    for (int i = 0; i < p->ngiven; i++) {
        const struct cli_option *o = p->given[i].option;

        FUZZ_DEMAND(in_table(cli_global_options, o) || (cmd && in_table(cmd->options, o)));
        FUZZ_DEMAND((o->arg != NULL) == (p->given[i].value != NULL));
        for (int j = 0; j < i; j++)
            FUZZ_DEMAND(o->repeat || !o->arg || p->given[j].option != o);
    }
    for (int i = 0; i < p->nargs; i++)
        FUZZ_DEMAND(p->args[i] != NULL);
    FUZZ_DEMAND(p->args[p->nargs] == NULL);
    if (!cmd)
        return;
    FUZZ_DEMAND(p->noun && strcmp(p->noun, cmd->noun) == 0);
    FUZZ_DEMAND(cmd->verb ? p->verb && strcmp(p->verb, cmd->verb) == 0 : !p->verb);
}

/* What a command would read of its options: all getters on every option of the table. */
static void read_options(const struct cli_parsed *p, const struct command *cmd)
{
    struct cli cli = {.cmd = cmd, .parsed = *p};
    enum ja_alg alg = JA_ALG_NONE;
    int64_t n = 0;

    for (const struct cli_option *o = cmd->options; o && o->name; o++) {
        const char *values[4], *first = cli_opt(&cli, o->name);
        size_t given = cli_opt_all(&cli, o->name, values, 4);

        FUZZ_DEMAND(cli_flag(&cli, o->name) == (given > 0) && (o->arg || !first));
        if (!o->arg)
            continue;
        FUZZ_DEMAND((given > 0) == (first != NULL) && (o->repeat || given <= 1));
        n = -1;
        if (cli_opt_int(&cli, o->name, 0, 100, 7, &n, NULL) == JA_OK)
            FUZZ_DEMAND(n >= 0 && n <= 100 && (first || n == 7));
        n = -1;
        if (cli_opt_duration(&cli, o->name, 7, &n, NULL) == JA_OK)
            FUZZ_DEMAND(n >= 0 && (first || n == 7));
        n = -1;
        if (!first) /* a relative time would be of today */
            FUZZ_DEMAND(cli_opt_when(&cli, o->name, 7, &n, NULL) == JA_OK && n == 7);
        if (cli_opt_alg(&cli, o->name, &alg, NULL) == JA_OK)
            FUZZ_DEMAND(first ? strcmp(ja_alg_name(alg), first) == 0 : alg == JA_ALG_NONE);
    }
}

static void check(int argc, char **argv)
{
    struct cli_parsed p = {0};
    const struct command *cmd = NULL;
    struct ja_error err = {0};

    enum ja_status st = cli_parse(argc, argv, &p, &cmd, &err);

    FUZZ_DEMAND(st == JA_OK || (err.status == JA_ERR_INVALID && err.code[0] && err.message[0]));
    demand_fitting(&p, cmd);
    if (st == JA_OK && cmd && cli_check_texts(&p, cmd, &err) == JA_OK && !(cmd->needs & RAW_ARGUMENTS))
        for (int i = 0; i < p.nargs; i++)
            FUZZ_DEMAND(ja_text_valid(p.args[i], 16 * 1024));
    if (cmd)
        read_options(&p, cmd);
    cli_parsed_clear(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    char *argv[WORDS_MAX + 2] = {(char[]){"authctl"}};
    int argc = 1;

    while (in.left > 0 && argc <= WORDS_MAX)
        argv[argc++] = fuzz_text(&in, '\n');
    check(argc, argv);
    while (argc > 1)
        free(argv[--argc]);
    return 0;
}
