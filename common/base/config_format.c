/* The types of options: field to text, as config show prints it and the written configuration has it. */
#include "common/base/config_options.h"
#include "common/base/policy_hours.h"
#include "common/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *choice_name(const struct ja_choice *c, int value)
{
    while (c->name && c->value != value)
        c++;
    return c->name ? c->name : "";
}

static void print_list(FILE *out, const struct ja_strlist *list)
{
    for (size_t i = 0; i < list->len; i++)
        (void)fprintf(out, "%s%s", i ? ", " : "", list->items[i]);
}

static void print_nets(FILE *out, const struct ja_netlist *list)
{
    char text[JA_NET_TEXT];

    for (size_t i = 0; i < list->len; i++) {
        const struct ja_net *net = &list->items[i];
        if (!inet_ntop(net->addr.family, net->addr.bytes, text, sizeof text))
            continue;
        (void)fprintf(out, "%s%s/%u", i ? ", " : "", text, net->prefix);
    }
}

static void print_bits(FILE *out, const struct ja_choice *c, int bits)
{
    const char *comma = "";

    for (; c->name; c++) {
        if (bits & c->value) {
            (void)fprintf(out, "%s%s", comma, c->name);
            comma = ", ";
        }
    }
}

static void print_classes(FILE *out, int bits)
{
    if (bits <= 0)
        (void)fputs(bits < 0 ? "preset" : "none", out);
    else
        print_bits(out, ja_choices_classes, bits);
}

static void print_hours(FILE *out, const struct ja_hourslist *list)
{
    char text[JA_HOURS_TEXT];

    for (size_t i = 0; i < list->len; i++) {
        ja_hours_format(&list->items[i], text);
        (void)fprintf(out, "%s%s", i ? ", " : "", text);
    }
}

static void print_size(FILE *out, int64_t bytes)
{
    static const char units[] = "\0KMG";
    int unit = 0;

    while (unit < 3 && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    (void)fprintf(out, "%lld%.1s", (long long)bytes, units + unit);
}

static void print_rate(FILE *out, const struct ja_rate *rate)
{
    char time[32];

    ja_duration_format(rate->seconds, time, sizeof time);
    (void)fprintf(out, "%lld/%s", (long long)rate->count, time);
}

static void print_mfa(FILE *out, const struct ja_config *cfg)
{
    (void)fputs(cfg->mfa.policy == JA_MFA_OPTIONAL   ? "optional"
                : cfg->mfa.policy == JA_MFA_REQUIRED ? "required" : "required: ", out);
    print_list(out, &cfg->mfa.roles);
}

static void print(FILE *out, const struct ja_option *opt, const void *base)
{
    const void *slot = (const char *)base + opt->offset;
    const struct ja_choice *c = opt->choices ? opt->choices : ja_choices_yes_no;
    char text[32];

    switch (opt->type) {
    case JA_OPT_TEXT:
    case JA_OPT_WORD:
    case JA_OPT_PATH: (void)fputs(*(char *const *)slot, out); break;
    case JA_OPT_DURATION:
        ja_duration_format(*(const int64_t *)slot, text, sizeof text);
        (void)fputs(text, out);
        break;
    case JA_OPT_SIZE: print_size(out, *(const int64_t *)slot); break;
    case JA_OPT_INT: (void)fprintf(out, "%lld", (long long)*(const int64_t *)slot); break;
    case JA_OPT_BOOL: (void)fputs(choice_name(c, *(const bool *)slot), out); break;
    case JA_OPT_CHOICE: (void)fputs(choice_name(c, *(const int *)slot), out); break;
    case JA_OPT_RATE: print_rate(out, slot); break;
    case JA_OPT_LIST: print_list(out, slot); break;
    case JA_OPT_NETS: print_nets(out, slot); break;
    case JA_OPT_CLASSES: print_classes(out, *(const int *)slot); break;
    case JA_OPT_MFA: print_mfa(out, base); break;
    case JA_OPT_BITS: print_bits(out, c, *(const int *)slot); break;
    case JA_OPT_HOURS: print_hours(out, slot); break;
    }
}

char *ja_option_format(const struct ja_option *opt, const void *base)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    print(out, opt, base);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
