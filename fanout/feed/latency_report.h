/*
 * Tells ringcastd how long fragments took from their ring to the viewers' sockets, camera by camera.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_LATENCY_REPORT_H
#define FANOUT_FEED_LATENCY_REPORT_H

#include "fanout/stream.h"

/*
 * Sends the histograms that have grown since they were last sent, in as many `latency` messages as they need.
 * False: CHANNEL does not take all of them now; the rest is for the next time.
 */
bool latency_report_send(struct cameras *cameras, int channel);

/* All that is known is to be sent: another ringcastd listens. True if that is anything. */
bool latency_report_again(struct cameras *cameras);

#endif
