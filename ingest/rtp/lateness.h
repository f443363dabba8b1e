/*
 * How late a sender's reports come, and with them over TCP the packets around them: on a connection that is
 * slower than its stream, each later than the one before, for as long as somebody on the way keeps them.
 * Reports tell, because cameras' RTP clocks often run at another rate than they say. Owned by a track; one
 * thread. Nothing here reads a clock.
 */
#ifndef INGEST_RTP_LATENESS_H
#define INGEST_RTP_LATENESS_H

#include <stdbool.h>
#include <stdint.h>

struct lateness {
    bool started;
    int64_t sent_ns, arrival_ns; /* of the last report */
    int64_t least_ns;            /* arrival − sending of one that was in time */
};

/*
 * A report that says it was sent at SENT_NS, by the sender's clock, arrived. Nanoseconds that it is later
 * than the most punctual one; 0 after a jump of the sender's clock, with which everything begins anew. A
 * clock that is wrong by a thousandth is no lateness.
 */
int64_t lateness_note(struct lateness *lateness, int64_t sent_ns, int64_t arrival_ns);

#endif
