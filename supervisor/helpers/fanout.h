/* SPDX-License-Identifier: MIT */
/*
 * A fan-out process: `ringcast-fanout`. It gets the listening socket and every camera's ring when it begins,
 * so that a fan-out that died is replaced without refusing a viewer. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_FANOUT_H
#define SUPERVISOR_HELPERS_FANOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/latency.h"
#include "common/log/log.h"
#include "supervisor/camera/camera.h"
#include "supervisor/helpers/certificate.h"
#include "supervisor/process/service.h"

struct fanout;
struct supervisor;

struct fanout_config {
    size_t index;                          /* among the fan-outs that share the socket, from 0 */
    int load_board;                        /* of all these fan-outs (load_board.h); -1: there is only one */
    const char *program;                   /* path of ringcast-fanout */
    int listener;                          /* the viewers' socket */
    const struct certificate *certificate; /* for TLS; an empty one: without TLS */
    const int *http_policy;                /* descriptor of the rules for HTTP (http_policy.h) */
    const char *address;                   /* of that socket, as a URL */
    struct config_viewers viewers;
    enum log_level log_level;
};

/* CONFIG's strings, certificate, rules and listener must outlive the fan-out. NULL: out of memory. */
struct fanout *fanout_create(struct children *children, const struct fanout_config *config,
                             struct supervisor *supervisor);
void fanout_destroy(struct fanout *fanout);

struct service *fanout_service(struct fanout *fanout);

/* Send it a camera, and a change of the camera's state. A fan-out that does not take them is replaced. */
void fanout_add_camera(struct fanout *fanout, const struct camera_view *camera);
void fanout_update_camera(struct fanout *fanout, const struct camera_view *camera);

void fanout_remove_camera(struct fanout *fanout, const char *name);

void fanout_set_log_level(struct fanout *fanout, enum log_level level);

/*
 * Sends QUESTION (not consumed), whose answer comes through supervisor_fanout_answered unless the fan-out
 * ends before. False: it does not run.
 */
bool fanout_ask(struct fanout *fanout, const json_t *question);

/* Tells it EVENT (not consumed) of a camera. */
void fanout_tell_event(struct fanout *fanout, const json_t *event);

/* Gives it another socket to listen on, whose address is where CONFIG has it. Its viewers are closed. */
void fanout_set_listener(struct fanout *fanout, int listener);

/* Sends it the new certificate. Viewers that are connected notice nothing. */
void fanout_renew_certificate(struct fanout *fanout);

/* Sends it the new rules for HTTP. Viewers that are connected notice nothing. */
void fanout_renew_http_policy(struct fanout *fanout);

/*
 * Sends it who may watch: the memory files of the message `access` (access.h), in place of those that it has not taken. They must stay
 * open until others are sent.
 */
void fanout_set_access(struct fanout *fanout, int document, int page);

/* Hands it SOCKET (which stays the caller's), over which it has passwords checked. */
void fanout_connect_password(struct fanout *fanout, int socket);

/* Hands it SOCKET (which stays the caller's), over which it asks the program that is called so (on_demand.h). */
void fanout_connect_program(struct fanout *fanout, const char *program, pid_t pid, int socket);

/* Sends it how many viewers each camera has at the other ones of ALL, COUNT fan-outs. */
void fanout_tell_elsewhere(struct fanout *fanout, struct fanout *const *all, size_t count);

/* Adds to *LATENCY what this fan-out, and those before it in its place, reported for CAMERA. */
void fanout_add_latency(const struct fanout *fanout, const char *camera, struct latency *latency);

/* How often viewers of CAMERA were too slow and missed something, since this fan-out began. */
int64_t fanout_drops(const struct fanout *fanout, const char *camera);

/* Viewers of CAMERA, or of all cameras if it is NULL. */
int64_t fanout_viewers(const struct fanout *fanout, const char *camera);

/* Its connections, viewers or not. */
int64_t fanout_connections(const struct fanout *fanout);

/* How often it has refused visitors since it began, by the name of the limit (common/ipc/doors.h). NULL: no memory. */
json_t *fanout_refused(const struct fanout *fanout);

/* --- What the supervisor learns; supervisor.c has these ------------------------------------------------- */

/* A process has begun: send it who may watch, before it serves anybody. */
void supervisor_fanout_admits(struct supervisor *supervisor, struct fanout *fanout);

/* It says who has come or gone: `session-end`, `token-used` or `access-refused` (docs/reference/control.md). */
void supervisor_fanout_says(struct supervisor *supervisor, const json_t *message);

/* It says that an operator asks for attention: `attention`. */
void supervisor_fanout_raises(struct supervisor *supervisor, const json_t *message);

/* A process has begun and has its socket: send it every camera. */
void supervisor_fanout_begun(struct supervisor *supervisor, struct fanout *fanout);
void supervisor_fanout_ready(struct supervisor *supervisor);
void supervisor_fanout_gone(struct supervisor *supervisor, const struct fanout *fanout, const char *reason);

/* The fan-out entered another state; REASON may be NULL. */
void supervisor_fanout_changed(struct supervisor *supervisor, struct fanout *fanout, const char *reason);

/* Numbers of viewers have changed. */
void supervisor_fanout_viewers(struct supervisor *supervisor);

/* The answer to a question (fanout_ask) has come. */
void supervisor_fanout_answered(struct supervisor *supervisor, const struct fanout *fanout,
                                const json_t *answer);

/* It has a question for the program that is called so, and is not connected with it. */
void supervisor_fanout_asks(struct supervisor *supervisor, struct fanout *fanout, const char *program);

/* An idle camera has its first viewer. */
void supervisor_fanout_wants(struct supervisor *supervisor, const char *camera);

#endif
