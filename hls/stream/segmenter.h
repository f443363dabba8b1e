/* SPDX-License-Identifier: MIT */
/*
 * From pictures to parts and segments: where each ends, what a playlist lists of them, and how long they are kept. It has the media of
 * one stream while that is held. Owned by a stream; one thread. It reads no clock: all times are those of the pictures.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC: a picture's decode time and the ring's epoch, so those of a camera's two streams
 * match (RFC 8216bis, 6.2.4).
 */
#ifndef HLS_STREAM_SEGMENTER_H
#define HLS_STREAM_SEGMENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "hls/media/chunk.h"
#include "hls/media/init_segment.h"
#include "hls/media/part_builder.h"
#include "hls/stream/targets.h"

/* Bytes of media that a stream holds at most; beyond it the oldest segments go early. */
#define SEGMENTER_BYTES_MAX (64u << 20)

#define SEGMENTER_CODECS_SIZE 128

/* An init segment that segments refer to. */
struct init {
    uint64_t number; /* in its name */
    unsigned references;
    struct init_facts facts; /* without the sound that was left out */
    uint32_t width, height;
    char codecs[SEGMENTER_CODECS_SIZE];
    struct blob *blob;
};

struct part {
    STAILQ_ENTRY(part) link;
    uint64_t number; /* in its name: counts on over all segments, so the next one's name is known */
    int64_t duration_ns;
    bool independent; /* has a keyframe */
    struct blob *blob;
};

STAILQ_HEAD(parts, part);

struct segment {
    TAILQ_ENTRY(segment) link;
    uint64_t number; /* media sequence number */
    struct init *init;
    struct parts parts;
    unsigned part_count;
    int64_t start_ns, duration_ns;
    int64_t wall_ns; /* the date of its first picture */
    size_t bytes, pictures;
    unsigned breaks;        /* EXT-X-DISCONTINUITY before it */
    uint64_t breaks_before; /* of all segments before it: its discontinuity sequence number is the sum */
    bool independent;       /* begins with a keyframe */
};

TAILQ_HEAD(segments, segment);

/* What the two streams of a camera have in common. */
struct presentation_timing {
    struct targets targets; /* part_ns may grow, when a camera turns out to be slower */
    uint64_t breaks; /* discontinuities so far: streams that have fewer catch up at their next segment */
};

struct segmenter {
    struct presentation_timing *timing; /* the caller's */
    int64_t jump_ns;                    /* a step of the time that is longer is a break */
    struct segments segments; /* the complete ones, oldest first, also those that are not listed any more */
    struct segment *open;     /* the one in progress; NULL: the next keyframe begins one */
    uint64_t next_segment, next_part, next_init;
    struct init *init; /* of the pictures that come */
    struct part_builder builder;
    int64_t part_start_ns, part_end_ns; /* of the part in progress, and of all that is listed or in it */
    bool part_keyframe;
    int64_t date_ns;             /* what is added to a presentation time for the date */
    int64_t last_ns;             /* of the newest picture */
    int64_t keyframe_ns, gop_ns; /* of the newest keyframe; the longest of the last groups */
    uint64_t breaks;             /* all so far */
    size_t bytes;                /* of all media that is held */
    int64_t held_ns;             /* its duration */
    uint64_t version;            /* grows with every change of the playlist */
    bool all_independent;        /* no segment has begun without a keyframe since the beginning */
};

/* A picture with all that is said of it. */
struct picture {
    struct chunk *chunk;           /* the segmenter may take its sound away */
    int64_t start_ns, duration_ns; /* of its decode time */
    int64_t shown_ns;              /* its presentation time */
    int64_t wall_ns;               /* when it was captured, or had arrived, since 1970 */
    int64_t video_shift,
        audio_shift; /* what is added to the times in the fragment, in the tracks' timescales */
    bool keyframe;
    bool broken; /* it does not go on from the last one: fragments were lost */
};

/*
 * SURVEY: of this stream. FIRST_SEGMENT, FIRST_BREAKS: the numbers that its first segment has at least, so that they never go back when a stream is
 * held again.
 */
void segmenter_begin(struct segmenter *segmenter, struct presentation_timing *timing,
                     const struct survey *survey, uint64_t first_segment, uint64_t first_breaks);

/*
 * The pictures that come from now on need this init segment (DATA is copied). One that is the same as the last changes nothing.
 * 0, -EBADMSG, -ENOMEM.
 */
int segmenter_set_init(struct segmenter *segmenter, const uint8_t *data, size_t length, const char *codecs,
                       uint32_t width, uint32_t height);

/*
 * Adds a picture; without an init segment, or before the first keyframe, it is left out. 0 or -ENOMEM: it was left out, and the next keyframe
 * is a break.
 */
int segmenter_add(struct segmenter *segmenter, const struct picture *picture);

/* Forgets all segments, as if the next keyframe were the first one: nobody must have been told of them. */
void segmenter_forget_past(struct segmenter *segmenter);

/* Frees everything. */
void segmenter_end(struct segmenter *segmenter);

/* The first segment that a playlist lists; NULL: none is complete. */
const struct segment *segmenter_first_listed(const struct segmenter *segmenter);

const struct segment *segmenter_find_segment(const struct segmenter *segmenter, uint64_t number);
const struct part *segmenter_find_part(const struct segmenter *segmenter, uint64_t number);
const struct init *segmenter_find_init(const struct segmenter *segmenter, uint64_t number);

/* What is said of the stream in a multivariant playlist, over all that is held. */
struct segmenter_rates {
    unsigned long peak, average; /* bits a second */
    double pictures;             /* a second; 0: not known */
};

struct segmenter_rates segmenter_rates(const struct segmenter *segmenter);

#endif
