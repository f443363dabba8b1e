/* SPDX-License-Identifier: MIT */
#include "supervisor/process/timer.h"

#include <time.h>

#define USEC_PER_MS 1000u

/*
 * The event loop may delay a timer by this much to save wake-ups; its default of 250 ms would slow restarts.
 */
#define ACCURACY_USEC 1000u

int timer_arm(sd_event *event, sd_event_source **timer, uint64_t delay_ms, sd_event_time_handler_t handler,
              void *data)
{
    timer_disarm(timer);
    return sd_event_add_time_relative(event, timer, CLOCK_MONOTONIC, delay_ms * USEC_PER_MS, ACCURACY_USEC,
                                      handler, data);
}

void timer_disarm(sd_event_source **timer)
{
    *timer = sd_event_source_disable_unref(*timer);
}
