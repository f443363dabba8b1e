/* SPDX-License-Identifier: MIT */
/*
 * One camera's settings as a value: copied, compared, freed. Pure functions on struct config_camera
 * (config.h).
 */
#ifndef COMMON_CONFIG_CONFIG_CAMERA_H
#define COMMON_CONFIG_CONFIG_CAMERA_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"

/* A deep copy, to be finished. Aborts when out of memory, as all of the configuration does. */
void config_camera_copy(struct config_camera *to, const struct config_camera *from);

/* True if NAME is that of a sub stream. */
bool config_is_sub(const char *name);

/* Frees what it points to; secrets are overwritten first. */
void config_camera_finish(struct config_camera *camera);

/* True if a worker of one would do for the other: every setting that a worker learns is the same. */
bool config_camera_same_task(const struct config_camera *a, const struct config_camera *b);

/* True if all settings are the same. */
bool config_camera_equal(const struct config_camera *a, const struct config_camera *b);

/* A number that is the same for the same task, and hardly ever for another. */
uint64_t config_camera_task_hash(const struct config_camera *camera);

#endif
