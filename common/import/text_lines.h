/* Lines of a file in memory, one after the other, with their numbers. */
#ifndef JA_IMPORT_TEXT_LINES_H
#define JA_IMPORT_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JA_IMPORT_LINE_MAX 4096

struct ja_lines {
    const char *p;
    size_t left;
    int64_t number; /* of the line that was given last; 0 before the first */
};
struct ja_line {
    const char *text; /* borrowed, no NUL at its end */
    size_t len;       /* without the newline */
    bool bad;         /* too long, or with control characters (a tab is none) */
};

bool ja_line_next(struct ja_lines *lines, struct ja_line *ret);
/* The next word of a line: blanks and tabs separate. False at the end. */
bool ja_line_word(struct ja_line *rest, struct ja_line *ret);
bool ja_line_is(const struct ja_line *word, const char *text);
/* Digits alone, at most 18 of them. */
bool ja_line_number(const struct ja_line *word, int64_t *ret);

#endif
