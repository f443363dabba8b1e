/* SPDX-License-Identifier: MIT */
/* Who may watch: what must hold between settings that are right in themselves. Part of config_read.c. */
#ifndef COMMON_CONFIG_CONFIG_ACCESS_H
#define COMMON_CONFIG_CONFIG_ACCESS_H

#include "common/config/config_reader.h"

/* After all of the file has been read by READER. */
void config_access_check(const struct config_reader *reader);

#endif
