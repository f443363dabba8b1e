/*
 * Tells ringcastd how long fragments took from their ring to the viewers' sockets, camera by camera.
 * ringcast-fanout's only thread.
 */
#ifndef LATENCY_REPORT_H
#define LATENCY_REPORT_H

#include "camera.h"

/*
 * Sends the histograms that have grown since they were last sent, in as many `latency` messages as they need.
 * What CHANNEL does not take now is sent the next time.
 */
void latency_report_send(struct cameras *cameras, int channel);

/* All that is known is sent the next time: another ringcastd listens. */
void latency_report_again(struct cameras *cameras);

#endif
