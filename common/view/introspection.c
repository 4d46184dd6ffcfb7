#include "common/view/introspection.h"

#include <stddef.h>

json_t *ja_introspection(const json_t *claims)
{
    static const char *const taken[] = {"scope", "exp", "iat", "nbf", "sub", "aud", "iss", "jti",
                                        "sid", "roles", "amr", "auth_time"};
    json_t *doc = json_pack("{s:b,s:s}", "active", 1, "token_type", "Bearer");
    json_t *name = json_object_get(claims, "preferred_username");

    for (size_t i = 0; doc && i < sizeof taken / sizeof *taken; i++) {
        json_t *value = json_object_get(claims, taken[i]);

        if (value && json_object_set(doc, taken[i], value) != 0) {
            json_decref(doc);
            doc = NULL;
        }
    }
    if (doc && name && json_object_set(doc, "username", name) != 0) {
        json_decref(doc);
        doc = NULL;
    }
    return doc;
}
