/* SPDX-License-Identifier: MIT */
/*
 * The system calls that each role may make. Everything else raises SIGSYS (sandbox_trap.c), but for the few
 * calls that libraries try and do well without: those fail with an error number.
 *
 * A call that is missing here ends the process in the field, so the tests run every path in the sandbox. A
 * call that is here without need is a hole, so each one says what it is for.
 */
#include "common/sandbox/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum roles {
    INGEST = 1,
    FANOUT = 2,
    FORK_SERVER = 4,
    EXPORTER = 8,
    PASSWORD = 16,
    SNAPSHOT = 32,
    HLS = 64,
    RTSP = 128,
    DISCOVER = 256,
    RELAY = 512,
    WORKERS = INGEST | FORK_SERVER,
    SERVERS = FANOUT | EXPORTER | RTSP,
    CALLERS = WORKERS | DISCOVER | RELAY, /* what makes connections */
    ALL = CALLERS | SERVERS,              /* what has connections, and libraries for them */
    PROGRAMS = SNAPSHOT | HLS,
    INSIDE = PASSWORD | PROGRAMS, /* what has channels alone */
    EVERY = ALL | INSIDE
};

struct call {
    int number;
    enum roles roles;
};

#define CALL(name, who)                                                                                      \
    {                                                                                                        \
        SCMP_SYS(name), who                                                                                  \
    }

/* A worker inherits the filter of the fork server, so the fork server is allowed whatever a worker is. */
static const struct call calls[] = {
    /* Data in and out of what is open. */
    CALL(read, EVERY),                    /* sockets, timers, signals */
    CALL(write, EVERY),                   /* log lines; wake-ups; the fan-out's sockets */
    CALL(readv, ALL),                     /* stdio's and libwebsockets' way of reading */
    CALL(writev, ALL),                    /* the same for writing */
    CALL(pread64, EVERY),                 /* the header of a ring before it is mapped */
    CALL(close, EVERY),                   /* connections end */
    CALL(recvmsg, EVERY),                 /* the channel, with descriptors */
    CALL(sendmsg, EVERY),                 /* the channel */
    CALL(recvfrom, ALL),                  /* sockets */
    CALL(sendto, EVERY),                  /* sockets */
    CALL(shutdown, ALL),                  /* an orderly end of a connection */
    CALL(lseek, EVERY),                   /* stdio asks where it is */
    CALL(fstat, EVERY),                   /* the size of a ring that was handed over */
    CALL(fcntl, EVERY),                   /* non-blocking, close-on-exec */
    CALL(flock, ALL),                     /* a ring in use is locked, so that no sweep removes it */
    CALL(memfd_create, PROGRAMS | RELAY), /* the body of an answer, a long document */
    CALL(pwrite64, PROGRAMS | RELAY),     /* the same */
    CALL(ftruncate, PROGRAMS),            /* the same */

    /* Waiting. */
    CALL(poll, EVERY),                  /* the channel, the camera's sockets */
    CALL(ppoll, EVERY),                 /* the same, with signals */
    CALL(select, ALL),                  /* the same, by older parts of libraries */
    CALL(pselect6, ALL),                /* the same */
    CALL(epoll_create1, ALL),           /* the loop of a source or of a feed */
    CALL(epoll_ctl, ALL | PROGRAMS),    /* what it waits for */
    CALL(epoll_wait, ALL | PROGRAMS),   /* the wait */
    CALL(epoll_pwait, ALL | PROGRAMS),  /* the wait, as newer C libraries call it */
    CALL(epoll_pwait2, ALL | PROGRAMS), /* the wait in nanoseconds */
    CALL(eventfd2, ALL),                /* loops wake themselves */
    CALL(timerfd_create, ALL),          /* deadlines */
    CALL(timerfd_settime, ALL),         /* deadlines */
    CALL(timerfd_gettime, ALL),         /* deadlines */
    CALL(nanosleep, ALL),               /* short pauses */
    CALL(clock_nanosleep, ALL),         /* the same */
    CALL(futex, EVERY),                 /* locks of libraries; a ring's readers */
    CALL(sched_yield, ALL),             /* a lock that spins */
    CALL(restart_syscall, EVERY),       /* the kernel's own, after SIGSTOP and SIGCONT */

    /* Time and chance. */
    CALL(clock_gettime, EVERY), /* where the vDSO cannot answer */
    CALL(clock_getres, ALL),    /* the same */
    CALL(gettimeofday, EVERY),  /* the same */
    CALL(time, EVERY),          /* the same */
    CALL(getrandom, EVERY),     /* TLS, RTP's SSRC, WebSocket masks, hash seeds */

    /* Memory; mmap and mprotect are below. */
    CALL(brk, EVERY),      /* malloc */
    CALL(munmap, EVERY),   /* malloc, a ring that is left */
    CALL(mremap, EVERY),   /* realloc */
    CALL(madvise, EVERY),  /* memory given back */
    CALL(mincore, ALL),    /* a library looks whether memory is there */
    CALL(membarrier, ALL), /* a library that publishes without locks */

    /* Itself. */
    CALL(rt_sigaction, EVERY),               /* handlers */
    CALL(rt_sigprocmask, EVERY),             /* no signal between a look and a wait */
    CALL(rt_sigreturn, EVERY),               /* the end of a handler */
    CALL(rt_sigtimedwait, ALL),              /* a TLS library keeps SIGPIPE away */
    CALL(rt_sigpending, ALL),                /* the same */
    CALL(sigaltstack, ALL),                  /* a handler when the stack is full */
    CALL(signalfd4, ALL),                    /* SIGTERM as an event */
    CALL(alarm, ALL),                        /* an orderly end has a limit */
    CALL(setitimer, ALL),                    /* the same, as the C library does it */
    CALL(getpid, EVERY),                     /* log lines */
    CALL(gettid, EVERY),                     /* abort */
    CALL(getppid, ALL),                      /* no more than a number */
    CALL(getuid, ALL),                       /* libraries ask whether they are privileged */
    CALL(geteuid, ALL),                      /* the same */
    CALL(getgid, ALL),                       /* the same */
    CALL(getegid, ALL),                      /* the same */
    CALL(getrlimit, ALL),                    /* a loop asks how many descriptors there may be */
    CALL(getrusage, ALL),                    /* a process reports its own work */
    CALL(uname, ALL),                        /* the name service asks for this host's name */
    CALL(sysinfo, ALL),                      /* a C library sizes its tables */
    CALL(sched_getaffinity, ALL | PROGRAMS), /* a codec asks for the number of processors */
    CALL(getcpu, ALL),                       /* malloc's arenas */
    CALL(rseq, EVERY),                       /* the C library's own */
    CALL(set_robust_list, ALL),              /* the C library's own, after a fork */
    CALL(exit, EVERY),                       /* the end of a thread */
    CALL(exit_group, EVERY),                 /* the end */

    /* Sockets. socket itself is below. */
    CALL(getsockname, ALL),                 /* which port it is; what the channel is */
    CALL(getpeername, ALL),                 /* the address of the other side */
    CALL(getsockopt, ALL),                  /* errors, buffers */
    CALL(setsockopt, ALL),                  /* buffers, TCP_NODELAY, time limits */
    CALL(connect, CALLERS),                 /* to the camera, to a name server */
    CALL(bind, WORKERS | RTSP | RELAY),     /* UDP: a port for RTP; names: the addresses of this host */
    CALL(recvmmsg, WORKERS | RTSP),         /* many RTP packets at once */
    CALL(sendmmsg, WORKERS | RTSP | RELAY), /* the name service asks for both kinds of address at once */
    CALL(accept, SERVERS),                  /* viewers, Prometheus */
    CALL(accept4, SERVERS),                 /* the same */
    CALL(sendfile, FANOUT),                 /* libwebsockets */
    CALL(socketpair, RTSP | DISCOVER),      /* GStreamer wakes its own threads, libcurl its wait */

    /* The fork server makes workers, and a worker takes its rights away itself. */
    CALL(clone, FORK_SERVER),  /* fork */
    CALL(clone3, FORK_SERVER), /* fork in newer C libraries */
    CALL(fork, FORK_SERVER),   /* fork in others */
    CALL(wait4, FORK_SERVER),  /* the intermediate process */
    CALL(waitid, FORK_SERVER), /* the same */
    CALL(pipe2,
         FORK_SERVER | DISCOVER),   /* the worker's process id; libcurl's wait, where there is no eventfd */
    CALL(dup2, FORK_SERVER),        /* the channel comes to its place */
    CALL(dup3, FORK_SERVER),        /* the same, where there is no dup2 */
    CALL(close_range, FORK_SERVER), /* a worker keeps nothing of its parent */
    CALL(set_tid_address, FORK_SERVER),         /* the C library's own, after a fork */
    CALL(prctl, FORK_SERVER),                   /* name, not dumpable, capabilities */
    CALL(capget, FORK_SERVER),                  /* no capabilities */
    CALL(capset, FORK_SERVER),                  /* no capabilities */
    CALL(setrlimit, FORK_SERVER),               /* limits */
    CALL(prlimit64, FORK_SERVER),               /* limits */
    CALL(landlock_create_ruleset, FORK_SERVER), /* the next layer */
    CALL(landlock_add_rule, FORK_SERVER),       /* the same */
    CALL(landlock_restrict_self, FORK_SERVER),  /* the same */
    CALL(seccomp, FORK_SERVER),                 /* the worker's own filter */
};

/* Reading files, where Landlock says which; looking at names needs no right of Landlock's. */
static const int file_calls[] = {
    SCMP_SYS(getdents64), /* the directory of certificates */
    SCMP_SYS(readlink),   /* realpath */
    SCMP_SYS(readlinkat), /* the same */
    SCMP_SYS(statfs),     /* the name service, for its files */
};

/* Has a name changed? That is asked whether or not it could be opened. */
static const int look_calls[] = {
    SCMP_SYS(stat),   SCMP_SYS(lstat),     SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(getcwd),
};

#if SANDBOX_SANITIZER
/*
 * The leak checker stops all threads from a process that traces them, which it clones; a report reads files
 * and asks for a stack; the thread sanitizer has a thread of its own.
 */
static const int sanitizer_calls[] = {
    SCMP_SYS(getdents), SCMP_SYS(ptrace),      SCMP_SYS(clone),
    SCMP_SYS(clone3),   SCMP_SYS(wait4),       SCMP_SYS(prctl),
    SCMP_SYS(kill),     SCMP_SYS(getdents64),  SCMP_SYS(readlink),
    SCMP_SYS(pipe2),    SCMP_SYS(readlinkat),  SCMP_SYS(arch_prctl),
    SCMP_SYS(getpgrp),  SCMP_SYS(statfs),      SCMP_SYS(set_tid_address),
    SCMP_SYS(tgkill),   SCMP_SYS(tkill),       SCMP_SYS(setrlimit),
    SCMP_SYS(getppid),  SCMP_SYS(sched_yield), SCMP_SYS(sigaltstack),
};
#endif

/* Tried by libraries, which go on without. */
static const struct {
    int number;
    int error;
} refused[] = {
    {SCMP_SYS(clone3), ENOSYS},            /* the C library then takes clone, which is judged */
    {SCMP_SYS(prctl), EPERM},              /* names of threads and of memory */
    {SCMP_SYS(sched_setaffinity), EPERM},  /* codecs */
    {SCMP_SYS(sched_getscheduler), EPERM}, /* the same */
    {SCMP_SYS(sched_getparam), EPERM},     /* the same */
    {SCMP_SYS(sched_getattr), EPERM},      /* threads that others are to be like */
    {SCMP_SYS(mlock), EPERM},              /* a TLS library's secrets */
    {SCMP_SYS(get_mempolicy), ENOSYS},     /* malloc on large machines */
    {SCMP_SYS(setrlimit), EPERM},          /* the same */
};

static int allow(scmp_filter_ctx filter, int number)
{
    int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);

    return error == -EEXIST ? 0 : error;
}

static int allow_list(scmp_filter_ctx filter, const int *numbers, size_t count)
{
    int error = 0;

    for (size_t i = 0; i < count && error == 0; i++) {
        error = allow(filter, numbers[i]);
    }
    return error;
}

#define ALLOW_LIST(filter, list) allow_list(filter, list, sizeof(list) / sizeof((list)[0]))

static int allow_calls(scmp_filter_ctx filter, enum roles role)
{
    int error = 0;

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && error == 0; i++) {
        if (calls[i].roles & role) {
            error = allow(filter, calls[i].number);
        }
    }
    return error;
}

/* ACTION if all bits of MASK in argument INDEX are those of VALUE. */
static int when_bits(scmp_filter_ctx filter, uint32_t action, int number, unsigned index, uint64_t mask,
                     uint64_t value)
{
    const struct scmp_arg_cmp match = {
        .arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};

    return seccomp_rule_add_array(filter, action, number, 1, &match);
}

/* Only code that was there at the start may run. A library that can no longer be loaded has to be done without. */
static int allow_memory(scmp_filter_ctx filter)
{
    static const int numbers[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    int error = 0;

    for (size_t i = 0; i < 2 && error == 0; i++) {
        error = when_bits(filter, SCMP_ACT_ALLOW, numbers[i], 2, PROT_EXEC, 0);
        if (error == 0) {
            error = when_bits(filter, SCMP_ACT_ERRNO(EACCES), numbers[i], 2, PROT_EXEC, PROT_EXEC);
        }
    }
    return error;
}

/* Opening: FILES: for reading, else nothing at all. What would write, make or cut a file is refused. */
static int allow_opening(scmp_filter_ctx filter, bool files)
{
    static const struct {
        int number;
        unsigned flags; /* the argument that has them */
    } ways[] = {{SCMP_SYS(openat), 2}, {SCMP_SYS(open), 1}};
    static const unsigned writing[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
    const unsigned all = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    int error = files ? ALLOW_LIST(filter, file_calls) : 0;

    for (size_t i = 0; i < 2 && error == 0; i++) {
        if (!files) {
            error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), ways[i].number, 0);
            continue;
        }
        error = when_bits(filter, SCMP_ACT_ALLOW, ways[i].number, ways[i].flags, all, 0);
        for (size_t j = 0; j < sizeof(writing) / sizeof(writing[0]) && error == 0; j++) {
            error = when_bits(filter, SCMP_ACT_ERRNO(EACCES), ways[i].number, ways[i].flags, writing[j],
                              writing[j]);
        }
    }
    return error;
}

/* The Internet, and the kernel's list of addresses that the name service looks at. No local sockets. */
static int allow_sockets(scmp_filter_ctx filter)
{
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
    int error = 0;

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && error == 0; i++) {
        const struct scmp_arg_cmp match[] = {
            {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)families[i]},
            {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0}, /* of AF_NETLINK: NETLINK_ROUTE */
        };
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket),
                                       families[i] == AF_NETLINK ? 2 : 1, match);
    }
    /* nscd and other helpers of the name service are asked through these. */
    const struct scmp_arg_cmp local = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX};
    return error < 0 ? error
                     : seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, &local);
}

/* UDP, and no connection. */
static int allow_datagrams(scmp_filter_ctx filter)
{
    static const int families[] = {AF_INET, AF_INET6};
    int error = 0;

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && error == 0; i++) {
        const struct scmp_arg_cmp match[] = {
            {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)families[i]},
            {.arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xf, .datum_b = SOCK_DGRAM},
        };
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, match);
    }
    return error;
}

static int allow_controls(scmp_filter_ctx filter)
{
    /* How much is there to read; non-blocking; is this a terminal. */
    static const unsigned long requests[] = {FIONREAD, FIONBIO, TCGETS};
    int error = 0;

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]) && error == 0; i++) {
        error = when_bits(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, UINT32_MAX, requests[i]);
    }
    return error;
}

#if !SANDBOX_SANITIZER
/* abort() and the end by SIGSYS: a signal to this process and to no other one. */
static int allow_own_signals(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp self = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)getpid()};

    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
}
#endif

/* Limits can be read; raising them is refused, which a library's loop tries. */
static int allow_reading_limits(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp reading = {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0};
    const struct scmp_arg_cmp setting = {.arg = 2, .op = SCMP_CMP_NE, .datum_a = 0};
    int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &reading);

    return error < 0
               ? error
               : seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1, &setting);
}

/* Those that are allowed already stay allowed. */
static int refuse_gently(scmp_filter_ctx filter, enum roles role)
{
    int error = 0;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && error == 0; i++) {
        bool allowed = false;
        for (size_t j = 0; j < sizeof(calls) / sizeof(calls[0]); j++) {
            allowed = allowed || (calls[j].number == refused[i].number && (calls[j].roles & role));
        }
#if SANDBOX_SANITIZER
        for (size_t j = 0; j < sizeof(sanitizer_calls) / sizeof(sanitizer_calls[0]); j++) {
            allowed = allowed || sanitizer_calls[j] == refused[i].number;
        }
#endif
        if (!allowed) {
            error =
                seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)refused[i].error), refused[i].number, 0);
        }
    }
    return error;
}

static int fill(scmp_filter_ctx filter, enum roles role, bool files)
{
    int error = allow_calls(filter, role);

    if (error == 0) {
        error = (role & INSIDE)
                    ? allow(filter, SCMP_SYS(newfstatat)) /* fstat, as newer C libraries call it */
                    : ALLOW_LIST(filter, look_calls);
    }
    if (error == 0) {
        error = allow_memory(filter);
    }
    if (error == 0) {
        error = allow_opening(filter, files || SANDBOX_SANITIZER);
    }
    if (error == 0 && (role & CALLERS)) {
        error = allow_sockets(filter);
    }
    if (error == 0 && role == RTSP) {
        error = allow_datagrams(filter);
    }
    if (error == 0) {
        error = allow_controls(filter);
    }
    if (error == 0 && role != FORK_SERVER) {
        error = allow_reading_limits(filter);
    }
#if SANDBOX_SANITIZER
    if (error == 0) {
        error = ALLOW_LIST(filter, sanitizer_calls);
    }
#else
    if (error == 0) {
        error = role == FORK_SERVER ? allow(filter, SCMP_SYS(tgkill)) : allow_own_signals(filter);
    }
#endif
    return error == 0 ? refuse_gently(filter, role) : error;
}

int sandbox_calls_available(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 ? -ENOSYS : 0;
}

static bool opens_files(enum sandbox_role role, const struct sandbox_needs *needs)
{
    if (!needs) {
        return role == SANDBOX_FORK_SERVER || role == SANDBOX_EXPORTER;
    }
    return needs->names || needs->certificates || needs->file;
}

static enum roles roles_of(enum sandbox_role role)
{
    switch (role) {
    case SANDBOX_FANOUT:
        return FANOUT;
    case SANDBOX_FORK_SERVER:
        return FORK_SERVER;
    case SANDBOX_EXPORTER:
        return EXPORTER;
    case SANDBOX_PASSWORD:
        return PASSWORD;
    case SANDBOX_SNAPSHOT:
        return SNAPSHOT;
    case SANDBOX_HLS:
        return HLS;
    case SANDBOX_RTSP:
        return RTSP;
    case SANDBOX_RELAY:
        return RELAY;
    case SANDBOX_DISCOVER:
        return DISCOVER;
    default:
        return INGEST;
    }
}

int sandbox_filter_calls(enum sandbox_role role, const struct sandbox_needs *needs)
{
    enum roles as = roles_of(role);
    int error = sandbox_calls_available();

    if (error < 0) {
        return error;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter) {
        return -ENOMEM;
    }
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* is set already */
    error = fill(filter, as, opens_files(role, needs));
    if (error == 0 && ((needs && needs->threads) || as == RTSP) && !SANDBOX_SANITIZER) {
        error = when_bits(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
    }
    if (error == 0) {
        error = sandbox_trap_install();
    }
    if (error == 0) {
        error = seccomp_load(filter);
    }
    seccomp_release(filter);
    return error == -ECANCELED ? -EPERM : error;
}
