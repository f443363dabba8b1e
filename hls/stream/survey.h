/* SPDX-License-Identifier: MIT */
/*
 * What a stream is like, found out before its first playlist: how far apart its keyframes and its pictures are. The target
 * durations come from that, and they must not change while a client follows (RFC 8216bis, 4.4.3.1 and 6.2.1). In memory of the caller; a
 * zeroed survey has seen nothing. Pure functions.
 */
#ifndef HLS_STREAM_SURVEY_H
#define HLS_STREAM_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest distance between keyframes for which segments are made long enough that all of them begin with one. */
#define SURVEY_GOP_MAX_NS (12 * INT64_C(1000000000))

/* Milliseconds from its first picture for which a survey goes on that sees no whole group of pictures. */
#define SURVEY_MS 10000

struct survey {
    bool in_group;       /* the group since the newest keyframe is whole so far */
    int64_t keyframe_ns; /* time of that keyframe */
    int64_t last_ns;     /* of the newest picture */
    int64_t gop_ns;      /* longest whole group of pictures; 0: none was whole yet */
    int64_t steps_ns;    /* sum of the steps between pictures that count, and their number */
    size_t steps;
    size_t pictures;
};

/* The next picture, at TIME_NS. BROKEN: it does not go on from the last one. */
void survey_add(struct survey *survey, int64_t time_ns, bool keyframe, bool broken);

/* Whether enough was seen: a whole group of pictures, or that there is none in SURVEY_GOP_MAX_NS. */
bool survey_is_done(const struct survey *survey);

/* Whether it is done, or has seen pictures since SINCE_MS for long enough at NOW_MS; the clock may have been read for NOW_MS before. */
bool survey_is_over(const struct survey *survey, uint64_t since_ms, uint64_t now_ms);

/* Usual time between two pictures; 0: not known. */
int64_t survey_step_ns(const struct survey *survey);

#endif
