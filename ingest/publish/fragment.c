/* SPDX-License-Identifier: MIT */
#include "ingest/publish/fragment.h"

#include <string.h>

#include "common/base/ntp.h"

/* Bytes of each box, header included. */
enum {
    BOX_HEADER = 8,
    PRFT_SIZE = 32,
    MFHD_SIZE = 16,
    TFDT_SIZE = 20,
    VIDEO_TFHD_SIZE = 16,
    VIDEO_TRUN_SIZE = 36,
    VIDEO_TRAF_SIZE = BOX_HEADER + VIDEO_TFHD_SIZE + TFDT_SIZE + VIDEO_TRUN_SIZE,
    AUDIO_TFHD_SIZE = 24,
    AUDIO_TRUN_BASE = 20, /* and 4 for each sample, or 8 if their durations differ */
};

/* tf_flags, 8.8.7.1. */
enum {
    TFHD_DEFAULT_DURATION = 0x000008,
    TFHD_DEFAULT_FLAGS = 0x000020,
    TFHD_DEFAULT_BASE_IS_MOOF = 0x020000,
};

/* tr_flags, 8.8.8.1. */
enum {
    TRUN_DATA_OFFSET = 0x000001,
    TRUN_DURATION = 0x000100,
    TRUN_SIZE = 0x000200,
    TRUN_FLAGS = 0x000400,
    TRUN_COMPOSITION_OFFSET = 0x000800,
};

/* Sample flags, 8.8.3.1: sample_depends_on is 2 (on no other) or 1; sample_is_non_sync_sample. */
#define SAMPLE_SYNC 0x02000000u
#define SAMPLE_NON_SYNC 0x01010000u

static uint8_t *put32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
    return out + 4;
}

static uint8_t *put64(uint8_t *out, uint64_t value)
{
    return put32(put32(out, (uint32_t)(value >> 32)), (uint32_t)value);
}

static uint8_t *put_box(uint8_t *out, size_t size, const char type[4])
{
    out = put32(out, (uint32_t)size);
    memcpy(out, type, 4);
    return out + 4;
}

/* A full box: version and flags after the header (4.2). */
static uint8_t *put_full_box(uint8_t *out, size_t size, const char type[4], unsigned version, uint32_t flags)
{
    return put32(put_box(out, size, type), (uint32_t)version << 24 | flags);
}

static bool has_equal_durations(const struct fragment *fragment)
{
    for (size_t i = 1; i < fragment->audio_count; i++) {
        if (fragment->audio_durations[i] != fragment->audio_durations[0]) {
            return false;
        }
    }
    return true;
}

static size_t audio_trun_size(const struct fragment *fragment)
{
    return AUDIO_TRUN_BASE + (has_equal_durations(fragment) ? 4 : 8) * fragment->audio_count;
}

static size_t audio_traf_size(const struct fragment *fragment)
{
    if (fragment->audio_count == 0) {
        return 0;
    }
    return BOX_HEADER + AUDIO_TFHD_SIZE + TFDT_SIZE + audio_trun_size(fragment);
}

static size_t moof_size(const struct fragment *fragment)
{
    return BOX_HEADER + MFHD_SIZE + VIDEO_TRAF_SIZE + audio_traf_size(fragment);
}

static size_t mdat_size(const struct fragment *fragment)
{
    return BOX_HEADER + fragment->picture->sample_size + fragment->audio_length;
}

size_t fragment_length(const struct fragment *fragment)
{
    return PRFT_SIZE + moof_size(fragment) + mdat_size(fragment);
}

/* Names the frame by its presentation time, which need not be its decode time. */
static uint8_t *put_prft(const struct fragment *fragment, uint8_t *out)
{
    out = put_full_box(out, PRFT_SIZE, "prft", 1, fragment->clock);
    out = put32(out, FRAGMENT_VIDEO_TRACK);
    out = put64(out, ntp_from_unix_ns(fragment->wall_ns));
    return put64(out, (uint64_t)(fragment->decode_time + fragment->composition_offset));
}

static uint8_t *put_tfdt(uint8_t *out, int64_t time)
{
    out = put_full_box(out, TFDT_SIZE, "tfdt", 1, 0);
    return put64(out, (uint64_t)time);
}

/* DATA_OFFSET: from the first byte of `moof` to the sample. */
static uint8_t *put_video_traf(const struct fragment *fragment, size_t data_offset, uint8_t *out)
{
    out = put_box(out, VIDEO_TRAF_SIZE, "traf");
    out = put_full_box(out, VIDEO_TFHD_SIZE, "tfhd", 0, TFHD_DEFAULT_BASE_IS_MOOF);
    out = put32(out, FRAGMENT_VIDEO_TRACK);
    out = put_tfdt(out, fragment->decode_time);
    out = put_full_box(out, VIDEO_TRUN_SIZE, "trun", 1,
                       TRUN_DATA_OFFSET | TRUN_DURATION | TRUN_SIZE | TRUN_FLAGS | TRUN_COMPOSITION_OFFSET);
    out = put32(out, 1);
    out = put32(out, (uint32_t)data_offset);
    out = put32(out, fragment->duration);
    out = put32(out, (uint32_t)fragment->picture->sample_size);
    out = put32(out, fragment->picture->keyframe ? SAMPLE_SYNC : SAMPLE_NON_SYNC);
    return put32(out, (uint32_t)fragment->composition_offset);
}

static uint8_t *put_audio_traf(const struct fragment *fragment, size_t data_offset, uint8_t *out)
{
    bool equal = has_equal_durations(fragment);

    out = put_box(out, audio_traf_size(fragment), "traf");
    out = put_full_box(out, AUDIO_TFHD_SIZE, "tfhd", 0,
                       TFHD_DEFAULT_BASE_IS_MOOF | TFHD_DEFAULT_DURATION | TFHD_DEFAULT_FLAGS);
    out = put32(out, FRAGMENT_AUDIO_TRACK);
    out = put32(out, fragment->audio_durations[0]);
    out = put32(out, SAMPLE_SYNC);
    out = put_tfdt(out, fragment->audio_time);
    out = put_full_box(out, audio_trun_size(fragment), "trun", 0,
                       TRUN_DATA_OFFSET | TRUN_SIZE | (equal ? 0u : TRUN_DURATION));
    out = put32(out, (uint32_t)fragment->audio_count);
    out = put32(out, (uint32_t)data_offset);
    for (size_t i = 0; i < fragment->audio_count; i++) {
        if (!equal) {
            out = put32(out, fragment->audio_durations[i]);
        }
        out = put32(out, fragment->audio_sizes[i]);
    }
    return out;
}

void fragment_write(const struct fragment *fragment, uint8_t *out)
{
    size_t moof = moof_size(fragment);
    size_t video_offset = moof + BOX_HEADER;

    out = put_prft(fragment, out);
    out = put_box(out, moof, "moof");
    out = put_full_box(out, MFHD_SIZE, "mfhd", 0, 0);
    out = put32(out, fragment->sequence);
    out = put_video_traf(fragment, video_offset, out);
    if (fragment->audio_count > 0) {
        out = put_audio_traf(fragment, video_offset + fragment->picture->sample_size, out);
    }
    out = put_box(out, mdat_size(fragment), "mdat");
    out = sample_writer_write(fragment->picture, out);
    if (fragment->audio_count > 0) {
        memcpy(out, fragment->audio_data, fragment->audio_length);
    }
}
