/* SPDX-License-Identifier: MIT */
/*
 * Reads a fragment as it lies in a camera's ring (docs/reference/ring.md): `prft`, `moof`, `mdat`. The bytes come from the
 * process that talks to the camera, so nothing in them is believed before it is checked. Pure functions on the caller's
 * memory; any process, any thread.
 */
#ifndef HLS_MEDIA_CHUNK_H
#define HLS_MEDIA_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most samples of a track in one fragment: the sound between two pictures that are 20 s apart. */
#define CHUNK_SAMPLES_MAX 1024

struct chunk_sample {
    uint32_t size;
    uint32_t duration; /* in the track's timescale */
    uint32_t flags;    /* ISO/IEC 14496-12, 8.8.3.1 */
    int32_t offset;    /* presentation − decode time */
};

struct chunk_track {
    uint64_t decode_time; /* `tfdt`, of the first sample */
    size_t count;         /* 0: the fragment has nothing of this track */
    const uint8_t *data;  /* the samples, one after the other, in the fragment's memory */
    size_t length;
    struct chunk_sample samples[CHUNK_SAMPLES_MAX];
};

/* Tens of kilobytes: one for the whole process. */
struct chunk {
    bool has_clock; /* there is a `prft` */
    uint32_t clock; /* its flags: which time it is */
    uint64_t ntp;   /* NTP's form */
    uint64_t clock_time;
    struct chunk_track video, audio;
};

/*
 * VIDEO, AUDIO: the numbers of the tracks; AUDIO 0: there is none. What is left out of a track that is neither is not looked at.
 * 0; -EBADMSG: not such a fragment. The fragment has at least one sample of video.
 */
int chunk_parse(const uint8_t *data, size_t length, uint32_t video, uint32_t audio, struct chunk *chunk);

/* The time of its `prft` in nanoseconds since 1970; FALLBACK without one. */
int64_t chunk_wall_ns(const struct chunk *chunk, int64_t fallback);

#endif
