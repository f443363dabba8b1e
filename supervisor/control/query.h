/* SPDX-License-Identifier: MIT */
/*
 * Questions to fan-outs whose answers make one reply to ringcastctl. Each fan-out that was asked answers,
 * ends, or is given up after a time limit, so every request gets its reply, which lists the fan-outs that did
 * not answer. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_CONTROL_QUERY_H
#define SUPERVISOR_CONTROL_QUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "supervisor/control/control.h"
#include "supervisor/helpers/fanout.h"

/* Most fan-outs that one question can go to. */
#define QUERY_FANOUTS_MAX 64

struct query_set;

/* The answers to one question, when no more are to come. */
struct query_result {
    json_t *answers;       /* array: the messages */
    json_t *missing;       /* array of integers: fan-outs that did not answer */
    const json_t *context; /* that of the query */
};

/* Makes the reply from the answers; a new reference. */
typedef json_t *(*query_conclude)(const struct query_result *result);

struct query {
    struct fanout *const *fanouts; /* all fan-outs */
    size_t first, count;           /* which of them are asked */
    json_t *question;              /* consumed; a "number" is added */
    json_t *context;               /* consumed; may be NULL */
    query_conclude conclude;
};

/* NULL: out of memory. */
struct query_set *query_set_create(sd_event *event);

/* Questions without all answers are dropped. NULL is allowed. */
void query_set_destroy(struct query_set *queries);

/* Asks the fan-outs, and answers TICKET (consumed) afterwards; at once if there is none to ask. */
void query_ask(struct query_set *queries, const struct query *query, struct control_ticket *ticket);

/* Takes the answer of fan-out INDEX. */
void query_answer(struct query_set *queries, size_t index, const json_t *answer);

/* Fan-out INDEX has ended and will not answer. */
void query_fanout_gone(struct query_set *queries, size_t index);

#endif
