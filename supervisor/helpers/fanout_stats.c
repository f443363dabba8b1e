#include "supervisor/helpers/fanout_stats.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16u

struct entry {
    char *camera;
    struct latency now, past;
};

/* Sorted by name. */
struct figures {
    struct entry *list;
    size_t count, room;
};

struct figures *figures_create(void)
{
    return calloc(1, sizeof(struct figures));
}

void figures_destroy(struct figures *figures)
{
    if (figures == NULL) {
        return;
    }
    for (size_t i = 0; i < figures->count; i++) {
        free(figures->list[i].camera);
    }
    free(figures->list);
    free(figures);
}

/* The first entry that does not come before CAMERA. */
static size_t place_of(const struct figures *figures, const char *camera)
{
    size_t low = 0, high = figures->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(figures->list[middle].camera, camera) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct entry *find(const struct figures *figures, const char *camera)
{
    size_t place = place_of(figures, camera);
    bool found = place < figures->count && strcmp(figures->list[place].camera, camera) == 0;

    return found ? &figures->list[place] : NULL;
}

static bool make_room(struct figures *figures)
{
    if (figures->count < figures->room) {
        return true;
    }
    size_t room = figures->room == 0 ? FIRST_ROOM : 2 * figures->room;
    struct entry *list = reallocarray(figures->list, room, sizeof(*list));
    if (list == NULL) {
        return false;
    }
    figures->list = list;
    figures->room = room;
    return true;
}

void figures_admit(struct figures *figures, const char *camera)
{
    if (find(figures, camera) != NULL || !make_room(figures)) {
        return;
    }
    char *name = strdup(camera);
    if (name == NULL) {
        return;
    }
    size_t place = place_of(figures, camera);
    memmove(&figures->list[place + 1], &figures->list[place],
            (figures->count - place) * sizeof(figures->list[0]));
    figures->list[place] = (struct entry){.camera = name};
    figures->count++;
}

void figures_forget(struct figures *figures, const char *camera)
{
    struct entry *entry = find(figures, camera);

    if (entry == NULL) {
        return;
    }
    free(entry->camera);
    figures->count--;
    memmove(entry, entry + 1, (size_t)(&figures->list[figures->count] - entry) * sizeof(*entry));
}

unsigned figures_take(struct figures *figures, const json_t *cameras)
{
    unsigned malformed = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)cameras, name, value) {
        struct entry *entry = find(figures, name);
        struct latency latency;
        if (!latency_from_json(&latency, value)) {
            malformed++;
        } else if (entry != NULL) {
            entry->now = latency;
        }
    }
    return malformed;
}

void figures_begin_anew(struct figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        latency_merge(&figures->list[i].past, &figures->list[i].now);
        figures->list[i].now = (struct latency){0};
    }
}

void figures_add(const struct figures *figures, const char *camera, struct latency *latency)
{
    const struct entry *entry = find(figures, camera);

    if (entry == NULL) {
        return;
    }
    latency_merge(latency, &entry->past);
    latency_merge(latency, &entry->now);
}
