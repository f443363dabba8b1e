/* SPDX-License-Identifier: MIT */
/*
 * Prints rows of JSON objects as a table for people: columns aligned, control characters escaped. Any thread.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Bytes of a cell. An error may be long; a name has up to 64 bytes, four times as many if all of it is
 * escaped.
 */
#define TABLE_CELL_SIZE 512

#define TABLE_COLUMNS_MAX 16

/* Fills CELL with what ROW has as MEMBER; with "-" if it has no such member or one of another kind. */
typedef void table_write(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member);

struct table_column {
    const char *title;
    bool right; /* aligned to the right */
    table_write *write;
    const char *member;
};

/* Prints the titles, then a line for each of ROWS, an array. COUNT is at most TABLE_COLUMNS_MAX. */
void table_print(const struct table_column *columns, size_t count, const json_t *rows, FILE *out);

table_write table_write_text;
table_write table_write_count; /* a whole number */
table_write table_write_bytes; /* "1.2 MB" */
table_write table_write_span;  /* a time in seconds, "3h 05m" */
table_write table_write_ms;    /* a time in milliseconds above 0, "0.4 ms" */

/* What table_write_ms writes for MILLISECONDS that are not a member. */
void table_write_duration(char cell[TABLE_CELL_SIZE], double milliseconds);

/* How many bytes of TEXT, UTF-8, fit into COLUMNS columns of a terminal. */
size_t table_fitting(const char *text, size_t columns);

/* Fills CELL with the mark of a missing value. */
void table_write_nothing(char cell[TABLE_CELL_SIZE]);

#endif
