/* The texts of common/notify/templates, compiled in. */
#ifndef JA_NOTIFY_TEMPLATE_BUILTIN_H
#define JA_NOTIFY_TEMPLATE_BUILTIN_H

struct ja_builtin_template {
    const char *file, *text; /* "welcome.html"; NULL ends the table */
};
extern const struct ja_builtin_template ja_builtin_templates[];

#endif
