#include "cli/pam_store.h"

#include "cli/output.h"
#include "common/flow/pam_change.h"

enum ja_status cli_pam_store_check(struct cli *cli, struct ja_error *err)
{
    enum ja_status st;

    cli->config_path = NULL;
    st = cli_require(cli, NEEDS_MASTER, err);
    ja_ctx_clear(&cli->ctx);
    return st;
}

enum ja_status cli_pam_audit(struct cli *cli, const char *action, const char *service, struct ja_error *err)
{
    enum ja_status st;

    cli->config_path = NULL;
    st = cli_require(cli, NEEDS_MASTER, err);
    if (st == JA_OK)
        st = ja_pam_audit(&cli->ctx, action, service, err);
    ja_ctx_clear(&cli->ctx);
    return st;
}

void cli_pam_audit_if_possible(struct cli *cli, const char *action, const char *service)
{
    struct ja_error why = {0};

    if (cli_pam_audit(cli, action, service, &why) != JA_OK)
        cli_notice(cli, "not in the audit log: %s", why.message);
}
