#include "tests/support/core_search.h"

#include "common/base/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILTER_BITS 20
#define CHUNK ((size_t)1 << 20)
#define FORM_MAX ((size_t)16384)

static void *must(void *p)
{
    if (!p)
        exit(99);
    return p;
}

static uint64_t load(const unsigned char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t slot(uint64_t v)
{
    return (uint32_t)(v * UINT64_C(0x9e3779b97f4a7c15) >> (64 - FILTER_BITS));
}

/* `run`: how many bytes in a row count; 16 where a byte has few bits, or half of any text would be found. */
static void add_form(struct core_search *s, const char *name, const void *form, size_t len, size_t run)
{
    const unsigned char *data = form;

    if (len < run)
        exit(98);
    if (!s->filter)
        s->filter = must(calloc(1, (size_t)1 << (FILTER_BITS - 3)));
    for (size_t i = 0; i + run <= len; i++) {
        uint64_t v = load(data + i);

        if (s->count == s->size) {
            s->size = s->size ? s->size * 2 : 256;
            s->windows = must(realloc(s->windows, s->size * sizeof *s->windows));
        }
        s->windows[s->count++] = (struct core_window){v, load(data + i + run - CORE_WINDOW), run, name};
        s->filter[slot(v) >> 3] |= (unsigned char)(1 << (slot(v) & 7));
    }
}

static void add_codings(struct core_search *s, const char *name, const void *data, size_t len)
{
    char *text = must(malloc(FORM_MAX));

    if (len * 2 + 1 > FORM_MAX)
        exit(98);
    (void)sodium_bin2hex(text, FORM_MAX, data, len);
    add_form(s, name, text, len * 2, 2 * CORE_WINDOW);
    ja_b64_encode(data, len, text, FORM_MAX);
    add_form(s, name, text, strlen(text), strlen(text) < 2 * CORE_WINDOW ? CORE_WINDOW : 2 * CORE_WINDOW);
    free(text);
}

static void turn(unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        unsigned char c = bytes[i];

        bytes[i] = bytes[len - 1 - i];
        bytes[len - 1 - i] = c;
    }
}

void core_add_text(struct core_search *s, const char *name, const char *text)
{
    size_t len = strlen(text);
    unsigned char *copy = must(malloc(len + 1));

    memcpy(copy, text, len + 1);
    for (int lower = 0; lower < 2; lower++) {
        for (int turned = 0; turned < 2; turned++) {
            add_form(s, name, copy, len, CORE_WINDOW);
            turn(copy, len);
        }
        for (size_t i = 0; i < len; i++)
            copy[i] = (unsigned char)(copy[i] >= 'A' && copy[i] <= 'Z' ? copy[i] + 32 : copy[i]);
    }
    add_codings(s, name, text, len);
    free(copy);
}

void core_add_bytes(struct core_search *s, const char *name, const void *data, size_t len)
{
    unsigned char *copy = must(malloc(len));

    memcpy(copy, data, len);
    add_form(s, name, copy, len, CORE_WINDOW);
    turn(copy, len);
    add_form(s, name, copy, len, CORE_WINDOW);
    add_codings(s, name, data, len);
    free(copy);
}

void core_clear(struct core_search *s)
{
    free(s->windows);
    free(s->filter);
    *s = (struct core_search){0};
}

static int compare(const void *a, const void *b)
{
    uint64_t x = ((const struct core_window *)a)->bytes, y = ((const struct core_window *)b)->bytes;

    return x < y ? -1 : x > y;
}

static void report(struct core_finding *f, const struct core_window *w, unsigned long at, const char *map)
{
    const char *name = w->name;
    size_t used = strlen(f->text);

    f->hits++;
    if (!strstr(f->text, name) || f->hits < 8)
        (void)snprintf(f->text + used, sizeof f->text - used, "%s (%016" PRIx64 ") at %lx in %s\n", name,
                       w->bytes, at, map);
}

static void look_in(struct core_search *s, const unsigned char *buf, size_t len, unsigned long at, const char *map,
                    struct core_finding *f)
{
    for (size_t i = 0; i + CORE_WINDOW <= len; i++) {
        uint64_t v = load(buf + i);
        uint32_t n = slot(v);
        const struct core_window *found;

        if (!(s->filter[n >> 3] & (1 << (n & 7))))
            continue;
        found = bsearch(&(struct core_window){.bytes = v}, s->windows, s->count, sizeof *s->windows, compare);
        if (found && i + found->run <= len && load(buf + i + found->run - CORE_WINDOW) == found->last)
            report(f, found, at + i, map);
    }
}

static void look_at_map(struct core_search *s, int mem, unsigned long from, unsigned long to, const char *map,
                        unsigned char *buf, struct core_finding *f)
{
    for (unsigned long at = from; at < to;) {
        size_t want = to - at < CHUNK ? to - at : CHUNK;
        ssize_t n = pread(mem, buf, want, (off_t)at);

        if (n <= 0) /* a guard page, or the kernel's own */
            return;
        look_in(s, buf, (size_t)n, at, map, f);
        f->bytes += (size_t)n;
        if ((size_t)n < CHUNK)
            return;
        at += (size_t)n - (2 * CORE_WINDOW - 1);
    }
}

void core_look(struct core_search *s, pid_t pid, int mem, struct core_finding *ret)
{
    unsigned char *buf = must(malloc(CHUNK));
    char path[64], line[1024];
    FILE *maps;

    *ret = (struct core_finding){0};
    qsort(s->windows, s->count, sizeof *s->windows, compare);
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    maps = must(fopen(path, "re"));
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        int name = 0;

        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%lx-%lx %*s %*s %*s %n", &from, &to, &name) >= 2)
            look_at_map(s, mem, from, to, line + name, buf, ret);
    }
    (void)fclose(maps);
    free(buf);
}
