/* SPDX-License-Identifier: MIT */
/*
 * Checks the heartbeats of all child processes (blackbox.h) a few times a second and reports the processes
 * whose heartbeat is overdue. Owned by the supervisor; its main thread only.
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
    /* The heartbeat is overdue; called at most once. */
    void (*overdue)(void *data);
    void *data;
    uint64_t first_due_ms; /* CLOCK_MONOTONIC: the heartbeat that is waited for is due by then */
    uint64_t believed_ms;  /* CLOCK_MONOTONIC: since when it is waited for */
};

/* 0 or negative errno. */
int watchdog_create(sd_event *event, struct watchdog **watchdog);

/* No process may be watched then. NULL is allowed. */
void watchdog_destroy(struct watchdog *watchdog);

/* Watches ENTRY, whose box, overdue and data are set. A process that has not begun to beat is not overdue. */
void watchdog_watch(struct watchdog *watchdog, struct watchdog_entry *entry);

/* How long ago the last heartbeat was. */
uint64_t watchdog_silence_ms(const struct watchdog_entry *entry);

/* Does nothing if ENTRY is not watched. */
void watchdog_unwatch(struct watchdog_entry *entry);

#endif
