/*
 * Changes of cameras at run time, on top of a configuration file: a JSON object, name → entry. An entry is
 *   {"removed":true}                      there is no such camera, whatever the file says
 *   {"base":"none","settings":{…}}        the camera has these settings, whatever the file says
 *   {"base":"file","settings":{…}}        these settings replace the file's; if the file has no such camera:
 * nothing Settings have the names of the file's; null stands for the default. Part of config.c; pure
 * functions.
 */
#ifndef COMMON_CONFIG_CONFIG_OVERLAY_H
#define COMMON_CONFIG_CONFIG_OVERLAY_H

#include <jansson.h>
#include <libconfig.h>

#include "common/config/config.h"
#include "common/config/config_report.h"

/* Makes of ROOT, as the file was read, what it would be with CHANGES (may be NULL) in it. Errors go to
 * REPORT. */
void config_overlay_apply(config_setting_t *root, const json_t *changes, struct config_report *report);

/* Where the settings of camera NAME, which is in the configuration, are from. */
enum config_origin config_overlay_origin(const json_t *changes, const char *name);

#endif
