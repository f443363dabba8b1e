/*
 * The text of a configuration file with its @include files in place. libconfig could follow @include itself,
 * but version 1.5 ends the process when the included name is a directory, waits for ever on a FIFO, and takes
 * relative names from the working directory. Part of config.c; belongs to one config_load at a time.
 */
#ifndef COMMON_CONFIG_CONFIG_SOURCE_H
#define COMMON_CONFIG_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct config_report;
struct config_source;

/* Where a line of the text comes from. LINE 0: the file as a whole. */
struct config_place {
    const char *file; /* belongs to the source */
    unsigned line;
};

/*
 * Reads PATH. What is wrong goes to REPORT, and config_source_text is then NULL; the source is there all the
 * same, to say where errors are. NULL: out of memory. To be freed with config_source_destroy.
 */
struct config_source *config_source_create(const char *path, struct config_report *report);

void config_source_destroy(struct config_source *source);

const char *config_source_text(const struct config_source *source);

/* LINE of the text, from 1 on. */
struct config_place config_source_place(const struct config_source *source, unsigned line);

#endif
