/* SPDX-License-Identifier: MIT */
#include "hls/media/part_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hls/media/box.h"

enum {
    PRFT_SIZE = 32,
    MFHD_SIZE = 16,
    TFHD_SIZE = 16,
    TFDT_SIZE = 20,
    TRUN_BASE = 20,
    VIDEO_SAMPLE = 16, /* duration, size, flags, composition offset */
    AUDIO_SAMPLE = 8,  /* duration, size */
    AUDIO_TFHD_SIZE = 20,
};

#define TFHD_DEFAULT_FLAGS 0x000020u
#define TFHD_DEFAULT_BASE_IS_MOOF 0x020000u
#define TRUN_VIDEO 0x000F01u /* data offset; duration, size, flags, composition offset of each sample */
#define TRUN_AUDIO 0x000301u /* data offset; duration, size */

/* sample_depends_on 2: on no other. */
#define SAMPLE_SYNC 0x02000000u

static int reserve(struct part_track *track, size_t samples, size_t bytes)
{
    if (track->count + samples > track->room) {
        size_t room = (track->count + samples) * 2;
        struct chunk_sample *grown = realloc(track->samples, room * sizeof(*grown));
        if (!grown) {
            return -ENOMEM;
        }
        track->samples = grown;
        track->room = room;
    }
    if (track->length + bytes > track->capacity) {
        size_t capacity = (track->length + bytes) * 3 / 2;
        uint8_t *grown = realloc(track->data, capacity);
        if (!grown) {
            return -ENOMEM;
        }
        track->data = grown;
        track->capacity = capacity;
    }
    return 0;
}

/* Whether samples from TIME on can follow: the last sample then lasts until then, and 32 bits hold that. */
static bool follows(const struct part_track *track, uint64_t time, size_t samples)
{
    return track->count == 0 || (time > track->last_time && time - track->last_time <= UINT32_MAX / 2 &&
                                 track->count + samples <= PART_SAMPLES_MAX);
}

static void append(struct part_track *track, const struct chunk_track *from, uint64_t time)
{
    if (track->count == 0) {
        track->decode_time = time;
    } else {
        track->samples[track->count - 1].duration = (uint32_t)(time - track->last_time);
    }
    for (size_t i = 0; i < from->count; i++) {
        track->samples[track->count++] = from->samples[i];
        track->last_time = time;
        time += from->samples[i].duration;
    }
    memcpy(track->data + track->length, from->data, from->length);
    track->length += from->length;
}

int part_builder_add(struct part_builder *builder, const struct chunk *chunk, int64_t video_shift,
                     int64_t audio_shift)
{
    const struct chunk_track *video = &chunk->video, *audio = &chunk->audio;
    uint64_t video_time = video->decode_time + (uint64_t)video_shift;
    uint64_t audio_time = audio->decode_time + (uint64_t)audio_shift;

    if (!follows(&builder->video, video_time, video->count) ||
        (audio->count > 0 && !follows(&builder->audio, audio_time, audio->count))) {
        return -EAGAIN;
    }
    if (reserve(&builder->video, video->count, video->length) < 0 ||
        (audio->count > 0 && reserve(&builder->audio, audio->count, audio->length) < 0)) {
        return -ENOMEM;
    }
    if (builder->video.count == 0) {
        builder->has_clock = chunk->has_clock;
        builder->clock = chunk->clock;
        builder->ntp = chunk->ntp;
        builder->clock_time = chunk->clock_time + (uint64_t)video_shift;
    }
    append(&builder->video, video, video_time);
    if (audio->count > 0) {
        append(&builder->audio, audio, audio_time);
    }
    return 0;
}

/* --- Writing -------------------------------------------------------------------------------------------- */

static size_t video_traf_size(const struct part_track *track)
{
    return BOX_HEADER + TFHD_SIZE + TFDT_SIZE + TRUN_BASE + VIDEO_SAMPLE * track->count;
}

static size_t audio_traf_size(const struct part_track *track)
{
    return track->count == 0
               ? 0
               : BOX_HEADER + AUDIO_TFHD_SIZE + TFDT_SIZE + TRUN_BASE + AUDIO_SAMPLE * track->count;
}

static uint8_t *put_prft(const struct part_builder *builder, uint8_t *out)
{
    out = box_put_full(out, PRFT_SIZE, BOX_TYPE("prft"), 1, builder->clock);
    out = box_put32(out, builder->video.id);
    out = box_put64(out, builder->ntp);
    return box_put64(out, builder->clock_time);
}

static uint8_t *put_tfdt(uint8_t *out, uint64_t time)
{
    return box_put64(box_put_full(out, TFDT_SIZE, BOX_TYPE("tfdt"), 1, 0), time);
}

/* OFFSET: from the first byte of `moof` to the first sample. */
static uint8_t *put_video(const struct part_track *track, size_t offset, uint8_t *out)
{
    out = box_put(out, video_traf_size(track), BOX_TYPE("traf"));
    out = box_put32(box_put_full(out, TFHD_SIZE, BOX_TYPE("tfhd"), 0, TFHD_DEFAULT_BASE_IS_MOOF), track->id);
    out = put_tfdt(out, track->decode_time);
    out = box_put_full(out, TRUN_BASE + VIDEO_SAMPLE * track->count, BOX_TYPE("trun"), 1, TRUN_VIDEO);
    out = box_put32(box_put32(out, (uint32_t)track->count), (uint32_t)offset);
    for (size_t i = 0; i < track->count; i++) {
        const struct chunk_sample *sample = &track->samples[i];
        out = box_put32(box_put32(out, sample->duration), sample->size);
        out = box_put32(box_put32(out, sample->flags), (uint32_t)sample->offset);
    }
    return out;
}

static uint8_t *put_audio(const struct part_track *track, size_t offset, uint8_t *out)
{
    out = box_put(out, audio_traf_size(track), BOX_TYPE("traf"));
    out = box_put32(box_put_full(out, AUDIO_TFHD_SIZE, BOX_TYPE("tfhd"), 0,
                                 TFHD_DEFAULT_BASE_IS_MOOF | TFHD_DEFAULT_FLAGS),
                    track->id);
    out = box_put32(out, SAMPLE_SYNC);
    out = put_tfdt(out, track->decode_time);
    out = box_put_full(out, TRUN_BASE + AUDIO_SAMPLE * track->count, BOX_TYPE("trun"), 0, TRUN_AUDIO);
    out = box_put32(box_put32(out, (uint32_t)track->count), (uint32_t)offset);
    for (size_t i = 0; i < track->count; i++) {
        out = box_put32(box_put32(out, track->samples[i].duration), track->samples[i].size);
    }
    return out;
}

static void empty(struct part_builder *builder)
{
    builder->video.count = builder->audio.count = 0;
    builder->video.length = builder->audio.length = 0;
}

struct blob *part_builder_finish(struct part_builder *builder, uint32_t sequence)
{
    const struct part_track *video = &builder->video, *audio = &builder->audio;
    size_t moof = BOX_HEADER + MFHD_SIZE + video_traf_size(video) + audio_traf_size(audio);
    size_t mdat = BOX_HEADER + video->length + audio->length;
    size_t length = (builder->has_clock ? PRFT_SIZE : 0) + moof + mdat;
    struct blob *blob = NULL;

    if (video->count > 0 && mdat <= UINT32_MAX) {
        blob = malloc(sizeof(*blob) + length);
    }
    if (blob) {
        uint8_t *out = builder->has_clock ? put_prft(builder, blob->data) : blob->data;
        blob->length = length;
        out = box_put(out, moof, BOX_TYPE("moof"));
        out = box_put32(box_put_full(out, MFHD_SIZE, BOX_TYPE("mfhd"), 0, 0), sequence);
        out = put_video(video, moof + BOX_HEADER, out);
        if (audio->count > 0) {
            out = put_audio(audio, moof + BOX_HEADER + video->length, out);
        }
        out = box_put(out, mdat, BOX_TYPE("mdat"));
        memcpy(out, video->data, video->length);
        if (audio->length > 0) {
            memcpy(out + video->length, audio->data, audio->length);
        }
    }
    empty(builder);
    return blob;
}

void part_builder_clear(struct part_builder *builder)
{
    struct part_track *tracks[] = {&builder->video, &builder->audio};

    empty(builder);
    for (size_t i = 0; i < 2; i++) {
        free(tracks[i]->samples);
        free(tracks[i]->data);
        *tracks[i] = (struct part_track){.id = tracks[i]->id};
    }
}
