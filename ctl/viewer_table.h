/* A `viewers` reply (docs/reference/control.md) for people. Pure but for writing to OUT. */
#ifndef VIEWER_TABLE_H
#define VIEWER_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* One line per viewer, columns aligned. */
void viewer_table_print(const json_t *reply, FILE *out);

#endif
