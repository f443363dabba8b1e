/* SPDX-License-Identifier: MIT */
#include "ingest/worker_link.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/give_back.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/ring/ring_writer.h"
#include "common/sandbox/sandbox.h"
#include "ingest/malloc_tuning.h"
#include "ingest/worker_signals.h"

#define STATS_INTERVAL_NS NS_PER_SECOND

/* What only the beginning of a connection needs, as the proof that its sound can be decoded, is gone after this time. Such proofs
 * are wanted again now and then, so memory is given back again, at this interval. */
#define SETTLED_NS (8 * NS_PER_SECOND)
#define GIVE_BACK_INTERVAL_NS (60 * NS_PER_SECOND)

/* How often the channel is read while streaming: messages are rare, frames are not. */
#define CHANNEL_INTERVAL_NS (50 * NS_PER_MS)

/* ringcastd makes a larger ring in milliseconds. A picture that needs one waits this long for it. */
#define RING_WAIT_NS NS_PER_SECOND

const char *worker_link_strstate(enum worker_state state)
{
    static const char *const names[] = {
        [WORKER_STARTING] = "starting",
        [WORKER_STREAMING] = "streaming",
        [WORKER_STALLED] = "stalled",
        [WORKER_FAILED] = "failed",
    };

    return names[state];
}

int worker_link_send(struct worker_link *link, json_t *message)
{
    int result = message ? channel_send(link->channel, message, NULL, 0) : -ENOMEM;

    json_decref(message);
    if (result == -EPIPE) {
        worker_signals_begin_end();
    }
    return result;
}

void worker_link_report_state(struct worker_link *link)
{
    const struct publisher_status *status = link->status;
    json_t *message = message_new("state");

    if (message) {
        json_object_set_new(message, "state", json_string(worker_link_strstate(link->state)));
        json_object_set_new(message, "sandbox", sandbox_layers());
        json_object_set_new(message, "error",
                            link->error[0] != '\0' ? message_text(link->error) : json_null());
        json_object_set_new(message, "audio", message_text(status->audio));
        json_object_set_new(message, "audio_error",
                            status->audio_error[0] != '\0' ? message_text(status->audio_error) : json_null());
        if (status->codecs[0] != '\0') {
            json_object_set_new(message, "codecs", json_string(status->codecs));
            json_object_set_new(message, "width", json_integer(status->width));
            json_object_set_new(message, "height", json_integer(status->height));
        }
    }
    link->report_due = worker_link_send(link, message) < 0;
    link->reported_changes = status->changes;
    link->reported_audio = status->audio_changes;
}

void worker_link_enter_state(struct worker_link *link, enum worker_state state, const char *error)
{
    link->state = state;
    log_set_state(link->task.name, worker_link_strstate(state));
    snprintf(link->error, sizeof(link->error), "%s", error);
    log_redact(link->error, sizeof(link->error));
    worker_link_report_state(link);
}

static void change_log_level(const json_t *body)
{
    enum log_level level;

    if (log_level_from_name(message_string(body, "level", ""), &level) == 0) {
        log_set_level(level);
    }
}

static void handle_message(struct worker_link *link, struct channel_message *message)
{
    if (message_is(message->body, "stop")) {
        worker_signals_begin_end();
    } else if (message_is(message->body, "ring")) {
        int result = ring_output_receive(&link->output, message, link->wake);
        if (result < 0) {
            log_warning("the next ring cannot be used: %s", strerror(-result));
        }
    } else if (message_is(message->body, "log-level")) {
        change_log_level(message->body);
    } else if (!link->take || !link->take(link->context, message)) {
        log_warning("a message of unknown type is dropped");
    }
}

void worker_link_receive(struct worker_link *link)
{
    struct channel_message message;
    int result;

    while ((result = channel_receive(link->channel, &message)) == 1 || result == -EBADMSG) {
        if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
            continue;
        }
        handle_message(link, &message);
        channel_message_clear(&message);
    }
    if (result == 0) {
        worker_signals_begin_end();
    }
}

static double per_second(uint64_t count, int64_t elapsed_ns)
{
    return round((double)count * (double)NS_PER_SECOND / (double)elapsed_ns * 10) / 10;
}

static void send_stats(struct worker_link *link, int64_t now)
{
    const struct publisher_status *status = link->status;
    int64_t elapsed = now - link->stats_ns;
    json_t *message = link->state == WORKER_STREAMING ? message_new("stats") : NULL;

    if (message) {
        uint64_t bits = (status->bytes - link->stats_bytes) * 8;
        json_object_set_new(message, "fragments", json_integer((json_int_t)status->fragments));
        json_object_set_new(message, "bytes", json_integer((json_int_t)status->bytes));
        json_object_set_new(message, "fps",
                            json_real(per_second(status->fragments - link->stats_fragments, elapsed)));
        json_object_set_new(message, "bitrate", json_real(per_second(bits, elapsed)));
        json_object_set_new(message, "gop_bytes", json_integer((json_int_t)status->gop_bytes));
        json_object_set_new(message, "fragment_bytes", json_integer((json_int_t)status->fragment_bytes));
        worker_stats_write_ring(link->output.ring, message);
        worker_stats_write(&link->stream_stats, status, message);
        worker_link_send(link, message);
    }
    link->stats_ns = now;
    link->stats_fragments = status->fragments;
    link->stats_bytes = status->bytes;
}

void worker_link_report_ring(struct worker_link *link)
{
    if (ring_output_report(&link->output, link->channel) == -EPIPE) {
        worker_signals_begin_end();
    }
}

void worker_link_wait_for_ring(struct worker_link *link, size_t length)
{
    int64_t until = clock_now_ns() + RING_WAIT_NS;
    bool hopeless = length > link->task.ring_size_max / RING_WRITER_FRAGMENT_PART;
    json_t *message = hopeless ? NULL : message_new("ring-short");

    if (!message) {
        return;
    }
    worker_link_report_ring(link);
    json_object_set_new(message, "fragment_bytes", json_integer((json_int_t)length));
    worker_link_send(link, message);
    while (!ring_output_fits(&link->output, length) && clock_now_ns() < until && !worker_signals_ending()) {
        worker_signals_wait(link->channel, (until - clock_now_ns()) / NS_PER_MS + 1);
        worker_link_receive(link);
    }
}

static void give_back(struct worker_link *link, int64_t now)
{
    if (link->give_back_ns != 0 && now >= link->give_back_ns) {
        link->give_back_ns = now + GIVE_BACK_INTERVAL_NS;
        malloc_tuning_give_back();
        give_back_code();
        give_back_stack();
    }
}

bool worker_link_tick(struct worker_link *link, uint64_t beat_ms)
{
    int64_t now = clock_now_ns();

    blackbox_beat(beat_ms);
    if (now - link->channel_ns >= CHANNEL_INTERVAL_NS) {
        link->channel_ns = now;
        worker_link_receive(link);
        if (link->report_due) {
            worker_link_report_state(link);
        }
        worker_link_report_ring(link);
    }
    if (now - link->stats_ns >= STATS_INTERVAL_NS) {
        send_stats(link, now);
        give_back(link, now);
    }
    return worker_signals_ending();
}

void worker_link_begin_streaming(struct worker_link *link, int64_t now_ns)
{
    link->stats_ns = now_ns;
    link->give_back_ns = now_ns + SETTLED_NS;
    link->stats_fragments = link->status->fragments;
    link->stats_bytes = link->status->bytes;
}

void worker_link_report_streaming(struct worker_link *link)
{
    const struct publisher_status *status = link->status;

    if (link->state == WORKER_STREAMING && link->reported_changes == status->changes) {
        return;
    }
    log_info("streaming %s, %ux%u", status->codecs, status->width, status->height);
    worker_link_enter_state(link, WORKER_STREAMING, stream_notes_text(&link->notes));
}

void worker_link_watch_stream(struct worker_link *link, int64_t now)
{
    const struct stream_notes_ring ring = {.capacity = ring_writer_capacity(link->output.ring),
                                           .max = link->task.ring_size_max};

    if (stream_notes_update(&link->notes, link->status, &ring, now) && link->state == WORKER_STREAMING) {
        worker_link_enter_state(link, WORKER_STREAMING, stream_notes_text(&link->notes));
    }
}

void worker_link_finish(struct worker_link *link)
{
    if (link->ring_fd >= 0) {
        close(link->ring_fd);
    }
    if (link->wake >= 0) {
        close(link->wake);
    }
    link->ring_fd = link->wake = -1;
    camera_task_finish(&link->task);
}
