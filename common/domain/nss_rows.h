/* Inside of nss_export.h: the store's rows as an image. */
#ifndef JA_DOMAIN_NSS_ROWS_H
#define JA_DOMAIN_NSS_ROWS_H

#include "common/domain/ctx.h"
#include "common/domain/nss_image.h"

/* ---- names and numbers of the local files (nss_local_names.c) ---- */

struct ja_local_names;
enum ja_status ja_local_names_load(struct ja_local_names **ret, struct ja_error *err);
void ja_local_names_free(struct ja_local_names *l);
bool ja_local_names_user(const struct ja_local_names *l, const char *name, int64_t *ret_uid);
bool ja_local_names_uid(const struct ja_local_names *l, int64_t uid);
/* By name or by number. */
bool ja_local_names_group(const struct ja_local_names *l, const char *name, int64_t gid);

/* ---- roles and who gets what through them (nss_roles.c) ---- */

struct ja_nss_role {
    char id[40];
    char *group; /* its name */
    int64_t gid; /* 0: none (yet) */
    struct ja_nss_member *members;
    size_t nmembers, room;
    int64_t until; /* of the user at hand; 0: not held */
};
struct ja_nss_roles {
    struct ja_nss_role *list; /* in order of id */
    size_t n;
    unsigned char *reach; /* n * n: whether [i] is or inherits [j] */
};
enum ja_status ja_nss_roles_load(struct ja_ctx *ctx, struct ja_nss_roles *ret, struct ja_error *err);
void ja_nss_roles_clear(struct ja_nss_roles *r);
/* The user at hand holds the role until then. An unknown id is nothing. */
void ja_nss_roles_hold(struct ja_nss_roles *r, const char *role_id, int64_t until);
bool ja_nss_roles_name(const struct ja_nss_roles *r, const char *group);

/* In the caller's transaction for reading. */
enum ja_status ja_nss_rows_read(struct ja_ctx *ctx, struct ja_nss_image *m, struct ja_error *err);

#endif
