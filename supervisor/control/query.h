/*
 * Questions to fan-outs whose answers make one reply to ringcastctl. All that are asked answer, end, or are
 * given up after a time limit, so every request has its reply; it says who is missing. Supervisor's main
 * thread only.
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

/* One question, when all that is to come has come. */
struct query_result {
    json_t *answers;       /* array: the messages */
    json_t *missing;       /* array of integers: fan-outs that did not answer */
    const json_t *context; /* what query_ask was given */
};

/* The reply, a new reference. */
typedef json_t *(*query_conclude)(const struct query_result *result);

struct query {
    struct fanout *const *fanouts; /* all; … */
    size_t first, count;           /* … these are asked */
    json_t *question;              /* consumed; gets a "number" */
    json_t *context;               /* consumed; may be NULL */
    query_conclude conclude;
};

/* NULL: out of memory. */
struct query_set *query_set_create(sd_event *event);

/* Those that wait are dropped. NULL is allowed. */
void query_set_destroy(struct query_set *queries);

/* Asks, and answers TICKET (consumed) then: at once if there is no fan-out to ask. */
void query_ask(struct query_set *queries, const struct query *query, struct control_ticket *ticket);

/* Fan-out INDEX answers. */
void query_answer(struct query_set *queries, size_t index, const json_t *answer);

/* Fan-out INDEX has ended: it answers nothing any more. */
void query_fanout_gone(struct query_set *queries, size_t index);

#endif
