/* SPDX-License-Identifier: MIT */
/*
 * How late a sender's reports arrive, and over TCP the packets around them as well. On a connection that is slower than
 * its stream each arrives later than the one before, as long as something on the way buffers them. This is measured by
 * reports and not by RTP timestamps, because cameras' RTP clocks often run at another rate than they state. Owned by a
 * track; one thread. Nothing here reads a clock.
 */
#ifndef INGEST_RTP_LATENESS_H
#define INGEST_RTP_LATENESS_H

#include <stdbool.h>
#include <stdint.h>

struct lateness {
    bool started;
    int64_t sent_ns, arrival_ns; /* of the last report */
    int64_t least_ns;            /* arrival − sending of the most punctual one */
};

/*
 * A report arrived whose sending time, by the sender's clock, was SENT_NS. Returns by how many nanoseconds it is later than
 * the most punctual one; 0 after a jump of the sender's clock, which starts the measurement again. A clock that is wrong
 * by a thousandth does not count as lateness.
 */
int64_t lateness_note(struct lateness *lateness, int64_t sent_ns, int64_t arrival_ns);

#endif
