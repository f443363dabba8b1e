/* SPDX-License-Identifier: MIT */
/*
 * The cameras of a supervisor: made from the configuration, kept as it says, and what they report passed on
 * to fan-outs and events. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_CAMERAS_H
#define SUPERVISOR_CAMERAS_H

#include "common/config/config.h"

struct supervisor;

/* The camera NAME of CONFIG. NULL: it has none. */
const struct config_camera *cameras_find_config(const struct config *config, const char *name);

/* Adds a camera to the end of the supervisor's list and does not start it. 0 or -ENOMEM, logged. */
int cameras_make(struct supervisor *supervisor, const struct config_camera *config);

/*
 * Makes the cameras what the configuration says. A camera that must end before another one takes its name is
 * replaced when it has ended.
 */
void cameras_reconcile(struct supervisor *supervisor);

#endif
