/* passwd: what nsswitch calls (nss/nss.h of glibc, "Extending NSS" in its manual). */
#include "nss/nss_buffer.h"
#include "nss/nss_entry.h"

#include <errno.h>
#include <string.h>

static void fill(const struct ja_nss_user *u, struct passwd *pw, struct nss_buffer *b)
{
    struct passwd out = {.pw_uid = u->uid, .pw_gid = u->gid};

    out.pw_name = nss_buffer_text(b, u->name, strlen(u->name));
    out.pw_passwd = nss_buffer_text(b, "*", 1);
    out.pw_gecos = nss_buffer_text(b, u->gecos, strlen(u->gecos));
    out.pw_dir = nss_buffer_text(b, u->home, strlen(u->home));
    out.pw_shell = nss_buffer_text(b, u->shell, strlen(u->shell));
    if (!b->full)
        *pw = out;
}

static enum nss_status give(enum ja_nss_result r, const struct ja_nss_user *u, struct passwd *pw, char *buffer,
                            size_t buflen, int *errnop)
{
    struct nss_buffer b = {buffer, buflen, false};

    if (r == JA_NSS_FOUND && (u->flags & NSS_USER_LOCAL))
        r = JA_NSS_NONE;
    if (r == JA_NSS_FOUND)
        fill(u, pw, &b);
    return nss_answer(r, b.full, errnop);
}

enum nss_status _nss_jwtauth_getpwnam_r(const char *name, struct passwd *pw, char *buffer, size_t buflen, int *errnop)
{
    struct ja_nss_file f;
    struct ja_nss_user u;
    enum ja_nss_result r = JA_NSS_BAD;

    if (nss_open(&f)) {
        r = ja_nss_user_name(&f, name, &u);
        ja_nss_close(&f);
    }
    return give(r, &u, pw, buffer, buflen, errnop);
}

enum nss_status _nss_jwtauth_getpwuid_r(uid_t uid, struct passwd *pw, char *buffer, size_t buflen, int *errnop)
{
    struct ja_nss_file f;
    struct ja_nss_user u;
    enum ja_nss_result r = JA_NSS_BAD;

    if (nss_open(&f)) {
        r = ja_nss_user_id(&f, uid, &u);
        ja_nss_close(&f);
    }
    return give(r, &u, pw, buffer, buflen, errnop);
}

/* ---- all of them ---- */

/* The one walk that a process has (getpwent(3)); libc lets one thread at a time in. */
static nss_cursor cursor;

enum nss_status _nss_jwtauth_setpwent(int stay_open)
{
    (void)stay_open;
    atomic_store(&cursor, 0);
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_jwtauth_endpwent(void)
{
    return _nss_jwtauth_setpwent(0);
}

enum nss_status _nss_jwtauth_getpwent_r(struct passwd *pw, char *buffer, size_t buflen, int *errnop)
{
    uint64_t at = atomic_load(&cursor);
    uint32_t last = (uint32_t)at, row = (uint32_t)(at >> 32);
    struct ja_nss_file f;
    struct ja_nss_user u;
    enum ja_nss_result r = JA_NSS_BAD;
    enum nss_status st;

    if (nss_open(&f)) {
        while ((r = ja_nss_user_next(&f, last, &row, &u)) == JA_NSS_FOUND && (u.flags & NSS_USER_LOCAL))
            last = u.uid;
        ja_nss_close(&f);
    }
    st = give(r, &u, pw, buffer, buflen, errnop);
    if (st == NSS_STATUS_SUCCESS) /* with too small a buffer the same one comes again */
        atomic_store(&cursor, (uint64_t)row << 32 | u.uid);
    return st;
}
