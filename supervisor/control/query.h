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
#define INQUIRY_FANOUTS_MAX 64

struct inquiries;

/* One question, when all that is to come has come. */
struct inquiry_result {
    json_t *answers;       /* array: the messages */
    json_t *missing;       /* array of integers: fan-outs that did not answer */
    const json_t *context; /* what inquiries_ask was given */
};

/* The reply, a new reference. */
typedef json_t *(*inquiry_conclude)(const struct inquiry_result *result);

struct inquiry {
    struct fanout *const *fanouts; /* all; … */
    size_t first, count;           /* … these are asked */
    json_t *question;              /* consumed; gets a "number" */
    json_t *context;               /* consumed; may be NULL */
    inquiry_conclude conclude;
};

/* NULL: out of memory. */
struct inquiries *inquiries_create(sd_event *event);

/* Those that wait are dropped. NULL is allowed. */
void inquiries_destroy(struct inquiries *inquiries);

/* Asks, and answers TICKET (consumed) then: at once if nobody can be asked. */
void inquiries_ask(struct inquiries *inquiries, const struct inquiry *inquiry, struct control_ticket *ticket);

/* Fan-out INDEX answers. */
void inquiries_answer(struct inquiries *inquiries, size_t index, const json_t *answer);

/* Fan-out INDEX has ended: it answers nothing any more. */
void inquiries_gone(struct inquiries *inquiries, size_t index);

#endif
