/* SPDX-License-Identifier: MIT */
/*
 * Errors found in a configuration: collected while it is checked, then printed in the order of the file. Part
 * of config.c; belongs to one config_load at a time.
 */
#ifndef COMMON_CONFIG_CONFIG_REPORT_H
#define COMMON_CONFIG_CONFIG_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include "common/config/config_place.h"

struct config_problem;

struct config_report {
    struct config_problem *problems;
    size_t count;
};

/*
 * LINE counts in the text (config_source.h), 0 means the file as a whole. FIELD is such as
 * "cameras[2].url", or NULL. The text is "what is wrong; what to do" and shows no value of a secret field.
 */
void config_report_add(struct config_report *report, unsigned line, const char *field, const char *format,
                       ...) __attribute__((format(printf, 4, 5)));

/* "FILE:LINE: FIELD: text", one line each, sorted by line. */
void config_report_print(struct config_report *report, const struct config_places *places, FILE *out);

void config_report_finish(struct config_report *report);

#endif
