/* What every fuzz target shares: demands that end the run, and a reader that cuts the bytes into values.
 *
 * A target is one function of bytes, deterministic, with no memory from one input to the next; its own
 * fixtures are made in LLVMFuzzerInitialize.
 */
#ifndef JA_TEST_FUZZ_H
#define JA_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
/* Only there when libFuzzer is (JA_FUZZ_ENGINE). */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* A property that must hold for every input. */
#define FUZZ_DEMAND(cond) \
    do { \
        if (!(cond)) { \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #cond); \
            abort(); \
        } \
    } while (0)

struct fuzz_bytes {
    const uint8_t *p;
    size_t left;
};

/* 0 when nothing is left. */
static inline uint8_t fuzz_byte(struct fuzz_bytes *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

/* A malloc'd C string up to the next `end` byte (dropped) or NUL; what is left when there is none. */
static inline char *fuzz_text(struct fuzz_bytes *in, char end)
{
    size_t n = 0;
    char *s;

    while (n < in->left && in->p[n] != 0 && in->p[n] != (uint8_t)end)
        n++;
    s = malloc(n + 1);
    FUZZ_DEMAND(s != NULL);
    if (n > 0)
        memcpy(s, in->p, n);
    s[n] = 0;
    in->p += n < in->left ? n + 1 : n;
    in->left -= n < in->left ? n + 1 : n;
    return s;
}

#endif
