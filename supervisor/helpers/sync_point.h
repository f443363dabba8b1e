/* SPDX-License-Identifier: MIT */
/*
 * Keyframes by ONVIF: has a camera asked for one (SetSynchronizationPoint) by `ringcast-discover`, one process for each time, since what the device
 * answers is nothing for ringcastd. Each camera has one process at a time, and pauses between two; after a failure a long one, and a camera that has
 * refused the log-in is not asked again before its settings have changed. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_SYNC_POINT_H
#define SUPERVISOR_HELPERS_SYNC_POINT_H

#include "common/config/camera_task.h"
#include "supervisor/process/children.h"

struct sync_points;

/* PROGRAM, the path of ringcast-discover, is copied. NULL: out of memory. */
struct sync_points *sync_points_create(struct children *children, const char *program);

/* Kills the processes. NULL is allowed. */
void sync_points_destroy(struct sync_points *points);

/* Asks camera NAME, whose settings are TASK, unless it is too soon. What fails is logged. */
void sync_points_ask(struct sync_points *points, const char *name, const struct camera_task *task);

/* There is no camera NAME any more. */
void sync_points_forget(struct sync_points *points, const char *name);

#endif
