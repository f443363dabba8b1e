/* SPDX-License-Identifier: MIT */
/*
 * Makes a process spin: writes a jump to itself where it runs (or where it returns to when its system call
 * ends), and lets it go on. `ringcast-test-spin PID`; exit code 0: it spins, or will; 1: it could not be
 * done. Test program only.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define PROGRAM_COUNTER(registers) ((registers).rip)
#define JUMP_TO_ITSELF 0xFEEBul
#define JUMP_MASK 0xFFFFul
#elif defined(__aarch64__)
#define PROGRAM_COUNTER(registers) ((registers).pc)
#define JUMP_TO_ITSELF 0x14000000ul
#define JUMP_MASK 0xFFFFFFFFul
#else
#error "no jump known for this machine"
#endif

static int patch(pid_t pid)
{
    struct user_regs_struct registers;
    struct iovec area = {.iov_base = &registers, .iov_len = sizeof(registers)};

    if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &area) < 0) {
        return -errno;
    }
    void *address = (void *)PROGRAM_COUNTER(registers);
    errno = 0;
    unsigned long word = (unsigned long)ptrace(PTRACE_PEEKTEXT, pid, address, NULL);
    if (errno != 0) {
        return -errno;
    }
    word = (word & ~JUMP_MASK) | JUMP_TO_ITSELF;
    return ptrace(PTRACE_POKETEXT, pid, address, (void *)word) < 0 ? -errno : 0;
}

static int make_spin(pid_t pid)
{
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
        return -errno;
    }
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, NULL, __WALL) < 0) {
        return -errno;
    }
    int error = patch(pid);
    if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0 && error == 0) {
        error = -errno;
    }
    return error;
}

int main(int argc, char *argv[])
{
    pid_t pid = argc == 2 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
    int error = pid > 0 ? make_spin(pid) : -EINVAL;

    if (error < 0) {
        fprintf(stderr, "process %d does not spin: %s\n", (int)pid, strerror(-error));
    }
    return error < 0 ? 1 : 0;
}
