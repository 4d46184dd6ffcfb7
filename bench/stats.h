/* Time, medians and the printed rows of all benchmarks. Only ratios of one interleaved run count.
 */
#ifndef JA_BENCH_STATS_H
#define JA_BENCH_STATS_H

#define BENCH_MOST 4096

struct bench_series { double ms[BENCH_MOST]; int len; };

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
_Noreturn void bench_die(const char *what, const char *why);

#endif
