/* SPDX-License-Identifier: MIT */
#include "ingest/remote/remote_publisher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "ingest/publish/gop_meter.h"
#include "ingest/publish/stream_limit.h"
#include "ingest/remote/remote_fragment.h"
#include "ingest/remote/remote_timeline.h"

/* No picture stays for longer: the duration would move the end of the ring's timeline away. */
#define DURATION_MAX_S 3600u

/* The parameters of a stream, copied. */
struct description {
    struct ring_stream stream; /* its pointers point into this struct */
    struct remote_tracks tracks;
    char codecs[RINGCAST_CODECS_SIZE];
    uint8_t init[RINGCAST_INIT_MAX];
};

struct remote_publisher {
    struct ring_output *output;
    struct publisher_status status;
    struct gop_meter gop;
    struct stream_limit limit;
    struct remote_timeline timeline;
    struct description *next; /* of what comes; NULL: nothing has described it */
    struct description *
        present; /* of the ring's generation; NULL: this worker has begun none. The same as `next`, or another */
    bool resumes; /* the ring's generation may be gone on with, until there is a `present` */
};

/* What the ring notes with each fragment, for the next worker. */
enum note_word { NOTE_ORIGIN, NOTE_FENCE, NOTE_SEQUENCE, NOTE_OFFSET, NOTE_LEAD, NOTE_LAST };

int remote_publisher_create(struct ring_output *output, struct remote_publisher **publisher)
{
    struct remote_publisher *made = calloc(1, sizeof(*made));

    if (!made) {
        return -ENOMEM;
    }
    made->output = output;
    snprintf(made->status.audio, sizeof(made->status.audio), "none");
    *publisher = made;
    return 0;
}

void remote_publisher_destroy(struct remote_publisher *publisher)
{
    if (!publisher) {
        return;
    }
    if (publisher->present != publisher->next) {
        free(publisher->present);
    }
    free(publisher->next);
    free(publisher);
}

const struct publisher_status *remote_publisher_status(const struct remote_publisher *publisher)
{
    return &publisher->status;
}

/* --- The worker before this one ------------------------------------------------------------------------- */

static struct ring_note note_of(const struct piece *fragment, const struct remote_timeline *timeline)
{
    return (struct ring_note){.words = {
                                  [NOTE_ORIGIN] = fragment->origin,
                                  [NOTE_FENCE] = fragment->fence,
                                  [NOTE_SEQUENCE] = fragment->sequence,
                                  [NOTE_OFFSET] = (uint64_t)timeline->offset_ns,
                                  [NOTE_LEAD] = (uint64_t)timeline->lead_ns,
                                  [NOTE_LAST] = (uint64_t)timeline->last_ns,
                              }};
}

/* What the ring's last writer has noted is believed as far as it does no harm: sums of two such times have no overflow. */
static bool is_time(int64_t time_ns)
{
    return time_ns >= -REMOTE_NS_MAX && time_ns <= REMOTE_NS_MAX;
}

bool remote_publisher_resume(struct remote_publisher *publisher, struct remote_mark *mark)
{
    const struct ring_writer *ring = publisher->output->ring;
    struct ring_note note;

    if (!ring_writer_note(ring, &note) || note.words[NOTE_SEQUENCE] == 0) {
        return false;
    }
    const struct remote_timeline timeline = {.placed = true,
                                             .offset_ns = (int64_t)note.words[NOTE_OFFSET],
                                             .lead_ns = (int64_t)note.words[NOTE_LEAD],
                                             .last_ns = (int64_t)note.words[NOTE_LAST]};
    if (!is_time(timeline.offset_ns) || !is_time(timeline.lead_ns) || timeline.last_ns < 0 ||
        timeline.last_ns > ring_writer_end_ns(ring)) {
        return false;
    }
    *mark = (struct remote_mark){.origin = note.words[NOTE_ORIGIN],
                                 .fence = note.words[NOTE_FENCE],
                                 .sequence = note.words[NOTE_SEQUENCE]};
    publisher->timeline = timeline;
    publisher->resumes = true;
    return true;
}

/* --- Generations ---------------------------------------------------------------------------------------- */

static bool is_same(const struct description *a, const struct description *b)
{
    return a && b && a->stream.timescale == b->stream.timescale && a->stream.width == b->stream.width &&
           a->stream.height == b->stream.height && a->stream.init_length == b->stream.init_length &&
           strcmp(a->codecs, b->codecs) == 0 && memcmp(a->init, b->init, a->stream.init_length) == 0;
}

static struct description *describe(const struct piece_generation *generation,
                                    const struct remote_tracks *tracks, uint32_t timescale)
{
    struct description *made = calloc(1, sizeof(*made));

    if (!made) {
        return NULL;
    }
    memcpy(made->codecs, generation->codecs, sizeof(made->codecs));
    memcpy(made->init, generation->init, generation->init_length);
    made->tracks = *tracks;
    made->stream = (struct ring_stream){
        .codecs = made->codecs,
        .init = made->init,
        .init_length = generation->init_length,
        .timescale = timescale,
        .width = generation->width,
        .height = generation->height,
    };
    return made;
}

int remote_publisher_describe(struct remote_publisher *publisher, const struct piece *generation)
{
    struct piece_generation read;
    struct remote_tracks tracks;

    if (piece_read_generation(&read, generation->data, generation->size) < 0 || read.codecs[0] == '\0' ||
        remote_tracks_read(&tracks, read.init, read.init_length) < 0 ||
        tracks.list[0].timescale != generation->timescale) {
        return -EBADMSG;
    }
    struct description *made = describe(&read, &tracks, generation->timescale);
    if (!made) {
        return -ENOMEM;
    }
    if (is_same(made, publisher->next)) {
        free(made);
        return 0;
    }
    if (publisher->next != publisher->present) {
        free(publisher->next);
    }
    publisher->next = made;
    if (is_same(made, publisher->present)) {
        free(made);
        publisher->next = publisher->present;
    }
    return 0;
}

/* The sound's name is the second part of the codecs, if there is one. */
static void note_description(struct remote_publisher *publisher)
{
    struct publisher_status *status = &publisher->status;
    const struct description *present = publisher->present;
    const char *sound = strchr(present->codecs, ',');
    char audio[PUBLISHER_AUDIO_SIZE];

    snprintf(audio, sizeof(audio), "%.*s", PUBLISHER_AUDIO_SIZE - 1, sound ? sound + 1 : "none");
    status->audio_changes += strcmp(audio, status->audio) != 0;
    memcpy(status->audio, audio, sizeof(audio));
    memcpy(status->codecs, present->codecs, sizeof(status->codecs));
    status->width = present->stream.width;
    status->height = present->stream.height;
    status->changes++;
}

/* The generation of the next fragment is the ring's. */
static void take_generation(struct remote_publisher *publisher)
{
    free(publisher->present);
    publisher->present = publisher->next;
    publisher->resumes = false;
    note_description(publisher);
}

/* Begins the generation that the keyframe needs, if it is not the ring's already. */
static int update_generation(struct remote_publisher *publisher, bool keyframe, int64_t now_ns)
{
    if (publisher->present == publisher->next) {
        return 0;
    }
    if (publisher->resumes &&
        ring_writer_resume_generation(publisher->output->ring, &publisher->next->stream) == 0) {
        take_generation(publisher);
        return 0;
    }
    if (!keyframe) {
        return -EBADMSG;
    }
    if (!stream_limit_take_generation(&publisher->limit, now_ns)) {
        publisher->status.generations_refused++;
        publisher->status.withheld++;
        return -EAGAIN;
    }
    int result = ring_writer_begin_generation(publisher->output->ring, &publisher->next->stream);
    if (result < 0) {
        return -EBADMSG;
    }
    take_generation(publisher);
    return 0;
}

/* --- Fragments ------------------------------------------------------------------------------------------ */

static void note_need(struct remote_publisher *publisher)
{
    publisher->status.gop_bytes = gop_meter_bytes(&publisher->gop);
    publisher->status.fragment_bytes = gop_meter_longest(&publisher->gop);
}

void remote_publisher_refused(struct remote_publisher *publisher, size_t length)
{
    gop_meter_refused(&publisher->gop, length);
    publisher->status.withheld++;
    note_need(publisher);
}

static uint8_t *find_room(struct remote_publisher *publisher, size_t length, bool keyframe)
{
    uint8_t *room = ring_writer_reserve(publisher->output->ring, length);

    if (room) {
        return room;
    }
    gop_meter_refused(&publisher->gop, length);
    note_need(publisher);
    return keyframe && ring_output_advance(publisher->output, &publisher->present->stream)
               ? ring_writer_reserve(publisher->output->ring, length)
               : NULL;
}

/* Copies the fragment into the ring, with the times that they have there. */
static int write_fragment(struct remote_publisher *publisher, const struct piece *fragment,
                          const struct remote_fragment *boxes, struct ring_fragment *entry)
{
    bool keyframe = (fragment->flags & RINGCAST_KEYFRAME) != 0;
    uint8_t *room = find_room(publisher, fragment->size, keyframe);

    if (!room) {
        return -ENOBUFS;
    }
    struct ring_writer *ring = publisher->output->ring;
    memcpy(room, fragment->data, fragment->size);
    remote_fragment_move(boxes, room, (uint32_t)ring_writer_next_sequence(ring),
                         publisher->timeline.offset_ns);
    entry->decode_time += remote_ticks(publisher->timeline.offset_ns, boxes->places[0].track.timescale);
    int result = ring_writer_publish(ring, entry);
    if (result < 0) {
        return -EBADMSG;
    }
    publisher->status.fragments++;
    publisher->status.bytes += fragment->size;
    gop_meter_add(&publisher->gop, fragment->size, ring_writer_span(fragment->size), keyframe);
    note_need(publisher);
    return 0;
}

/* 1: it does not follow what is there; 0: it does; -EBADMSG. */
static int place(struct remote_publisher *publisher, const struct remote_fragment *boxes, bool first,
                 int64_t capture_ns)
{
    const struct ring_writer *ring = publisher->output->ring;
    const struct remote_place *video = &boxes->places[0];
    const struct remote_moment moment = {
        .media_ns = remote_ns(video->time, video->track.timescale),
        .capture_ns = capture_ns - ring_writer_epoch_ns(ring),
        .end_ns = ring_writer_end_ns(ring),
        .first = first,
    };
    int result = remote_timeline_place(&publisher->timeline, &moment);

    return result < 0 ? -EBADMSG : result;
}

static bool is_true(const struct piece *fragment, const struct remote_fragment *boxes)
{
    const struct remote_place *video = &boxes->places[0];

    return fragment->decode_time >= 0 && (uint64_t)fragment->decode_time == video->time &&
           fragment->timescale == video->track.timescale &&
           fragment->duration / video->track.timescale < DURATION_MAX_S;
}

int remote_publisher_put(struct remote_publisher *publisher, const struct piece *fragment, bool first,
                         int64_t arrival_ns)
{
    bool keyframe = (fragment->flags & RINGCAST_KEYFRAME) != 0;
    int64_t capture_ns = arrival_ns - (int64_t)fragment->age_us * NS_PER_US;
    struct remote_fragment boxes;

    if (!publisher->next ||
        remote_fragment_check(&boxes, &publisher->next->tracks, fragment->data, fragment->size) < 0 ||
        !is_true(fragment, &boxes)) {
        return -EBADMSG;
    }
    int result = update_generation(publisher, keyframe, arrival_ns);
    if (result < 0) {
        return result;
    }
    if (keyframe) {
        ring_output_advance(publisher->output, &publisher->present->stream);
    }
    struct remote_timeline before = publisher->timeline;
    int broken = place(publisher, &boxes, first, capture_ns);
    if (broken < 0) {
        return broken;
    }
    const struct ring_note note = note_of(fragment, &publisher->timeline);
    struct ring_fragment entry = {
        .flags = (fragment->flags & (RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY)) | RINGCAST_REMOTE |
                 (broken ? RINGCAST_DISCONTINUITY : 0u),
        .decode_time = fragment->decode_time,
        .duration = fragment->duration,
        .wall_ns = fragment->wall_ns,
        .capture_ns = capture_ns,
        .note = &note,
    };
    result = write_fragment(publisher, fragment, &boxes, &entry);
    if (result < 0) {
        publisher->timeline = before;
        return result;
    }
    publisher->status.joints += first;
    publisher->status.repairs += broken && !first;
    return 0;
}
