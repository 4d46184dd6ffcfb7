/* /etc/passwd, /etc/shadow and /etc/group in memory, for work on many accounts: each look-up is a binary search.
 * A snapshot: what decides a login is local_user.h.
 */
#ifndef JA_DOMAIN_LOCAL_TABLE_H
#define JA_DOMAIN_LOCAL_TABLE_H

#include "common/base/status.h"

#include <stdbool.h>

struct ja_local_table;

struct ja_local_entry {
    char *name, *gecos, *home, *shell;
    char *field; /* of shadow, without the mark; NULL: it has no entry */
    int64_t uid, gid;
    int64_t place; /* in /etc/passwd, from 1 */
    bool adopted; /* has the mark */
};

/* JA_ERR_IO when passwd or group cannot be read. Fields of shadow are wiped on free. */
enum ja_status ja_local_table_load(struct ja_local_table **ret, struct ja_error *err);
void ja_local_table_free(struct ja_local_table *t);
/* NULL: no such. Of two entries with one name the first counts, as it does for everybody. */
const struct ja_local_entry *ja_local_table_name(const struct ja_local_table *t, const char *name);
const struct ja_local_entry *ja_local_table_uid(const struct ja_local_table *t, int64_t uid);
bool ja_local_table_gid(const struct ja_local_table *t, int64_t gid);

#endif
