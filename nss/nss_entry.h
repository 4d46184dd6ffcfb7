/* What libnss_jwtauth exports; libc has no header for it. *errnop is set but for NSS_STATUS_SUCCESS: ERANGE with TRYAGAIN,
 * ENOENT with NOTFOUND (no such entry) and UNAVAIL (the snapshot is missing or no good). Everything that an answer
 * points to is in `buffer`. Thread-safe. */
#ifndef JA_NSS_ENTRY_H
#define JA_NSS_ENTRY_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>

#pragma GCC visibility push(default) /* everything else is hidden */

enum nss_status _nss_jwtauth_getpwnam_r(const char *name, struct passwd *pw, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_jwtauth_getpwuid_r(uid_t uid, struct passwd *pw, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_jwtauth_setpwent(int stay_open);
enum nss_status _nss_jwtauth_endpwent(void);
enum nss_status _nss_jwtauth_getpwent_r(struct passwd *pw, char *buffer, size_t buflen, int *errnop);

enum nss_status _nss_jwtauth_getgrnam_r(const char *name, struct group *gr, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_jwtauth_getgrgid_r(gid_t gid, struct group *gr, char *buffer, size_t buflen, int *errnop);
enum nss_status _nss_jwtauth_setgrent(int stay_open);
enum nss_status _nss_jwtauth_endgrent(void);
enum nss_status _nss_jwtauth_getgrent_r(struct group *gr, char *buffer, size_t buflen, int *errnop);
/* Adds to *groups (malloc'ed by libc, *size of them, *start in use, at most `limit` when that is above 0). */
enum nss_status _nss_jwtauth_initgroups_dyn(const char *name, gid_t skip, long *start, long *size, gid_t **groups,
                                            long limit, int *errnop);

#pragma GCC visibility pop

#endif
