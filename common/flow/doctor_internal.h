/* Inside of doctor: what its parts share. */
#ifndef JA_FLOW_DOCTOR_INTERNAL_H
#define JA_FLOW_DOCTOR_INTERNAL_H

#include "common/flow/setup_flow.h"

struct doctor {
    ja_doctor_fn fn;
    void *arg;
    enum ja_doctor_level worst;
    struct ja_ctx ctx;   /* cfg NULL when the configuration is broken */
    const char *config;  /* path, for mends */
};

/* One finding. */
void doctor_say(struct doctor *d, enum ja_doctor_level level, const char *check, const char *mend,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A failed call as a finding; the mend is the message's own (file_guard.h) when it has one. */
void doctor_fail(struct doctor *d, enum ja_doctor_level level, const char *check, const char *mend,
                 const struct ja_error *err);
/* Reads a system file for its lines: trimmed, without comments and blank lines; `\` joins lines. false:
 * it cannot be read. */
bool doctor_lines(const char *path, void (*fn)(void *arg, char *line), void *arg);
/* Cuts the next blank-separated word off *s; a word in [brackets] is one. NULL at the end. */
char *doctor_word(char **s);

void doctor_policy(struct doctor *d); /* [policy NAME]; roles are looked up where the store is open */
void doctor_changes(struct doctor *d); /* what 'pam enable' left to be confirmed */
void doctor_stacks(struct doctor *d); /* /etc/pam.d */
void doctor_sshd(struct doctor *d);   /* sshd_config and the keys that sshd asks for */
void doctor_host(struct doctor *d);   /* nsswitch.conf, the daemon's socket */

/* What a file of PAM's includes, line by line (doctor_stack.c). */
enum doctor_group { DOCTOR_AUTH, DOCTOR_ACCOUNT, DOCTOR_PASSWORD, DOCTOR_SESSION, DOCTOR_GROUPS };
int doctor_group(const char *word);           /* "auth", "-auth"; -1: none */
const char *doctor_base(const char *module);  /* without folder */
/* In which groups a file of /etc/pam.d has the module (NULL: any), by its includes too; `only` -1: all groups. Adds to
 * `ret`. */
void doctor_file_uses(const char *name, int only, const char *module, bool ret[DOCTOR_GROUPS]);
void doctor_service(struct doctor *d, const char *service);

/* One line of a PAM stack as libpam keeps it (doctor_dispatch.c). */
struct doctor_entry {
    char control[128]; /* "substack": a marker, the lines of it follow one level deeper */
    char module[64];   /* without folder */
    int level;
};
/* The action of a control for a return value ("user_unknown"), as libpam reads it. */
void doctor_action(const char *control, const char *value, char *out, size_t size);
/* What a stack of one group comes to when pam_jwtauth answers `ours`, and pam_unix `before` in front of it and
 * `behind` behind it; modules that nobody knows here change nothing. */
struct doctor_answers {
    const char *ours, *before, *behind;
};
bool doctor_stack_passes(const struct doctor_entry *entries, size_t n, const struct doctor_answers *a);

#endif
