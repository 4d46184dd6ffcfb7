/* Inside of config.h: the rows of the option table and what works on them.
 *
 * config_options.c has the table, config_syntax.c the checks of single texts, config_value.c and config_format.c the types
 * (text to field, field to text), config_check.c the rules between options, config.c the loader.
 */
#ifndef JA_BASE_CONFIG_OPTIONS_H
#define JA_BASE_CONFIG_OPTIONS_H

#include "common/base/config.h"

enum ja_option_type {
    JA_OPT_TEXT,     /* char * */
    JA_OPT_WORD,     /* char *, one of choices */
    JA_OPT_PATH,     /* char *, absolute; empty too when the default is */
    JA_OPT_DURATION, /* int64_t */
    JA_OPT_SIZE,     /* int64_t */
    JA_OPT_INT,      /* int64_t */
    JA_OPT_BOOL,     /* bool; choices name its values, yes and no without them */
    JA_OPT_CHOICE,   /* int, one of choices */
    JA_OPT_RATE,     /* struct ja_rate */
    JA_OPT_LIST,     /* struct ja_strlist; check is for each item */
    JA_OPT_NETS,     /* struct ja_netlist */
    JA_OPT_CLASSES,  /* int: bits of password.require */
    JA_OPT_MFA,      /* mfa.policy and mfa.roles */
    JA_OPT_BITS,     /* int: bits by choices */
    JA_OPT_HOURS,    /* struct ja_hourslist */
};

struct ja_choice {
    const char *name; /* NULL ends a list */
    int value;
};

/* NULL when the text is fine, else what it should be: "no absolute path". */
typedef const char *(*ja_text_check)(const char *text);

struct ja_option {
    const char *section, *key;
    enum ja_option_type type;
    size_t offset;      /* of the field in struct ja_config, or in what the table is for */
    const char *def;    /* as one would write it; @state@ @run@ @cache@ stand for the paths; NULL:
                           follows from others (ja_config_derive) */
    int64_t min, max;   /* numbers: bounds; texts: max bytes, 0: JA_TEXT_MAX - 1; networks: JA_NETS_ANY */
    const struct ja_choice *choices;
    ja_text_check check; /* an empty text is not passed to it unless the default is not empty */
    const char *help;
};

extern const struct ja_option ja_options[];
extern const size_t ja_options_len;
extern const struct ja_choice ja_alg_choices[];
#define JA_OPTIONS_MAX 128 /* at least ja_options_len */
#define JA_NETS_ANY 1 /* a network may cover every address: it grants no exception */

/* Of JA_OPT_BOOL and JA_OPT_CLASSES, which have none in the table. */
extern const struct ja_choice ja_choices_yes_no[], ja_choices_classes[];
/* config_value.c: sets the field from text; JA_ERR_CONFIG's message has no file or line yet. */
/* `base` is the struct ja_config, or what the option's table is for. */
enum ja_status ja_option_set(const struct ja_option *opt, void *base, const char *text,
                             struct ja_error *err);
/* config_format.c: text that ja_option_set would take back; malloc'd, NULL without memory. */
char *ja_option_format(const struct ja_option *opt, const void *base);
void ja_option_free(const struct ja_option *opt, void *base);

/* config_check.c */
void ja_config_derive(struct ja_config *cfg, bool max_ttl_given, bool retain_given);
/* JA_ERR_CONFIG; *ret_blame is the option ("tokens", "retain_keys") whose line to show. */
enum ja_status ja_config_cross_check(const struct ja_config *cfg, const char *ret_blame[2],
                                     struct ja_error *err);

/* config_syntax.c */
const char *ja_check_issuer(const char *s);
const char *ja_check_line(const char *s);       /* no blanks */
const char *ja_check_label(const char *s);      /* no colon: otpauth URI */
const char *ja_check_store_url(const char *s);
const char *ja_check_web_url(const char *s);    /* http:// or https:// */
const char *ja_check_https_url(const char *s);  /* https, or http to loopback */
const char *ja_check_email_target(const char *s);
const char *ja_check_sms_target(const char *s);
const char *ja_check_jwks(const char *s);
const char *ja_check_email(const char *s);
const char *ja_check_home(const char *s);
const char *ja_check_shell(const char *s);
const char *ja_check_group_prefix(const char *s);
const char *ja_check_role(const char *s);
const char *ja_check_origin(const char *s);
const char *ja_check_listen(const char *s);
/* Is the host of this URL a loopback address or "localhost"? */
bool ja_url_is_loopback(const char *url);

#endif
