#include "cli/prompt.h"

#include "cli/output.h"
#include "cli/tty.h"
#include "common/base/file_guard.h"
#include "common/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)32 * 1024)
#define FILE_MAX ((size_t)16 * 1024)

static enum ja_status too_long(const char *what, size_t max, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_INVALID, "too_long", "%s is longer than %zu bytes", what, max);
}

static enum ja_status take(const char *what, const unsigned char *data, size_t len, size_t max,
                           struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret s = {0};
    enum ja_status st;

    if (len > max)
        return too_long(what, max, err);
    if (len > 0 && memchr(data, 0, len))
        return ja_fail(err, JA_ERR_INVALID, "nul_byte", "%s has a NUL byte in it", what);
    st = ja_secret_from(&s, data, len, err);
    if (st == JA_OK)
        *ret = s;
    return st;
}

/* ---- standard input ---- */

/* More into cli->in; at the end of input or with a full buffer cli->in_end or nothing changes. */
static enum ja_status fill(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_crypto_init(err);
    ssize_t n;

    if (st == JA_OK && !cli->in.data)
        st = ja_secret_init(&cli->in, INPUT_MAX, err);
    if (st != JA_OK)
        return st;
    do
        n = read(STDIN_FILENO, cli->in.data + cli->in.len, cli->in.cap - cli->in.len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ja_fail_errno(err, errno, "standard input");
    cli->in_end = n == 0;
    cli->in.len += (size_t)n;
    return JA_OK;
}

static void drop(struct ja_secret *in, size_t len)
{
    memmove(in->data, in->data + len, in->len - len);
    explicit_bzero(in->data + in->len - len, len);
    in->len -= len;
}

enum ja_status cli_stdin_line(struct cli *cli, const char *what, size_t max, struct ja_secret *ret,
                              struct ja_error *err)
{
    enum ja_status st = JA_OK;
    unsigned char *newline = NULL;
    size_t len;

    for (;;) {
        newline = cli->in.len > 0 ? memchr(cli->in.data, '\n', cli->in.len) : NULL;
        if (newline || cli->in_end || cli->in.len > max)
            break;
        st = fill(cli, err);
        if (st != JA_OK)
            return st;
    }
    if (!newline && cli->in.len == 0)
        return ja_fail(err, JA_ERR_INVALID, "input_ended",
                       "standard input ended before the %s came", what);
    len = newline ? (size_t)(newline - cli->in.data) : cli->in.len;
    st = take(what, cli->in.data, len, max, ret, err);
    if (st == JA_OK)
        drop(&cli->in, newline ? len + 1 : len);
    return st;
}

enum ja_status cli_stdin_all(struct cli *cli, const char *what, size_t max, struct ja_secret *ret,
                             struct ja_error *err)
{
    struct ja_secret s = {0};
    enum ja_status st = JA_OK;
    size_t len;

    while (st == JA_OK && !cli->in_end && cli->in.len <= max + 1 && cli->in.len < INPUT_MAX)
        st = fill(cli, err);
    if (st != JA_OK)
        return st;
    len = cli->in.len;
    if (len > 0 && cli->in.data[len - 1] == '\n')
        len--;
    if (len > max || !cli->in_end)
        return too_long(what, max, err);
    st = ja_secret_from(&s, cli->in.data, len, err);
    if (st == JA_OK) {
        drop(&cli->in, cli->in.len);
        *ret = s;
    }
    return st;
}

/* ---- terminal ---- */

static enum ja_status tty_failed(struct cli *cli, enum tty_result result, size_t max,
                                 struct ja_error *err)
{
    switch (result) {
    case TTY_LINE:
        return JA_OK;
    case TTY_NONE:
        return cli_usage(cli, err, "there is no terminal to ask on; --help names the options "
                                   "that answer instead");
    case TTY_TOO_LONG:
        return too_long("the input", max, err);
    case TTY_TIMEOUT:
        return cli_usage(cli, err, "nothing was typed for too long");
    case TTY_ENDED:
    case TTY_INTERRUPTED:
        break;
    }
    return cli_usage(cli, err, "the question was not answered");
}

enum ja_status cli_tty_line(struct cli *cli, const char *text, bool echo, size_t max,
                            struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret raw = {0};
    enum ja_status st = ja_crypto_init(err);

    if (st == JA_OK)
        st = ja_secret_init(&raw, max + 1, err); /* and its newline */
    if (st == JA_OK)
        st = tty_failed(cli, tty_read(text, echo, &raw), max, err);
    if (st == JA_OK)
        st = take("the input", raw.data, raw.len, max, ret, err);
    ja_secret_clear(&raw);
    return st;
}

/* ---- file ---- */

enum ja_status cli_file_line(struct cli *cli, const char *path, const char *what, size_t max,
                             struct ja_secret *ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0600, .max_size = FILE_MAX, .allow_own = true};
    struct ja_secret all = {0};
    const unsigned char *newline;
    enum ja_status st = ja_crypto_init(err);

    (void)cli;
    if (st == JA_OK)
        st = ja_file_read(path, &rule, &all, err);
    if (st != JA_OK)
        return st;
    newline = all.len > 0 ? memchr(all.data, '\n', all.len) : NULL;
    st = take(what, all.data, newline ? (size_t)(newline - all.data) : all.len, max, ret, err);
    ja_secret_clear(&all);
    return st;
}

/* ---- by the command's options ---- */

static bool has_option(const struct cli *cli, const char *name)
{
    for (const struct cli_option *o = cli->cmd->options; o && o->name; o++)
        if (strcmp(o->name, name) == 0)
            return true;
    return false;
}

static enum ja_status ask_twice(struct cli *cli, const struct ja_secret *first,
                                struct ja_error *err)
{
    struct ja_secret again = {0};
    enum ja_status st = cli_tty_line(cli, "Again: ", false, JA_PASSWORD_MAX, &again, err);

    if (st == JA_OK && !ja_secret_equal(first, again.data, again.len))
        st = ja_fail(err, JA_ERR_INVALID, "passwords_differ", "the two passwords differ");
    ja_secret_clear(&again);
    return st;
}

enum ja_status cli_password(struct cli *cli, const char *what, const char *text, bool twice,
                            struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret s = {0};
    const char *file = has_option(cli, "password-file") ? cli_opt(cli, "password-file") : NULL;
    bool in = has_option(cli, "password-stdin") && cli_flag(cli, "password-stdin");
    enum ja_status st;

    if (file && in)
        return cli_usage(cli, err, "--password-stdin and --password-file exclude each other");
    if (file)
        return cli_file_line(cli, file, what, JA_PASSWORD_MAX, ret, err);
    if (in)
        return cli_stdin_line(cli, what, JA_PASSWORD_MAX, ret, err);
    st = cli_tty_line(cli, text, false, JA_PASSWORD_MAX, &s, err);
    if (st == JA_OK && twice)
        st = ask_twice(cli, &s, err);
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}

enum ja_status cli_old_password(struct cli *cli, const char *text, struct ja_secret *ret,
                                struct ja_error *err)
{
    if (has_option(cli, "password-stdin") && cli_flag(cli, "password-stdin"))
        return cli_stdin_line(cli, "old password", JA_PASSWORD_MAX, ret, err);
    return cli_tty_line(cli, text, false, JA_PASSWORD_MAX, ret, err);
}

enum ja_status cli_secret(struct cli *cli, const char *stdin_flag, const char *what,
                          const char *text, size_t max, struct ja_secret *ret,
                          struct ja_error *err)
{
    if (cli_flag(cli, stdin_flag))
        return cli_stdin_line(cli, what, max, ret, err);
    return cli_tty_line(cli, text, false, max, ret, err);
}

enum ja_status cli_arg_or_stdin(struct cli *cli, int index, const char *what, size_t max,
                                struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret s = {0};
    enum ja_status st;

    if (index >= cli->nargs || strcmp(cli->args[index], "-") == 0)
        return cli_stdin_all(cli, what, max, ret, err);
    if (strlen(cli->args[index]) > max)
        return too_long(what, max, err);
    st = ja_crypto_init(err);
    if (st == JA_OK)
        st = ja_secret_from(&s, cli->args[index], strlen(cli->args[index]), err);
    if (st == JA_OK)
        *ret = s;
    return st;
}

/* ---- questions ---- */

enum ja_status cli_confirm(struct cli *cli, struct ja_error *err, const char *fmt, ...)
{
    struct ja_secret answer = {0};
    char question[400], safe[1000], prompt[1100];
    enum ja_status st;
    va_list ap;

    if (cli->yes)
        return JA_OK;
    va_start(ap, fmt);
    (void)vsnprintf(question, sizeof question, fmt, ap);
    va_end(ap);
    (void)ja_text_escape(question, safe, sizeof safe);
    (void)snprintf(prompt, sizeof prompt, "%s [y/N] ", safe);
    st = cli_tty_line(cli, prompt, true, 16, &answer, err);
    if (st != JA_OK && cli->usage)
        return cli_usage(cli, err, "this cannot be undone and there is no terminal to ask on; "
                                   "give --yes if it is meant");
    if (st != JA_OK)
        return st;
    if (strcmp((const char *)answer.data, "y") != 0 && strcmp((const char *)answer.data, "yes") != 0)
        st = ja_fail(err, JA_ERR_DENIED, "not_confirmed", "not confirmed: nothing was changed");
    ja_secret_clear(&answer);
    return st;
}
