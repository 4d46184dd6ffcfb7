/* Counters of this process, for /metrics (Prometheus text format 0.0.4).
 * Threads: any; counters are atomic and only grow. */
#ifndef JA_DAEMON_METRICS_H
#define JA_DAEMON_METRICS_H

#include "daemon/http.h"

#define METRICS_BUCKETS 10

struct metrics;

enum ja_status metrics_new(struct metrics **ret, struct ja_error *err);
void metrics_free(struct metrics *m);
/* One answer: route NULL when none was found. */
void metrics_answer(struct metrics *m, const struct http_route *route, int status, int64_t microseconds);
/* outcome: "success", or the refusal's code. Unknown ones count as "other". */
void metrics_login(struct metrics *m, const char *code);
void metrics_token(struct metrics *m);

/* What is read at the moment of asking. */
struct metrics_gauges { size_t connections, hash_jobs, work_jobs; int64_t outbox; };
/* malloc'd text. */
char *metrics_text(struct metrics *m, const struct metrics_gauges *g, size_t *ret_len);

#endif
