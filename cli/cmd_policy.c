/* policy list, check, explain: the rules of the configuration, and what they make of a login. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/flow/policy_explain.h"
#include "common/flow/role_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- list ---- */

static const struct row_field rule_fields[] = {
    {"name", "RULE", ROW_TEXT},
    {"line", "LINE", ROW_INT},
    {"conditions", "WHEN", ROW_LIST},
    {"effects", "THEN", ROW_LIST},
    {"error", "ERROR", ROW_TEXT},
};
static const struct row_type row_rule = {"policy", "policies", rule_fields, 5};

/* "key = value" for each key given in [from, to). */
static enum ja_status write_keys(const struct ja_policy_rule *rule, int from, int to, struct ja_strlist *ret,
                                 struct ja_error *err)
{
    ret->items = calloc(JA_POLICY_KEYS, sizeof *ret->items);
    if (!ret->items)
        return ja_fail_nomem(err);
    for (int key = from; key < to; key++) {
        char *value = NULL, *line = NULL;

        if (!ja_policy_has(rule, (enum ja_policy_key)key))
            continue;
        value = rule->broken >> key & 1 ? strdup("?") : ja_option_format(&ja_policy_options[key], rule);
        if (!value || asprintf(&line, "%s = %s", ja_policy_options[key].key, value) < 0)
            line = NULL;
        free(value);
        if (!line)
            return ja_fail_nomem(err);
        ret->items[ret->len++] = line;
    }
    return JA_OK;
}

static enum ja_status put_rule(struct cli_rows *rows, const struct ja_policy_rule *rule, struct ja_error *err)
{
    struct ja_strlist when = {0}, then = {0};
    enum ja_status st = write_keys(rule, 0, JA_POLICY_CONDITIONS, &when, err);

    if (st == JA_OK)
        st = write_keys(rule, JA_POLICY_CONDITIONS, JA_POLICY_KEYS, &then, err);
    if (st == JA_OK)
        st = cli_rows_add(rows, (struct row_value[]){ROW_T(rule->name), ROW_N(rule->line), ROW_L(&when), ROW_L(&then),
                                                     ROW_T(rule->error)}, err);
    ja_strlist_clear(&when);
    ja_strlist_clear(&then);
    return st;
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    const struct ja_policy_rules *rules = &cli->ctx.cfg->policy;
    struct cli_rows *rows = NULL;
    enum ja_status st = cli_rows_begin(cli, &row_rule, &rows, err);
    const char *after = st == JA_OK ? cli_rows_after(rows) : NULL;
    int64_t left = st == JA_OK && cli_rows_limit(rows) ? cli_rows_limit(rows) : INT64_MAX;
    size_t i = 0;

    while (after && i < rules->len && strcmp(rules->items[i].name, after) != 0)
        i++;
    for (i += after != NULL; st == JA_OK && i < rules->len && left > 0; i++, left--)
        st = put_rule(rows, &rules->items[i], err);
    if (st == JA_OK)
        return cli_rows_end(rows, err);
    cli_rows_free(rows);
    return st;
}

/* ---- check ---- */

static const struct row_field fault_fields[] = {
    {"name", "RULE", ROW_TEXT},
    {"line", "LINE", ROW_INT},
    {"level", "LEVEL", ROW_TEXT}, /* error, warning */
    {"code", "CODE", ROW_TEXT},
    {"message", "MESSAGE", ROW_TEXT},
};
static const struct row_type row_fault = {"policy finding", "findings", fault_fields, 5};

struct check {
    struct cli_rows *rows;
    int errors, findings;
    struct ja_error *err;
};

static enum ja_status put_fault(void *arg, const struct ja_policy_fault *f)
{
    struct check *c = arg;

    c->errors += f->error;
    c->findings++;
    return cli_rows_add(c->rows, (struct row_value[]){ROW_T(f->rule->name), ROW_N(f->rule->line),
                                                      ROW_T(f->error ? "error" : "warning"), ROW_T(f->code),
                                                      ROW_T(f->why)}, c->err);
}

static enum ja_status run_check(struct cli *cli, struct ja_error *err)
{
    struct check c = {.err = err};
    enum ja_status st = cli_rows_begin(cli, &row_fault, &c.rows, err);

    if (st == JA_OK)
        st = ja_policy_find_faults(&cli->ctx, put_fault, &c, err);
    if (st != JA_OK) {
        cli_rows_free(c.rows);
        return st;
    }
    st = cli_rows_end(c.rows, err);
    if (st == JA_OK && c.errors > 0)
        st = ja_fail(err, JA_ERR_CONFIG, "policy_broken", "%d error%s: the logins that these rules may be meant for are refused",
                     c.errors, c.errors == 1 ? "" : "s");
    else if (st == JA_OK && c.findings == 0)
        cli_notice(cli, "%zu rule%s, nothing is wrong", cli->ctx.cfg->policy.len, cli->ctx.cfg->policy.len == 1 ? "" : "s");
    return st;
}

/* ---- explain ---- */

static const char *outcome_name(enum ja_policy_outcome o)
{
    switch (o) {
    case JA_COND_BROKEN: return "broken";
    case JA_COND_ABSENT: return "absent";
    case JA_COND_MET: return "met";
    case JA_COND_NOT_MET: return "not_met";
    }
    return "broken";
}

/* "password, jwt" as the rule's key would have it; the field is an int of bits. */
static char *bits_text(enum ja_policy_key key, int bits)
{
    struct ja_policy_rule r = {.accept = bits, .methods = bits};

    return ja_option_format(&ja_policy_options[key], &r);
}

static json_t *look_json(const struct ja_policy_look *look, const struct ja_policy_rule *decided)
{
    json_t *conditions = json_object();

    for (int key = 0; conditions && key < JA_POLICY_CONDITIONS; key++)
        if (look->outcome[key] != JA_COND_ABSENT &&
            json_object_set_new(conditions, ja_policy_options[key].key,
                                json_string(outcome_name(look->outcome[key]))) != 0) {
            json_decref(conditions);
            return NULL;
        }
    return json_pack("{s:s, s:i, s:b, s:o}", "name", look->rule->name, "line", (int)look->rule->line, "decides",
                     look->rule == decided, "conditions", conditions);
}

static json_t *looks_json(const struct ja_policy_decision *d)
{
    json_t *all = json_array();

    for (size_t i = 0; all && i < d->nlooks; i++)
        if (json_array_append_new(all, look_json(&d->looks[i], d->rule)) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}

static const char *mode_name(enum ja_mfa_mode mode)
{
    return mode == JA_MFA_OFF ? "off" : mode == JA_MFA_ALWAYS ? "required" : "auto";
}

static json_t *terms_json(const struct ja_policy_terms *t)
{
    char *accept = bits_text(JA_POLICY_ACCEPT, (int)t->accept), *methods = bits_text(JA_POLICY_METHODS, (int)t->methods);
    json_t *doc = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:b}", "mfa", mode_name(t->mfa), "mfa_remember",
                            (json_int_t)t->mfa_remember, "accept", ja_json_text(accept), "methods",
                            ja_json_text(t->methods ? methods : NULL), "require_role", ja_json_text(t->require_role),
                            "require_permission", ja_json_text(t->require_permission), "token_audience",
                            ja_json_text(t->audience), "deny", t->deny);

    free(accept);
    free(methods);
    return doc;
}

static const char *way_name(enum ja_auth_reason reason)
{
    return reason == JA_REASON_NONE ? "allowed" : ja_auth_reason_name(reason);
}

static enum ja_status answer(struct cli *cli, const struct ja_policy_question *q, const struct ja_policy_explanation *e,
                             struct ja_error *err)
{
    const struct ja_policy_decision *d = &e->decision;
    json_t *prompts = e->asks_code ? json_pack("[s, s]", "Password: ", "Verification code: ")
                                   : json_pack("[s]", "Password: ");

    return cli_answer(cli,
                      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "user",
                                ja_json_text(e->username), "service", ja_json_text(q->where.service), "rhost",
                                ja_json_text(q->where.source), "tty", ja_json_text(q->where.tty), "at",
                                ja_json_time(e->at), "rule", ja_json_text(d->rule ? d->rule->name : NULL), "error",
                                ja_json_text(d->why[0] ? d->why : NULL), "rules", looks_json(d), "terms",
                                terms_json(&d->terms), "prompts", prompts, "by_password", way_name(e->by_password),
                                "by_key", way_name(e->by_key)),
                      err);
}

static void tell_look(struct cli *cli, const struct ja_policy_look *look, const struct ja_policy_rule *decided)
{
    char text[256] = "";
    size_t len = 0;

    for (int key = 0; key < JA_POLICY_CONDITIONS; key++)
        if (look->outcome[key] != JA_COND_ABSENT)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s", len ? ", " : "", ja_policy_options[key].key,
                                    look->outcome[key] == JA_COND_NOT_MET ? "not met" : outcome_name(look->outcome[key]));
    cli_line(cli, "  [policy %s] line %u: %s%s", look->rule->name, look->rule->line, len ? text : "no condition",
             look->rule == decided ? " - decides" : "");
}

static void tell_term(struct cli *cli, const char *name, const char *value)
{
    if (value)
        cli_line(cli, "%s: %s", name, value);
}

static void tell_terms(struct cli *cli, const struct ja_policy_terms *t)
{
    char *accept = bits_text(JA_POLICY_ACCEPT, (int)t->accept), *methods = bits_text(JA_POLICY_METHODS, (int)t->methods);
    char remember[32] = "";

    ja_duration_format(t->mfa_remember, remember, sizeof remember);
    tell_term(cli, "mfa", mode_name(t->mfa));
    tell_term(cli, "mfa_remember", t->mfa_remember ? remember : NULL);
    tell_term(cli, "accept", accept);
    tell_term(cli, "methods", t->methods ? methods : NULL);
    tell_term(cli, "require_role", t->require_role);
    tell_term(cli, "require_permission", t->require_permission);
    tell_term(cli, "token_audience", t->audience);
    free(accept);
    free(methods);
}

static void tell_way(struct cli *cli, const char *way, enum ja_auth_reason reason)
{
    if (reason == JA_REASON_NONE)
        cli_line(cli, "%s: allowed", way);
    else
        cli_line(cli, "%s: refused (%s)", way, ja_auth_reason_name(reason));
}

static void tell(struct cli *cli, const struct ja_policy_explanation *e)
{
    const struct ja_policy_decision *d = &e->decision;

    if (d->rule)
        cli_line(cli, "rule: %s", d->rule->name);
    else
        cli_line(cli, "rule: none, the options of the service hold");
    for (size_t i = 0; i < d->nlooks; i++)
        tell_look(cli, &d->looks[i], d->rule);
    if (d->why[0])
        cli_line(cli, "broken: %s", d->why);
    if (!d->terms.deny)
        tell_terms(cli, &d->terms);
    cli_line(cli, "prompts: \"Password: \"%s", e->asks_code ? ", \"Verification code: \"" : "");
    tell_way(cli, "by password", e->by_password);
    tell_way(cli, "by key", e->by_key);
}

static enum ja_status read_mfa(struct cli *cli, enum ja_mfa_mode *ret, struct ja_error *err)
{
    static const enum ja_mfa_mode modes[] = {JA_MFA_AUTO, JA_MFA_ALWAYS, JA_MFA_OFF};
    const char *text = cli_opt(cli, "mfa");

    for (size_t i = 0; text && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(text, mode_name(modes[i])) == 0) {
            *ret = modes[i];
            return JA_OK;
        }
    return text ? cli_usage(cli, err, "--mfa takes auto, required or off") : JA_OK;
}

static enum ja_status run_explain(struct cli *cli, struct ja_error *err)
{
    struct ja_policy_question q = {
        .user = cli_opt(cli, "user"),
        .where = {.service = cli_opt(cli, "service"), .source = cli_opt(cli, "rhost"), .tty = cli_opt(cli, "tty"),
                  .as_role = cli_opt(cli, "role")},
        .options = {.mfa = JA_MFA_AUTO, .accept = JA_ACCEPT_PASSWORD},
    };
    struct ja_policy_explanation e = {0};
    enum ja_status st;

    if (!q.user || !q.where.service)
        return cli_usage(cli, err, "--user and --service are needed");
    st = cli_opt_when(cli, "at", 0, &q.where.at, err);
    if (st == JA_OK)
        st = read_mfa(cli, &q.options.mfa, err);
    if (st == JA_OK)
        st = ja_policy_explain(&cli->ctx, &q, &e, err);
    if (st != JA_OK)
        return st;
    if (cli->json)
        st = answer(cli, &q, &e, err);
    else
        tell(cli, &e);
    ja_policy_decision_clear(&e.decision);
    return st;
}

static const struct cli_option page[] = {CLI_OPTIONS_PAGE, CLI_OPTIONS_END};
static const struct cli_option explain_options[] = {
    {"user", 0, "U", false, "who logs in"},
    {"service", 0, "S", false, "the PAM service, authctl or jwtauthd"},
    {"rhost", 0, "H", false, "the address that the login comes from"},
    {"role", 0, "R", false, "as if this role were held too"},
    {"tty", 0, "T", false, "the terminal"},
    {"at", 0, "TIME", false, "at that time: RFC 3339, or a duration from now"},
    {"mfa", 0, "MODE", false, "the module's option mfa on that service's line: auto, required or off"},
    CLI_OPTIONS_END,
};

const struct command cmd_policy_commands[] = {
    {.noun = "policy", .verb = "list", .run = run_list, .needs = NEEDS_CONFIG, .options = page,
     .summary = "list the rules in their order", .example = "authctl policy list",
     .details = "A value that cannot be read is shown as '?'.", .rows = &row_rule},
    {.noun = "policy", .verb = "check", .run = run_check, .needs = NEEDS_STORE,
     .summary = "check all rules", .example = "authctl policy check",
     .details = "One line a finding: errors (exit 8), and warnings of rules that can never match, are never\n"
                "reached, or change nothing. A rule with an error refuses the logins it may be meant for.",
     .rows = &row_fault},
    {.noun = "policy", .verb = "explain", .run = run_explain, .needs = NEEDS_STORE, .options = explain_options,
     .summary = "say which rule decides a login, why, and what would be asked",
     .example = "authctl policy explain --user alice --service sshd --rhost 192.0.2.7",
     .details = "Decided by the code that decides the login. Options on the service's module line other\n"
                "than --mfa are taken as not given.",
     .keys = "user service rhost tty at rule error rules terms prompts by_password by_key"},
    {0},
};
