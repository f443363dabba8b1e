/*
 * Looks at the heartbeats of all child processes (blackbox.h) a few times a second and reports those that are
 * overdue. Owned by the supervisor; its main thread only.
 */
#ifndef SUPERVISOR_PROCESS_WATCHDOG_H
#define SUPERVISOR_PROCESS_WATCHDOG_H

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "common/ipc/blackbox.h"

struct watchdog;

/* One watched process; memory of its owner. */
struct watchdog_entry {
    LIST_ENTRY(watchdog_entry) next;
    const struct blackbox *box;
    /* Called once, at most. */
    void (*overdue)(void *data);
    void *data;
    uint64_t first_due_ms; /* the promise that is believed now */
    uint64_t believed_ms;  /* and when it was given */
};

/* 0 or negative errno. */
int watchdog_create(sd_event *event, struct watchdog **watchdog);

/* No process may be watched any more. NULL is allowed. */
void watchdog_destroy(struct watchdog *watchdog);

/* ENTRY has box, overdue and data. A process that has not begun to beat is not overdue. */
void watchdog_watch(struct watchdog *watchdog, struct watchdog_entry *entry);

/* How long the last sign of life was ago. */
uint64_t watchdog_silence_ms(const struct watchdog_entry *entry);

/* Nothing happens if it is not watched. */
void watchdog_unwatch(struct watchdog_entry *entry);

#endif
