/* The outbox: messages to users that wait, were sent or were given up. */
#include "cli/cmd.h"
#include "cli/deliver.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/domain/outbox_row.h"
#include "common/flow/look_flow.h"
#include "common/notify/deliver.h"
#include "common/notify/message_template.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct row_field fields[] = {
    {"id", "MESSAGE", ROW_TEXT},
    {"state", "STATE", ROW_TEXT},
    {"channel", "CHANNEL", ROW_TEXT},
    {"destination", "TO", ROW_TEXT},
    {"template", "TEMPLATE", ROW_TEXT},
    {"user_id", NULL, ROW_TEXT},
    {"attempts", "ATTEMPTS", ROW_INT},
    {"created_at", "SINCE", ROW_TIME},
    {"next_attempt_at", "NEXT TRY", ROW_TIME},
    {"ends_at", NULL, ROW_TIME},
    {"sent_at", NULL, ROW_TIME},
    {"last_error", "LAST ERROR", ROW_TEXT},
};
static const struct row_type row_message = {"message", "messages", fields, sizeof fields / sizeof *fields};

struct listing {
    struct cli_rows *rows;
    struct ja_error *err;
};

static enum ja_status put(void *arg, const struct ja_outbox_row *m)
{
    struct listing *l = arg;
    bool waits = strcmp(m->state, "queued") == 0;
    const struct row_value values[] = {
        ROW_T(m->id), ROW_T(m->state), ROW_T(ja_channel_name(m->channel)), ROW_T(m->destination), ROW_T(m->template),
        ROW_T(m->user_id), ROW_N(m->attempts), ROW_N(m->created_at), ROW_N(waits ? m->next_attempt_at : 0),
        ROW_N(m->ends_at), ROW_N(m->sent_at), ROW_T(m->last_error),
    };

    return cli_rows_add(l->rows, values, l->err);
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.err = err};
    struct ja_outbox_filter filter = {.state = cli_opt(cli, "state")};
    const char *state = filter.state;
    enum ja_status st;

    if (state && strcmp(state, "queued") != 0 && strcmp(state, "sent") != 0 && strcmp(state, "given_up") != 0)
        return ja_fail(err, JA_ERR_INVALID, "bad_state", "--state must be queued, sent or given_up");
    st = cli_rows_begin(cli, &row_message, &l.rows, err);
    if (st == JA_OK) {
        filter.limit = cli_rows_limit(l.rows);
        filter.after = cli_rows_after(l.rows);
        st = ja_look_outbox(&cli->ctx, &filter, put, &l, err);
    }
    if (st == JA_OK)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

static void show_progress(void *arg, int64_t done, int64_t total)
{
    const struct cli *cli = arg;

    if (!cli->quiet && isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r%lld of %lld", (long long)done, (long long)total);
}

static enum ja_status run_flush(struct cli *cli, struct ja_error *err)
{
    const struct ja_delivery_watch watch = {.progress = show_progress, .arg = cli};
    struct ja_delivery sum = {0};
    enum ja_status st;

    cli_deliver_prepare();
    st = ja_deliver_due(&cli->ctx, &watch, &sum, err);
    if (!cli->quiet && isatty(STDERR_FILENO) && sum.sent + sum.failed + sum.given_up > 0)
        (void)fputc('\n', stderr);
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:I,s:I,s:I}", "sent", (json_int_t)sum.sent, "failed",
                                         (json_int_t)sum.failed, "given_up", (json_int_t)sum.given_up), err);
    cli_line(cli, "%lld sent, %lld failed and wait for the next try, %lld given up", (long long)sum.sent,
             (long long)sum.failed, (long long)sum.given_up);
    return JA_OK;
}

static enum ja_status answer_id(struct cli *cli, const char *what, struct ja_error *err)
{
    if (cli->json)
        return cli_answer(cli, json_pack("{s:o}", "id", ja_json_text(cli->args[0])), err);
    cli_line(cli, "message %s %s", cli->args[0], what);
    return JA_OK;
}

static enum ja_status run_retry(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_outbox_retry(&cli->ctx, cli->args[0], err);

    if (st == JA_OK)
        st = answer_id(cli, "is queued again", err);
    if (st == JA_OK)
        cli_deliver(cli, cli->args[0]);
    return st;
}

static enum ja_status run_drop(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_outbox_drop(&cli->ctx, cli->args[0], err);

    return st == JA_OK ? answer_id(cli, "was dropped", err) : st;
}

static enum ja_status run_preview(struct cli *cli, struct ja_error *err)
{
    struct ja_rendered r = {0};
    enum ja_status st = ja_template_preview(&cli->ctx, cli->args[0], &r, err);
    const struct ja_template *t = ja_template_find(cli->args[0]);

    if (st == JA_OK && cli_flag(cli, "html") && !r.html.len)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "no_html", "the template %s has no HTML", cli->args[0]);
    if (st == JA_OK && cli->json) {
        st = cli_answer(cli, json_pack("{s:o,s:o,s:o,s:o,s:o}", "template", ja_json_text(t->name), "channel",
                                       ja_json_text(ja_channel_name(t->channel)), "subject",
                                       ja_json_text((const char *)r.subject.data), "text",
                                       ja_json_text((const char *)r.text.data), "html",
                                       ja_json_text((const char *)r.html.data)), err);
    } else if (st == JA_OK && cli_flag(cli, "html")) {
        cli_raw(cli, r.html.data, r.html.len);
    } else if (st == JA_OK) {
        if (r.subject.len)
            cli_line(cli, "Subject: %s", (const char *)r.subject.data);
        cli_raw(cli, r.text.data, r.text.len);
    }
    ja_rendered_clear(&r);
    return st;
}

static const struct cli_option list_options[] = {
    {"state", 0, "STATE", false, "only messages that are queued, sent or given_up"},
    CLI_OPTIONS_PAGE,
    CLI_OPTIONS_END,
};
static const struct cli_option preview_options[] = {
    {"html", 0, NULL, false, "the HTML text"},
    CLI_OPTIONS_END,
};

const struct command cmd_notify_commands[] = {
    {.noun = "outbox", .verb = "list", .run = run_list, .needs = NEEDS_STORE, .options = list_options,
     .summary = "list messages to users",
     .example = "authctl outbox list --state given_up",
     .rows = &row_message},
    {.noun = "outbox", .verb = "flush", .run = run_flush, .needs = NEEDS_MASTER,
     .summary = "deliver the messages that are due",
     .example = "authctl outbox flush",
     .details = "What cannot be delivered waits: 1 minute after the first try, then 5, 15, 60\n"
                "and every 240 minutes, 20 tries in all and no longer than its contents are valid.\n"
                "The exit code is 0 when the run as such worked: see the counts.",
     .keys = "sent failed given_up"},
    {.noun = "outbox", .verb = "retry", .run = run_retry, .needs = NEEDS_MASTER, .args = "ID",
     .min_args = 1, .max_args = 1,
     .summary = "try to deliver a message now, also one that was given up",
     .example = "authctl outbox retry 0197c7a2-0000-7000-8000-000000000000",
     .keys = "id"},
    {.noun = "outbox", .verb = "drop", .run = run_drop, .needs = NEEDS_STORE, .args = "ID",
     .min_args = 1, .max_args = 1,
     .summary = "forget a message",
     .example = "authctl outbox drop 0197c7a2-0000-7000-8000-000000000000",
     .keys = "id"},
    {.noun = "outbox", .verb = "preview", .run = run_preview, .needs = NEEDS_CONFIG, .options = preview_options,
     .args = "TEMPLATE", .min_args = 1, .max_args = 1,
     .summary = "show a message's text with sample values",
     .example = "authctl outbox preview verify_email",
     .details = "Templates: verify_email, verify_phone, reset_email, reset_sms, invite_email,\n"
                "invite_sms, new_source, password_changed, mfa_disabled, address_changed, register_taken,\n"
                "welcome, grant_ended, ssh_key_added, ssh_key_removed.",
     .keys = "template channel subject text html"},
    {0},
};
