/* pam confirm, rollback: what pam enable and disable have changed stays, or goes back. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/pam_store.h"
#include "cli/pam_watch.h"
#include "common/flow/pam_stanza.h"

#include <string.h>
#include <unistd.h>

#define OPEN_MAX_CHANGES 64

struct open_changes {
    const char *service; /* only this one's; NULL: all */
    struct ja_pam_change list[OPEN_MAX_CHANGES];
    size_t n;
};

static enum ja_status collect(void *arg, const struct ja_pam_change *c, struct ja_error *err)
{
    struct open_changes *o = arg;

    (void)err;
    if (ja_pam_pending(c) && (!o->service || strcmp(o->service, c->service) == 0) && o->n < OPEN_MAX_CHANGES)
        o->list[o->n++] = *c;
    return JA_OK;
}

static enum ja_status answer_services(struct cli *cli, bool confirmed, json_t *list, struct ja_error *err)
{
    size_t i;
    json_t *service;

    if (cli->json)
        return cli_answer(cli, json_pack("{s:o}", confirmed ? "confirmed" : "taken_back", list), err);
    json_array_foreach(list, i, service)
        cli_line(cli, "%s: " JA_PAM_FOLDER "/%s %s", confirmed ? "confirmed" : "taken back",
                 json_string_value(service), confirmed ? "stays as it is now" : "is as it was before");
    json_decref(list);
    return JA_OK;
}

/* A late one is taken back; where somebody else has changed the file meanwhile, theirs is what is confirmed. */
static enum ja_status confirm_one(const struct ja_pam_change *c, struct ja_error *err)
{
    enum ja_status st = JA_ERR_CONFLICT;

    if (ja_pam_left_ms(c) == 0)
        st = ja_pam_take_back(c, NULL, err);
    if (st == JA_OK)
        return ja_fail(err, JA_ERR_DENIED, "too_late", "the time is over: " JA_PAM_FOLDER "/%s is as it was before",
                       c->service);
    return st == JA_ERR_CONFLICT ? ja_pam_confirm(c, err) : st;
}

static enum ja_status run_confirm(struct cli *cli, struct ja_error *err)
{
    struct open_changes o = {.service = cli_opt(cli, "service")};
    json_t *done = json_array();
    int lock = -1;
    enum ja_status st = done ? ja_crypto_init(err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = ja_pam_lock(&lock, err);
    if (st == JA_OK)
        st = ja_pam_each(collect, &o, err);
    if (st == JA_OK && o.n == 0)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "nothing_to_confirm", "no change waits for a confirmation");
    for (size_t i = 0; st == JA_OK && i < o.n; i++) {
        st = confirm_one(&o.list[i], err);
        if (st == JA_OK)
            cli_pam_audit_if_possible(cli, "pam.confirm", o.list[i].service);
        if (st == JA_OK && json_array_append_new(done, json_string(o.list[i].service)) != 0)
            st = ja_fail_nomem(err);
    }
    if (lock >= 0)
        (void)close(lock);
    if (st == JA_OK)
        return answer_services(cli, true, done, err);
    json_decref(done);
    return st;
}

static enum ja_status wait_for(struct open_changes *o, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < o->n; i++)
        st = cli_pam_watch(&o->list[i], err);
    return st;
}

/* One that cannot be taken back does not keep the others from it. */
static enum ja_status take_back_all(struct cli *cli, struct open_changes *o, bool due_only, json_t *done, struct ja_error *err)
{
    enum ja_status st = JA_OK, one;

    for (size_t i = 0; i < o->n; i++) {
        if (due_only && ja_pam_left_ms(&o->list[i]) > 0)
            continue;
        one = ja_pam_take_back(&o->list[i], NULL, st == JA_OK ? err : NULL);
        if (one == JA_OK)
            cli_pam_audit_if_possible(cli, "pam.rollback", o->list[i].service);
        if (one == JA_OK && json_array_append_new(done, json_string(o->list[i].service)) != 0)
            one = ja_fail_nomem(err);
        if (st == JA_OK)
            st = one;
    }
    return st;
}

static enum ja_status run_rollback(struct cli *cli, struct ja_error *err)
{
    struct open_changes o = {.service = cli_opt(cli, "service")};
    json_t *done = json_array();
    int lock = -1;
    enum ja_status st = done ? ja_crypto_init(err) : ja_fail_nomem(err);

    if (st == JA_OK && cli_flag(cli, "wait")) {
        st = ja_pam_each(collect, &o, err);
        if (st == JA_OK)
            st = wait_for(&o, err);
        o.n = 0;
    } else if (st == JA_OK) {
        st = ja_pam_lock(&lock, err);
        if (st == JA_OK)
            st = ja_pam_each(collect, &o, err);
        if (st == JA_OK)
            st = take_back_all(cli, &o, cli_flag(cli, "due"), done, err);
    }
    if (lock >= 0)
        (void)close(lock);
    if (st == JA_OK)
        return answer_services(cli, false, done, err);
    json_decref(done);
    return st;
}

static const struct cli_option confirm_options[] = {
    {"service", 0, "S", false, "only this one's change"},
    CLI_OPTIONS_END,
};
static const struct cli_option rollback_options[] = {
    {"service", 0, "S", false, "only this one's change"},
    {"due", 0, NULL, false, "only what should have been confirmed by now, or before the machine started"},
    {"wait", 0, NULL, false, "at its time, or not at all when it is confirmed by then"},
    CLI_OPTIONS_END,
};

const struct command cmd_pam_confirm_commands[] = {
    {.noun = "pam", .verb = "confirm", .run = run_confirm, .needs = NEEDS_ROOT, .options = confirm_options,
     .summary = "keep what pam enable or pam disable has changed", .example = "authctl pam confirm",
     .details = "Exit 1: it comes too late, the file is as it was before; 3: nothing waits for it.",
     .keys = "confirmed"},
    {.noun = "pam", .verb = "rollback", .run = run_rollback, .needs = NEEDS_ROOT, .options = rollback_options,
     .summary = "take back what is not confirmed yet", .example = "authctl pam rollback --service sshd",
     .keys = "taken_back"},
    {0},
};
