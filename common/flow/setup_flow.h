/* init and doctor. */
#ifndef JA_FLOW_SETUP_FLOW_H
#define JA_FLOW_SETUP_FLOW_H

#include "common/domain/ctx.h"

struct ja_init_options {
    const char *config_path;   /* where the commented configuration goes when none exists */
    const char *issuer;        /* NULL: https://FQDN */
    enum ja_alg alg;           /* NONE: ES256 */
    bool open_registration;
};
struct ja_init_report { /* what was made, for the front end to tell */
    bool config, state_dir, master_key, database, signing_key;
    int64_t hash_memory, hash_ops, hash_ms;
    char issuer[256];
};
/* What init decides by: the first of 64, 48, 32, 24, 19 MiB at 2 passes of which one hash takes less than
 * 150 ms, else 19 MiB. Fills hash_memory, hash_ops, hash_ms. */
enum ja_status ja_init_measure(const struct ja_clock *clock, struct ja_init_report *ret,
                               struct ja_error *err);
/* Safe to repeat: makes what is missing, changes nothing that is there. */
enum ja_status ja_init(const struct ja_init_options *opts, const struct ja_clock *clock,
                       const struct ja_log *log, struct ja_init_report *ret, struct ja_error *err);

enum ja_doctor_level { JA_DOCTOR_OK, JA_DOCTOR_WARN, JA_DOCTOR_FAIL };
/* check: "database"; text: what was found; mend: the command that mends it, "" when ok. */
typedef void (*ja_doctor_fn)(void *arg, enum ja_doctor_level level, const char *check,
                             const char *text, const char *mend);
/* Never fails itself: what cannot be checked is a finding. Returns the worst level. */
enum ja_doctor_level ja_doctor(const char *config_path, const struct ja_clock *clock, ja_doctor_fn fn,
                               void *arg);
/* The stack of one service of /etc/pam.d alone. */
enum ja_doctor_level ja_doctor_service(const char *service, ja_doctor_fn fn, void *arg);

#endif
