#include "bench/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

double bench_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

double bench_cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void bench_add(struct bench_series *s, double ms)
{
    if (s->len < BENCH_MOST)
        s->ms[s->len++] = ms;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_quantile(const struct bench_series *s, double q)
{
    struct bench_series sorted = *s;
    int at = (int)(q * (s->len - 1) + 0.5);

    if (s->len == 0)
        bench_die("statistics", "nothing was measured");
    qsort(sorted.ms, (size_t)sorted.len, sizeof sorted.ms[0], ascending);
    return sorted.ms[at];
}

double bench_median(const struct bench_series *s)
{
    return bench_quantile(s, 0.5);
}

int bench_rounds(int otherwise)
{
    const char *text = getenv("BENCH_ROUNDS");
    long n = text ? strtol(text, NULL, 10) : 0;

    return n > 0 && n < BENCH_MOST ? (int)n : otherwise;
}

void bench_row(const char *name, double value, const char *unit, const char *aim, int ok)
{
    printf("%-44s %9.3f %-34s %-14s %s\n", name, value, unit, aim ? aim : "",
           !aim ? "" : ok ? "ok" : "OVER");
    (void)fflush(stdout);
}

void bench_ratio(const char *name, const struct bench_series *a, const struct bench_series *b,
                 double most, const char *than)
{
    double x = bench_median(a), y = bench_median(b);
    char aim[32], unit[96];

    (void)snprintf(aim, sizeof aim, "aim <= %.2f", most);
    (void)snprintf(unit, sizeof unit, "x %s (%.3g/%.3g ms)", than, x, y);
    bench_row(name, x / y, unit, aim, x / y <= most);
}

void bench_by_cpu(const struct bench_cost *a, const struct bench_cost *b)
{
    double x = bench_median(&a->cpu), y = bench_median(&b->cpu);
    char unit[64];

    (void)snprintf(unit, sizeof unit, "x (%.3g/%.3g ms)", x, y);
    bench_row("  by CPU time", x / y, unit, NULL, 1);
}

static double ms_of(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

void bench_wait(const char *name, pid_t pid, double begin, struct bench_cost *c)
{
    struct rusage used;
    int status = 0;

    if (wait4(pid, &status, 0, &used) != pid || status != 0)
        bench_die(name, "did not end well");
    bench_add(&c->wall, bench_now_ms() - begin);
    bench_add(&c->cpu, ms_of(used.ru_utime) + ms_of(used.ru_stime));
}

void bench_die(const char *what, const char *why)
{
    (void)fflush(stdout);
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}
