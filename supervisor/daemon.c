/* SPDX-License-Identifier: MIT */
#include "supervisor/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "common/log/log.h"

/* The daemon's end of the pipe to the parent; -1 in the foreground and after the verdict. */
static int verdict_pipe = -1;

static void give_verdict(unsigned char exit_code)
{
    if (verdict_pipe < 0) {
        return;
    }
    (void)!write(verdict_pipe, &exit_code, 1);
    close(verdict_pipe);
    verdict_pipe = -1;
}

/* The parent: ends as the daemon says; a daemon that died without a word is a failure. */
static _Noreturn void wait_for_verdict(int pipe, pid_t middle)
{
    unsigned char exit_code = 1;

    while (waitpid(middle, NULL, 0) < 0 && errno == EINTR) {
    }
    while (read(pipe, &exit_code, 1) < 0 && errno == EINTR) {
    }
    _exit(exit_code);
}

int daemon_begin(void)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid_t middle = fork();
    if (middle < 0) {
        int result = -errno;
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    if (middle > 0) {
        close(ends[1]);
        wait_for_verdict(ends[0], middle);
    }
    close(ends[0]);
    verdict_pipe = ends[1];
    setsid();
    /* The daemon proper is not a session leader, so no terminal can become its own by being opened. */
    pid_t daemon = fork();
    if (daemon != 0) {
        _exit(daemon < 0 ? 1 : 0);
    }
    return 0;
}

int daemon_open_log(void)
{
    if (!isatty(STDERR_FILENO)) {
        return -1;
    }
    int fd = sd_journal_stream_fd("ringcastd", LOG_INFO, 0);
    if (fd >= 0) {
        return fd;
    }
    log_warning(
        "no journal here: further log lines are dropped; to keep them, redirect standard error to a file");
    return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

void daemon_ready(int log_fd)
{
    if (verdict_pipe < 0) {
        return;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        close(null);
    }
    if (log_fd >= 0) {
        dup2(log_fd, STDERR_FILENO);
    }
    give_verdict(0);
}

void daemon_failed(int exit_code)
{
    give_verdict((unsigned char)exit_code);
}
