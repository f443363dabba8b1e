/* SPDX-License-Identifier: MIT */
/* From libconfig's tree to struct config. Part of config.c. */
#ifndef COMMON_CONFIG_CONFIG_READ_H
#define COMMON_CONFIG_CONFIG_READ_H

#include <libconfig.h>

#include "common/config/config.h"
#include "common/config/config_place.h"
#include "common/config/config_report.h"

/*
 * Fills CONFIG from ROOT. Errors go to REPORT. What depends on the machine (runtime_dir, instance) stays NULL
 * where the file does not set it; camera lines count in the text.
 */
void config_read_tree(const config_setting_t *root, struct config *config, struct config_report *report,
                      const struct config_places *places);

/* The same for a file that has the cameras of a whole cluster and nothing else: CONFIG is only good for config_free. */
void config_read_cluster_tree(const config_setting_t *root, struct config *config,
                              struct config_report *report, const struct config_places *places);

#endif
