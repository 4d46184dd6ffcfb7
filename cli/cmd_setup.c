/* init, doctor. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/client/client.h"
#include "common/flow/setup_flow.h"
#include "common/notify/deliver.h"

#include <string.h>

static const struct cli_option init_options[] = {
    {"issuer", 0, "URL", false, "claim iss of tokens (https:// and this host's full name)"},
    {"alg", 0, "A", false, "of signing keys: ES256, EdDSA, RS256 or HS256 (ES256)"},
    {"open-registration", 0, NULL, false, "let anybody register"},
    CLI_OPTIONS_END,
};

static void init_lines(struct cli *cli, const struct ja_init_report *r)
{
    const char *path = cli->config_path ? cli->config_path : JA_CONFIG_PATH;

    if (r->config)
        cli_line(cli, "made %s: argon2id takes %lld ms with %lld MiB and %lld passes", path,
                 (long long)r->hash_ms, (long long)(r->hash_memory >> 20), (long long)r->hash_ops);
    if (r->state_dir)
        cli_line(cli, "made the state folder");
    if (r->database)
        cli_line(cli, "made the database and the default roles");
    if (r->master_key)
        cli_line(cli, "made the master key: keep a copy, but not beside the database's backups");
    if (r->signing_key)
        cli_line(cli, "made the first signing key");
    if (!r->config && !r->state_dir && !r->database && !r->master_key && !r->signing_key)
        cli_line(cli, "everything is there already");
    cli_line(cli, "issuer: %s", r->issuer);
}

static enum ja_status run_init(struct cli *cli, struct ja_error *err)
{
    struct ja_init_options opts = {.config_path = cli->config_path, .issuer = cli_opt(cli, "issuer"),
                                   .open_registration = cli_flag(cli, "open-registration")};
    struct ja_init_report r = {0};
    struct ja_log log = {0};
    enum ja_status st = cli_opt_alg(cli, "alg", &opts.alg, err);

    if (st == JA_OK && opts.issuer && !*opts.issuer)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_issuer", "--issuer is empty");
    if (st == JA_OK)
        st = ja_init(&opts, &ja_clock_system, &log, &r, err);
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:I}", "issuer", r.issuer,
                                         "config", r.config, "state_dir", r.state_dir, "master_key",
                                         r.master_key, "database", r.database, "signing_key",
                                         r.signing_key, "hash_memory", (json_int_t)r.hash_memory,
                                         "hash_ops", (json_int_t)r.hash_ops), err);
    init_lines(cli, &r);
    return JA_OK;
}

static const struct row_field finding_fields[] = {
    {"check", "CHECK", ROW_TEXT},
    {"level", "LEVEL", ROW_TEXT},
    {"finding", "FINDING", ROW_TEXT},
    {"mend", "MEND", ROW_TEXT},
};
static const struct row_type finding_rows = {"finding", "findings", finding_fields, 4};

struct findings {
    struct cli_rows *rows;
    bool logins_only;    /* what a login passes */
    bool listening;      /* somebody answers at the daemon's socket */
    const char *service; /* only this one's */
    int shown;
    enum ja_status st;
    struct ja_error *err;
    int failed;
};

static bool wanted(const struct findings *f, const char *check, const char *text)
{
    static const char *const logins[] = {"pam", "sshd", "ssh keys", "nsswitch"};
    size_t len = f->service ? strlen(f->service) : 0;

    if (f->service) /* "sshd auth: ...", "sshd: ..." */
        return strcmp(check, "pam") == 0 && strncmp(text, f->service, len) == 0 &&
               (text[len] == ' ' || text[len] == ':');
    for (size_t i = 0; f->logins_only && i < sizeof logins / sizeof *logins; i++)
        if (strcmp(logins[i], check) == 0)
            return true;
    return !f->logins_only;
}

static void add_finding(void *arg, enum ja_doctor_level level, const char *check, const char *text,
                        const char *mend)
{
    static const char *const names[] = {"ok", "warn", "fail"};
    struct findings *f = arg;

    if (!wanted(f, check, text))
        return;
    f->shown++;
    f->listening |= strcmp(check, "socket") == 0 && strncmp(text, "jwtauthd listens", 16) == 0;
    f->failed += level == JA_DOCTOR_FAIL;
    if (f->st == JA_OK)
        f->st = cli_rows_add(f->rows, (struct row_value[]){ROW_T(check), ROW_T(names[level]),
                                                           ROW_T(text), ROW_T(*mend ? mend : NULL)},
                             f->err);
}

/* Flows do not know how messages leave; what is wrong with it belongs to the findings all the same. */
static void check_providers(struct cli *cli, struct findings *f)
{
    static const enum ja_channel channels[] = {JA_CHANNEL_EMAIL, JA_CHANNEL_SMS};

    if (cli_require(cli, NEEDS_CONFIG, NULL) != JA_OK)
        return; /* that is a finding already */
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        struct ja_error why = {0};

        if (!ja_outbox_has_provider(&cli->ctx, channels[i]))
            continue;
        if (ja_provider_check(&cli->ctx, channels[i], &why) == JA_OK)
            add_finding(f, JA_DOCTOR_OK, ja_channel_name(channels[i]), ja_provider_name(&cli->ctx, channels[i]), "");
        else
            add_finding(f, JA_DOCTOR_FAIL, ja_channel_name(channels[i]), why.message,
                        "mend it, then: authctl outbox flush");
    }
}

/* After an upgrade the former one may run on. */
static void check_daemon(struct cli *cli, struct findings *f)
{
    const struct ja_client_call ask = {.socket = cli->ctx.cfg ? cli->ctx.cfg->http.socket : NULL, .method = "GET",
                                       .path = "/openapi.json", .seconds = 5, .plain = true};
    char text[200];
    const char *version;
    json_t *doc = NULL;
    struct ja_error why = {0};
    enum ja_status st;

    if (!f->listening || !ask.socket)
        return;
    st = ja_client_run(&ask, &doc, &why);
    version = json_string_value(json_object_get(json_object_get(doc, "info"), "version"));
    if (st != JA_OK || !version) {
        add_finding(f, JA_DOCTOR_WARN, "daemon", st != JA_OK ? why.message : "it does not tell its version",
                    "systemctl restart jwtauthd");
    } else if (strcmp(version, JA_VERSION) != 0) {
        (void)snprintf(text, sizeof text, "the jwtauthd that runs is version %.40s, authctl is %s", version, JA_VERSION);
        add_finding(f, JA_DOCTOR_WARN, "daemon", text, "systemctl restart jwtauthd");
    } else {
        add_finding(f, JA_DOCTOR_OK, "daemon", "jwtauthd answers, and is of authctl's version", "");
    }
    json_decref(doc);
}

static enum ja_status examine(struct cli *cli, struct findings *f, struct ja_error *err)
{
    f->err = err;
    f->st = cli_rows_begin(cli, &finding_rows, &f->rows, err);
    if (f->st != JA_OK)
        return f->st;
    (void)ja_doctor(cli->config_path, &ja_clock_system, add_finding, f);
    if (!f->logins_only) {
        check_providers(cli, f);
        check_daemon(cli, f);
    }
    if (f->st == JA_OK && f->shown == 0)
        f->st = ja_fail(err, JA_ERR_NOT_FOUND, "service_not_found", "%s is no service of /etc/pam.d that doctor looks at",
                        f->service);
    if (f->st != JA_OK) {
        cli_rows_free(f->rows);
        return f->st;
    }
    f->st = cli_rows_end(f->rows, err);
    if (f->st == JA_OK && f->failed > 0)
        return ja_fail(err, JA_ERR_CONFIG, "doctor_failed", "%d check%s failed", f->failed,
                       f->failed == 1 ? "" : "s");
    return f->st;
}

static enum ja_status run_doctor(struct cli *cli, struct ja_error *err)
{
    struct findings f = {0};

    return examine(cli, &f, err);
}

static enum ja_status run_pam_status(struct cli *cli, struct ja_error *err)
{
    struct findings f = {.logins_only = true, .service = cli_opt(cli, "service")};

    return examine(cli, &f, err);
}

static const struct cli_option pam_status_options[] = {
    {"service", 0, "S", false, "only this one: sshd, login, su, sudo or sudo-i"},
    CLI_OPTIONS_END,
};

const struct command cmd_setup_commands[] = {
    {.noun = "init", .run = run_init, .needs = NEEDS_ROOT, .options = init_options,
     .summary = "make configuration, database, master key and first signing key",
     .example = "authctl init --issuer https://auth.example.org",
     .details = "Safe to repeat: makes what is missing and changes nothing that is there. The cost of\n"
                "password hashes is measured, so that one takes less than 150 ms on this machine.",
     .keys = "issuer config state_dir master_key database signing_key hash_memory hash_ops"},
    {.noun = "doctor", .run = run_doctor, .needs = NEEDS_ROOT,
     .summary = "check the installation and say how to mend it", .example = "authctl doctor",
     .details = "One line a finding: ok, warn or fail, and what to do. Exit 8 when one fails.",
     .rows = &finding_rows},
    {.noun = "pam", .verb = "status", .run = run_pam_status, .needs = NEEDS_ROOT, .options = pam_status_options,
     .summary = "check what a login passes: PAM stacks, sshd, name service",
     .example = "authctl pam status --service sshd",
     .details = "Those of doctor's findings. Exit 8 when one fails.",
     .rows = &finding_rows},
    {0},
};
