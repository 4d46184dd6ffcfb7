/* Inside of the decision of a login (auth_finish.c): what it shares with its audit rows (auth_finish_audit.c). */
#ifndef JA_FLOW_AUTH_FINISH_IMPL_H
#define JA_FLOW_AUTH_FINISH_IMPL_H

#include "common/domain/audit.h"
#include "common/flow/auth_internal.h"

#include <arpa/inet.h>

enum fruit { FRUIT_HANDLE, FRUIT_SESSION, FRUIT_PROOF };

struct finish {
    struct ja_auth *a;
    enum fruit fruit;
    struct ja_user user; /* as it is now */
    struct ja_auth_result result;
    bool new_source;
    /* FRUIT_HANDLE */
    int64_t pid;
    char handle[JA_HANDLE_LEN + 1];
    /* FRUIT_SESSION */
    const char *audience;
    struct ja_auth_tokens tokens;
};

/* RFC 8176: how the user showed who it is. */
const char *ja_finish_amr(const struct ja_auth *a);
/* "" without an address. */
void ja_finish_source(const struct ja_auth *a, char out[INET6_ADDRSTRLEN]);

/* Of a success, in its transaction. [log] audit_fail decides what a row that cannot be written means for a login. */
enum ja_status ja_finish_audit_login(struct finish *f, const char *action, struct ja_error *err);
const char *ja_finish_action(enum fruit fruit);
/* A denied try: its row, and that it was judged, in a transaction of its own. */
void ja_finish_record_denial(struct finish *f);

#endif
