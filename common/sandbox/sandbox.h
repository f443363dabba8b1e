/*
 * What a process of ringcast takes away from itself before it reads a byte that comes from outside. One call,
 * made when everything that needs rights is done; there is no way back. docs/design/security.md says what
 * each layer is for.
 *
 * ringcastd decides for all of them and tells its children by two variables of the environment, which it
 * always sets: RINGCAST_SANDBOX (on, required, off) and RINGCAST_RUN_AS ("UID:GID"). A program that is
 * started without them has its sandbox on.
 *
 * Called from the main thread of a process without other threads.
 */
#ifndef COMMON_SANDBOX_SANDBOX_H
#define COMMON_SANDBOX_SANDBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum sandbox_mode { SANDBOX_OFF, SANDBOX_ON, SANDBOX_REQUIRED };

enum sandbox_role {
    SANDBOX_SUPERVISOR, /* starts programs and owns the names of things: no system call filter, no Landlock */
    SANDBOX_KEEPER,     /* the same */
    SANDBOX_FORK_SERVER, /* forks, and lets each worker take away the rest */
    SANDBOX_INGEST,
    SANDBOX_FANOUT,
    SANDBOX_EXPORTER, /* may read /proc */
};

/* What a worker may still open, for reading. A URL with a numeric address and no TLS needs none of it. */
struct sandbox_needs {
    bool names;        /* the files that the name service reads */
    bool certificates; /* the authorities that this machine trusts */
    bool threads;      /* SRT's library has some */
    const char *file;  /* the camera is this file; NULL: it is none */
    size_t memory;     /* bytes of private memory beyond the role's own; 0: none */
};

/*
 * Enters the sandbox of ROLE; NEEDS is for SANDBOX_INGEST and else NULL. 0; -EPERM if a layer is missing and
 * the sandbox is required, after an error was logged: the process must end. In mode `off` nothing is done.
 */
int sandbox_enter(enum sandbox_role role, const struct sandbox_needs *needs);

/* A new array of the names of the layers that are active, outermost first: "no-new-privs", "landlock:4", … */
json_t *sandbox_layers(void);

/*
 * True if a file that may be opened in here was replaced since the sandbox was entered: it cannot be opened
 * in here any more, and the process should end to be started again. Never without Landlock.
 */
bool sandbox_is_stale(void);

/* --- ringcastd only --- */

/* What another process says of its sandbox, as a new array: empty unless GIVEN is such an array. */
json_t *sandbox_read(const json_t *given);

/*
 * Sets what the children are told. USER: name of the user to run them as if this process is root; NULL:
 * "ringcast" if there is one. 0; -ENOENT: there is no such user.
 */
int sandbox_configure(enum sandbox_mode mode, const char *user);

/*
 * Logs once what this kernel lacks. 0; -EPERM: something is missing that is required, and the error is
 * logged.
 */
int sandbox_probe(void);

#endif
