/* SPDX-License-Identifier: MIT */
/* What ringcast makes of a camera, and what to do about it, in plain words. Pure functions; any thread. */
#ifndef CTL_CAMERA_FINDINGS_H
#define CTL_CAMERA_FINDINGS_H

#include <jansson.h>

#include "common/config/camera_task.h"

/*
 * Appends to FINDINGS what is to be said of CAMERA, an entry of a status. MEASURED: of measure_stream, or NULL. ANNOUNCED_FPS: what the
 * camera says that it sends; 0: nothing.
 */
void camera_findings(json_t *findings, const json_t *camera, const json_t *measured, double announced_fps);

/* The same for a camera and its sub stream together. */
void camera_findings_of_pair(json_t *findings, const json_t *camera, const json_t *sub);

/* What a camera's settings say of the way to it, TASK, with the name of its camera or sub stream. */
void camera_findings_of_settings(json_t *findings, const char *name, const struct camera_task *task);

#endif
