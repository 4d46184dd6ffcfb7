#include "daemon/metrics.h"

#include "daemon/routes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double bounds[METRICS_BUCKETS] = {.0001, .00025, .001, .005, .025, .1, .25, 1, 5, 25};
static const char *const outcomes[] = {"success", "invalid_credentials", "otp_required", "too_many_attempts",
                                       "password_change_required", "captcha_required", "busy", "other"};
#define OUTCOMES (sizeof outcomes / sizeof *outcomes)
static const char *const captchas[] = {"passed", "refused", "unavailable"};
#define CAPTCHAS (sizeof captchas / sizeof *captchas)

struct route_metrics {
    atomic_ulong by_class[6]; /* 1xx ... 5xx */
    atomic_ulong buckets[METRICS_BUCKETS + 1];
    atomic_ulong total_us;
};

struct metrics {
    atomic_ulong logins[OUTCOMES], captchas[CAPTCHAS], tokens, chores[CHORE_KINDS][2]; /* failed, done */
    size_t nroutes;
    struct route_metrics routes[]; /* the last one: no route */
};

enum ja_status metrics_new(struct metrics **ret, struct ja_error *err)
{
    size_t n = http_route_count();
    struct metrics *m = calloc(1, sizeof *m + (n + 1) * sizeof m->routes[0]);

    if (!m)
        return ja_fail_nomem(err);
    m->nroutes = n;
    *ret = m;
    return JA_OK;
}

void metrics_free(struct metrics *m)
{
    free(m);
}

void metrics_answer(struct metrics *m, const struct http_route *route, int status, int64_t us)
{
    struct route_metrics *r = &m->routes[route ? http_route_index(route) : m->nroutes];
    size_t b = 0;

    while (b < METRICS_BUCKETS && (double)us / 1e6 > bounds[b])
        b++;
    atomic_fetch_add_explicit(&r->by_class[status / 100 % 6], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->buckets[b], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->total_us, (unsigned long)us, memory_order_relaxed);
}

void metrics_login(struct metrics *m, const char *code)
{
    size_t i = 0;

    while (i + 1 < OUTCOMES && strcmp(outcomes[i], code) != 0)
        i++;
    atomic_fetch_add_explicit(&m->logins[i], 1, memory_order_relaxed);
}

void metrics_captcha(struct metrics *m, const char *outcome)
{
    size_t i = 0;

    while (i + 1 < CAPTCHAS && strcmp(captchas[i], outcome) != 0)
        i++;
    atomic_fetch_add_explicit(&m->captchas[i], 1, memory_order_relaxed);
}

void metrics_token(struct metrics *m)
{
    atomic_fetch_add_explicit(&m->tokens, 1, memory_order_relaxed);
}

void metrics_chore(struct metrics *m, enum chore_kind kind, bool ok)
{
    atomic_fetch_add_explicit(&m->chores[kind][ok], 1, memory_order_relaxed);
}

/* ---- the text ---- */

static void put_total(FILE *out, const char *method, const char *path, struct route_metrics *r)
{
    for (int c = 1; c < 6; c++) {
        unsigned long n = atomic_load(&r->by_class[c]);

        if (n > 0)
            (void)fprintf(out, "jwtauthd_requests_total{method=\"%s\",route=\"%s\",class=\"%dxx\"} %lu\n", method, path,
                          c, n);
    }
}

/* Nothing for a route that was never asked. */
static void put_histogram(FILE *out, const char *method, const char *path, struct route_metrics *r)
{
    static const char name[] = "jwtauthd_request_seconds";
    unsigned long sum = 0;

    for (size_t b = 0; b <= METRICS_BUCKETS; b++)
        sum += atomic_load(&r->buckets[b]);
    if (sum == 0)
        return;
    sum = 0;
    for (size_t b = 0; b < METRICS_BUCKETS; b++) {
        sum += atomic_load(&r->buckets[b]);
        (void)fprintf(out, "%s_bucket{method=\"%s\",route=\"%s\",le=\"%g\"} %lu\n", name, method, path, bounds[b], sum);
    }
    sum += atomic_load(&r->buckets[METRICS_BUCKETS]);
    (void)fprintf(out, "%s_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %lu\n", name, method, path, sum);
    (void)fprintf(out, "%s_sum{method=\"%s\",route=\"%s\"} %.6f\n", name, method, path,
                  (double)atomic_load(&r->total_us) / 1e6);
    (void)fprintf(out, "%s_count{method=\"%s\",route=\"%s\"} %lu\n", name, method, path, sum);
}

struct put {
    FILE *out;
    struct metrics *m;
    void (*fn)(FILE *out, const char *method, const char *path, struct route_metrics *r);
};

static void put_one(void *arg, size_t index, const struct http_route *route)
{
    struct put *p = arg;

    p->fn(p->out, http_method_name(route->method), route->path, &p->m->routes[index]);
}

/* The format wants the lines of one metric together. */
static void put_all(FILE *out, struct metrics *m, void (*fn)(FILE *, const char *, const char *, struct route_metrics *))
{
    http_route_each(put_one, &(struct put){out, m, fn});
    fn(out, "", "none", &m->routes[m->nroutes]);
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_chores(FILE *out, struct metrics *m)
{
    head(out, "jwtauthd_chores_total", "counter", "Rounds of what is done on schedule, by outcome.");
    for (size_t i = 0; i < CHORE_KINDS; i++)
        (void)fprintf(out,
                      "jwtauthd_chores_total{chore=\"%s\",outcome=\"success\"} %lu\n"
                      "jwtauthd_chores_total{chore=\"%s\",outcome=\"failure\"} %lu\n",
                      chore_name((enum chore_kind)i), atomic_load(&m->chores[i][1]), chore_name((enum chore_kind)i),
                      atomic_load(&m->chores[i][0]));
}

static void put_gauge(FILE *out, const char *name, const char *help, size_t value)
{
    head(out, name, "gauge", help);
    (void)fprintf(out, "%s %zu\n", name, value);
}

static void put_pools(FILE *out, const char *name, const char *help, size_t hash, size_t work, size_t outside)
{
    head(out, name, "gauge", help);
    (void)fprintf(out, "%s{pool=\"hash\"} %zu\n%s{pool=\"work\"} %zu\n%s{pool=\"outside\"} %zu\n", name, hash, name,
                  work, name, outside);
}

static void put_gauges(FILE *out, const struct metrics_gauges *g)
{
    put_gauge(out, "jwtauthd_connections", "Open connections.", g->connections);
    put_gauge(out, "jwtauthd_connections_limit", "Connections past which callers wait.", g->connections_max);
    put_pools(out, "jwtauthd_queue_depth", "Calls that wait for a worker.", g->hash.waiting, g->work.waiting,
              g->outside.waiting);
    put_pools(out, "jwtauthd_queue_limit", "Calls past which the answer is 503.", g->hash.queue_max,
              g->work.queue_max, g->outside.queue_max);
    put_pools(out, "jwtauthd_workers_busy", "Workers that are at a call.", g->hash.running, g->work.running,
              g->outside.running);
    put_pools(out, "jwtauthd_workers", "Threads that take such calls.", g->hash.workers, g->work.workers,
              g->outside.workers);
    put_gauge(out, "jwtauthd_hash_slots_in_use", "Passwords being hashed on this host, by whatever process.",
              g->hash_slots_held);
    put_gauge(out, "jwtauthd_hash_slots_limit", "Passwords that may be hashed at the same time.", g->hash_slots);
    head(out, "jwtauthd_outbox_depth", "gauge", "Messages to users that were not delivered, by state.");
    (void)fprintf(out,
                  "jwtauthd_outbox_depth{state=\"queued\"} %lld\njwtauthd_outbox_depth{state=\"sending\"} %lld\n"
                  "jwtauthd_outbox_depth{state=\"given_up\"} %lld\n",
                  (long long)g->outbox.queued, (long long)g->outbox.sending, (long long)g->outbox.given_up);
}

char *metrics_text(struct metrics *m, const struct metrics_gauges *g, size_t *ret_len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_len);

    if (!out)
        return NULL;
    head(out, "jwtauthd_logins_total", "counter", "Logins by outcome.");
    for (size_t i = 0; i < OUTCOMES; i++)
        (void)fprintf(out, "jwtauthd_logins_total{outcome=\"%s\"} %lu\n", outcomes[i], atomic_load(&m->logins[i]));
    head(out, "jwtauthd_captchas_total", "counter", "Captchas that the service was asked about, by outcome.");
    for (size_t i = 0; i < CAPTCHAS; i++)
        (void)fprintf(out, "jwtauthd_captchas_total{outcome=\"%s\"} %lu\n", captchas[i], atomic_load(&m->captchas[i]));
    head(out, "jwtauthd_tokens_total", "counter", "Access tokens given out.");
    (void)fprintf(out, "jwtauthd_tokens_total %lu\n", atomic_load(&m->tokens));
    put_chores(out, m);
    put_gauges(out, g);
    head(out, "jwtauthd_build_info", "gauge", "Always 1; the version is a label.");
    (void)fprintf(out, "jwtauthd_build_info{version=\"%s\"} 1\n", JA_VERSION);
    head(out, "jwtauthd_requests_total", "counter", "Answers by route and class of status.");
    put_all(out, m, put_total);
    head(out, "jwtauthd_request_seconds", "histogram", "Time from the last byte of a request to its answer.");
    put_all(out, m, put_histogram);
    if (ferror(out) || fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
