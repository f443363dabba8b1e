/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/fanout_stats.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16u

struct entry {
    char *camera;
    struct latency now, past;
};

/* Sorted by name. */
struct fanout_stats {
    struct entry *list;
    size_t count, room;
};

struct fanout_stats *fanout_stats_create(void)
{
    return calloc(1, sizeof(struct fanout_stats));
}

void fanout_stats_destroy(struct fanout_stats *stats)
{
    if (!stats) {
        return;
    }
    for (size_t i = 0; i < stats->count; i++) {
        free(stats->list[i].camera);
    }
    free(stats->list);
    free(stats);
}

/* The first entry that does not come before CAMERA. */
static size_t place_of(const struct fanout_stats *stats, const char *camera)
{
    size_t low = 0, high = stats->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(stats->list[middle].camera, camera) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct entry *find(const struct fanout_stats *stats, const char *camera)
{
    size_t place = place_of(stats, camera);
    bool found = place < stats->count && strcmp(stats->list[place].camera, camera) == 0;

    return found ? &stats->list[place] : NULL;
}

static bool make_room(struct fanout_stats *stats)
{
    if (stats->count < stats->room) {
        return true;
    }
    size_t room = stats->room == 0 ? FIRST_ROOM : 2 * stats->room;
    struct entry *list = reallocarray(stats->list, room, sizeof(*list));
    if (!list) {
        return false;
    }
    stats->list = list;
    stats->room = room;
    return true;
}

void fanout_stats_admit(struct fanout_stats *stats, const char *camera)
{
    if (find(stats, camera) || !make_room(stats)) {
        return;
    }
    char *name = strdup(camera);
    if (!name) {
        return;
    }
    size_t place = place_of(stats, camera);
    memmove(&stats->list[place + 1], &stats->list[place], (stats->count - place) * sizeof(stats->list[0]));
    stats->list[place] = (struct entry){.camera = name};
    stats->count++;
}

void fanout_stats_forget(struct fanout_stats *stats, const char *camera)
{
    struct entry *entry = find(stats, camera);

    if (!entry) {
        return;
    }
    free(entry->camera);
    stats->count--;
    memmove(entry, entry + 1, (size_t)(&stats->list[stats->count] - entry) * sizeof(*entry));
}

unsigned fanout_stats_take(struct fanout_stats *stats, const json_t *cameras)
{
    unsigned malformed = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)cameras, name, value) {
        struct entry *entry = find(stats, name);
        struct latency latency;
        if (!latency_from_json(&latency, value)) {
            malformed++;
        } else if (entry) {
            entry->now = latency;
        }
    }
    return malformed;
}

void fanout_stats_restart(struct fanout_stats *stats)
{
    for (size_t i = 0; i < stats->count; i++) {
        latency_merge(&stats->list[i].past, &stats->list[i].now);
        stats->list[i].now = (struct latency){0};
    }
}

void fanout_stats_add(const struct fanout_stats *stats, const char *camera, struct latency *latency)
{
    const struct entry *entry = find(stats, camera);

    if (!entry) {
        return;
    }
    latency_merge(latency, &entry->past);
    latency_merge(latency, &entry->now);
}
