/* SPDX-License-Identifier: MIT */
#include "ingest/remote_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/cluster/piece.h"
#include "common/config/camera_remote.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/ring/ring_writer.h"
#include "ingest/remote/relay_socket.h"
#include "ingest/remote/remote_publisher.h"
#include "ingest/remote/remote_stream.h"
#include "ingest/worker_signals.h"

/* How long it waits for messages when nothing else is due. */
#define WAIT_MS 250

/* How often a damaged message is worth a line. */
#define DAMAGE_LOG_INTERVAL_NS (60 * NS_PER_SECOND)

struct remote_worker {
    struct worker_link *link;
    struct camera_remote url;
    struct remote_stream stream;
    struct remote_publisher *publisher;
    struct relay_socket socket;
    struct piece_assembly assembly;
    int64_t damage_logged_ns;     /* 0: never */
    bool streaming;               /* it has been, since it began */
    char told[REMOTE_ERROR_SIZE]; /* the last text for ringcastd, before secrets were taken out */
};

/* --- The state ------------------------------------------------------------------------------------------ */

/* Tells ringcastd how the camera is, if that has changed. */
static void report(struct remote_worker *worker, int64_t now_ns)
{
    static const enum worker_state states[] = {
        [REMOTE_STARTING] = WORKER_STARTING,
        [REMOTE_STREAMING] = WORKER_STREAMING,
        [REMOTE_STALLED] = WORKER_STALLED,
    };
    struct worker_link *link = worker->link;
    char text[REMOTE_ERROR_SIZE];
    enum worker_state state = states[remote_stream_state(&worker->stream, now_ns, text)];

    if (state == WORKER_STREAMING) {
        worker_link_watch_stream(link, now_ns);
        if (text[0] == '\0') {
            snprintf(text, sizeof(text), "%s", stream_notes_text(&link->notes));
        }
        worker_link_report_streaming(link);
    }
    if (state == link->state && strcmp(text, worker->told) == 0) {
        return;
    }
    memcpy(worker->told, text, sizeof(worker->told));
    if (text[0] != '\0') {
        log_warning("%s", text);
    }
    worker_link_enter_state(link, state, text);
}

/* --- Pieces --------------------------------------------------------------------------------------------- */

static void note_damage(struct remote_worker *worker, int64_t now_ns)
{
    remote_stream_damaged(&worker->stream);
    if (worker->damage_logged_ns != 0 && now_ns - worker->damage_logged_ns < DAMAGE_LOG_INTERVAL_NS) {
        return;
    }
    worker->damage_logged_ns = now_ns;
    log_warning("a message of node %s is damaged and is dropped (%" PRIu64 " so far)", worker->url.node,
                worker->stream.counts.damaged);
}

/* Bytes of the longest fragment that is wanted: what the largest ring takes. */
static size_t fragment_max(const struct remote_worker *worker)
{
    size_t present = ring_writer_fragment_max(worker->link->output.ring);
    size_t largest = worker->link->task.ring_size_max / RING_WRITER_FRAGMENT_PART;
    size_t max = present > largest ? present : largest;

    return max < PIECE_BODY_MAX ? max : PIECE_BODY_MAX;
}

/* Bodies of the other kinds are not bounded by the ring. */
static size_t body_max(const struct remote_worker *worker)
{
    size_t max = fragment_max(worker);
    size_t least = PIECE_GENERATION_HEAD_MAX + RINGCAST_INIT_MAX;

    return max > least ? max : least;
}

static void after_fragment(struct remote_worker *worker, const struct piece *fragment, int64_t now_ns)
{
    remote_stream_published(&worker->stream, fragment, now_ns);
    worker_link_report_ring(worker->link);
    if (!worker->streaming) {
        worker->streaming = true;
        worker_link_begin_streaming(worker->link, now_ns);
    }
}

static void leave_out(struct remote_worker *worker, const struct piece *fragment, bool too_large,
                      int64_t now_ns)
{
    if (too_large) {
        remote_publisher_refused(worker->publisher, fragment->length);
    }
    remote_stream_left_out(&worker->stream, fragment, too_large, now_ns);
}

static void publish(struct remote_worker *worker, const struct piece *fragment, int64_t now_ns)
{
    bool first = worker->stream.joint;
    int result = remote_publisher_put(worker->publisher, fragment, first, now_ns);

    if (result == -ENOBUFS) {
        worker_link_wait_for_ring(worker->link, fragment->size);
        result = remote_publisher_put(worker->publisher, fragment, first, now_ns);
    }
    switch (result) {
    case 0:
        after_fragment(worker, fragment, now_ns);
        break;
    case -ENOBUFS:
    case -EAGAIN:
        leave_out(worker, fragment, result == -ENOBUFS, now_ns);
        break;
    default:
        note_damage(worker, now_ns);
    }
}

/* A whole body has come. */
static void take_whole(struct remote_worker *worker, const struct piece *whole, int64_t now_ns)
{
    switch (remote_stream_put(&worker->stream, whole, now_ns)) {
    case REMOTE_GENERATION:
        if (remote_publisher_describe(worker->publisher, whole) == 0) {
            remote_stream_described(&worker->stream, whole);
        } else {
            note_damage(worker, now_ns);
        }
        break;
    case REMOTE_FRAGMENT:
        publish(worker, whole, now_ns);
        break;
    case REMOTE_DROP:
        break;
    }
}

static void take_piece(struct remote_worker *worker, const struct relay_frame *frame, int64_t now_ns)
{
    struct piece piece, whole;

    if (piece_read(&piece, frame->data, frame->there) < 0) {
        note_damage(worker, now_ns);
        return;
    }
    if (!remote_stream_admit(&worker->stream, &piece, now_ns)) {
        return;
    }
    int result = piece_assembly_add(&worker->assembly, &piece, body_max(worker), &whole);
    if (result == 1) {
        take_whole(worker, &whole, now_ns);
    } else if (result == -EMSGSIZE && piece.offset == 0 &&
               remote_stream_put(&worker->stream, &piece, now_ns) == REMOTE_FRAGMENT) {
        leave_out(worker, &piece, true, now_ns);
    } else if (result == -EBADMSG) {
        note_damage(worker, now_ns);
    }
}

/* --- The relay ------------------------------------------------------------------------------------------ */

static void detach(struct remote_worker *worker, int64_t now_ns)
{
    relay_socket_close(&worker->socket);
    remote_stream_detached(&worker->stream, now_ns);
}

static void take_frame(struct remote_worker *worker, const struct relay_frame *frame, int64_t now_ns)
{
    switch (frame->type) {
    case ATTACHMENT_PIECE:
        take_piece(worker, frame, now_ns);
        break;
    case ATTACHMENT_UP:
        remote_stream_up(&worker->stream, now_ns);
        break;
    case ATTACHMENT_DOWN:
        remote_stream_down(&worker->stream, (const char *)frame->data, frame->there);
        break;
    case ATTACHMENT_ABSENT:
        remote_stream_absent(&worker->stream);
        break;
    default: /* of a later version */
        break;
    }
}

/* Reads all that the relay has sent. */
static void read_relay(struct remote_worker *worker)
{
    size_t max = body_max(worker) + PIECE_HEADER;
    struct relay_frame frame;
    int result = relay_socket_read(&worker->socket);
    int64_t now_ns = clock_now_ns();

    while (result == 1 && !worker_signals_ending() &&
           (result = relay_socket_next(&worker->socket, max, &frame)) == 1) {
        take_frame(worker, &frame, now_ns);
    }
    if (result < 0) {
        log_debug("the socket to the relay ends: %s", strerror(-result));
        detach(worker, now_ns);
    }
}

/* struct worker_link: take. */
static bool take_message(void *context, struct channel_message *message)
{
    struct remote_worker *worker = context;

    if (!message_is(message->body, "relay")) {
        return false;
    }
    int fd = channel_message_take_fd(message, 0);
    if (fd < 0) {
        log_warning("a message \"relay\" without a socket is dropped");
        return true;
    }
    relay_socket_open(&worker->socket, fd);
    remote_stream_attached(&worker->stream, clock_now_ns());
    return true;
}

static void send_due(struct remote_worker *worker, int64_t now_ns)
{
    unsigned due = remote_stream_due(&worker->stream, now_ns);

    if (due & REMOTE_WANT) {
        worker_link_send(worker->link, message_new("relay-wanted"));
    }
    if (due & REMOTE_JUMP) {
        log_info("the link to node %s is slower than the camera: going on with its newest pictures",
                 worker->url.node);
    }
    if (((due & REMOTE_JUMP) && relay_socket_say(&worker->socket, ATTACHMENT_JUMP) < 0) ||
        ((due & REMOTE_JOIN) && relay_socket_say(&worker->socket, ATTACHMENT_JOIN) < 0)) {
        detach(worker, now_ns);
    }
}

/* What the worker before this one has published is not published again. */
static void resume(struct remote_worker *worker)
{
    struct remote_mark mark;

    if (remote_publisher_resume(worker->publisher, &mark)) {
        remote_stream_resume(&worker->stream, &mark);
    }
}

/* --- The loop ------------------------------------------------------------------------------------------- */

static void loop(struct remote_worker *worker)
{
    for (bool ending = false; !ending; ending = worker_link_tick(worker->link, WORKER_BEAT_STREAMING_MS)) {
        struct pollfd polled[2] = {
            {.fd = worker->link->channel, .events = POLLIN},
            {.fd = worker->socket.fd, .events = POLLIN},
        };
        int64_t now_ns = clock_now_ns();
        send_due(worker, now_ns);
        report(worker, now_ns);
        worker_signals_poll(polled, 2, WAIT_MS);
        if (polled[1].revents != 0) {
            read_relay(worker);
        }
        if (polled[0].revents != 0) {
            worker->link->channel_ns = 0; /* the tick reads it at once */
        }
    }
}

/* A url that says nothing is the configuration's fault: the worker waits for its end. */
static void be_useless(struct worker_link *link, const char *problem)
{
    char error[SOURCE_ERROR_SIZE];

    snprintf(error, SOURCE_ERROR_SIZE, "the url: %.200s", problem);
    log_warning("%s", error);
    worker_link_enter_state(link, WORKER_STARTING, error);
    while (!worker_link_tick(link, WORKER_BEAT_STREAMING_MS)) {
        worker_signals_wait(link->channel, WAIT_MS);
    }
}

int remote_worker_run(struct worker_link *link)
{
    struct remote_worker worker = {.link = link};
    char problem[CONFIG_PROBLEM_SIZE];
    int result = remote_publisher_create(&link->output, &worker.publisher);

    if (result < 0) {
        log_error("out of memory");
        return result;
    }
    link->status = remote_publisher_status(worker.publisher);
    link->take = take_message;
    link->context = &worker;
    relay_socket_init(&worker.socket);
    link->stream_stats.remote = &worker.stream.counts;
    remote_stream_init(&worker.stream, &worker.url, clock_now_ns());
    stream_notes_begin(&link->notes, link->status);
    if (!camera_remote_read(link->task.url, &worker.url, problem)) {
        be_useless(link, problem);
    } else {
        resume(&worker);
        worker_link_enter_state(link, WORKER_STARTING, "");
        loop(&worker);
    }
    link->take = NULL;
    piece_assembly_finish(&worker.assembly);
    relay_socket_finish(&worker.socket);
    remote_publisher_destroy(worker.publisher);
    link->status = NULL;
    link->stream_stats.remote = NULL;
    return 0;
}
