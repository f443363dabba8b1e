/* SPDX-License-Identifier: MIT */
/* A status reply (docs/reference/control.md) as a table for people. Any thread. */
#ifndef CTL_STATUS_TABLE_H
#define CTL_STATUS_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* NULL: STATUS is a well-formed status reply; otherwise what is wrong with it, a static text. */
const char *status_table_check(const json_t *status);

/* Prints a line about ringcastd, its sandbox, and a table of the cameras. STATUS has passed the check. */
void status_table_print(const json_t *status, FILE *out);

#endif
