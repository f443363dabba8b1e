/* SPDX-License-Identifier: MIT */
#include "ingest/publish/audio_track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

static int64_t rescale(int64_t value, int64_t from, int64_t to)
{
    return value / from * to + value % from * to / from;
}

int audio_track_configure(struct audio_track *track, uint32_t rate)
{
    if (track->rate != 0 && rate != 0) {
        track->floor = rescale(track->started ? track->next : track->floor, track->rate, rate) + 1;
    }
    if (rate != 0 && !track->data) {
        track->data = malloc(AUDIO_TRACK_BYTES_MAX);
        if (!track->data) {
            return -ENOMEM;
        }
    }
    track->rate = rate;
    track->started = false;
    audio_track_clear(track);
    return 0;
}

void audio_track_finish(struct audio_track *track)
{
    free(track->data);
    *track = (struct audio_track){0};
}

bool audio_track_begin(struct audio_track *track, int64_t ns)
{
    int64_t time = rescale(ns, NS_PER_SECOND, track->rate);
    int64_t floor = track->started ? track->next : track->floor;

    if (ns < 0 || time < floor) {
        return false;
    }
    audio_track_clear(track);
    track->next = time;
    track->started = true;
    return true;
}

int64_t audio_track_end_ns(const struct audio_track *track)
{
    return rescale(track->next, track->rate, NS_PER_SECOND);
}

void audio_track_put(struct audio_track *track, const uint8_t *data, size_t size, uint32_t duration)
{
    if (!track->started || size == 0 || duration == 0) {
        return;
    }
    if (track->count == AUDIO_TRACK_UNITS_MAX || size > AUDIO_TRACK_BYTES_MAX - track->length) {
        return;
    }
    if (track->count == 0) {
        track->first = track->next;
    }
    memcpy(track->data + track->length, data, size);
    track->length += size;
    track->durations[track->count] = duration;
    track->sizes[track->count++] = (uint32_t)size;
    track->next += duration;
}

void audio_track_clear(struct audio_track *track)
{
    track->count = 0;
    track->length = 0;
}
