/* The password policy: SECURITY R20. */
#include "common/domain/password_blocklist.h"
#include "common/domain/password_hash.h"
#include "common/domain/password_policy.h"
#include "common/domain/user.h"
#include "tests/support/temp_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

/* Good by every rule of both presets. */
#define GOOD "vK7-quilt.Zebra9"

struct world {
    struct ja_test_store *t;
    struct ja_config cfg; /* the store's, to be changed by a test */
    struct ja_ctx ctx;
};

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->t = ja_test_store_new(NULL);
    w->cfg = *w->t->ctx.cfg;
    w->ctx = w->t->ctx;
    w->ctx.cfg = &w->cfg;
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;

    ja_test_store_free(w->t);
    free(w);
    return 0;
}

/* The codes of the broken rules, blank-separated; "" when there are none. */
static const char *rules(struct world *w, const struct ja_policy_subject *s, const void *pw,
                         size_t len)
{
    static char text[512];
    const struct ja_policy_subject nobody = {0};
    struct ja_policy_report report = {0};
    struct ja_error err = {0};
    enum ja_status st = ja_password_policy_check(&w->ctx, s ? s : &nobody, pw, len, &report, &err);

    text[0] = 0;
    if (st == JA_OK) {
        assert_int_equal(report.len, 0);
        return text;
    }
    if (st != JA_ERR_POLICY) {
        (void)snprintf(text, sizeof text, "error %s", err.code);
        return text;
    }
    assert_true(report.len > 0);
    assert_string_equal(err.code, "weak_password");
    for (size_t i = 0; i < report.len; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
                       report.broken[i].code);
        assert_non_null(strstr(err.message, report.broken[i].text));
    }
    return text;
}

static const char *broken(struct world *w, const char *pw)
{
    return rules(w, NULL, pw, strlen(pw));
}

/* ---- length and classes ---- */

static void r20_classic_preset(void **state)
{
    struct world *w = *state;

    assert_string_equal(broken(w, GOOD), "");
    assert_string_equal(broken(w, "vK7quilZ"), "");
    assert_string_equal(broken(w, "vK7xwpZ"), "too_short");
    assert_string_equal(broken(w, "vk7quilz"), "no_upper");
    assert_string_equal(broken(w, "VK7QUILZ"), "no_lower");
    assert_string_equal(broken(w, "vKxquilZ"), "no_digit");
    assert_string_equal(broken(w, "-.+;:,)("), "no_upper no_lower no_digit");
    assert_string_equal(broken(w, ""), "too_short no_upper no_lower no_digit");
}

static void r20_nist_preset(void **state)
{
    struct world *w = *state;
    const struct ja_policy_subject mfa = {.mfa_enforced = true};

    w->cfg.password.preset = JA_PRESET_NIST;
    assert_string_equal(broken(w, "vkxquilzopqwmn"), "too_short");
    assert_string_equal(broken(w, "vkxquilzopqwmnb"), "");
    assert_string_equal(rules(w, &mfa, "vkxquilz", 8), "");
    assert_string_equal(rules(w, &mfa, "vkxquil", 7), "too_short");
}

static void configured_length_and_classes_win_over_the_preset(void **state)
{
    struct world *w = *state;

    w->cfg.password.min_length = 12;
    w->cfg.password.require = JA_CLASS_SPECIAL;
    assert_string_equal(broken(w, "vkxquilzopq"), "too_short no_special");
    assert_string_equal(broken(w, "vkxquilzopqw"), "no_special");
    assert_string_equal(broken(w, "vkxquil zopqw"), "no_special"); /* a blank is no punctuation */
    assert_string_equal(broken(w, "vkxquil_zopqw"), "");
    assert_string_equal(broken(w, "vkxquil\xc3\xa4zopqw"), "");
    w->cfg.password.require = 0;
    assert_string_equal(broken(w, "vkxquilzopqw"), "");
}

static void characters_are_counted_as_code_points(void **state)
{
    struct world *w = *state;

    w->cfg.password.require = 0;
    /* seven and eight characters of two, three and four bytes */
    assert_string_equal(broken(w, "\xc3\xa4v\xe2\x82\xack\xf0\x9f\x90\xb4qz"), "too_short");
    assert_string_equal(broken(w, "\xc3\xa4v\xe2\x82\xack\xf0\x9f\x90\xb4qzw"), "");
    assert_string_equal(broken(w, "\xe4v\xe4k\xe4qzw"), ""); /* no UTF-8: by the byte */
}

static void r20_511_bytes_are_the_most_and_nul_is_refused(void **state)
{
    struct world *w = *state;
    char pw[600];

    for (size_t i = 0; i < sizeof pw; i++)
        pw[i] = "vK7qulZ-9xTmw"[(i * i + i / 7) % 13];
    assert_string_equal(rules(w, NULL, pw, 511), "");
    assert_string_equal(rules(w, NULL, pw, 512), "too_long");
    assert_string_equal(rules(w, NULL, "vK7quilZ\0abc", 12), "has_nul");
    assert_string_equal(rules(w, NULL, GOOD "\0", sizeof GOOD), "has_nul");
}

/* ---- lists ---- */

static void r20_the_dictionary_is_asked_and_nothing_else_of_libpwquality(void **state)
{
    struct world *w = *state;

    assert_string_equal(broken(w, "Xylophone8"), "in_dictionary");
    assert_string_equal(broken(w, "enohpolyX8"), "in_dictionary");
    assert_string_equal(broken(w, "aB1aB1aB1aB1"), "in_dictionary");
    assert_string_equal(broken(w, "Kayak7yakaK"), ""); /* a palindrome only without letter case */
    assert_string_equal(broken(w, "aaaabbbb111ZZZqw"), ""); /* maxrepeat, maxclassrepeat are off */
    w->cfg.password.dictionary = false;
    assert_string_equal(broken(w, "Xylophone8"), "");
    assert_string_equal(broken(w, "aB1aB1aB1aB1"), "");
}

static void r20_ten_thousand_common_passwords_are_refused(void **state)
{
    struct world *w = *state;
    const char *p = ja_common_passwords + 1, *end = ja_common_passwords + ja_common_passwords_len;
    size_t n = 0, refused = 0;

    (void)w;
    assert_true(ja_common_passwords_count >= 10000);
    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        char word[64];
        size_t len = (size_t)(stop - p);

        assert_in_range(len, 1, sizeof word - 1);
        for (size_t i = 0; i < len; i++)
            word[i] = (char)(i % 2 && p[i] >= 'a' && p[i] <= 'z' ? p[i] - 'a' + 'A' : p[i]);
        refused += ja_blocklist_common(p, len) && ja_blocklist_common(word, len);
        n++;
        p = stop + 1;
    }
    assert_int_equal(n, ja_common_passwords_count);
    assert_int_equal(refused, n);
}

static void r20_common_passwords_in_disguise_are_refused(void **state)
{
    static const char *const bad[] = {"Password1!",  "P4$$w0rd2024!", "Summer2024!",
                                      "Qwertyuiop1", "L1verpool99",   "ST4RW4R5"};
    static const char *const good[] = {
        GOOD, "vK7quilZ", "Dragonfly-x-Copper4", "kLiverpool99x",   "Summer-of-a-Quiet-19",
        "",   "\n",       "\npassword\n",        "123456\npassword"};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(ja_blocklist_common(bad[i], strlen(bad[i])));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_false(ja_blocklist_common(good[i], strlen(good[i])));
    w->cfg.password.dictionary = false;
    assert_string_equal(broken(w, "P4$$w0rd2024!"), "on_blocklist");
    assert_string_equal(broken(w, "password"), "no_upper no_digit on_blocklist");
}

static void write_list(struct world *w, char path[128], const char *text, mode_t mode)
{
    int fd;

    (void)snprintf(path, 128, "%s/blocklist", w->t->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    w->cfg.password.blocklist = path;
}

static void r20_the_configured_blocklist(void **state)
{
    struct world *w = *state;
    char path[128];

    write_list(w, path, "first-one\nvk7-QUILT.zebra9\r\n\nUnterm1nated-Tail", 0644);
    assert_string_equal(broken(w, GOOD), "on_blocklist");
    assert_string_equal(broken(w, "unterm1nateD-tail"), "on_blocklist");
    assert_string_equal(broken(w, "vK7-quilt.Zebra"), ""); /* a part of a line is no line */
    assert_string_equal(broken(w, "vK7-quilt.Zebra91"), "");
    assert_int_equal(chmod(path, 0666), 0);
    assert_string_equal(broken(w, GOOD), "error unsafe_file");
    assert_int_equal(unlink(path), 0);
    assert_string_equal(broken(w, GOOD), "error file_not_found");
}

/* ---- names ---- */

static void r20_names_inside_are_refused_in_any_letter_case(void **state)
{
    struct world *w = *state;
    const struct ja_policy_subject s = {.username = "mballoni", .email = "quentin.k@example.net"};
    const struct ja_policy_subject tiny = {.username = "vk", .email = "qu@example.net"};
    struct utsname uts;
    char pw[200];

    w->cfg.password.dictionary = false;
    assert_string_equal(rules(w, &s, "x7-mBALLONI-Zq", 14), "has_username");
    assert_string_equal(rules(w, &s, "x7-mBALLON1-Zq", 14), "");
    assert_string_equal(rules(w, &s, "x7-ZqmBALLONI", 13), "has_username"); /* at the end */
    assert_string_equal(rules(w, &s, "Mballoni-x7-Zq", 14), "has_username");
    assert_string_equal(rules(w, &s, "9Quentin.K-zzpQ", 15), "has_email");
    assert_string_equal(rules(w, &s, "9Quentin.J-zzpQ", 15), "");
    assert_string_equal(rules(w, &tiny, GOOD, strlen(GOOD)), ""); /* under three characters */
    assert_string_equal(broken(w, "x7-aUTH.example.ORG"), "has_issuer");
    assert_string_equal(broken(w, "x7-eXAMple-Zqpw"), "has_issuer");
    assert_string_equal(broken(w, "x7-eXAMpel-Zqpw"), "");
    w->cfg.mfa.issuer_label = (char[]){"Quxcorp"};
    assert_string_equal(broken(w, "x7-quxCORP-Zqpw"), "has_issuer");
    assert_int_equal(uname(&uts), 0);
    if (strlen(uts.nodename) >= 3) {
        (void)snprintf(pw, sizeof pw, "x7-%s-Zqpw", uts.nodename);
        assert_string_equal(broken(w, pw), "has_issuer");
    }
}

static void every_broken_rule_is_told_at_once(void **state)
{
    struct world *w = *state;
    const struct ja_policy_subject s = {.username = "abc", .email = "abc@example.net"};

    w->cfg.password.require = 15;
    assert_string_equal(
        rules(w, &s, "abc123", 6),
        "too_short no_upper no_special has_username has_email in_dictionary on_blocklist");
}

/* ---- history ---- */

static void set(struct world *w, const char *id, const char *pw)
{
    char hash[JA_HASH_STRING_MAX];

    assert_int_equal(ja_password_hash(&w->ctx, pw, strlen(pw), hash, NULL), JA_OK);
    assert_int_equal(ja_db_begin(w->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_user_set_password(&w->ctx, id, hash, false, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx.db, NULL), JA_OK);
    ja_fake_clock_advance(&w->t->clock, 60);
}

static void r20_former_passwords_are_refused(void **state)
{
    static const char *const used[] = {"One-vK7quilZ", "Two-vK7quilZ", "Three-vK7quilZ",
                                       "Four-vK7quilZ"};
    struct world *w = *state;
    char id[37];
    struct ja_policy_subject s = {.user_id = id};
    struct ja_user u = {0};

    w->cfg.password.history = 3;
    ja_test_user(w->t, "mballoni", NULL, id);
    for (size_t i = 0; i < 4; i++)
        set(w, id, used[i]);
    assert_string_equal(rules(w, &s, used[0], strlen(used[0])), "");
    for (size_t i = 1; i < 4; i++)
        assert_string_equal(rules(w, &s, used[i], strlen(used[i])), "reused");
    assert_string_equal(rules(w, &s, "three-vK7quilZ", 14), "");
    /* the present one is refused whatever `history` is */
    w->cfg.password.history = 0;
    assert_string_equal(rules(w, &s, used[3], strlen(used[3])), "");
    assert_int_equal(ja_user_find_by_id(&w->ctx, id, &u, NULL), JA_OK);
    s.current_hash = u.password_hash;
    assert_string_equal(rules(w, &s, used[3], strlen(used[3])), "reused");
    /* a damaged one matches nothing and hinders nobody */
    s.current_hash = "$argon2id$damaged";
    assert_string_equal(rules(w, &s, used[3], strlen(used[3])), "");
    ja_user_clear(&u);
}

/* Hashing that cannot be done is an error, never a pass. */
static void an_unusable_run_folder_is_no_pass(void **state)
{
    struct world *w = *state;
    char stored[JA_HASH_STRING_MAX];
    struct ja_policy_subject s = {.current_hash = stored};
    char run[] = "/proc/none";

    assert_int_equal(ja_password_hash(&w->ctx, GOOD, strlen(GOOD), stored, NULL), JA_OK);
    w->cfg.paths.run = run;
    assert_int_equal(strncmp(rules(w, &s, "Other-vK7quilZ", 14), "error ", 6), 0);
    /* a weak one is refused without any hashing */
    assert_string_equal(rules(w, &s, "x", 1), "too_short no_upper no_digit");
}

/* ---- generated ones ---- */

static void generated_passwords_meet_policy(void **state)
{
    struct world *w = *state;
    struct ja_secret a = {0}, b = {0};

    for (int preset = 0; preset < 2; preset++) {
        w->cfg.password.preset = preset;
        assert_int_equal(ja_password_generate(&w->ctx, &a, NULL), JA_OK);
        assert_int_equal(ja_password_generate(&w->ctx, &b, NULL), JA_OK);
        assert_int_equal(a.len, 23); /* 20 of 56 characters: 116 bits */
        assert_false(ja_secret_equal(&a, b.data, b.len));
        assert_string_equal(rules(w, NULL, a.data, a.len), "");
        ja_secret_clear(&a);
        ja_secret_clear(&b);
    }
    w->cfg.password.min_length = 100;
    w->cfg.password.require = 15;
    assert_int_equal(ja_password_generate(&w->ctx, &a, NULL), JA_OK);
    assert_true(a.len >= 100);
    assert_string_equal(rules(w, NULL, a.data, a.len), "");
    ja_secret_clear(&a);
    w->cfg.password.blocklist = (char[]){"/nonexistent/list"};
    assert_int_equal(ja_password_generate(&w->ctx, &a, NULL), JA_ERR_NOT_FOUND);
    assert_null(a.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(r20_classic_preset, up, down),
        cmocka_unit_test_setup_teardown(r20_nist_preset, up, down),
        cmocka_unit_test_setup_teardown(configured_length_and_classes_win_over_the_preset, up,
                                        down),
        cmocka_unit_test_setup_teardown(characters_are_counted_as_code_points, up, down),
        cmocka_unit_test_setup_teardown(r20_511_bytes_are_the_most_and_nul_is_refused, up, down),
        cmocka_unit_test_setup_teardown(
            r20_the_dictionary_is_asked_and_nothing_else_of_libpwquality, up, down),
        cmocka_unit_test_setup_teardown(r20_ten_thousand_common_passwords_are_refused, up, down),
        cmocka_unit_test_setup_teardown(r20_common_passwords_in_disguise_are_refused, up, down),
        cmocka_unit_test_setup_teardown(r20_the_configured_blocklist, up, down),
        cmocka_unit_test_setup_teardown(r20_names_inside_are_refused_in_any_letter_case, up, down),
        cmocka_unit_test_setup_teardown(every_broken_rule_is_told_at_once, up, down),
        cmocka_unit_test_setup_teardown(r20_former_passwords_are_refused, up, down),
        cmocka_unit_test_setup_teardown(an_unusable_run_folder_is_no_pass, up, down),
        cmocka_unit_test_setup_teardown(generated_passwords_meet_policy, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
