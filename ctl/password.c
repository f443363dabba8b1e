/* SPDX-License-Identifier: MIT */
#include "ctl/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "ctl/client.h"

/* Bytes of a line: longer than any password, so that one that is too long is told from one that is not. */
#define LINE_SIZE (4 * PASSWORD_SIZE)

/* What ended the reading from the terminal: its echo must be on again before the process ends or stops. */
static volatile sig_atomic_t signal_came;

static void on_signal(int number)
{
    signal_came = number;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

/* Reads a line of FD without its line feed. -ENODATA: there is none; -EMSGSIZE: too long; -EINTR: a signal came. */
static int read_line(int fd, char line[LINE_SIZE])
{
    size_t length = 0;
    char byte = '\0';
    ssize_t got = 0;

    while (byte != '\n' && length < LINE_SIZE - 1) {
        got = signal_came != 0 ? -1 : read(fd, &byte, 1);
        if (got < 0 && errno == EINTR && signal_came == 0) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        line[length++] = byte;
    }
    if (signal_came != 0) {
        return -EINTR;
    }
    if (got < 0 || length == 0) {
        return -ENODATA;
    }
    if (byte != '\n' && length == LINE_SIZE - 1) {
        return -EMSGSIZE;
    }
    length -= byte == '\n';
    line[length] = '\0';
    return memchr(line, '\0', length) ? -EINVAL : 0;
}

/* The same on TERMINAL behind PROMPT, without an echo. */
static int ask(int terminal, const char *prompt, const char *name, char line[LINE_SIZE])
{
    struct sigaction action = {.sa_handler = on_signal}, before[SIGNAL_COUNT];
    struct termios loud, quiet;

    if (tcgetattr(terminal, &loud) < 0) {
        return -errno;
    }
    signal_came = 0;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(signals[i], &action, &before[i]);
    }
    quiet = loud;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    tcsetattr(terminal, TCSAFLUSH, &quiet);
    dprintf(terminal, "%s for %s: ", prompt, name);
    int result = read_line(terminal, line);
    dprintf(terminal, "\n");
    tcsetattr(terminal, TCSAFLUSH, &loud);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(signals[i], &before[i], NULL);
    }
    if (signal_came != 0) {
        raise(signal_came);
    }
    return result;
}

static enum exit_code explain(int error)
{
    switch (error) {
    case -EMSGSIZE:
        client_complain("the password has more than %d bytes; choose a shorter one", ACCESS_PASSWORD_MAX);
        break;
    case -EINVAL:
        client_complain("the password has a NUL in it, which cannot be typed at a log-in; choose another");
        break;
    case -EINTR:
        client_complain("interrupted; nothing is changed");
        break;
    default:
        client_complain("no password was given; nothing is changed");
        break;
    }
    return EXIT_CODE_USAGE;
}

static enum exit_code take(const char *line, char password[PASSWORD_SIZE])
{
    char why[ACCESS_WHY_SIZE];

    if (!access_check_password(line, why)) {
        client_complain("%s", why);
        return EXIT_CODE_USAGE;
    }
    memcpy(password, line, strlen(line) + 1);
    return EXIT_CODE_OK;
}

static enum exit_code from_input(int fd, char line[LINE_SIZE], char password[PASSWORD_SIZE])
{
    int result = read_line(fd, line);

    if (result < 0) {
        return explain(result);
    }
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\r') {
        line[length - 1] = '\0'; /* of a line as Windows ends it */
    }
    return take(line, password);
}

static enum exit_code from_terminal(int terminal, const char *name, bool is_new, char line[LINE_SIZE],
                                    char password[PASSWORD_SIZE])
{
    int result = ask(terminal, is_new ? "New password" : "Password", name, line);

    if (result < 0) {
        return explain(result);
    }
    enum exit_code code = take(line, password);
    if (code != EXIT_CODE_OK || !is_new) {
        return code;
    }
    result = ask(terminal, "The same again", name, line);
    if (result < 0) {
        return explain(result);
    }
    if (strcmp(line, password) != 0) {
        client_complain("the two passwords differ; nothing is changed");
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

static enum exit_code from_file(const char *path, char line[LINE_SIZE], char password[PASSWORD_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        client_complain("%s: %s", path, strerror(errno));
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = from_input(fd, line, password);
    close(fd);
    return code;
}

static enum exit_code read_password(const struct options *options, const char *name, bool is_new,
                                    char password[PASSWORD_SIZE])
{
    char line[LINE_SIZE];
    enum exit_code code = EXIT_CODE_USAGE;

    if (options->password_stdin) {
        code = from_input(STDIN_FILENO, line, password);
    } else if (options->password_file) {
        code = from_file(options->password_file, line, password);
    } else {
        int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (terminal < 0) {
            client_complain("there is no terminal to ask for the password; use --password-stdin");
            return EXIT_CODE_USAGE;
        }
        code = from_terminal(terminal, name, is_new, line, password);
        close(terminal);
    }
    secret_wipe(line, sizeof(line));
    if (code != EXIT_CODE_OK) {
        secret_wipe(password, PASSWORD_SIZE);
    }
    return code;
}

enum exit_code password_read(const struct options *options, const char *name, char password[PASSWORD_SIZE])
{
    return read_password(options, name, true, password);
}

enum exit_code password_read_known(const struct options *options, const char *name,
                                   char password[PASSWORD_SIZE])
{
    return read_password(options, name, false, password);
}
