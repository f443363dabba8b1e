/* SPDX-License-Identifier: MIT */
/*
 * The durations of a presentation, which all of its playlists share (RFC 8216bis, 6.2.4): of segments, of parts, and of what
 * follows from them. Made once from the surveys of its streams. Pure functions.
 */
#ifndef HLS_STREAM_TARGETS_H
#define HLS_STREAM_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hls/stream/survey.h"

/* Seconds of the target duration: the shortest, and that of streams whose keyframes are too far apart for a segment each. */
#define TARGET_SECONDS_MIN 2
#define TARGET_SECONDS_LONG 6

struct targets {
    int64_t segment_ns; /* EXT-X-TARGETDURATION, whole seconds */
    int64_t part_ns;    /* PART-TARGET, whole hundredths of a second */
    bool keyframes;     /* every segment can begin with a keyframe */
};

/* STREAMS are those of the presentation, at least one; those that were not done count with what they have. */
struct targets targets_choose(const struct survey *const *streams, size_t count);

/* PART-TARGET for a stream that turned out to have a part of PART_NS: the target itself if that fits. */
int64_t targets_raise_part(int64_t target_ns, int64_t part_ns);

/* What a client is told: EXT-X-SERVER-CONTROL (4.4.3.8). */
int64_t targets_hold_back_ns(const struct targets *targets);
int64_t targets_part_hold_back_ns(const struct targets *targets);
int64_t targets_skip_until_ns(const struct targets *targets);

/* How much of the stream a playlist lists, and how much after its end a segment can be had (6.2.2). */
int64_t targets_window_ns(const struct targets *targets);
int64_t targets_keep_ns(const struct targets *targets);

/* Whether the playlist is ever long enough that something can be skipped (6.2.5.1). */
bool targets_can_skip(const struct targets *targets);

#endif
