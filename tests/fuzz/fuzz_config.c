/* Any bytes as jwtauth.conf: what is accepted prints as a configuration that reads back to the same. */
#include "common/base/config.h"
#include "common/base/policy_rule.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "tests/fuzz/fuzz.h"

struct printed {
    char *text;
    size_t len;
    FILE *f;
    char section[128]; /* "policy " and a name of 64 */
};

/* `config show`, as a file. */
static enum ja_status print_item(void *arg, const struct ja_config_item *item)
{
    struct printed *out = arg;

    FUZZ_DEMAND(ja_text_valid(item->value, 1 << 20));
    if (strcmp(out->section, item->section) != 0) {
        (void)snprintf(out->section, sizeof out->section, "%s", item->section);
        fprintf(out->f, "[%s]\n", item->section);
    }
    fprintf(out->f, "%s = %s\n", item->key, item->value);
    return JA_OK;
}

static struct printed print(const struct ja_config *cfg)
{
    struct printed out = {.text = NULL};

    out.f = open_memstream(&out.text, &out.len);
    FUZZ_DEMAND(out.f != NULL);
    FUZZ_DEMAND(ja_config_each(cfg, print_item, &out) == JA_OK);
    FUZZ_DEMAND(fclose(out.f) == 0);
    return out;
}

static void check_error(const struct ja_error *err)
{
    FUZZ_DEMAND(err->status == JA_ERR_CONFIG);
    FUZZ_DEMAND(strcmp(err->code, "invalid_config") == 0);
    FUZZ_DEMAND(ja_text_valid(err->message, sizeof err->message)); /* one line, nothing for the terminal */
}

/* What is kept of a rule is fit for a terminal, and every pair of rules can be compared. */
static void check_rules(const struct ja_policy_rules *rules)
{
    for (size_t i = 0; i < rules->len; i++) {
        FUZZ_DEMAND(!rules->items[i].broken || rules->items[i].error);
        FUZZ_DEMAND(!rules->items[i].error || ja_text_valid(rules->items[i].error, 1023));
        FUZZ_DEMAND(!(rules->items[i].broken & ~rules->items[i].given));
        (void)ja_policy_impossible(&rules->items[i]);
        for (size_t k = 0; k < rules->len && k < 8; k++)
            FUZZ_DEMAND(ja_policy_covers(&rules->items[k], &rules->items[i]) || k != i || rules->items[i].broken ||
                        ja_policy_has(&rules->items[i], JA_POLICY_NOT_NETWORK));
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ja_config *cfg = NULL, *again = NULL;
    struct ja_error err = {0};
    struct printed one, two;

    if (ja_config_parse("f", data, size, &cfg, &err) != JA_OK) {
        FUZZ_DEMAND(cfg == NULL);
        check_error(&err);
        return 0;
    }
    check_rules(&cfg->policy);
    one = print(cfg);
    if (ja_config_parse("again", one.text, one.len, &again, &err) != JA_OK) {
        fprintf(stderr, "%s\n%s", err.message, one.text);
        FUZZ_DEMAND(!"what was accepted is printed as something that is refused");
    }
    two = print(again);
    FUZZ_DEMAND(one.len == two.len && memcmp(one.text, two.text, one.len) == 0);
    free(one.text);
    free(two.text);
    ja_config_free(cfg);
    ja_config_free(again);
    return 0;
}
