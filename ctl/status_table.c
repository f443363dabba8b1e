/* SPDX-License-Identifier: MIT */
#include "ctl/status_table.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ipc/message.h"
#include "ctl/table.h"

/* The latency that the table shows: 95 of 100 fragments take no longer. */
#define LATENCY_SHARE 0.95

/* From two members. */
static void write_picture_size(char cell[TABLE_CELL_SIZE], const json_t *camera, const char *member)
{
    json_int_t width = message_integer(camera, "width", 0);
    json_int_t height = message_integer(camera, "height", 0);

    (void)member;
    if (width > 0 && height > 0) {
        snprintf(cell, TABLE_CELL_SIZE, "%" JSON_INTEGER_FORMAT "x%" JSON_INTEGER_FORMAT, width, height);
    } else {
        table_write_nothing(cell);
    }
}

/* -1: not a number, or not one that a camera could have. */
static double rate_of(const json_t *camera, const char *member)
{
    const json_t *value = json_object_get(camera, member);
    double rate = json_number_value(value);

    return json_is_number(value) && rate >= 0 && rate < 1e12 ? rate : -1;
}

static void write_fps(char cell[TABLE_CELL_SIZE], const json_t *camera, const char *member)
{
    double fps = rate_of(camera, member);

    if (fps >= 0) {
        snprintf(cell, TABLE_CELL_SIZE, "%.1f", fps);
    } else {
        table_write_nothing(cell);
    }
}

static void write_bitrate(char cell[TABLE_CELL_SIZE], const json_t *camera, const char *member)
{
    double bitrate = rate_of(camera, member);

    if (bitrate < 0) {
        table_write_nothing(cell);
    } else if (bitrate < 999500) {
        snprintf(cell, TABLE_CELL_SIZE, "%.0f kbit/s", bitrate / 1000);
    } else {
        snprintf(cell, TABLE_CELL_SIZE, "%.2f Mbit/s", bitrate / 1000000);
    }
}

/*
 * The time within which SHARE of the counted fragments came; negative: none was counted. What lies above the
 * last bound counts as the bound; within a bucket the times are taken to be spread evenly.
 */
static double quantile(const json_t *latency, double share)
{
    const json_t *bounds = json_object_get(latency, "le_s"), *counts = json_object_get(latency, "counts");
    double total = 0, before = 0, lower = 0;

    for (size_t i = 0; i < json_array_size(counts); i++) {
        total += json_number_value(json_array_get(counts, i));
    }
    for (size_t i = 0; total > 0 && i < json_array_size(bounds); i++) {
        double count = json_number_value(json_array_get(counts, i));
        double upper = json_number_value(json_array_get(bounds, i));
        if (before + count >= share * total && count > 0) {
            return lower + (upper - lower) * (share * total - before) / count;
        }
        before += count;
        lower = upper;
    }
    return total > 0 ? lower : -1;
}

static void write_latency(char cell[TABLE_CELL_SIZE], const json_t *camera, const char *member)
{
    table_write_duration(cell, quantile(json_object_get(camera, member), LATENCY_SHARE) * 1000);
}

/* What keeps the pictures away, else what keeps the sound away. */
static void write_error(char cell[TABLE_CELL_SIZE], const json_t *camera, const char *member)
{
    static const char head[] = "no sound: ";
    char text[TABLE_CELL_SIZE];

    table_write_text(cell, camera, member);
    if (json_is_string(json_object_get(camera, member)) ||
        !json_is_string(json_object_get(camera, "audio_error"))) {
        return;
    }
    table_write_text(text, camera, "audio_error");
    snprintf(cell, TABLE_CELL_SIZE, "%s%.*s", head, (int)(TABLE_CELL_SIZE - sizeof(head)), text);
}

static const struct table_column columns[] = {
    {"NAME", false, table_write_text, "name"},
    {"STATE", false, table_write_text, "state"},
    {"FOR", true, table_write_span, "since_s"},
    {"PID", true, table_write_count, "pid"},
    {"UP", true, table_write_span, "uptime_s"},
    {"CODECS", false, table_write_text, "codecs"},
    {"AUDIO", false, table_write_text, "audio"},
    {"SIZE", false, write_picture_size, "width"},
    {"FPS", true, write_fps, "fps"},
    {"BITRATE", true, write_bitrate, "bitrate"},
    {"LATENCY", true, write_latency, "latency"},
    {"VIEWERS", true, table_write_count, "viewers"},
    {"RESTARTS", true, table_write_count, "restarts"},
    {"SOURCE", false, table_write_text, "source"},
    {"ERROR", false, write_error, "error"},
    {"NODE", false, table_write_text, "node"}, /* last: only where a camera is another node's */
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

static_assert(COLUMN_COUNT <= TABLE_COLUMNS_MAX, "table_print has room for all of them");

static void print_summary(const json_t *status, FILE *out)
{
    char version[TABLE_CELL_SIZE], address[TABLE_CELL_SIZE], instance[TABLE_CELL_SIZE],
        uptime[TABLE_CELL_SIZE];

    table_write_text(version, status, "version");
    table_write_text(address, status, "address");
    table_write_text(instance, status, "instance");
    table_write_span(uptime, status, "uptime_s");
    fprintf(out, "ringcastd %s, pid %" JSON_INTEGER_FORMAT ", instance %s, %s, up %s\n", version,
            message_integer(status, "pid", 0), instance, address, uptime);
}

/* Cameras that the file has and that are not there. */
static void print_removed(const json_t *status, FILE *out)
{
    const json_t *names = json_object_get(status, "removed");
    char text[TABLE_CELL_SIZE];
    size_t index;
    json_t *name;

    json_array_foreach(names, index, name) {
        text_escape(text, sizeof(text), json_is_string(name) ? json_string_value(name) : "?");
        fprintf(out, "%s%s",
                index == 0 ? "removed at run time, and still in the file (`ringcastctl camera reset NAME`): "
                           : ", ",
                text);
    }
    if (json_array_size(names) > 0) {
        fputc('\n', out);
    }
}

static bool holds(const json_t *layers, const json_t *layer)
{
    size_t index;
    const json_t *other;

    json_array_foreach(layers, index, other) {
        if (json_equal(other, layer)) {
            return true;
        }
    }
    return false;
}

/* Removes from *COMMON (NULL before the first process) the layers that PROCESS, if it runs, does not have. */
static void keep_common(json_t **common, const json_t *process)
{
    const json_t *layers = json_object_get(process, "sandbox");

    if (!json_is_array(layers) || !json_is_integer(json_object_get(process, "pid"))) {
        return;
    }
    if (!*common) {
        *common = json_copy((json_t *)layers);
        return;
    }
    for (size_t i = json_array_size(*common); i > 0; i--) {
        if (!holds(layers, json_array_get(*common, i - 1))) {
            json_array_remove(*common, i - 1);
        }
    }
}

/* Prints the layers common to all processes that read input from outside: cameras and viewers. */
static void print_sandbox(const json_t *status, FILE *out)
{
    json_t *common = NULL;
    char text[TABLE_CELL_SIZE];
    size_t index;
    json_t *item;

    json_array_foreach(json_object_get(status, "fanouts"), index, item) {
        keep_common(&common, item);
    }
    json_array_foreach(json_object_get(status, "cameras"), index, item) {
        keep_common(&common, item);
    }
    keep_common(&common, json_object_get(status, "template"));
    if (!common) {
        fprintf(out, "\n");
        return;
    }
    fprintf(out, "sandbox:%s", json_array_size(common) == 0 ? " none" : "");
    json_array_foreach(common, index, item) {
        text_escape(text, sizeof(text), json_is_string(item) ? json_string_value(item) : "?");
        fprintf(out, " %s", text);
    }
    fprintf(out, "\n\n");
    json_decref(common);
}

void status_table_print_head(const json_t *status, FILE *out)
{
    print_summary(status, out);
    print_removed(status, out);
    print_sandbox(status, out);
}

static bool has_remote(const json_t *cameras)
{
    size_t index;
    const json_t *camera;

    json_array_foreach(cameras, index, camera) {
        if (json_is_string(json_object_get(camera, "node"))) {
            return true;
        }
    }
    return false;
}

void status_table_print_cameras(const json_t *cameras, FILE *out)
{
    struct table_column shown[COLUMN_COUNT] = {columns[0], columns[COLUMN_COUNT - 1]};

    if (has_remote(cameras)) {
        memcpy(&shown[2], &columns[1], (COLUMN_COUNT - 2) * sizeof(columns[0]));
        table_print(shown, COLUMN_COUNT, cameras, out);
    } else {
        table_print(columns, COLUMN_COUNT - 1, cameras, out);
    }
}

enum status_trouble status_table_trouble(const json_t *camera)
{
    static const char *const at_rest[] = {"idle", "disabled"};
    const char *state = message_string(camera, "state", "");
    bool told = message_string(camera, "error", NULL) || message_string(camera, "audio_error", NULL);

    for (size_t i = 0; i < sizeof(at_rest) / sizeof(at_rest[0]); i++) {
        if (strcmp(state, at_rest[i]) == 0) {
            return STATUS_WELL;
        }
    }
    if (strcmp(state, "streaming") == 0) {
        return told ? STATUS_IMPAIRED : STATUS_WELL;
    }
    return strcmp(state, "starting") == 0 && !told ? STATUS_IMPAIRED : STATUS_AWAY;
}

json_t *status_table_sorted(const json_t *cameras, bool only_bad)
{
    json_t *sorted = json_array();
    size_t index;
    json_t *camera;

    for (int trouble = STATUS_AWAY; trouble >= (only_bad ? STATUS_IMPAIRED : STATUS_WELL); trouble--) {
        json_array_foreach(cameras, index, camera) {
            if ((int)status_table_trouble(camera) == trouble) {
                json_array_append(sorted, camera);
            }
        }
    }
    return sorted;
}

static const char *check_camera(const json_t *camera)
{
    const json_t *pid = json_object_get(camera, "pid");

    if (!json_is_object(camera)) {
        return "a camera is not an object";
    }
    if (!json_is_string(json_object_get(camera, "name"))) {
        return "a camera has no name";
    }
    if (!json_is_string(json_object_get(camera, "state"))) {
        return "a camera has no state";
    }
    if (!json_is_null(pid) && !json_is_integer(pid)) {
        return "a camera has no pid";
    }
    return NULL;
}

const char *status_table_check(const json_t *status)
{
    const json_t *cameras = json_object_get(status, "cameras");
    const char *problem = NULL;
    size_t index;
    json_t *camera;

    if (!message_is(status, "status")) {
        return "not a status";
    }
    if (!json_is_array(cameras)) {
        return "no cameras";
    }
    json_array_foreach(cameras, index, camera) {
        if (!problem) {
            problem = check_camera(camera);
        }
    }
    return problem;
}
