/* SPDX-License-Identifier: MIT */
#include "rtsp/stream/fragment.h"

#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"

/* Fields of a full box, and of `tfhd` and `trun` (8.8.7, 8.8.8). */
#define FULL_SIZE 4

/* Where the time stands in `prft` (8.16.5): after version, flags and track. */
#define PRFT_NTP 8

enum {
    TFHD_BASE_DATA_OFFSET = 0x000001,
    TFHD_DESCRIPTION = 0x000002,
    TFHD_DURATION = 0x000008,
    TFHD_SIZE = 0x000010,
    TFHD_FLAGS = 0x000020,
    TRUN_DATA_OFFSET = 0x000001,
    TRUN_FIRST_FLAGS = 0x000004,
    TRUN_DURATION = 0x000100,
    TRUN_SIZE = 0x000200,
    TRUN_FLAGS = 0x000400,
    TRUN_COMPOSITION_OFFSET = 0x000800,
};

/* Times beyond this (of 90 kHz: three thousand years) are damage; below it no sum can overflow. */
#define TIME_MAX (INT64_C(1) << 53)

/* A track's part of a `moof`. */
struct run {
    uint32_t track;
    uint32_t default_duration, default_size;
    int64_t time;
    uint32_t flags, count;
    size_t offset;      /* of the first sample, from the beginning of the `moof` */
    struct span fields; /* of the samples */
};

static bool take32(struct span *rest, uint32_t *value)
{
    const uint8_t *bytes = span_take(rest, 4);

    if (bytes) {
        *value = bytes_get_be32(bytes);
    }
    return bytes != NULL;
}

/* Reads a value that is there only if FLAG is one of FLAGS. */
static bool take_if(struct span *rest, uint32_t flags, uint32_t flag, uint32_t *value)
{
    return !(flags & flag) || take32(rest, value);
}

static bool read_tfhd(struct run *run, struct span body)
{
    uint32_t flags, unused;

    if (!take32(&body, &flags) || !take32(&body, &run->track) || (flags & TFHD_BASE_DATA_OFFSET)) {
        return false;
    }
    return take_if(&body, flags, TFHD_DESCRIPTION, &unused) &&
           take_if(&body, flags, TFHD_DURATION, &run->default_duration) &&
           take_if(&body, flags, TFHD_SIZE, &run->default_size);
}

static bool read_tfdt(struct run *run, struct span body)
{
    const uint8_t *head = span_take(&body, FULL_SIZE);
    bool large = head && head[0] == 1;

    if (!head || body.size < (large ? 8 : 4)) {
        return false;
    }
    uint64_t time = large ? bytes_get_be64(body.data) : bytes_get_be32(body.data);
    run->time = (int64_t)time;
    return time <= TIME_MAX;
}

static bool read_trun(struct run *run, struct span body)
{
    uint32_t offset = 0, unused;

    if (!take32(&body, &run->flags) || !take32(&body, &run->count) ||
        !take_if(&body, run->flags, TRUN_DATA_OFFSET, &offset) ||
        !take_if(&body, run->flags, TRUN_FIRST_FLAGS, &unused)) {
        return false;
    }
    run->offset = offset;
    run->fields = body;
    return run->flags & TRUN_DATA_OFFSET;
}

static bool read_traf(struct run *run, struct span traf)
{
    struct span body;

    *run = (struct run){0};
    return box_find(traf, BOX_TYPE('t', 'f', 'h', 'd'), &body) && read_tfhd(run, body) &&
           box_find(traf, BOX_TYPE('t', 'f', 'd', 't'), &body) && read_tfdt(run, body) &&
           box_find(traf, BOX_TYPE('t', 'r', 'u', 'n'), &body) && read_trun(run, body);
}

struct sample {
    struct span bytes;
    uint32_t duration;
    int32_t composition_offset;
};

/* The next sample of RUN, whose bytes lie in MOOF, which is all from the `moof` on. */
static bool next_sample(struct run *run, struct span moof, struct sample *sample)
{
    uint32_t size = run->default_size, unused, composition = 0;

    sample->duration = run->default_duration;
    if (!take_if(&run->fields, run->flags, TRUN_DURATION, &sample->duration) ||
        !take_if(&run->fields, run->flags, TRUN_SIZE, &size) ||
        !take_if(&run->fields, run->flags, TRUN_FLAGS, &unused) ||
        !take_if(&run->fields, run->flags, TRUN_COMPOSITION_OFFSET, &composition) || size == 0 ||
        run->offset > moof.size || size > moof.size - run->offset) {
        return false;
    }
    sample->composition_offset = (int32_t)composition;
    sample->bytes = (struct span){.data = moof.data + run->offset, .size = size};
    run->offset += size;
    return true;
}

/* True if the lengths before the NAL units lead exactly to the end. */
static bool has_whole_units(struct span picture)
{
    uint32_t length;

    while (picture.size > 0) {
        if (!take32(&picture, &length) || length == 0 || !span_take(&picture, length)) {
            return false;
        }
    }
    return true;
}

static bool read_picture(struct fragment *fragment, struct run *run, struct span moof)
{
    struct sample sample;

    if (run->count != 1 || fragment->picture.data || !next_sample(run, moof, &sample) ||
        !has_whole_units(sample.bytes)) {
        return false;
    }
    fragment->picture = sample.bytes;
    fragment->decode_time = run->time;
    fragment->present_time = run->time + sample.composition_offset;
    fragment->duration = sample.duration;
    return true;
}

static bool read_sound(struct fragment *fragment, struct run *run, struct span moof)
{
    struct sample sample;
    int64_t time = run->time;

    for (uint32_t i = 0; i < run->count; i++) {
        if (fragment->audio_count == FRAGMENT_AUDIO_MAX || !next_sample(run, moof, &sample)) {
            return false;
        }
        fragment->audio[fragment->audio_count++] =
            (struct audio_sample){.bytes = sample.bytes, .time = time, .duration = sample.duration};
        time += sample.duration;
    }
    return true;
}

int fragment_read(struct fragment *fragment, const struct init_segment *init, const void *data, size_t size)
{
    struct span rest = {.data = data, .size = size}, from_moof = rest;
    struct box box;
    struct run run;

    fragment->picture = (struct span){0};
    fragment->audio_count = 0;
    fragment->captured_ntp = 0;
    do {
        from_moof = rest;
        if (!box_next(&rest, &box)) {
            return -EBADMSG;
        }
        if (box.type == BOX_TYPE('p', 'r', 'f', 't') && box.body.size >= PRFT_NTP + 8) {
            fragment->captured_ntp = bytes_get_be64(box.body.data + PRFT_NTP);
        }
    } while (box.type != BOX_TYPE('m', 'o', 'o', 'f'));
    struct span moof = box.body;
    while (box_next(&moof, &box)) {
        if (box.type != BOX_TYPE('t', 'r', 'a', 'f')) {
            continue;
        }
        if (!read_traf(&run, box.body)) {
            return -EBADMSG;
        }
        bool sound = init->audio != AUDIO_NONE && run.track == init->audio_track;
        if ((run.track == init->video_track && !read_picture(fragment, &run, from_moof)) ||
            (sound && run.track != init->video_track && !read_sound(fragment, &run, from_moof))) {
            return -EBADMSG;
        }
    }
    return fragment->picture.data ? 0 : -EBADMSG;
}
