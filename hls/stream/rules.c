/* SPDX-License-Identifier: MIT */
#include "hls/stream/rules.h"

#include "common/base/clock.h"

/* "Advance Part Limit": three seconds of parts, or three parts. */
static uint64_t advance_limit(const struct targets *targets)
{
    if (targets->part_ns >= NS_PER_SECOND) {
        return 3;
    }
    return (uint64_t)((3 * NS_PER_SECOND + targets->part_ns - 1) / targets->part_ns);
}

static const struct segment *last_segment(const struct segmenter *segmenter)
{
    return TAILQ_LAST(&segmenter->segments, segments);
}

static unsigned open_parts(const struct segmenter *segmenter)
{
    return segmenter->open ? segmenter->open->part_count : 0;
}

/* Whether the playlist has the segment, or the part, that REQUEST waits for, or later ones. */
static bool has_reached(const struct segmenter *segmenter, const struct request *request)
{
    const struct segment *last = last_segment(segmenter);
    uint64_t segment = request->segment, part = request->part;

    if (!request->names_part) {
        return segment <= last->number;
    }
    if (segment < last->number) {
        return true;
    }
    if (segment == last->number) {
        if (part < last->part_count) {
            return true;
        }
        part = 0; /* an index behind the last part means the first one of the next segment */
        segment++;
    }
    return segment == last->number + 1 && part < open_parts(segmenter);
}

static bool is_too_far(const struct segmenter *segmenter, const struct request *request)
{
    const struct segment *last = last_segment(segmenter);

    if (request->segment > last->number + 2) {
        return true;
    }
    return request->names_part && request->segment > last->number &&
           request->part >= open_parts(segmenter) + advance_limit(&segmenter->timing->targets);
}

static enum rules_verdict judge_playlist(const struct segmenter *segmenter, const struct request *request)
{
    if (!last_segment(segmenter)) {
        return RULES_WAIT;
    }
    if (!request->blocks || has_reached(segmenter, request)) {
        return RULES_READY;
    }
    return is_too_far(segmenter, request) ? RULES_TOO_FAR : RULES_WAIT;
}

/* Only the part that is hinted is waited for (6.2.6). */
static enum rules_verdict judge_media(const struct segmenter *segmenter, const struct request *request)
{
    bool is_there;

    switch (request->kind) {
    case REQUEST_INIT:
        is_there = segmenter_find_init(segmenter, request->number) != NULL;
        break;
    case REQUEST_SEGMENT:
        is_there = segmenter_find_segment(segmenter, request->number) != NULL;
        break;
    default:
        is_there = segmenter_find_part(segmenter, request->number) != NULL;
        if (!is_there && request->number == segmenter->next_part) {
            return RULES_WAIT;
        }
    }
    return is_there ? RULES_READY : RULES_GONE;
}

uint64_t rules_patience_ms(const struct segmenter *segmenter)
{
    if (!segmenter || !last_segment(segmenter)) {
        return RULES_BEGIN_MS;
    }
    uint64_t patience_ms = 3 * (uint64_t)(segmenter->timing->targets.segment_ns / NS_PER_MS);
    return patience_ms < RULES_WAIT_MAX_MS ? patience_ms : RULES_WAIT_MAX_MS;
}

enum rules_verdict rules_judge(const struct request *request, const struct segmenter *segmenter,
                               uint32_t hold, uint64_t waited_ms)
{
    enum rules_verdict verdict = RULES_WAIT;

    if (request->kind == REQUEST_PLAYLIST || request->kind == REQUEST_INDEX) {
        verdict = segmenter ? judge_playlist(segmenter, request) : RULES_WAIT;
    } else {
        verdict = segmenter && request->hold == hold ? judge_media(segmenter, request) : RULES_GONE;
    }
    return verdict == RULES_WAIT && waited_ms >= rules_patience_ms(segmenter) ? RULES_LATE : verdict;
}

bool rules_position(const struct segmenter *segmenter, struct rules_position *position)
{
    const struct segment *last = last_segment(segmenter);

    if (open_parts(segmenter) > 0) {
        *position = (struct rules_position){segmenter->open->number, segmenter->open->part_count - 1};
        return last != NULL;
    }
    if (last) {
        *position = (struct rules_position){last->number, last->part_count - 1};
    }
    return last != NULL;
}
