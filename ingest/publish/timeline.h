/* SPDX-License-Identifier: MIT */
/*
 * Maps a source's timestamps to decode times that only go forward: across jumps of the source's clock,
 * reconnects and restarts of the worker. Decode time 0 is the ring's epoch (CLOCK_MONOTONIC).
 * docs/design/ingest.md gives the reason for each rule. Owned by the publisher; one thread. Nothing here
 * reads a clock.
 */
#ifndef INGEST_PUBLISH_TIMELINE_H
#define INGEST_PUBLISH_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/publish/pacing.h"
#include "ingest/publish/source_clock.h"

/* A source's timestamp that is not known. */
#define TIMELINE_UNKNOWN INT64_MIN

/* Ticks a second of decode times. */
#define TIMELINE_RATE 90000

/* How many frames may follow one in output although they precede it in decoding. */
#define TIMELINE_REORDER_MAX 16

struct timeline {
    int64_t epoch_ns;
    int64_t end;               /* ticks: no decode time may be smaller; from the ring's last writer */
    struct source_clock clock; /* makes the source's stamps steady; "source" below means its result */
    int64_t offset;            /* ticks: the ring's time − the source's; if `mapped` */
    bool mapped;               /* the source's clock is known */
    bool broken;               /* the source's clock has changed: the next frame is a discontinuity */
    bool started;              /* the last_… members are set */
    int64_t last_source;       /* ticks: presentation time of the last frame, source's clock */
    int64_t last_decode;       /* ticks: where it belonged, before pacing */
    int64_t last_arrival_ns;   /* CLOCK_MONOTONIC */
    int64_t newest_source;     /* ticks: the latest presentation time since the source's clock is known … */
    int64_t
        newest_arrival_ns; /* … and when it came; with B-frames the last frame may be shown long before it */
    int64_t lead;          /* ticks: decode time − monotonic clock, smoothed */
    unsigned behind;       /* frames in a row that did not belong after the last one */
    struct pacing pacing;
    int reorder_depth;
    int64_t reorder[TIMELINE_REORDER_MAX + 1]; /* ascending: presentation times not yet used for decoding */
    uint64_t repairs;                          /* how often the source's clock broke */
    unsigned jumps;                            /* of them, pictures in a row up to the last one */
};

/* A video frame as it came. Times in nanoseconds; source times on the source's own clock. */
struct timeline_frame {
    int64_t presentation_ns; /* or TIMELINE_UNKNOWN */
    int64_t decode_ns;       /* or TIMELINE_UNKNOWN: derived from the presentation times */
    int64_t arrival_ns;      /* CLOCK_MONOTONIC */
    int reorder;             /* frames that may be reordered: 0 without B-frames */
    bool keyframe;
};

/* Its place on the ring's timeline, in ticks. */
struct timeline_place {
    int64_t decode_time;
    int32_t composition_offset;
    uint32_t duration;
    bool discontinuity; /* the source's clock broke before this frame, and the break was repaired */
};

/* END_NS: where the ring's last writer ended. */
void timeline_init(struct timeline *timeline, int64_t epoch_ns, int64_t end_ns);

/* A new connection: the next frame's timestamp has nothing to do with the last one's. */
void timeline_forget_source(struct timeline *timeline);

void timeline_place(struct timeline *timeline, const struct timeline_frame *frame,
                    struct timeline_place *place);

/*
 * Decode time in nanoseconds of audio with source time SOURCE_NS (or TIMELINE_UNKNOWN). False: not known yet, because no
 * video frame has a place. *exact: the time is mapped from the source's, and not estimated by the arrival.
 */
bool timeline_map_audio(const struct timeline *timeline, int64_t source_ns, int64_t arrival_ns,
                        int64_t *decode_ns, bool *exact);

#endif
