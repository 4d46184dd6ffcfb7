#include "cli/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define TIMEOUT_MS (5 * 60 * 1000)

/* What may end or stop us while the echo is off. */
static const int watched[] = {SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};
#define WATCHED (sizeof watched / sizeof watched[0])

/* Set by the handler; nothing else can carry it out of there. */
static volatile sig_atomic_t caught[WATCHED];

static void on_signal(int sig)
{
    for (size_t i = 0; i < WATCHED; i++)
        if (watched[i] == sig)
            caught[i] = 1;
}

static bool any_caught(void)
{
    for (size_t i = 0; i < WATCHED; i++)
        if (caught[i])
            return true;
    return false;
}

static bool is_stop(int sig)
{
    return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* Without SA_RESTART: a signal has to end the read. An ignored signal stays ignored. */
static void signals_take(struct sigaction old[WATCHED])
{
    struct sigaction sa = {.sa_handler = on_signal};

    (void)sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < WATCHED; i++) {
        caught[i] = 0;
        (void)sigaction(watched[i], NULL, &old[i]);
        if (old[i].sa_handler != SIG_IGN)
            (void)sigaction(watched[i], &sa, NULL);
    }
}

/* Puts the handlers back and lets what came take effect. True when we were only stopped: ask again. */
static bool signals_give_back(const struct sigaction old[WATCHED])
{
    bool stopped = false;

    for (size_t i = 0; i < WATCHED; i++)
        (void)sigaction(watched[i], &old[i], NULL);
    for (size_t i = 0; i < WATCHED; i++)
        if (caught[i]) {
            (void)kill(getpid(), watched[i]);
            stopped = stopped || is_stop(watched[i]);
        }
    return stopped;
}

/* Reads what one line gives; the terminal is in line mode, so one read is one line or a piece of a
 * longer one. */
static enum tty_result take_line(int fd, struct ja_secret *ret)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (;;) {
        int ready = any_caught() ? -1 : poll(&p, 1, TIMEOUT_MS);
        ssize_t n;
        unsigned char *from = ret->data + ret->len, *newline;

        if (ready == 0)
            return TTY_TIMEOUT;
        if (ready < 0)
            return TTY_INTERRUPTED;
        n = read(fd, from, ret->cap - ret->len);
        if (n < 0)
            return errno == EINTR ? TTY_INTERRUPTED : TTY_ENDED;
        if (n == 0)
            return TTY_ENDED;
        newline = memchr(from, '\n', (size_t)n);
        if (newline) {
            ret->len = (size_t)(newline - ret->data);
            ret->data[ret->len] = 0;
            return TTY_LINE;
        }
        ret->len += (size_t)n;
        if (ret->len == ret->cap)
            return TTY_TOO_LONG;
    }
}

/* Echo off before the prompt shows: what is typed ahead is flushed with it. */
static bool echo_off(int fd, struct termios *ret_old)
{
    struct termios t;

    if (tcgetattr(fd, &t) != 0)
        return false;
    *ret_old = t;
    t.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    t.c_lflag |= ICANON | ISIG;
    return tcsetattr(fd, TCSAFLUSH, &t) == 0;
}

static void put(int fd, const char *text)
{
    /* A prompt that cannot be shown shows in the answer. */
    if (write(fd, text, strlen(text)) < 0)
        return;
}

/* One attempt with everything put back before it returns. */
static enum tty_result ask(int fd, const char *prompt, bool echo, struct ja_secret *ret)
{
    struct termios old;
    enum tty_result result = TTY_NONE;

    if (!echo && !echo_off(fd, &old))
        return TTY_NONE;
    put(fd, prompt);
    result = take_line(fd, ret);
    if (!echo) {
        put(fd, "\n");
        /* TCSAFLUSH: the rest of a line that we did not take never reaches the shell (CVE-2025-64170). A
         * background process would be stopped here for ever: SIGTTOU is caught at this point. */
        while (tcsetattr(fd, result == TTY_LINE ? TCSADRAIN : TCSAFLUSH, &old) != 0 &&
               errno == EINTR && !any_caught())
            continue;
    } else if (result != TTY_LINE) {
        (void)tcflush(fd, TCIFLUSH);
    }
    return result;
}

enum tty_result tty_read(const char *prompt, bool echo, struct ja_secret *ret)
{
    struct sigaction old[WATCHED];
    enum tty_result result;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return TTY_NONE;
    (void)fflush(stdout);
    do {
        ret->len = 0;
        signals_take(old);
        result = ask(fd, prompt, echo, ret);
    } while (signals_give_back(old) && result == TTY_INTERRUPTED);
    (void)close(fd);
    return result;
}
