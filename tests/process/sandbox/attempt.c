/* SPDX-License-Identifier: MIT */
#include "tests/process/sandbox/attempt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/patience.h"

/* errno numbers do not fit beside these in an exit status otherwise. */
enum { EXIT_DONE = 0, EXIT_NO_ENTRY = 254, EXIT_NO_ERRNO = 255 };

/* Of "nobody" and its group on every Debian. */
#define SOMEBODY "65534:65534"

void attempt_as_somebody(void)
{
    setenv("RINGCAST_RUN_AS", geteuid() == 0 ? SOMEBODY : "", 1);
}

static void run(const struct attempt *attempt)
{
    alarm(PATIENCE_ALARM_S);
    if (attempt->before != NULL) {
        attempt->before(attempt->context);
    }
    if (sandbox_enter(attempt->role, attempt->needs) < 0) {
        _exit(EXIT_NO_ENTRY);
    }
    errno = 0;
    if (attempt->action(attempt->context) == 0) {
        _exit(EXIT_DONE);
    }
    _exit(errno > 0 && errno < EXIT_NO_ENTRY ? errno : EXIT_NO_ERRNO);
}

static void collect(int fd, char *log, size_t size)
{
    size_t used = 0;
    ssize_t got;

    while (used + 1 < size && ((got = read(fd, log + used, size - 1 - used)) > 0 || errno == EINTR)) {
        used += got > 0 ? (size_t)got : 0;
    }
    log[used] = '\0';
    close(fd);
}

int attempt(struct attempt *attempt)
{
    int ends[2], status;

    if (pipe(ends) < 0) {
        return ATTEMPT_BROKEN;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        run(attempt);
    }
    close(ends[1]);
    collect(ends[0], attempt->log, sizeof(attempt->log));
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return ATTEMPT_BROKEN;
    }
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSYS ? ATTEMPT_TRAPPED : ATTEMPT_BROKEN;
    }
    if (WEXITSTATUS(status) == EXIT_NO_ENTRY) {
        return ATTEMPT_NO_ENTRY;
    }
    return WEXITSTATUS(status) == EXIT_NO_ERRNO ? ATTEMPT_BROKEN : WEXITSTATUS(status);
}
