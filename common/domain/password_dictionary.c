#include "common/domain/password_dictionary.h"

#include "common/base/dynload.h"

#include <limits.h>
#include <pthread.h>
#include <pwquality.h>
#include <stdio.h>
#include <unistd.h>

/* libpwquality's own floor: it takes no smaller PWQ_SETTING_MIN_LENGTH. */
#define LENGTH_FLOOR 6

static struct {
    __typeof__(pwquality_default_settings) *default_settings;
    __typeof__(pwquality_free_settings) *free_settings;
    __typeof__(pwquality_set_int_value) *set_int_value;
    __typeof__(pwquality_check) *check;
    __typeof__(pwquality_strerror) *strerror;
} lib;

static enum ja_status load(struct ja_error *err)
{
    static const struct ja_dl_symbol symbols[] = {
        {"pwquality_default_settings", (void **)&lib.default_settings},
        {"pwquality_free_settings", (void **)&lib.free_settings},
        {"pwquality_set_int_value", (void **)&lib.set_int_value},
        {"pwquality_check", (void **)&lib.check},
        {"pwquality_strerror", (void **)&lib.strerror},
    };

    return ja_dl_load("libpwquality.so.1", symbols, sizeof symbols / sizeof symbols[0], err);
}

/* Everything off but the dictionary. */
static enum ja_status settle(pwquality_settings_t *pwq, struct ja_error *err)
{
    static const struct { int setting, value; } values[] = {
        {PWQ_SETTING_DIFF_OK, 0},     {PWQ_SETTING_MIN_LENGTH, LENGTH_FLOOR},
        {PWQ_SETTING_DIG_CREDIT, 0},  {PWQ_SETTING_UP_CREDIT, 0},
        {PWQ_SETTING_LOW_CREDIT, 0},  {PWQ_SETTING_OTH_CREDIT, 0},
        {PWQ_SETTING_MIN_CLASS, 0},   {PWQ_SETTING_MAX_REPEAT, 0},
        {PWQ_SETTING_MAX_CLASS_REPEAT, 0}, {PWQ_SETTING_GECOS_CHECK, 0},
        {PWQ_SETTING_MAX_SEQUENCE, 0}, {PWQ_SETTING_USER_CHECK, 0},
        {PWQ_SETTING_USER_SUBSTR, 0}, {PWQ_SETTING_DICT_CHECK, 1},
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (lib.set_int_value(pwq, values[i].setting, values[i].value) != 0)
            return ja_fail(err, JA_ERR_CRYPTO, "dictionary_failed",
                           "libpwquality does not know setting %d", values[i].setting);
    }
    return JA_OK;
}

/* The user name is "", since with NULL cracklib asks NSS who the caller is. */
static int ask(pwquality_settings_t *pwq, const char *pw)
{
    char text[PWQ_MAX_ERROR_MESSAGE_LEN];
    void *aux = NULL;
    int rc = lib.check(pwq, pw, NULL, "", &aux);

    if (rc < 0)
        (void)lib.strerror(text, sizeof text, rc, aux); /* frees aux */
    return rc;
}

static enum ja_status missing(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_UNAVAILABLE, "dictionary_missing",
                   "the password dictionary cannot be read: install cracklib-runtime, or set "
                   "[password] dictionary = no");
}

/* cracklib writes on stderr when it cannot open its dictionary; a PAM module must not. */
static enum ja_status check_files(struct ja_error *err)
{
    static const char *const suffixes[] = {".pwd", ".pwi", ".hwm"};
    static const char *(*default_dict)(void); /* GetDefaultCracklibDict */
    static const struct ja_dl_symbol symbols[] = {
        {"GetDefaultCracklibDict", (void **)&default_dict}};
    char path[PATH_MAX];

    if (!default_dict && ja_dl_load("libcrack.so.2", symbols, 1, NULL) != JA_OK)
        return JA_OK; /* a libpwquality with another cracklib: asked below */
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        int n = snprintf(path, sizeof path, "%s%s", default_dict(), suffixes[i]);

        if (n < 0 || (size_t)n >= sizeof path || access(path, R_OK) != 0)
            return missing(err);
    }
    return JA_OK;
}

/* libpwquality answers the same for a word and for a dictionary that it cannot read: a word must be
 * found, and what is no word must not. */
static enum ja_status check_dictionary(pwquality_settings_t *pwq, struct ja_error *err)
{
    enum ja_status st = check_files(err);

    if (st == JA_OK && (ask(pwq, "password") != PWQ_ERROR_CRACKLIB_CHECK ||
                        ask(pwq, "gq7#Lk2pVz9&xRm4TwBc8!Ys") < 0))
        st = missing(err);
    return st;
}

/* cracklib keeps what it made of the last word (reversed, in lower case, mangled) in static buffers: one
 * more question, longer than what it looks at (256 bytes) and with every character that its rules ask for, takes
 * the place of the password in all of them (R29). */
static void overwrite_leftovers(pwquality_settings_t *pwq)
{
    char text[3 * 94 + 1];

    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('!' + i * 37 % 94); /* no two neighbours in a row */
    text[sizeof text - 1] = 0;
    (void)ask(pwq, text); /* for what it leaves */
}

static enum ja_status look_up(const char *pw, bool *ret_found, struct ja_error *err)
{
    pwquality_settings_t *pwq = lib.default_settings();
    enum ja_status st;
    int rc;

    if (!pwq)
        return ja_fail_nomem(err);
    st = settle(pwq, err);
    if (st == JA_OK)
        st = check_dictionary(pwq, err);
    if (st == JA_OK) {
        rc = ask(pwq, pw);
        overwrite_leftovers(pwq);
        if (rc >= 0 || rc == PWQ_ERROR_MIN_LENGTH || rc == PWQ_ERROR_EMPTY_PASSWORD)
            *ret_found = false; /* too short to be looked up: the length rule's business */
        else if (rc == PWQ_ERROR_CRACKLIB_CHECK || rc == PWQ_ERROR_PALINDROME)
            *ret_found = true;
        else if (rc == PWQ_ERROR_MEM_ALLOC)
            st = ja_fail_nomem(err);
        else
            st = ja_fail(err, JA_ERR_CRYPTO, "dictionary_failed",
                         "libpwquality could not check the password (%d)", rc);
    }
    lib.free_settings(pwq);
    return st;
}

/* Those buffers are one set for all threads: they would check each other's passwords (CVE-2013-1895's kind). */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

enum ja_status ja_dictionary_has(const char *pw, bool *ret_found, struct ja_error *err)
{
    enum ja_status st;

    if (pthread_mutex_lock(&one_at_a_time) != 0)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "the dictionary cannot be locked");
    st = load(err);
    if (st == JA_OK)
        st = look_up(pw, ret_found, err);
    (void)pthread_mutex_unlock(&one_at_a_time);
    return st;
}
