/* SPDX-License-Identifier: MIT */
/*
 * `POST /event`: an operator, or a program of his, asks for the attention of those who watch a camera. What is raised goes to ringcastd,
 * which tells all fan-outs. ringcast-fanout's only thread.
 */
#ifndef FANOUT_EVENT_REQUESTS_H
#define FANOUT_EVENT_REQUESTS_H

#include "fanout/visit.h"

#define EVENT_REQUESTS_PATH "/event"

/* Answers; returns what the callback returns. */
int event_requests_raise(const struct visit *visit);

#endif
