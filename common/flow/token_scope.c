#include "common/flow/token_scope.h"

#include "common/domain/permission.h"
#include "common/domain/role.h"

#include <stdio.h>
#include <string.h>

/* RFC 6749 section 3.3: printable ASCII without quote and backslash, words with one blank between. */
static bool scope_valid(const char *scope)
{
    size_t len = strlen(scope);

    if (len == 0 || len > JA_SCOPE_MAX || scope[0] == ' ' || scope[len - 1] == ' ' || strstr(scope, "  "))
        return false;
    for (; *scope; scope++)
        if (*scope < 0x20 || *scope > 0x7e || *scope == '"' || *scope == '\\')
            return false;
    return true;
}

enum ja_status ja_token_check_texts(const char *audience, const char *scope, struct ja_error *err)
{
    if (audience && (!*audience || !ja_text_valid(audience, JA_TEXT_MAX)))
        return ja_fail(err, JA_ERR_INVALID, "invalid_audience",
                       "an audience is 1 to %d bytes of text without control characters", JA_TEXT_MAX);
    if (scope && !scope_valid(scope))
        return ja_fail(err, JA_ERR_INVALID, "invalid_scope",
                       "a scope is printable words like invoices:read with one blank between");
    return JA_OK;
}

enum ja_status ja_scope_check_held(struct ja_ctx *ctx, const struct ja_user *user, const char *scope,
                                   struct ja_error *err)
{
    struct ja_strlist held = {0};
    enum ja_status st = scope ? ja_role_permissions(ctx, user->id, &held, err) : JA_OK;

    while (st == JA_OK && scope && *scope) {
        size_t len = strcspn(scope, " ");
        bool ok = false;

        for (size_t i = 0; !ok && i < held.len; i++)
            ok = ja_permission_implies(held.items[i], scope, len);
        if (!ok)
            st = ja_fail(err, JA_ERR_DENIED, "scope_not_held", "no role of %s permits %.*s",
                         user->username, (int)(len < 128 ? len : 128), scope);
        scope += len + (scope[len] == ' ');
    }
    ja_strlist_clear(&held);
    return st;
}

static bool has_word(const char *scope, const char *word)
{
    for (size_t len; *scope; scope += len + (scope[len] == ' ')) {
        len = strcspn(scope, " ");
        if (strlen(word) == len && strncmp(scope, word, len) == 0)
            return true;
    }
    return false;
}

bool ja_scope_within(const char *scope, const char *limit)
{
    char word[JA_SCOPE_MAX + 1];

    for (size_t len; *scope; scope += len + (scope[len] == ' ')) {
        len = strcspn(scope, " ");
        if (len >= sizeof word)
            return false;
        (void)snprintf(word, sizeof word, "%.*s", (int)len, scope);
        if (!has_word(limit, word) && !ja_scope_covers(limit, word))
            return false;
    }
    return true;
}

/* One segment whatever the audience is, and no two audiences the same one. */
static bool audience_resource(const char *audience, char out[JA_RESOURCE_MAX + 1])
{
    size_t used = (size_t)snprintf(out, JA_RESOURCE_MAX + 1, "audience/");
    bool dots = strcmp(audience, ".") == 0 || strcmp(audience, "..") == 0;

    for (const char *p = audience; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = c > ' ' && c < 0x7f && !strchr("/*%", c) && !dots;

        if (used + (plain ? 1 : 3) > JA_RESOURCE_MAX)
            return false;
        used += (size_t)snprintf(out + used, JA_RESOURCE_MAX + 1 - used, plain ? "%c" : "%%%02X", c);
    }
    return true;
}

enum ja_status ja_audience_check_held(struct ja_ctx *ctx, const struct ja_user *user, const char *audience,
                                      struct ja_error *err)
{
    char resource[JA_RESOURCE_MAX + 1];
    bool named = false, held = false;
    enum ja_status st = JA_OK;

    if (user->kind == JA_USER_PERSON || !audience ||
        (ctx->cfg->tokens.audience && strcmp(audience, ctx->cfg->tokens.audience) == 0))
        return JA_OK;
    named = audience_resource(audience, resource);
    st = ja_permission_held(ctx, user->id, "token:get", named ? resource : NULL, &held, NULL, err);
    if (st != JA_OK || held)
        return st;
    return ja_fail(err, JA_ERR_DENIED, "audience_not_held", "no role of %s permits token:get on %s", user->username,
                   named ? resource : "so long an audience");
}
