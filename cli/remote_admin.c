/* Management by way of jwtauthd, for users whose roles permit it. */
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/remote.h"
#include "common/view/audit_row.h"
#include "common/view/role_row.h"
#include "common/view/user_row.h"

#include <string.h>

#define VALUES_MAX 64
#define PATH_SIZE 2048

/* ---- answers ---- */

static enum ja_status answer_row(struct cli *cli, const struct row_type *type, const char *key, enum ja_status st,
                                 json_t *data, struct ja_error *err)
{
    if (st == JA_OK)
        st = remote_record(cli, type, data, key, err);
    json_decref(data);
    return st;
}

/* The members `keys` of data (blank-separated) as they are, or `fmt`-less text lines of them. */
static enum ja_status answer_keys(struct cli *cli, const char *keys, enum ja_status st, json_t *data, struct ja_error *err)
{
    json_t *doc = json_object();
    char key[40];

    for (size_t len; st == JA_OK && *keys; keys += len + (keys[len] == ' ')) {
        json_t *value;

        len = strcspn(keys, " ");
        (void)snprintf(key, sizeof key, "%.*s", (int)len, keys);
        value = json_object_get(data, key);
        if (!cli->json && json_is_string(value))
            cli_line(cli, "%s: %s", key, json_string_value(value));
        else if (json_object_set(doc, key, value ? value : json_null()) != 0)
            st = ja_fail_nomem(err);
    }
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_incref(doc), err);
    json_decref(doc);
    json_decref(data);
    return st;
}

/* ---- users ---- */

static enum ja_status run_user_list(struct cli *cli, struct ja_error *err)
{
    static const char *const options[] = {"status", "role", "kind", NULL};
    char path[PATH_SIZE] = "/api/v1/users";
    enum ja_status st = remote_query(cli, options, path, sizeof path, err);

    if (st == JA_OK && cli_flag(cli, "without-mfa"))
        st = ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "--without-mfa is root's");
    return st == JA_OK ? remote_list(cli, &row_user, path, err) : st;
}

static enum ja_status run_user_show(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, "GET", NULL, &data, err, "/api/v1/users/%", cli->args[0], NULL);

    return answer_row(cli, &row_user, "user", st, data, err);
}

static enum ja_status account_body(struct cli *cli, json_t **ret, struct ja_error *err)
{
    const char *roles[VALUES_MAX];
    size_t n = cli_opt_all(cli, "role", roles, VALUES_MAX);
    int64_t uid = 0, gid = 0;
    json_t *body = json_pack("{s:s*,s:s*,s:s*,s:s*,s:s*,s:s*,s:s*,s:s*,s:s*}", "email", cli_opt(cli, "email"), "phone",
                             cli_opt(cli, "phone"), "name", cli_opt(cli, "full-name"), "first_name",
                             cli_opt(cli, "first-name"), "last_name", cli_opt(cli, "last-name"), "company_name",
                             cli_opt(cli, "company"), "home", cli_opt(cli, "home"), "shell", cli_opt(cli, "shell"),
                             "valid_until", cli_opt(cli, "valid-until"));
    json_t *list = json_array();
    enum ja_status st = cli_opt_int(cli, "uid", 1, INT32_MAX, 0, &uid, err);

    if (st == JA_OK)
        st = cli_opt_int(cli, "gid", 1, INT32_MAX, 0, &gid, err);
    for (size_t i = 0; i < n && i < VALUES_MAX; i++)
        (void)json_array_append_new(list, json_string(roles[i]));
    if (n > 0)
        (void)json_object_set(body, "roles", list);
    if (uid)
        (void)json_object_set_new(body, "uid", json_integer(uid));
    if (gid)
        (void)json_object_set_new(body, "gid", json_integer(gid));
    json_decref(list);
    if (st == JA_OK && body)
        *ret = body;
    else
        json_decref(body);
    return st == JA_OK && !body ? ja_fail_nomem(err) : st;
}

static enum ja_status add_body(struct cli *cli, json_t **ret, struct ja_error *err)
{
    struct ja_secret pw = {0};
    json_t *body = NULL;
    enum ja_status st = account_body(cli, &body, err);

    if (st == JA_OK && (cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file")))
        st = cli_password(cli, "password", "Password: ", true, &pw, err);
    if (st == JA_OK && pw.len > 0)
        (void)json_object_set_new(body, "password", json_stringn((const char *)pw.data, pw.len));
    if (st == JA_OK) {
        (void)json_object_set_new(body, "username", json_string(cli->args[0]));
        if (cli_flag(cli, "service"))
            (void)json_object_set_new(body, "service", json_true());
        if (cli_flag(cli, "invite"))
            (void)json_object_set_new(body, "invite", json_true());
        *ret = body;
    } else {
        json_decref(body);
    }
    ja_secret_clear(&pw);
    return st;
}

static enum ja_status run_user_add(struct cli *cli, struct ja_error *err)
{
    json_t *body = NULL, *data = NULL;
    enum ja_status st;

    if (cli_opt(cli, "from") || cli_flag(cli, "adopt") || cli_flag(cli, "generate-password") || cli->nargs != 1)
        return ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "--from, --adopt and --generate-password are root's");
    st = add_body(cli, &body, err);
    if (st == JA_OK)
        st = remote_call(cli, "POST", body, &data, err, "/api/v1/users", NULL);
    return answer_row(cli, &row_user, "user", st, data, err);
}

static enum ja_status run_user_modify(struct cli *cli, struct ja_error *err)
{
    const char *name = cli_opt(cli, "username");
    json_t *body = NULL, *data = NULL;
    enum ja_status st = account_body(cli, &body, err);

    if (st == JA_OK && name)
        (void)json_object_set_new(body, "username", json_string(name));
    if (st == JA_OK)
        st = remote_call(cli, "PATCH", body, &data, err, "/api/v1/users/%", cli->args[0], NULL);
    return answer_row(cli, &row_user, "user", st, data, err);
}

/* What was cut stands beside the state, as in the answer on the store itself. */
static enum ja_status answer_state(struct cli *cli, enum ja_status st, json_t *data, bool cut, struct ja_error *err)
{
    if (st == JA_OK && cut) {
        (void)json_object_update(data, json_object_get(data, "cut"));
        (void)json_object_set_new(data, "logind_sessions", json_integer(0));
    }
    return answer_keys(cli, cut ? "username status sessions refresh_tokens access_tokens ssh_keys api_keys logind_sessions"
                                : "username status", st, data, err);
}

static enum ja_status run_user_lock(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, "POST", json_pack("{s:s*}", "at", cli_opt(cli, "at")), &data, err,
                                    "/api/v1/users/%/lock", cli->args[0], NULL);

    return answer_state(cli, st, data, true, err);
}

static enum ja_status run_user_disable(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, "POST", NULL, &data, err, "/api/v1/users/%/disable", cli->args[0], NULL);

    return answer_state(cli, st, data, true, err);
}

static enum ja_status run_user_open(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    const char *path = strcmp(cli->cmd->verb, "unlock") == 0 ? "/api/v1/users/%/unlock" : "/api/v1/users/%/enable";
    enum ja_status st = remote_call(cli, "POST", NULL, &data, err, path, cli->args[0], NULL);

    return answer_state(cli, st, data, false, err);
}

static enum ja_status run_user_delete(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = cli_confirm(cli, err, "Delete %s for good?", cli->args[0]);

    if (st == JA_OK)
        st = remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/users/%", cli->args[0], NULL);
    return answer_keys(cli, "username deleted", st, data, err);
}

/* ---- permissions ---- */

static enum ja_status run_permissions(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, "GET", NULL, &data, err, "/api/v1/users/%/permissions", cli->args[0], NULL);

    if (st == JA_OK)
        st = remote_rows(cli, &row_permission, data, err);
    json_decref(data);
    return st;
}

static enum ja_status run_can(struct cli *cli, struct ja_error *err)
{
    const char *on = cli_opt(cli, "on");
    json_t *data = NULL;
    enum ja_status st =
        on ? remote_call(cli, "GET", NULL, &data, err, "/api/v1/users/%/can?permission=%&resource=%", cli->args[0],
                         cli->args[1], on, NULL)
           : remote_call(cli, "GET", NULL, &data, err, "/api/v1/users/%/can?permission=%", cli->args[0], cli->args[1], NULL);
    bool held = json_is_true(json_object_get(data, "ok"));

    if (st == JA_OK && cli->json) {
        (void)json_object_set_new(data, "code", held ? json_null() : json_string("not_permitted"));
        st = cli_answer(cli, json_incref(data), err);
    } else if (st == JA_OK && held) {
        cli_line(cli, "yes, through the role %s (%s)", json_string_value(json_object_get(data, "role")),
                 json_string_value(json_object_get(data, "permission")));
    }
    json_decref(data);
    return st == JA_OK && !held ? ja_fail(err, JA_ERR_DENIED, "not_permitted", "%s may not %s", cli->args[0], cli->args[1])
                                : st;
}

/* ---- roles ---- */

static enum ja_status run_role_list(struct cli *cli, struct ja_error *err)
{
    return remote_list(cli, &row_role, "/api/v1/roles", err);
}

static enum ja_status run_role_show(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, "GET", NULL, &data, err, "/api/v1/roles/%", cli->args[0], NULL);

    return answer_row(cli, &row_role, "role", st, data, err);
}

static enum ja_status run_role_add(struct cli *cli, struct ja_error *err)
{
    const char *parents[VALUES_MAX];
    size_t n = cli_opt_all(cli, "inherits", parents, VALUES_MAX);
    json_t *list = json_array(), *data = NULL;
    enum ja_status st;

    for (size_t i = 0; i < n && i < VALUES_MAX; i++)
        (void)json_array_append_new(list, json_string(parents[i]));
    st = remote_call(cli, "POST", json_pack("{s:s,s:s*,s:o}", "name", cli->args[0], "description",
                                            cli_opt(cli, "description"), "inherits", list),
                     &data, err, "/api/v1/roles", NULL);
    return answer_row(cli, &row_role, "role", st, data, err);
}

static enum ja_status run_role_delete(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = cli_confirm(cli, err, "Delete the role %s?", cli->args[0]);

    if (st == JA_OK)
        st = remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/roles/%", cli->args[0], NULL);
    return answer_keys(cli, "name", st, data, err);
}

static enum ja_status run_role_parent(struct cli *cli, struct ja_error *err)
{
    bool add = strcmp(cli->cmd->verb, "inherit") == 0;
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, add ? "PUT" : "DELETE", NULL, &data, err, "/api/v1/roles/%/parents/%",
                                    cli->args[0], cli->args[1], NULL);

    return answer_row(cli, &row_role, "role", st, data, err);
}

static enum ja_status run_role_permit(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, "PUT", json_pack("{s:s*}", "resource", cli_opt(cli, "on")), &data, err,
                                    "/api/v1/roles/%/permissions/%", cli->args[0], cli->args[1], NULL);

    return answer_row(cli, &row_role, "role", st, data, err);
}

static enum ja_status run_role_forbid(struct cli *cli, struct ja_error *err)
{
    const char *on = cli_opt(cli, "on");
    json_t *data = NULL;
    enum ja_status st =
        on ? remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/roles/%/permissions/%?resource=%", cli->args[0],
                         cli->args[1], on, NULL)
           : remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/roles/%/permissions/%", cli->args[0], cli->args[1], NULL);

    return answer_row(cli, &row_role, "role", st, data, err);
}

static enum ja_status run_grant(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st;

    if (cli_opt(cli, "for") && cli_opt(cli, "until"))
        return cli_usage(cli, err, "--for or --until, not both");
    st = remote_call(cli, "PUT", json_pack("{s:s*,s:s*}", "for", cli_opt(cli, "for"), "until", cli_opt(cli, "until")),
                     &data, err, "/api/v1/users/%/roles/%", cli->args[0], cli->args[1], NULL);
    return answer_keys(cli, "user role ends_at", st, data, err);
}

static enum ja_status run_revoke(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/users/%/roles/%", cli->args[0],
                                    cli->args[1], NULL);

    return answer_keys(cli, "user role", st, data, err);
}

static enum ja_status run_grants(struct cli *cli, struct ja_error *err)
{
    const char *user = cli_opt(cli, "user");
    char path[PATH_SIZE];
    enum ja_status st;

    if (!user || cli_opt(cli, "expiring"))
        return ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "without root's rights: --user NAME, and no --expiring");
    st = remote_path(path, sizeof path, err, "/api/v1/users/%/roles", user);
    return st == JA_OK ? remote_list(cli, &row_grant, path, err) : st;
}

/* ---- audit ---- */

static enum ja_status run_audit(struct cli *cli, struct ja_error *err)
{
    static const char *const options[] = {"user", "actor", "action", "outcome", "source", "since", "until", NULL};
    char path[PATH_SIZE] = "/api/v1/audit";
    enum ja_status st = remote_query(cli, options, path, sizeof path, err);

    if (st == JA_OK && (cli_flag(cli, "follow") || cli_flag(cli, "json-lines")))
        st = ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "--follow and --json-lines are root's");
    return st == JA_OK ? remote_list(cli, &row_audit, path, err) : st;
}

const struct remote_command remote_admin_commands[] = {
    {"user", "list", run_user_list},
    {"user", "show", run_user_show},
    {"user", "add", run_user_add},
    {"user", "modify", run_user_modify},
    {"user", "lock", run_user_lock},
    {"user", "unlock", run_user_open},
    {"user", "disable", run_user_disable},
    {"user", "enable", run_user_open},
    {"user", "delete", run_user_delete},
    {"user", "permissions", run_permissions},
    {"can", NULL, run_can},
    {"role", "list", run_role_list},
    {"role", "show", run_role_show},
    {"role", "add", run_role_add},
    {"role", "delete", run_role_delete},
    {"role", "inherit", run_role_parent},
    {"role", "disinherit", run_role_parent},
    {"role", "permit", run_role_permit},
    {"role", "forbid", run_role_forbid},
    {"role", "grant", run_grant},
    {"role", "revoke", run_revoke},
    {"role", "grants", run_grants},
    {"audit", "list", run_audit},
    {0},
};
