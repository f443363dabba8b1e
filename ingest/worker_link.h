/* SPDX-License-Identifier: MIT */
/*
 * What every worker and ringcastd say to one another, whatever the worker's camera is: the task, the state, statistics, rings, the level of the log,
 * the end (docs/reference/control.md), and the signs of life. Owned by the worker; one thread.
 */
#ifndef INGEST_WORKER_LINK_H
#define INGEST_WORKER_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/camera_task.h"
#include "common/ipc/channel.h"
#include "ingest/publish/publisher.h"
#include "ingest/publish/ring_output.h"
#include "ingest/source/source.h"
#include "ingest/stream_notes.h"
#include "ingest/worker_stats.h"

/*
 * Within which time the worker beats again at the latest: it looks at a stream every 250 ms. Opening and closing a
 * connection may wait for a name server, which libc asks more than once, 5 s each time.
 */
#define WORKER_BEAT_STREAMING_MS 3000
#define WORKER_BEAT_CONNECTING_MS 40000

enum worker_state {
    WORKER_STARTING,
    WORKER_STREAMING,
    WORKER_STALLED,
    WORKER_FAILED, /* the camera refuses the log-in; the worker waits, and connects to nothing */
};

struct worker_link {
    int channel;
    struct camera_task task;
    int ring_fd; /* from the task's message until the ring is attached; else -1 */
    int wake;    /* the event descriptor that wakes the ring's readers, or -1 */
    struct ring_output output;
    const struct publisher_status
        *status; /* of what is published; NULL: there is nothing that publishes yet */
    struct worker_stats stream_stats;
    struct stream_notes notes;
    enum worker_state state;
    char error[SOURCE_ERROR_SIZE]; /* "": none */
    bool report_due;               /* the channel had no room for the state */
    uint32_t reported_changes;     /* publisher_status.changes that ringcastd knows */
    uint32_t reported_audio;       /* and publisher_status.audio_changes */
    int64_t channel_ns;            /* when the channel was looked at */
    int64_t stats_ns;              /* when the last stats were made */
    int64_t give_back_ns;          /* when memory that was needed once is given back; 0: nothing streams */
    uint64_t stats_fragments, stats_bytes;

    /* Messages that are only of this kind of worker: false if MESSAGE is none of them. */
    bool (*take)(void *context, struct channel_message *message);
    void *context;
};

/* The name of a state in messages. */
const char *worker_link_strstate(enum worker_state state);

/* Sends MESSAGE, which is consumed; NULL counts as -ENOMEM. As channel_send; a channel that is gone ends the worker. */
int worker_link_send(struct worker_link *link, json_t *message);

void worker_link_report_state(struct worker_link *link);

/* The only place that changes the state. ERROR may be "". */
void worker_link_enter_state(struct worker_link *link, enum worker_state state, const char *error);

/* The stream is served: `streaming` with what the notes say, if ringcastd does not know that yet. */
void worker_link_report_streaming(struct worker_link *link);

/* Reports what is wrong with a stream that is served, or that nothing is any more. */
void worker_link_watch_stream(struct worker_link *link, int64_t now_ns);

/* Handles all messages that have come. */
void worker_link_receive(struct worker_link *link);

/* Pictures have begun to come: what is measured begins now. */
void worker_link_begin_streaming(struct worker_link *link, int64_t now_ns);

/* If `ring-changed` cannot be sent now, the next tick sends it. */
void worker_link_report_ring(struct worker_link *link);

/* Asks for a ring that a fragment of LENGTH bytes fits, and waits for it. */
void worker_link_wait_for_ring(struct worker_link *link, size_t length);

/*
 * Does what is due besides the stream. Called for every frame and at least every 250 ms; BEAT_MS: until it is called again, at most. True: the worker
 * must end.
 */
bool worker_link_tick(struct worker_link *link, uint64_t beat_ms);

/* Closes what the task brought along and nobody took over, and forgets the task. */
void worker_link_finish(struct worker_link *link);

#endif
