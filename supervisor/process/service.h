/*
 * A helper program that must always run: the fan-out, the fork server of ingest. Starts it, waits for its
 * `ready`, and starts it again when it ends, at once the first time and with backoff if that repeats. What it
 * says beyond `ready` is its owner's business. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_SERVICE_H
#define SUPERVISOR_PROCESS_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/ipc/channel.h"
#include "supervisor/process/children.h"

enum service_state { SERVICE_STOPPED, SERVICE_STARTING, SERVICE_RUNNING, SERVICE_ENDING, SERVICE_BACKOFF };

struct service;

struct service_handlers {
    /* The process exists: what it must hear first can be sent. */
    void (*begun)(void *owner);
    void (*ready)(void *owner);
    void (*message)(void *owner, const struct channel_message *message);
    /* It entered a state; REASON (may be NULL) says why. May be NULL. */
    void (*changed)(void *owner, const char *reason);
    /* The process is gone, or could not be started. A new one follows unless the service was told to end. */
    void (*gone)(void *owner, const char *reason);
};

/* Runs ARGV[0]; ARGV must outlive the service. NULL: out of memory. */
struct service *service_create(struct children *children, const char *name, char *const *argv,
                               const struct service_handlers *handlers, void *owner);
void service_destroy(struct service *service);

/* Forgets a process that was taken over, and leaves it as it is; the service is destroyed. */
void service_leave(struct service *service);

/*
 * Takes a running process over from a ringcastd that was killed, if there is one; its owner sends it what it
 * must hear first again, and it answers `ready`. False: there is none, start it.
 */
bool service_take(struct service *service);

/* The same for the keeper (child_meet). 0 or negative errno. */
int service_meet(struct service *service, pid_t pid, int pidfd, int channel);

/* Starts it now. What goes wrong is reported through `gone`. */
void service_start(struct service *service);

/* Ends it for good; `gone` follows unless there is no process. */
void service_end(struct service *service);

/* Tells the process to end cleanly; another is started then. */
void service_renew(struct service *service);

/* Kills the process, which is then started again; WHY is logged. */
void service_kill(struct service *service, const char *why);

/* As child_send. Nothing is sent while there is no process. */
int service_send(struct service *service, const json_t *body, const int *fds, int fd_count);

/* As outbox_send_newest, and whether messages wait. */
int service_send_newest(struct service *service, const char *key, const json_t *body, const int *fds,
                        int fd_count);
bool service_is_behind(const struct service *service);

enum service_state service_state(const struct service *service);
const char *service_strstate(enum service_state state);

/* 0 while there is no process. */
pid_t service_pid(const struct service *service);

/* How often it was started again. */
unsigned service_restarts(const struct service *service);

/* The layers of its sandbox, an array of names; NULL: it has not said. Borrowed. */
const json_t *service_sandbox(const struct service *service);

/* How the last process ended; NULL: none did. Borrowed. */
const json_t *service_last_exit(const struct service *service);

/* The last COUNT log lines of the present process; a new array, or NULL if there is none. */
json_t *service_lines(const struct service *service, size_t count);

#endif
