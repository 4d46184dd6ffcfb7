/* Inside of config.h: what the parts of the loader share. */
#ifndef JA_BASE_CONFIG_LOAD_H
#define JA_BASE_CONFIG_LOAD_H

#include "common/base/config_options.h"

#include <ini_configobj.h>

/* struct ja_config and where each value came from; `cfg` is first, so that one pointer is both. */
struct ja_config_loaded {
    struct ja_config cfg;
    bool given[JA_OPTIONS_MAX];
};

/* One parse: what messages need. */
struct ja_config_source {
    const char *name, *text;
    struct ini_cfgobj *ini;
    struct ja_config_loaded *out;
};

/* config_message.c */
/* The nearest section (key NULL) or key of that section; NULL when nothing is near. */
const char *ja_config_suggest(const struct ja_option *table, size_t len, const char *section, const char *key);
unsigned ja_config_header_line(const char *text, const char *section);
enum ja_status ja_config_fail_at(const struct ja_config_source *src, unsigned line, struct ja_error *err,
                                 const char *section, const char *key, const char *reason);

/* config.c: the text of a key and its line (0: unknown). JA_ERR_CONFIG: it cannot be a value; *ret is then why. */
enum ja_status ja_config_text(const struct ja_config_source *src, const char *section, const char *key,
                              const char **ret, unsigned *ret_line, struct ja_error *err);

/* config_policy.c */
bool ja_config_is_policy(const char *section);
/* Appends the rule. What is wrong in the section stands in the rule; a section without a proper name is
 * JA_ERR_CONFIG. */
enum ja_status ja_config_add_policy(const struct ja_config_source *src, const char *section, struct ja_error *err);

#endif
