/* SPDX-License-Identifier: MIT */
#include "common/ipc/attention_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

/* What is over is kept so long: everybody has been told by then. */
#define KEPT_NS (60 * NS_PER_SECOND)

void attention_list_init(struct attention_list *list)
{
    *list = (struct attention_list){0};
    TAILQ_INIT(&list->queue);
}

static void take_out(struct attention_list *list, struct attention *attention)
{
    TAILQ_REMOVE(&list->queue, attention, link);
    list->count--;
    json_decref(attention->event);
    free(attention);
}

/* Those that are over, and that of CAMERA. */
static void make_room(struct attention_list *list, const char *camera, int64_t now_ns)
{
    struct attention *attention = TAILQ_FIRST(&list->queue);

    while (attention) {
        struct attention *next = TAILQ_NEXT(attention, link);
        if (attention->until_ns + KEPT_NS < now_ns || strcmp(attention->camera, camera) == 0) {
            take_out(list, attention);
        }
        attention = next;
    }
}

int attention_list_add(struct attention_list *list, const json_t *event, int64_t now_ns)
{
    const char *camera = json_string_value(json_object_get(event, "camera"));
    double seconds = json_number_value(json_object_get(event, "for"));

    make_room(list, camera, now_ns);
    if (list->count >= ATTENTION_MOST) {
        return -ENOSPC;
    }
    struct attention *attention = calloc(1, sizeof(*attention));
    json_t *copy = attention ? json_copy((json_t *)event) : NULL;
    if (!copy) {
        free(attention);
        return -ENOMEM;
    }
    *attention = (struct attention){
        .event = copy,
        .until_ns = now_ns + (int64_t)(seconds * (double)NS_PER_SECOND),
        .number = ++list->newest,
        .camera = json_string_value(json_object_get(copy, "camera")),
    };
    TAILQ_INSERT_TAIL(&list->queue, attention, link);
    list->count++;
    return 0;
}

json_t *attention_at(const struct attention *attention, int64_t now_ns)
{
    int64_t left_ns = attention->until_ns - now_ns;
    int64_t left_ms = left_ns > 0 ? left_ns / NS_PER_MS : 0;
    json_t *event = json_copy(attention->event);

    if (event && json_object_set_new(event, "for", json_real((double)left_ms / 1000)) < 0) {
        json_decref(event);
        return NULL;
    }
    return event;
}

void attention_list_finish(struct attention_list *list)
{
    while (!TAILQ_EMPTY(&list->queue)) {
        take_out(list, TAILQ_FIRST(&list->queue));
    }
}
