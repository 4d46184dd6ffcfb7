#include "common/import/text_lines.h"

#include <string.h>

static bool has_controls(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
            return true;
    return false;
}

bool ja_line_next(struct ja_lines *lines, struct ja_line *ret)
{
    const char *end;

    if (lines->left == 0)
        return false;
    end = memchr(lines->p, '\n', lines->left);
    ret->text = lines->p;
    ret->len = end ? (size_t)(end - lines->p) : lines->left;
    ret->bad = ret->len > JA_IMPORT_LINE_MAX || has_controls(ret->text, ret->len);
    lines->p += ret->len + (end ? 1 : 0);
    lines->left -= ret->len + (end ? 1 : 0);
    lines->number++;
    return true;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

bool ja_line_word(struct ja_line *rest, struct ja_line *ret)
{
    size_t start = 0, end;

    while (start < rest->len && blank(rest->text[start]))
        start++;
    for (end = start; end < rest->len && !blank(rest->text[end]);)
        end++;
    *ret = (struct ja_line){.text = rest->text + start, .len = end - start};
    rest->text += end;
    rest->len -= end;
    return ret->len > 0;
}

bool ja_line_is(const struct ja_line *word, const char *text)
{
    return word->len == strlen(text) && strncmp(word->text, text, word->len) == 0;
}

bool ja_line_number(const struct ja_line *word, int64_t *ret)
{
    int64_t n = 0;

    if (word->len == 0 || word->len > 18)
        return false;
    for (size_t i = 0; i < word->len; i++) {
        if (word->text[i] < '0' || word->text[i] > '9')
            return false;
        n = n * 10 + (word->text[i] - '0');
    }
    *ret = n;
    return true;
}
