/* SSH_AUTH_INFO_0 as OpenSSH writes it (auth2_update_session_info, auth2.c): one line a method, "method" or
 * "method/submethod", then a blank and what the method says; for a key its type and base64. */
#include "pam/pam_session.h"

#include <string.h>

#define INFO_MAX 65536

static bool is(const char *word, size_t len, const char *name)
{
    return strlen(name) == len && strncmp(word, name, len) == 0;
}

/* "publickey TYPE BASE64": the type is the signature key's, sk- for a security key (PROTOCOL.u2f). */
static const char *of_key(const char *rest, size_t len)
{
    size_t type = 0;

    if (len == 0 || rest[0] != ' ')
        return NULL;
    rest++, len--;
    while (type < len && rest[type] != ' ')
        type++;
    if (type == 0 || type + 1 >= len)
        return NULL;
    return type > 3 && strncmp(rest, "sk-", 3) == 0 ? "hwk" : "pop";
}

static const char *of_line(const char *line, size_t len)
{
    size_t method = 0;

    while (method < len && line[method] != ' ')
        method++;
    if (is(line, method, "publickey"))
        return of_key(line + method, len - method);
    if (is(line, method, "gssapi-with-mic") || is(line, method, "gssapi-keyex") ||
        is(line, method, "hostbased"))
        return "ext";
    return NULL;
}

const char *ja_pam_ssh_amr(const char *auth_info)
{
    const char *best = NULL;

    if (!auth_info || strnlen(auth_info, INFO_MAX) == INFO_MAX)
        return NULL;
    for (const char *line = auth_info; *line;) {
        size_t len = strcspn(line, "\n");
        const char *amr = of_line(line, len);

        /* Several keys: the weaker kind is named, so that "hwk" holds for all of them. */
        if (amr && (!best || strcmp(amr, "pop") == 0))
            best = amr;
        line += len + (line[len] == '\n');
    }
    return best;
}

static unsigned method_of_line(const char *line, size_t len)
{
    static const struct { const char *name; unsigned method; } all[] = {
        {"password", JA_METHOD_PASSWORD},      {"keyboard-interactive", JA_METHOD_PASSWORD},
        {"publickey", JA_METHOD_PUBLICKEY},    {"hostbased", JA_METHOD_HOSTBASED},
        {"gssapi-with-mic", JA_METHOD_GSSAPI}, {"gssapi-keyex", JA_METHOD_GSSAPI},
    };
    size_t word = 0;

    while (word < len && line[word] != ' ' && line[word] != '/')
        word++;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (is(line, word, all[i].name))
            return all[i].method;
    return JA_METHOD_OTHER;
}

unsigned ja_pam_ssh_methods(const char *auth_info)
{
    unsigned methods = 0;

    if (!auth_info)
        return 0;
    if (strnlen(auth_info, INFO_MAX) == INFO_MAX)
        return JA_METHOD_OTHER;
    for (const char *line = auth_info; *line;) {
        size_t len = strcspn(line, "\n");

        if (len > 0)
            methods |= method_of_line(line, len);
        line += len + (line[len] == '\n');
    }
    return methods;
}
