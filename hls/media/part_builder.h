/* SPDX-License-Identifier: MIT */
/*
 * Joins fragments to one part: one `prft` of its first picture, one `moof` and one `mdat`, which is a CMAF chunk (ISO/IEC 23000-19, 7.3.2.3).
 * Each sample lasts until the next one of its track, so a part has no hole of its own. Owned by a stream; one thread.
 */
#ifndef HLS_MEDIA_PART_BUILDER_H
#define HLS_MEDIA_PART_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "hls/media/chunk.h"

/* Bytes that are complete and do not change. */
struct blob {
    size_t length;
    uint8_t data[];
};

/* Most samples of a track in a part. */
#define PART_SAMPLES_MAX 4096

struct part_track {
    uint32_t id;
    uint64_t decode_time; /* of the first sample */
    uint64_t last_time;   /* of the last one */
    struct chunk_sample *samples;
    size_t count, room; /* in samples */
    uint8_t *data;
    size_t length, capacity; /* in bytes */
};

/* Zeroed, with the tracks' numbers set, it is ready. */
struct part_builder {
    struct part_track video, audio;
    bool has_clock; /* of the first fragment: its `prft` */
    uint32_t clock;
    uint64_t ntp, clock_time;
};

/*
 * Adds FRAGMENT, with this many ticks added to the times of its tracks.
 * 0; -EAGAIN: it cannot be in one part with what is there (the time does not go forward, or there are too many samples): finish first;
 * -ENOMEM.
 */
int part_builder_add(struct part_builder *builder, const struct chunk *chunk, int64_t video_shift,
                     int64_t audio_shift);

/* The part, owned by the caller (free), and an empty builder. SEQUENCE: `mfhd`. NULL: nothing was added, or there is no memory. */
struct blob *part_builder_finish(struct part_builder *builder, uint32_t sequence);

/* Frees the memory; the builder is empty then and may be used again. */
void part_builder_clear(struct part_builder *builder);

#endif
