/* SPDX-License-Identifier: MIT */
/*
 * A group of settings while it is read, and what is found wrong with it. Part of config_read.c and config_access.c; belongs to
 * one config_read_tree at a time.
 */
#ifndef COMMON_CONFIG_CONFIG_READER_H
#define COMMON_CONFIG_CONFIG_READER_H

#include <libconfig.h>
#include <stdbool.h>

#include "common/config/config.h"
#include "common/config/config_place.h"
#include "common/config/config_report.h"

/* Bytes of a field's name, such as "cameras[999].transport". */
#define CONFIG_FIELD_SIZE 128

/* One group of settings: the file's, a camera's, an item's. */
struct config_reader {
    struct config *config;
    struct config_report *report;
    const struct config_places *places;
    const config_setting_t *group;
    void *object;              /* the structure that the settings' offsets are for */
    bool inherits;             /* settings that are not given have their values already */
    bool of_cluster;           /* the file is one with the cameras of a whole cluster */
    struct config_camera *sub; /* where the camera's sub stream goes */
    const char *prefix;        /* of the fields' names: "" or "cameras[2]." */
    unsigned line;
};

/* Reports against setting NAME of the reader's group, at LINE. */
void config_reader_report(const struct config_reader *reader, unsigned line, const char *name,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Where setting NAME stands; or its group, if it is not there. */
unsigned config_reader_line(const struct config_reader *reader, const char *name);

#endif
