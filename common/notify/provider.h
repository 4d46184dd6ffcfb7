/* Inside of common/notify: one provider per way out.
 *
 * A provider gets a rendered message and answers JA_OK only when the other side took the message over.  Its error's
 * message is the cause that is stored and logged: it holds no secret and none of the message's text.
 */
#ifndef JA_NOTIFY_PROVIDER_H
#define JA_NOTIFY_PROVIDER_H

#include "common/notify/message_template.h"

#define JA_PROVIDER_SECONDS 10 /* one attempt, all of it (SECURITY R26) */

struct ja_outgoing {
    const char *id;         /* goes out with the message: a receiver can drop a double */
    enum ja_channel channel;
    const char *destination, *template;
    const struct ja_rendered *words;
};

struct ja_curl; /* curl_call.h: a connection that is used again for the next message */

typedef enum ja_status (*ja_provider_send_fn)(struct ja_ctx *ctx, struct ja_curl *curl,
                                              const struct ja_outgoing *m, struct ja_error *err);
enum ja_status ja_provider_smtp(struct ja_ctx *ctx, struct ja_curl *curl, const struct ja_outgoing *m,
                                struct ja_error *err);
enum ja_status ja_provider_webhook(struct ja_ctx *ctx, struct ja_curl *curl, const struct ja_outgoing *m,
                                   struct ja_error *err);
enum ja_status ja_provider_twilio(struct ja_ctx *ctx, struct ja_curl *curl, const struct ja_outgoing *m,
                                  struct ja_error *err);
enum ja_status ja_provider_command(struct ja_ctx *ctx, struct ja_curl *curl, const struct ja_outgoing *m,
                                   struct ja_error *err);

/* The secret in [email] password_file or [sms] token_file: one line. JA_ERR_CONFIG when the path is empty. */
enum ja_status ja_provider_secret(const char *path, const char *key, struct ja_secret *ret, struct ja_error *err);
/* The message as a JSON document (webhook, command), without a newline. */
enum ja_status ja_outgoing_json(const struct ja_ctx *ctx, const struct ja_outgoing *m, struct ja_secret *ret,
                                struct ja_error *err);
/* An address as the store has it, or JA_ERR_INVALID "bad_destination": nothing else goes into a header. */
enum ja_status ja_outgoing_check(const struct ja_outgoing *m, struct ja_error *err);

#endif
