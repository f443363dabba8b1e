/* SPDX-License-Identifier: MIT */
#include "fanout/gate_reports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/ipc/message.h"

/* Between the first refusal of an address and the report of it. */
#define REFUSED_MS 1000

/* When ringcastd does not read. */
#define RETRY_MS 100

/* Messages that wait for ringcastd: a log-out that finds no place is refused. */
#define UNSENT_MAX 1024u

static void arm(struct gate_report_queue *queue, long delay_ms)
{
    if (!queue->due) {
        queue->due = true;
        watch_timer_arm(&queue->timer, delay_ms);
    }
}

/* Sends what waits, as far as ringcastd takes it. */
static void flush(struct gate_report_queue *queue)
{
    while (json_array_size(queue->unsent) > 0) {
        json_t *first = json_array_get(queue->unsent, 0);
        if (supervisor_link_send(queue->link, json_incref(first)) == -EAGAIN) {
            arm(queue, RETRY_MS);
            return;
        }
        json_array_remove(queue->unsent, 0);
    }
}

/* Sends MESSAGE (consumed), now or soon. False: it is lost. */
static bool report(struct gate_report_queue *queue, json_t *message)
{
    if (!message || json_array_size(queue->unsent) >= UNSENT_MAX ||
        json_array_append_new(queue->unsent, message) < 0) {
        return false;
    }
    flush(queue);
    return true;
}

static bool on_session_ended(void *context, const char *id, int64_t until, const char *user)
{
    return report(context, message_pack("session-end", "{s:s, s:I, s:s}", "id", id, "until",
                                        (json_int_t)until, "user", user));
}

static void on_token_used(void *context, const char *id)
{
    report(context, message_pack("token-used", "{s:s}", "id", id));
}

static struct gate_refusals *find(struct gate_report_queue *queue, const char *address)
{
    for (unsigned i = 0; i < queue->refusal_count; i++) {
        if (strcmp(queue->refusals[i].address, address) == 0) {
            return &queue->refusals[i];
        }
    }
    if (queue->refusal_count == GATE_REPORTS_ADDRESSES) {
        return NULL;
    }
    struct gate_refusals *refusals = &queue->refusals[queue->refusal_count++];
    *refusals = (struct gate_refusals){0};
    snprintf(refusals->address, sizeof(refusals->address), "%s", address);
    return refusals;
}

static void on_refused(void *context, const char *address, const char *what)
{
    struct gate_report_queue *queue = context;
    struct gate_refusals *refusals = find(queue, address);

    if (refusals) {
        refusals->what = what;
        refusals->count++;
    } else {
        queue->refused_elsewhere++;
    }
    arm(queue, REFUSED_MS);
}

static void report_refusals(struct gate_report_queue *queue)
{
    for (unsigned i = 0; i < queue->refusal_count; i++) {
        const struct gate_refusals *refusals = &queue->refusals[i];
        report(queue, message_pack("access-refused", "{s:s, s:s, s:I}", "address", refusals->address, "what",
                                   refusals->what, "count", (json_int_t)refusals->count));
    }
    if (queue->refused_elsewhere > 0) {
        report(queue, message_pack("access-refused", "{s:s, s:s, s:I}", "address", "other addresses", "what",
                                   "wrong credentials", "count", (json_int_t)queue->refused_elsewhere));
    }
    queue->refusal_count = 0;
    queue->refused_elsewhere = 0;
}

static void timer_expired(void *context)
{
    struct gate_report_queue *queue = context;

    queue->due = false;
    report_refusals(queue);
    flush(queue);
}

int gate_reports_begin(struct gate_report_queue *queue, struct loop *loop, struct supervisor_link *link)
{
    *queue = (struct gate_report_queue){.link = link, .unsent = json_array()};
    return watch_timer_begin(&queue->timer, loop, timer_expired, queue);
}

void gate_reports_end(struct gate_report_queue *queue)
{
    watch_end(&queue->timer.watch);
    json_decref(queue->unsent);
    queue->unsent = NULL;
}

struct gate_reports gate_reports_functions(struct gate_report_queue *queue)
{
    return (struct gate_reports){
        .context = queue,
        .refused = on_refused,
        .session_ended = on_session_ended,
        .token_used = on_token_used,
    };
}
