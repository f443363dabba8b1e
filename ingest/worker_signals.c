/* SPDX-License-Identifier: MIT */
#include "ingest/worker_signals.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

/* How long an orderly end may take. */
#define END_SECONDS 1

static volatile sig_atomic_t ending;

static void on_terminate(int number)
{
    (void)number;
    ending = 1;
    alarm(END_SECONDS);
}

static void on_overdue(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

void worker_signals_install(void)
{
    struct sigaction terminate = {.sa_handler = on_terminate};
    struct sigaction overdue = {.sa_handler = on_overdue};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t none;

    ending = 0;
    sigaction(SIGTERM, &terminate, NULL);
    sigaction(SIGALRM, &overdue, NULL);
    /* Ctrl-C on a terminal goes to every process; ringcastd decides what it means. */
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool worker_signals_ending(void)
{
    return ending != 0;
}

void worker_signals_begin_end(void)
{
    ending = 1;
    alarm(END_SECONDS);
}

void worker_signals_wait(int fd, int64_t timeout_ms)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    worker_signals_poll(&readable, 1, timeout_ms);
}

void worker_signals_poll(struct pollfd *polled, nfds_t count, int64_t timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / MS_PER_SECOND,
                               .tv_nsec = timeout_ms % MS_PER_SECOND * NS_PER_MS};
    sigset_t terminate;
    sigset_t before;

    /* Blocked between the look at the flag and the wait, so that no signal falls into the gap. */
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    sigprocmask(SIG_BLOCK, &terminate, &before);
    if (worker_signals_ending() || ppoll(polled, count, timeout_ms < 0 ? NULL : &timeout, &before) < 0) {
        for (nfds_t i = 0; i < count; i++) {
            polled[i].revents = 0;
        }
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}
