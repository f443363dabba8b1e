/* SPDX-License-Identifier: MIT */
#include "ctl/table.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/base/text.h"
#include "common/ipc/message.h"

/* Stands where there is no value. */
static const char nothing[] = "-";

void table_write_nothing(char cell[TABLE_CELL_SIZE])
{
    text_copy(cell, TABLE_CELL_SIZE, nothing);
}

void table_write_text(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    text_escape(cell, TABLE_CELL_SIZE, message_string(row, member, nothing));
}

void table_write_count(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    const json_t *value = json_object_get(row, member);

    if (json_is_integer(value)) {
        snprintf(cell, TABLE_CELL_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        table_write_nothing(cell);
    }
}

void table_write_bytes(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    const json_t *value = json_object_get(row, member);
    double bytes = json_number_value(value);
    size_t unit = 0;

    if (!json_is_integer(value) || bytes < 0) {
        table_write_nothing(cell);
        return;
    }
    if (bytes < 1000) {
        snprintf(cell, TABLE_CELL_SIZE, "%.0f B", bytes);
        return;
    }
    for (bytes /= 1000; bytes >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++) {
        bytes /= 1000;
    }
    snprintf(cell, TABLE_CELL_SIZE, "%.1f %s", bytes, units[unit]);
}

void table_write_duration(char cell[TABLE_CELL_SIZE], double milliseconds)
{
    if (milliseconds > 0 && milliseconds < 1e9) {
        snprintf(cell, TABLE_CELL_SIZE, "%.1f ms", milliseconds);
    } else {
        table_write_nothing(cell);
    }
}

void table_write_ms(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    table_write_duration(cell, json_number_value(json_object_get(row, member)));
}

void table_write_span(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    const json_t *seconds = json_object_get(row, member);
    double value = json_number_value(seconds);

    if (!json_is_number(seconds) || !(value >= 0) || value > 1e9) {
        table_write_nothing(cell);
        return;
    }
    unsigned total = (unsigned)value;
    if (total < 60) {
        snprintf(cell, TABLE_CELL_SIZE, "%us", total);
    } else if (total < 3600) {
        snprintf(cell, TABLE_CELL_SIZE, "%um %02us", total / 60, total % 60);
    } else if (total < 86400) {
        snprintf(cell, TABLE_CELL_SIZE, "%uh %02um", total / 3600, total / 60 % 60);
    } else {
        snprintf(cell, TABLE_CELL_SIZE, "%ud %02uh", total / 86400, total / 3600 % 24);
    }
}

/* Bytes of the first character of TEXT, valid UTF-8 of AVAILABLE bytes; *WIDTH: how many columns of a terminal it takes. */
static size_t measure(const char *text, size_t available, size_t *width)
{
    wchar_t character = 0;
    mbstate_t state = {0};
    size_t length = text_utf8_length(text, available);

    length = length > 0 ? length : 1;
    int wide = mbrtowc(&character, text, length, &state) == length ? wcwidth(character) : -1;
    *width = wide < 0 ? 1 : (size_t)wide; /* not known to the locale: most characters take one column */
    return length;
}

/* How many columns of a terminal TEXT, valid UTF-8, takes. */
static size_t text_width(const char *text)
{
    size_t width = 0, available = strlen(text);

    while (available > 0) {
        size_t wide;
        size_t length = measure(text, available, &wide);
        width += wide;
        text += length;
        available -= length;
    }
    return width;
}

size_t table_fitting(const char *text, size_t columns)
{
    size_t at = 0, width = 0, available = strlen(text);

    while (at < available) {
        size_t wide;
        size_t length = measure(text + at, available - at, &wide);
        if (width + wide > columns) {
            break;
        }
        width += wide;
        at += length;
    }
    return at;
}

static void pad(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* ROW is NULL for the titles. */
static void write_cell(char cell[TABLE_CELL_SIZE], const struct table_column *column, const json_t *row)
{
    if (!row) {
        snprintf(cell, TABLE_CELL_SIZE, "%s", column->title);
    } else {
        column->write(cell, row, column->member);
    }
}

static void print_row(FILE *out, const struct table_column *columns, size_t count, const json_t *row,
                      const size_t *widths)
{
    for (size_t i = 0; i < count; i++) {
        char cell[TABLE_CELL_SIZE];
        write_cell(cell, &columns[i], row);
        size_t padding = widths[i] - text_width(cell);
        if (columns[i].right) {
            pad(out, padding);
        }
        fputs(cell, out);
        if (i + 1 == count) {
            break;
        }
        pad(out, (columns[i].right ? 0 : padding) + 2);
    }
    fputc('\n', out);
}

static void widen(const struct table_column *columns, size_t count, const json_t *row, size_t *widths)
{
    for (size_t i = 0; i < count; i++) {
        char cell[TABLE_CELL_SIZE];
        write_cell(cell, &columns[i], row);
        size_t width = text_width(cell);
        if (width > widths[i]) {
            widths[i] = width;
        }
    }
}

void table_print(const struct table_column *columns, size_t count, const json_t *rows, FILE *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    size_t index;
    json_t *row;

    widen(columns, count, NULL, widths);
    json_array_foreach(rows, index, row) {
        widen(columns, count, row, widths);
    }
    print_row(out, columns, count, NULL, widths);
    json_array_foreach(rows, index, row) {
        print_row(out, columns, count, row, widths);
    }
}
