/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file with its @include files in place. libconfig could follow @include itself,
 * but its version 1.5 ends the process when the included name is a directory, waits for ever on a FIFO, and resolves
 * relative names in the working directory. Part of config.c; belongs to one config_load at a time.
 */
#ifndef COMMON_CONFIG_CONFIG_SOURCE_H
#define COMMON_CONFIG_CONFIG_SOURCE_H

#include "common/config/config_place.h"
#include "common/config/config_report.h"

struct config_source;

/*
 * Reads PATH. Errors go to REPORT; config_source_text is then NULL, but the source exists all the same, because its places
 * are needed to print the errors. To be freed with config_source_destroy.
 */
struct config_source *config_source_create(const char *path, struct config_report *report);

void config_source_destroy(struct config_source *source);

const char *config_source_text(const struct config_source *source);

/* Where the lines of the text come from; they belong to the source. */
const struct config_places *config_source_places(const struct config_source *source);

#endif
