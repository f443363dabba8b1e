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
    if (rate != 0 && track->data == NULL) {
        track->data = malloc(AUDIO_TRACK_BYTES_MAX);
        if (track->data == NULL) {
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

/* True if there is a place on the track for a unit that belongs at TIME. */
static bool align(struct audio_track *track, int64_t time, bool exact)
{
    /* Times estimated by the arrival carry the network's jitter. */
    int64_t tolerance = track->rate / (exact ? 10 : 2);

    if (!track->started) {
        track->next = time;
        track->started = time >= track->floor;
        return track->started;
    }
    if (time - track->next < -tolerance) {
        return false;
    }
    if (time - track->next > tolerance) {
        /* A run of samples in a fragment has no holes, so what waits before the hole goes. */
        audio_track_clear(track);
        track->next = time;
        track->resyncs++;
    }
    return true;
}

void audio_track_put(struct audio_track *track, const uint8_t *data, size_t size, uint32_t duration,
                     int64_t decode_ns, bool exact)
{
    if (track->rate == 0 || size == 0 || duration == 0 || decode_ns < 0) {
        return;
    }
    if (!align(track, rescale(decode_ns, NS_PER_SECOND, track->rate), exact)) {
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
