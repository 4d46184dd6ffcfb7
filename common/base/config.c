/* The loader: safe reading, libini_config for the syntax, the option table for the rest. */
#include "common/base/config.h"

#include "common/base/config_load.h"
#include "common/base/file_guard.h"
#include "common/base/policy_rule.h"
#include "common/base/text.h"

#include <errno.h>
#include <ini_configobj.h>
#include <ini_valueobj.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX_SIZE ((size_t)1 << 20)

const char *ja_alg_name(enum ja_alg alg)
{
    for (const struct ja_choice *c = ja_alg_choices; c->name; c++)
        if (c->value == (int)alg)
            return c->name;
    return "none";
}

enum ja_alg ja_alg_parse(const char *name)
{
    for (const struct ja_choice *c = ja_alg_choices; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return (enum ja_alg)c->value;
    return JA_ALG_NONE;
}

static const struct ja_option *find(const char *section, const char *key)
{
    for (size_t i = 0; i < ja_options_len; i++)
        if (strcmp(ja_options[i].section, section) == 0 && strcmp(ja_options[i].key, key) == 0)
            return &ja_options[i];
    return NULL;
}

/* "Error (10) on line 3: Duplicate key is not allowed." -> "3: duplicate key is not allowed" */
static enum ja_status fail_syntax(const struct ja_config_source *src, struct ja_error *err)
{
    static const char on_line[] = "on line ";
    char **list = NULL;
    char text[256] = "";
    const char *first, *number, *colon = NULL;
    size_t len;

    if (ini_config_error_count(src->ini) == 0 || ini_config_get_errors(src->ini, &list) != 0 || !list)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_config",
                       "%s: a section or key has a name with a character that names may not have",
                       src->name);
    first = list[0] ? list[0] : "";
    number = strstr(first, on_line);
    if (number) {
        number += sizeof on_line - 1;
        colon = strstr(number, ": ");
    }
    (void)ja_text_escape(colon ? colon + 2 : first, text, sizeof text);
    len = strlen(text);
    if (len > 0 && text[len - 1] == '.')
        text[len - 1] = 0;
    if (text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
    (void)ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s:%.*s: %s%s", src->name,
                  colon ? (int)(colon - number) : 1, colon ? number : "?", text,
                  strcmp(text, "duplicate section is not allowed") == 0 ? ": put its lines under the first" : "");
    ini_config_free_errors(list);
    return JA_ERR_CONFIG;
}

/* A tab, or the carriage return of a line's end, may stand in a file. */
static bool has_control(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)s[i] < 0x20 && s[i] != '\t' && s[i] != '\r') || s[i] == 0x7f)
            return true;
    return false;
}

/* libini_config cuts a value at NUL and gives up on other encodings without a line. */
static enum ja_status check_bytes(const char *name, const char *text, size_t len,
                                  struct ja_error *err)
{
    unsigned line = 1;

    if (len > CONFIG_MAX_SIZE)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s: larger than 1 MiB", name);
    for (size_t start = 0, end; start < len; start = end + 1, line++) {
        const char *nl = memchr(text + start, '\n', len - start);
        end = nl ? (size_t)(nl - text) : len;
        if (memchr(text + start, 0, end - start))
            return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s:%u: a NUL byte", name, line);
        if (has_control(text + start, end - start))
            return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s:%u: control characters", name,
                           line);
        if (!ja_utf8_valid(text + start, end - start))
            return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s:%u: not UTF-8", name, line);
    }
    return JA_OK;
}

/* libini_config 1.3.1 and its libcollection crash when a malloc fails while they parse (tried: 36 of
 * 500 allocations).  They take 45 KiB and, for real files, less than 20 bytes for each of the file's: memory
 * that is short, say by a limit that the caller set, is found out here instead. */
static bool memory_left(size_t len)
{
    void *volatile probe = malloc(65536 + 32 * len); /* volatile: or the compiler leaves both out */
    bool left = probe != NULL;

    free(probe);
    return left;
}

static enum ja_status parse_syntax(struct ja_config_source *src, size_t len, struct ja_error *err)
{
    struct ini_cfgfile *file = NULL;
    enum ja_status st = JA_OK;
    int rc;

    if (!memory_left(len) || ini_config_create(&src->ini) != 0)
        return ja_fail_nomem(err);
    /* An empty buffer is an error to it, not an empty file. */
    if (len == 0)
        return JA_OK;
    /* The library copies the text; its parameter lacks a const. */
    rc = ini_config_file_from_mem((void *)(uintptr_t)src->text, (uint32_t)len, &file);
    if (rc == ENOMEM)
        return ja_fail_nomem(err);
    if (rc != 0)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "%s: could not be read as text (%d)",
                       src->name, rc);
    rc = ini_config_parse(file, INI_STOP_ON_ANY, INI_MV1S_ERROR | INI_MS_ERROR,
                          INI_PARSE_NOWRAP | INI_PARSE_NO_C_COMMENTS, src->ini);
    if (rc != 0)
        st = rc == ENOMEM ? ja_fail_nomem(err) : fail_syntax(src, err);
    ini_config_file_destroy(file);
    return st;
}

static enum ja_status unknown_section(const struct ja_config_source *src, const char *section,
                                      struct ja_error *err)
{
    const char *near = ja_config_suggest(ja_options, ja_options_len, section, NULL);
    char reason[128];

    if (strcmp(section, "default") == 0 && ja_config_header_line(src->text, section) == 0)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_config",
                       "%s:%u: a key before the first [section]", src->name,
                       ja_config_header_line(src->text, NULL));
    (void)snprintf(reason, sizeof reason, "is no section%s%s%s", near ? ", did you mean [" : "",
                   near ? near : "", near ? "]?" : "");
    return ja_config_fail_at(src, ja_config_header_line(src->text, section), err, section, NULL, reason);
}

enum ja_status ja_config_text(const struct ja_config_source *src, const char *section, const char *key,
                              const char **ret, unsigned *ret_line, struct ja_error *err)
{
    struct value_obj *vo = NULL;
    const char *text;
    uint32_t line = 0;

    if (ini_get_config_valueobj(section, key, src->ini, INI_GET_FIRST_VALUE, &vo) != 0 || !vo)
        return ja_fail_nomem(err);
    if (value_get_line(vo, &line) != 0)
        line = 0;
    text = ini_get_const_string_config_value(vo, NULL);
    if (!text)
        return ja_fail_nomem(err);
    *ret_line = line;
    *ret = text;
    if (text[0] == '"')
        *ret = "is in quotation marks: write the value without";
    else if (!ja_text_valid(text, CONFIG_MAX_SIZE))
        *ret = "has control characters";
    return *ret == text ? JA_OK : JA_ERR_CONFIG;
}

static enum ja_status set_one(const struct ja_config_source *src, const char *section, const char *key,
                              struct ja_error *err)
{
    const struct ja_option *opt = find(section, key);
    const char *text = NULL, *near;
    struct ja_error inner = {0};
    unsigned line = 0;
    char reason[128];
    enum ja_status st = ja_config_text(src, section, key, &text, &line, err);

    if (st != JA_OK && st != JA_ERR_CONFIG)
        return st;
    if (!opt) {
        near = ja_config_suggest(ja_options, ja_options_len, section, key);
        (void)snprintf(reason, sizeof reason, "is no option%s%s%s", near ? ", did you mean " : "",
                       near ? near : "", near ? "?" : "");
        return ja_config_fail_at(src, line, err, section, key, reason);
    }
    if (st == JA_ERR_CONFIG)
        return ja_config_fail_at(src, line, err, section, key, text);
    st = ja_option_set(opt, &src->out->cfg, text, &inner);
    if (st != JA_OK)
        return st == JA_ERR_CONFIG ? ja_config_fail_at(src, line, err, section, key, inner.message)
                                   : ja_fail_nomem(err);
    src->out->given[opt - ja_options] = true;
    return JA_OK;
}

static bool section_known(const char *section)
{
    for (size_t i = 0; i < ja_options_len; i++)
        if (strcmp(ja_options[i].section, section) == 0)
            return true;
    return false;
}

static enum ja_status set_section(const struct ja_config_source *src, const char *section,
                                  struct ja_error *err)
{
    int count = 0, rc = 0;
    char **keys;
    enum ja_status st = JA_OK;

    if (ja_config_is_policy(section))
        return ja_config_add_policy(src, section, err);
    if (!section_known(section))
        return unknown_section(src, section, err);
    keys = ini_get_attribute_list(src->ini, section, &count, &rc);
    if (!keys)
        return ja_fail_nomem(err);
    for (int i = 0; i < count && st == JA_OK; i++)
        st = set_one(src, section, keys[i], err);
    ini_free_attribute_list(keys);
    return st;
}

static enum ja_status set_given(const struct ja_config_source *src, struct ja_error *err)
{
    int count = 0, rc = 0;
    char **sections = ini_get_section_list(src->ini, &count, &rc);
    enum ja_status st = JA_OK;

    if (!sections)
        return ja_fail_nomem(err);
    for (int i = 0; i < count && st == JA_OK; i++)
        st = set_section(src, sections[i], err);
    ini_free_section_list(sections);
    return st;
}

/* "sqlite:@state@/jwtauth.db" with the folder in place; the caller frees it. */
static char *expand(const char *def, const struct ja_config *cfg)
{
    const char *at = strchr(def, '@'), *end = at ? strchr(at + 1, '@') : NULL;
    const char *folder;
    char *out = NULL;

    if (!end)
        return strdup(def);
    folder = at[1] == 's' ? cfg->paths.state : at[1] == 'r' ? cfg->paths.run : cfg->paths.cache;
    if (asprintf(&out, "%.*s%s%s", (int)(at - def), def, folder, end + 1) < 0)
        return NULL;
    return out;
}

/* [paths] stands first in the table, so that later defaults find it. */
static enum ja_status set_defaults(struct ja_config_loaded *out, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (size_t i = 0; i < ja_options_len && st == JA_OK; i++) {
        const struct ja_option *opt = &ja_options[i];
        char *text;
        if (out->given[i] || !opt->def)
            continue;
        text = expand(opt->def, &out->cfg);
        st = text ? ja_option_set(opt, &out->cfg, text, err) : ja_fail_nomem(err);
        free(text);
    }
    return st;
}

static enum ja_status cross_check(const struct ja_config_source *src, struct ja_error *err)
{
    const char *blame[2] = {"", ""};
    struct value_obj *vo = NULL;
    struct ja_error inner = {0};
    uint32_t line = 0;
    enum ja_status st = ja_config_cross_check(&src->out->cfg, blame, &inner);

    if (st == JA_OK)
        return JA_OK;
    if (ini_get_config_valueobj(blame[0], blame[1], src->ini, INI_GET_FIRST_VALUE, &vo) == 0 && vo)
        (void)value_get_line(vo, &line); /* stays 0 otherwise: "no line" */
    else
        line = ja_config_header_line(src->text, blame[0]);
    return ja_config_fail_at(src, line, err, blame[0], blame[1], inner.message);
}

static bool given(const struct ja_config_loaded *l, const char *section, const char *key)
{
    const struct ja_option *opt = find(section, key);

    return opt && l->given[opt - ja_options];
}

enum ja_status ja_config_parse(const char *name, const void *text, size_t len,
                               struct ja_config **ret, struct ja_error *err)
{
    struct ja_config_source src = {.name = name};
    char *copy = NULL;
    enum ja_status st = check_bytes(name, text, len, err);

    if (st != JA_OK)
        return st;
    copy = malloc(len + 1); /* the library wants a final NUL */
    src.out = calloc(1, sizeof *src.out);
    if (!copy || !src.out) {
        st = ja_fail_nomem(err);
        goto out;
    }
    memcpy(copy, len ? text : "", len);
    copy[len] = 0;
    src.text = copy;
    st = parse_syntax(&src, len, err);
    if (st == JA_OK)
        st = set_given(&src, err);
    if (st == JA_OK)
        st = set_defaults(src.out, err);
    if (st != JA_OK)
        goto out;
    ja_config_derive(&src.out->cfg, given(src.out, "tokens", "max_ttl"),
                     given(src.out, "tokens", "retain_keys"));
    st = cross_check(&src, err);
    if (st == JA_OK) {
        *ret = &src.out->cfg;
        src.out = NULL;
    }
out:
    if (src.ini)
        ini_config_destroy(src.ini);
    free(copy);
    ja_config_free(src.out ? &src.out->cfg : NULL);
    return st;
}

enum ja_status ja_config_demand_file(const struct ja_config *cfg, struct ja_error *err)
{
    if (cfg->path)
        return JA_OK;
    return ja_fail(err, JA_ERR_CONFIG, "no_config",
                   "%s does not exist: put it back, or make one with 'authctl init'", JA_CONFIG_PATH);
}

enum ja_status ja_config_load(const char *path, bool allow_own, struct ja_config **ret,
                              struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0644, .max_size = CONFIG_MAX_SIZE,
                                      .allow_own = allow_own};
    const char *name = path ? path : JA_CONFIG_PATH;
    struct ja_secret text = {0};
    struct ja_config *cfg = NULL;
    enum ja_status st = ja_file_read(name, &rule, &text, err);

    if (st == JA_ERR_NOT_FOUND && strcmp(name, JA_CONFIG_PATH) == 0)
        return ja_config_parse(name, "", 0, ret, err);
    if (st != JA_OK)
        return st;
    st = ja_config_parse(name, text.data, text.len, &cfg, err);
    ja_secret_clear(&text);
    if (st != JA_OK)
        return st;
    cfg->path = strdup(name);
    if (!cfg->path) {
        ja_config_free(cfg);
        return ja_fail_nomem(err);
    }
    *ret = cfg;
    return JA_OK;
}

void ja_config_free(struct ja_config *cfg)
{
    if (!cfg)
        return;
    for (size_t i = 0; i < ja_options_len; i++)
        ja_option_free(&ja_options[i], cfg);
    ja_policy_rules_clear(&cfg->policy);
    free(cfg->path);
    free(cfg); /* is the first member of its struct ja_config_loaded */
}

/* user:password@host -> user:***@host, and the same for a password parameter (libpq takes one). */
static char *mask(char *value)
{
    char *scheme = strstr(value, "://"), *at, *colon, *param, *out = NULL;

    if (!scheme)
        return value;
    at = memchr(scheme + 3, '@', strcspn(scheme + 3, "/?#"));
    colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    if (colon) {
        if (asprintf(&out, "%.*s***%s", (int)(colon + 1 - value), value, at) < 0)
            out = NULL;
        ja_wipe_free(value);
        value = out;
    }
    param = value ? strstr(value, "password=") : NULL;
    if (param) {
        char *rest = param + 9 + strcspn(param + 9, "&");
        if (asprintf(&out, "%.*s***%s", (int)(param + 9 - value), value, rest) < 0)
            out = NULL;
        ja_wipe_free(value);
        value = out;
    }
    return value;
}

static enum ja_status each_of_rule(const struct ja_policy_rule *rule, ja_config_item_fn fn, void *arg)
{
    char section[sizeof "policy " + JA_POLICY_NAME_MAX];
    enum ja_status st = JA_OK;

    (void)snprintf(section, sizeof section, "policy %s", rule->name);
    for (int key = 0; key < JA_POLICY_KEYS && st == JA_OK; key++) {
        const struct ja_option *opt = &ja_policy_options[key];
        char *value;

        if (!ja_policy_has(rule, (enum ja_policy_key)key) || rule->broken >> key & 1)
            continue;
        value = ja_option_format(opt, rule);
        if (!value)
            return JA_ERR_NOMEM;
        st = fn(arg, &(struct ja_config_item){section, opt->key, opt->help, value, true});
        free(value);
    }
    return st;
}

enum ja_status ja_config_each(const struct ja_config *cfg, ja_config_item_fn fn, void *arg)
{
    const struct ja_config_loaded *l = (const struct ja_config_loaded *)cfg;
    enum ja_status st = JA_OK;

    for (size_t i = 0; i < ja_options_len && st == JA_OK; i++) {
        const struct ja_option *opt = &ja_options[i];
        char *value = ja_option_format(opt, cfg);

        if (value)
            value = mask(value);
        if (!value)
            return JA_ERR_NOMEM;
        st = fn(arg, &(struct ja_config_item){opt->section, opt->key, opt->help, value, l->given[i]});
        free(value);
    }
    for (size_t i = 0; i < cfg->policy.len && st == JA_OK; i++)
        st = each_of_rule(&cfg->policy.items[i], fn, arg);
    return st;
}
