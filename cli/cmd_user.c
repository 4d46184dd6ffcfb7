/* Accounts, by an administrator. */
#include "cli/cmd.h"
#include "cli/deliver.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/row_user.h"
#include "cli/user_bulk.h"
#include "cli/user_spec.h"
#include "common/domain/role.h"
#include "common/flow/look_flow.h"

#include <string.h>

/* The new user; a generated password with it, this once. */
static enum ja_status answer_added(struct cli *cli, const struct user_spec *s,
                                   const struct ja_user *u, struct ja_error *err)
{
    json_t *doc = NULL;

    if (!s->spec.generated)
        return row_user_answer(cli, u, err);
    if (!cli->json) {
        cli_notice(cli, "added %s (uid %lld); this is the password, shown once, to be changed at "
                        "the first login",
                   u->username, (long long)u->uid);
        cli_raw(cli, s->password.data, s->password.len);
        return JA_OK;
    }
    doc = row_user_json(cli, u, err);
    if (!doc)
        return err->status;
    if (json_object_set_new(doc, "password", json_string((const char *)s->password.data)) != 0) {
        json_decref(doc);
        doc = NULL;
    }
    return cli_answer(cli, doc, err);
}

static void told_invitation(struct cli *cli, const struct ja_sent *sent)
{
    cli_notice(cli, "an invitation to set the password goes to %s", sent->destination);
    cli_deliver(cli, sent->message);
}

static enum ja_status run_add(struct cli *cli, struct ja_error *err)
{
    struct user_spec s = {0};
    struct ja_policy_report report = {0};
    struct ja_user u = {0};
    struct ja_sent sent = {0};
    bool invite = cli_flag(cli, "invite");
    const char *from = cli_opt(cli, "from");
    enum ja_status st = JA_OK;

    if (!from == (cli->nargs == 0))
        return cli_usage(cli, err, "give one NAME, or --from FILE for many");
    if (from)
        return user_bulk_add(cli, from, invite, err);
    st = user_spec_read(cli, true, &s, err);
    s.spec.username = cli->args[0];
    s.spec.service = cli_flag(cli, "service");
    s.spec.adopt = cli_flag(cli, "adopt");
    if (st == JA_OK)
        st = user_spec_password(cli, &s, err);
    if (st == JA_OK)
        st = invite ? ja_account_invite(&cli->ctx, &s.spec, &u, &sent, err)
                    : ja_account_add(&cli->ctx, &s.spec, &report, &u, err);
    user_spec_tell_policy(cli, st, &report);
    if (st == JA_OK)
        st = answer_added(cli, &s, &u, err);
    if (sent.message[0])
        told_invitation(cli, &sent);
    user_spec_clear(&s);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_invite(struct cli *cli, struct ja_error *err)
{
    struct ja_sent sent = {0};
    enum ja_status st = ja_account_invite_again(&cli->ctx, cli->args[0], &sent, err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:o,s:s,s:o,s:s}", "user", ja_json_text(cli->args[0]), "channel",
                                       ja_channel_name(sent.channel), "destination",
                                       ja_json_text(sent.destination), "message", sent.message),
                        err);
    if (sent.message[0])
        told_invitation(cli, &sent);
    return st;
}

static enum ja_status run_modify(struct cli *cli, struct ja_error *err)
{
    struct user_spec s = {0};
    struct ja_user u = {0};
    enum ja_status st = user_spec_read(cli, true, &s, err);

    s.spec.username = cli_opt(cli, "username");
    if (st == JA_OK && !user_spec_any(&s))
        st = cli_usage(cli, err, "nothing to change was given");
    if (st == JA_OK)
        st = ja_account_modify(&cli->ctx, cli->args[0], &s.spec, &u, err);
    if (st == JA_OK)
        st = row_user_answer(cli, &u, err);
    user_spec_clear(&s);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_show(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_look_user(&cli->ctx, cli->args[0], &u, err);

    if (st == JA_OK)
        st = row_user_answer(cli, &u, err);
    ja_user_clear(&u);
    return st;
}

/* ---- list ---- */

struct listing {
    struct cli *cli;
    struct cli_rows *rows;
    struct ja_error *err;
};

static enum ja_status put_user(void *arg, const struct ja_user *u)
{
    struct listing *l = arg;
    struct row_user_values values = {0};
    enum ja_status st = ja_row_user_fill(&l->cli->ctx, u, &values, l->err);

    if (st == JA_OK)
        st = cli_rows_add(l->rows, values.v, l->err);
    ja_row_user_clear(&values);
    return st;
}

static enum ja_status read_filter(struct cli *cli, struct ja_user_filter *f, struct ja_error *err)
{
    enum ja_user_status ignored = JA_USER_PENDING;

    f->status = cli_opt(cli, "status");
    f->role = cli_opt(cli, "role");
    f->kind = cli_opt(cli, "kind");
    f->without_mfa = cli_flag(cli, "without-mfa");
    if (f->status && !ja_user_status_parse(f->status, &ignored))
        return ja_fail(err, JA_ERR_INVALID, "invalid_status",
                       "--status is one of pending, active, locked, disabled");
    if (f->kind && strcmp(f->kind, "person") != 0 && strcmp(f->kind, "service") != 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_kind", "--kind is person or service");
    return f->role ? ja_role_require(&cli->ctx, f->role, err) : JA_OK;
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_user_filter filter = {0};
    enum ja_status st = read_filter(cli, &filter, err);

    if (st == JA_OK)
        st = cli_rows_begin(cli, &row_user, &l.rows, err);
    if (st == JA_OK) {
        filter.limit = cli_rows_limit(l.rows);
        filter.after = cli_rows_after(l.rows);
        st = ja_look_users(&cli->ctx, &filter, put_user, &l, err);
    }
    if (st == JA_OK)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

/* ---- state ---- */

/* The user's name and status after the change, and what the change cut. */
static enum ja_status answer_state(struct cli *cli, const char *did, const struct ja_cut *cut,
                                   struct ja_error *err)
{
    char until[sizeof " until " + JA_TIME_LEN] = "";
    struct ja_user u = {0};
    enum ja_status st = ja_user_find(&cli->ctx, cli->args[0], &u, err);

    if (st == JA_OK && u.status == JA_USER_ACTIVE && u.lock_at) {
        memcpy(until, " until ", sizeof " until ");
        ja_time_format(u.lock_at, until + strlen(until));
    }
    if (st == JA_OK && cli->json) {
        json_t *doc = json_pack("{s:o, s:s}", "username", ja_json_text(u.username), "status",
                                ja_user_status_name(u.status));

        if (doc && cut &&
            json_object_update_new(doc, json_pack("{s:I, s:I, s:b, s:I, s:I, s:I}", "sessions", (json_int_t)cut->sessions,
                                                  "refresh_tokens", (json_int_t)cut->reach.refresh_tokens,
                                                  "access_tokens", (int)cut->access_tokens, "ssh_keys",
                                                  (json_int_t)cut->reach.ssh_keys, "api_keys",
                                                  (json_int_t)cut->reach.api_keys, "logind_sessions",
                                                  (json_int_t)cut->logind)) != 0) {
            json_decref(doc);
            doc = NULL;
        }
        st = cli_answer(cli, doc, err);
    } else if (st == JA_OK && cut && cut->access_tokens) {
        cli_line(cli, "%s %s: %lld session%s ended, refresh (%lld) and access tokens revoked%s", did, u.username,
                 (long long)cut->sessions, cut->sessions == 1 ? "" : "s", (long long)cut->reach.refresh_tokens,
                 cut->logind ? ", logged out of this host" : "");
        if (cut->reach.ssh_keys || cut->reach.api_keys)
            cli_line(cli, "closed to its %lld ssh and %lld API keys until it is opened again",
                     (long long)cut->reach.ssh_keys, (long long)cut->reach.api_keys);
    } else if (st == JA_OK) {
        cli_line(cli, "%s %s: %s%s", did, u.username, ja_user_status_name(u.status), until);
    }
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_lock(struct cli *cli, struct ja_error *err)
{
    struct ja_cut cut = {0};
    int64_t at = 0;
    enum ja_status st = cli_opt_when(cli, "at", 0, &at, err);
    bool later = at > cli_now(cli);

    if (st == JA_OK)
        st = ja_account_lock(&cli->ctx, cli->args[0], at, &cut, err);
    return st == JA_OK ? answer_state(cli, later ? "lock planned for" : "locked", &cut, err) : st;
}

static enum ja_status run_unlock(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_account_unlock(&cli->ctx, cli->args[0], err);

    return st == JA_OK ? answer_state(cli, "unlocked", NULL, err) : st;
}

static enum ja_status run_disable(struct cli *cli, struct ja_error *err)
{
    struct ja_cut cut = {0};
    enum ja_status st = ja_account_disable(&cli->ctx, cli->args[0], &cut, err);

    return st == JA_OK ? answer_state(cli, "disabled", &cut, err) : st;
}

static enum ja_status run_enable(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_account_enable(&cli->ctx, cli->args[0], err);

    return st == JA_OK ? answer_state(cli, "enabled", NULL, err) : st;
}

static enum ja_status answer_gone(struct cli *cli, const char *did, const char *username,
                                  struct ja_error *err)
{
    if (cli->json)
        return cli_answer(cli, json_pack("{s:o, s:b}", "username", ja_json_text(username), did, 1),
                          err);
    cli_line(cli, "%s %s", did, username);
    return JA_OK;
}

/* Who it is is looked up before the question, so that the question is about somebody. */
static enum ja_status run_delete(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find(&cli->ctx, cli->args[0], &u, err);

    if (st == JA_OK)
        st = cli_confirm(cli, err, "Delete %s (uid %lld) for good?", u.username, (long long)u.uid);
    if (st == JA_OK)
        st = ja_account_delete(&cli->ctx, u.username, err);
    if (st == JA_OK && u.adopted)
        cli_notice(cli, "%s stays in /etc/passwd with its login closed; authctl user release %s gives "
                   "the old password back, userdel removes it", u.username, u.username);
    if (st == JA_OK)
        st = answer_gone(cli, "deleted", u.username, err);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_release(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    const char *name = cli->args[0];
    enum ja_status st = ja_user_find(&cli->ctx, name, &u, err);

    if (st == JA_OK)
        name = u.username;
    if (st == JA_OK || st == JA_ERR_NOT_FOUND) /* a deleted one has its mark still */
        st = ja_account_release(&cli->ctx, name, err);
    if (st == JA_OK) {
        cli_notice(cli, "%s is a local user again; the old password of /etc/shadow counts", name);
        st = answer_gone(cli, "released", name, err);
    }
    ja_user_clear(&u);
    return st;
}

/* ---- table ---- */

static const struct cli_option add_options[] = {
    CLI_OPTIONS_PERSON,
    CLI_OPTIONS_ACCOUNT,
    {"service", 0, NULL, false, "a service account: no password, tokens only"},
    {"adopt", 0, NULL, false, "take over a local user of /etc/passwd with uid, home and password"},
    CLI_OPTIONS_PASSWORD,
    {"generate-password", 0, NULL, false, "make a password and print it, once"},
    {"from", 0, "FILE", false, "add everybody in FILE.csv or FILE.json, and say what became of each"},
    {"invite", 0, NULL, false, "pending until the person sets a password with what is mailed (or sent by SMS)"},
    CLI_OPTIONS_END,
};
static const struct cli_option modify_options[] = {
    {"username", 0, "NAME", false, "another user name"},
    CLI_OPTIONS_PERSON,
    CLI_OPTIONS_ACCOUNT,
    CLI_OPTIONS_END,
};
static const struct cli_option list_options[] = {
    {"status", 0, "S", false, "only pending, active, locked or disabled ones"},
    {"role", 0, "R", false, "only those that were granted this role"},
    {"kind", 0, "K", false, "only person or service"},
    {"without-mfa", 0, NULL, false, "only those without a confirmed second factor"},
    CLI_OPTIONS_PAGE,
    CLI_OPTIONS_END,
};
static const struct cli_option lock_options[] = {
    {"at", 0, "T", false, "lock then: a duration from now, or RFC 3339"},
    CLI_OPTIONS_END,
};

#define CUT_KEYS "username status sessions refresh_tokens access_tokens ssh_keys api_keys logind_sessions"
#define ONE_NAME .needs = NEEDS_STORE, .args = "NAME", .min_args = 1, .max_args = 1

const struct command cmd_user_commands[] = {
    {.noun = "user",
     .verb = "add",
     .run = run_add,
     .needs = NEEDS_STORE,
     .args = "[NAME]",
     .max_args = 1,
     .options = add_options,
     .summary = "add an account, active at once; or many from a file",
     .example = "authctl user add alice --email alice@example.org --generate-password",
     .details = "Without a password option the account has none until 'authctl password set'. A file has a\n"
                "line of column names first (FILE.csv), or an array of objects (FILE.json), with the\n"
                "columns username, email, phone, full_name, first_name, last_name, company_name, roles,\n"
                "kind, uid, gid, home, shell, valid_until. Each row is added by itself; running it again\n"
                "goes on where it stopped. Exit 5: a row could not be added.",
     .rows = &row_user,
     .other_rows = &row_user_outcome,
     .keys = "password"},
    {.noun = "user",
     .verb = "invite",
     .run = run_invite,
     ONE_NAME,
     .summary = "send another invitation to a user who has not followed the first",
     .example = "authctl user invite alice",
     .details = "The former one is void. 'authctl password reset' takes what was sent.",
     .keys = "user channel destination message"},
    {.noun = "user",
     .verb = "show",
     .run = run_show,
     ONE_NAME,
     .summary = "show one account, by user name, email or phone",
     .example = "authctl user show alice",
     .rows = &row_user},
    {.noun = "user",
     .verb = "list",
     .run = run_list,
     .needs = NEEDS_STORE,
     .options = list_options,
     .summary = "list accounts in the order they were made",
     .example = "authctl user list --status locked",
     .rows = &row_user},
    {.noun = "user",
     .verb = "modify",
     .run = run_modify,
     ONE_NAME,
     .options = modify_options,
     .summary = "change an account; an empty text removes what was there",
     .example = "authctl user modify alice --phone +491701234567",
     .rows = &row_user},
    {.noun = "user",
     .verb = "lock",
     .run = run_lock,
     ONE_NAME,
     .options = lock_options,
     .summary = "lock an account: no login by any method, sessions and tokens ended",
     .example = "authctl user lock alice --at 2027-01-31T18:00:00Z",
     .keys = CUT_KEYS},
    {.noun = "user",
     .verb = "unlock",
     .run = run_unlock,
     ONE_NAME,
     .summary = "take a lock back, also one that is yet to come",
     .example = "authctl user unlock alice",
     .keys = "username status"},
    {.noun = "user",
     .verb = "disable",
     .run = run_disable,
     ONE_NAME,
     .summary = "switch an account off, sessions and tokens ended",
     .example = "authctl user disable alice",
     .keys = CUT_KEYS},
    {.noun = "user",
     .verb = "enable",
     .run = run_enable,
     ONE_NAME,
     .summary = "switch an account on again",
     .example = "authctl user enable alice",
     .keys = "username status"},
    {.noun = "user",
     .verb = "delete",
     .run = run_delete,
     ONE_NAME,
     .summary = "delete an account and its personal data; asks first",
     .example = "authctl user delete alice --yes",
     .details = "The audit log keeps its history; uid and id are never given out again.",
     .keys = "username deleted"},
    {.noun = "user",
     .verb = "release",
     .run = run_release,
     ONE_NAME,
     .summary = "give an adopted user back to /etc/passwd and /etc/shadow",
     .example = "authctl user release alice",
     .keys = "username released"},
    {0},
};
