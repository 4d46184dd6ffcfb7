#include "cli/text_diff.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 2000
#define AROUND 3 /* lines shown before and behind a change */

struct lines {
    const char *at[LINES_MAX];
    size_t len[LINES_MAX]; /* with the newline, where there is one */
    size_t n;
};
/* The longest common subsequence of what is left from (i, j) on, (a.n + 1) * (b.n + 1) numbers. */
struct diff {
    struct lines a, b;
    uint16_t *common;
};
/* One line of the answer: of both, of the first, of the second text. */
struct step {
    char mark;
    size_t i, j;
};

static bool split(struct lines *l, const struct ja_secret *text)
{
    const char *p = (const char *)text->data, *end = p + text->len;

    for (; p < end; l->n++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        if (l->n == LINES_MAX)
            return false;
        l->at[l->n] = p;
        l->len[l->n] = (size_t)((nl ? nl + 1 : end) - p);
        p += l->len[l->n];
    }
    return true;
}

static bool same(const struct diff *d, size_t i, size_t j)
{
    return d->a.len[i] == d->b.len[j] && strncmp(d->a.at[i], d->b.at[j], d->a.len[i]) == 0;
}

static uint16_t *cell(const struct diff *d, size_t i, size_t j)
{
    return &d->common[i * (d->b.n + 1) + j];
}

static void fill(const struct diff *d)
{
    for (size_t i = d->a.n; i-- > 0;)
        for (size_t j = d->b.n; j-- > 0;) {
            uint16_t down = *cell(d, i + 1, j), right = *cell(d, i, j + 1);

            if (same(d, i, j))
                *cell(d, i, j) = (uint16_t)(*cell(d, i + 1, j + 1) + 1);
            else
                *cell(d, i, j) = down > right ? down : right;
        }
}

static size_t walk(const struct diff *d, struct step *steps)
{
    size_t i = 0, j = 0, n = 0;

    while (i < d->a.n || j < d->b.n) {
        struct step s = {' ', i, j};

        if (i < d->a.n && j < d->b.n && same(d, i, j))
            i++, j++;
        else if (j == d->b.n || (i < d->a.n && *cell(d, i + 1, j) >= *cell(d, i, j + 1)))
            s.mark = '-', i++;
        else
            s.mark = '+', j++;
        steps[n++] = s;
    }
    return n;
}

static void put_step(FILE *out, const struct diff *d, const struct step *s)
{
    const struct lines *l = s->mark == '+' ? &d->b : &d->a;
    size_t k = s->mark == '+' ? s->j : s->i;

    (void)fputc(s->mark, out);
    (void)fwrite(l->at[k], 1, l->len[k], out);
    if (l->at[k][l->len[k] - 1] != '\n')
        (void)fputs("\n\\ No newline at end of file\n", out);
}

/* Steps from..end, changes and what is around them. */
static void put_hunk(FILE *out, const struct diff *d, const struct step *steps, size_t from, size_t end)
{
    size_t old = 0, new = 0;

    for (size_t k = from; k < end; k++) {
        old += steps[k].mark != '+';
        new += steps[k].mark != '-';
    }
    (void)fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", steps[from].i + (old > 0), old, steps[from].j + (new > 0), new);
    for (size_t k = from; k < end; k++)
        put_step(out, d, &steps[k]);
}

static void put_all(FILE *out, const struct diff *d, const struct step *steps, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t from = k, last = k;

        if (steps[k].mark == ' ')
            continue;
        for (size_t m = k; m < n && m <= last + 2 * AROUND; m++)
            if (steps[m].mark != ' ')
                last = m;
        from = k > AROUND ? k - AROUND : 0;
        k = last + AROUND < n ? last + AROUND : n - 1;
        put_hunk(out, d, steps, from, k + 1);
    }
}

static char *print(const struct diff *d, const char *name)
{
    struct step *steps = calloc(d->a.n + d->b.n + 1, sizeof *steps);
    char *text = NULL;
    size_t len = 0, n;
    FILE *out = steps ? open_memstream(&text, &len) : NULL;

    if (out) {
        n = walk(d, steps);
        if (n > *cell(d, 0, 0)) {
            (void)fprintf(out, "--- %s\n+++ %s\n", name, name);
            put_all(out, d, steps, n);
        }
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    free(steps);
    return text;
}

char *text_diff(const char *name, const struct ja_secret *before, const struct ja_secret *after)
{
    struct diff *d = calloc(1, sizeof *d);
    char *text = NULL;

    if (d && split(&d->a, before) && split(&d->b, after))
        d->common = calloc((d->a.n + 1) * (d->b.n + 1), sizeof *d->common);
    if (d && d->common) {
        fill(d);
        text = print(d, name);
    }
    if (d)
        free(d->common);
    free(d);
    return text;
}
