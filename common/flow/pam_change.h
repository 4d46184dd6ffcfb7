/* A change of a service's file in /etc/pam.d that takes itself back unless it is confirmed in time.
 *
 * /var/lib/jwtauth/pam (root's, 0700) holds for a service S: S.original, its file without pam_jwtauth; S.enabled, with
 * it; and S.json, what is known of them. A change is on record before the file is touched, so that whoever looks next -
 * the process that waits for the deadline, `pam rollback` at boot, any command that reads the records - finds what is
 * to be undone. The deadline is in the kernel's time since boot, which no change of the clock moves; a restart of the
 * machine in between is past it.
 * A file that is neither the one nor the other was changed by somebody else and is never overwritten.
 * Threads: none; processes exclude each other by ja_pam_lock.
 */
#ifndef JA_FLOW_PAM_CHANGE_H
#define JA_FLOW_PAM_CHANGE_H

#include "common/base/proc.h"
#include "common/base/text.h"
#include "common/domain/ctx.h"

#define JA_PAM_STATE "/var/lib/jwtauth/pam"
#define JA_PAM_SERVICE_MAX 64

enum ja_pam_state {
    JA_PAM_NONE,
    JA_PAM_ENABLING,  /* until confirmed */
    JA_PAM_ENABLED,
    JA_PAM_DISABLING, /* until confirmed */
};
struct ja_pam_change {
    char service[JA_PAM_SERVICE_MAX + 1];
    enum ja_pam_state state;
    char id[JA_UUID_LEN + 1];             /* of this change */
    char boot_id[JA_BOOT_ID_LEN + 1];
    int64_t deadline_ms;                  /* CLOCK_BOOTTIME */
    int64_t confirm_by;                   /* the same for people, by the clock */
};

/* Waits at most 30 seconds: JA_ERR_BUSY. The caller closes the descriptor. */
enum ja_status ja_pam_lock(int *ret_fd, struct ja_error *err);
/* The service's file: root's, no link, writable by nobody else. JA_ERR_NOT_FOUND "service_not_found". */
enum ja_status ja_pam_read(const char *service, struct ja_secret *ret, struct ja_error *err);
/* state JA_PAM_NONE when there is no record. */
enum ja_status ja_pam_record(const char *service, struct ja_pam_change *ret, struct ja_error *err);
/* Every record; fn ends the walk with anything but JA_OK. */
typedef enum ja_status (*ja_pam_change_fn)(void *arg, const struct ja_pam_change *c, struct ja_error *err);
enum ja_status ja_pam_each(ja_pam_change_fn fn, void *arg, struct ja_error *err);

bool ja_pam_pending(const struct ja_pam_change *c);
/* Milliseconds until it is to be taken back; 0: now. */
int64_t ja_pam_left_ms(const struct ja_pam_change *c);

/* ---- under the lock ---- */

/* Puts it on record. `to` is JA_PAM_ENABLING, with both texts, or JA_PAM_DISABLING, with those of before. */
enum ja_status ja_pam_begin(const char *service, enum ja_pam_state to, const struct ja_secret *original,
                            const struct ja_secret *enabled, int64_t seconds, struct ja_pam_change *ret,
                            struct ja_error *err);
/* Then the file. JA_ERR_CONFLICT "pam_file_changed": it is not the one that was read. */
enum ja_status ja_pam_apply(const struct ja_pam_change *c, struct ja_error *err);
/* It stays. */
enum ja_status ja_pam_confirm(const struct ja_pam_change *c, struct ja_error *err);
/* The file as it was before, and the record with it. *ret_written (may be NULL): the file had to be written.
 * JA_ERR_CONFLICT "pam_file_changed": somebody else changed it; everything stays. */
enum ja_status ja_pam_take_back(const struct ja_pam_change *c, bool *ret_written, struct ja_error *err);
/* The service's change, when its time is over; takes the lock itself. *ret_taken: there was one. */
enum ja_status ja_pam_take_back_due(const char *service, bool *ret_taken, struct ja_error *err);
/* The text without us, for `disable`. JA_ERR_CONFLICT "pam_file_changed" when the file is not as we left it. */
enum ja_status ja_pam_original(const struct ja_pam_change *c, const struct ja_secret *live, struct ja_secret *ret,
                               struct ja_error *err);
/* A row of the audit log: "pam.enable", "pam.disable", "pam.confirm", "pam.rollback". */
enum ja_status ja_pam_audit(struct ja_ctx *ctx, const char *action, const char *service, struct ja_error *err);

#endif
