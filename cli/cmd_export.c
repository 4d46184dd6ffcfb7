/* export and user export: accounts for another system, and the way back to passwd and shadow. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/row_passwd.h"
#include "common/domain/role_admin.h"
#include "common/flow/import_flow.h"
#include "common/import/csv_table.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400

struct leaving {
    struct cli *cli;
    struct cli_rows *rows; /* JSON */
    int64_t adopted, ended; /* left out: users, grants */
    int64_t stateful;       /* users whose state a file of accounts does not have */
    struct ja_error *err;
};

/* ---- user export ---- */

/* The columns that user add --from reads. */
static const struct row_field user_fields[] = {
    {"username", "USER", ROW_TEXT},      {"email", NULL, ROW_TEXT},     {"phone", NULL, ROW_TEXT},
    {"full_name", NULL, ROW_TEXT},       {"first_name", NULL, ROW_TEXT}, {"last_name", NULL, ROW_TEXT},
    {"company_name", NULL, ROW_TEXT},    {"roles", NULL, ROW_LIST},     {"kind", NULL, ROW_TEXT},
    {"uid", NULL, ROW_INT},              {"gid", NULL, ROW_INT},        {"home", NULL, ROW_TEXT},
    {"shell", NULL, ROW_TEXT},           {"valid_until", NULL, ROW_TIME},
};
#define USER_FIELDS (sizeof user_fields / sizeof *user_fields)
static const struct row_type exported_user = {"exported user", "users", user_fields, USER_FIELDS};

struct held {
    struct ja_strlist *list;
    struct leaving *e;
};

/* Grants for good; one that ends would come back as one that does not. */
static enum ja_status add_role(void *arg, const struct ja_grant *g)
{
    struct held *h = arg;
    char **bigger;

    if (g->ends_at) {
        h->e->ended++;
        return JA_OK;
    }
    bigger = reallocarray(h->list->items, h->list->len + 1, sizeof *bigger);
    if (!bigger)
        return ja_fail_nomem(h->e->err);
    h->list->items = bigger;
    bigger[h->list->len] = strdup(g->role);
    if (!bigger[h->list->len])
        return ja_fail_nomem(h->e->err);
    h->list->len++;
    return JA_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum ja_status put_csv(struct leaving *e, const char *const *cells, struct ja_error *err)
{
    char *line = NULL;
    size_t len = 0;
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < USER_FIELDS; i++)
        if (cells[i] && !ja_text_valid(cells[i], SIZE_MAX / 4)) /* R27: nothing for a terminal or a row of its own */
            st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_user", "an account has a text that is none: authctl db check");
    if (st == JA_OK)
        st = ja_csv_record(cells, USER_FIELDS, &line, &len, err);
    if (st == JA_OK)
        cli_raw(e->cli, line, len);
    free(line);
    return st;
}

static enum ja_status join(const struct ja_strlist *l, char **ret, struct ja_error *err)
{
    size_t size = 1, used = 0;
    char *text;

    for (size_t i = 0; i < l->len; i++)
        size += strlen(l->items[i]) + 1;
    text = calloc(1, size);
    if (!text)
        return ja_fail_nomem(err);
    for (size_t i = 0; i < l->len; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ";" : "", l->items[i]);
    *ret = text;
    return JA_OK;
}

static enum ja_status put_user_csv(struct leaving *e, const struct ja_user *u, const struct ja_strlist *roles)
{
    char uid[24], gid[24], until[JA_TIME_LEN + 1] = "", *names = NULL;
    enum ja_status st = join(roles, &names, e->err);

    (void)snprintf(uid, sizeof uid, "%lld", (long long)u->uid);
    (void)snprintf(gid, sizeof gid, "%lld", (long long)u->gid);
    if (u->valid_until)
        ja_time_format(u->valid_until, until);
    if (st == JA_OK)
        st = put_csv(e,
                     (const char *const[USER_FIELDS]){
                         u->username, u->email, u->phone, u->full_name, u->first_name, u->last_name, u->company_name,
                         names, u->kind == JA_USER_SERVICE ? "service" : "person", uid, gid, u->home, u->shell, until},
                     e->err);
    free(names);
    return st;
}

static enum ja_status put_user(void *arg, const struct ja_user *u)
{
    struct leaving *e = arg;
    struct ja_strlist roles = {0};
    struct held h = {.list = &roles, .e = e};
    const struct ja_grant_filter own = {.user_id = u->id};
    enum ja_status st = ja_grant_each(&e->cli->ctx, &own, add_role, &h, e->err);

    if (st == JA_OK && roles.len > 1)
        qsort(roles.items, roles.len, sizeof *roles.items, by_text);
    e->stateful += u->status != JA_USER_ACTIVE || u->lock_at ? 1 : 0;
    if (st == JA_OK && !e->rows)
        st = put_user_csv(e, u, &roles);
    else if (st == JA_OK)
        st = cli_rows_add(e->rows,
                          (const struct row_value[USER_FIELDS]){
                              ROW_T(u->username), ROW_T(u->email), ROW_T(u->phone), ROW_T(u->full_name),
                              ROW_T(u->first_name), ROW_T(u->last_name), ROW_T(u->company_name), ROW_L(&roles),
                              ROW_T(u->kind == JA_USER_SERVICE ? "service" : "person"), ROW_N(u->uid), ROW_N(u->gid),
                              ROW_T(u->home), ROW_T(u->shell), ROW_N(u->valid_until)},
                          e->err);
    ja_strlist_clear(&roles);
    return st;
}

static enum ja_status put_header(struct leaving *e)
{
    const char *cells[USER_FIELDS];

    for (size_t i = 0; i < USER_FIELDS; i++)
        cells[i] = user_fields[i].key;
    return put_csv(e, cells, e->err);
}

static enum ja_status finish(struct leaving *e, enum ja_status st, struct ja_error *err)
{
    if (st == JA_OK && e->rows)
        return cli_rows_end(e->rows, err);
    cli_rows_free(e->rows);
    return st;
}

static enum ja_status run_user_export(struct cli *cli, struct ja_error *err)
{
    struct leaving e = {.cli = cli, .err = err};
    const char *format = cli_opt(cli, "format");
    bool json = format ? strcmp(format, "json") == 0 : cli->json;
    enum ja_status st = JA_OK;

    if (format && !json && strcmp(format, "csv") != 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_format", "--format is csv or json");
    if (cli->json && !json)
        return cli_usage(cli, err, "--json and --format csv are two answers");
    cli->json = json;
    st = json ? cli_rows_begin(cli, &exported_user, &e.rows, err) : put_header(&e);
    if (st == JA_OK)
        st = ja_export_each(&cli->ctx, JA_EXPORT_USERS, put_user, &e, err);
    st = finish(&e, st, err);
    if (st == JA_OK && e.stateful > 0)
        cli_notice(cli, "%lld of them are pending, locked or disabled, which this file does not say", (long long)e.stateful);
    if (st == JA_OK && e.ended > 0)
        cli_notice(cli, "%lld grants of roles that end were left out", (long long)e.ended);
    return st;
}

/* ---- export passwd, export shadow ---- */

static void tell_adopted(const struct leaving *e)
{
    if (e->adopted > 0)
        cli_notice(e->cli, "%lld adopted users were left out: /etc/passwd has them, and authctl user release gives "
                           "them their password back", (long long)e->adopted);
}

static enum ja_status put_passwd(void *arg, const struct ja_user *u)
{
    struct leaving *e = arg;

    e->adopted += u->adopted ? 1 : 0;
    return u->adopted ? JA_OK : row_passwd_put(e->cli, e->rows, u, "x", e->err);
}

static enum ja_status run_passwd(struct cli *cli, struct ja_error *err)
{
    struct leaving e = {.cli = cli, .err = err};
    enum ja_status st = cli->json ? cli_rows_begin(cli, &row_passwd, &e.rows, err) : JA_OK;

    if (st == JA_OK)
        st = ja_export_each(&cli->ctx, JA_EXPORT_PASSWD, put_passwd, &e, err);
    st = finish(&e, st, err);
    if (st == JA_OK)
        tell_adopted(&e);
    return st;
}

static const struct row_field shadow_fields[] = {
    {"name", NULL, ROW_TEXT}, {"password", NULL, ROW_TEXT}, {"changed", NULL, ROW_INT},  {"min", NULL, ROW_INT},
    {"max", NULL, ROW_INT},   {"warn", NULL, ROW_INT},      {"inactive", NULL, ROW_INT}, {"expires", NULL, ROW_INT},
};
static const struct row_type shadow_row = {"shadow entry", "shadow", shadow_fields,
                                           sizeof shadow_fields / sizeof *shadow_fields};

/* The hash where crypt(3) takes it; locked by '!' when nobody may log in, or nothing is there to log in with. */
static bool password_field(struct leaving *e, const struct ja_user *u, char *out, size_t size)
{
    bool usable = u->password_hash && ja_export_hash_usable(u->password_hash);
    int n = snprintf(out, size, "%s%s", usable && u->status == JA_USER_ACTIVE ? "" : "!", usable ? u->password_hash : "");

    if (!usable && u->kind == JA_USER_PERSON)
        cli_notice(e->cli, "%s needs a new password there: %s", u->username,
                   u->password_hash ? "crypt(3) does not read argon2id" : "there is none");
    return n >= 0 && (size_t)n < size && !strpbrk(out, ":\n");
}

/* The day on which the account ends: that of its end or of a planned lock, never later; 0 would be never to some. */
static int64_t expiry(const struct ja_user *u)
{
    int64_t end = u->valid_until;

    if (u->lock_at && (!end || u->lock_at < end) && u->status == JA_USER_ACTIVE)
        end = u->lock_at;
    return !end ? -1 : end / DAY > 0 ? end / DAY : 1;
}

static enum ja_status put_shadow(void *arg, const struct ja_user *u)
{
    struct leaving *e = arg;
    char password[512], line[640], expires[24] = "";
    int64_t changed = u->must_change ? 0 : u->password_changed_at / DAY, end = expiry(u);
    enum ja_status st = JA_OK;

    if (u->adopted) {
        e->adopted++;
        return JA_OK;
    }
    if (!password_field(e, u, password, sizeof password))
        return ja_fail(e->err, JA_ERR_CORRUPT, "corrupt_user", "the password hash of %s is none", u->username);
    if (!u->must_change && changed < 1)
        changed = ja_now(&e->cli->ctx.clock) / DAY; /* none yet; 0 would mean that it has to be changed */
    if (end >= 0)
        (void)snprintf(expires, sizeof expires, "%lld", (long long)end);
    if (e->rows) {
        st = cli_rows_add(e->rows,
                          (const struct row_value[]){ROW_T(u->username), ROW_T(password), ROW_N(changed), ROW_N(0),
                                                     ROW_N(99999), ROW_N(7), ROW_NULL, end < 0 ? ROW_NULL : ROW_N(end)},
                          e->err);
    } else {
        (void)snprintf(line, sizeof line, "%s:%s:%lld:0:99999:7::%s:", u->username, password, (long long)changed, expires);
        cli_raw(e->cli, line, strlen(line));
    }
    sodium_memzero(line, sizeof line);
    sodium_memzero(password, sizeof password);
    return st;
}

static enum ja_status run_shadow(struct cli *cli, struct ja_error *err)
{
    struct leaving e = {.cli = cli, .err = err};
    enum ja_status st = cli_confirm(cli, err, "The password hashes of all users are printed: whoever reads them can "
                                              "guess without limit. Go on?");

    if (st == JA_OK && cli->json)
        st = cli_rows_begin(cli, &shadow_row, &e.rows, err);
    if (st == JA_OK)
        st = ja_export_each(&cli->ctx, JA_EXPORT_SHADOW, put_shadow, &e, err);
    st = finish(&e, st, err);
    if (st == JA_OK) {
        tell_adopted(&e);
        cli_notice(cli, "these are password hashes: keep them where root alone can read them (umask 077)");
    }
    return st;
}

/* ---- the table ---- */

static const struct cli_option user_options[] = {
    {"format", 0, "F", false, "csv (the default) or json"},
    CLI_OPTIONS_END,
};

const struct command cmd_export_commands[] = {
    {.noun = "user",
     .verb = "export",
     .run = run_user_export,
     .needs = NEEDS_STORE,
     .options = user_options,
     .summary = "print all accounts, without secrets, for user add --from",
     .example = "authctl user export --format csv",
     .details = "Passwords, second factors, keys and states are not in it, and neither are grants of\n"
                "roles that end.",
     .rows = &exported_user},
    {.noun = "export",
     .verb = "passwd",
     .run = run_passwd,
     .needs = NEEDS_STORE,
     .summary = "print the accounts as lines of passwd(5)",
     .example = "authctl export passwd",
     .details = "Adopted users are left out: /etc/passwd has them.",
     .rows = &row_passwd},
    {.noun = "export",
     .verb = "shadow",
     .run = run_shadow,
     .needs = NEEDS_STORE,
     .summary = "print the accounts with their password hashes as lines of shadow(5)",
     .example = "authctl export shadow --yes",
     .details = "Asks first. crypt(3) does not read argon2id: who has such a hash, or none, gets '!'\n"
                "and is named on standard error. Locked and disabled accounts stay locked.",
     .rows = &shadow_row},
    {0},
};
