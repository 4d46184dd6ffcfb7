#include "pam/pam_options.h"

#include <string.h>

enum kind {
    FLAG,   /* stands alone */
    PATH,   /* an absolute path */
    TEXT,   /* printable, not empty */
    CHOICE, /* one of the words */
    SPAN,   /* a duration, at most a day; 0: off */
    TIME,   /* RFC 3339 */
    WORDS,  /* some of the words, comma-separated, each once */
};

struct choice {
    const char *word;
    int value;
};

struct option {
    const char *name;
    enum kind kind;
    size_t place;
    struct choice choices[4];
};

#define DAY 86400
#define AT(field) offsetof(struct ja_pam_options, field)

static const struct option table[] = {
    {"conf", PATH, AT(conf), {{0}}},
    {"debug", FLAG, AT(debug), {{0}}},
    {"try_first_pass", FLAG, AT(try_first_pass), {{0}}},
    {"use_first_pass", FLAG, AT(use_first_pass), {{0}}},
    {"forward_pass", FLAG, AT(forward_pass), {{0}}},
    {"mfa", CHOICE, AT(mfa), {{"auto", JA_MFA_AUTO}, {"required", JA_MFA_ALWAYS}, {"off", JA_MFA_OFF}}},
    {"mfa_remember", SPAN, AT(mfa_remember), {{0}}},
    {"enroll", CHOICE, AT(enroll), {{"off", JA_ENROLL_OFF}, {"offer", JA_ENROLL_OFFER}, {"require", JA_ENROLL_REQUIRE}}},
    {"enroll_until", TIME, AT(enroll_until), {{0}}},
    {"enroll_with", CHOICE, AT(enroll_with), {{"password", JA_PAM_ENROLL_WITH_PASSWORD}, {"invite", JA_PAM_ENROLL_WITH_INVITE}}},
    {"accept", WORDS, AT(accept), {{"password", JA_ACCEPT_PASSWORD}, {"jwt", JA_ACCEPT_JWT}}},
    {"jwt_once", FLAG, AT(jwt_once), {{0}}},
    {"require_role", TEXT, AT(require_role), {{0}}},
    {"require_permission", TEXT, AT(require_permission), {{0}}},
    {"audience", TEXT, AT(audience), {{0}}},
    {"token", CHOICE, AT(token_none), {{"file", 0}, {"none", 1}}},
    {"token_required", FLAG, AT(token_required), {{0}}},
    {"quiet", FLAG, AT(quiet), {{0}}},
    {"nodelay", FLAG, AT(nodelay), {{0}}},
    {"unknown_user", CHOICE, AT(unknown_fails), {{"ignore", 0}, {"fail", 1}}},
};
#define ROWS (sizeof table / sizeof table[0])
static_assert(ROWS <= 32, "the seen mask is 32 bits wide");

static const struct option *find(const char *arg, size_t len)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(table[i].name) == len && strncmp(table[i].name, arg, len) == 0)
            return &table[i];
    return NULL;
}

static enum ja_status no_such_value(const struct option *o, const char *value, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                   "module option \"%s\" has no value \"%.64s\": see pam_jwtauth(8)", o->name, value);
}

static enum ja_status set_choice(const struct option *o, const char *value, char *opts,
                                 struct ja_error *err)
{
    for (const struct choice *c = o->choices; c->word; c++) {
        if (strcmp(c->word, value) != 0)
            continue;
        *(int *)(opts + o->place) = c->value;
        return JA_OK;
    }
    return no_such_value(o, value, err);
}

static const struct choice *find_word(const struct option *o, const char *word, size_t len)
{
    for (const struct choice *c = o->choices; c->word; c++)
        if (strlen(c->word) == len && strncmp(c->word, word, len) == 0)
            return c;
    return NULL;
}

static enum ja_status set_words(const struct option *o, const char *value, char *opts, struct ja_error *err)
{
    int bits = 0;

    for (const char *word = value;; word += strcspn(word, ",") + 1) {
        size_t len = strcspn(word, ",");
        const struct choice *c = find_word(o, word, len);

        if (!c || (bits & c->value))
            return no_such_value(o, value, err);
        bits |= c->value;
        if (!word[len])
            break;
    }
    *(int *)(opts + o->place) = bits;
    return JA_OK;
}

static enum ja_status set_text(const struct option *o, const char *value, char *opts,
                               struct ja_error *err)
{
    if (!*value || !ja_text_valid(value, o->kind == PATH ? 4095 : JA_TEXT_MAX))
        return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                       "module option \"%s\" needs a printable value", o->name);
    if (o->kind == PATH && value[0] != '/')
        return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                       "module option \"%s\" needs an absolute path, not \"%.64s\"", o->name, value);
    *(const char **)(opts + o->place) = value;
    return JA_OK;
}

static enum ja_status set_span(const struct option *o, const char *value, char *opts, struct ja_error *err)
{
    int64_t seconds = 0;

    if (strcmp(value, "0") != 0 && (!ja_parse_duration(value, &seconds) || seconds < 1 || seconds > DAY))
        return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                       "module option \"%s\" is a time of at most 1d, such as 15m, or 0: not \"%.64s\"", o->name,
                       value);
    *(int64_t *)(opts + o->place) = seconds;
    return JA_OK;
}

static enum ja_status set_time(const struct option *o, const char *value, char *opts, struct ja_error *err)
{
    int64_t when = 0;

    if (!strchr(value, 'T') || !ja_parse_when(value, 0, &when) || when <= 0)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                       "module option \"%s\" is a time such as 2026-12-31T23:59:59Z, not \"%.64s\"", o->name,
                       value);
    *(int64_t *)(opts + o->place) = when;
    return JA_OK;
}

static enum ja_status set(const struct option *o, const char *value, char *opts,
                          struct ja_error *err)
{
    if (o->kind == FLAG) {
        if (value)
            return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                           "module option \"%s\" takes no value", o->name);
        *(bool *)(opts + o->place) = true;
        return JA_OK;
    }
    if (!value)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_option", "module option \"%s\" needs a value",
                       o->name);
    if (o->kind == PATH || o->kind == TEXT)
        return set_text(o, value, opts, err);
    if (o->kind == SPAN)
        return set_span(o, value, opts, err);
    if (o->kind == TIME)
        return set_time(o, value, opts, err);
    if (o->kind == WORDS)
        return set_words(o, value, opts, err);
    return set_choice(o, value, opts, err);
}

/* A word that would do nothing is a mistake. */
static enum ja_status check_enroll(const struct ja_pam_options *opts, struct ja_error *err)
{
    if (opts->enroll_until && opts->enroll != JA_ENROLL_REQUIRE)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                       "module option \"enroll_until\" goes with enroll=require only");
    if (opts->enroll_with == JA_PAM_ENROLL_WITH_INVITE && opts->enroll == JA_ENROLL_OFF)
        return ja_fail(err, JA_ERR_CONFIG, "invalid_option",
                       "module option \"enroll_with=invite\" goes with enroll=offer or enroll=require only");
    return JA_OK;
}

enum ja_status ja_pam_options_parse(int argc, const char **argv, struct ja_pam_options *ret,
                                    struct ja_error *err)
{
    struct ja_pam_options opts = {.mfa = JA_MFA_AUTO, .accept = JA_ACCEPT_PASSWORD};
    uint32_t seen = 0;
    enum ja_status st;

    for (int i = 0; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");
        const struct option *o = find(argv[i], len);

        if (!o)
            return ja_fail(err, JA_ERR_CONFIG, "unknown_option",
                           "unknown module option \"%.64s\": see pam_jwtauth(8)", argv[i]);
        if (seen & (UINT32_C(1) << (o - table)))
            return ja_fail(err, JA_ERR_CONFIG, "invalid_option", "module option \"%s\" is given twice",
                           o->name);
        seen |= UINT32_C(1) << (o - table);
        st = set(o, argv[i][len] ? argv[i] + len + 1 : NULL, (char *)&opts, err);
        if (st != JA_OK)
            return st;
    }
    st = check_enroll(&opts, err);
    if (st != JA_OK)
        return st;
    *ret = opts;
    return JA_OK;
}
