/* The session's token file: RUN/sessions/ID/token, 0600 the user's (PAM.md).
 *
 * Made with *at calls on descriptors of folders that root owns, whose modes are set on the descriptor
 * (the umask of the application does not count), never through a link.
 * Threads: no shared state.
 */
#ifndef JA_BASE_TOKEN_FILE_H
#define JA_BASE_TOKEN_FILE_H

#include "common/base/status.h"

#define JA_TOKEN_PATH_MAX 1024

/* `id` is a session id (no other text comes into a path). ret_path: the file's name. */
enum ja_status ja_token_file_write(const char *run, const char *id, const char *token, int64_t uid,
                                   int64_t gid, char ret_path[JA_TOKEN_PATH_MAX],
                                   struct ja_error *err);
/* Another token for a session that has one: JA_ERR_NOT_FOUND "no_token_file" where there is none, or none any more. CAP_CHOWN is
 * all that it needs beyond uid 0. */
enum ja_status ja_token_file_renew(const char *run, const char *id, const char *token, int64_t uid,
                                   int64_t gid, struct ja_error *err);
/* JA_OK: the session has a token file; JA_ERR_NOT_FOUND: it has none. */
enum ja_status ja_token_file_held(const char *run, const char *id, struct ja_error *err);
/* Each session that has a folder, in no order; fn may remove it. What is not JA_OK ends the walk. */
typedef enum ja_status (*ja_token_file_fn)(void *arg, const char *id);
enum ja_status ja_token_file_each(const char *run, ja_token_file_fn fn, void *arg, struct ja_error *err);
/* The file and its folder; JA_OK when they are gone already. */
enum ja_status ja_token_file_remove(const char *run, const char *id, struct ja_error *err);

#endif
