/* What the loader says: file, line, and the name that was probably meant. */
#include "common/base/config_load.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

/* Levenshtein distance, for suggestions; 99 for texts that are too long to be near. */
static unsigned distance(const char *a, const char *b)
{
    unsigned char row[33];
    size_t n = strlen(b);

    if (strlen(a) >= sizeof row || n >= sizeof row)
        return 99;
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned char)j;
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned char diagonal = row[0];
        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = best < row[j] + 1u ? best : row[j] + 1u;
            best = best < row[j - 1] + 1u ? best : row[j - 1] + 1u;
            row[j] = (unsigned char)best;
        }
    }
    return row[n];
}

const char *ja_config_suggest(const struct ja_option *table, size_t len, const char *section, const char *key)
{
    unsigned best = 3;
    const char *ret = NULL;

    for (size_t i = 0; i < len; i++) {
        const struct ja_option *o = &table[i];
        unsigned d;
        if (key && strcmp(o->section, section) != 0)
            continue;
        d = key ? distance(key, o->key) : distance(section, o->section);
        if (d < best) {
            best = d;
            ret = key ? o->key : o->section;
        }
    }
    return ret;
}

/* libini_config tells lines of keys only.  For messages: the line of "[section]", or, without a name, the first
 * that is neither blank nor a comment; 0 when not found. */
unsigned ja_config_header_line(const char *text, const char *section)
{
    unsigned line = 1;

    for (const char *s = text; *s; line++) {
        size_t len = strcspn(s, "\n"), blank = strspn(s, " \t\r");
        const char *p = s + blank;

        if (!section && blank < len && *p != '#' && *p != ';')
            return line;
        if (section && *p == '[') {
            p += 1 + strspn(p + 1, " \t");
            if (strncmp(p, section, strlen(section)) == 0 &&
                p[strlen(section) + strspn(p + strlen(section), " \t")] == ']')
                return line;
        }
        s += len + (s[len] == '\n');
    }
    return 0;
}

enum ja_status ja_config_fail_at(const struct ja_config_source *src, unsigned line, struct ja_error *err,
                                 const char *section, const char *key, const char *reason)
{
    char shown[2][80], at[16] = "";

    if (line > 0)
        (void)snprintf(at, sizeof at, ":%u", line);
    (void)ja_text_escape(section, shown[0], sizeof shown[0]);
    (void)ja_text_escape(key ? key : "", shown[1], sizeof shown[1]);
    return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s%s: [%s]%s%s %s", src->name, at,
                   shown[0], key ? " " : "", shown[1], reason);
}
