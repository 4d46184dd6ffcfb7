#include "daemon/target.h"

#include <string.h>

enum ja_status target_user(const struct http_call *call, char ret[TARGET_MAX], struct ja_error *err)
{
    const char *id = call->params[0];
    struct ja_user u = {0};
    enum ja_status st = JA_ERR_NOT_FOUND;

    if (strlen(id) >= TARGET_MAX)
        return ja_fail(err, JA_ERR_NOT_FOUND, "user_not_found", "there is no such user");
    if (ja_uuid_valid(id))
        st = ja_user_find_by_id(call->ctx, id, &u, err);
    if (st == JA_OK)
        memcpy(ret, u.username, strlen(u.username) + 1);
    else
        memcpy(ret, id, strlen(id) + 1);
    ja_user_clear(&u);
    return st == JA_ERR_NOT_FOUND ? JA_OK : st;
}
