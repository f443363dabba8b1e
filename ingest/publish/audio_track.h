/* SPDX-License-Identifier: MIT */
/*
 * The audio that has arrived since the last fragment, and its decode times: contiguous by sample count, because
 * players stumble over every hole. The owner decides where the audio belongs. Owned by the publisher's audio; one thread.
 */
#ifndef INGEST_PUBLISH_AUDIO_TRACK_H
#define INGEST_PUBLISH_AUDIO_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Access units waiting for a video frame: 10 s of AAC at 48 kHz. What does not fit is dropped. */
#define AUDIO_TRACK_UNITS_MAX 512

/* Bytes waiting for a video frame: 6 s at 320 kbit/s. */
#define AUDIO_TRACK_BYTES_MAX ((size_t)256 * 1024)

struct audio_track {
    uint32_t rate; /* Hz: the track's timescale; 0: no audio */
    int64_t floor; /* no decode time may be smaller, in samples */
    int64_t next;  /* decode time of the next access unit, in samples */
    bool started;  /* `next` is set */
    int64_t first; /* decode time of the first one waiting */
    uint8_t *data; /* AUDIO_TRACK_BYTES_MAX, allocated with the first use */
    size_t length;
    uint32_t sizes[AUDIO_TRACK_UNITS_MAX];
    uint32_t durations[AUDIO_TRACK_UNITS_MAX]; /* in samples */
    size_t count;
};

/* Begins a track of this rate, whose times follow those that TRACK had. RATE 0: no audio. 0; -ENOMEM. */
int audio_track_configure(struct audio_track *track, uint32_t rate);

void audio_track_finish(struct audio_track *track);

/*
 * Puts the next unit at NS (since the epoch), whatever came before. Units that wait are dropped, because a fragment's samples
 * have no holes. False: NS is before the end of the track, and nothing has changed.
 */
bool audio_track_begin(struct audio_track *track, int64_t ns);

/* Where the next unit goes, since the epoch; the track has begun. */
int64_t audio_track_end_ns(const struct audio_track *track);

/* Adds an access unit of DURATION samples after the last one. It is copied; or dropped, if it does not fit or the track
 * has not begun. */
void audio_track_put(struct audio_track *track, const uint8_t *data, size_t size, uint32_t duration);

/* Forgets the units that wait: they are in a fragment now. */
void audio_track_clear(struct audio_track *track);

#endif
