/* SPDX-License-Identifier: MIT */
#include "supervisor/process/watchdog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "supervisor/process/timer.h"

#define INTERVAL_MS 250

/* After the whole machine stood still: time for every process to beat again. */
#define GRACE_MS 2000

/*
 * A look that comes this late means that the whole machine stood still: every process gets time to catch up.
 */
#define LATE_MS 1000

/* No honest process promises more; a promise beyond it is one not to be watched. */
#define PROMISE_MAX_MS 60000

struct watchdog {
    sd_event *event;
    sd_event_source *timer;
    uint64_t looked_ms;
    uint64_t grace_until_ms;
    LIST_HEAD(, watchdog_entry) entries;
};

static bool is_overdue(struct watchdog_entry *entry, uint64_t now)
{
    uint64_t due = blackbox_due_ms(entry->box);

    if (due != entry->first_due_ms) {
        entry->first_due_ms = due;
        entry->believed_ms = now;
    }
    if (due == 0) {
        return false;
    }
    return now > due || now - entry->believed_ms > PROMISE_MAX_MS;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
    struct watchdog *watchdog = data;
    uint64_t now = clock_now_ms();

    (void)source, (void)usec;
    log_settle();
    if (now - watchdog->looked_ms > INTERVAL_MS + LATE_MS) {
        watchdog->grace_until_ms = now + GRACE_MS;
    }
    watchdog->looked_ms = now;
    for (struct watchdog_entry *entry = LIST_FIRST(&watchdog->entries), *next; entry; entry = next) {
        next = LIST_NEXT(entry, next);
        if (is_overdue(entry, now) && now >= watchdog->grace_until_ms) {
            watchdog_unwatch(entry);
            entry->overdue(entry->data);
        }
    }
    return timer_arm(watchdog->event, &watchdog->timer, INTERVAL_MS, on_timer, watchdog);
}

int watchdog_create(sd_event *event, struct watchdog **made)
{
    struct watchdog *watchdog = calloc(1, sizeof(*watchdog));

    if (!watchdog) {
        return -ENOMEM;
    }
    watchdog->event = sd_event_ref(event);
    watchdog->looked_ms = clock_now_ms();
    LIST_INIT(&watchdog->entries);
    int result = timer_arm(event, &watchdog->timer, INTERVAL_MS, on_timer, watchdog);
    if (result < 0) {
        watchdog_destroy(watchdog);
        return result;
    }
    *made = watchdog;
    return 0;
}

void watchdog_destroy(struct watchdog *watchdog)
{
    if (!watchdog) {
        return;
    }
    timer_disarm(&watchdog->timer);
    sd_event_unref(watchdog->event);
    free(watchdog);
}

void watchdog_watch(struct watchdog *watchdog, struct watchdog_entry *entry)
{
    entry->first_due_ms = 0;
    LIST_INSERT_HEAD(&watchdog->entries, entry, next);
}

uint64_t watchdog_silence_ms(const struct watchdog_entry *entry)
{
    return clock_now_ms() - entry->believed_ms;
}

void watchdog_unwatch(struct watchdog_entry *entry)
{
    if (!entry->next.le_prev) {
        return;
    }
    LIST_REMOVE(entry, next);
    entry->next.le_prev = NULL;
}
