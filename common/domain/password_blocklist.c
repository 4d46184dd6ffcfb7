#include "common/domain/password_blocklist.h"

#include "common/base/file_guard.h"

#include <sodium.h>
#include <string.h>

#define SUFFIX_MAX 6
#define CORE_MIN 4
#define FILE_MAX ((size_t)64 << 20)

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The letter that people write as this character; 1 and ! stand for either i or l. */
static char plain_letter(char c, char one)
{
    static const char from[] = "@4830$57+", to[] = "aabeosstt";
    const char *at = c ? strchr(from, c) : NULL;

    if (c == '1' || c == '!' || c == '|')
        return one;
    return at ? to[at - from] : c;
}

/* What people put behind a word to satisfy a rule. */
static bool is_tail(char c)
{
    return c > ' ' && c < 0x7f && !(c >= 'a' && c <= 'z');
}

/* Is the word, as it stands or with its letters restored, on the list? word[0] is the newline that
 * the list has before each; there is room for the one after it. */
static bool listed(const char *word, size_t len)
{
    char line[JA_PASSWORD_MAX + 2];
    bool found = false;

    for (const char *one = "-il"; *one && !found; one++) {
        for (size_t i = 0; i < len; i++)
            line[i] = *one == '-' ? word[i] : plain_letter(word[i], *one);
        line[len] = '\n';
        found = memmem(ja_common_passwords, ja_common_passwords_len, line, len + 1) != NULL;
    }
    sodium_memzero(line, sizeof line);
    return found;
}

bool ja_blocklist_common(const void *pw, size_t len)
{
    const char *text = pw;
    char word[JA_PASSWORD_MAX + 1];
    bool found;

    if (len == 0 || len > JA_PASSWORD_MAX || memchr(pw, '\n', len))
        return false;
    word[0] = '\n';
    for (size_t i = 0; i < len; i++)
        word[i + 1] = lower(text[i]);
    found = listed(word, len + 1);
    for (size_t n = len; !found && n > CORE_MIN && len - n < SUFFIX_MAX && is_tail(word[n]); n--)
        found = listed(word, n); /* the newline and n - 1 characters */
    sodium_memzero(word, sizeof word);
    return found;
}

static bool same_fold(const char *a, const char *b, size_t len)
{
    size_t i = 0;

    while (i < len && lower(a[i]) == lower(b[i]))
        i++;
    return i == len;
}

enum ja_status ja_blocklist_file(const char *path, const void *pw, size_t len, bool *ret_found,
                                 struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0644, .max_size = FILE_MAX, .allow_own = true};
    struct ja_secret text = {0};
    bool found = false;
    enum ja_status st = ja_file_read(path, &rule, &text, err);
    const char *p = (const char *)text.data, *end = p ? p + text.len : p;

    while (st == JA_OK && !found && p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n;

        if (!stop)
            stop = end;
        n = (size_t)(stop - p);
        if (n > 0 && p[n - 1] == '\r')
            n--;
        found = n == len && n > 0 && same_fold(p, pw, n);
        p = stop + 1;
    }
    ja_secret_clear(&text);
    if (st == JA_OK)
        *ret_found = found;
    return st;
}
