/* A status reply (docs/reference/control.md) for people. Pure but for writing to OUT. */
#ifndef CTL_STATUS_TABLE_H
#define CTL_STATUS_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* NULL if STATUS is a well-formed status reply, else what is wrong with it. */
const char *status_check(const json_t *status);

/* A line about ringcastd, then one per camera, columns aligned. STATUS has passed status_check. */
void status_table_print(const json_t *status, FILE *out);

#endif
