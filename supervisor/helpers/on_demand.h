/* SPDX-License-Identifier: MIT */
/*
 * A program that runs only while it is asked for: ringcast-snapshot, ringcast-hls, ringcast-rtsp; or while it is configured: ringcast-relay. It is
 * started when it is wanted, told of every camera, connected with the fan-outs that have questions, and ended when it says that it is idle
 * (docs/reference/control.md, "Programs on demand"). If it dies it is started again, as every service is. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_ON_DEMAND_H
#define SUPERVISOR_HELPERS_ON_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/log/log.h"
#include "supervisor/camera/camera.h"
#include "supervisor/process/service.h"

struct on_demand;
struct supervisor;

struct on_demand_config {
    const char *name; /* "snapshot": of the process, in messages, in the status */
    const char *path; /* of the program */
    enum log_level level;
    /*
     * Adds what the program is to know to the message `begin`, and the descriptors that go with it to FDS, which stay the caller's.
     * Returns how many. NULL: there is nothing.
     */
    int (*begin)(void *data, json_t *message, int fds[CHANNEL_FDS_MAX]);
    bool always; /* once it is wanted it stays: that it says it is idle does not end it */
    /* A message that on_demand.c does not know. NULL: there is none. */
    void (*message)(void *data, const struct channel_message *message);
    void *data;
};

/* CONFIG is copied, and `name` must outlive the program. No process yet. NULL: out of memory. */
struct on_demand *on_demand_create(struct children *children, const struct on_demand_config *config,
                                   struct supervisor *supervisor);
void on_demand_destroy(struct on_demand *program);

/* Takes over the process of a ringcastd that was killed, if there is one. */
void on_demand_take(struct on_demand *program);

/* The program is to run now: it is started unless it runs. What it says of being idle before it reads this does not count. */
void on_demand_want(struct on_demand *program);

/* As on_demand_want, and fan-out INDEX is to be connected with it: supervisor_on_demand_connect is called when it can be. */
void on_demand_want_for(struct on_demand *program, size_t index);

/* Fan-out INDEX has ended, and what it wanted with it. */
void on_demand_forget(struct on_demand *program, size_t index);

/* Gives the process END (which stays the caller's) of a socket pair whose other end fan-out INDEX gets. */
void on_demand_connect(struct on_demand *program, size_t index, int end);

/* The same as for a fan-out (fanout.h). Nothing is sent while there is no process: it is told of all when it begins. */
void on_demand_add_camera(struct on_demand *program, const struct camera_view *camera);
void on_demand_update_camera(struct on_demand *program, const struct camera_view *camera);
void on_demand_remove_camera(struct on_demand *program, const char *name);
void on_demand_set_log_level(struct on_demand *program, enum log_level level);

/* Sends MESSAGE (consumed; NULL: no memory) to the process, if there is one, in place of the last of its KEY that it has not taken. */
void on_demand_tell(struct on_demand *program, const char *key, json_t *message, const int *fds,
                    int fd_count);

/* Sends MESSAGE (consumed; NULL: no memory). 0; -EAGAIN: there is no process; other negative errno: it is killed, because a message is lost to it. */
int on_demand_send(struct on_demand *program, json_t *message, const int *fds, int fd_count);

/* Ends the process for good. */
void on_demand_end(struct on_demand *program);

/* True if there is a process, or is to be one. */
bool on_demand_wanted(const struct on_demand *program);

/* True if there is a process that messages can be sent to. */
bool on_demand_runs(const struct on_demand *program);

const char *on_demand_name(const struct on_demand *program);

/* NULL: no process has been wanted yet. */
struct service *on_demand_service(const struct on_demand *program);

/* How often it was started because somebody asked; and again after a death. */
unsigned on_demand_restarts(const struct on_demand *program);
unsigned on_demand_starts(const struct on_demand *program);

/* What the present process, or the last one, has done: its last message `counts`. NULL: none yet. Borrowed. */
const json_t *on_demand_counts(const struct on_demand *program);

/* Viewers of CAMERA, or of all cameras if it is NULL, that the program serves. */
int64_t on_demand_viewers(const struct on_demand *program, const char *camera);

/* --- What the supervisor learns; programs.c has these --------------------------------------------------- */

/* A process has begun: send it every camera. */
void supervisor_on_demand_begun(struct supervisor *supervisor, struct on_demand *program);

/* Fan-out INDEX can be connected with it (on_demand_connect). */
void supervisor_on_demand_connect(struct supervisor *supervisor, struct on_demand *program, size_t index);

/* Numbers of viewers have changed. */
void supervisor_on_demand_viewers(struct supervisor *supervisor);

/* An idle camera is to be woken. */
void supervisor_on_demand_wants(struct supervisor *supervisor, const char *camera);

void supervisor_on_demand_gone(struct supervisor *supervisor, struct on_demand *program, const char *reason);
void supervisor_on_demand_changed(struct supervisor *supervisor, struct on_demand *program,
                                  const char *reason);

#endif
