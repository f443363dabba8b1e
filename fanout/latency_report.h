/* SPDX-License-Identifier: MIT */
/*
 * Tells ringcastd how long each stream's fragments took from their ring to the viewers' sockets.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_LATENCY_REPORT_H
#define FANOUT_LATENCY_REPORT_H

#include "fanout/stream.h"

/*
 * Sends the histograms that have grown since they were last sent, in as many `latency` messages as they need.
 * False: CHANNEL does not take all of them now; the next call sends the rest.
 */
bool latency_report_send(struct streams *streams, int channel);

/* Another ringcastd has taken over: marks every histogram for sending. True if there is anything to send. */
bool latency_report_again(struct streams *streams);

#endif
