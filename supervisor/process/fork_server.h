/*
 * The fork server of ingest: `ringcast-ingest --fork-server`, which has FFmpeg's libraries loaded and forks a
 * worker for each camera when it is told to. Its loss touches no running worker. Owned by the supervisor; its
 * main thread only.
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

/* A worker that asks for processes; memory of the worker. */
struct fork_client {
    TAILQ_ENTRY(fork_client) next;
    const char *camera; /* what it asks for; no other client has the same */
    struct worker *worker;
};

/* PROGRAM is the path of ringcast-ingest. NULL: out of memory. */
struct fork_server *fork_server_create(struct children *children, const char *program,
                                       struct supervisor *supervisor);
void fork_server_destroy(struct fork_server *fork_server);

struct service *fork_server_service(struct fork_server *fork_server);

/* Until it leaves, CLIENT is told what becomes of the fork server and of its own requests. */
void fork_server_join(struct fork_server *fork_server, struct fork_client *client);
void fork_server_leave(struct fork_server *fork_server, struct fork_client *client);

/*
 * Asks for a worker of CLIENT's camera whose channel is WORKER_END (which stays the caller's). 0: an answer,
 * or the fork server's end, follows; -EAGAIN: no fork server is ready, that it is follows; other negative
 * errno.
 */
int fork_server_request(struct fork_server *fork_server, const struct fork_client *client, int worker_end);

/* --- What workers are told; worker.c has these ---------------------------------------------------------- */

/* The fork server can be asked. */
void worker_fork_server_ready(struct worker *worker);

/* The fork server is gone, and an answer that was due will not come. */
void worker_fork_server_gone(struct worker *worker);

/* The answers to fork_server_request. False: none was due, and this one does not count. */
bool worker_spawned(struct worker *worker, pid_t pid);
bool worker_spawn_failed(struct worker *worker, const char *error);

/* --- What the supervisor is told; supervisor.c has these ------------------------------------------------ */

/* After the workers. */
void supervisor_fork_server_ready(struct supervisor *supervisor);
void supervisor_fork_server_gone(struct supervisor *supervisor, const char *reason);

/* A worker has its answer. */
void supervisor_fork_server_answered(struct supervisor *supervisor);

/* Its process entered a state; REASON may be NULL. */
void supervisor_fork_server_changed(struct supervisor *supervisor, const char *reason);

#endif
