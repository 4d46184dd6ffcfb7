/* The sections [policy NAME]. */
#include "common/base/config_load.h"
#include "common/base/policy_rule.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD "policy"

bool ja_config_is_policy(const char *section)
{
    size_t len = sizeof WORD - 1;

    return strncmp(section, WORD, len) == 0 && (section[len] == ' ' || section[len] == '\t' || section[len] == 0);
}

static bool name_ok(const char *s)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return len > 0 && len <= JA_POLICY_NAME_MAX && s[len] == 0;
}

/* Keeps the first thing that is wrong, with its place. */
static enum ja_status keep_error(const struct ja_config_source *src, unsigned line, const char *section, const char *key,
                                 const char *reason, struct ja_policy_rule *rule, struct ja_error *err)
{
    struct ja_error local = {0};

    if (rule->error)
        return JA_OK;
    (void)ja_config_fail_at(src, line, &local, section, key, reason);
    rule->error = strdup(local.message);
    return rule->error ? JA_OK : ja_fail_nomem(err);
}

static int find_key(const char *key)
{
    for (int i = 0; i < JA_POLICY_KEYS; i++)
        if (strcmp(ja_policy_options[i].key, key) == 0)
            return i;
    return -1;
}

static enum ja_status unknown_key(const struct ja_config_source *src, unsigned line, const char *section,
                                  const char *key, struct ja_policy_rule *rule, struct ja_error *err)
{
    const char *near = ja_config_suggest(ja_policy_options, JA_POLICY_KEYS, WORD, key);
    char reason[128];

    (void)snprintf(reason, sizeof reason, "is no option%s%s%s", near ? ", did you mean " : "", near ? near : "",
                   near ? "?" : "");
    return keep_error(src, line, section, key, reason, rule, err);
}

static enum ja_status set_key(const struct ja_config_source *src, const char *section, const char *key,
                              struct ja_policy_rule *rule, struct ja_error *err)
{
    const char *text = NULL;
    struct ja_error inner = {0};
    unsigned line = 0;
    int i = find_key(key);
    enum ja_status st = ja_config_text(src, section, key, &text, &line, err);

    if (st != JA_OK && st != JA_ERR_CONFIG)
        return st;
    if (i < 0)
        return unknown_key(src, line, section, key, rule, err);
    rule->given |= 1u << i;
    if (st == JA_ERR_CONFIG)
        (void)ja_fail(&inner, JA_ERR_CONFIG, "invalid_config", "%s", text);
    else if (!*text)
        st = ja_fail(&inner, JA_ERR_CONFIG, "invalid_config", "must not be empty");
    else
        st = ja_option_set(&ja_policy_options[i], rule, text, &inner);
    if (st == JA_OK)
        return JA_OK;
    if (st != JA_ERR_CONFIG)
        return ja_fail_nomem(err);
    rule->broken |= 1u << i;
    return keep_error(src, line, section, key, inner.message, rule, err);
}

static enum ja_status append(struct ja_policy_rules *rules, const char *name, struct ja_policy_rule **ret,
                             struct ja_error *err)
{
    struct ja_policy_rule *items = realloc(rules->items, (rules->len + 1) * sizeof *items);

    if (!items)
        return ja_fail_nomem(err);
    rules->items = items;
    items[rules->len] = (struct ja_policy_rule){.name = strdup(name)};
    if (!items[rules->len].name)
        return ja_fail_nomem(err);
    *ret = &items[rules->len++];
    return JA_OK;
}

/* Read in the order of the file, whatever order the keys have. */
static enum ja_status set_keys(const struct ja_config_source *src, const char *section, struct ja_policy_rule *rule,
                               struct ja_error *err)
{
    int count = 0, rc = 0;
    char **keys = ini_get_attribute_list(src->ini, section, &count, &rc);
    enum ja_status st = JA_OK;

    if (!keys)
        return ja_fail_nomem(err);
    for (int i = 0; i < count && st == JA_OK; i++)
        st = set_key(src, section, keys[i], rule, err);
    ini_free_attribute_list(keys);
    return st;
}

enum ja_status ja_config_add_policy(const struct ja_config_source *src, const char *section, struct ja_error *err)
{
    const char *name = section + sizeof WORD - 1 + strspn(section + sizeof WORD - 1, " \t");
    struct ja_policy_rules *rules = &src->out->cfg.policy;
    unsigned line = ja_config_header_line(src->text, section);
    struct ja_policy_rule *rule = NULL;
    enum ja_status st;

    if (!name_ok(name))
        return ja_config_fail_at(src, line, err, section, NULL,
                                 "needs a name of letters, digits, '.', '_' and '-', as in [policy ssh-outside]");
    for (size_t i = 0; i < rules->len; i++)
        if (strcmp(rules->items[i].name, name) == 0)
            return ja_config_fail_at(src, line, err, section, NULL, "is there twice");
    st = append(rules, name, &rule, err);
    if (st != JA_OK)
        return st;
    rule->line = line;
    return set_keys(src, section, rule, err);
}
