/* SPDX-License-Identifier: MIT */
#include "hls/media/chunk.h"

#include <errno.h>

#include "common/base/ntp.h"
#include "hls/media/box.h"

/* tf_flags, 8.8.7.1. */
enum {
    TFHD_BASE_OFFSET = 0x000001,
    TFHD_DESCRIPTION = 0x000002,
    TFHD_DURATION = 0x000008,
    TFHD_SIZE = 0x000010,
    TFHD_FLAGS = 0x000020,
    TFHD_BASE_IS_MOOF = 0x020000,
};

/* tr_flags, 8.8.8.1. */
enum {
    TRUN_DATA_OFFSET = 0x000001,
    TRUN_FIRST_FLAGS = 0x000004,
    TRUN_DURATION = 0x000100,
    TRUN_SIZE = 0x000200,
    TRUN_FLAGS = 0x000400,
    TRUN_COMPOSITION_OFFSET = 0x000800,
};

#define FULL_BOX_FLAGS 0x00FFFFFFu

/* What a `tfhd` says of all samples that do not say it themselves. */
struct defaults {
    uint32_t track, duration, size, flags;
};

static bool parse_prft(struct box_span content, struct chunk *chunk)
{
    uint32_t kind, track, low = 0;

    if (!box_take32(&content, &kind) || !box_take32(&content, &track) || !box_take64(&content, &chunk->ntp)) {
        return false;
    }
    chunk->has_clock = true;
    chunk->clock = kind & FULL_BOX_FLAGS;
    if (kind >> 24 == 1) {
        return box_take64(&content, &chunk->clock_time);
    }
    bool taken = box_take32(&content, &low);
    chunk->clock_time = low;
    return taken;
}

static bool parse_tfhd(struct box_span content, struct defaults *defaults)
{
    uint32_t kind, description;

    *defaults = (struct defaults){0};
    if (!box_take32(&content, &kind) || !box_take32(&content, &defaults->track)) {
        return false;
    }
    uint32_t flags = kind & FULL_BOX_FLAGS;
    if ((flags & TFHD_BASE_OFFSET) || !(flags & TFHD_BASE_IS_MOOF)) {
        return false;
    }
    return (!(flags & TFHD_DESCRIPTION) || box_take32(&content, &description)) &&
           (!(flags & TFHD_DURATION) || box_take32(&content, &defaults->duration)) &&
           (!(flags & TFHD_SIZE) || box_take32(&content, &defaults->size)) &&
           (!(flags & TFHD_FLAGS) || box_take32(&content, &defaults->flags));
}

static bool parse_tfdt(struct box_span content, uint64_t *time)
{
    uint32_t kind, low = 0;

    if (!box_take32(&content, &kind)) {
        return false;
    }
    if (kind >> 24 == 1) {
        return box_take64(&content, time);
    }
    bool taken = box_take32(&content, &low);
    *time = low;
    return taken;
}

static bool parse_sample(struct box_span *content, uint32_t flags, struct chunk_sample *sample)
{
    uint32_t offset = 0;

    bool taken = (!(flags & TRUN_DURATION) || box_take32(content, &sample->duration)) &&
                 (!(flags & TRUN_SIZE) || box_take32(content, &sample->size)) &&
                 (!(flags & TRUN_FLAGS) || box_take32(content, &sample->flags)) &&
                 (!(flags & TRUN_COMPOSITION_OFFSET) || box_take32(content, &offset));
    sample->offset = (int32_t)offset;
    return taken;
}

/* MOOF and MDAT: where the data may be. */
static bool parse_trun(struct box_span content, const struct defaults *defaults, const struct box *moof,
                       const struct box *mdat, struct chunk_track *track)
{
    uint32_t kind, count, offset, first = defaults->flags;

    if (!box_take32(&content, &kind) || !box_take32(&content, &count) || !(kind & TRUN_DATA_OFFSET) ||
        !box_take32(&content, &offset) || ((kind & TRUN_FIRST_FLAGS) && !box_take32(&content, &first)) ||
        count == 0 || count > CHUNK_SAMPLES_MAX) {
        return false;
    }
    uint64_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct chunk_sample *sample = &track->samples[i];
        *sample = (struct chunk_sample){.size = defaults->size,
                                        .duration = defaults->duration,
                                        .flags = i == 0 ? first : defaults->flags};
        if (!parse_sample(&content, kind & FULL_BOX_FLAGS, sample)) {
            return false;
        }
        length += sample->size;
    }
    size_t begin = moof->whole.length + BOX_HEADER, end = moof->whole.length + mdat->whole.length;
    if (offset < begin || offset > end || length == 0 || length > end - offset) {
        return false;
    }
    track->count = count;
    track->data = mdat->whole.data + (offset - moof->whole.length);
    track->length = (size_t)length;
    return true;
}

static bool parse_traf(struct box_span content, const struct box *moof, const struct box *mdat,
                       uint32_t video, uint32_t audio, struct chunk *chunk)
{
    struct box tfhd = {0}, tfdt = {0}, trun = {0};
    struct defaults defaults;

    if (!box_find(content, BOX_TYPE("tfhd"), &tfhd) || !box_find(content, BOX_TYPE("tfdt"), &tfdt) ||
        !box_find(content, BOX_TYPE("trun"), &trun) || !parse_tfhd(tfhd.content, &defaults)) {
        return false;
    }
    bool is_video = defaults.track == video;
    if (!is_video && (audio == 0 || defaults.track != audio)) {
        return true;
    }
    struct chunk_track *track = is_video ? &chunk->video : &chunk->audio;
    return track->count == 0 && parse_tfdt(tfdt.content, &track->decode_time) &&
           parse_trun(trun.content, &defaults, moof, mdat, track);
}

int chunk_parse(const uint8_t *data, size_t length, uint32_t video, uint32_t audio, struct chunk *chunk)
{
    struct box_span rest = {data, length};
    struct box moof, mdat, box;
    int result;

    chunk->has_clock = false;
    chunk->video.count = chunk->audio.count = 0;
    if (box_next(&rest, &moof) != 1) {
        return -EBADMSG;
    }
    if (moof.type == BOX_TYPE("prft") && (!parse_prft(moof.content, chunk) || box_next(&rest, &moof) != 1)) {
        return -EBADMSG;
    }
    if (moof.type != BOX_TYPE("moof") || box_next(&rest, &mdat) != 1 || mdat.type != BOX_TYPE("mdat") ||
        rest.length != 0) {
        return -EBADMSG;
    }
    struct box_span content = moof.content;
    while ((result = box_next(&content, &box)) == 1) {
        if (box.type == BOX_TYPE("traf") && !parse_traf(box.content, &moof, &mdat, video, audio, chunk)) {
            return -EBADMSG;
        }
    }
    return result == 0 && chunk->video.count > 0 ? 0 : -EBADMSG;
}

int64_t chunk_wall_ns(const struct chunk *chunk, int64_t fallback)
{
    return chunk->has_clock && chunk->ntp != 0 ? ntp_unix_ns(chunk->ntp) : fallback;
}
