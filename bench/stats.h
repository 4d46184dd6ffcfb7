/* Time, medians and the printed rows of all benchmarks. Only ratios of one interleaved run count.
 */
#ifndef JA_BENCH_STATS_H
#define JA_BENCH_STATS_H

#include <sys/types.h>

#define BENCH_MOST 4096

struct bench_series { double ms[BENCH_MOST]; int len; };
/* Wall and CPU time, of each turn. */
struct bench_cost { struct bench_series wall, cpu; };

double bench_now_ms(void);
double bench_cpu_ms(void); /* of this process, which other work on the machine hardly moves */
void bench_add(struct bench_series *s, double ms);
double bench_quantile(const struct bench_series *s, double q);
double bench_median(const struct bench_series *s);
/* BENCH_ROUNDS, or so many. */
int bench_rounds(int otherwise);

/* "NAME  VALUE UNIT  aim AIM  ok|OVER"; aim NULL: a figure without one. */
void bench_row(const char *name, double value, const char *unit, const char *aim, int ok);
/* a over b, with both in the row. */
void bench_ratio(const char *name, const struct bench_series *a, const struct bench_series *b,
                 double most, const char *than);
/* The row under another: the same by CPU time. */
void bench_by_cpu(const struct bench_cost *a, const struct bench_cost *b);
/* Adds what a child that was started at `begin` took. Dies unless it ends well. */
void bench_wait(const char *name, pid_t pid, double begin, struct bench_cost *c);
_Noreturn void bench_die(const char *what, const char *why);

#endif
