#include "pam/pam_enroll.h"
#include "pam/pam_prompt.h"

#include "common/base/qr.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT_MAX 4096  /* without the QR code */
#define ASKS 3         /* for what the machine does not see: a repetition, a QR code */

static enum ja_status append(struct ja_pam_call *call, struct ja_secret *s, const char *text)
{
    return ja_secret_append(s, text, strlen(text), &call->err);
}

/* Texts up to a NULL, one behind the other, as one prompt with the key in guarded memory. */
static enum ja_status compose(struct ja_pam_call *call, const char *const *parts, size_t room, struct ja_secret *ret)
{
    struct ja_secret s = {0};
    enum ja_status st = ja_secret_init(&s, room, &call->err);

    for (; st == JA_OK && *parts; parts++)
        st = append(call, &s, *parts);
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}

static enum ja_status ask_composed(struct ja_pam_call *call, const char *const *parts, size_t room,
                                   struct ja_secret *ret)
{
    struct ja_secret prompt = {0};
    enum ja_status st = compose(call, parts, room, &prompt);

    if (st == JA_OK)
        st = ja_pam_ask(call, PAM_PROMPT_ECHO_ON, (const char *)prompt.data, ret);
    ja_secret_clear(&prompt);
    return st;
}

/* ---- the terminal ---- */

/* Is this descriptor the terminal that PAM_TTY names? sshd's own may be the administrator's. */
static bool is_their_tty(const struct ja_pam_call *call, int fd)
{
    char name[128] = "";
    const char *bare;

    if (!call->tty[0] || call->rhost[0] || ttyname_r(fd, name, sizeof name) != 0)
        return false;
    bare = strncmp(name, "/dev/", 5) == 0 ? name + 5 : name;
    return strcmp(call->tty, name) == 0 || strcmp(call->tty, bare) == 0;
}

/* 0: not known, as always over the network. */
static int columns_of(const struct ja_pam_call *call)
{
    for (int fd = 0; fd < 3; fd++) {
        struct winsize ws = {0};

        if (is_their_tty(call, fd) && ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
            return ws.ws_col;
    }
    return 0;
}

/* The locale that the application has set; ours reads no environment. */
static bool speaks_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* ---- the key ---- */

enum picture { DRAWN, ON_REQUEST, NONE_POSSIBLE };

/* A terminal that is known to be wide and to show it gets the code at once, one that is known to be narrow never. */
static enum picture picture_of(struct ja_pam_call *call, const struct ja_enrolment *e, bool asked,
                               struct ja_secret *ret)
{
    int columns = columns_of(call);
    struct ja_error why = {0};
    enum ja_status st;

    if (!asked && (columns == 0 || !speaks_utf8())) {
        /* whether it would fit decides whether it is worth an offer */
        st = columns == 0 ? JA_OK : ja_qr_draw(&e->uri, columns, false, ret, &why);
        ja_secret_clear(ret);
        return st == JA_OK ? ON_REQUEST : NONE_POSSIBLE;
    }
    st = ja_qr_draw(&e->uri, columns, false, ret, &why);
    if (st == JA_ERR_UNSUPPORTED)
        ja_log_write(&call->ctx.log, LOG_NOTICE, "no QR code: %s", why.message);
    return st == JA_OK ? DRAWN : NONE_POSSIBLE;
}

static enum ja_status ask_key(struct ja_pam_call *call, const struct ja_enrolment *e, bool asked, struct ja_secret *ret)
{
    struct ja_secret qr = {0};
    enum picture picture = picture_of(call, e, asked, &qr);
    const char *const parts[] = {
        "\nYour account has no second factor yet. Add this key to an authenticator app:\n\n    Key:  ",
        (const char *)e->key.data,
        "\n    Link: ",
        (const char *)e->uri.data,
        "\n\n",
        picture == DRAWN ? (const char *)qr.data : "",
        picture == DRAWN ? "\n" : "",
        picture == ON_REQUEST ? "Type qr to see it as a QR code (on a wide terminal with UTF-8).\n" : "",
        asked && picture != DRAWN ? "No QR code can be shown here.\n" : "",
        e->may_skip ? "Press Enter alone to skip this for now.\n" : "",
        "Code that the app shows: ",
        NULL,
    };
    enum ja_status st = ask_composed(call, parts, TEXT_MAX + qr.len, ret);

    ja_secret_clear(&qr);
    return st;
}

static bool says(const struct ja_secret *answer, const char *word)
{
    return answer->len == strlen(word) && strncasecmp((const char *)answer->data, word, answer->len) == 0;
}

static enum ja_status ask_code(struct ja_pam_call *call, const struct ja_enrolment *e, struct ja_secret *ret)
{
    enum ja_status st = JA_OK;

    if (e->again)
        st = ja_pam_ask(call, PAM_PROMPT_ECHO_ON,
                        e->may_skip ? "That code is not right. Is the clock of your device right?\n"
                                      "Press Enter alone to skip this for now.\nCode that the app shows: "
                                    : "That code is not right. Is the clock of your device right?\n"
                                      "Code that the app shows: ",
                        ret);
    else
        st = ask_key(call, e, false, ret);
    for (int i = 0; st == JA_OK && says(ret, "qr") && i < ASKS; i++) {
        ja_secret_clear(ret);
        st = ask_key(call, e, true, ret);
    }
    return st;
}

static enum ja_status ask_receipt(struct ja_pam_call *call, const struct ja_enrolment *e, struct ja_secret *ret)
{
    const char *const parts[] = {
        e->again ? "\nYour second factor is not in force before you have said yes.\n"
                 : "\nThat code is right.\n",
        "These recovery codes stand in for the app, each once. Keep them where only you find them:\n"
        "they are not shown again.\n\n",
        (const char *)e->codes.data,
        "\nType yes when you have kept them: ",
        NULL,
    };

    return ask_composed(call, parts, TEXT_MAX + e->codes.len, ret);
}

/* ---- the password of who came by an invitation ---- */

static enum ja_status ask_password(struct ja_pam_call *call, const struct ja_enrolment *e, const char *why,
                                   struct ja_secret *ret)
{
    struct ja_secret prompt = {0};
    enum ja_status st = ja_secret_init(&prompt, TEXT_MAX, &call->err);

    if (st == JA_OK)
        st = append(call, &prompt, why);
    for (size_t i = 0; st == JA_OK && e->again && i < e->report.len; i++) {
        st = append(call, &prompt, "BAD PASSWORD: ");
        if (st == JA_OK)
            st = append(call, &prompt, e->report.broken[i].text);
        if (st == JA_OK)
            st = append(call, &prompt, "\n");
    }
    if (st == JA_OK)
        st = append(call, &prompt, "New password: ");
    if (st == JA_OK)
        st = ja_pam_ask(call, PAM_PROMPT_ECHO_OFF, (const char *)prompt.data, ret);
    ja_secret_clear(&prompt);
    return st;
}

/* Typed twice; two that differ are asked again, and at last count as none. */
static enum ja_status ask_new_password(struct ja_pam_call *call, const struct ja_enrolment *e, struct ja_secret *ret)
{
    const char *why = e->again ? "" : "Your invitation is accepted. Choose a password.\n";
    struct ja_secret first = {0}, second = {0};
    enum ja_status st = JA_OK;
    bool same = false;

    for (int i = 0; st == JA_OK && !same && i < ASKS; i++) {
        ja_secret_clear(&first);
        ja_secret_clear(&second);
        st = ask_password(call, e, why, &first);
        if (st == JA_OK)
            st = ja_pam_ask(call, PAM_PROMPT_ECHO_OFF, "Retype new password: ", &second);
        same = st == JA_OK && ja_secret_equal(&first, second.data, second.len);
        why = "The two passwords are not the same.\n";
    }
    if (st == JA_OK && !same) {
        ja_secret_clear(&first);
        st = ja_secret_from(&first, "", 0, &call->err);
    }
    ja_secret_clear(&second);
    if (st == JA_OK)
        *ret = first;
    else
        ja_secret_clear(&first);
    return st;
}

enum ja_status ja_pam_ask_enrolment(struct ja_pam_call *call, const struct ja_auth *auth, enum ja_auth_next next,
                                    struct ja_secret *ret)
{
    const struct ja_enrolment *e = ja_auth_enrolment(auth);

    switch (next) {
    case JA_NEXT_NEW_PASSWORD: return ask_new_password(call, e, ret);
    case JA_NEXT_ENROLL: return ask_code(call, e, ret);
    case JA_NEXT_RECOVERY: return ask_receipt(call, e, ret);
    case JA_NEXT_PASSWORD:
    case JA_NEXT_CODE:
    case JA_NEXT_DONE: break;
    }
    return ja_fail(&call->err, JA_ERR_INTERNAL, "internal", "a prompt that is not enrolment's");
}
