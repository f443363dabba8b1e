/* SPDX-License-Identifier: MIT */
/*
 * The programs that run only while they are asked for or configured (helpers/on_demand.h): which there are, and how they learn of cameras and come
 * together with the fan-outs. A new one is a line in the table of programs.c. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROGRAMS_H
#define SUPERVISOR_PROGRAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/log/log.h"

struct camera_view;
struct fanout;
struct service;
struct supervisor;

/* The place of each in `supervisor->programs`. */
enum program_kind { PROGRAM_SNAPSHOT, PROGRAM_HLS, PROGRAM_RTSP, PROGRAM_RELAY, PROGRAM_KINDS };

/* Makes them, without processes. 0 or -ENOMEM. */
int programs_open(struct supervisor *supervisor);
void programs_close(struct supervisor *supervisor);

/* Takes over what a killed ringcastd left running. */
void programs_start(struct supervisor *supervisor);

/* Ends them all; and: none has a process. */
void programs_end(struct supervisor *supervisor);
bool programs_have_ended(const struct supervisor *supervisor);

/* What fan-outs are told, too. Programs are told first, so that they know each camera that a fan-out asks for. */
void programs_add_camera(struct supervisor *supervisor, const struct camera_view *camera);
void programs_update_camera(struct supervisor *supervisor, const struct camera_view *camera);
void programs_remove_camera(struct supervisor *supervisor, const char *name);
void programs_set_log_level(struct supervisor *supervisor, enum log_level level);

/* FANOUT has a question for the program NAME; and: it has ended. */
void programs_want(struct supervisor *supervisor, const struct fanout *fanout, const char *name);
void programs_forget(struct supervisor *supervisor, const struct fanout *fanout);

/* Viewers of CAMERA at all of them. */
int64_t programs_viewers(const struct supervisor *supervisor, const char *camera);

/* What ringcast-rtsp, which lets visitors in itself, is to know of who may watch; and: ringcast-password can be asked. */
void programs_set_access(struct supervisor *supervisor);
void programs_connect_password(struct supervisor *supervisor);

/* For the status: an object with a member for each program, null if it has not run yet. */
json_t *programs_status(const struct supervisor *supervisor);

/* That of the program NAME; NULL: there is none, or it has not run yet. */
struct service *programs_service(const struct supervisor *supervisor, const char *name);

#endif
