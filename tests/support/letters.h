/* What the outbox of a test store holds, opened. */
#ifndef JA_TEST_LETTERS_H
#define JA_TEST_LETTERS_H

#include "common/domain/ctx.h"

#include <stdbool.h>
#include <stddef.h>

struct ja_test_letter {
    char id[64], channel[16], destination[300], template[64];
    char secret[64]; /* token or code */
    char link[256], username[64];
};

/* The newest message of this template (NULL: of all); false: there is none. Fails the test program on damage. */
bool ja_test_letter(struct ja_ctx *ctx, const char *template, struct ja_test_letter *ret);
/* How many of this template were queued. */
int ja_test_letters(struct ja_ctx *ctx, const char *template);

#endif
