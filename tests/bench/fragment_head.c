/* SPDX-License-Identifier: MIT */
#include "tests/bench/fragment_head.h"

#include <string.h>

#define BOX(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define BOX_HEADER 8
#define SAMPLE_IS_NON_SYNC 0x00010000u

/* 14496-12 section 8.8.7 and 8.8.8 */
enum tfhd_flags {
    TFHD_BASE_OFFSET = 0x1,
    TFHD_DESCRIPTION = 0x2,
    TFHD_DURATION = 0x8,
    TFHD_SIZE = 0x10,
    TFHD_FLAGS = 0x20
};
enum trun_flags {
    TRUN_OFFSET = 0x1,
    TRUN_FIRST_FLAGS = 0x4,
    TRUN_DURATION = 0x100,
    TRUN_SIZE = 0x200,
    TRUN_FLAGS = 0x400
};

/* Bytes between `at` and `end`; `at` never passes `end`. */
struct span {
    const uint8_t *at, *end;
};

static size_t left(const struct span *span)
{
    return (size_t)(span->end - span->at);
}

static uint32_t u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Takes the next box; its payload is cut where the bytes end. */
static bool next_box(struct span *span, uint32_t *type, struct span *payload)
{
    if (left(span) < BOX_HEADER) {
        return false;
    }
    uint32_t size = u32(span->at);
    *type = u32(span->at + 4);
    if (size < BOX_HEADER) {
        return false;
    }
    size_t present = size < left(span) ? size : left(span);
    *payload = (struct span){span->at + BOX_HEADER, span->at + present};
    span->at += present;
    return true;
}

static bool find_box(struct span within, uint32_t wanted, struct span *payload)
{
    uint32_t type;
    while (next_box(&within, &type, payload)) {
        if (type == wanted) {
            return true;
        }
    }
    return false;
}

enum fragment_kind fragment_kind(const uint8_t *data, size_t length)
{
    if (length < BOX_HEADER) {
        return FRAGMENT_UNKNOWN;
    }
    switch (u32(data + 4)) {
    case BOX('f', 't', 'y', 'p'):
        return FRAGMENT_INIT;
    case BOX('m', 'o', 'o', 'f'):
    case BOX('s', 't', 'y', 'p'):
    case BOX('s', 'i', 'd', 'x'):
    case BOX('p', 'r', 'f', 't'):
        return FRAGMENT_MEDIA;
    default:
        return FRAGMENT_UNKNOWN;
    }
}

static bool is_video(struct span trak)
{
    struct span mdia, hdlr;
    return find_box(trak, BOX('m', 'd', 'i', 'a'), &mdia) && find_box(mdia, BOX('h', 'd', 'l', 'r'), &hdlr) &&
           left(&hdlr) >= 12 && u32(hdlr.at + 8) == BOX('v', 'i', 'd', 'e');
}

static uint32_t track_id(struct span trak)
{
    struct span tkhd;
    if (!find_box(trak, BOX('t', 'k', 'h', 'd'), &tkhd) || left(&tkhd) < 24) {
        return 0;
    }
    bool wide_times = tkhd.at[0] == 1;
    return u32(tkhd.at + 4 + (wide_times ? 16 : 8));
}

uint32_t fragment_video_track(const uint8_t *init, size_t length)
{
    struct span moov, box;
    uint32_t type;
    if (!find_box((struct span){init, init + length}, BOX('m', 'o', 'o', 'v'), &moov)) {
        return 0;
    }
    while (next_box(&moov, &type, &box)) {
        if (type == BOX('t', 'r', 'a', 'k') && is_video(box)) {
            return track_id(box);
        }
    }
    return 0;
}

static uint32_t take_u32(struct span *span, uint32_t otherwise)
{
    if (left(span) < 4) {
        span->at = span->end;
        return otherwise;
    }
    uint32_t value = u32(span->at);
    span->at += 4;
    return value;
}

/* track_ID of a `tfhd`, and the sample flags it sets (non-sync if it sets none). */
static uint32_t read_tfhd(struct span tfhd, uint32_t *sample_flags)
{
    uint32_t flags = take_u32(&tfhd, 0);
    uint32_t track = take_u32(&tfhd, 0);
    if (flags & TFHD_BASE_OFFSET) {
        (void)take_u32(&tfhd, 0), (void)take_u32(&tfhd, 0);
    }
    if (flags & TFHD_DESCRIPTION) {
        (void)take_u32(&tfhd, 0);
    }
    if (flags & TFHD_DURATION) {
        (void)take_u32(&tfhd, 0);
    }
    if (flags & TFHD_SIZE) {
        (void)take_u32(&tfhd, 0);
    }
    *sample_flags = flags & TFHD_FLAGS ? take_u32(&tfhd, SAMPLE_IS_NON_SYNC) : SAMPLE_IS_NON_SYNC;
    return track;
}

/* The first sample of a `trun`: its place after the start of `moof`, its size (0: not said), its flags. */
static void read_trun(struct span trun, uint32_t *offset, uint32_t *size, uint32_t *sample_flags)
{
    uint32_t flags = take_u32(&trun, 0);
    (void)take_u32(&trun, 0); /* sample_count */
    *offset = flags & TRUN_OFFSET ? take_u32(&trun, 0) : 0;
    bool first_flags = flags & TRUN_FIRST_FLAGS;
    if (first_flags) {
        *sample_flags = take_u32(&trun, SAMPLE_IS_NON_SYNC);
    }
    if (flags & TRUN_DURATION) {
        (void)take_u32(&trun, 0);
    }
    *size = flags & TRUN_SIZE ? take_u32(&trun, 0) : 0;
    if (!first_flags && (flags & TRUN_FLAGS)) {
        *sample_flags = take_u32(&trun, SAMPLE_IS_NON_SYNC);
    }
}

/* Walks the length-prefixed NAL units (14496-15) up to the first coded slice. */
static void read_access_unit(struct span unit, struct fragment_head *head)
{
    while (left(&unit) > 4) {
        uint32_t length = u32(unit.at);
        unit.at += 4;
        size_t present = length < left(&unit) ? length : left(&unit);
        if (present == 0) {
            return;
        }
        uint8_t type = unit.at[0] & 0x1f;
        if (type >= 1 && type <= 5) {
            head->has_slice = true;
            head->idr = type == 5;
            return;
        }
        if (!head->stamped) {
            head->stamped = stamp_read(unit.at, present, &head->stamp);
        }
        unit.at += present;
    }
}

static bool read_traf(struct span traf, struct span from_moof, uint32_t track, struct fragment_head *head)
{
    struct span tfhd, trun;
    uint32_t sample_flags, offset, size;
    if (!find_box(traf, BOX('t', 'f', 'h', 'd'), &tfhd) || read_tfhd(tfhd, &sample_flags) != track) {
        return false;
    }
    if (!find_box(traf, BOX('t', 'r', 'u', 'n'), &trun)) {
        return false;
    }
    read_trun(trun, &offset, &size, &sample_flags);
    head->keyframe = !(sample_flags & SAMPLE_IS_NON_SYNC);
    if (offset < left(&from_moof)) {
        struct span unit = {from_moof.at + offset, from_moof.end};
        if (size > 0 && size < left(&unit)) {
            unit.end = unit.at + size;
        }
        read_access_unit(unit, head);
    }
    return true;
}

bool fragment_head_read(const uint8_t *data, size_t length, uint32_t track, struct fragment_head *head)
{
    struct span moof, mfhd, box;
    uint32_t type;
    memset(head, 0, sizeof *head);
    if (!find_box((struct span){data, data + length}, BOX('m', 'o', 'o', 'f'), &moof)) {
        return false;
    }
    struct span from_moof = {moof.at - BOX_HEADER, data + length};
    if (!find_box(moof, BOX('m', 'f', 'h', 'd'), &mfhd) || left(&mfhd) < 8) {
        return false;
    }
    head->sequence = u32(mfhd.at + 4);
    while (next_box(&moof, &type, &box)) {
        if (type == BOX('t', 'r', 'a', 'f') && read_traf(box, from_moof, track, head)) {
            return true;
        }
    }
    return false;
}
