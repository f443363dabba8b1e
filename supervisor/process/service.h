/* SPDX-License-Identifier: MIT */
/*
 * A helper program that must always run, such as the fan-out and the fork server of ingest. The service
 * starts it, waits for its `ready`, and starts it again when it ends: at once the first time, and with
 * backoff if that repeats. Its other messages go to its owner. Supervisor's main thread only.
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
    /* The process exists: its first messages can be sent. */
    void (*begun)(void *owner);
    void (*ready)(void *owner);
    void (*message)(void *owner, const struct channel_message *message);
    /* The service entered another state; REASON (may be NULL) says why. The handler may be NULL. */
    void (*changed)(void *owner, const char *reason);
    /* The process has ended or could not be started. Another one follows unless service_end was called. */
    void (*gone)(void *owner, const char *reason);
};

/* Runs ARGV[0]; ARGV must outlive the service. NULL: out of memory. */
struct service *service_create(struct children *children, const char *name, char *const *argv,
                               const struct service_handlers *handlers, void *owner);
void service_destroy(struct service *service);

/* Destroys the service of a process that was taken over, and leaves the process as it is. */
void service_leave(struct service *service);

/*
 * Takes a running process over from a ringcastd that was killed. Its owner sends it its first messages again,
 * and it answers `ready`. False: there is none; start one.
 */
bool service_take(struct service *service);

/* The same for the keeper (child_meet). 0 or negative errno. */
int service_meet(struct service *service, pid_t pid, int pidfd, int channel);

/* Starts the program now. Errors are reported through `gone`. */
void service_start(struct service *service);

/* Ends the program for good; `gone` follows if there is a process. */
void service_end(struct service *service);

/* Ends the process in order; another one is started then. */
void service_renew(struct service *service);

/* Kills the process; another one is started then. WHY is logged. */
void service_kill(struct service *service, const char *why);

/* As child_send. Nothing is sent while there is no process. */
int service_send(struct service *service, const json_t *body, const int *fds, int fd_count);

/* As outbox_send_newest, and whether messages wait. */
int service_send_newest(struct service *service, const char *key, const json_t *body, const int *fds,
                        int fd_count);
bool service_is_behind(const struct service *service);

/* How many. */
size_t service_waiting(const struct service *service);

enum service_state service_state(const struct service *service);
const char *service_strstate(enum service_state state);

/* 0 while there is no process. */
pid_t service_pid(const struct service *service);

/* How often the program was started again. */
unsigned service_restarts(const struct service *service);

/* The layers of the process's sandbox, an array of names; NULL: not reported yet. Borrowed. */
const json_t *service_sandbox(const struct service *service);

/* As child_usage; null while there is no process. */
json_t *service_usage(const struct service *service);

/* How the last process ended (child_last_exit); NULL: none has ended. Borrowed. */
const json_t *service_last_exit(const struct service *service);

/* The last COUNT log lines of the present process; a new array, or NULL if there is none. */
json_t *service_lines(const struct service *service, size_t count);

#endif
