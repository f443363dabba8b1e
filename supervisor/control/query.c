#include "supervisor/control/query.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/limit.h"
#include "supervisor/process/timer.h"

/* Questions at a time: people ask them, one by one. */
#define INQUIRIES_MAX 64

struct pending {
    TAILQ_ENTRY(pending) next;
    struct inquiries *inquiries;
    struct control_ticket *ticket;
    inquiry_conclude conclude;
    json_t *answers, *missing, *context;
    json_int_t number;
    uint64_t waiting; /* bit I: fan-out I has not answered */
    sd_event_source *deadline;
};

struct inquiries {
    sd_event *event;
    TAILQ_HEAD(pending_list, pending) list;
    size_t count;
    json_int_t last_number;
};

struct inquiries *inquiries_create(sd_event *event)
{
    struct inquiries *inquiries = calloc(1, sizeof(*inquiries));

    if (inquiries == NULL) {
        return NULL;
    }
    inquiries->event = event;
    TAILQ_INIT(&inquiries->list);
    return inquiries;
}

/* Answers with REPLY (consumed). */
static void finish(struct pending *pending, json_t *reply)
{
    TAILQ_REMOVE(&pending->inquiries->list, pending, next);
    pending->inquiries->count--;
    timer_disarm(&pending->deadline);
    control_reply(pending->ticket, reply);
    json_decref(pending->answers);
    json_decref(pending->missing);
    json_decref(pending->context);
    free(pending);
}

void inquiries_destroy(struct inquiries *inquiries)
{
    if (inquiries == NULL) {
        return;
    }
    for (struct pending *pending; (pending = TAILQ_FIRST(&inquiries->list)) != NULL;) {
        finish(pending, NULL);
    }
    free(inquiries);
}

static void conclude(struct pending *pending)
{
    const struct inquiry_result result = {
        .answers = pending->answers, .missing = pending->missing, .context = pending->context};

    finish(pending, pending->conclude(&result));
}

/* Fan-out INDEX answers nothing. */
static void give_up(struct pending *pending, size_t index)
{
    pending->waiting &= ~(UINT64_C(1) << index);
    json_array_append_new(pending->missing, json_integer((json_int_t)index));
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
    struct pending *pending = data;

    (void)source, (void)usec;
    for (size_t i = 0; i < INQUIRY_FANOUTS_MAX; i++) {
        if ((pending->waiting & UINT64_C(1) << i) != 0) {
            give_up(pending, i);
        }
    }
    conclude(pending);
    return 0;
}

static struct pending *pending_create(struct inquiries *inquiries, const struct inquiry *inquiry,
                                      struct control_ticket *ticket)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    if (pending == NULL) {
        return NULL;
    }
    *pending = (struct pending){.inquiries = inquiries,
                                .ticket = ticket,
                                .conclude = inquiry->conclude,
                                .answers = json_array(),
                                .missing = json_array(),
                                .context = json_incref(inquiry->context),
                                .number = ++inquiries->last_number};
    TAILQ_INSERT_TAIL(&inquiries->list, pending, next);
    inquiries->count++;
    return pending;
}

static void ask_each(struct pending *pending, const struct inquiry *inquiry)
{
    json_object_set_new(inquiry->question, "number", json_integer(pending->number));
    for (size_t i = inquiry->first; i < inquiry->first + inquiry->count && i < INQUIRY_FANOUTS_MAX; i++) {
        if (fanout_ask(inquiry->fanouts[i], inquiry->question)) {
            pending->waiting |= UINT64_C(1) << i;
        } else {
            give_up(pending, i);
        }
    }
}

void inquiries_ask(struct inquiries *inquiries, const struct inquiry *inquiry, struct control_ticket *ticket)
{
    bool busy = inquiries->count == INQUIRIES_MAX;
    struct pending *pending = busy ? NULL : pending_create(inquiries, inquiry, ticket);

    if (pending == NULL) {
        control_reply(ticket, busy ? message_error("busy", "too many such requests at once") : NULL);
    } else {
        ask_each(pending, inquiry);
        if (pending->waiting == 0) {
            conclude(pending);
        } else {
            timer_arm(inquiries->event, &pending->deadline, LIMIT_INQUIRY_MS, on_deadline, pending);
        }
    }
    json_decref(inquiry->question);
    json_decref(inquiry->context);
}

void inquiries_answer(struct inquiries *inquiries, size_t index, const json_t *answer)
{
    json_int_t number = message_integer(answer, "number", 0);
    struct pending *pending;

    TAILQ_FOREACH(pending, &inquiries->list, next) {
        if (pending->number == number && (pending->waiting & UINT64_C(1) << index) != 0) {
            break;
        }
    }
    if (pending == NULL) {
        log_debug("fanout[%zu]: an answer that nobody waits for", index);
        return;
    }
    pending->waiting &= ~(UINT64_C(1) << index);
    json_array_append(pending->answers, (json_t *)(uintptr_t)answer);
    if (pending->waiting == 0) {
        conclude(pending);
    }
}

void inquiries_gone(struct inquiries *inquiries, size_t index)
{
    struct pending *next;

    for (struct pending *pending = TAILQ_FIRST(&inquiries->list); pending != NULL; pending = next) {
        next = TAILQ_NEXT(pending, next);
        if ((pending->waiting & UINT64_C(1) << index) == 0) {
            continue;
        }
        give_up(pending, index);
        if (pending->waiting == 0) {
            conclude(pending);
        }
    }
}
