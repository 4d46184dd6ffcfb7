/* purge: what has ended goes. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "common/flow/purge_flow.h"

#include <stddef.h>

static const struct {
    const char *key, *text;
    size_t offset;
    bool carried_out; /* else dropped */
} kinds[] = {
    {"locks", "planned locks whose time has come", offsetof(struct ja_purged, locks), true},
    {"grants", "grants that ended", offsetof(struct ja_purged, grants), false},
    {"pending_users", "users who never verified", offsetof(struct ja_purged, pending_users), false},
    {"one_time_tokens", "one-time tokens", offsetof(struct ja_purged, one_time_tokens), false},
    {"sessions", "sessions that ended 30 days ago", offsetof(struct ja_purged, sessions), false},
    {"refresh_tokens", "refresh tokens", offsetof(struct ja_purged, refresh_tokens), false},
    {"revoked_tokens", "revocations of ended tokens", offsetof(struct ja_purged, revoked_tokens), false},
    {"used_tokens", "ended tokens that logged somebody in", offsetof(struct ja_purged, used_tokens), false},
    {"login_handles", "logins without a session", offsetof(struct ja_purged, login_handles), false},
    {"throttle", "counts of attempts", offsetof(struct ja_purged, throttle), false},
    {"messages", "messages sent or given up 30 days ago", offsetof(struct ja_purged, messages), false},
};

static int64_t value(const struct ja_purged *p, size_t i)
{
    return *(const int64_t *)(const void *)((const char *)p + kinds[i].offset);
}

static enum ja_status run_purge(struct cli *cli, struct ja_error *err)
{
    struct ja_purged p = {0};
    bool dry = cli_flag(cli, "dry-run");
    json_t *doc = NULL;
    enum ja_status st = ja_purge(&cli->ctx, dry, &p, err);

    if (st != JA_OK)
        return st;
    if (!cli->json) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            cli_line(cli, "%s %lld %s",
                     kinds[i].carried_out ? dry ? "would carry out" : "carried out"
                                          : dry ? "would drop" : "dropped",
                     (long long)value(&p, i), kinds[i].text);
        return JA_OK;
    }
    doc = json_pack("{s:b}", "dry_run", (int)dry);
    for (size_t i = 0; doc && i < sizeof kinds / sizeof *kinds; i++)
        if (json_object_set_new(doc, kinds[i].key, json_integer(value(&p, i))) != 0) {
            json_decref(doc);
            doc = NULL;
        }
    return cli_answer(cli, doc, err);
}

static const struct cli_option purge_options[] = {
    {"dry-run", 0, NULL, false, "count, drop nothing"},
    CLI_OPTIONS_END,
};

const struct command cmd_purge_commands[] = {
    {.noun = "purge",
     .run = run_purge,
     .needs = NEEDS_STORE,
     .options = purge_options,
     .summary = "drop what has ended: pending users, tokens, sessions, counts, messages",
     .example = "authctl purge --dry-run",
     .details = "Users who never verified go after [registration] purge_pending. Planned locks and the ends of grants\n"
                "count from their time on without it; it revokes what locked users had, and tells the audit log\n"
                "and who had the grants. In small steps, while logins go on; jwtauth-purge.timer calls it daily.",
     .keys = "dry_run locks grants pending_users one_time_tokens sessions refresh_tokens revoked_tokens used_tokens login_handles "
             "throttle messages"},
    {0},
};
