/* SPDX-License-Identifier: MIT */
/*
 * Events of cameras: they come from ringcastctl or, through a fan-out, from an operator, and go to all fan-outs, which tell those who watch.
 * A fan-out that begins later is told what is still in force. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_ATTENTION_H
#define SUPERVISOR_ATTENTION_H

#include <jansson.h>

struct supervisor;
struct fanout;

/* Answers the command `attention` (docs/reference/control.md). A new object. */
json_t *attention_answer(struct supervisor *supervisor, const json_t *request);

/* FANOUT has begun. */
void attention_repeat(struct supervisor *supervisor, struct fanout *fanout);

/* Forgets all. */
void attention_finish(struct supervisor *supervisor);

#endif
