#include "status_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "message.h"
#include "text.h"

/* Bytes of a cell: an error may be long, a name has 64 bytes; four times that where all is escaped. */
#define CELL_SIZE 512

/* Shown where there is no value. */
#define NOTHING "-"

/* Fills CELL from a camera. */
typedef void cell_writer(char cell[CELL_SIZE], const json_t *camera);

struct column {
    const char *title;
    bool right; /* alignment */
    cell_writer *write;
};

static void write_text(char cell[CELL_SIZE], const json_t *camera, const char *member)
{
    text_escape(cell, CELL_SIZE, message_string(camera, member, NOTHING));
}

static void write_count(char cell[CELL_SIZE], const json_t *camera, const char *member)
{
    const json_t *value = json_object_get(camera, member);

    if (json_is_integer(value))
        snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(cell, CELL_SIZE, NOTHING);
}

static void write_span(char cell[CELL_SIZE], const json_t *seconds)
{
    double value = json_number_value(seconds);

    if (!json_is_number(seconds) || !(value >= 0) || value > 1e9) {
        snprintf(cell, CELL_SIZE, NOTHING);
        return;
    }
    unsigned total = (unsigned)value;
    if (total < 60)
        snprintf(cell, CELL_SIZE, "%us", total);
    else if (total < 3600)
        snprintf(cell, CELL_SIZE, "%um %02us", total / 60, total % 60);
    else if (total < 86400)
        snprintf(cell, CELL_SIZE, "%uh %02um", total / 3600, total / 60 % 60);
    else
        snprintf(cell, CELL_SIZE, "%ud %02uh", total / 86400, total / 3600 % 24);
}

static void write_name(char cell[CELL_SIZE], const json_t *camera)
{
    write_text(cell, camera, "name");
}

static void write_state(char cell[CELL_SIZE], const json_t *camera)
{
    write_text(cell, camera, "state");
}

static void write_since(char cell[CELL_SIZE], const json_t *camera)
{
    write_span(cell, json_object_get(camera, "since_s"));
}

static void write_pid(char cell[CELL_SIZE], const json_t *camera)
{
    write_count(cell, camera, "pid");
}

static void write_codecs(char cell[CELL_SIZE], const json_t *camera)
{
    write_text(cell, camera, "codecs");
}

static void write_picture_size(char cell[CELL_SIZE], const json_t *camera)
{
    json_int_t width = message_integer(camera, "width", 0);
    json_int_t height = message_integer(camera, "height", 0);

    if (width > 0 && height > 0)
        snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT "x%" JSON_INTEGER_FORMAT, width, height);
    else
        snprintf(cell, CELL_SIZE, NOTHING);
}

/* -1: not a number, or none that a camera could have. */
static double rate_of(const json_t *camera, const char *member)
{
    const json_t *value = json_object_get(camera, member);
    double rate = json_number_value(value);

    return json_is_number(value) && rate >= 0 && rate < 1e12 ? rate : -1;
}

static void write_fps(char cell[CELL_SIZE], const json_t *camera)
{
    double fps = rate_of(camera, "fps");

    if (fps >= 0)
        snprintf(cell, CELL_SIZE, "%.1f", fps);
    else
        snprintf(cell, CELL_SIZE, NOTHING);
}

static void write_bitrate(char cell[CELL_SIZE], const json_t *camera)
{
    double bitrate = rate_of(camera, "bitrate");

    if (bitrate < 0)
        snprintf(cell, CELL_SIZE, NOTHING);
    else if (bitrate < 999500)
        snprintf(cell, CELL_SIZE, "%.0f kbit/s", bitrate / 1000);
    else
        snprintf(cell, CELL_SIZE, "%.2f Mbit/s", bitrate / 1000000);
}

static void write_viewers(char cell[CELL_SIZE], const json_t *camera)
{
    write_count(cell, camera, "viewers");
}

static void write_restarts(char cell[CELL_SIZE], const json_t *camera)
{
    write_count(cell, camera, "restarts");
}

static void write_error(char cell[CELL_SIZE], const json_t *camera)
{
    write_text(cell, camera, "error");
}

static const struct column columns[] = {
    {"NAME", false, write_name},        {"STATE", false, write_state},    {"FOR", true, write_since},
    {"PID", true, write_pid},           {"CODECS", false, write_codecs},  {"SIZE", false, write_picture_size},
    {"FPS", true, write_fps},           {"BITRATE", true, write_bitrate}, {"VIEWERS", true, write_viewers},
    {"RESTARTS", true, write_restarts}, {"ERROR", false, write_error},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

/* Columns of a terminal that TEXT, valid UTF-8, takes. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    size_t available = strlen(text);
    mbstate_t state = {0};

    while (available > 0) {
        wchar_t character = 0;
        size_t length = text_utf8_length(text, available);
        length = length > 0 ? length : 1;
        int wide = mbrtowc(&character, text, length, &state) == length ? wcwidth(character) : -1;
        if (wide < 0)
            memset(&state, 0, sizeof(state)); /* the locale does not know it: most characters take one */
        width += wide < 0 ? 1 : (size_t)wide;
        text += length;
        available -= length;
    }
    return width;
}

static void pad(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* CAMERA NULL: the titles. */
static void write_cell(char cell[CELL_SIZE], size_t column, const json_t *camera)
{
    if (camera == NULL)
        snprintf(cell, CELL_SIZE, "%s", columns[column].title);
    else
        columns[column].write(cell, camera);
}

static void print_row(FILE *out, const json_t *camera, const size_t widths[COLUMN_COUNT])
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        char cell[CELL_SIZE];
        write_cell(cell, i, camera);
        size_t padding = widths[i] - text_width(cell);
        if (columns[i].right)
            pad(out, padding);
        fputs(cell, out);
        if (i + 1 == COLUMN_COUNT)
            break;
        pad(out, (columns[i].right ? 0 : padding) + 2);
    }
    fputc('\n', out);
}

static void widen(size_t widths[COLUMN_COUNT], const json_t *camera)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        char cell[CELL_SIZE];
        write_cell(cell, i, camera);
        size_t width = text_width(cell);
        if (width > widths[i])
            widths[i] = width;
    }
}

static void print_summary(const json_t *status, FILE *out)
{
    char version[CELL_SIZE], address[CELL_SIZE], instance[CELL_SIZE], uptime[CELL_SIZE];

    write_text(version, status, "version");
    write_text(address, status, "address");
    write_text(instance, status, "instance");
    write_span(uptime, json_object_get(status, "uptime_s"));
    fprintf(out, "ringcastd %s, pid %" JSON_INTEGER_FORMAT ", instance %s, %s, up %s\n\n", version,
            message_integer(status, "pid", 0), instance, address, uptime);
}

void status_table_print(const json_t *status, FILE *out)
{
    const json_t *cameras = json_object_get(status, "cameras");
    size_t widths[COLUMN_COUNT] = {0};
    size_t index;
    json_t *camera;

    print_summary(status, out);
    widen(widths, NULL);
    json_array_foreach(cameras, index, camera) widen(widths, camera);
    print_row(out, NULL, widths);
    json_array_foreach(cameras, index, camera) print_row(out, camera, widths);
}

static const char *check_camera(const json_t *camera)
{
    const json_t *pid = json_object_get(camera, "pid");

    if (!json_is_object(camera))
        return "a camera is not an object";
    if (!json_is_string(json_object_get(camera, "name")))
        return "a camera has no name";
    if (!json_is_string(json_object_get(camera, "state")))
        return "a camera has no state";
    if (!json_is_null(pid) && !json_is_integer(pid))
        return "a camera has no pid";
    return NULL;
}

const char *status_check(const json_t *status)
{
    const json_t *cameras = json_object_get(status, "cameras");
    const char *problem = NULL;
    size_t index;
    json_t *camera;

    if (!message_is(status, "status"))
        return "not a status";
    if (!json_is_array(cameras))
        return "no cameras";
    json_array_foreach(cameras, index, camera) if (problem == NULL) problem = check_camera(camera);
    return problem;
}
