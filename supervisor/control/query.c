/* SPDX-License-Identifier: MIT */
#include "supervisor/control/query.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/timer.h"

/* A fan-out answers a question about its viewers in a millisecond; ringcastctl waits 5 s. */
#define ANSWER_MS 2000

/* Questions at a time: people ask them, one by one. */
#define QUERIES_MAX 64

struct pending {
    TAILQ_ENTRY(pending) next;
    struct query_set *queries;
    struct control_ticket *ticket;
    query_conclude conclude;
    json_t *answers, *missing, *context;
    json_int_t number;
    uint64_t waiting; /* bit I: fan-out I has not answered */
    sd_event_source *deadline;
};

struct query_set {
    sd_event *event;
    TAILQ_HEAD(pending_list, pending) list;
    size_t count;
    json_int_t last_number;
};

struct query_set *query_set_create(sd_event *event)
{
    struct query_set *queries = calloc(1, sizeof(*queries));

    if (!queries) {
        return NULL;
    }
    queries->event = event;
    TAILQ_INIT(&queries->list);
    return queries;
}

/* Answers with REPLY (consumed). */
static void finish(struct pending *pending, json_t *reply)
{
    TAILQ_REMOVE(&pending->queries->list, pending, next);
    pending->queries->count--;
    timer_disarm(&pending->deadline);
    control_reply(pending->ticket, reply);
    json_decref(pending->answers);
    json_decref(pending->missing);
    json_decref(pending->context);
    free(pending);
}

void query_set_destroy(struct query_set *queries)
{
    if (!queries) {
        return;
    }
    for (struct pending *pending; (pending = TAILQ_FIRST(&queries->list));) {
        finish(pending, NULL);
    }
    free(queries);
}

static void conclude(struct pending *pending)
{
    const struct query_result result = {
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
    for (size_t i = 0; i < QUERY_FANOUTS_MAX; i++) {
        if ((pending->waiting & UINT64_C(1) << i) != 0) {
            give_up(pending, i);
        }
    }
    conclude(pending);
    return 0;
}

static struct pending *pending_create(struct query_set *queries, const struct query *query,
                                      struct control_ticket *ticket)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    if (!pending) {
        return NULL;
    }
    *pending = (struct pending){.queries = queries,
                                .ticket = ticket,
                                .conclude = query->conclude,
                                .answers = json_array(),
                                .missing = json_array(),
                                .context = json_incref(query->context),
                                .number = ++queries->last_number};
    TAILQ_INSERT_TAIL(&queries->list, pending, next);
    queries->count++;
    return pending;
}

static void ask_each(struct pending *pending, const struct query *query)
{
    json_object_set_new(query->question, "number", json_integer(pending->number));
    for (size_t i = query->first; i < query->first + query->count && i < QUERY_FANOUTS_MAX; i++) {
        if (fanout_ask(query->fanouts[i], query->question)) {
            pending->waiting |= UINT64_C(1) << i;
        } else {
            give_up(pending, i);
        }
    }
}

void query_ask(struct query_set *queries, const struct query *query, struct control_ticket *ticket)
{
    bool busy = queries->count == QUERIES_MAX;
    struct pending *pending = busy ? NULL : pending_create(queries, query, ticket);

    if (!pending) {
        control_reply(ticket, busy ? message_error("busy", "too many such requests at once") : NULL);
    } else {
        ask_each(pending, query);
        if (pending->waiting == 0) {
            conclude(pending);
        } else {
            timer_arm(queries->event, &pending->deadline, ANSWER_MS, on_deadline, pending);
        }
    }
    json_decref(query->question);
    json_decref(query->context);
}

void query_answer(struct query_set *queries, size_t index, const json_t *answer)
{
    json_int_t number = message_integer(answer, "number", 0);
    struct pending *pending;

    TAILQ_FOREACH(pending, &queries->list, next) {
        if (pending->number == number && (pending->waiting & UINT64_C(1) << index) != 0) {
            break;
        }
    }
    if (!pending) {
        log_debug("fanout[%zu]: an answer without a question", index);
        return;
    }
    pending->waiting &= ~(UINT64_C(1) << index);
    json_array_append(pending->answers, (json_t *)(uintptr_t)answer);
    if (pending->waiting == 0) {
        conclude(pending);
    }
}

void query_fanout_gone(struct query_set *queries, size_t index)
{
    struct pending *next;

    for (struct pending *pending = TAILQ_FIRST(&queries->list); pending; pending = next) {
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
