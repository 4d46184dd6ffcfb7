/* In a file of its own: authctl, which loads SQLite late, does not link it (db_sqlite_late.c). */
#include "common/db/db.h"

#include <sqlite3.h>

enum ja_status ja_db_process_setup(struct ja_error *err)
{
    int rc = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

    if (rc == SQLITE_OK)
        rc = sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    return rc == SQLITE_OK ? JA_OK
                           : ja_fail(err, JA_ERR_INTERNAL, "sqlite_option", "SQLite was in use before it was set up");
}
