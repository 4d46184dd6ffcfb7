/* libini_config (and the four libraries below it) loaded at the first call instead of at every start: the
 * reasons and the way are those of common/db/db_sqlite_late.c.  Without it no configuration can be read.
 */
#include "common/base/dynload.h"

#include <errno.h>
#include <ini_configobj.h>
#include <ini_valueobj.h>
#include <stdbool.h>

#define INI_CALLS(X) \
    X(int, ini_config_create, (struct ini_cfgobj * *c), (c), ENOSYS) \
    X(void, ini_config_destroy, (struct ini_cfgobj * c), (c), (void)0) \
    X(unsigned, ini_config_error_count, (struct ini_cfgobj * c), (c), 0) \
    X(void, ini_config_file_destroy, (struct ini_cfgfile * f), (f), (void)0) \
    X(int, ini_config_file_from_mem, (void *data, uint32_t len, struct ini_cfgfile **f), \
      (data, len, f), ENOSYS) \
    X(void, ini_config_free_errors, (char **errors), (errors), (void)0) \
    X(int, ini_config_get_errors, (struct ini_cfgobj * c, char ***errors), (c, errors), ENOSYS) \
    X(int, ini_config_parse, \
      (struct ini_cfgfile * f, int level, uint32_t collisions, uint32_t flags, \
       struct ini_cfgobj *c), \
      (f, level, collisions, flags, c), ENOSYS) \
    X(void, ini_free_attribute_list, (char **list), (list), (void)0) \
    X(void, ini_free_section_list, (char **list), (list), (void)0) \
    X(char **, ini_get_attribute_list, \
      (struct ini_cfgobj * c, const char *section, int *size, int *error), \
      (c, section, size, error), 0) \
    X(int, ini_get_config_valueobj, \
      (const char *section, const char *name, struct ini_cfgobj *c, int mode, \
       struct value_obj **vo), \
      (section, name, c, mode, vo), ENOSYS) \
    X(const char *, ini_get_const_string_config_value, (struct value_obj * vo, int *error), \
      (vo, error), 0) \
    X(char **, ini_get_section_list, (struct ini_cfgobj * c, int *size, int *error), \
      (c, size, error), 0) \
    X(int, value_get_line, (struct value_obj * vo, uint32_t *line), (vo, line), ENOSYS)

#define SLOT(result, name, parameters, arguments, otherwise) static __typeof__(name) *late_##name;
INI_CALLS(SLOT)

#define ENTRY(result, name, parameters, arguments, otherwise) {#name, (void **)&late_##name},
static const struct ja_dl_symbol symbols[] = {INI_CALLS(ENTRY)};

static bool loaded(void)
{
    return late_ini_config_create ||
           ja_dl_load("libini_config.so.5", symbols, sizeof symbols / sizeof symbols[0], NULL) ==
               JA_OK;
}

#define CALL(result, name, parameters, arguments, otherwise) \
    result name parameters \
    { \
        return loaded() ? late_##name arguments : (otherwise); \
    }
INI_CALLS(CALL)
