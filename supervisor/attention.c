/* SPDX-License-Identifier: MIT */
#include "supervisor/attention.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/supervisor.h"

/* Of an event that a fan-out has checked, or this file. */
static int raise_event(struct supervisor *supervisor, const json_t *event)
{
    int64_t now_ns = clock_now_ns();
    int result = attention_spend(&supervisor->attention_budget, now_ns) ? 0 : -EAGAIN;

    if (result == 0) {
        result = attention_list_add(&supervisor->attention, event, now_ns);
    }
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_tell_event(supervisor->fanouts[i], event);
    }
    events_publish(supervisor->events, "attention", json_copy((json_t *)event));
    return 0;
}

json_t *attention_answer(struct supervisor *supervisor, const json_t *request)
{
    char why[ATTENTION_WHY_SIZE];
    json_t *event = attention_read(json_object_get(request, "event"), why);

    if (!event) {
        return message_error("malformed", "%s", why);
    }
    const char *camera = message_string(event, "camera", "");
    json_t *answer = NULL;
    if (supervisor_find_camera(supervisor, camera)) {
        int result = raise_event(supervisor, event);
        answer = result == 0 ? message_new("ok")
                             : message_error("limit", "too many events at a time: %s", strerror(-result));
    }
    json_decref(event);
    return answer; /* NULL: no such camera */
}

void supervisor_fanout_raises(struct supervisor *supervisor, const json_t *message)
{
    char why[ATTENTION_WHY_SIZE];
    json_t *event = attention_read(json_object_get(message, "event"), why);

    /* The camera may have gone on the way. */
    if (event && supervisor_find_camera(supervisor, message_string(event, "camera", ""))) {
        int result = raise_event(supervisor, event);
        if (result < 0) {
            log_warning("an event is left out: %s", strerror(-result));
        }
    }
    json_decref(event);
}

void attention_repeat(struct supervisor *supervisor, struct fanout *fanout)
{
    const struct attention *attention;
    int64_t now_ns = clock_now_ns();

    TAILQ_FOREACH(attention, &supervisor->attention.queue, link) {
        if (attention->until_ns > now_ns) {
            json_t *event = attention_at(attention, now_ns);
            fanout_tell_event(fanout, event);
            json_decref(event);
        }
    }
}

void attention_finish(struct supervisor *supervisor)
{
    attention_list_finish(&supervisor->attention);
}
