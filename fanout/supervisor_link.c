/* SPDX-License-Identifier: MIT */
#include "fanout/supervisor_link.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "fanout/latency_report.h"

/* When ringcastd does not read, a report of viewers is tried again after this long, as it is then. */
#define RETRY_MS 1000

/* Connections and refusals are reported this long after a change. */
#define DOORS_INTERVAL_MS 2000

/*
 * Bytes of a `viewers` message that its cameras may take: less than MESSAGE_CHANNEL_MAX. Enough for a
 * thousand cameras with ordinary names; beyond it the total is still right.
 */
#define REPORT_BYTES_MAX 40960u

/* Bytes that one camera takes beside its name: quotes, colon, digits, comma. */
#define REPORT_ENTRY_BYTES 16u

int supervisor_link_send(struct supervisor_link *link, json_t *message)
{
    int result = !link->channel.watched ? -EPIPE : message ? 0 : -ENOMEM;

    if (result == 0) {
        result = channel_send(link->channel.fd, message, NULL, 0);
    }
    json_decref(message);
    return result;
}

/* Adds name -> COUNT, unless it is 0 or the message would grow too long. *bytes is what it has so far. */
static void add_count(json_t *counts, const char *name, uint64_t count, size_t *bytes)
{
    if (count > 0) {
        *bytes += 2 * strlen(name) + REPORT_ENTRY_BYTES; /* a quote is escaped: two bytes */
    }
    if (count > 0 && *bytes <= REPORT_BYTES_MAX) {
        json_object_set_new(counts, name, json_integer((json_int_t)count));
    }
}

/* The cameras that have viewers, and those whose viewers were too slow, as name -> count. */
static int report_viewers(struct supervisor_link *link)
{
    json_t *counts = json_object(), *drops = json_object();
    json_int_t total = 0;
    size_t bytes = 0;

    for (struct stream *stream = link->streams->first; stream; stream = stream->next) {
        add_count(counts, stream->name, stream->feed.viewers.count, &bytes);
        total += stream->feed.viewers.count;
    }
    for (struct stream *stream = link->streams->first; stream; stream = stream->next) {
        add_count(drops, stream->name, stream->feed.drops, &bytes);
    }
    return supervisor_link_send(
        link, message_pack("viewers", "{s:o, s:o, s:I}", "cameras", counts, "drops", drops, "total", total));
}

static void viewers_timer_expired(void *context)
{
    struct supervisor_link *link = context;
    struct feed_set *set = link->streams->set;

    set->viewers_due = false;
    set->viewers_reported_ms = clock_now_ms();
    if (report_viewers(link) == -EAGAIN) {
        set->viewers_due = true;
        watch_timer_arm(&set->viewers_timer, RETRY_MS);
    }
}

static void latency_timer_expired(void *context)
{
    struct supervisor_link *link = context;
    struct feed_set *set = link->streams->set;

    set->latency_due = false;
    if (link->channel.watched && !latency_report_send(link->streams, link->channel.fd)) {
        feed_set_latency_changed(set);
    }
}

static void doors_timer_expired(void *context)
{
    struct supervisor_link *link = context;

    link->doors_due = false;
    if (supervisor_link_send(link, message_pack("doors", "{s:I, s:o}", "connections",
                                                (json_int_t)link->connections->count, "refused",
                                                limits_refused(link->limits))) == -EAGAIN) {
        supervisor_link_doors_changed(link);
    }
}

void supervisor_link_doors_changed(struct supervisor_link *link)
{
    if (!link->doors_due && link->channel.watched) {
        link->doors_due = link->doors_told = true;
        watch_timer_arm(&link->doors_timer, DOORS_INTERVAL_MS);
    }
}

void supervisor_link_report_again(struct supervisor_link *link)
{
    feed_set_viewers_changed(link->streams->set);
    if (link->doors_told) {
        supervisor_link_doors_changed(link);
    }
    if (latency_report_again(link->streams)) {
        feed_set_latency_changed(link->streams->set);
    }
}

void supervisor_link_viewer_joined(struct supervisor_link *link, const struct stream *stream)
{
    if (stream->feed.viewers.count == 1 && stream_is_idle(stream)) {
        supervisor_link_send(link, message_pack("wanted", "{s:s}", "name", stream->name));
    }
}

int supervisor_link_begin(struct supervisor_link *link, struct loop *loop, struct streams *streams,
                          const struct connections *connections, const struct limits *limits, int channel,
                          void (*received)(void *context), void *context)
{
    *link = (struct supervisor_link){.streams = streams, .connections = connections, .limits = limits};
    int result = watch_begin(&link->channel, loop, channel, received, context);
    if (result == 0) {
        result = watch_timer_begin(&streams->set->viewers_timer, loop, viewers_timer_expired, link);
    }
    if (result == 0) {
        result = watch_timer_begin(&streams->set->latency_timer, loop, latency_timer_expired, link);
    }
    if (result == 0) {
        result = watch_timer_begin(&link->doors_timer, loop, doors_timer_expired, link);
    }
    return result;
}

void supervisor_link_end(struct supervisor_link *link)
{
    if (!link->streams) {
        return; /* it was never begun */
    }
    watch_end(&link->channel);
    watch_end(&link->streams->set->viewers_timer.watch);
    watch_end(&link->streams->set->latency_timer.watch);
    watch_end(&link->doors_timer.watch);
}
