/* Whose user is it (PAM.md, first section): /etc/passwd and /etc/shadow read with fgetpwent and
 * fgetspent, never through NSS; and adoption of a local user with the `!jwtauth!` mark.
 * No configuration and no store is needed or touched here.
 */
#ifndef JA_DOMAIN_LOCAL_USER_H
#define JA_DOMAIN_LOCAL_USER_H

#include "common/base/secret.h"
#include "common/base/status.h"

#include <stdbool.h>

#define JA_ADOPT_MARK "!jwtauth!"

enum ja_whose { JA_WHOSE_NOT_LOCAL, JA_WHOSE_LOCAL, JA_WHOSE_ADOPTED };

struct ja_local_user {
    int64_t uid, gid;
    char home[256], shell[256], full_name[256];
    struct ja_secret hash; /* shadow field without the mark; empty when shadow has no entry */
};

/* An unreadable /etc/passwd is an error (JA_ERR_IO), an absent or unreadable shadow (not root) makes a name that
 * passwd has LOCAL. */
enum ja_status ja_local_whose(const char *name, enum ja_whose *ret, struct ja_error *err);
enum ja_status ja_local_find(const char *name, struct ja_local_user *ret, struct ja_error *err);
void ja_local_clear(struct ja_local_user *u);
/* Every entry in the order of the file, borrowed during the call; fn ends the walk with anything but JA_OK. An absent
 * or unreadable shadow has no entries (not root). */
struct ja_local_passwd { const char *name, *gecos, *home, *shell; int64_t uid, gid; };
enum ja_status ja_local_each_passwd(enum ja_status (*fn)(void *arg, const struct ja_local_passwd *e), void *arg,
                                    struct ja_error *err);
enum ja_status ja_local_each_shadow(enum ja_status (*fn)(void *arg, const char *name, const char *field), void *arg,
                                    struct ja_error *err);
enum ja_status ja_local_each_group(enum ja_status (*fn)(void *arg, const char *name, int64_t gid), void *arg,
                                   struct ja_error *err);
bool ja_local_marked(const char *field); /* of shadow; NULL is none */
bool ja_local_uid_taken(int64_t uid); /* in passwd; true also when it cannot be read */
bool ja_local_gid_taken(int64_t gid);
/* Runs `chpasswd -e` (absolute path, no shell, empty environment) with name and field on its stdin. */
enum ja_status ja_local_mark(const char *name, const struct ja_secret *old_field, struct ja_error *err);
/* Many at once, in one run of chpasswd, which changes all or none. `names` sorted, each once, of uids that
 * ja_local_mark would take; those that are marked already stay as they are. */
enum ja_status ja_local_mark_all(const char *const *names, size_t n, struct ja_error *err);
enum ja_status ja_local_unmark(const char *name, struct ja_error *err);

#endif
