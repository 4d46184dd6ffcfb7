/* jwtauthd: the HTTP API for scripts, services and users without root's rights (jwtauthd(8)). */
#include "common/base/config.h"
#include "common/domain/wipe_freed.h"
#include "daemon/log.h"
#include "daemon/openapi.h"
#include "daemon/privileges.h"
#include "daemon/server.h"
#include "daemon/systemd.h"

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_BROKEN 8

struct options {
    const char *config; /* NULL: the built-in path */
    bool check;
};

static void usage(FILE *out)
{
    (void)fputs("usage: jwtauthd [-c FILE] [--check]\n"
                "  -c, --config FILE  another configuration file\n"
                "      --check        check the configuration and end\n"
                "      --routes       list the routes, in Markdown\n"
                "      --version      print the version\n"
                "      --help         this text\n"
                "It stays in the foreground. SIGHUP reads the configuration again, SIGTERM ends it when every\n"
                "request that has arrived is answered.\n", out);
}

/* -1: go on. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
                                          {"routes", no_argument, NULL, 'r'},
                                          {"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'k': o->check = true; break;
        case 'r': openapi_table(stdout); return 0;
        case 'V': (void)printf("jwtauthd %s\n", JA_VERSION); return 0;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return EXIT_USAGE;
        }
    if (optind < argc) {
        (void)fprintf(stderr, "jwtauthd: it takes no argument, and got '%s'\n", argv[optind]);
        usage(stderr);
        return EXIT_USAGE;
    }
    return -1;
}

/* ---- signals ---- */

static const int ours[] = {SIGTERM, SIGINT, SIGHUP};

static void block_signals(sigset_t *ret)
{
    (void)sigemptyset(ret);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        (void)sigaddset(ret, ours[i]);
    (void)pthread_sigmask(SIG_SETMASK, ret, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void reload(struct server *server, const struct options *o)
{
    struct ja_error err = {0};

    if (server_reload(server, o->config, o->config != NULL, &err) == JA_OK)
        ja_log_write(&server->log, LOG_NOTICE, "the configuration was read again");
    else
        ja_log_write(&server->log, LOG_ERR, "the configuration was not read again, the former stays: %s", err.message);
}

static void serve(struct server *server, const struct options *o, const sigset_t *signals)
{
    int got = 0;

    ja_log_write(&server->log, LOG_NOTICE, "ready");
    systemd_notify("READY=1");
    while (sigwait(signals, &got) == 0 && got == SIGHUP)
        reload(server, o);
    systemd_notify("STOPPING=1");
    ja_log_write(&server->log, LOG_NOTICE, "ending: what has arrived is answered first");
}

static int broken(const struct ja_error *err)
{
    (void)fprintf(stderr, "jwtauthd: %s\n", err->message);
    return EXIT_BROKEN;
}

static int run(const struct options *o, const struct ja_config *cfg, const sigset_t *signals)
{
    struct server server = {.log = log_open(cfg)};
    struct ja_error err = {0};
    enum ja_status st = server_start(&server, o->config, o->config != NULL, cfg, &err);

    if (st == JA_OK)
        serve(&server, o, signals);
    server_stop(&server, cfg);
    return st == JA_OK ? 0 : broken(&err);
}

/* argon2 fills its memory under the lock of the process's address space, which takes a tenth of a second on a busy machine.
 * A loop whose heap grows page by page waits for that lock (mprotect(2)) again and again during a storm of logins; so
 * each heap is made this large at once. It is address space: memory is what gets written to. */
#define HEAP_STEP (32 << 20)

int main(int argc, char **argv)
{
    struct options o = {0};
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};
    sigset_t signals;
    int rc = parse(argc, argv, &o);

    if (rc >= 0)
        return rc;
    (void)mallopt(M_TOP_PAD, HEAP_STEP); /* before the first thread; without it things are only slower */
    privileges_forbid_dumps();
    privileges_take_descriptors();
    block_signals(&signals);
    if (!ja_wipe_freed())
        return EXIT_BROKEN;
    if (ja_crypto_init(&err) != JA_OK || ja_db_process_setup(&err) != JA_OK ||
        ja_config_load(o.config, o.config != NULL, &cfg, &err) != JA_OK ||
        ja_config_demand_file(cfg, &err) != JA_OK)
        rc = broken(&err);
    else
        rc = o.check ? 0 : run(&o, cfg, &signals);
    ja_config_free(cfg);
    return rc;
}
