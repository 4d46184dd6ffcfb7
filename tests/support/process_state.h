/* What a library must leave alone in its process (SECURITY R23): descriptors, signals, umask, working directory, locale,
 * environment, limits, identity, timers, threads. */
#ifndef JA_TEST_PROCESS_STATE_H
#define JA_TEST_PROCESS_STATE_H

struct process_state { char text[65536]; }; /* one fact a line */

void process_state_take(struct process_state *ret);
/* NULL: the same; else the first two lines that differ, in a static buffer. */
const char *process_state_differs(const struct process_state *before, const struct process_state *after);

long process_resident_kb(void);
int process_mappings(void);

#endif
