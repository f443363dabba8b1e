/* SPDX-License-Identifier: MIT */
/*
 * How a write to standard error is kept from waiting, whatever standard error is and whichever programs share it:
 *
 * - ringcastd opens it again at its start (log_output_detach) with O_NONBLOCK, through /proc/self/fd: a pipe, a
 *   FIFO and a terminal then have an open file description that only ringcast's processes share. The flag must
 *   not be set on the description that was inherited, because a shell or another program writes through it, too.
 *   Children inherit the new one, so they need no right to open anything in their sandboxes.
 * - A pipe or terminal that this user may not open, because another user made it, gets a relay: a process that
 *   waits for it in ringcast's place, and ends when the last of ringcast's processes has ended.
 * - A socket cannot be opened again, but each send can say that it must not wait.
 * - A regular file has no reader to wait for.
 *
 * A thread that writes would do for all of these, but the fork server must not have threads, and a process that
 * is killed would lose more of its last lines.
 */
#include "common/log/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"

/* Bytes that wait at most: some hundred lines, the beginning of what went wrong. */
#define WAITING_MAX 32768

/* At the end of a process: long enough for a busy reader, and short beside every limit on an orderly end. */
#define LAST_WAIT_NS (100 * NS_PER_MS)
#define LAST_POLL_MS 10

static char waiting[WAITING_MAX]; /* whole lines, but for the first, of which the beginning may be written */
static size_t waiting_length;
static uint64_t lost;

/* Copies what comes through FROM to TO until the last writer or the reader is gone. */
static void relay(int from, int to)
{
    static char bytes[PIPE_BUF];
    ssize_t length;

    while ((length = read(from, bytes, sizeof(bytes))) > 0 || (length < 0 && errno == EINTR)) {
        for (ssize_t done = 0; done < length;) {
            ssize_t written = write(to, bytes + done, (size_t)(length - done));
            if (written < 0 && errno != EINTR) {
                return;
            }
            done += written > 0 ? written : 0;
        }
    }
}

/* The relay outlives ringcastd, as workers do, and what a terminal sends to end a program must not end it. */
static void become_relay(int from, int to)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE};

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        signal(ignored[i], SIG_IGN);
    }
    prctl(PR_SET_NAME, "ringcast-log");
    from = fcntl(from, F_DUPFD, STDERR_FILENO + 2);
    dup2(to, STDERR_FILENO + 1);
    dup2(from, STDIN_FILENO);
    dup2(STDERR_FILENO + 1, STDOUT_FILENO);
    close_range(STDERR_FILENO, ~0U, 0);
    relay(STDIN_FILENO, STDOUT_FILENO);
    _exit(0);
}

int log_output_relay(int to)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid_t child = fork();
    if (child == 0) { /* the process between lets init have the relay */
        if (fork() == 0) {
            become_relay(ends[0], to);
        }
        _exit(0);
    }
    close(ends[0]);
    if (child < 0 || waitpid(child, NULL, 0) != child || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0) {
        close(ends[1]);
        return -EAGAIN;
    }
    return ends[1];
}

void log_output_detach(void)
{
    struct stat status;

    if (fstat(STDERR_FILENO, &status) < 0 || !(S_ISFIFO(status.st_mode) || isatty(STDERR_FILENO) == 1)) {
        return;
    }
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) {
        fd = log_output_relay(STDERR_FILENO);
    }
    if (fd >= 0) {
        dup2(fd, STDERR_FILENO);
        close(fd);
    }
}

/* For what was not detached: where poll says that there is room, a pipe takes PIPE_BUF bytes without waiting. */
static ssize_t write_if_ready(const char *bytes, size_t length)
{
    struct pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (poll(&output, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(STDERR_FILENO, bytes, length);
}

/* How many bytes were taken; 0: there is not enough room now. Bytes that are given up count as taken. */
static size_t write_some(const char *bytes, size_t length)
{
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    ssize_t written;

    do {
        written = flags < 0 || (flags & O_NONBLOCK) != 0
                      ? write(STDERR_FILENO, bytes, length)
                      : send(STDERR_FILENO, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written < 0 && errno == ENOTSOCK) {
            written = write_if_ready(bytes, length);
        }
    } while (written < 0 && errno == EINTR);
    if (written >= 0) {
        return (size_t)written;
    }
    return errno == EAGAIN || errno == ENOBUFS ? 0 : length; /* any other error will not pass */
}

/* Line by line, so that each goes out in one write and those of several processes do not mix. */
static void write_waiting(void)
{
    size_t done = 0;

    while (done < waiting_length) {
        const char *end = memchr(waiting + done, '\n', waiting_length - done);
        size_t length = (size_t)(end - (waiting + done)) + 1;
        size_t taken = write_some(waiting + done, length);
        done += taken;
        if (taken < length) {
            break;
        }
    }
    memmove(waiting, waiting + done, waiting_length - done);
    waiting_length -= done;
}

void log_output_write(const char *line, size_t length)
{
    size_t taken = 0;

    write_waiting();
    if (waiting_length == 0) {
        taken = write_some(line, length);
    }
    if (length - taken <= sizeof(waiting) - waiting_length) {
        memcpy(waiting + waiting_length, line + taken, length - taken);
        waiting_length += length - taken;
    } else {
        lost++;
    }
}

uint64_t log_output_settle(void)
{
    write_waiting();
    uint64_t told = waiting_length == 0 ? lost : 0;
    lost -= told;
    return told;
}

void log_output_finish(void)
{
    struct pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT};

    for (int64_t end_ns = clock_now_ns() + LAST_WAIT_NS; waiting_length > 0 && clock_now_ns() < end_ns;) {
        poll(&output, 1, LAST_POLL_MS);
        write_waiting();
    }
}

void log_output_forget(void)
{
    waiting_length = 0;
    lost = 0;
}
