/* SPDX-License-Identifier: MIT */
#include "relay/uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/text.h"
#include "common/cluster/piece.h"
#include "common/cluster/subject.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

/* Who looks says so once a second, and is believed for this long. */
#define TAKER_MS 3000

#define BEAT_INTERVAL_MS 1000

/* How long one stream is read before others have their turn. */
#define TURN_NS (5 * NS_PER_MS)

/* Bytes of a message in the mean case that NATS's servers take without being told to; and the least with which parts make sense. */
#define MESSAGE_DEFAULT ((size_t)1 << 20)
#define MESSAGE_MIN 1024u

/* More nodes than look at one camera: bounds what a hostile node can make of the memory. */
#define TAKERS_MAX 1024

#define BOOT_ID_SIZE 64
#define NAME_SIZE 512

struct taker {
    TAILQ_ENTRY(taker) link;
    uint64_t until_ms;
    char node[SUBJECT_NODE_MAX + 1];
};

/* Where the cursor is: nowhere, at the end of a ring whose next one is to be begun, or in a ring. */
enum place { PLACE_SEEKING, PLACE_CONTINUING, PLACE_READING };

struct stream {
    TAILQ_ENTRY(stream) link;
    struct program_camera *camera;
    TAILQ_HEAD(, taker) takers;
    unsigned taker_count;
    char live[SUBJECT_SIZE];
    enum place place;
    bool in_last; /* in the ring before the present one */
    ringcast_cursor cursor;
    uint64_t origin;
    uint64_t sequence;   /* of the newest fragment that was sent to all; 0: none */
    uint32_t generation; /* that was sent to all; 0: none */
    uint64_t fence;      /* of the newest fragment */
    uint64_t beat_ms;    /* when the next beat is due */
    bool more;           /* its turn ended before there was nothing more to read */
};

/* A body with room for a header before it. */
struct body {
    uint8_t *data; /* PIECE_HEADER bytes, and the body */
    size_t size;   /* of all, in bytes */
};

struct uplink {
    struct program *program;
    struct link *to; /* NULL: none */
    uplink_may *may; /* NULL: all may */
    void *may_context;
    char cluster[SUBJECT_NODE_MAX + 1], node[SUBJECT_NODE_MAX + 1];
    char boot_id[BOOT_ID_SIZE];
    TAILQ_HEAD(, stream) streams;
    struct body fragment; /* grows to the longest fragment */
    uint8_t other[PIECE_HEADER + PIECE_GENERATION_HEAD_MAX + RINGCAST_INIT_MAX];
    struct uplink_counts counts;
};

/* CLOCK_MONOTONIC begins anew with the machine, so rings of two boots could have the same epoch. */
static void read_boot_id(struct uplink *uplink)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (file) {
        if (!fgets(uplink->boot_id, sizeof(uplink->boot_id), file)) {
            uplink->boot_id[0] = '\0';
        }
        fclose(file);
    }
}

struct uplink *uplink_create(struct program *program, const char *cluster, const char *node)
{
    struct uplink *uplink = calloc(1, sizeof(*uplink));

    if (!uplink) {
        return NULL;
    }
    uplink->program = program;
    snprintf(uplink->cluster, sizeof(uplink->cluster), "%s", cluster);
    snprintf(uplink->node, sizeof(uplink->node), "%s", node);
    read_boot_id(uplink);
    TAILQ_INIT(&uplink->streams);
    return uplink;
}

void uplink_set_may(struct uplink *uplink, uplink_may *may, void *context)
{
    uplink->may = may;
    uplink->may_context = context;
}

void uplink_set_link(struct uplink *uplink, struct link *link)
{
    uplink->to = link;
}

/* --- Messages ------------------------------------------------------------------------------------------- */

/* Bytes of a body that go into one message. */
static size_t part_max(const struct uplink *uplink)
{
    size_t message = link_message_max(uplink->to);

    message = message == 0 || message > MESSAGE_DEFAULT ? MESSAGE_DEFAULT : message;
    return (message < MESSAGE_MIN ? MESSAGE_MIN : message) - PIECE_HEADER;
}

/*
 * Sends the body of PIECE->length bytes that stands in DATA behind room for a header, in as many parts as it needs: the header of a part takes the
 * place of what was sent with the part before it.
 */
static void send_body(struct uplink *uplink, const char *subject, struct piece *piece, uint8_t *data)
{
    const size_t most = part_max(uplink);
    size_t offset = 0;
    int result;

    piece->sent_ns = clock_now_ns();
    do {
        size_t size = piece->length - offset < most ? piece->length - offset : most;
        piece->offset = (uint32_t)offset;
        piece_write(data + offset, piece);
        result = link_publish(uplink->to, subject, NULL, data + offset, PIECE_HEADER + size);
        offset += size;
    } while (result == 0 && offset < piece->length);
    if (result == -EMSGSIZE) {
        log_warning("NATS takes no messages of %zu bytes: set max_payload of its servers to 1MB", most);
    }
}

static void send_beat(struct uplink *uplink, const char *subject, const struct stream *stream,
                      const struct piece_beat *beat)
{
    struct piece piece = {.kind = PIECE_BEAT,
                          .length = (uint32_t)piece_write_beat(uplink->other + PIECE_HEADER, beat),
                          .origin = stream ? stream->origin : 0,
                          .fence = stream ? stream->fence : 0,
                          .sequence = stream ? stream->sequence : 0,
                          .generation = stream ? stream->generation : 0};

    send_body(uplink, subject, &piece, uplink->other);
}

static enum piece_state state_of(const struct program_camera *camera)
{
    static const struct {
        const char *name;
        enum piece_state state;
    } states[] = {{"streaming", PIECE_STREAMING},
                  {"starting", PIECE_STARTING},
                  {"idle", PIECE_STARTING},
                  {"stalled", PIECE_STALLED}};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i].name, camera->state) == 0) {
            return states[i].state;
        }
    }
    return PIECE_DOWN;
}

static void tell_state(struct uplink *uplink, const char *subject, const struct stream *stream)
{
    struct piece_beat beat = {.state = state_of(stream->camera)};
    const char *error = stream->camera->about ? message_string(stream->camera->about, "error", "") : "";

    text_copy(beat.text, sizeof(beat.text),
              beat.state == PIECE_STREAMING ? ""
              : *error                      ? error
                                            : stream->camera->state);
    send_beat(uplink, subject, stream, &beat);
}

void uplink_leave(struct uplink *uplink)
{
    const struct piece_beat beat = {.state = PIECE_DOWN, .text = "the node has ended"};
    const struct stream *stream;

    TAILQ_FOREACH(stream, &uplink->streams, link) {
        send_beat(uplink, stream->live, stream, &beat);
    }
}

static void send_generation(struct uplink *uplink, const char *subject, const struct stream *stream,
                            const ringcast_reader *reader, uint32_t number)
{
    ringcast_generation generation;
    uint8_t init[RINGCAST_INIT_MAX];

    if (ringcast_init_segment(reader, number, init, sizeof(init), &generation) < 0) {
        return; /* the ring has gone on; a fragment of the next one follows */
    }
    struct piece_generation about = {.width = generation.width, .height = generation.height};
    uint8_t *body = uplink->other + PIECE_HEADER;
    text_copy(about.codecs, sizeof(about.codecs), generation.codecs);
    size_t head = piece_write_generation(body, &about);
    memcpy(body + head, init, generation.init_length);
    struct piece piece = {.kind = PIECE_GENERATION,
                          .length = (uint32_t)(head + generation.init_length),
                          .generation = number,
                          .timescale = generation.timescale,
                          .origin = stream->origin,
                          .fence = stream->fence,
                          .sequence = stream->sequence};
    send_body(uplink, subject, &piece, uplink->other);
}

/* What the ring has from when another node fetched the camera has been sent by that node. */
static bool is_own(const ringcast_entry *entry)
{
    return !(entry->flags & RINGCAST_REMOTE);
}

/* The fragment that was read last, which ENTRY describes; before it its generation, unless that is *GENERATION. */
static void send_fragment(struct uplink *uplink, const char *subject, struct stream *stream,
                          const ringcast_reader *reader, const ringcast_entry *entry, uint32_t *generation)
{
    int64_t age_us = (clock_now_ns() - entry->capture_ns) / NS_PER_US;

    if (entry->timescale == 0 || !is_own(entry)) {
        return; /* its generation is gone, or it is not to be sent */
    }
    if (uplink->may && !uplink->may(uplink->may_context, stream->camera->name, &stream->fence)) {
        return; /* another node may have the camera by now */
    }
    if (entry->generation != *generation) {
        *generation = entry->generation;
        send_generation(uplink, subject, stream, reader, entry->generation);
    }
    struct piece piece = {.kind = PIECE_FRAGMENT,
                          .flags = entry->flags,
                          .length = (uint32_t)entry->length,
                          .generation = entry->generation,
                          .origin = stream->origin,
                          .sequence = entry->sequence,
                          .fence = stream->fence,
                          .decode_time = entry->decode_time,
                          .duration = entry->duration,
                          .timescale = entry->timescale,
                          .wall_ns = entry->wall_ns,
                          .age_us = age_us < 0            ? 0
                                    : age_us > UINT32_MAX ? UINT32_MAX
                                                          : (uint32_t)age_us};
    send_body(uplink, subject, &piece, uplink->fragment.data);
}

/* --- The ring ------------------------------------------------------------------------------------------- */

static ringcast_reader *reader_of(struct stream *stream)
{
    ringcast_reader *last = stream->in_last ? program_camera_last_reader(stream->camera) : NULL;

    stream->in_last = last != NULL;
    return last ? last : program_camera_reader(stream->camera);
}

static void note_origin(const struct uplink *uplink, struct stream *stream, const ringcast_reader *reader)
{
    const int64_t epoch_ns = ringcast_epoch_ns(reader);
    uint64_t origin = hash_add(HASH_START, uplink->node, strlen(uplink->node) + 1);

    origin = hash_add(origin, stream->camera->name, strlen(stream->camera->name) + 1);
    origin = hash_add(origin, uplink->boot_id, strlen(uplink->boot_id) + 1);
    origin = hash_add(origin, &epoch_ns, sizeof(epoch_ns));
    if (origin != stream->origin) {
        stream->origin = origin;
        stream->sequence = 0;
        stream->generation = 0;
    }
}

/* 0: CURSOR stands on a fragment. */
static int find_place(const struct uplink *uplink, struct stream *stream, const ringcast_reader *reader)
{
    int result = stream->place == PLACE_CONTINUING ? ringcast_continue(reader, &stream->cursor) : -ESTALE;

    if (result == -EAGAIN) {
        return result;
    }
    if (result < 0) {
        stream->place = PLACE_SEEKING;
        result = ringcast_seek_keyframe(reader, &stream->cursor);
    }
    if (result == 0) {
        stream->place = PLACE_READING;
        note_origin(uplink, stream, reader);
    }
    return result;
}

/* As ringcast_read, into the uplink's memory, which grows if it must. */
static int read_fragment(struct uplink *uplink, const ringcast_reader *reader, ringcast_cursor *cursor,
                         ringcast_entry *entry)
{
    struct body *body = &uplink->fragment;
    int result = -ENOSPC;

    entry->length = MESSAGE_MIN;
    if (body->size > PIECE_HEADER) {
        result = ringcast_read(reader, cursor, body->data + PIECE_HEADER, body->size - PIECE_HEADER, entry);
    }
    while (result == -ENOSPC) {
        uint8_t *grown = realloc(body->data, PIECE_HEADER + entry->length);
        if (!grown) {
            return -ENOMEM;
        }
        body->data = grown;
        body->size = PIECE_HEADER + entry->length;
        result = ringcast_read(reader, cursor, body->data + PIECE_HEADER, body->size - PIECE_HEADER, entry);
    }
    return result;
}

/* One fragment for all. False: there is nothing more at present. */
static bool send_one(struct uplink *uplink, struct stream *stream, const ringcast_reader *reader)
{
    ringcast_entry entry;

    if (stream->place != PLACE_READING && find_place(uplink, stream, reader) < 0) {
        return false;
    }
    int result = read_fragment(uplink, reader, &stream->cursor, &entry);
    if (result == 1) {
        if (is_own(&entry) &&
            entry.sequence > stream->sequence) { /* else it went out before the reading had to begin anew */
            stream->sequence = entry.sequence;
            send_fragment(uplink, stream->live, stream, reader, &entry, &stream->generation);
            uplink->counts.fragments++;
        }
        return true;
    }
    if (result == -EPIPE && stream->in_last) {
        program_camera_leave_last(stream->camera);
        stream->in_last = false;
        stream->place = PLACE_CONTINUING;
        return true;
    }
    if (result < 0 && result != -EPIPE) {
        uplink->counts.overtaken += result == -ESTALE;
        stream->place = PLACE_SEEKING; /* again with the next publish */
    }
    return false;
}

/* --- Streams and who takes them ------------------------------------------------------------------------- */

static struct stream *begin_stream(struct uplink *uplink, struct program_camera *camera)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    const struct subject_stream name = {uplink->cluster, uplink->node, camera->name};

    if (!stream) {
        return NULL;
    }
    stream->camera = camera;
    TAILQ_INIT(&stream->takers);
    subject_live(stream->live, &name);
    camera->own = stream;
    TAILQ_INSERT_TAIL(&uplink->streams, stream, link);
    program_watch(camera, true);
    log_camera(LOG_LEVEL_INFO, camera->name, "camera %s: another node looks at it", camera->name);
    return stream;
}

static void drop_taker(struct stream *stream, struct taker *taker)
{
    TAILQ_REMOVE(&stream->takers, taker, link);
    stream->taker_count--;
    free(taker);
}

static void end_stream(struct uplink *uplink, struct stream *stream)
{
    struct taker *taker;

    while ((taker = TAILQ_FIRST(&stream->takers))) {
        drop_taker(stream, taker);
    }
    log_camera(LOG_LEVEL_INFO, stream->camera->name, "camera %s: no other node looks at it any more",
               stream->camera->name);
    program_set_viewers(stream->camera, 0);
    program_watch(stream->camera, false);
    program_camera_unmap(stream->camera);
    stream->camera->own = NULL;
    TAILQ_REMOVE(&uplink->streams, stream, link);
    free(stream);
}

static void note_taker(struct stream *stream, const char *node)
{
    struct taker *taker;

    TAILQ_FOREACH(taker, &stream->takers, link) {
        if (strcmp(taker->node, node) == 0) {
            break;
        }
    }
    if (!taker && stream->taker_count < TAKERS_MAX && (taker = calloc(1, sizeof(*taker)))) {
        snprintf(taker->node, sizeof(taker->node), "%s", node);
        TAILQ_INSERT_TAIL(&stream->takers, taker, link);
        stream->taker_count++;
        program_set_viewers(stream->camera, stream->taker_count);
    }
    if (taker) {
        taker->until_ms = clock_now_ms() + TAKER_MS;
    }
}

static void drop_late_takers(struct stream *stream, uint64_t now_ms)
{
    struct taker *taker, *next;

    for (taker = TAILQ_FIRST(&stream->takers); taker; taker = next) {
        next = TAILQ_NEXT(taker, link);
        if (taker->until_ms <= now_ms) {
            drop_taker(stream, taker);
            program_set_viewers(stream->camera, stream->taker_count);
        }
    }
}

/*
 * The state, and the group of pictures so far: from the newest keyframe up to where what all get goes on. All of it goes the same way as what follows for
 * all, so that it comes first.
 */
static void send_group(struct uplink *uplink, struct stream *stream, const char *reply)
{
    const ringcast_reader *reader = reader_of(stream);
    bool is_first = stream->place != PLACE_READING;
    uint32_t generation = 0;
    ringcast_cursor cursor;
    ringcast_entry entry = {0};

    if (!reader || (is_first && find_place(uplink, stream, reader) < 0) ||
        ringcast_seek_keyframe(reader, &cursor) < 0) {
        tell_state(uplink, reply, stream);
        return;
    }
    tell_state(uplink, reply, stream);
    uplink->counts.joins++;
    while ((is_first || cursor.position < stream->cursor.position) &&
           read_fragment(uplink, reader, &cursor, &entry) == 1) {
        send_fragment(uplink, reply, stream, reader, &entry, &generation);
    }
    if (is_first && entry.sequence > stream->sequence) {
        stream->cursor = cursor;
        stream->sequence = is_own(&entry) ? entry.sequence : stream->sequence;
    }
}

static void refuse(struct uplink *uplink, const char *reply, const char *name)
{
    struct piece_beat beat = {.state = PIECE_DOWN};

    snprintf(beat.text, sizeof(beat.text), "there is no camera %.200s", name);
    send_beat(uplink, reply, NULL, &beat);
}

static void answer_echo(struct uplink *uplink, const char *reply)
{
    struct piece piece = {.kind = PIECE_ECHO};

    send_body(uplink, reply, &piece, uplink->other);
}

void uplink_asked(struct uplink *uplink, const struct link_message *message)
{
    char name[NAME_SIZE];
    struct ask ask;

    if (ask_read(&ask, message->data, message->size) < 0 ||
        subject_read_stream(message->subject, name, sizeof(name)) < 0) {
        log_debug("a question that is not one is dropped");
        return;
    }
    struct program_camera *camera = program_find_camera(uplink->program, name);
    if (!camera || camera->node[0] != '\0') {
        if (message->reply) {
            refuse(uplink, message->reply, name);
        }
        return;
    }
    struct stream *stream = camera->own ? camera->own : begin_stream(uplink, camera);
    if (!stream) {
        return;
    }
    note_taker(stream, ask.node);
    if (ask.kind == ASK_JOIN && message->reply) {
        send_group(uplink, stream, message->reply);
    } else if (ask.kind == ASK_ECHO && message->reply) {
        answer_echo(uplink, message->reply);
    }
}

/* --- News ----------------------------------------------------------------------------------------------- */

bool uplink_woken(struct uplink *uplink, struct program_camera *camera)
{
    const int64_t until_ns = clock_now_ns() + TURN_NS;
    struct stream *stream = camera->own;
    const ringcast_reader *reader;

    while (stream && uplink->to && (reader = reader_of(stream)) && send_one(uplink, stream, reader)) {
        if (clock_now_ns() >= until_ns) {
            stream->more = true;
            return true;
        }
    }
    return false;
}

void uplink_camera(struct uplink *uplink, struct program_camera *camera, enum program_news news)
{
    struct stream *stream = camera->own;

    if (!stream) {
        return;
    }
    if (news == PROGRAM_CAMERA_REMOVED || camera->node[0] != '\0') {
        end_stream(uplink, stream);
    } else if (news == PROGRAM_CAMERA_RING) {
        stream->in_last = stream->place == PLACE_READING && program_camera_last_reader(camera) != NULL;
        stream->place = stream->in_last ? PLACE_READING : PLACE_SEEKING;
        uplink_woken(uplink, camera);
    } else if (news == PROGRAM_CAMERA_STATE) {
        stream->beat_ms = 0; /* what is new is told at once */
    }
}

uint64_t uplink_turn(struct uplink *uplink, uint64_t now_ms)
{
    struct stream *stream, *next;
    uint64_t due_ms = UINT64_MAX;

    for (stream = TAILQ_FIRST(&uplink->streams); stream; stream = next) {
        next = TAILQ_NEXT(stream, link);
        drop_late_takers(stream, now_ms);
        if (stream->taker_count == 0) {
            end_stream(uplink, stream);
            continue;
        }
        if (uplink->to && stream->beat_ms <= now_ms) {
            stream->beat_ms = now_ms + BEAT_INTERVAL_MS;
            tell_state(uplink, stream->live, stream);
        }
        if (stream->more) {
            stream->more = false;
            uplink_woken(uplink, stream->camera);
        }
        due_ms = stream->more ? now_ms : stream->beat_ms < due_ms ? stream->beat_ms : due_ms;
    }
    return due_ms;
}

struct uplink_counts uplink_counts(const struct uplink *uplink)
{
    struct uplink_counts counts = uplink->counts;
    const struct stream *stream;

    counts.streams = 0;
    TAILQ_FOREACH(stream, &uplink->streams, link) {
        counts.streams++;
    }
    return counts;
}

void uplink_destroy(struct uplink *uplink)
{
    if (!uplink) {
        return;
    }
    while (!TAILQ_EMPTY(&uplink->streams)) {
        end_stream(uplink, TAILQ_FIRST(&uplink->streams));
    }
    free(uplink->fragment.data);
    free(uplink);
}
