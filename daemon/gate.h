/* What a loop remembers of the tokens it has let through: checked signatures (token_memory.h), and whole answers.
 *
 * An answer is kept with the store's stamp of before it was made, and until when time alone leaves it true.  The
 * next call with that token gets it again while both hold; any commit of anybody ends that.
 * Ownership: the loop's. Threads: its loop's.
 */
#ifndef JA_DAEMON_GATE_H
#define JA_DAEMON_GATE_H

#include "common/domain/token_memory.h"
#include "daemon/http.h"

struct MHD_Response;

enum ja_status gate_new(struct gate **ret, struct ja_error *err);
void gate_free(struct gate *g);
void gate_forget(struct gate *g); /* the configuration changed */
struct ja_token_memory *gate_tokens(struct gate *g);

/* Looks for an answer and notes what is needed to keep one; *ret_known: there is one, the handler is done. The note
 * goes into call->note. Without effect where the store has no stamp. */
enum ja_status gate_look(struct http_call *call, const char *token, size_t len, bool *ret_known, struct ja_error *err);
/* The answer stays true until then as far as time alone changes it. */
void gate_until(struct http_call *call, int64_t until);

/* The hash of the token that gate_look was given, in the loop's memory of tokens; NULL: it was not asked. */
const unsigned char *gate_hash(const struct gate_note *note);

/* For the loop. NULL: none; borrowed. */
struct MHD_Response *gate_known(const struct gate_note *note);
/* True: the response is the gate's now. */
bool gate_keep(struct gate *g, const struct gate_note *note, struct MHD_Response *response);

#endif
