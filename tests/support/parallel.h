/* Many processes at once: all wait at one barrier, then each runs `fn` with its number. */
#ifndef JA_TEST_PARALLEL_H
#define JA_TEST_PARALLEL_H

#define JA_PARALLEL_MAX 256

/* fn's answer (0 to 250) of process i is in results[i]; 255: the process did not end by itself.
 * Children must open connections of their own. */
void ja_parallel(int count, int (*fn)(void *arg, int number), void *arg, int *results);

#endif
