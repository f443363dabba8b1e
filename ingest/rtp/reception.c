/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/reception.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/ntp.h"

/* A report is of no use after this long: timestamps of 90 kHz wrap after 13 hours. */
#define REPORT_AGE_MAX_S 3600

/* How far the sender's wall clock may be from ours to be believed: behind by the time that a report takes to arrive and
 * the difference of two clocks kept by NTP, ahead by that difference alone. */
#define CLOCK_BEHIND_MAX_NS (5 * NS_PER_SECOND)
#define CLOCK_AHEAD_MAX_NS (50 * NS_PER_MS)

/* Times further from 0 are invalid: only a sender that jumps to and fro gets there. 34 years. */
#define TIME_MAX_S (INT64_C(1) << 30)

/* Smoothing of the jitter (RFC 3550, A.8). */
#define JITTER_GAIN 16

void reception_init(struct reception *reception, uint32_t clock_rate)
{
    *reception = (struct reception){.clock_rate = clock_rate};
}

void reception_restart(struct reception *reception)
{
    reception->started = false;
    reception->has_report = false;
    reception->trusted = false;
}

int64_t reception_ticks_to_ns(const struct reception *reception, int64_t ticks)
{
    int64_t rate = reception->clock_rate;

    return ticks / rate * NS_PER_SECOND + ticks % rate * NS_PER_SECOND / rate;
}

static void note_jitter(struct reception *reception, int64_t transit_ns)
{
    int64_t change = llabs(transit_ns - reception->last_transit_ns);

    /* A jump of the clock does not count as jitter. */
    if (change < NS_PER_SECOND) {
        reception->jitter_ns += (change - reception->jitter_ns) / JITTER_GAIN;
    }
}

int64_t reception_note(struct reception *reception, uint32_t timestamp, int64_t arrival_ns)
{
    int64_t time = timestamp;

    if (reception->started) {
        time = reception->last_time + (int32_t)(timestamp - reception->last_timestamp);
    }
    if (llabs(time) / reception->clock_rate > TIME_MAX_S) {
        time = timestamp;
    }
    int64_t transit_ns = arrival_ns - reception_ticks_to_ns(reception, time);
    if (reception->started) {
        note_jitter(reception, transit_ns);
    }
    reception->started = true;
    reception->last_timestamp = timestamp;
    reception->last_time = time;
    reception->last_transit_ns = transit_ns;
    return time;
}

void reception_note_report(struct reception *reception, const struct rtcp_sender_report *report,
                           int64_t arrival_ns, int64_t wall_ns)
{
    int64_t behind = wall_ns - ntp_unix_ns(report->ntp);

    reception->has_report = true;
    reception->report = *report;
    reception->report_arrival_ns = arrival_ns;
    reception->trusted = behind <= CLOCK_BEHIND_MAX_NS && behind >= -CLOCK_AHEAD_MAX_NS;
}

bool reception_sender_clock(const struct reception *reception, int64_t time, int64_t *unix_ns)
{
    if (!reception->has_report || !reception->started) {
        return false;
    }
    uint32_t timestamp = reception->last_timestamp + (uint32_t)(time - reception->last_time);
    int64_t since = (int32_t)(timestamp - reception->report.timestamp);
    if (llabs(since) / reception->clock_rate > REPORT_AGE_MAX_S) {
        return false;
    }
    *unix_ns = ntp_unix_ns(reception->report.ntp) + reception_ticks_to_ns(reception, since);
    return true;
}
