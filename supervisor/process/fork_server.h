/* SPDX-License-Identifier: MIT */
/*
 * The fork server of ingest: `ringcast-ingest --fork-server`, which has FFmpeg's libraries loaded and forks a
 * worker for a camera when ringcastd asks for one. Running workers do not depend on it. Owned by the
 * supervisor; its main thread only.
 */
#ifndef SUPERVISOR_PROCESS_FORK_SERVER_H
#define SUPERVISOR_PROCESS_FORK_SERVER_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "supervisor/process/service.h"

struct fork_server;
struct supervisor;
struct worker;

/* A worker that requests processes; memory of the worker. */
struct fork_client {
    TAILQ_ENTRY(fork_client) next;
    const char *camera; /* for which it requests them; no other client has the same */
    struct worker *worker;
};

/* PROGRAM is the path of ringcast-ingest. NULL: out of memory. */
struct fork_server *fork_server_create(struct children *children, const char *program,
                                       struct supervisor *supervisor);
void fork_server_destroy(struct fork_server *fork_server);

struct service *fork_server_service(struct fork_server *fork_server);

/* Until CLIENT leaves, it learns when the fork server begins or ends, and what comes of its own requests. */
void fork_server_join(struct fork_server *fork_server, struct fork_client *client);
void fork_server_leave(struct fork_server *fork_server, struct fork_client *client);

/*
 * Requests a worker for CLIENT's camera whose channel is WORKER_END, which stays the caller's. 0: an answer,
 * or the end of the fork server, follows; -EAGAIN: the fork server is not ready, and worker_fork_server_ready
 * follows when it is; other negative errno.
 */
int fork_server_request(struct fork_server *fork_server, const struct fork_client *client, int worker_end);

/* --- What workers learn; worker.c has these ------------------------------------------------------------- */

/* The fork server is ready for requests. */
void worker_fork_server_ready(struct worker *worker);

/* The fork server has ended; an answer that was due will not come. */
void worker_fork_server_gone(struct worker *worker);

/* The answers to fork_server_request. False: no answer was due, and this one is ignored. */
bool worker_spawned(struct worker *worker, pid_t pid);
bool worker_spawn_failed(struct worker *worker, const char *error);

/* --- What the supervisor learns; supervisor.c has these ------------------------------------------------- */

/* The fork server is ready, or has ended; called after the workers have learned it. */
void supervisor_fork_server_ready(struct supervisor *supervisor);
void supervisor_fork_server_gone(struct supervisor *supervisor, const char *reason);

/* A request of a worker was answered. */
void supervisor_fork_server_answered(struct supervisor *supervisor);

/* The fork server entered another state; REASON may be NULL. */
void supervisor_fork_server_changed(struct supervisor *supervisor, const char *reason);

#endif
