/* SPDX-License-Identifier: MIT */
/* A status reply (docs/reference/control.md) as a table for people. Any thread. */
#ifndef CTL_STATUS_TABLE_H
#define CTL_STATUS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* NULL: STATUS is a well-formed status reply; otherwise what is wrong with it, a static text. */
const char *status_table_check(const json_t *status);

/* Prints a line about ringcastd, its sandbox, and an empty line. STATUS has passed the check. */
void status_table_print_head(const json_t *status, FILE *out);

/* Prints the titles and a line for each of CAMERAS, an array. */
void status_table_print_cameras(const json_t *cameras, FILE *out);

enum status_trouble {
    STATUS_WELL,     /* streaming, or as it is meant to be */
    STATUS_IMPAIRED, /* streaming with a fault, such as no sound; or just starting */
    STATUS_AWAY,     /* no pictures */
};

enum status_trouble status_table_trouble(const json_t *camera);

/* A new array of CAMERAS, those in the worst trouble first and else in their order; ONLY_BAD: without those that are well. */
json_t *status_table_sorted(const json_t *cameras, bool only_bad);

#endif
