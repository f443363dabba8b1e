/* SPDX-License-Identifier: MIT */
#include "ctl/shift_timestamps.h"

#include "common/base/box.h"
#include "common/base/bytes.h"

/*
 * The 32-bit field behind the two times of a full box, which take 32 bits each in version 0, 64 in version 1.
 */
static uint32_t field_after_times(struct span box)
{
    size_t offset = box.size > 0 && box.data[0] == 1 ? 4 + 8 + 8 : 4 + 4 + 4;

    return box.size >= offset + 4 ? bytes_get_be32(box.data + offset) : 0;
}

static void add_track(struct shift_timestamps *shift, struct span trak)
{
    static const uint32_t to_mdhd[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'd', 'h', 'd')};
    struct span tkhd, mdhd;

    if (shift->track_count == SHIFT_TIMESTAMPS_TRACKS_MAX ||
        !box_find(trak, BOX_TYPE('t', 'k', 'h', 'd'), &tkhd) || !box_find_path(trak, to_mdhd, 2, &mdhd)) {
        return;
    }
    struct shift_timestamps_track track = {.id = field_after_times(tkhd),
                                           .timescale = field_after_times(mdhd)};
    if (track.timescale > 0) {
        shift->tracks[shift->track_count++] = track;
    }
}

void shift_timestamps_init(struct shift_timestamps *shift, const uint8_t *init, size_t size)
{
    struct span moov;
    struct box box;

    *shift = (struct shift_timestamps){0};
    if (!box_find((struct span){init, size}, BOX_TYPE('m', 'o', 'o', 'v'), &moov)) {
        return;
    }
    while (box_next(&moov, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'k')) {
            add_track(shift, box.body);
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

/* TRAF lies in FRAGMENT, which is changed. */
static void shift_track(struct shift_timestamps *shift, uint8_t *fragment, struct span traf)
{
    struct span tfhd, tfdt;

    if (!box_find(traf, BOX_TYPE('t', 'f', 'h', 'd'), &tfhd) || tfhd.size < 8 ||
        !box_find(traf, BOX_TYPE('t', 'f', 'd', 't'), &tfdt) || tfdt.size < 8) {
        return;
    }
    uint32_t timescale = timescale_of(shift, bytes_get_be32(tfhd.data + 4));
    bool wide = tfdt.data[0] == 1;
    if (timescale == 0 || (wide && tfdt.size < 12)) {
        return;
    }
    uint8_t *field = fragment + (tfdt.data - fragment) + 4;
    uint64_t time = wide ? bytes_get_be64(field) : bytes_get_be32(field);
    if (!shift->begun) {
        shift->begun = true;
        shift->origin = time;
        shift->origin_timescale = timescale;
    }
    uint64_t base = (uint64_t)((unsigned __int128)shift->origin * timescale / shift->origin_timescale);
    time = time > base ? time - base : 0;
    if (wide) {
        bytes_put_be64(field, time);
    } else {
        bytes_put_be32(field, (uint32_t)time);
    }
}

void shift_timestamps_fragment(struct shift_timestamps *shift, uint8_t *fragment, size_t size)
{
    struct span moof;
    struct box box;

    if (!box_find((struct span){fragment, size}, BOX_TYPE('m', 'o', 'o', 'f'), &moof)) {
        return;
    }
    while (box_next(&moof, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'f')) {
            shift_track(shift, fragment, box.body);
        }
    }
}
