/* Counters of this process, for /metrics (Prometheus text format 0.0.4).
 * Threads: any; counters are atomic and only grow. */
#ifndef JA_DAEMON_METRICS_H
#define JA_DAEMON_METRICS_H

#include "common/domain/outbox.h"
#include "daemon/chores.h"
#include "daemon/http.h"
#include "daemon/pool.h"

#define METRICS_BUCKETS 10

struct metrics;

enum ja_status metrics_new(struct metrics **ret, struct ja_error *err);
void metrics_free(struct metrics *m);
/* One answer: route NULL when none was found. */
void metrics_answer(struct metrics *m, const struct http_route *route, int status, int64_t microseconds);
/* outcome: "success", or the refusal's code. Unknown ones count as "other". */
void metrics_login(struct metrics *m, const char *code);
void metrics_token(struct metrics *m);
/* outcome: "passed", "refused"; anything else counts as "unavailable". */
void metrics_captcha(struct metrics *m, const char *outcome);

void metrics_chore(struct metrics *m, enum chore_kind kind, bool ok);

/* What is read at the moment of asking. */
struct metrics_gauges {
    size_t connections, connections_max;
    struct pool_load hash, work, outside;
    size_t hash_slots, hash_slots_held; /* of the host: PAM and authctl hash as well */
    struct ja_outbox_depth outbox;
};
/* malloc'd text. */
char *metrics_text(struct metrics *m, const struct metrics_gauges *g, size_t *ret_len);

#endif
