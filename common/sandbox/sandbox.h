/* SPDX-License-Identifier: MIT */
/*
 * The rights that a process of ringcast gives up before it reads a byte that comes from outside. It makes one call when
 * everything that needs those rights is done, and nothing brings them back. docs/design/security.md says what each layer
 * is for.
 *
 * ringcastd decides for all processes. Its children learn the decision from two variables of the environment, which it
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
    SANDBOX_SUPERVISOR,  /* starts programs, makes sockets and rings: no system call filter, no Landlock */
    SANDBOX_KEEPER,      /* the same */
    SANDBOX_FORK_SERVER, /* forks; each worker gives up the rest */
    SANDBOX_INGEST,
    SANDBOX_FANOUT,
    SANDBOX_EXPORTER, /* may read /proc */
    SANDBOX_PASSWORD, /* has its channels, and makes no connection */
    SANDBOX_SNAPSHOT, /* the same, and rings that it reads; decodes what cameras send */
    SANDBOX_HLS,      /* the same, but for decoding */
    SANDBOX_RTSP,     /* accepts connections, sends RTP over UDP, has threads */
    SANDBOX_RELAY,    /* makes connections to NATS, reads what names and certificates need, has threads */
    SANDBOX_DISCOVER, /* makes connections to cameras, and opens no file */
};

/* What a worker may still open, for reading. A URL with a numeric address and no TLS needs none of it. */
struct sandbox_needs {
    bool names;        /* the files that the name service reads */
    bool certificates; /* the authorities that this machine trusts */
    bool threads;      /* SRT's library has some */
    const char *file;  /* the camera is this file; NULL: it is not a file */
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
 * True if a file that the sandbox allows was replaced after the sandbox was entered: this process cannot open the new
 * one, and should end to be started again. Always false without Landlock.
 */
bool sandbox_is_stale(void);

/* --- ringcastd only --- */

/* A copy of GIVEN, the array in which another process names its layers; a new, empty array if GIVEN is not one. */
json_t *sandbox_read(const json_t *given);

/*
 * Sets what the children learn from the environment. USER: the user that they run as if this process is root; NULL:
 * "ringcast", if that user exists. 0; -ENOENT: the user does not exist.
 */
int sandbox_configure(enum sandbox_mode mode, const char *user);

/*
 * Logs once which layers this kernel lacks. 0; -EPERM: one of them is required, which was logged as an error.
 */
int sandbox_probe(void);

#endif
