/* The types of options: text to field. */
#include "common/base/config_options.h"
#include "common/base/policy_hours.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The field of an option; the table gives type and offset together. */
static void *field(const struct ja_option *opt, void *base)
{
    return (char *)base + opt->offset;
}

const struct ja_choice ja_choices_yes_no[] = {{"yes", 1}, {"no", 0}, {NULL, 0}};

const struct ja_choice ja_choices_classes[] = {{"upper", JA_CLASS_UPPER}, {"lower", JA_CLASS_LOWER},
                                               {"digit", JA_CLASS_DIGIT},
                                               {"special", JA_CLASS_SPECIAL}, {NULL, 0}};

static enum ja_status bad(struct ja_error *err, const char *text, const char *reason)
{
    char shown[128];
    bool whole = ja_text_escape(text, shown, sizeof shown);

    return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "'%s%s' %s", shown, whole ? "" : "...", reason);
}

static enum ja_status bad_range(struct ja_error *err, const char *text, const char *min,
                                const char *max)
{
    char reason[96];

    (void)snprintf(reason, sizeof reason, "is out of range: %s to %s", min, max);
    return bad(err, text, reason);
}

static enum ja_status bad_choice(struct ja_error *err, const char *text, const struct ja_choice *c)
{
    char reason[256] = "is unknown, must be one of";
    size_t len = strlen(reason);

    for (; c->name && len < sizeof reason; c++)
        len += (size_t)snprintf(reason + len, sizeof reason - len, " %s", c->name);
    return bad(err, text, reason);
}

static const struct ja_choice *choice(const struct ja_choice *c, const char *name)
{
    for (; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static enum ja_status set_text(const struct ja_option *opt, char **slot, const char *text,
                               struct ja_error *err)
{
    size_t max = opt->max ? (size_t)opt->max : JA_TEXT_MAX - 1;
    const char *reason = NULL;
    char *copy;

    if (strlen(text) > max)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "is longer than %zu bytes", max);
    if (*text || (opt->def && *opt->def)) {
        if (opt->type == JA_OPT_PATH && text[0] != '/')
            reason = "is no absolute path";
        else if (opt->type == JA_OPT_WORD && !choice(opt->choices, text))
            return bad_choice(err, text, opt->choices);
        else if (!*text)
            reason = "must not be empty";
        else if (opt->check)
            reason = opt->check(text);
    }
    if (reason)
        return bad(err, text, reason);
    copy = strdup(text);
    if (!copy)
        return ja_fail_nomem(err);
    free(*slot);
    *slot = copy;
    return JA_OK;
}

static enum ja_status set_number(const struct ja_option *opt, int64_t *slot, const char *text,
                                 struct ja_error *err)
{
    char min[32], max[32];
    int64_t v = 0;

    if (opt->type == JA_OPT_DURATION) {
        if (!ja_parse_duration(text, &v))
            return bad(err, text, "is no duration like 90s, 15m, 2h or 7d");
        ja_duration_format(opt->min, min, sizeof min);
        ja_duration_format(opt->max, max, sizeof max);
    } else if (opt->type == JA_OPT_SIZE) {
        if (!ja_parse_size(text, &v))
            return bad(err, text, "is no size like 64M or 65536K");
        (void)snprintf(min, sizeof min, "%lldM", (long long)opt->min >> 20);
        (void)snprintf(max, sizeof max, "%lldM", (long long)opt->max >> 20);
    } else {
        if (!ja_parse_i64(text, INT64_MIN, INT64_MAX, &v))
            return bad(err, text, "is no whole number");
        (void)snprintf(min, sizeof min, "%lld", (long long)opt->min);
        (void)snprintf(max, sizeof max, "%lld", (long long)opt->max);
    }
    if (v < opt->min || v > opt->max)
        return bad_range(err, text, min, max);
    *slot = v;
    return JA_OK;
}

static enum ja_status set_rate(struct ja_rate *slot, const char *text, struct ja_error *err)
{
    const char *slash = strchr(text, '/');
    char count[16];
    struct ja_rate rate;

    if (!slash || (size_t)(slash - text) >= sizeof count)
        return bad(err, text, "is no rate like 5/15m");
    memcpy(count, text, (size_t)(slash - text));
    count[slash - text] = 0;
    if (!ja_parse_i64(count, 1, 1000000, &rate.count) ||
        !ja_parse_duration(slash + 1, &rate.seconds) || rate.seconds < 1 ||
        rate.seconds > 30 * 86400)
        return bad(err, text, "is no rate like 5/15m (count 1 to 1000000, time 1s to 30d)");
    *slot = rate;
    return JA_OK;
}

/* Calls fn for every item between commas, trimmed; an empty text has none, an empty item is refused. */
typedef enum ja_status (*item_fn)(const struct ja_option *opt, void *slot, const char *item,
                                  struct ja_error *err);

static enum ja_status each_item(const struct ja_option *opt, void *slot, const char *text,
                                item_fn fn, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (bool more = *text != 0; more && st == JA_OK;) {
        size_t span = strcspn(text, ","), len = span;
        const char *s = text;
        char *item;

        more = text[span] == ',';
        text += span + 1;
        while (len > 0 && (*s == ' ' || *s == '\t'))
            s++, len--;
        while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
            len--;
        if (len == 0)
            return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "has an empty item in its list");
        item = strndup(s, len);
        st = item ? fn(opt, slot, item, err) : ja_fail_nomem(err);
        free(item);
    }
    return st;
}

static void clear_list(struct ja_strlist *list)
{
    for (size_t i = 0; i < list->len; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct ja_strlist){0};
}

static enum ja_status add_text(const struct ja_option *opt, void *slot, const char *item,
                               struct ja_error *err)
{
    struct ja_strlist *list = slot;
    const char *reason = opt->check ? opt->check(item) : NULL;
    char **items;

    if (reason)
        return bad(err, item, reason);
    items = realloc(list->items, (list->len + 1) * sizeof *items);
    if (!items)
        return ja_fail_nomem(err);
    list->items = items;
    items[list->len] = strdup(item);
    if (!items[list->len])
        return ja_fail_nomem(err);
    list->len++;
    return JA_OK;
}

static enum ja_status add_net(const struct ja_option *opt, void *slot, const char *item,
                              struct ja_error *err)
{
    struct ja_netlist *list = slot;
    struct ja_net net, *items;

    if (!ja_net_parse(item, &net))
        return bad(err, item, "is no network like 10.0.0.0/8 or 2001:db8::/32 (host bits must be zero)");
    /* These lists grant an exception; one for everybody is a safeguard switched off. */
    if (net.prefix == 0 && opt->max != JA_NETS_ANY)
        return bad(err, item, "covers every address: name the networks that are meant");
    items = realloc(list->items, (list->len + 1) * sizeof *items);
    if (!items)
        return ja_fail_nomem(err);
    list->items = items;
    items[list->len++] = net;
    return JA_OK;
}

static enum ja_status set_list(const struct ja_option *opt, struct ja_strlist *slot,
                               const char *text, struct ja_error *err)
{
    struct ja_strlist list = {0};
    enum ja_status st = each_item(opt, &list, text, add_text, err);

    if (st == JA_OK) {
        clear_list(slot);
        *slot = list;
    } else {
        clear_list(&list);
    }
    return st;
}

static enum ja_status set_nets(const struct ja_option *opt, struct ja_netlist *slot,
                               const char *text, struct ja_error *err)
{
    struct ja_netlist list = {0};
    enum ja_status st = each_item(opt, &list, text, add_net, err);

    if (st == JA_OK) {
        free(slot->items);
        *slot = list;
    } else {
        free(list.items);
    }
    return st;
}

static enum ja_status add_bit(const struct ja_option *opt, void *slot, const char *item,
                              struct ja_error *err)
{
    const struct ja_choice *all = opt->choices ? opt->choices : ja_choices_classes, *c = choice(all, item);

    if (!c)
        return bad_choice(err, item, all);
    *(int *)slot |= c->value;
    return JA_OK;
}

static enum ja_status set_bits(const struct ja_option *opt, int *slot, const char *text,
                               struct ja_error *err)
{
    int bits = 0;
    enum ja_status st = each_item(opt, &bits, text, add_bit, err);

    if (st == JA_OK)
        *slot = bits;
    return st;
}

static enum ja_status add_hours(const struct ja_option *opt, void *slot, const char *item,
                                struct ja_error *err)
{
    struct ja_hourslist *list = slot;
    struct ja_hours h, *items;

    (void)opt;
    if (!ja_hours_parse(item, &h))
        return bad(err, item, "is none like 'mon-fri 08:00-18:00', 'sat' or '22:00-06:00'");
    items = realloc(list->items, (list->len + 1) * sizeof *items);
    if (!items)
        return ja_fail_nomem(err);
    list->items = items;
    items[list->len++] = h;
    return JA_OK;
}

static enum ja_status set_hours(const struct ja_option *opt, struct ja_hourslist *slot,
                                const char *text, struct ja_error *err)
{
    struct ja_hourslist list = {0};
    enum ja_status st = each_item(opt, &list, text, add_hours, err);

    if (st == JA_OK) {
        free(slot->items);
        *slot = list;
    } else {
        free(list.items);
    }
    return st;
}

static enum ja_status set_classes(const struct ja_option *opt, int *slot, const char *text,
                                  struct ja_error *err)
{
    if (strcmp(text, "preset") == 0) {
        *slot = -1;
        return JA_OK;
    }
    if (strcmp(text, "none") == 0) {
        *slot = 0;
        return JA_OK;
    }
    if (!*text)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_config",
                       "must be preset, none, or a list of upper, lower, digit, special");
    return set_bits(opt, slot, text, err);
}

/* "optional", "required", or "required: admin, compliance" */
static enum ja_status set_mfa(const struct ja_option *opt, struct ja_config *cfg, const char *text,
                              struct ja_error *err)
{
    static const char with_roles[] = "required:";
    enum ja_status st = JA_OK;
    int policy = JA_MFA_OPTIONAL;

    if (strncmp(text, with_roles, sizeof with_roles - 1) == 0) {
        text += sizeof with_roles - 1;
        text += strspn(text, " \t");
        policy = JA_MFA_ROLES;
        if (!*text)
            return ja_fail(err, JA_ERR_CONFIG, "invalid_config", "names no role after 'required:'");
        st = set_list(opt, &cfg->mfa.roles, text, err);
    } else if (strcmp(text, "required") == 0) {
        policy = JA_MFA_REQUIRED;
    } else if (strcmp(text, "optional") != 0) {
        return bad(err, text, "must be optional, required, or 'required: ROLE, ...'");
    }
    if (st == JA_OK)
        cfg->mfa.policy = policy;
    return st;
}

enum ja_status ja_option_set(const struct ja_option *opt, void *base, const char *text,
                             struct ja_error *err)
{
    const struct ja_choice *c = opt->choices ? opt->choices : ja_choices_yes_no;
    void *slot = field(opt, base);

    switch (opt->type) {
    case JA_OPT_TEXT:
    case JA_OPT_WORD:
    case JA_OPT_PATH: return set_text(opt, slot, text, err);
    case JA_OPT_DURATION:
    case JA_OPT_SIZE:
    case JA_OPT_INT: return set_number(opt, slot, text, err);
    case JA_OPT_RATE: return set_rate(slot, text, err);
    case JA_OPT_LIST: return set_list(opt, slot, text, err);
    case JA_OPT_NETS: return set_nets(opt, slot, text, err);
    case JA_OPT_CLASSES: return set_classes(opt, slot, text, err);
    case JA_OPT_MFA: return set_mfa(opt, base, text, err);
    case JA_OPT_BITS: return set_bits(opt, slot, text, err);
    case JA_OPT_HOURS: return set_hours(opt, slot, text, err);
    case JA_OPT_BOOL:
    case JA_OPT_CHOICE: break;
    }
    if (!choice(c, text))
        return bad_choice(err, text, c);
    if (opt->type == JA_OPT_BOOL)
        *(bool *)slot = choice(c, text)->value != 0;
    else
        *(int *)slot = choice(c, text)->value;
    return JA_OK;
}

void ja_option_free(const struct ja_option *opt, void *base)
{
    void *slot = field(opt, base);

    switch (opt->type) {
    case JA_OPT_TEXT:
    case JA_OPT_WORD:
    case JA_OPT_PATH: free(*(char **)slot); break;
    case JA_OPT_LIST: clear_list(slot); break;
    case JA_OPT_NETS: free(((struct ja_netlist *)slot)->items); break;
    case JA_OPT_MFA: clear_list(&((struct ja_config *)base)->mfa.roles); break;
    case JA_OPT_HOURS: free(((struct ja_hourslist *)slot)->items); break;
    case JA_OPT_DURATION:
    case JA_OPT_SIZE:
    case JA_OPT_INT:
    case JA_OPT_BOOL:
    case JA_OPT_CHOICE:
    case JA_OPT_RATE:
    case JA_OPT_BITS:
    case JA_OPT_CLASSES: break;
    }
}
