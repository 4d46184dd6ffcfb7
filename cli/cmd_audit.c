/* audit list, verify, rotate. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/base/text.h"
#include "common/domain/audit.h"
#include "common/domain/user.h"
#include "common/flow/look_flow.h"
#include "common/view/audit_row.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS 1000
#define FILES_MAX 64

struct listing {
    struct cli *cli;
    struct cli_rows *rows; /* NULL: a line each, flushed */
    bool json;
    int64_t seq, left;     /* of --follow; left < 0: no limit */
    struct ja_error *err;
};

/* A reader that went away and SIGINT end --follow; both are no failure. */
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
    (void)sig;
    stopped = 1;
}

static bool reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return cli_stdout_failed() || (poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLNVAL)));
}

static enum ja_status put_line(struct listing *l, const struct row_value *values, const struct ja_audit_row *r)
{
    char when[JA_TIME_LEN + 1];
    json_t *doc;

    if (!l->json) {
        ja_time_format(r->time_ms / 1000, when);
        cli_line(l->cli, "%lld  %s  %s  %s  %s  %s  %s  %s  %s", (long long)r->seq, when, r->actor, r->action,
                 r->target ? r->target : "-", r->outcome, r->reason ? r->reason : "-",
                 r->source ? r->source : "-", r->service ? r->service : "-");
    } else {
        doc = ja_row_json(&row_audit, values);
        if (!doc)
            return ja_fail_nomem(l->err);
        cli_json_put(doc);
        (void)putchar('\n');
        json_decref(doc);
        l->cli->answered = true;
    }
    (void)fflush(stdout);
    if (!cli_stdout_failed())
        return JA_OK;
    stopped = 1;
    return ja_fail(l->err, JA_ERR_IO, "output_failed", "the answer could not be written");
}

static enum ja_status put(void *arg, const struct ja_audit_row *r)
{
    struct listing *l = arg;
    json_t *detail = json_loads(r->detail, 0, NULL);
    const struct row_audit_values values = ja_row_audit(r, detail);
    enum ja_status st = l->rows ? cli_rows_add(l->rows, values.v, l->err) : put_line(l, values.v, r);

    json_decref(detail);
    l->seq = r->seq;
    l->left -= l->left > 0 ? 1 : 0;
    return st;
}

/* What was counted and not written yet belongs to the answer; who may only read goes without it. */
static void settle(struct cli *cli, bool all)
{
    (void)ja_audit_settle(&cli->ctx, all, NULL);
}

/* A name, an address or a phone number; a name that was deleted has its rows still. */
static enum ja_status user_target(struct cli *cli, char *out, size_t size, struct ja_error *err)
{
    const char *name = cli_opt(cli, "user");
    struct ja_user u = {0};
    enum ja_status st = ja_user_find(&cli->ctx, name, &u, err);

    if (st == JA_OK)
        (void)snprintf(out, size, "user:%s", u.username);
    else if (st == JA_ERR_NOT_FOUND && ja_username_valid(name)) {
        (void)snprintf(out, size, "user:%s", name);
        st = JA_OK;
    }
    ja_user_clear(&u);
    return st;
}

static enum ja_status read_filter(struct cli *cli, struct ja_audit_filter *f, char *user, size_t size,
                                  struct ja_error *err)
{
    enum ja_status st = JA_OK;

    f->actor = cli_opt(cli, "actor");
    f->action = cli_opt(cli, "action");
    f->outcome = cli_opt(cli, "outcome");
    f->source = cli_opt(cli, "source");
    if (f->outcome && strcmp(f->outcome, "success") != 0 && strcmp(f->outcome, "failure") != 0 &&
        strcmp(f->outcome, "denied") != 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_outcome", "'%s' is none of success, failure, denied", f->outcome);
    if (cli_opt(cli, "user")) {
        st = user_target(cli, user, size, err);
        f->user = user;
    }
    if (st == JA_OK)
        st = cli_opt_past(cli, "since", 0, &f->since, err);
    if (st == JA_OK)
        st = cli_opt_past(cli, "until", 0, &f->until, err);
    if (st == JA_OK)
        st = cli_opt_int(cli, "after", 0, INT64_MAX, 0, &f->after, err);
    if (st == JA_OK)
        st = cli_opt_int(cli, "limit", 1, INT64_MAX - 1, 0, &f->limit, err);
    return st;
}

static enum ja_status list_all(struct cli *cli, struct ja_audit_filter *f, struct listing *l, struct ja_error *err)
{
    enum ja_status st = cli_rows_begin(cli, &row_audit, &l->rows, err);

    if (st != JA_OK)
        return st;
    f->limit = cli_rows_limit(l->rows);
    st = ja_look_audit(&cli->ctx, f, put, l, err);
    if (st == JA_OK)
        return cli_rows_end(l->rows, err);
    cli_rows_free(l->rows);
    return st;
}

static enum ja_status follow(struct cli *cli, struct ja_audit_filter *f, struct listing *l, struct ja_error *err)
{
    const struct ja_clock *clock = &cli->ctx.clock;
    const struct sigaction on_stop = {.sa_handler = stop};
    enum ja_status st = JA_OK;

    (void)sigaction(SIGINT, &on_stop, NULL);
    (void)sigaction(SIGTERM, &on_stop, NULL);
    if (!cli_opt(cli, "after") && !cli_opt(cli, "since"))
        st = ja_audit_last_seq(&cli->ctx, &f->after, err);
    l->seq = f->after;
    while (st == JA_OK && !stopped && l->left != 0) {
        st = ja_look_audit(&cli->ctx, f, put, l, err);
        f->after = l->seq;
        f->limit = l->left > 0 ? l->left : 0;
        if (st == JA_ERR_BUSY)
            st = JA_OK; /* the next look has what this one missed */
        if (st != JA_OK || stopped || l->left == 0 || reader_gone())
            break;
        clock->sleep_ms(clock->arg, POLL_MS);
        settle(cli, false);
    }
    cli->answered = true;
    return stopped ? JA_OK : st;
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    char user[sizeof "user:" + JA_USERNAME_MAX] = "";
    struct ja_audit_filter f = {0};
    struct listing l = {.cli = cli, .json = cli->json || cli_flag(cli, "json-lines"), .err = err};
    enum ja_status st = read_filter(cli, &f, user, sizeof user, err);

    if (st != JA_OK)
        return st;
    l.left = f.limit > 0 ? f.limit : -1;
    settle(cli, true);
    if (cli_flag(cli, "follow"))
        return follow(cli, &f, &l, err);
    if (!cli_flag(cli, "json-lines"))
        return list_all(cli, &f, &l, err);
    st = ja_look_audit(&cli->ctx, &f, put, &l, err);
    cli->answered = true;
    return st;
}

/* ---- verify ---- */

struct progress {
    const struct cli *cli;
    int shown;
};

static void show_progress(void *arg, int64_t done, int64_t total)
{
    struct progress *p = arg;
    int percent = total > 0 ? (int)(done * 100 / total) : 100;

    if (p->cli->quiet || percent == p->shown || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\r%3d %%%s", percent, percent == 100 ? "\n" : "");
    p->shown = percent;
}

static enum ja_status answer_verify(struct cli *cli, const struct ja_audit_report *r, struct ja_error *err)
{
    char head[JA_AUDIT_HASH_TEXT + 24] = "";

    if (r->last_seq > 0)
        (void)snprintf(head, sizeof head, "%lld:%s", (long long)r->last_seq, r->hash);
    if (cli->json)
        return cli_answer(cli, json_pack("{s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "ok", r->ok, "rows",
                                         (json_int_t)r->rows, "first_seq", (json_int_t)r->first_seq, "last_seq",
                                         (json_int_t)r->last_seq, "head", ja_json_text(head[0] ? head : NULL),
                                         "broken_seq", r->broken_seq ? json_integer(r->broken_seq) : json_null(),
                                         "reason", ja_json_text(r->ok ? NULL : r->reason), "message",
                                         ja_json_text(r->ok ? NULL : r->message)),
                          err);
    if (!r->ok)
        return JA_OK;
    if (r->rows == 0)
        cli_line(cli, "the audit log is empty");
    else
        cli_line(cli, "%lld rows are whole and in order, from %lld to %s", (long long)r->rows,
                 (long long)r->first_seq, head);
    return JA_OK;
}

static enum ja_status run_verify(struct cli *cli, struct ja_error *err)
{
    const char *files[FILES_MAX] = {0};
    struct progress p = {cli, -1};
    struct ja_audit_check check = {.files = files, .progress = show_progress, .arg = &p};
    struct ja_audit_report report = {0};
    const char *head = cli_opt(cli, "head");
    enum ja_status st;

    check.nfiles = cli_opt_all(cli, "file", files, FILES_MAX);
    if (check.nfiles > FILES_MAX)
        return cli_usage(cli, err, "at most %d files at a time", FILES_MAX);
    if (head && !ja_audit_head_parse(head, &check.head))
        return ja_fail(err, JA_ERR_INVALID, "invalid_head", "'%s' is no head of the audit log (SEQ:HASH)", head);
    settle(cli, true);
    st = ja_look_audit_check(&cli->ctx, &check, &report, err);
    if (p.shown >= 0 && p.shown < 100)
        (void)fputc('\n', stderr);
    if (st == JA_OK)
        st = answer_verify(cli, &report, err);
    if (st == JA_OK && !report.ok)
        st = ja_fail(err, JA_ERR_DENIED, "audit_broken", "%s", report.message);
    return st;
}

/* ---- rotate ---- */

static enum ja_status run_rotate(struct cli *cli, struct ja_error *err)
{
    struct ja_audit_rotation r = {0};
    int64_t keep = 0, before = 0;
    enum ja_status st = cli_opt_duration(cli, "keep", INT64_C(90) * 86400, &keep, err);

    if (cli_opt(cli, "keep") && cli_opt(cli, "before"))
        return cli_usage(cli, err, "give --keep or --before, not both");
    if (st == JA_OK)
        st = cli_opt_past(cli, "before", cli_now(cli) - keep, &before, err);
    if (st == JA_OK)
        st = ja_audit_rotate(&cli->ctx, cli->args[0], before, &r, err);
    if (st != JA_OK)
        return st;
    if (r.resumed)
        cli_notice(cli, "a rotation that had been interrupted was finished first");
    if (cli->json)
        return cli_answer(cli, json_pack("{s:o, s:I, s:I, s:I, s:o}", "path",
                                         ja_json_text(r.rows ? cli->args[0] : NULL), "rows", (json_int_t)r.rows,
                                         "first_seq", (json_int_t)r.first_seq, "last_seq", (json_int_t)r.last_seq,
                                         "hash", ja_json_text(r.rows ? r.hash : NULL)),
                          err);
    if (r.rows == 0)
        cli_line(cli, "no row is that old");
    else
        cli_line(cli, "moved the rows %lld to %lld into %s", (long long)r.first_seq, (long long)r.last_seq,
                 cli->args[0]);
    return JA_OK;
}

static const struct cli_option list_options[] = {
    {"user", 0, "NAME", false, "what this user did, and what was done to it"},
    {"actor", 0, "ACTOR", false, "on whose behalf: root, user:alice, pam"},
    {"action", 0, "ACTION", false, "one action, or with a final * all that begin so: 'user.*'"},
    {"outcome", 0, "OUTCOME", false, "success, failure or denied"},
    {"source", 0, "NET", false, "from this address or network"},
    {"since", 0, "TIME", false, "from this time on; 1d: from a day ago"},
    {"until", 0, "TIME", false, "before this time; 1h: until an hour ago"},
    {"follow", 0, NULL, false, "wait for more rows, a line each, until interrupted"},
    {"json-lines", 0, NULL, false, "one JSON object a line, for log shippers"},
    CLI_OPTIONS_PAGE,
    CLI_OPTIONS_END,
};
static const struct cli_option verify_options[] = {
    {"head", 0, "SEQ:HASH", false, "the log must have this row (from syslog: audit head seq=SEQ hash=HASH)"},
    {"file", 0, "FILE", true, "a rotated file in front of the store, the oldest first"},
    CLI_OPTIONS_END,
};
static const struct cli_option rotate_options[] = {
    {"keep", 0, "DURATION", false, "what is younger stays (90d)"},
    {"before", 0, "TIME", false, "what is older than this goes"},
    CLI_OPTIONS_END,
};

const struct command cmd_audit_commands[] = {
    {.noun = "audit", .verb = "list", .run = run_list, .needs = NEEDS_STORE, .options = list_options,
     .summary = "list who did what to whom, from where, and how it ended",
     .example = "authctl audit list --user alice --outcome denied --since 1d",
     .details = "--follow begins with what comes next, or with --after or --since there. With it or\n"
                "--json-lines each line is an object of its own. Repeated refusals are one row with\n"
                "a count.",
     .rows = &row_audit},
    {.noun = "audit", .verb = "verify", .run = run_verify, .needs = NEEDS_STORE, .options = verify_options,
     .summary = "check that no row of the audit log was changed, moved, added or removed",
     .example = "authctl audit verify --file audit-2025.jsonl",
     .details = "Exit 1 and the first broken row when something is wrong. The end of the log is\n"
                "compared with audit.head in the state folder and, with --head, with syslog.",
     .keys = "ok rows first_seq last_seq head broken_seq reason message"},
    {.noun = "audit", .verb = "rotate", .run = run_rotate, .needs = NEEDS_STORE, .options = rotate_options,
     .args = "FILE", .min_args = 1, .max_args = 1,
     .summary = "move old rows of the audit log into a new file",
     .example = "authctl audit rotate /var/log/jwtauth/audit-2025.jsonl --keep 90d",
     .details = "FILE must not exist; it is made with mode 0600 and has one JSON object a line.\n"
                "Keep it: 'authctl audit verify --file FILE' checks it and that the store follows it.\n"
                "A log that does not verify is not rotated.",
     .keys = "path rows first_seq last_seq hash"},
    {0},
};
