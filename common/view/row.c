#include "common/view/row.h"

#include "common/base/secret.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

json_t *ja_json_text(const char *s)
{
    json_t *ret;
    char *safe;

    if (!s)
        return json_null();
    if (ja_utf8_valid(s, strlen(s)))
        return json_string(s);
    safe = malloc(strlen(s) * 4 + 1);
    if (!safe)
        return NULL;
    (void)ja_text_escape(s, safe, strlen(s) * 4 + 1);
    ret = json_string(safe);
    ja_wipe_free(safe);
    return ret;
}

json_t *ja_json_time(int64_t t)
{
    char text[JA_TIME_LEN + 1];

    if (t == 0)
        return json_null();
    ja_time_format(t, text);
    return json_string(text);
}

static json_t *list_json(const struct ja_strlist *list)
{
    json_t *ret = json_array();

    for (size_t i = 0; ret && i < list->len; i++)
        if (json_array_append_new(ret, ja_json_text(list->items[i])) != 0) {
            json_decref(ret);
            return NULL;
        }
    return ret;
}

static json_t *cell_json(enum row_kind kind, const struct row_value *v)
{
    switch (kind) {
    case ROW_TEXT:
        return ja_json_text(v->text);
    case ROW_LIST:
        return v->list ? list_json(v->list) : json_array();
    case ROW_JSON:
        return v->json ? json_deep_copy(v->json) : json_null();
    case ROW_INT:
        return v->null ? json_null() : json_integer(v->num);
    case ROW_BOOL:
        return v->null ? json_null() : json_boolean(v->num != 0);
    case ROW_TIME:
        return ja_json_time(v->num);
    }
    return NULL;
}

json_t *ja_row_json(const struct row_type *type, const struct row_value *values)
{
    json_t *ret = json_object();

    for (size_t i = 0; ret && i < type->count; i++)
        if (json_object_set_new(ret, type->fields[i].key,
                                cell_json(type->fields[i].kind, &values[i])) != 0) {
            json_decref(ret);
            return NULL;
        }
    return ret;
}
