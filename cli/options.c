#include "cli/options.h"

#include "cli/command.h"
#include "cli/suggest.h"
#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (16 * 1024)

const struct cli_option cli_global_options[] = {
    {"config", 'c', "FILE", false, "another configuration file"},
    {"json", 0, NULL, false, "the answer as one JSON document"},
    {"quiet", 'q', NULL, false, "no notices on stderr"},
    {"yes", 'y', NULL, false, "do not ask before something that cannot be undone"},
    {"socket", 0, "PATH", false, "talk to this jwtauthd even as root"},
    {"help", 0, NULL, false, "explain the command"},
    {"version", 0, NULL, false, "print the version"},
    CLI_OPTIONS_END,
};

static const struct cli_option *in_table(const struct cli_option *table, const char *name,
                                         size_t len)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
            return table;
    return NULL;
}

static const struct cli_option *by_letter(const struct cli_option *table, char letter)
{
    for (; table && table->name; table++)
        if (table->letter != 0 && table->letter == letter)
            return table;
    return NULL;
}

static const struct cli_option *find_long(const struct command *cmd, const char *name, size_t len)
{
    const struct cli_option *o = cmd ? in_table(cmd->options, name, len) : NULL;

    return o ? o : in_table(cli_global_options, name, len);
}

static enum ja_status unknown_option(const struct command *cmd, const char *shown,
                                     const char *name, struct ja_error *err)
{
    struct suggestion s = suggest_for(name);

    for (const struct cli_option *o = cmd ? cmd->options : NULL; o && o->name; o++)
        suggest_consider(&s, o->name);
    for (const struct cli_option *o = cli_global_options; o->name; o++)
        suggest_consider(&s, o->name);
    if (s.best)
        return ja_fail(err, JA_ERR_INVALID, "unknown_option",
                       "unknown option '%s'; did you mean '--%s'?", shown, s.best);
    return ja_fail(err, JA_ERR_INVALID, "unknown_option",
                   "unknown option '%s'; --help lists the options", shown);
}

static enum ja_status give(struct cli_parsed *p, const struct cli_option *o, const char *value,
                           struct ja_error *err)
{
    if (!o->repeat)
        for (int i = 0; i < p->ngiven; i++)
            if (p->given[i].option == o && o->arg)
                return ja_fail(err, JA_ERR_INVALID, "option_repeated",
                               "option '--%s' is given twice", o->name);
    p->given[p->ngiven++] = (struct cli_given){o, value};
    if (strcmp(o->name, "help") == 0)
        p->help = true;
    if (strcmp(o->name, "version") == 0)
        p->version = true;
    return JA_OK;
}

/* "--name", "--name=value", "--name value". `*at` is moved over a value taken from the next word. */
static enum ja_status take_long(struct cli_parsed *p, const struct command *cmd, int argc,
                                char **argv, int *at, struct ja_error *err)
{
    const char *name = argv[*at] + 2;
    const char *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    const struct cli_option *o = find_long(cmd, name, len);
    char shown[128];

    if (!o) {
        (void)snprintf(shown, sizeof shown, "--%.*s", (int)(len > 100 ? 100 : len), name);
        return unknown_option(cmd, shown, shown + 2, err);
    }
    if (!o->arg) {
        if (eq)
            return ja_fail(err, JA_ERR_INVALID, "option_value", "option '--%s' takes no value",
                           o->name);
        return give(p, o, NULL, err);
    }
    if (eq)
        return give(p, o, eq + 1, err);
    if (*at + 1 >= argc)
        return ja_fail(err, JA_ERR_INVALID, "option_value", "option '--%s' needs a value: %s",
                       o->name, o->arg);
    /* "--email --json" is a forgotten value far more often than a value. */
    if (strncmp(argv[*at + 1], "--", 2) == 0)
        return ja_fail(err, JA_ERR_INVALID, "option_value",
                       "option '--%s' needs a value: %s (one that starts with -- is written "
                       "--%s=VALUE)", o->name, o->arg, o->name);
    return give(p, o, argv[++*at], err);
}

/* "-q", "-qy", "-cFILE", "-c FILE". */
static enum ja_status take_short(struct cli_parsed *p, const struct command *cmd, int argc,
                                 char **argv, int *at, struct ja_error *err)
{
    for (const char *s = argv[*at] + 1; *s; s++) {
        const struct cli_option *o = cmd ? by_letter(cmd->options, *s) : NULL;
        const char shown[3] = {'-', *s, 0};
        enum ja_status st;

        if (!o)
            o = by_letter(cli_global_options, *s);
        if (!o)
            return unknown_option(cmd, shown, shown + 1, err);
        if (!o->arg) {
            st = give(p, o, NULL, err);
            if (st != JA_OK)
                return st;
            continue;
        }
        if (s[1])
            return give(p, o, s + 1, err);
        if (*at + 1 >= argc)
            return ja_fail(err, JA_ERR_INVALID, "option_value", "option '-%c' needs a value: %s",
                           *s, o->arg);
        return give(p, o, argv[++*at], err);
    }
    return JA_OK;
}

static enum ja_status take_option(struct cli_parsed *p, const struct command *cmd, int argc,
                                  char **argv, int *at, struct ja_error *err)
{
    if (argv[*at][1] == '-')
        return take_long(p, cmd, argc, argv, at, err);
    return take_short(p, cmd, argc, argv, at, err);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != 0;
}

/* Global options, then NOUN, then VERB where the noun has verbs. `*at` ends behind them. */
static enum ja_status take_command(struct cli_parsed *p, int argc, char **argv, int *at,
                                   const struct command **ret_cmd, struct ja_error *err)
{
    const char **words[] = {&p->noun, &p->verb};
    size_t taken = 0;

    *ret_cmd = NULL;
    for (; *at < argc && taken < 2; (*at)++) {
        if (strcmp(argv[*at], "--") == 0)
            break;
        if (is_option(argv[*at])) {
            enum ja_status st = take_option(p, NULL, argc, argv, at, err);

            if (st != JA_OK)
                return st;
            continue;
        }
        *words[taken++] = argv[*at];
        if (taken == 1) {
            if (!command_noun_known(p->noun))
                return suggest_noun(p->noun, err);
            *ret_cmd = command_find(p->noun, NULL);
            if (*ret_cmd) {
                (*at)++;
                return JA_OK;
            }
        }
    }
    if (taken == 2) {
        *ret_cmd = command_find(p->noun, p->verb);
        if (!*ret_cmd)
            return suggest_verb(p->noun, p->verb, err);
    }
    return JA_OK;
}

enum ja_status cli_parse(int argc, char **argv, struct cli_parsed *ret,
                         const struct command **ret_cmd, struct ja_error *err)
{
    struct cli_parsed p = {0};
    const struct command *cmd = NULL;
    enum ja_status st;
    size_t room = 1;
    bool options = true;
    int at = 1;

    for (int i = 0; i < argc; i++)
        room += strlen(argv[i]); /* a word of letters is at most that many options */
    p.given = calloc(room, sizeof *p.given);
    p.args = calloc((size_t)argc + 1, sizeof *p.args);
    if (!p.given || !p.args) {
        st = ja_fail_nomem(err);
        goto out;
    }
    st = take_command(&p, argc, argv, &at, &cmd, err);
    for (; st == JA_OK && at < argc; at++) {
        if (options && strcmp(argv[at], "--") == 0)
            options = false;
        else if (options && is_option(argv[at]))
            st = take_option(&p, cmd, argc, argv, &at, err);
        else
            p.args[p.nargs++] = argv[at];
    }
out:
    /* Also on failure: --json among what was read decides how the error is written. */
    *ret = p;
    *ret_cmd = cmd;
    return st;
}

void cli_parsed_clear(struct cli_parsed *p)
{
    free(p->given);
    free(p->args);
    *p = (struct cli_parsed){0};
}

static enum ja_status check_text(const char *what, const char *s, struct ja_error *err)
{
    if (strlen(s) > TEXT_MAX)
        return ja_fail(err, JA_ERR_INVALID, "argument_too_long",
                       "%s is longer than %d bytes", what, TEXT_MAX);
    if (!ja_text_valid(s, TEXT_MAX))
        return ja_fail(err, JA_ERR_INVALID, "invalid_argument",
                       "%s has control characters or is not UTF-8", what);
    return JA_OK;
}

enum ja_status cli_check_texts(const struct cli_parsed *p, const struct command *cmd,
                               struct ja_error *err)
{
    char what[80];

    for (int i = 0; i < p->ngiven; i++) {
        if (!p->given[i].value)
            continue;
        (void)snprintf(what, sizeof what, "the value of '--%s'", p->given[i].option->name);
        if (check_text(what, p->given[i].value, err) != JA_OK)
            return JA_ERR_INVALID;
    }
    if (cmd->needs & RAW_ARGUMENTS)
        return JA_OK;
    for (int i = 0; i < p->nargs; i++) {
        (void)snprintf(what, sizeof what, "argument %d", i + 1);
        if (check_text(what, p->args[i], err) != JA_OK)
            return JA_ERR_INVALID;
    }
    return JA_OK;
}

/* ---- getters ---- */

static const struct cli_option *require_option(const struct cli *cli, const char *name)
{
    const struct cli_option *o = find_long(cli->cmd, name, strlen(name));

    if (!o) {
        (void)fprintf(stderr, "authctl: option --%s is not in the command's table\n", name);
        abort();
    }
    return o;
}

size_t cli_opt_all(const struct cli *cli, const char *name, const char **values, size_t max)
{
    const struct cli_option *o = require_option(cli, name);
    size_t n = 0;

    for (int i = 0; i < cli->parsed.ngiven; i++)
        if (cli->parsed.given[i].option == o) {
            if (n < max)
                values[n] = cli->parsed.given[i].value;
            n++;
        }
    return n;
}

const char *cli_opt(const struct cli *cli, const char *name)
{
    const char *value = NULL;

    return cli_opt_all(cli, name, &value, 1) > 0 ? value : NULL;
}

bool cli_flag(const struct cli *cli, const char *name)
{
    return cli_opt_all(cli, name, NULL, 0) > 0;
}

static enum ja_status bad_value(const char *name, const char *value, const char *want,
                                struct ja_error *err)
{
    return ja_fail(err, JA_ERR_INVALID, "invalid_option", "--%s is not %s (%.100s)", name, want,
                   value);
}

#define SCOPES_MAX 64

enum ja_status cli_opt_scopes(const struct cli *cli, char out[CLI_SCOPES_SIZE], const char **ret, struct ja_error *err)
{
    const char *values[SCOPES_MAX];
    size_t n = cli_opt_all(cli, "scope", values, SCOPES_MAX), used = 0;

    out[0] = 0;
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(out + used, CLI_SCOPES_SIZE - used, "%s%s", used ? " " : "", values[i]);

        if (len < 0 || (size_t)len >= CLI_SCOPES_SIZE - used)
            return ja_fail(err, JA_ERR_INVALID, "invalid_scope", "the scopes are too long");
        used += (size_t)len;
    }
    *ret = n ? out : NULL;
    return JA_OK;
}

enum ja_status cli_opt_int(const struct cli *cli, const char *name, int64_t min, int64_t max,
                           int64_t otherwise, int64_t *ret, struct ja_error *err)
{
    const char *value = cli_opt(cli, name);
    char want[96];

    if (!value) {
        *ret = otherwise;
        return JA_OK;
    }
    if (ja_parse_i64(value, min, max, ret))
        return JA_OK;
    (void)snprintf(want, sizeof want, "a number from %lld to %lld", (long long)min,
                   (long long)max);
    return bad_value(name, value, want, err);
}

enum ja_status cli_opt_duration(const struct cli *cli, const char *name, int64_t otherwise,
                                int64_t *ret_seconds, struct ja_error *err)
{
    const char *value = cli_opt(cli, name);

    if (!value) {
        *ret_seconds = otherwise;
        return JA_OK;
    }
    if (ja_parse_duration(value, ret_seconds))
        return JA_OK;
    return bad_value(name, value, "a duration such as 90s, 15m, 2h or 7d", err);
}

enum ja_status cli_opt_when(const struct cli *cli, const char *name, int64_t otherwise,
                            int64_t *ret_time, struct ja_error *err)
{
    const char *value = cli_opt(cli, name);

    if (!value) {
        *ret_time = otherwise;
        return JA_OK;
    }
    if (ja_parse_when(value, cli_now(cli), ret_time))
        return JA_OK;
    return bad_value(name, value, "a time such as 2h, 7d or 2030-01-31T12:00:00Z", err);
}

enum ja_status cli_opt_past(const struct cli *cli, const char *name, int64_t otherwise,
                            int64_t *ret_time, struct ja_error *err)
{
    const char *value = cli_opt(cli, name);
    int64_t ago = 0;

    if (value && ja_parse_duration(value, &ago)) {
        *ret_time = cli_now(cli) - ago;
        return JA_OK;
    }
    return cli_opt_when(cli, name, otherwise, ret_time, err);
}

enum ja_status cli_opt_alg(const struct cli *cli, const char *name, enum ja_alg *ret,
                           struct ja_error *err)
{
    const char *value = cli_opt(cli, name);

    *ret = JA_ALG_NONE;
    if (!value)
        return JA_OK;
    *ret = ja_alg_parse(value);
    if (*ret != JA_ALG_NONE)
        return JA_OK;
    return bad_value(name, value, "one of ES256, EdDSA, RS256, HS256", err);
}

enum ja_status cli_usage(struct cli *cli, struct ja_error *err, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    cli->usage = true;
    return ja_fail(err, JA_ERR_INVALID, "usage", "%s", text);
}
