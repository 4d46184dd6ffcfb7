/* pam enable, disable: the lines of pam_jwtauth in and out of a service's stack. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/pam_store.h"
#include "cli/pam_try.h"
#include "cli/pam_watch.h"
#include "cli/text_diff.h"
#include "common/flow/pam_stanza.h"
#include "common/view/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIRM_WITHIN 300
#define CONFIRM_MAX 86400

/* One change on its way. */
struct turn {
    const char *service;
    bool enabling;
    struct ja_secret before, after;
    char *diff;              /* NULL: there is nothing to change */
    const char *why;         /* of that */
    struct pam_tries tries;
    struct ja_pam_change change;
    bool applied;
};

static void turn_clear(struct turn *t)
{
    ja_secret_clear(&t->before);
    ja_secret_clear(&t->after);
    free(t->diff);
}

/* ---- the answer ---- */

static json_t *tries_json(const struct pam_tries *tries)
{
    json_t *list = json_array();

    for (int i = 0; list && i < tries->n; i++) {
        const struct pam_try *t = &tries->list[i];

        if (json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:s}", "try", t->name, "ok", t->ok, "expected",
                                                  t->text, "said", t->said)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static enum ja_status answer_json(struct cli *cli, const struct turn *t, const char *code, struct ja_error *err)
{
    char by[JA_TIME_LEN + 1] = "", backup[128];

    (void)snprintf(backup, sizeof backup, JA_PAM_STATE "/%s.%s", t->service, t->enabling ? "original" : "enabled");
    ja_time_format(t->change.confirm_by, by);
    return cli_answer(cli,
                      json_pack("{s:b, s:o, s:s, s:b, s:o, s:o, s:o, s:o}", "ok", code == NULL, "code",
                                ja_json_text(code), "service", t->service, "changed", t->applied, "diff",
                                ja_json_text(t->diff), "backup", ja_json_text(t->applied ? backup : NULL), "confirm_by",
                                ja_json_text(t->applied ? by : NULL), "tries", tries_json(&t->tries)),
                      err);
}

static void show_tries(struct cli *cli, const struct pam_tries *tries)
{
    for (int i = 0; i < tries->n; i++) {
        const struct pam_try *t = &tries->list[i];

        cli_line(cli, "%s %s: %s (%s)", t->ok ? "ok  " : "FAIL", t->name, t->text, t->said);
    }
}

static enum ja_status answer(struct cli *cli, const struct turn *t, const char *code, struct ja_error *err)
{
    char by[JA_TIME_LEN + 1];

    if (cli->json)
        return answer_json(cli, t, code, err);
    if (t->diff)
        cli_raw(cli, t->diff, strlen(t->diff));
    else
        cli_line(cli, "nothing to change: %s", t->why);
    show_tries(cli, &t->tries);
    if (t->applied) {
        ja_time_format(t->change.confirm_by, by);
        cli_line(cli, "changed " JA_PAM_FOLDER "/%s; the file as it was: " JA_PAM_STATE "/%s.%s", t->service, t->service,
                 t->enabling ? "original" : "enabled");
        cli_line(cli, "log in once in another window, then: authctl pam confirm --service %s", t->service);
        cli_line(cli, "without that it is taken back at %s", by);
    }
    return JA_OK;
}

/* ---- what is to be done ---- */

static enum ja_status make_diff(struct turn *t, struct ja_error *err)
{
    char path[128];

    (void)snprintf(path, sizeof path, JA_PAM_FOLDER "/%s", t->service);
    t->diff = text_diff(path, &t->before, &t->after);
    return t->diff ? JA_OK : ja_fail_nomem(err);
}

static enum ja_status partly(const struct turn *t, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CONFLICT, "pam_not_understood",
                   JA_PAM_FOLDER "/%s has pam_jwtauth in some parts only; see authctl pam status --service %s",
                   t->service, t->service);
}

static enum ja_status plan_enable(struct turn *t, const struct ja_pam_change *known, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    (void)known;
    switch (ja_pam_use(t->service, &t->before)) {
    case JA_PAM_DIRECT:
        t->why = "the file has pam_jwtauth already";
        return JA_OK;
    case JA_PAM_INCLUDED:
        t->why = "pam_jwtauth is there already, by a file that it includes";
        return JA_OK;
    case JA_PAM_UNUSED:
        st = ja_pam_stanza(t->service, &t->before, &t->after, err);
        return st == JA_OK ? make_diff(t, err) : st;
    case JA_PAM_PARTLY:
        break;
    }
    return partly(t, err);
}

static enum ja_status plan_disable(struct turn *t, const struct ja_pam_change *known, struct ja_error *err)
{
    enum ja_pam_use use = ja_pam_use(t->service, &t->before);
    enum ja_status st = JA_OK;

    if (use != JA_PAM_UNUSED && known->state == JA_PAM_ENABLED) {
        st = ja_pam_original(known, &t->before, &t->after, err);
        return st == JA_OK ? make_diff(t, err) : st;
    }
    if (use == JA_PAM_INCLUDED)
        return ja_fail(err, JA_ERR_CONFLICT, "pam_included",
                       "pam_jwtauth comes by a file that " JA_PAM_FOLDER "/%s includes; take it out there, on Debian by "
                       "pam-auth-update --remove jwtauth jwtauth-session", t->service);
    if (use != JA_PAM_UNUSED)
        return ja_fail(err, JA_ERR_CONFLICT, "pam_not_ours",
                       "the lines in " JA_PAM_FOLDER "/%s were not put there by 'authctl pam enable'; take them out by "
                       "hand", t->service);
    t->why = "the file does not use pam_jwtauth";
    return JA_OK;
}

/* What is left of a change before this one is settled first. */
static enum ja_status settle_old(const char *service, struct ja_pam_change *ret, struct ja_error *err)
{
    struct ja_pam_change c = {0};
    enum ja_status st = ja_pam_record(service, &c, err);

    if (st == JA_OK && ja_pam_pending(&c)) {
        if (ja_pam_left_ms(&c) > 0)
            return ja_fail(err, JA_ERR_CONFLICT, "pam_unconfirmed",
                           "the last change of " JA_PAM_FOLDER "/%s is not confirmed; 'authctl pam confirm' keeps it, "
                           "'authctl pam rollback' takes it back", service);
        st = ja_pam_take_back(&c, NULL, err);
        if (st == JA_OK)
            st = ja_pam_record(service, &c, err);
    }
    if (st == JA_OK)
        *ret = c;
    return st;
}

/* ---- doing it ---- */

static enum ja_status try_it(struct cli *cli, struct turn *t, struct ja_error *err)
{
    enum ja_status st = t->enabling ? cli_pam_store_check(cli, err) : JA_OK;

    if (st == JA_OK)
        st = cli_pam_try(t->service, &t->before, &t->after, t->enabling, &t->tries, err);
    if (st != JA_OK || t->tries.ok)
        return st;
    st = answer(cli, t, "pam_tries_failed", err);
    if (st == JA_OK)
        st = ja_fail(err, JA_ERR_DENIED, "pam_tries_failed", "the new stack does not do what it must: nothing is changed");
    return st;
}

/* First on record, then watched, then done. */
static enum ja_status apply(struct cli *cli, struct turn *t, int64_t seconds, struct ja_error *err)
{
    enum ja_pam_state to = t->enabling ? JA_PAM_ENABLING : JA_PAM_DISABLING;
    const struct ja_secret *original = t->enabling ? &t->before : &t->after;
    enum ja_status st = ja_pam_begin(t->service, to, original, t->enabling ? &t->after : &t->before, seconds, &t->change,
                                     err);

    if (st != JA_OK)
        return st;
    st = cli_pam_watch_start(&t->change, err);
    if (st == JA_OK)
        st = ja_pam_apply(&t->change, err);
    if (st == JA_OK && t->enabling)
        st = cli_pam_audit(cli, "pam.enable", t->service, err);
    else if (st == JA_OK)
        cli_pam_audit_if_possible(cli, "pam.disable", t->service);
    t->applied = st == JA_OK;
    if (st != JA_OK)
        (void)ja_pam_take_back(&t->change, NULL, NULL);
    return st;
}

static enum ja_status run_turn(struct cli *cli, struct turn *t, int64_t seconds, struct ja_error *err)
{
    struct ja_pam_change known = {0};
    enum ja_status st = settle_old(t->service, &known, err);

    if (st == JA_OK)
        st = ja_pam_read(t->service, &t->before, err);
    if (st == JA_OK)
        st = t->enabling ? plan_enable(t, &known, err) : plan_disable(t, &known, err);
    if (st == JA_OK && t->diff && !cli_flag(cli, "dry-run")) {
        st = try_it(cli, t, err);
        if (st == JA_OK)
            st = apply(cli, t, seconds, err);
    }
    return st == JA_OK ? answer(cli, t, NULL, err) : st;
}

static enum ja_status turn(struct cli *cli, bool enabling, struct ja_error *err)
{
    struct turn t = {.service = cli_opt(cli, "service"), .enabling = enabling, .tries.ok = true};
    int64_t seconds = 0;
    int lock = -1;
    enum ja_status st = cli_opt_duration(cli, "confirm-within", CONFIRM_WITHIN, &seconds, err);

    if (!t.service)
        return cli_usage(cli, err, "--service says whose stack: sshd, login, su, sudo");
    if (st == JA_OK && (seconds < 1 || seconds > CONFIRM_MAX))
        st = ja_fail(err, JA_ERR_INVALID, "invalid_duration", "--confirm-within is a time from 1s to 1d");
    if (st == JA_OK)
        st = ja_crypto_init(err);
    if (st == JA_OK)
        st = ja_pam_lock(&lock, err);
    if (st == JA_OK)
        st = run_turn(cli, &t, seconds, err);
    if (lock >= 0)
        (void)close(lock);
    turn_clear(&t);
    return st;
}

static enum ja_status run_enable(struct cli *cli, struct ja_error *err)
{
    return turn(cli, true, err);
}

static enum ja_status run_disable(struct cli *cli, struct ja_error *err)
{
    return turn(cli, false, err);
}

#define CHANGE_OPTIONS \
    {"service", 0, "S", false, "the file of /etc/pam.d: sshd, login, su, sudo"}, \
    {"dry-run", 0, NULL, false, "show the diff, change and try nothing"}, \
    {"confirm-within", 0, "DURATION", false, "taken back unless 'pam confirm' comes within this time (5m)"}

static const struct cli_option change_options[] = {
    CHANGE_OPTIONS,
    CLI_OPTIONS_END,
};
#define CHANGE_KEYS "ok code service changed diff backup confirm_by tries"

const struct command cmd_pam_change_commands[] = {
    {.noun = "pam", .verb = "enable", .run = run_enable, .needs = NEEDS_ROOT, .options = change_options,
     .summary = "put pam_jwtauth into a service's stack, until confirmed for some minutes only",
     .example = "authctl pam enable --service sshd",
     .details = "The new stack is tried first: users of jwtauth allowed, denied, locked and unknown, and\n"
                "local root. Exit 1: it does not do what it must, 4: the file is not understood or was\n"
                "changed by somebody else; then nothing is changed. Keep a root shell open.",
     .keys = CHANGE_KEYS},
    {.noun = "pam", .verb = "disable", .run = run_disable, .needs = NEEDS_ROOT, .options = change_options,
     .summary = "give a service's stack back as it was before pam enable",
     .example = "authctl pam disable --service sshd",
     .details = "Tried, watched and to be confirmed as 'pam enable'.",
     .keys = CHANGE_KEYS},
    {0},
};
