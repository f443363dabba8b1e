/* SPDX-License-Identifier: MIT */
/*
 * One-shot timers of the supervisor's event loop. A timer is a variable of its owner that holds NULL until it
 * is first armed. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_TIMER_H
#define SUPERVISOR_PROCESS_TIMER_H

#include <stdint.h>
#include <systemd/sd-event.h>

/* Calls HANDLER once, DELAY_MS milliseconds from now. An armed timer is moved. 0 or negative errno. */
int timer_arm(sd_event *event, sd_event_source **timer, uint64_t delay_ms, sd_event_time_handler_t handler,
              void *data);

/* Disarms and frees the timer. It need not be armed. */
void timer_disarm(sd_event_source **timer);

#endif
