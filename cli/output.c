#include "cli/output.h"

#include "cli/rows.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char stdout_buffer[16 * 1024]; /* holds tokens and codes: wiped by cli_output_close */

/* No default: the compiler names a status that has no exit code. */
enum cli_exit cli_exit_code(enum ja_status status)
{
    switch (status) {
    case JA_OK:
        return CLI_EXIT_OK;
    case JA_ERR_DENIED:
        return CLI_EXIT_NO;
    case JA_ERR_NOT_FOUND:
        return CLI_EXIT_NOT_FOUND;
    case JA_ERR_EXISTS:
    case JA_ERR_CONFLICT:
        return CLI_EXIT_EXISTS;
    case JA_ERR_INVALID:
    case JA_ERR_POLICY:
        return CLI_EXIT_INVALID;
    case JA_ERR_FORBIDDEN:
        return CLI_EXIT_FORBIDDEN;
    case JA_ERR_THROTTLED:
    case JA_ERR_BUSY:
    case JA_ERR_UNAVAILABLE:
        return CLI_EXIT_LATER;
    case JA_ERR_NOMEM:
    case JA_ERR_IO:
    case JA_ERR_FULL:
    case JA_ERR_UNSAFE:
    case JA_ERR_CONFIG:
    case JA_ERR_CORRUPT:
    case JA_ERR_VERSION:
    case JA_ERR_CRYPTO:
    case JA_ERR_UNSUPPORTED:
    case JA_ERR_INTERNAL:
        return CLI_EXIT_BROKEN;
    }
    return CLI_EXIT_BROKEN;
}

/* A closed 0, 1 or 2 would be taken by the next open: the database as "stderr". The stand-ins refuse
 * what the descriptor is for, so that a lost answer shows. */
void cli_output_open(void)
{
    static const int flags[3] = {O_WRONLY, O_RDONLY, O_WRONLY};

    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", flags[fd]) < 0)
            _exit(CLI_EXIT_BROKEN);
    (void)setvbuf(stdout, stdout_buffer, _IOFBF, sizeof stdout_buffer);
}

bool cli_stdout_failed(void)
{
    return ferror(stdout) != 0;
}

bool cli_output_close(void)
{
    bool wrote = fflush(stdout) == 0, failed = ferror(stdout) != 0;
    int errnum = errno;

    explicit_bzero(stdout_buffer, sizeof stdout_buffer);
    if (wrote && !failed)
        return true;
    /* A reader that has seen enough ("| head") needs no message. */
    if (errnum != EPIPE)
        (void)fprintf(stderr, "authctl: the answer could not be written: %s\n", strerror(errnum));
    return false;
}

/* ---- JSON ---- */

/* U+061C, 200E, 200F, 2028 to 202E, 2066 to 2069: texts that read otherwise than they are. *ret_cp is set. */
static size_t disguise(const unsigned char *s, size_t len, unsigned *ret_cp)
{
    if (len >= 2 && s[0] == 0xd8 && s[1] == 0x9c) {
        *ret_cp = 0x61c;
        return 2;
    }
    if (len < 3 || s[0] != 0xe2 || (s[1] != 0x80 && s[1] != 0x81))
        return 0;
    *ret_cp = 0x2000U + (s[1] - 0x80U) * 64 + (s[2] - 0x80U);
    return *ret_cp == 0x200e || *ret_cp == 0x200f || (*ret_cp >= 0x2028 && *ret_cp <= 0x202e) ||
                   (*ret_cp >= 0x2066 && *ret_cp <= 0x2069)
               ? 3 : 0;
}

/* jansson leaves DEL, C1 and marks of direction as they are; terminals may obey them (R27). All occur in strings only. */
static int json_out(const char *text, size_t len, void *arg)
{
    FILE *to = arg;
    unsigned cp = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t n = disguise((const unsigned char *)text + i, len - i, &cp);

        if (n > 0) {
            (void)fprintf(to, "\\u%04x", cp);
            i += n - 1;
        } else if (c == 0x7f)
            (void)fputs("\\u007f", to);
        else if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0)
            (void)fprintf(to, "\\u00%02x", (unsigned)(unsigned char)text[++i]);
        else
            (void)putc(c, to);
    }
    return ferror(to) ? -1 : 0;
}

static void json_write(FILE *to, const json_t *doc)
{
    size_t style = isatty(fileno(to)) ? JSON_INDENT(2) : JSON_COMPACT;

    (void)json_dump_callback(doc, json_out, to, style);
    (void)putc('\n', to);
}

void cli_json_put(const json_t *value)
{
    (void)json_dump_callback(value, json_out, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
}

static bool listed(const char *list, const char *key)
{
    size_t len = strlen(key);

    for (const char *p = list; p && (p = strstr(p, key)); p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == 0 || p[len] == ' '))
            return true;
    return false;
}

static bool key_declared(const struct command *cmd, const char *key)
{
    if (cmd->keys && strcmp(cmd->keys, "*") == 0)
        return true;
    if (listed(cmd->keys, key))
        return true;
    for (size_t i = 0; cmd->rows && i < cmd->rows->count; i++)
        if (strcmp(cmd->rows->fields[i].key, key) == 0)
            return true;
    return false;
}

enum ja_status cli_answer(struct cli *cli, json_t *doc, struct ja_error *err)
{
    const char *key;
    json_t *value;

    if (!doc)
        return ja_fail_nomem(err);
    json_object_foreach (doc, key, value)
        if (!key_declared(cli->cmd, key)) {
            json_decref(doc);
            return ja_fail(err, JA_ERR_INTERNAL, "undeclared_key",
                           "the key '%s' is not in the command's table", key);
        }
    json_write(stdout, doc);
    json_decref(doc);
    cli->answered = true;
    return JA_OK;
}

/* ---- text ---- */

static void put_escaped(FILE *to, const char *text)
{
    size_t size = strlen(text) * 4 + 1;
    char *safe = malloc(size);

    if (!safe)
        return;
    (void)ja_text_escape(text, safe, size);
    (void)fputs(safe, to);
    ja_wipe_free(safe);
}

__attribute__((format(printf, 2, 0)))
static void vput_line(FILE *to, const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0)
        return;
    put_escaped(to, text);
    (void)putc('\n', to);
    ja_wipe_free(text);
}

void cli_line(struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vput_line(stdout, fmt, ap);
    va_end(ap);
    cli->answered = true;
}

void cli_raw(struct cli *cli, const void *data, size_t len)
{
    const char *text = data;

    if (len > 0)
        (void)fwrite(text, 1, len, stdout);
    if (len == 0 || text[len - 1] != '\n')
        (void)putc('\n', stdout);
    cli->answered = true;
}

static void put_name(const struct cli *cli)
{
    const struct command *c = cli->cmd;

    (void)fputs("authctl", stderr);
    if (c)
        (void)fprintf(stderr, c->verb ? " %s %s" : " %s", c->noun, c->verb);
    (void)fputs(": ", stderr);
}

void cli_notice(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    if (cli->quiet)
        return;
    put_name(cli);
    va_start(ap, fmt);
    vput_line(stderr, fmt, ap);
    va_end(ap);
}

/* ---- the end ---- */

static void report_json(const struct ja_error *err)
{
    json_t *doc = json_pack("{s:{s:o,s:o}}", "error", "code", ja_json_text(err->code), "message",
                            ja_json_text(err->message));

    if (doc && err->retry_after > 0)
        (void)json_object_set_new(json_object_get(doc, "error"), "retry_after",
                                  json_integer(err->retry_after));
    if (doc)
        json_write(stderr, doc);
    else
        (void)fputs("{\"error\":{\"code\":\"no_memory\",\"message\":\"out of memory\"}}\n", stderr);
    json_decref(doc);
}

/* "No" is an answer: it goes to stdout. */
static void report_no(struct cli *cli, const struct ja_error *err)
{
    json_t *doc = json_pack("{s:b,s:o,s:o}", "ok", 0, "code", ja_json_text(err->code), "message",
                            ja_json_text(err->message));

    if (doc)
        json_write(stdout, doc);
    json_decref(doc);
    cli->answered = true;
}

int cli_report(struct cli *cli, const struct ja_error *err)
{
    struct ja_error e = *err;

    if (e.message[0] == 0)
        (void)snprintf(e.message, sizeof e.message, "%s", ja_status_text(e.status));
    if (e.code[0] == 0)
        (void)snprintf(e.code, sizeof e.code, "failed");
    if (cli->json && e.status == JA_ERR_DENIED && !cli->usage) {
        if (!cli->answered)
            report_no(cli, &e);
    } else if (cli->json) {
        report_json(&e);
    } else {
        put_name(cli);
        put_escaped(stderr, e.message);
        (void)putc('\n', stderr);
    }
    return cli->usage ? CLI_EXIT_USAGE : cli_exit_code(e.status);
}
