#include "common/flow/pam_change.h"

#include "common/base/clock.h"
#include "common/base/file_guard.h"
#include "common/domain/audit.h"
#include "common/flow/account_internal.h"
#include "common/flow/pam_stanza.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 128
#define LOCK_TRIES 300
#define LOCK_PAUSE_MS 100

static const char *const state_names[] = {"none", "enabling", "enabled", "disabling"};

static void path_of(char path[PATH_SIZE], const char *service, const char *kind)
{
    (void)snprintf(path, PATH_SIZE, JA_PAM_STATE "/%.64s.%s", service, kind);
}

static void live_path(char path[PATH_SIZE], const char *service)
{
    (void)snprintf(path, PATH_SIZE, JA_PAM_FOLDER "/%.64s", service);
}

/* ---- time ---- */

/* Goes on while the machine sleeps, and nobody sets it. */
static int64_t boot_ms(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool ja_pam_pending(const struct ja_pam_change *c)
{
    return c->state == JA_PAM_ENABLING || c->state == JA_PAM_DISABLING;
}

int64_t ja_pam_left_ms(const struct ja_pam_change *c)
{
    char boot_id[JA_BOOT_ID_LEN + 1] = "";
    int64_t left = c->deadline_ms - boot_ms();

    if (ja_proc_boot_id(boot_id, NULL) != JA_OK || strcmp(boot_id, c->boot_id) != 0 || left < 0)
        return 0;
    return left;
}

/* ---- files ---- */

enum ja_status ja_pam_lock(int *ret_fd, struct ja_error *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    enum ja_status st = ja_dir_make("/var/lib/jwtauth", 0700, err);
    int fd;

    if (st == JA_OK)
        st = ja_dir_make(JA_PAM_STATE, 0700, err);
    if (st != JA_OK)
        return st;
    fd = open(JA_PAM_STATE "/lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ja_fail_errno(err, errno, JA_PAM_STATE "/lock");
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EINTR && (errno != EWOULDBLOCK || i == LOCK_TRIES)) {
            (void)close(fd);
            return ja_fail(err, JA_ERR_BUSY, "pam_busy", "another authctl is changing files of " JA_PAM_FOLDER);
        }
        (void)nanosleep(&pause, NULL);
    }
    *ret_fd = fd;
    return JA_OK;
}

static enum ja_status read_text(const char *path, struct ja_secret *ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0755, .max_size = JA_PAM_TEXT_MAX};

    return ja_file_read(path, &rule, ret, err);
}

enum ja_status ja_pam_read(const char *service, struct ja_secret *ret, struct ja_error *err)
{
    char path[PATH_SIZE];
    enum ja_status st;

    live_path(path, service);
    st = ja_pam_service_valid(service) ? read_text(path, ret, err) : JA_ERR_NOT_FOUND;
    if (st == JA_ERR_NOT_FOUND)
        return ja_fail(err, st, "service_not_found", "there is no service %s in " JA_PAM_FOLDER, service);
    return st;
}

static enum ja_status read_kept(const char *service, const char *kind, struct ja_secret *ret, struct ja_error *err)
{
    char path[PATH_SIZE];

    path_of(path, service, kind);
    return read_text(path, ret, err);
}

static enum ja_status keep(const char *service, const char *kind, const void *data, size_t len, struct ja_error *err)
{
    char path[PATH_SIZE];

    path_of(path, service, kind);
    return ja_file_write(path, 0600, false, data, len, err);
}

static bool same(const struct ja_secret *a, const struct ja_secret *b)
{
    return ja_secret_equal(a, b->data, b->len);
}

static enum ja_status changed(const char *service, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CONFLICT, "pam_file_changed",
                   JA_PAM_FOLDER "/%s was changed by somebody else and is left as it is; what it was: " JA_PAM_STATE
                                 "/%s.original, and with pam_jwtauth: %s.enabled", service, service, service);
}

/* What a write of ours that was killed left behind: ".S." and 16 digits (file_guard.c). */
static void clear_leftovers(const char *service)
{
    DIR *dir = opendir(JA_PAM_FOLDER);
    size_t len = strlen(service);
    const struct dirent *e;

    while (dir && (e = readdir(dir)))
        if (e->d_name[0] == '.' && strncmp(e->d_name + 1, service, len) == 0 && e->d_name[1 + len] == '.' &&
            strlen(e->d_name) == len + 18 && strspn(e->d_name + len + 2, "0123456789abcdef") == 16)
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        (void)closedir(dir);
}

/* ---- the record ---- */

static bool text_of(const json_t *doc, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(doc, key));

    if (!s || strlen(s) >= size)
        return false;
    (void)snprintf(out, size, "%s", s);
    return true;
}

static bool parse(const json_t *doc, struct ja_pam_change *c)
{
    char state[16];
    const json_t *deadline = json_object_get(doc, "deadline_ms"), *by = json_object_get(doc, "confirm_by");

    if (!text_of(doc, "state", state, sizeof state) || !text_of(doc, "id", c->id, sizeof c->id) ||
        !text_of(doc, "boot_id", c->boot_id, sizeof c->boot_id) || !json_is_integer(deadline) || !json_is_integer(by))
        return false;
    c->deadline_ms = json_integer_value(deadline);
    c->confirm_by = json_integer_value(by);
    for (size_t i = JA_PAM_ENABLING; i < sizeof state_names / sizeof *state_names; i++)
        if (strcmp(state_names[i], state) == 0)
            c->state = (enum ja_pam_state)i;
    return c->state != JA_PAM_NONE;
}

enum ja_status ja_pam_record(const char *service, struct ja_pam_change *ret, struct ja_error *err)
{
    struct ja_pam_change c = {.state = JA_PAM_NONE};
    struct ja_secret text = {0};
    json_t *doc = NULL;
    enum ja_status st;

    if (!ja_pam_service_valid(service))
        return ja_fail(err, JA_ERR_NOT_FOUND, "service_not_found", "there is no service %s in " JA_PAM_FOLDER, service);
    (void)snprintf(c.service, sizeof c.service, "%s", service);
    st = read_kept(service, "json", &text, err);
    if (st == JA_ERR_NOT_FOUND) {
        *ret = c;
        return JA_OK;
    }
    if (st == JA_OK)
        doc = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (st == JA_OK && !parse(doc, &c))
        st = ja_fail(err, JA_ERR_CORRUPT, "pam_record_damaged",
                     JA_PAM_STATE "/%s.json is damaged; compare " JA_PAM_FOLDER "/%s with %s.original beside it, then "
                                  "remove the record", service, service, service);
    json_decref(doc);
    ja_secret_clear(&text);
    if (st == JA_OK)
        *ret = c;
    return st;
}

static enum ja_status put_record(const struct ja_pam_change *c, struct ja_error *err)
{
    json_t *doc = json_pack("{s:s, s:s, s:s, s:I, s:I}", "state", state_names[c->state], "id", c->id, "boot_id",
                            c->boot_id, "deadline_ms", (json_int_t)c->deadline_ms, "confirm_by",
                            (json_int_t)c->confirm_by);
    char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
    enum ja_status st = text ? keep(c->service, "json", text, strlen(text), err) : ja_fail_nomem(err);

    free(text);
    json_decref(doc);
    return st;
}

/* On disk when it returns: after a power cut an answered change must not look like an open one. */
static enum ja_status drop_record(const char *service, struct ja_error *err)
{
    char path[PATH_SIZE];
    int dir = open(JA_PAM_STATE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum ja_status st = JA_OK;

    path_of(path, service, "json");
    if (dir < 0 || (unlink(path) != 0 && errno != ENOENT) || fsync(dir) != 0)
        st = ja_fail_errno(err, errno, path);
    if (dir >= 0)
        (void)close(dir);
    return st;
}

enum ja_status ja_pam_each(ja_pam_change_fn fn, void *arg, struct ja_error *err)
{
    DIR *dir = opendir(JA_PAM_STATE);
    enum ja_status st = JA_OK, bad = JA_OK; /* a damaged record does not hide the others */
    const struct dirent *e;

    if (!dir)
        return errno == ENOENT ? JA_OK : ja_fail_errno(err, errno, JA_PAM_STATE);
    while (st == JA_OK && (e = readdir(dir))) {
        size_t len = strlen(e->d_name);
        char service[JA_PAM_SERVICE_MAX + 1];
        struct ja_pam_change c;

        if (len < 6 || len > JA_PAM_SERVICE_MAX + 5 || strcmp(e->d_name + len - 5, ".json") != 0)
            continue;
        (void)snprintf(service, sizeof service, "%.*s", (int)(len - 5), e->d_name);
        if (!ja_pam_service_valid(service))
            continue;
        if (ja_pam_record(service, &c, NULL) != JA_OK)
            bad = bad == JA_OK ? ja_pam_record(service, &c, err) : bad;
        else if (c.state != JA_PAM_NONE)
            st = fn(arg, &c, err);
    }
    (void)closedir(dir);
    return st == JA_OK ? bad : st;
}

/* ---- changes ---- */

enum ja_status ja_pam_begin(const char *service, enum ja_pam_state to, const struct ja_secret *original,
                            const struct ja_secret *enabled, int64_t seconds, struct ja_pam_change *ret,
                            struct ja_error *err)
{
    struct ja_pam_change c = {.state = to};
    int64_t now_ms = ja_now_ms(&ja_clock_system);
    enum ja_status st = ja_uuid_new(now_ms, c.id, err);

    (void)snprintf(c.service, sizeof c.service, "%s", service);
    if (st == JA_OK)
        st = ja_proc_boot_id(c.boot_id, err);
    if (st == JA_OK && to == JA_PAM_ENABLING) { /* a record of an older change does not go with the new texts */
        st = drop_record(service, err);
        if (st == JA_OK)
            st = keep(service, "original", original->data, original->len, err);
        if (st == JA_OK)
            st = keep(service, "enabled", enabled->data, enabled->len, err);
    }
    c.deadline_ms = boot_ms() + seconds * 1000;
    c.confirm_by = now_ms / 1000 + seconds;
    if (st == JA_OK)
        st = put_record(&c, err);
    if (st == JA_OK)
        *ret = c;
    return st;
}

/* Compared once more at the last moment: what an editor writes between that and the rename is lost, as with any two
 * editors. */
static enum ja_status put(const char *service, const struct ja_secret *from, const struct ja_secret *to, bool *ret_written,
                          struct ja_error *err)
{
    struct ja_secret live = {0};
    char path[PATH_SIZE];
    bool written = false;
    enum ja_status st = ja_pam_read(service, &live, err);

    live_path(path, service);
    clear_leftovers(service);
    if (st == JA_ERR_NOT_FOUND || (st == JA_OK && !same(&live, to) && !same(&live, from)))
        st = changed(service, err);
    if (st == JA_OK && !same(&live, to)) {
        st = ja_file_replace(path, to->data, to->len, err);
        written = st == JA_OK;
    }
    ja_secret_clear(&live);
    if (st == JA_OK && ret_written)
        *ret_written = written;
    return st;
}

/* Both texts of a service, and the file made the one or the other. */
static enum ja_status turn(const struct ja_pam_change *c, bool to_enabled, bool *ret_written, struct ja_error *err)
{
    struct ja_secret original = {0}, enabled = {0};
    enum ja_status st = read_kept(c->service, "original", &original, err);

    if (st == JA_OK)
        st = read_kept(c->service, "enabled", &enabled, err);
    if (st == JA_OK)
        st = to_enabled ? put(c->service, &original, &enabled, ret_written, err)
                        : put(c->service, &enabled, &original, ret_written, err);
    ja_secret_clear(&original);
    ja_secret_clear(&enabled);
    return st;
}

static enum ja_status settle(const struct ja_pam_change *c, bool enabled, struct ja_error *err)
{
    struct ja_pam_change settled = *c;

    if (!enabled)
        return drop_record(c->service, err);
    settled.state = JA_PAM_ENABLED;
    return put_record(&settled, err);
}

enum ja_status ja_pam_apply(const struct ja_pam_change *c, struct ja_error *err)
{
    return turn(c, c->state == JA_PAM_ENABLING, NULL, err);
}

enum ja_status ja_pam_confirm(const struct ja_pam_change *c, struct ja_error *err)
{
    return settle(c, c->state == JA_PAM_ENABLING, err);
}

enum ja_status ja_pam_take_back(const struct ja_pam_change *c, bool *ret_written, struct ja_error *err)
{
    bool enabled = c->state == JA_PAM_DISABLING;
    enum ja_status st = turn(c, enabled, ret_written, err);

    return st == JA_OK ? settle(c, enabled, err) : st;
}

enum ja_status ja_pam_take_back_due(const char *service, bool *ret_taken, struct ja_error *err)
{
    struct ja_pam_change c = {0};
    int lock = -1;
    bool due = false;
    enum ja_status st = ja_pam_lock(&lock, err);

    if (st != JA_OK)
        return st;
    st = ja_pam_record(service, &c, err);
    due = st == JA_OK && ja_pam_pending(&c) && ja_pam_left_ms(&c) == 0;
    if (due)
        st = ja_pam_take_back(&c, NULL, err);
    (void)close(lock);
    if (st == JA_OK)
        *ret_taken = due;
    return st;
}

enum ja_status ja_pam_original(const struct ja_pam_change *c, const struct ja_secret *live, struct ja_secret *ret,
                               struct ja_error *err)
{
    struct ja_secret enabled = {0};
    enum ja_status st = read_kept(c->service, "enabled", &enabled, err);

    if (st == JA_OK && !same(&enabled, live))
        st = changed(c->service, err);
    if (st == JA_OK)
        st = read_kept(c->service, "original", ret, err);
    ja_secret_clear(&enabled);
    return st;
}

enum ja_status ja_pam_audit(struct ja_ctx *ctx, const char *action, const char *service, struct ja_error *err)
{
    char target[sizeof "pam:" + JA_PAM_SERVICE_MAX];
    const struct ja_audit_event ev = {.action = action, .target = target, .outcome = "success"};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    (void)snprintf(target, sizeof target, "pam:%.64s", service);
    return ja_tx_end(ctx, ja_audit_write(ctx, &ev, err), err);
}
