/* SPDX-License-Identifier: MIT */
/*
 * What the gate tells ringcastd (docs/reference/control.md, "ringcastd ↔ fan-out"): sessions that were ended and tokens
 * that were used up, each of them, and credentials that were wrong, together for each address once a second.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_GATE_REPORTS_H
#define FANOUT_GATE_REPORTS_H

#include <jansson.h>

#include "fanout/http/gate.h"
#include "fanout/loop/watch.h"
#include "fanout/supervisor_link.h"

/* Addresses with wrong credentials that are told apart within a second. */
#define GATE_REPORTS_ADDRESSES 32u

struct gate_refusals {
    char address[PASSWORD_ADDRESS_SIZE];
    const char *what; /* of the last one */
    unsigned count;
};

struct gate_report_queue {
    struct supervisor_link *link;
    struct watch_timer timer; /* armed while something is to be sent */
    json_t *unsent;           /* array of messages, in order; NULL: there is no memory */
    struct gate_refusals refusals[GATE_REPORTS_ADDRESSES];
    unsigned refusal_count, refused_elsewhere; /* rows in use; refusals for which there was no row */
    bool due;
};

/* LINK must outlive QUEUE. 0 or negative errno. */
int gate_reports_begin(struct gate_report_queue *queue, struct loop *loop, struct supervisor_link *link);
void gate_reports_end(struct gate_report_queue *queue);

/* For gate_init. */
struct gate_reports gate_reports_functions(struct gate_report_queue *queue);

#endif
