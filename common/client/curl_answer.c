#include "common/client/curl_answer.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* What is outgrown is wiped, so no realloc. */
static bool reserve(struct ja_curl_answer *a, size_t want)
{
    size_t room = a->room ? a->room : 4096;
    char *more;

    while (room < want)
        room *= 2;
    if (room == a->room)
        return true;
    more = calloc(1, room);
    if (!more)
        return false;
    if (a->text) {
        memcpy(more, a->text, a->len);
        sodium_memzero(a->text, a->room);
        free(a->text);
    }
    a->text = more;
    a->room = room;
    return true;
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
    struct ja_curl_answer *a = arg;
    size_t len = size * n;

    if (len > a->max - a->len || !reserve(a, a->len + len + 1))
        return 0;
    memcpy(a->text + a->len, data, len);
    a->len += len;
    return len;
}

void ja_curl_collect(struct ja_curl *c, struct ja_curl_answer *a)
{
    ja_curl_set(c, CURLOPT_WRITEFUNCTION, take);
    ja_curl_set(c, CURLOPT_WRITEDATA, a);
}

void ja_curl_answer_clear(struct ja_curl_answer *a)
{
    if (a->text)
        sodium_memzero(a->text, a->room);
    free(a->text);
    *a = (struct ja_curl_answer){0};
}
