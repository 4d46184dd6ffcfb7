/* Any bytes as [policy] rules, and a login that they decide on: the first rule that nothing keeps from the login governs
 * it, one with an error denies, the others change what they name and nothing else; what is told of shadows is
 * so for this login, too; hours mean what a second reading of the text says.
 *
 * Input: lines with a text of hours, service, user, source, terminal, the minute of the week, then the configuration.
 * A user with a letter above 'm' at first is alice, who holds the role "user"; any other is nobody of the store's.
 */
#include "common/base/text.h"
#include "common/domain/role.h"
#include "common/flow/policy.h"
#include "common/flow/role_flow.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_store.h"

#include <ctype.h>

static struct ja_test_store *store;
static const struct ja_config *own_cfg;
static char alice[37];

static void clean_up(void)
{
    store->ctx.cfg = own_cfg;
    ja_test_store_free(store);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    store = ja_test_store_new(NULL);
    own_cfg = store->ctx.cfg;
    atexit(clean_up);
    ja_test_user(store, "alice", NULL, alice);
    FUZZ_DEMAND(ja_role_grant_flow(&store->ctx, "alice", "user", 0, NULL) == JA_OK);
    return 0;
}

/* ---- hours, read a second time ---- */

static int day_of(const char *s)
{
    static const char days[] = "mon tue wed thu fri sat sun";
    char word[4] = "";
    const char *at;

    memcpy(word, s, strnlen(s, 3));
    at = strlen(word) == 3 && !strchr(word, ' ') ? strstr(days, word) : NULL;
    return at ? (int)(at - days) / 4 : -1;
}

static bool read_days(const char *text, size_t len, bool ret[7])
{
    int first = day_of(text), last = first;

    if (len == 7 && text[3] == '-')
        last = day_of(text + 4);
    else if (len != 3)
        return false;
    if (first < 0 || last < 0)
        return false;
    for (int i = 0; i < 7; i++)
        ret[i] = first <= last ? i >= first && i <= last : i >= first || i <= last;
    return true;
}

static bool read_times(const char *text, int *from, int *to)
{
    static const char shape[] = "00:00-00:00";
    int h1 = 0, m1 = 0, h2 = 0, m2 = 0;

    if (strlen(text) != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
            return false;
    if (sscanf(text, "%d:%d-%d:%d", &h1, &m1, &h2, &m2) != 4 || m1 > 59 || m2 > 59)
        return false;
    *from = h1 * 60 + m1;
    *to = h2 * 60 + m2;
    return *from < 1440 && *to <= 1440 && *from != *to;
}

/* false: not to be read. week: a flag for each minute. */
static bool read_hours(const char *text, bool week[JA_WEEK_MINUTES])
{
    bool days[7] = {true, true, true, true, true, true, true};
    int from = 0, to = 1440;
    size_t len = isdigit((unsigned char)text[0]) ? 0 : strcspn(text, " \t");
    const char *times = text + len + strspn(text + len, " \t");

    if (len == 0 && !isdigit((unsigned char)text[0]))
        return false;
    if (len > 0 && !read_days(text, len, days))
        return false;
    if ((len == 0 || text[len]) && !read_times(times, &from, &to))
        return false;
    memset(week, 0, JA_WEEK_MINUTES * sizeof *week);
    for (int day = 0; day < 7; day++)
        for (int m = from; days[day] && m != (from < to ? to : to + 1440); m++)
            week[(day * 1440 + m) % JA_WEEK_MINUTES] = true;
    return true;
}

static void check_hours(const char *text)
{
    static bool week[JA_WEEK_MINUTES];
    struct ja_hours h = {0}, again = {0};
    char printed[JA_HOURS_TEXT];

    FUZZ_DEMAND(ja_hours_parse(text, &h) == read_hours(text, week));
    if (!ja_hours_parse(text, &h))
        return;
    for (int m = 0; m < JA_WEEK_MINUTES; m++)
        FUZZ_DEMAND(ja_hours_contain(&h, m / 1440, m % 1440) == week[m]);
    ja_hours_format(&h, printed);
    FUZZ_DEMAND(ja_hours_parse(printed, &again) && again.from == h.from && again.to == h.to && again.days == h.days);
}

/* ---- rules and facts ---- */

struct given {
    char *hours, *service, *user, *source, *tty, *minute;
    bool known;
    struct ja_policy_facts facts;
    struct ja_strlist held;
};

static void read_given(struct fuzz_bytes *in, struct given *g)
{
    char **const texts[] = {&g->hours, &g->service, &g->user, &g->source, &g->tty, &g->minute};
    int week;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = fuzz_text(in, '\n');
    week = (int)labs(strtol(g->minute, NULL, 10) % JA_WEEK_MINUTES);
    g->known = g->user[0] > 'm';
    if (g->known)
        FUZZ_DEMAND(ja_role_effective(&store->ctx, alice, &g->held, NULL) == JA_OK);
    g->facts = (struct ja_policy_facts){
        .service = g->service, .user = g->known ? "alice" : NULL, .roles = g->known ? &g->held : NULL,
        .tty = g->tty[0] ? g->tty : NULL, .time_known = true, .weekday = week / 1440, .minute = week % 1440,
    };
    (void)ja_addr_parse(g->source, &g->facts.addr);
}

static void given_clear(struct given *g)
{
    char *const texts[] = {g->hours, g->service, g->user, g->source, g->tty, g->minute};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    ja_strlist_clear(&g->held);
}

/* How many conditions have this outcome. */
static int count(const struct ja_policy_rule *r, const struct ja_policy_facts *f, enum ja_policy_outcome outcome)
{
    int n = 0;

    for (int key = 0; key < JA_POLICY_CONDITIONS; key++)
        n += ja_policy_condition(r, (enum ja_policy_key)key, f) == outcome;
    return n;
}

/* A login that the later rule matches, and the earlier one, which is said to cover it, does not. */
static void check_pair(const struct ja_policy_rule *earlier, const struct ja_policy_rule *later,
                       const struct ja_policy_facts *f)
{
    if (count(later, f, JA_COND_NOT_MET) == 0 && count(later, f, JA_COND_BROKEN) == 0 &&
        ja_policy_covers(earlier, later))
        FUZZ_DEMAND(count(earlier, f, JA_COND_NOT_MET) == 0);
}

static void check_rules(const struct ja_policy_rules *rules, const struct ja_policy_facts *f)
{
    for (size_t i = 0; i < rules->len; i++) {
        const struct ja_policy_rule *r = &rules->items[i];

        FUZZ_DEMAND(!r->broken || r->error);
        FUZZ_DEMAND(!ja_policy_impossible(r) || !f->addr.family || count(r, f, JA_COND_NOT_MET) > 0);
        for (size_t k = 0; k < i && k < 16; k++)
            check_pair(&rules->items[k], r, f);
    }
}

/* ---- the decision ---- */

static bool role_known(const char *role)
{
    return ja_role_require(&store->ctx, role, NULL) == JA_OK;
}

/* Nothing that can be read keeps the login from it: a role that nobody knows cannot. */
static bool governs(const struct ja_policy_rule *r, const struct ja_policy_look *look)
{
    bool unknown = false;

    for (size_t i = 0; i < r->role.len; i++)
        unknown = unknown || !role_known(r->role.items[i]);
    for (int key = 0; key < JA_POLICY_CONDITIONS; key++)
        if (look->outcome[key] == JA_COND_NOT_MET && !(key == JA_POLICY_ROLE && unknown))
            return false;
    return true;
}

static void demand_terms(const struct ja_policy_decision *d, const struct ja_policy_terms *options)
{
    const struct ja_policy_rule *r = d->rule;
    const struct ja_policy_terms *t = &d->terms;

    if (d->why[0]) {
        FUZZ_DEMAND(r && t->deny && ja_text_valid(d->why, sizeof d->why));
        return;
    }
    FUZZ_DEMAND(!r || !r->error);
    FUZZ_DEMAND(t->deny == (r && ja_policy_has(r, JA_POLICY_DENY) && r->deny));
    FUZZ_DEMAND(t->mfa == (r && ja_policy_has(r, JA_POLICY_MFA) ? (enum ja_mfa_mode)r->mfa : options->mfa));
    FUZZ_DEMAND(t->methods == (r && ja_policy_has(r, JA_POLICY_METHODS) ? (unsigned)r->methods : options->methods));
    FUZZ_DEMAND(t->accept == (r && ja_policy_has(r, JA_POLICY_ACCEPT) ? (unsigned)r->accept : options->accept));
    FUZZ_DEMAND(t->require_role == (r && ja_policy_has(r, JA_POLICY_REQUIRE_ROLE) ? r->require_role
                                                                                   : options->require_role));
    FUZZ_DEMAND(t->audience == (r && ja_policy_has(r, JA_POLICY_TOKEN_AUDIENCE) ? r->token_audience
                                                                               : options->audience));
}

static void check_decision(const struct ja_config *cfg, const struct given *g)
{
    static const struct ja_policy_terms options = {.mfa = JA_MFA_ALWAYS, .mfa_remember = 7, .accept = JA_ACCEPT_PASSWORD,
                                                   .methods = JA_METHOD_PASSWORD, .require_role = "x", .audience = "y"};
    const struct ja_policy_login login = {
        .user_id = g->known ? alice : NULL, .user = g->facts.user, .service = g->service, .source = g->source,
        .tty = g->facts.tty, .at = JA_TEST_EPOCH + 60 * (g->facts.weekday * 1440 + g->facts.minute),
    };
    struct ja_policy_decision d = {.rule = NULL};

    FUZZ_DEMAND(ja_policy_decide(&store->ctx, &login, &options, &d, NULL) == JA_OK);
    for (size_t i = 0; i < d.nlooks; i++) {
        FUZZ_DEMAND(d.looks[i].rule == &cfg->policy.items[i]);
        FUZZ_DEMAND(governs(d.looks[i].rule, &d.looks[i]) == (d.looks[i].rule == d.rule));
    }
    FUZZ_DEMAND(d.nlooks <= cfg->policy.len && (d.rule || d.nlooks == cfg->policy.len));
    FUZZ_DEMAND(!d.rule || d.rule == d.looks[d.nlooks - 1].rule);
    demand_terms(&d, &options);
    ja_policy_decision_clear(&d);
}

static enum ja_status take_fault(void *arg, const struct ja_policy_fault *fault)
{
    const struct ja_config *cfg = arg;

    FUZZ_DEMAND(fault->rule >= cfg->policy.items && fault->rule < cfg->policy.items + cfg->policy.len);
    FUZZ_DEMAND(fault->code[0] && fault->why[0] && ja_text_valid(fault->why, sizeof fault->why));
    return JA_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    struct given g = {.hours = NULL};
    struct ja_config *cfg = NULL;

    read_given(&in, &g);
    check_hours(g.hours);
    if (ja_config_parse("f", in.p, in.left, &cfg, NULL) == JA_OK) {
        check_rules(&cfg->policy, &g.facts);
        store->ctx.cfg = cfg;
        check_decision(cfg, &g);
        FUZZ_DEMAND(ja_policy_find_faults(&store->ctx, take_fault, cfg, NULL) == JA_OK);
        store->ctx.cfg = own_cfg;
        ja_config_free(cfg);
    }
    given_clear(&g);
    return 0;
}
