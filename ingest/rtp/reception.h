/* SPDX-License-Identifier: MIT */
/*
 * What a receiver knows of a sender's clock and of the arrival of its packets: unwrapped timestamps, interarrival jitter, the
 * sender's wall clock (RFC 3550, 6.4 and A.8). Owned by a track;
 * one thread. Times in nanoseconds; arrivals by CLOCK_MONOTONIC.
 */
#ifndef INGEST_RTP_RECEPTION_H
#define INGEST_RTP_RECEPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/rtp/rtcp.h"

struct reception {
    uint32_t clock_rate; /* Hz, at least MEDIA_FORMAT_CLOCK_MIN */
    bool started;
    uint32_t last_timestamp;
    int64_t last_time; /* the same, unwrapped */
    int64_t last_transit_ns;
    int64_t jitter_ns;
    bool has_report;
    struct rtcp_sender_report report; /* the last one */
    int64_t report_arrival_ns;
    bool trusted; /* the sender's wall clock agrees with ours */
};

void reception_init(struct reception *reception, uint32_t clock_rate);

/* Another sender, or one that has started again: its timestamps have nothing to do with the earlier ones. */
void reception_restart(struct reception *reception);

/* A packet arrived. Returns its timestamp in ticks, unwrapped: it goes on across wraps, forward and back. */
int64_t reception_note(struct reception *reception, uint32_t timestamp, int64_t arrival_ns);

/* Takes a sender report that arrived at ARRIVAL_NS, WALL_NS by our wall clock. */
void reception_note_report(struct reception *reception, const struct rtcp_sender_report *report,
                           int64_t arrival_ns, int64_t wall_ns);

/* The sender's wall clock (Unix time) at TIME, in ticks as from reception_note. False: not known, for want of a report. */
bool reception_sender_clock(const struct reception *reception, int64_t time, int64_t *unix_ns);

int64_t reception_ticks_to_ns(const struct reception *reception, int64_t ticks);

#endif
