/*
 * Rows of JSON objects as a table for people: columns aligned, control characters escaped. Pure but for
 * writing to OUT.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes of a cell: an error may be long, a name has 64 bytes; four times that where all is escaped. */
#define TABLE_CELL_SIZE 512

#define TABLE_COLUMNS_MAX 16

struct table_column {
    const char *title;
    bool right; /* alignment */
    void (*write)(char cell[TABLE_CELL_SIZE], const json_t *row);
};

/* The titles, then a line for each of ROWS (an array). COUNT is at most TABLE_COLUMNS_MAX. */
void table_print(const struct table_column *columns, size_t count, const json_t *rows, FILE *out);

/* Fills CELL with a member of ROW: text, a whole number; "-" if it is not there. */
void table_write_text(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member);
void table_write_count(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member);

/* A member that is a number of bytes, such as "1.2 MB". */
void table_write_bytes(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member);

/* "0.4 ms"; "-" for what is not above 0. */
void table_write_milliseconds(char cell[TABLE_CELL_SIZE], double milliseconds);

/* A span of time in seconds, such as "3h 05m". */
void table_write_span(char cell[TABLE_CELL_SIZE], const json_t *seconds);

#endif
