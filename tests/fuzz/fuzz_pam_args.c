/* Any words as arguments of the module: a list with an unknown, malformed or repeated word is refused whole
 * (CVE-2012-6150).
 *
 * Input: words, one a line.
 */
#include "pam/pam_options.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 64

/* 0, or a number of s, m, h, d: at most a day. */
static bool is_span(const char *text)
{
    static const char units[] = "smhd";
    static const long seconds[] = {1, 60, 3600, 86400};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
    long n = digits > 0 && strspn(text, "0") + 12 > digits ? strtol(text, NULL, 10) : 0;

    if (strcmp(text, "0") == 0)
        return true;
    return n > 0 && unit && !text[digits + 1] && n * seconds[unit - units] <= 86400;
}

/* What pam_jwtauth(8) lists, written down a second time. */
static bool known(const char *word)
{
    static const char *const words[] = {
        "debug", "try_first_pass", "use_first_pass", "forward_pass", "token_required", "quiet", "nodelay",
        "mfa=auto", "mfa=required", "mfa=off", "enroll=off", "enroll=offer", "enroll=require",
        "enroll_with=password", "enroll_with=invite", "accept=password", "token=file",
        "token=none", "unknown_user=ignore", "unknown_user=fail"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    if (strncmp(word, "enroll_until=", 13) == 0)
        return strlen(word) >= 13 + 20 && word[13 + 10] == 'T'; /* RFC 3339's shortest */
    if (strncmp(word, "mfa_remember=", 13) == 0)
        return is_span(word + 13);
    return strncmp(word, "conf=/", 6) == 0 || (strncmp(word, "audience=", 9) == 0 && word[9]);
}

static bool same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");

    return len == strcspn(b, "=") && strncmp(a, b, len) == 0;
}

static bool has(int argc, const char **argv, const char *word)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

static void demand_faithful(int argc, const char **argv, const struct ja_pam_options *o)
{
    for (int i = 0; i < argc; i++) {
        FUZZ_DEMAND(known(argv[i]));
        for (int j = 0; j < i; j++)
            FUZZ_DEMAND(!same_name(argv[i], argv[j]));
        if (strncmp(argv[i], "conf=", 5) == 0)
            FUZZ_DEMAND(o->conf == argv[i] + 5);
        if (strncmp(argv[i], "audience=", 9) == 0)
            FUZZ_DEMAND(o->audience == argv[i] + 9 && ja_text_valid(o->audience, JA_TEXT_MAX));
    }
    FUZZ_DEMAND(o->debug == has(argc, argv, "debug") && o->quiet == has(argc, argv, "quiet"));
    FUZZ_DEMAND(o->nodelay == has(argc, argv, "nodelay"));
    FUZZ_DEMAND(o->token_required == has(argc, argv, "token_required"));
    FUZZ_DEMAND(o->use_first_pass == has(argc, argv, "use_first_pass"));
    FUZZ_DEMAND((o->mfa == JA_MFA_OFF) == has(argc, argv, "mfa=off"));
    FUZZ_DEMAND((o->mfa == JA_MFA_ALWAYS) == has(argc, argv, "mfa=required"));
    FUZZ_DEMAND((o->unknown_fails == 1) == has(argc, argv, "unknown_user=fail"));
    FUZZ_DEMAND((o->enroll == JA_ENROLL_OFFER) == has(argc, argv, "enroll=offer"));
    FUZZ_DEMAND((o->enroll == JA_ENROLL_REQUIRE) == has(argc, argv, "enroll=require"));
    FUZZ_DEMAND(o->enroll == JA_ENROLL_REQUIRE || o->enroll_until == 0);
    FUZZ_DEMAND(o->enroll != JA_ENROLL_OFF || o->enroll_with == JA_PAM_ENROLL_WITH_PASSWORD);
    FUZZ_DEMAND((o->token_none == 1) == has(argc, argv, "token=none"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    struct ja_pam_options options = {.mfa = 77};
    struct ja_error err = {0};
    const char *argv[WORDS_MAX + 1] = {NULL};
    char *words[WORDS_MAX];
    int argc = 0;
    enum ja_status st;

    while (in.left > 0 && argc < WORDS_MAX) {
        words[argc] = fuzz_text(&in, '\n');
        argv[argc] = words[argc];
        argc++;
    }
    st = ja_pam_options_parse(argc, argv, &options, &err);
    FUZZ_DEMAND(st == JA_OK || (st == JA_ERR_CONFIG && options.mfa == 77 && err.code[0]));
    if (st == JA_OK)
        demand_faithful(argc, argv, &options);
    while (argc > 0)
        free(words[--argc]);
    return 0;
}
