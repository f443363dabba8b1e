/* SPDX-License-Identifier: MIT */
#include "ingest/publish/timeline.h"

#include <string.h>

#include "common/base/clock.h"

/* A larger jump of the source's clock against the monotonic one is not taken for network delay: 1 s. */
#define JUMP_TICKS TIMELINE_RATE

/* After jumps with so many pictures in a row the stamps make no sense. */
#define JUMPS_MAX 4

/* Audio further than this from the video is on another clock: 2 s. */
#define AUDIO_APART_NS (2 * NS_PER_SECOND)

/* The smoothed lead follows with a time constant of this many frames: slow against a burst, fast against
 * drift. */
#define LEAD_FRAMES 256

/* More frames in a row that belong before the last one mean that the clock was set back; fewer are its jitter. */
#define BEHIND_FRAMES 3

/* Such a frame is placed after the last one, by at least this part of the interval. */
#define BEHIND_STEP_PART 4

/* Largest composition offset believed: 60 s. */
#define COMPOSITION_MAX_TICKS (60LL * TIMELINE_RATE)

static int64_t to_ticks(int64_t ns)
{
    int64_t seconds = ns / NS_PER_SECOND;
    int64_t rest = ns % NS_PER_SECOND * TIMELINE_RATE;

    return seconds * TIMELINE_RATE + (rest + (rest < 0 ? -1 : 1) * (NS_PER_SECOND / 2)) / NS_PER_SECOND;
}

static int64_t to_ns(int64_t ticks)
{
    return ticks / TIMELINE_RATE * NS_PER_SECOND + ticks % TIMELINE_RATE * NS_PER_SECOND / TIMELINE_RATE;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Source times within ±2^61 ns cannot overflow in what follows. */
static int64_t bounded(int64_t ns)
{
    const int64_t limit = INT64_C(1) << 61;

    if (ns == TIMELINE_UNKNOWN) {
        return ns;
    }
    return ns > limit ? limit : max64(ns, -limit);
}

void timeline_init(struct timeline *timeline, int64_t epoch_ns, int64_t end_ns)
{
    memset(timeline, 0, sizeof(*timeline));
    timeline->epoch_ns = epoch_ns;
    timeline->end = to_ticks(end_ns) + 1;
    pacing_init(&timeline->pacing, end_ns > 0 ? timeline->end : 0);
}

void timeline_forget_source(struct timeline *timeline)
{
    source_clock_begin(&timeline->clock);
    timeline->mapped = false;
    timeline->broken = timeline->started;
}

static int64_t clock_ticks(const struct timeline *timeline, int64_t arrival_ns)
{
    return to_ticks(arrival_ns - timeline->epoch_ns);
}

/* Where a frame that arrives now belongs by the monotonic clock. */
static int64_t continue_by_clock(const struct timeline *timeline, int64_t arrival_ns)
{
    if (!timeline->started) {
        return max64(timeline->end, clock_ticks(timeline, arrival_ns));
    }
    int64_t elapsed = to_ticks(arrival_ns - timeline->last_arrival_ns);
    int64_t lead = timeline->last_decode + elapsed - clock_ticks(timeline, arrival_ns);
    /* A timeline that is ahead uses the pause to come back. */
    return timeline->last_decode +
           max64(timeline->pacing.step, elapsed - max64(lead - SOURCE_CLOCK_LEAD_MAX, 0));
}

/* A B-frame may be far behind the reference that came before it, if the camera paused between the two; but
 * never behind a frame whose decode time is already given. */
static bool stepped_back(const struct timeline *timeline, int64_t source, int reorder)
{
    int64_t step = source - timeline->last_source;

    if (reorder == 0) {
        bool behind = source + timeline->offset <= timeline->last_decode;
        return step < -JUMP_TICKS || (behind && timeline->behind >= BEHIND_FRAMES);
    }
    return step < -JUMP_TICKS && source + timeline->offset < timeline->last_decode;
}

/* With B-frames the latest frame counts and not the last one, which may be of before a pause that lies between the two. */
static bool jumped(const struct timeline *timeline, int64_t source, int64_t arrival_ns, int reorder)
{
    int64_t step = source - (reorder > 0 ? timeline->newest_source : timeline->last_source);
    int64_t elapsed =
        to_ticks(arrival_ns - (reorder > 0 ? timeline->newest_arrival_ns : timeline->last_arrival_ns));

    if (stepped_back(timeline, source, reorder)) {
        return true;
    }
    /* Frames that the network held up arrive in a burst, in which timestamps step by more than the clock; but they do not
     * lead the clock by more than before. */
    int64_t lead = source + timeline->offset - clock_ticks(timeline, arrival_ns);
    return step - elapsed > JUMP_TICKS && lead - timeline->lead > JUMP_TICKS;
}

static void start_reorder(struct timeline *timeline, int64_t source, int depth)
{
    timeline->reorder_depth = depth;
    for (int i = 0; i <= depth; i++) {
        timeline->reorder[i] = source - (depth + 1 - i) * timeline->pacing.step;
    }
}

/*
 * RTP carries presentation times only. With at most N frames reordered, the decode times are the presentation
 * times sorted and N frames late: the smallest of the last N + 1 that has not been used.
 */
static int64_t derive_decode(struct timeline *timeline, int64_t source)
{
    int64_t *window = timeline->reorder;
    int place = 0;

    while (place < timeline->reorder_depth && window[place + 1] < source) {
        window[place] = window[place + 1];
        place++;
    }
    window[place] = source;
    return window[0];
}

static int bounded_depth(int depth)
{
    if (depth < 0) {
        return 0;
    }
    return depth > TIMELINE_REORDER_MAX ? TIMELINE_REORDER_MAX : depth;
}

/* Anchors the source's clock: DECODE (source's clock) becomes the decode time PLACE. */
static void anchor(struct timeline *timeline, int64_t decode, int64_t place, int64_t arrival_ns)
{
    timeline->offset = place - decode;
    timeline->newest_source = INT64_MIN;
    timeline->lead = place - clock_ticks(timeline, arrival_ns);
    timeline->mapped = true;
}

/* Decode time on the source's clock; starts the reordering again where the clock or the depth is new. */
static int64_t source_decode(struct timeline *timeline, const struct timeline_frame *frame, int64_t source)
{
    int depth = bounded_depth(frame->reorder);
    int64_t given = bounded(frame->decode_ns);

    if (given != TIMELINE_UNKNOWN && given <= bounded(frame->presentation_ns)) {
        int64_t ahead = to_ticks(bounded(frame->presentation_ns)) - to_ticks(given);
        return source - source_clock_scale(&timeline->clock, ahead);
    }
    if (!timeline->mapped || depth != timeline->reorder_depth) {
        start_reorder(timeline, source, depth);
    }
    return derive_decode(timeline, source);
}

static int32_t composition_offset(int64_t offset)
{
    return offset > COMPOSITION_MAX_TICKS || offset < -COMPOSITION_MAX_TICKS ? 0 : (int32_t)offset;
}

/* Maps SOURCE, the frame's presentation time on the source's clock, and returns its decode time. */
static int64_t place_by_source(struct timeline *timeline, const struct timeline_frame *frame, int64_t source)
{
    bool jumps = timeline->mapped && jumped(timeline, source, frame->arrival_ns, frame->reorder);
    timeline->jumps = jumps ? timeline->jumps + 1 : 0;
    if (jumps) {
        source_clock_forget_pace(&timeline->clock);
        if (timeline->jumps >= JUMPS_MAX) {
            source_clock_distrust(&timeline->clock, timeline->pacing.step);
        }
        timeline->mapped = false;
        timeline->broken = true;
        timeline->repairs++;
    }
    int64_t decode = source_decode(timeline, frame, source);
    if (!timeline->mapped) {
        anchor(timeline, decode, continue_by_clock(timeline, frame->arrival_ns), frame->arrival_ns);
    }
    return decode + timeline->offset;
}

static void remember(struct timeline *timeline, int64_t source, int64_t decode, int64_t arrival_ns)
{
    timeline->lead += (decode - clock_ticks(timeline, arrival_ns) - timeline->lead) / LEAD_FRAMES;
    if (source > timeline->newest_source) {
        timeline->newest_source = source;
        timeline->newest_arrival_ns = arrival_ns;
    }
    timeline->last_source = source;
    timeline->last_decode = decode;
    timeline->last_arrival_ns = arrival_ns;
    timeline->started = true;
    timeline->broken = false;
}

/*
 * Decode times go forward. A frame that belongs before the last one is put behind it by its arrival, within
 * the rhythm; without B-frames it is shown there, too. True: it is shown where it was put.
 */
static bool keep_forward(struct timeline *timeline, int64_t arrival_ns, int reorder, int64_t *decode)
{
    int64_t step = timeline->pacing.step;

    if (!timeline->started || *decode > timeline->last_decode) {
        timeline->behind = 0;
        return false;
    }
    if (reorder > 0) {
        *decode = timeline->last_decode + 1;
        return false;
    }
    int64_t elapsed = to_ticks(arrival_ns - timeline->last_arrival_ns);
    timeline->behind++;
    *decode = timeline->last_decode + max64(elapsed < step ? elapsed : step, step / BEHIND_STEP_PART + 1);
    return true;
}

void timeline_place(struct timeline *timeline, const struct timeline_frame *frame,
                    struct timeline_place *place)
{
    int64_t given = bounded(frame->presentation_ns);
    int64_t now = clock_ticks(timeline, frame->arrival_ns);
    int64_t source = given != TIMELINE_UNKNOWN ? source_clock_map(&timeline->clock, to_ticks(given), now)
                                               : timeline->last_source + timeline->pacing.step;
    int64_t decode;

    /* A frame without a time of its own cannot tie the source's clock to ours; the next one will. */
    if (given == TIMELINE_UNKNOWN && !timeline->mapped) {
        decode = continue_by_clock(timeline, frame->arrival_ns);
    } else {
        decode = place_by_source(timeline, frame, source);
    }
    bool moved = keep_forward(timeline, frame->arrival_ns, frame->reorder, &decode);
    int64_t shown = timeline->mapped && !moved ? source + timeline->offset : decode;
    place->discontinuity = timeline->broken;
    place->decode_time =
        pacing_next(&timeline->pacing, decode, frame->keyframe, !timeline->broken, &place->duration);
    place->composition_offset = composition_offset(shown - place->decode_time);
    remember(timeline, source, decode, frame->arrival_ns);
    if (given != TIMELINE_UNKNOWN) {
        source_clock_measure(&timeline->clock, decode - now, now);
    }
}

bool timeline_map_audio(const struct timeline *timeline, int64_t source_ns, int64_t arrival_ns,
                        int64_t *decode_ns, bool *exact)
{
    if (!timeline->mapped) {
        return false;
    }
    int64_t last = to_ns(timeline->last_decode);
    int64_t now = last + (arrival_ns - timeline->last_arrival_ns);
    int64_t source = bounded(source_ns);

    *decode_ns = now;
    *exact = false;
    int64_t shift;

    if (source != TIMELINE_UNKNOWN && source_clock_shift(&timeline->clock, &shift)) {
        int64_t mapped = source + to_ns(timeline->offset + shift);
        /* What the network held up belongs anywhere between the last video and now. */
        *exact = mapped < now + AUDIO_APART_NS && mapped > last - AUDIO_APART_NS;
        *decode_ns = *exact ? mapped : now;
    }
    return true;
}
