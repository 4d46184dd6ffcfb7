#include "daemon/failures.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8 /* places that a source may have */

struct place {
    char source[JA_NET_TEXT]; /* "": free */
    int64_t since, count;
};

struct failures {
    pthread_mutex_t lock;
    struct place places[FAILURES_SOURCES];
};

enum ja_status failures_new(struct failures **ret, struct ja_error *err)
{
    struct failures *f = calloc(1, sizeof *f);

    if (!f)
        return ja_fail_nomem(err);
    (void)pthread_mutex_init(&f->lock, NULL);
    *ret = f;
    return JA_OK;
}

void failures_free(struct failures *f)
{
    if (f)
        (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

/* FNV-1a: spreads; who makes two sources meet throttles nobody, as they share a row and not a count. */
static size_t row_of(const char *source)
{
    uint32_t h = 2166136261U;

    for (; *source; source++)
        h = (h ^ (unsigned char)*source) * 16777619U;
    return h % (FAILURES_SOURCES / WAYS) * WAYS;
}

static struct place *place_of(struct failures *f, const char *source)
{
    struct place *row = &f->places[row_of(source)], *oldest = row;

    for (size_t i = 0; i < WAYS; i++)
        if (strcmp(row[i].source, source) == 0)
            return &row[i];
    for (size_t i = 0; i < WAYS; i++) {
        if (!row[i].source[0])
            return &row[i];
        if (row[i].since < oldest->since)
            oldest = &row[i];
    }
    oldest->source[0] = 0;
    return oldest;
}

bool failures_book(struct failures *f, const char *source, const struct ja_rate *rate, int64_t now, unsigned *ret_wait)
{
    struct place *p;
    bool over;

    (void)pthread_mutex_lock(&f->lock);
    p = place_of(f, source);
    if (!p->source[0] || now - p->since >= rate->seconds) {
        (void)snprintf(p->source, sizeof p->source, "%s", source);
        p->since = now;
        p->count = 0;
    }
    over = p->count >= rate->count;
    if (over)
        *ret_wait = (unsigned)(p->since + rate->seconds - now);
    else
        p->count++;
    (void)pthread_mutex_unlock(&f->lock);
    return over;
}

unsigned failures_wait(struct failures *f, const char *source, const struct ja_rate *rate, int64_t now)
{
    unsigned wait = 0;

    (void)pthread_mutex_lock(&f->lock);
    for (const struct place *p = &f->places[row_of(source)], *end = p + WAYS; p < end; p++)
        if (strcmp(p->source, source) == 0 && p->count >= rate->count && now - p->since < rate->seconds)
            wait = (unsigned)(p->since + rate->seconds - now);
    (void)pthread_mutex_unlock(&f->lock);
    return wait;
}
