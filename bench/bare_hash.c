/* What a password login cannot do without: one argon2id of the default cost (64 MiB, 2 passes).
 * "once": one, in a fresh process. "serve": one for each byte on standard input; answers its
 * milliseconds. */
#include "bench/stats.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void hash(void)
{
    static const char pw[] = "Correct-Horse-42";
    unsigned char salt[crypto_pwhash_SALTBYTES] = {1}, out[32];

    if (crypto_pwhash(out, sizeof out, pw, sizeof pw - 1, salt, 2, 64 << 20,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        bench_die("bare_hash", "no memory");
}

int main(int argc, char **argv)
{
    char byte;

    if (argc != 2 || sodium_init() < 0)
        return 2;
    if (strcmp(argv[1], "once") == 0) {
        hash();
        return 0;
    }
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        double ms[2] = {bench_now_ms(), bench_cpu_ms()};

        hash();
        ms[0] = bench_now_ms() - ms[0];
        ms[1] = bench_cpu_ms() - ms[1];
        if (write(STDOUT_FILENO, ms, sizeof ms) != (ssize_t)sizeof ms)
            return 1;
    }
    return 0;
}
