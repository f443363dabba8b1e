/* SPDX-License-Identifier: MIT */
/* What this machine offers to ringcast, and what to do about what it lacks. Reads, and changes nothing. One thread. */
#ifndef CTL_MACHINE_FINDINGS_H
#define CTL_MACHINE_FINDINGS_H

#include <jansson.h>

#include "common/config/config.h"

/*
 * Appends to FINDINGS. CONFIG: the configuration, or NULL. CONFIG_PATH: of its file, or NULL. STATUS: of the running ringcastd, or
 * NULL: none answers.
 */
void machine_findings(json_t *findings, const struct config *config, const char *config_path,
                      const json_t *status);

#endif
