/* The words of a message: templates with escaped placeholders.
 *
 * {{name}} is replaced by a value; {{#name}}...{{/name}} stays when there is one, {{^name}}...{{/name}} when there
 * is none.  An unknown name or a section that does not close is an error of the template.  No value adds a
 * header, a recipient, a line or markup: control characters, line separators and marks of writing direction are escaped
 * in every rendering, and &<>"' in HTML (CVE-2024-6923 and its like).
 *
 * A mail's text starts with a line "Subject: ..." and an empty line may follow. The built-in texts (compiled in) are
 * replaced by NAME.txt and NAME.html of the folder [email] templates: root's, writable by nobody else.
 */
#ifndef JA_NOTIFY_MESSAGE_TEMPLATE_H
#define JA_NOTIFY_MESSAGE_TEMPLATE_H

#include "common/domain/outbox.h"

#define JA_MESSAGE_MAX (64 * 1024) /* bytes of one rendering */
#define JA_SUBJECT_MAX 512

struct ja_template {
    const char *name;
    enum ja_channel channel;
    const char *needs;   /* the variable without which the message is worth nothing, NULL */
    const char *knows;   /* the names it may use, blank-separated */
};

/* NULL: there is none of this name. */
const struct ja_template *ja_template_find(const char *name);
/* In order, from 0; NULL at the end. */
const struct ja_template *ja_template_at(size_t i);

struct ja_rendered {
    struct ja_secret subject; /* empty for SMS */
    struct ja_secret text;    /* lines end with \n */
    struct ja_secret html;    /* empty: text only */
};
void ja_rendered_clear(struct ja_rendered *r);

/* JA_ERR_NOT_FOUND "unknown_template"; JA_ERR_INVALID "bad_template" names file and line, "value_missing" the variable.
 * issuer is taken from the configuration when vars has none. */
enum ja_status ja_template_render(const struct ja_ctx *ctx, const char *name, const json_t *vars,
                                  struct ja_rendered *ret, struct ja_error *err);
/* With sample values, each of them hostile enough to show the escaping: for outbox preview and doctor. */
enum ja_status ja_template_preview(const struct ja_ctx *ctx, const char *name, struct ja_rendered *ret,
                                   struct ja_error *err);

/* ---- template_text.c: one text, without files ---- */

enum ja_template_form { JA_FORM_TEXT, JA_FORM_HTML };
/* Appends to ret (initialised). `file` stands in messages. */
enum ja_status ja_template_expand(const char *file, const char *text, const char *knows, enum ja_template_form form,
                                  const json_t *vars, struct ja_secret *ret, struct ja_error *err);

#endif
