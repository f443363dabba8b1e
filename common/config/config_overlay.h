/* SPDX-License-Identifier: MIT */
/*
 * Changes of cameras at run time, on top of a configuration file: a JSON object, name → entry. An entry is
 *   {"removed":true}                  the camera does not exist, even if the file has it
 *   {"base":"none","settings":{…}}    the camera has these settings, and none of the file's
 *   {"base":"file","settings":{…}}    these settings replace those of the file; nothing, if the file has no such camera
 * Settings have the same names as in the file; null stands for the default. Beneath these changes lie the cameras of the whole cluster, if it has some.
 * Part of config.c; pure functions.
 */
#ifndef COMMON_CONFIG_CONFIG_OVERLAY_H
#define COMMON_CONFIG_CONFIG_OVERLAY_H

#include <jansson.h>
#include <libconfig.h>

#include "common/config/config.h"
#include "common/config/config_report.h"

/*
 * Changes ROOT, the file as it was read, as if the file had CHANGES (may be NULL) in it. The names of cameras that the file has
 * and CHANGES remove are added to REMOVED. Errors go to REPORT.
 */
void config_overlay_apply(config_setting_t *root, const json_t *changes, struct config_list *removed,
                          struct config_report *report);

/*
 * Adds CAMERAS (cluster_cameras.h; may be NULL), those of the whole cluster, to ROOT. One that the file has, too, is an error against the file's, in REPORT.
 */
void config_overlay_add(config_setting_t *root, const json_t *cameras, struct config_report *report);

/* The cameras of ROOT, which has been checked, as the same object. A new reference; aborts when out of memory. */
json_t *config_overlay_export(const config_setting_t *root);

/* Where the settings of camera NAME, which is in the configuration, come from. */
enum config_origin config_overlay_origin(const json_t *cluster, const json_t *changes, const char *name);

#endif
