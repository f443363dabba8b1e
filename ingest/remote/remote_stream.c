/* SPDX-License-Identifier: MIT */
#include "ingest/remote/remote_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"

/* A socket is asked for again after these times, doubled each time: a relay that is started again is there in some 100 ms. */
#define WANT_FIRST_NS (250 * NS_PER_MS)
#define WANT_LAST_NS (2 * NS_PER_SECOND)

/* A relay that is started again is not worth a word before. */
#define DETACHED_TOLD_NS NS_PER_SECOND

/* A node sends a beat every second, so three are missing. */
#define SILENT_S 3
#define SILENT_NS (SILENT_S * NS_PER_SECOND)

/* Each join costs the camera's node a group of pictures. */
#define JOIN_INTERVAL_NS NS_PER_SECOND

/* So long a gap may last until it is a fault that people see. */
#define BEHIND_TOLD_NS (3 * NS_PER_SECOND)

/* Pictures that are late by more are not live, and one that is late may be an accident. */
#define LATE_NS (1000 * NS_PER_MS)
#define LATE_COUNT 3

/* After a jump the first keyframe ends the wait so late that its being late is how the link is now. */
#define JUMP_PATIENCE_NS (3 * NS_PER_SECOND)

/* How long a jump is told. */
#define JUMP_TOLD_NS (10 * NS_PER_SECOND)

/* What was asked for twice may come after what was sent later, by another subject: so long nothing must have gone on before a keyframe refutes anything. */
#define REFUTE_AFTER_NS NS_PER_SECOND

#define SLICE_NS (60 * NS_PER_SECOND / REMOTE_TRANSIT_SLICES)

void remote_stream_init(struct remote_stream *stream, const struct camera_remote *url, int64_t now_ns)
{
    *stream = (struct remote_stream){
        .url = url, .want_ns = now_ns, .detached_ns = now_ns, .beat.state = PIECE_STREAMING};
    stream->want_interval_ns = WANT_FIRST_NS;
    stream->heard_ns = now_ns;
}

void remote_stream_resume(struct remote_stream *stream, const struct remote_mark *mark)
{
    stream->begun = true;
    stream->origin = mark->origin;
    stream->fence = mark->fence;
    stream->last = mark->sequence;
}

/* --- The socket ----------------------------------------------------------------------------------------- */

void remote_stream_attached(struct remote_stream *stream, int64_t now_ns)
{
    stream->attached = true;
    stream->up = false;
    stream->heard_ns = now_ns;
    stream->down[0] = '\0';
}

void remote_stream_detached(struct remote_stream *stream, int64_t now_ns)
{
    if (stream->attached) {
        stream->want_ns = now_ns + stream->want_interval_ns;
    }
    stream->attached = stream->up = stream->jump = stream->jumping = false;
    stream->detached_ns = now_ns;
}

void remote_stream_up(struct remote_stream *stream, int64_t now_ns)
{
    stream->up = true;
    stream->absent = false;
    stream->down[0] = '\0';
    stream->want_interval_ns = WANT_FIRST_NS;
    stream->join = true;
    stream->joined = false; /* whatever was asked before, this has to be asked at once */
    stream->heard_ns = now_ns;
    stream->jump = stream->jumping = false;
}

void remote_stream_down(struct remote_stream *stream, const char *text, size_t length)
{
    char plain[sizeof(stream->down)];

    length = length < sizeof(plain) - 1 ? length : sizeof(plain) - 1;
    memcpy(plain, text, length);
    plain[length] = '\0';
    text_trim_partial(plain);
    text_escape(stream->down, sizeof(stream->down), plain[0] != '\0' ? plain : "no reason was given");
    stream->up = stream->jump = stream->jumping = false;
}

void remote_stream_absent(struct remote_stream *stream)
{
    stream->absent = stream->join = true;
}

/* --- Lateness ------------------------------------------------------------------------------------------- */

static void forget_transit(struct remote_stream *stream)
{
    stream->slice_ns = 0;
    stream->late = 0;
}

static void turn_slices(struct remote_stream *stream, int64_t now_ns)
{
    while (now_ns - stream->slice_ns >= SLICE_NS) {
        memmove(stream->transit_ns + 1, stream->transit_ns,
                sizeof(stream->transit_ns) - sizeof(stream->transit_ns[0]));
        stream->transit_ns[0] = INT64_MAX;
        stream->slice_ns += SLICE_NS;
    }
}

/*
 * How much longer than the fastest of the last minute the message was on its way. The clocks of two nodes have nothing in common but their pace,
 * and that only roughly: in a minute they drift apart by some milliseconds.
 */
static void measure(struct remote_stream *stream, const struct piece *piece, int64_t now_ns)
{
    /* Nobody's clock is near the end of its range but a liar's, whose sums are to be harmless. */
    int64_t transit_ns = (int64_t)((uint64_t)now_ns - (uint64_t)piece->sent_ns);
    int64_t least_ns = transit_ns;

    if (stream->slice_ns == 0 || now_ns - stream->slice_ns >= REMOTE_TRANSIT_SLICES * SLICE_NS) {
        for (size_t i = 0; i < REMOTE_TRANSIT_SLICES; i++) {
            stream->transit_ns[i] = INT64_MAX;
        }
        stream->slice_ns = now_ns;
    }
    turn_slices(stream, now_ns);
    if (transit_ns < stream->transit_ns[0]) {
        stream->transit_ns[0] = transit_ns;
    }
    for (size_t i = 0; i < REMOTE_TRANSIT_SLICES; i++) {
        least_ns = stream->transit_ns[i] < least_ns ? stream->transit_ns[i] : least_ns;
    }
    uint64_t lateness = (uint64_t)transit_ns - (uint64_t)least_ns;
    stream->lateness_ns = lateness > INT64_MAX ? INT64_MAX : (int64_t)lateness;
}

static bool is_late(const struct remote_stream *stream)
{
    return stream->lateness_ns > LATE_NS;
}

/* A whole piece has come. */
static void watch_lateness(struct remote_stream *stream, int64_t now_ns)
{
    stream->late = is_late(stream) ? stream->late + 1 : 0;
    if (stream->late < LATE_COUNT || stream->jumping) {
        return;
    }
    stream->late = 0;
    stream->jump = stream->jumping = true;
    stream->jump_ns = now_ns;
    stream->counts.jumps++;
}

/* --- Pieces --------------------------------------------------------------------------------------------- */

/* Nothing that came before says where what comes goes on. */
static void forget_sequences(struct remote_stream *stream)
{
    stream->joint = stream->joint || stream->last != 0;
    stream->last = stream->left_out = stream->double_keyframe = 0;
    stream->left_out_size = 0;
}

static void begin_timeline(struct remote_stream *stream, const struct piece *piece)
{
    if (!stream->begun || piece->origin != stream->origin) {
        forget_sequences(stream);
        stream->described = false;
    }
    stream->begun = true;
    stream->origin = piece->origin;
    stream->fence = piece->fence;
    stream->behind_ns = 0;
    stream->beat = (struct piece_beat){.state = PIECE_STREAMING};
    stream->join = true;
    stream->jump = stream->jumping = false;
    forget_transit(stream);
}

/* A fence counts while its node is heard: one that damage has made up must not keep the camera away for good. */
static bool is_fenced(const struct remote_stream *stream, const struct piece *piece, int64_t now_ns)
{
    return stream->begun && piece->fence < stream->fence && now_ns - stream->heard_ns <= SILENT_NS;
}

/* A relay that has just begun tells of a camera's state before it has read the ring, and with no origin. That is not another timeline. */
static bool is_of_another(const struct remote_stream *stream, const struct piece *piece)
{
    if (stream->begun && piece->kind == PIECE_BEAT && piece->origin == 0) {
        return false;
    }
    return !stream->begun || piece->fence != stream->fence || piece->origin != stream->origin;
}

bool remote_stream_admit(struct remote_stream *stream, const struct piece *piece, int64_t now_ns)
{
    if (is_fenced(stream, piece, now_ns)) {
        stream->counts.fenced++;
        return false;
    }
    if (piece->kind == PIECE_ECHO) {
        return false;
    }
    if (is_of_another(stream, piece)) {
        begin_timeline(stream, piece);
    }
    stream->heard_ns = now_ns;
    stream->absent = false;
    measure(stream, piece, now_ns);
    return true;
}

void remote_stream_damaged(struct remote_stream *stream)
{
    stream->counts.damaged++;
}

/* Something is missing before what came, or newer than all that came is known. */
static void fall_behind(struct remote_stream *stream, int64_t now_ns)
{
    stream->join = true;
    if (stream->behind_ns == 0) {
        stream->behind_ns = now_ns;
    }
}

static void take_beat(struct remote_stream *stream, const struct piece *whole, int64_t now_ns)
{
    struct piece_beat beat;

    if (piece_read_beat(&beat, whole->data, whole->size) < 0) {
        remote_stream_damaged(stream);
        return;
    }
    stream->beat = beat;
    if (whole->sequence > stream->last && stream->left_out == 0) {
        fall_behind(stream, now_ns);
    } else {
        stream->join = false;
        stream->behind_ns = 0;
    }
}

/*
 * The keyframe of SEQUENCE is not ahead of what was published last. A node sends nothing from before its newest keyframe, so one such keyframe is the
 * beginning of the group so far. If a later one is not ahead either, and nothing has gone on between them, then there never was what was
 * published last: damage has made it up, or the ring's last writer has.
 */
static bool refutes_last(struct remote_stream *stream, uint64_t sequence, int64_t now_ns)
{
    if (now_ns - stream->last_ns < REFUTE_AFTER_NS) {
        return false;
    }
    bool refuted = stream->double_keyframe != 0 && sequence > stream->double_keyframe;

    stream->double_keyframe = sequence > stream->double_keyframe ? sequence : stream->double_keyframe;
    return refuted;
}

static enum remote_verdict judge_fragment(struct remote_stream *stream, const struct piece *whole,
                                          int64_t now_ns)
{
    bool keyframe = (whole->flags & RINGCAST_KEYFRAME) != 0;

    if (whole->sequence <= stream->last && keyframe && refutes_last(stream, whole->sequence, now_ns)) {
        forget_sequences(stream);
    }
    if (whole->sequence <= stream->last) {
        stream->counts.doubles++;
        return REMOTE_DROP;
    }
    if (stream->jumping && is_late(stream) && !(keyframe && now_ns - stream->jump_ns > JUMP_PATIENCE_NS)) {
        return REMOTE_DROP; /* older than the jump */
    }
    if (stream->left_out != 0 && (!keyframe || whole->sequence <= stream->left_out)) {
        return REMOTE_DROP;
    }
    bool next = stream->last != 0 && whole->sequence == stream->last + 1;
    if ((!next && !keyframe) || !stream->described || whole->generation != stream->generation) {
        fall_behind(stream, now_ns);
        return REMOTE_DROP;
    }
    return REMOTE_FRAGMENT;
}

enum remote_verdict remote_stream_put(struct remote_stream *stream, const struct piece *whole, int64_t now_ns)
{
    watch_lateness(stream, now_ns);
    switch (whole->kind) {
    case PIECE_GENERATION:
        return REMOTE_GENERATION;
    case PIECE_FRAGMENT:
        return judge_fragment(stream, whole, now_ns);
    case PIECE_BEAT:
        take_beat(stream, whole, now_ns);
        return REMOTE_DROP;
    case PIECE_ECHO:
        break;
    }
    return REMOTE_DROP;
}

void remote_stream_described(struct remote_stream *stream, const struct piece *generation)
{
    stream->described = true;
    stream->generation = generation->generation;
}

void remote_stream_published(struct remote_stream *stream, const struct piece *fragment, int64_t now_ns)
{
    if (stream->last != 0 && stream->published) { /* what this worker did not wait for is not missed */
        stream->counts.missed += fragment->sequence - stream->last - 1;
    }
    if (stream->jumping && is_late(stream)) {
        forget_transit(stream); /* the link has become longer for good */
    }
    stream->last = fragment->sequence;
    stream->last_ns = now_ns;
    stream->left_out = stream->double_keyframe = 0;
    stream->published = true;
    stream->joint = stream->join = stream->jumping = false;
    stream->behind_ns = 0;
    stream->beat = (struct piece_beat){.state = PIECE_STREAMING};
    stream->heard_ns = now_ns;
}

void remote_stream_left_out(struct remote_stream *stream, const struct piece *fragment, bool too_large,
                            int64_t now_ns)
{
    if (stream->left_out == 0) {
        stream->left_out_ns = now_ns;
    }
    stream->left_out = fragment->sequence;
    stream->left_out_size = too_large ? fragment->length : 0;
    stream->join = false;
    stream->behind_ns = 0;
}

/* --- What is to be done --------------------------------------------------------------------------------- */

static bool want_due(struct remote_stream *stream, int64_t now_ns)
{
    if (stream->attached || now_ns < stream->want_ns) {
        return false;
    }
    stream->want_ns = now_ns + stream->want_interval_ns;
    stream->want_interval_ns *= 2;
    if (stream->want_interval_ns > WANT_LAST_NS) {
        stream->want_interval_ns = WANT_LAST_NS;
    }
    return true;
}

static bool is_silent(const struct remote_stream *stream, int64_t now_ns)
{
    return now_ns - stream->heard_ns > SILENT_NS;
}

static bool join_due(struct remote_stream *stream, int64_t now_ns)
{
    if (!stream->join && !is_silent(stream, now_ns)) {
        return false;
    }
    /* A jump is a join, once what is on its way has drained. */
    if (stream->jumping && now_ns - stream->jump_ns < JUMP_PATIENCE_NS) {
        return false;
    }
    if (stream->joined && now_ns - stream->join_ns < JOIN_INTERVAL_NS) {
        return false;
    }
    stream->joined = true;
    stream->join_ns = now_ns;
    return true;
}

unsigned remote_stream_due(struct remote_stream *stream, int64_t now_ns)
{
    unsigned due = want_due(stream, now_ns) ? REMOTE_WANT : 0;

    if (!stream->attached || !stream->up) {
        return due;
    }
    if (stream->jump) {
        stream->jump = false;
        due |= REMOTE_JUMP;
    }
    return due | (join_due(stream, now_ns) ? REMOTE_JOIN : 0);
}

static const char *how_it_is(enum piece_state state)
{
    static const char *const words[] = {
        [PIECE_STARTING] = "the camera is starting",
        [PIECE_STREAMING] = "the camera is streaming",
        [PIECE_STALLED] = "the camera sends no pictures",
        [PIECE_DOWN] = "the camera is not there",
    };

    return words[state];
}

/* False: nothing is wrong. */
static bool trouble(const struct remote_stream *stream, int64_t now_ns, char text[REMOTE_ERROR_SIZE])
{
    const char *node = stream->url->node;

    text[0] = '\0';
    if (!stream->attached) {
        if (now_ns - stream->detached_ns < DETACHED_TOLD_NS) {
            return !stream->published;
        }
        snprintf(text, REMOTE_ERROR_SIZE, "this machine's ringcast-relay is not there");
    } else if (stream->down[0] != '\0') {
        snprintf(text, REMOTE_ERROR_SIZE, "NATS cannot be reached: %s", stream->down);
    } else if (stream->absent) {
        snprintf(text, REMOTE_ERROR_SIZE, "node %s is not there, or has no camera %s", node,
                 stream->url->stream);
    } else if (is_silent(stream, now_ns)) {
        snprintf(text, REMOTE_ERROR_SIZE, "node %s has not been heard for %d s", node, SILENT_S);
    } else if (stream->beat.state != PIECE_STREAMING) {
        snprintf(text, REMOTE_ERROR_SIZE, "at node %s: %.200s", node,
                 stream->beat.text[0] != '\0' ? stream->beat.text : how_it_is(stream->beat.state));
    } else if (stream->behind_ns != 0 && now_ns - stream->behind_ns > BEHIND_TOLD_NS) {
        snprintf(text, REMOTE_ERROR_SIZE,
                 "node %s sends pictures, but no keyframe that they could begin with", node);
    } else if (stream->left_out_size != 0 && stream->left_out != 0 &&
               now_ns - stream->left_out_ns > BEHIND_TOLD_NS) {
        snprintf(text, REMOTE_ERROR_SIZE,
                 "a picture of %" PRIu32
                 " bytes does not fit the ring; set a larger ring_size, or ring_size_max",
                 stream->left_out_size);
    } else {
        return !stream->published;
    }
    text_trim_partial(text);
    return true;
}

enum remote_state remote_stream_state(const struct remote_stream *stream, int64_t now_ns,
                                      char text[REMOTE_ERROR_SIZE])
{
    if (trouble(stream, now_ns, text)) {
        return stream->published ? REMOTE_STALLED : REMOTE_STARTING;
    }
    if (stream->jump_ns != 0 && now_ns - stream->jump_ns < JUMP_TOLD_NS) {
        snprintf(text, REMOTE_ERROR_SIZE,
                 "the link to node %s is slower than the camera; pictures were left out", stream->url->node);
    }
    return REMOTE_STREAMING;
}
