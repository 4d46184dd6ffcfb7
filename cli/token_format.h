/* What `token get` prints: the token as its consumer wants it. */
#ifndef JA_CLI_TOKEN_FORMAT_H
#define JA_CLI_TOKEN_FORMAT_H

#include "cli/command.h"

enum token_format {
    TOKEN_RAW,
    TOKEN_HEADER, /* curl -H @FILE */
    TOKEN_ENV,    /* sh, systemd's EnvironmentFile=, docker --env-file */
    TOKEN_JSON,
    TOKEN_EXEC_CREDENTIAL, /* kubectl: client.authentication.k8s.io/v1 */
    TOKEN_NETRC,  /* curl --netrc-file, git, pip: basic authentication with the token as password */
};
#define TOKEN_KEYS "access_token token_type expires_in expires_at issued_at exp iat jti username"

/* The token's own word of itself, for printing and for the age of a kept one; nothing is decided by it. */
struct token_facts {
    int64_t iat, exp;
    char jti[40], username[40];
};
/* JA_ERR_CORRUPT "invalid_answer": no token of ours. */
enum ja_status token_facts_read(const char *token, size_t len, struct token_facts *ret, struct ja_error *err);

/* --format and --host, or --json. Usage errors: unknown format, netrc without host. */
enum ja_status token_format_read(struct cli *cli, enum token_format *ret, struct ja_error *err);
enum ja_status token_format_put(struct cli *cli, enum token_format format, const char *token,
                                const struct token_facts *facts, struct ja_error *err);

#endif
