/* SPDX-License-Identifier: MIT */
/*
 * SIGSYS comes in the thread that made the call, at the call. The log and malloc make only calls that are
 * allowed, so the signal never interrupts either of them, and the handler may use both.
 */
#include "common/sandbox/sandbox_parts.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"

static void on_trap(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    char *name = seccomp_syscall_resolve_num_arch(info->si_arch, info->si_syscall);

    log_error("sandbox: forbidden system call %s (%d): ending", !name ? "unknown" : name, info->si_syscall);
    free(name);
    raise(signal_number); /* the default now: the end */
}

int sandbox_trap_install(void)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER};
    sigset_t set;

    sigemptyset(&action.sa_mask);
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    if (sigaction(SIGSYS, &action, NULL) < 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) < 0) {
        return -errno;
    }
    return 0;
}
