#include "daemon/openapi.h"

#include "common/view/user_row.h"
#include "daemon/routes.h"

#include <ctype.h>
#include <string.h>

static const char *type_name(enum field_type t)
{
    switch (t) {
    case FIELD_STRING: return "string";
    case FIELD_INT: return "integer";
    case FIELD_BOOL: return "boolean";
    case FIELD_STRINGS: return "array";
    }
    return "string";
}

static json_t *field_schema(const struct http_field *f)
{
    json_t *s = json_pack("{s:s,s:s}", "type", type_name(f->type), "description", f->help);

    if (f->type == FIELD_STRING)
        (void)json_object_set_new(s, "maxLength", json_integer((json_int_t)f->max));
    if (f->type == FIELD_STRINGS)
        (void)json_object_set_new(s, "items", json_pack("{s:s}", "type", "string"));
    return s;
}

static json_t *body_of(const struct http_route *r)
{
    json_t *properties = json_object(), *required = json_array(), *schema;

    for (const struct http_field *f = r->body; f->name; f++) {
        (void)json_object_set_new(properties, f->name, field_schema(f));
        if (f->required)
            (void)json_array_append_new(required, json_string(f->name));
    }
    schema = json_pack("{s:s,s:o,s:b,s:o}", "type", "object", "properties", properties, "additionalProperties", 0,
                       "required", required);
    return json_pack("{s:b,s:{s:{s:o}}}", "required", 1, "content",
                     r->flags & ROUTE_FORM ? "application/x-www-form-urlencoded" : "application/json", "schema", schema);
}

static json_t *parameters_of(const struct http_route *r)
{
    json_t *list = json_array();

    for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{'))
        (void)json_array_append_new(list, json_pack("{s:s%,s:s,s:b,s:{s:s}}", "name", p + 1, strcspn(p + 1, "}"), "in",
                                                    "path", "required", 1, "schema", "type", "string"));
    for (const struct http_field *f = r->query; f && f->name; f++)
        (void)json_array_append_new(list, json_pack("{s:s,s:s,s:b,s:o}", "name", f->name, "in", "query", "required",
                                                    f->required, "schema", field_schema(f)));
    return list;
}

/* Blank-separated words as an array. */
static json_t *words(const char *text)
{
    json_t *list = json_array();

    for (size_t len; text && *text; text += len + (text[len] == ' ')) {
        len = strcspn(text, " ");
        (void)json_array_append_new(list, json_stringn(text, len));
    }
    return list;
}

static json_t *data_schema(const struct http_route *r)
{
    json_t *properties = json_object(), *names = words(r->answer), *name;
    size_t i;

    json_array_foreach(names, i, name) {
        bool user = strcmp(json_string_value(name), "user") == 0;

        (void)json_object_set_new(properties, json_string_value(name),
                                  user ? json_pack("{s:s}", "$ref", "#/components/schemas/User") : json_object());
    }
    json_decref(names);
    return json_pack("{s:s,s:o}", "type", "object", "properties", properties);
}

static json_t *json_content(json_t *schema)
{
    return json_pack("{s:{s:o}}", "application/json", "schema", schema);
}

static json_t *success_of(const struct http_route *r)
{
    json_t *schema = data_schema(r), *answer;

    if (!(r->flags & ROUTE_PLAIN))
        schema = json_pack("{s:s,s:[s,s,s],s:{s:{s:b},s:{s:s},s:o}}", "type", "object", "required", "success", "message",
                           "data", "properties", "success", "const", 1, "message", "type", "string", "data", schema);
    answer = json_pack("{s:s}", "description", r->summary);
    if (r->answer)
        (void)json_object_set_new(answer, "content", json_content(schema));
    else
        json_decref(schema);
    return answer;
}

static json_t *error_of(const char *text, bool plain)
{
    return json_pack("{s:s,s:o}", "description", text, "content",
                     json_content(json_pack("{s:s}", "$ref",
                                            plain ? "#/components/schemas/OAuthError" : "#/components/schemas/Error")));
}

static json_t *responses_of(const struct http_route *r)
{
    char status[8];
    bool plain = (r->flags & ROUTE_PLAIN) != 0;
    json_t *list = json_object();

    (void)snprintf(status, sizeof status, "%d", r->status ? r->status : 200);
    (void)json_object_set_new(list, status, success_of(r));
    if (r->status == 201)
        (void)json_object_set_new(json_object_get(list, status), "headers",
                                  json_pack("{s:{s:s,s:{s:s}}}", "Location", "description", "what was made", "schema",
                                            "type", "string"));
    if (!(r->flags & ROUTE_PUBLIC))
        (void)json_object_set_new(list, "401", error_of("no credential, or one that is not good", plain));
    (void)json_object_set_new(list, "default", error_of(r->codes ? r->codes : "a failure", plain));
    return list;
}

static json_t *operation_of(const struct http_route *r)
{
    json_t *op = json_pack("{s:s,s:o,s:o}", "summary", r->summary, "parameters", parameters_of(r), "responses",
                           responses_of(r));

    if (r->body)
        (void)json_object_set_new(op, "requestBody", body_of(r));
    if (r->permission)
        (void)json_object_set_new(op, "description", json_sprintf("Takes %s.", r->permission));
    if (r->codes)
        (void)json_object_set_new(op, "x-error-codes", words(r->codes));
    if (!(r->flags & ROUTE_PUBLIC))
        (void)json_object_set_new(op, "security", json_pack("[{s:[]}]", "bearerAuth"));
    return op;
}

static void add_route(void *arg, size_t index, const struct http_route *r)
{
    json_t *paths = arg, *item = json_object_get(paths, r->path);
    char method[8];
    size_t i = 0;

    (void)index;
    if (!item) {
        (void)json_object_set_new(paths, r->path, json_object());
        item = json_object_get(paths, r->path);
    }
    for (const char *m = http_method_name(r->method); *m && i + 1 < sizeof method; m++)
        method[i++] = (char)tolower((unsigned char)*m);
    method[i] = 0;
    (void)json_object_set_new(item, method, operation_of(r));
}

static json_t *user_schema(void)
{
    static const char *const types[] = {
        [ROW_TEXT] = "string", [ROW_INT] = "integer", [ROW_BOOL] = "boolean", [ROW_TIME] = "string",
        [ROW_LIST] = "array", [ROW_JSON] = "object",
    };
    json_t *properties = json_object();

    for (size_t i = 0; i < row_user.count; i++) {
        const struct row_field *f = &row_user.fields[i];
        json_t *s = json_pack("{s:[s,s]}", "type", types[f->kind], "null");

        if (f->kind == ROW_TIME)
            (void)json_object_set_new(s, "format", json_string("date-time"));
        (void)json_object_set_new(properties, f->key, s);
    }
    return json_pack("{s:s,s:o,s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
}

static json_t *components(void)
{
    static const char error[] =
        "{\"type\":\"object\",\"required\":[\"success\",\"message\",\"error\"],\"additionalProperties\":false,"
        "\"properties\":{\"success\":{\"const\":false},\"message\":{\"type\":\"string\"},\"error\":{\"type\":\"object\","
        "\"required\":[\"code\"],\"additionalProperties\":false,\"properties\":{\"code\":{\"type\":\"string\","
        "\"pattern\":\"^[a-z0-9_]+$\"},\"details\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
        "\"site_key\":{\"type\":\"string\"}}}}}";
    static const char oauth[] =
        "{\"type\":\"object\",\"required\":[\"error\"],\"additionalProperties\":false,\"properties\":{"
        "\"error\":{\"type\":\"string\"},\"error_description\":{\"type\":\"string\"}}}";

    return json_pack("{s:{s:o,s:o,s:o},s:{s:{s:s,s:s,s:s}}}", "schemas", "User", user_schema(), "Error",
                     json_loads(error, 0, NULL), "OAuthError", json_loads(oauth, 0, NULL), "securitySchemes",
                     "bearerAuth", "type", "http", "scheme", "bearer", "bearerFormat", "JWT");
}

json_t *openapi_document(const char *server)
{
    json_t *paths = json_object();

    http_route_each(add_route, paths);
    return json_pack("{s:s,s:{s:s,s:s},s:[{s:s}],s:o,s:o}", "openapi", "3.1.0", "info", "title", "jwtauthd", "version",
                     JA_VERSION, "servers", "url", *server ? server : "/", "paths", paths, "components", components());
}

/* ---- README ---- */

static void put_row(void *arg, size_t index, const struct http_route *r)
{
    FILE *out = arg;

    (void)index;
    (void)fprintf(out, "| %s %s | %s | `curl %s%s$URL%s` |\n", http_method_name(r->method), r->path, r->summary,
                  r->example ? r->example : "", r->example && *r->example ? " " : "", r->path);
}

void openapi_table(FILE *out)
{
    (void)fputs("| route | does | for example |\n|---|---|---|\n", out);
    http_route_each(put_row, out);
}
