/* SPDX-License-Identifier: MIT */
#include "ctl/shift_timestamps.h"

#include "common/base/bytes.h"

/* Bytes of a box before its body. */
#define BOX_HEADER 8

#define BOX(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

struct box {
    uint32_t type;
    uint8_t *body;
    size_t size; /* of the body */
};

/* Reads the next box from the *SIZE bytes at *AT, and moves both past it. */
static bool next_box(uint8_t **at, size_t *size, struct box *box)
{
    if (*size < BOX_HEADER) {
        return false;
    }
    uint32_t length = bytes_get_be32(*at);
    if (length < BOX_HEADER || length > *size) {
        return false;
    }
    *box =
        (struct box){.type = bytes_get_be32(*at + 4), .body = *at + BOX_HEADER, .size = length - BOX_HEADER};
    *at += length;
    *size -= length;
    return true;
}

/* The first box of TYPE in PARENT. */
static bool find_box(const struct box *parent, uint32_t type, struct box *found)
{
    uint8_t *at = parent->body;
    size_t size = parent->size;

    while (next_box(&at, &size, found)) {
        if (found->type == type) {
            return true;
        }
    }
    return false;
}

/*
 * The 32-bit field behind the two times of a full box, which take 32 bits each in version 0, 64 in version 1.
 */
static uint32_t field_after_times(const struct box *box)
{
    size_t offset = box->size > 0 && box->body[0] == 1 ? 4 + 8 + 8 : 4 + 4 + 4;

    return box->size >= offset + 4 ? bytes_get_be32(box->body + offset) : 0;
}

static void add_track(struct shift_timestamps *shift, const struct box *trak)
{
    struct box tkhd, mdia, mdhd;

    if (shift->track_count == SHIFT_TIMESTAMPS_TRACKS_MAX ||
        !find_box(trak, BOX('t', 'k', 'h', 'd'), &tkhd) || !find_box(trak, BOX('m', 'd', 'i', 'a'), &mdia) ||
        !find_box(&mdia, BOX('m', 'd', 'h', 'd'), &mdhd)) {
        return;
    }
    struct shift_timestamps_track track = {.id = field_after_times(&tkhd),
                                           .timescale = field_after_times(&mdhd)};
    if (track.timescale > 0) {
        shift->tracks[shift->track_count++] = track;
    }
}

void shift_timestamps_init(struct shift_timestamps *shift, const uint8_t *init, size_t size)
{
    struct box whole = {.body = (uint8_t *)(uintptr_t)init, .size = size}; /* only read */
    struct box moov, box;

    *shift = (struct shift_timestamps){0};
    if (!find_box(&whole, BOX('m', 'o', 'o', 'v'), &moov)) {
        return;
    }
    while (next_box(&moov.body, &moov.size, &box)) {
        if (box.type == BOX('t', 'r', 'a', 'k')) {
            add_track(shift, &box);
        }
    }
}

static uint32_t timescale_of(const struct shift_timestamps *shift, uint32_t id)
{
    for (size_t i = 0; i < shift->track_count; i++) {
        if (shift->tracks[i].id == id) {
            return shift->tracks[i].timescale;
        }
    }
    return 0;
}

static void shift_track(struct shift_timestamps *shift, const struct box *traf)
{
    struct box tfhd, tfdt;

    if (!find_box(traf, BOX('t', 'f', 'h', 'd'), &tfhd) || tfhd.size < 8 ||
        !find_box(traf, BOX('t', 'f', 'd', 't'), &tfdt) || tfdt.size < 8) {
        return;
    }
    uint32_t timescale = timescale_of(shift, bytes_get_be32(tfhd.body + 4));
    bool wide = tfdt.body[0] == 1;
    if (timescale == 0 || (wide && tfdt.size < 12)) {
        return;
    }
    uint64_t time = wide ? bytes_get_be64(tfdt.body + 4) : bytes_get_be32(tfdt.body + 4);
    if (!shift->begun) {
        shift->begun = true;
        shift->origin = time;
        shift->origin_timescale = timescale;
    }
    uint64_t base = (uint64_t)((unsigned __int128)shift->origin * timescale / shift->origin_timescale);
    time = time > base ? time - base : 0;
    if (wide) {
        bytes_put_be64(tfdt.body + 4, time);
    } else {
        bytes_put_be32(tfdt.body + 4, (uint32_t)time);
    }
}

void shift_timestamps_fragment(struct shift_timestamps *shift, uint8_t *fragment, size_t size)
{
    struct box whole = {.body = fragment, .size = size};
    struct box moof, box;

    if (!find_box(&whole, BOX('m', 'o', 'o', 'f'), &moof)) {
        return;
    }
    while (next_box(&moof.body, &moof.size, &box)) {
        if (box.type == BOX('t', 'r', 'a', 'f')) {
            shift_track(shift, &box);
        }
    }
}
