/* What every domain and flow call needs: configuration, clock, log, store, master key, key ring.
 *
 * No globals: the front end owns one struct ja_ctx per thread (PAM: one per pam_sm_* call) and
 * clears it.  `actor` says on whose behalf changes are made, for updated_by and the audit log.
 * Threads: one thread at a time per context.
 */
#ifndef JA_DOMAIN_CTX_H
#define JA_DOMAIN_CTX_H

#include "common/base/clock.h"
#include "common/base/config.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/db/db.h"

#include <stdbool.h>

struct ja_keyring; /* signing_key.h */

struct ja_actor {
    const char *name;    /* "root", "user:alice", "pam"; borrowed, never NULL after ja_ctx_init */
    const char *source;  /* numeric address or NULL; borrowed */
    const char *service; /* "authctl", "sshd"; borrowed */
    const char *scope;   /* of the token it came with: no right beyond it; NULL: not narrowed; borrowed */
};

/* The end of the audit chain that the open transaction makes (audit_head.c). */
struct ja_audit_tip {
    int64_t seq, told_seq; /* told_seq: the row that goes to the log, 0: none */
    char hash[44], told_hash[44];
    bool failed;           /* the file could not be written, which was said once */
};

struct ja_ctx {
    const struct ja_config *cfg; /* owned */
    struct ja_clock clock;
    struct ja_log log;
    struct ja_actor actor;
    struct ja_db *db;            /* NULL until ja_ctx_open_store */
    struct ja_secret master;     /* empty until ja_ctx_require_master */
    struct ja_keyring *keys;     /* NULL until ja_keyring_require */
    struct ja_audit_tip tip;
    struct { int held; bool due; } nss; /* the public snapshot waits (nss_export.h) */
};

/* Takes the configuration over. */
void ja_ctx_init(struct ja_ctx *ctx, struct ja_config *cfg, struct ja_log log);
void ja_ctx_clear(struct ja_ctx *ctx); /* closes, wipes, frees; accepts all-zero */

enum ja_status ja_ctx_open_store(struct ja_ctx *ctx, struct ja_error *err); /* idempotent */
/* Reads cfg->store.master_key_file (0600, 64 hex digits and a newline). Absent, unsafe or malformed:
 * an error, never a default. Idempotent. */
enum ja_status ja_ctx_require_master(struct ja_ctx *ctx, struct ja_error *err);

#endif
