/* Commands by way of jwtauthd, for callers without root's rights and with --socket.
 *
 * A command that can be asked of the daemon has a row in one of the tables below; its answer has the keys and the exit
 * code that it has as root.  Who calls is the kernel's word (HTTP.md); what may be done is decided by the daemon.
 */
#ifndef JA_CLI_REMOTE_H
#define JA_CLI_REMOTE_H

#include "cli/rows.h"

struct remote_command {
    const char *noun, *verb; /* verb NULL: a command of one word; noun NULL ends the table */
    enum ja_status (*run)(struct cli *cli, struct ja_error *err);
};
extern const struct remote_command remote_own_commands[], remote_login_commands[], remote_admin_commands[];

/* NULL: this command is root's, on the store itself. */
const struct remote_command *remote_find(const struct command *cmd);

/* ---- for those tables ---- */
/* One call. `path` has a % for each of the texts that follow, ended by NULL; they are percent-encoded (RFC 3986).
 * Takes `body` over (NULL: none). *ret is a new reference, may be NULL when nothing was asked back for. */
enum ja_status remote_call(struct cli *cli, const char *method, json_t *body, json_t **ret, struct ja_error *err,
                           const char *path, ...) __attribute__((sentinel));
/* Such a path with one text. */
enum ja_status remote_path(char *out, size_t size, struct ja_error *err, const char *path, const char *arg);
/* The object `key` of data as the command's answer. */
enum ja_status remote_record(struct cli *cli, const struct row_type *type, const json_t *data, const char *key,
                             struct ja_error *err);
/* Every page of the list at `path` (its query included, or with `?`), up to --limit. */
enum ja_status remote_list(struct cli *cli, const struct row_type *type, const char *path, struct ja_error *err);
/* A list that comes whole. */
enum ja_status remote_rows(struct cli *cli, const struct row_type *type, const json_t *data, struct ja_error *err);
/* "?a=...&b=..." of the options that are given, written behind what is in `out`. */
enum ja_status remote_query(struct cli *cli, const char *const *options, char *out, size_t size, struct ja_error *err);
/* The caller's own user name; malloc'd. JA_ERR_FORBIDDEN "not_a_user": root. */
enum ja_status remote_self(struct cli *cli, char **ret, struct ja_error *err);

#endif
