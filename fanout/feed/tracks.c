/* SPDX-License-Identifier: MIT */
#include "fanout/feed/tracks.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/hash.h"

#define BOX_HEADER_SIZE 8u

/* Of a full box (ISO/IEC 14496-12, 4.2): version and flags. */
#define FULL_BOX_SIZE (BOX_HEADER_SIZE + 4u)

struct box {
    const uint8_t *data; /* the header, and what is in the box behind it */
    size_t size;
};

/* The boxes in LENGTH bytes of DATA, one after the other; *AT is 0 before the first. False: there is no other whole one. */
static bool next_box(const uint8_t *data, size_t length, size_t *at, struct box *box)
{
    if (length - *at < BOX_HEADER_SIZE) {
        return false;
    }
    size_t size = bytes_get_be32(data + *at);
    if (size < BOX_HEADER_SIZE || size > length - *at) {
        return false;
    }
    *box = (struct box){data + *at, size};
    *at += size;
    return true;
}

static bool is(const struct box *box, const char type[4])
{
    return memcmp(box->data + 4, type, 4) == 0;
}

static bool find(const uint8_t *data, size_t length, const char type[4], struct box *box)
{
    for (size_t at = 0; next_box(data, length, &at, box);) {
        if (is(box, type)) {
            return true;
        }
    }
    return false;
}

static bool find_in(const struct box *outer, const char type[4], struct box *box)
{
    return find(outer->data + BOX_HEADER_SIZE, outer->size - BOX_HEADER_SIZE, type, box);
}

/* The 32 bits at OFFSET in BOX; 0: it is too short. */
static uint32_t field(const struct box *box, size_t offset)
{
    return box->size >= offset + 4 ? bytes_get_be32(box->data + offset) : 0;
}

/* What `tkhd` (8.3.2) and `mdhd` (8.4.2) have behind two times, which version 1 has in 64 bits. */
static uint32_t behind_times(const struct box *box)
{
    if (box->size <= BOX_HEADER_SIZE) {
        return 0;
    }
    return field(box, box->data[BOX_HEADER_SIZE] == 1 ? FULL_BOX_SIZE + 16 : FULL_BOX_SIZE + 8);
}

static uint32_t id_of_trak(const struct box *trak)
{
    struct box tkhd;

    return find_in(trak, "tkhd", &tkhd) ? behind_times(&tkhd) : 0;
}

static uint32_t timescale_of_trak(const struct box *trak)
{
    struct box mdia, mdhd;

    return find_in(trak, "mdia", &mdia) && find_in(&mdia, "mdhd", &mdhd) ? behind_times(&mdhd) : 0;
}

/* 8.4.3: behind `pre_defined`. */
static bool is_video(const struct box *trak)
{
    struct box mdia, hdlr;

    return find_in(trak, "mdia", &mdia) && find_in(&mdia, "hdlr", &hdlr) && hdlr.size >= FULL_BOX_SIZE + 8 &&
           memcmp(hdlr.data + FULL_BOX_SIZE + 4, "vide", 4) == 0;
}

/* `trex` (8.8.3) and `tfhd` (8.8.7) begin with the track's ID. */
static uint32_t id_of(const struct box *box)
{
    return field(box, FULL_BOX_SIZE);
}

/* Of TRAK and of the defaults that its fragments have. */
static uint64_t key_of(const struct box *moov, const struct box *trak)
{
    uint64_t key = hash_add(HASH_START, trak->data, trak->size);
    struct box mvex, box;

    for (size_t at = 0; find_in(moov, "mvex", &mvex) &&
                        next_box(mvex.data + BOX_HEADER_SIZE, mvex.size - BOX_HEADER_SIZE, &at, &box);) {
        if (is(&box, "trex") && id_of(&box) == id_of_trak(trak)) {
            key = hash_add(key, box.data, box.size);
        }
    }
    return key ? key : 1;
}

void tracks_read(const uint8_t *init, size_t length, struct tracks *tracks)
{
    struct box moov, trak;
    struct tracks found = {0};

    *tracks = (struct tracks){.video_key = hash_add(HASH_START, init, length)};
    if (!find(init, length, "moov", &moov)) {
        return;
    }
    for (size_t at = 0; next_box(moov.data + BOX_HEADER_SIZE, moov.size - BOX_HEADER_SIZE, &at, &trak);) {
        if (!is(&trak, "trak")) {
            continue;
        }
        if (is_video(&trak) && found.video == 0) {
            found.video = id_of_trak(&trak);
            found.video_timescale = timescale_of_trak(&trak);
            found.video_key = key_of(&moov, &trak);
        } else {
            if (found.sound == 0) {
                found.sound = id_of_trak(&trak);
                found.sound_timescale = timescale_of_trak(&trak);
            }
            found.sound_key ^= key_of(&moov, &trak);
        }
    }
    if (found.video != 0) {
        *tracks = found;
    }
}

/* Bytes for the boxes in a box; of LENGTH bytes of DATA, those of other tracks than VIDEO are left away. */
static size_t copy_boxes(const uint8_t *data, size_t length, uint32_t video, uint8_t *out);

/* A box that holds boxes: its header with the size of what is left in it. */
static size_t copy_container(const struct box *box, uint32_t video, uint8_t *out)
{
    size_t size = BOX_HEADER_SIZE + copy_boxes(box->data + BOX_HEADER_SIZE, box->size - BOX_HEADER_SIZE,
                                               video, out + BOX_HEADER_SIZE);

    memcpy(out + 4, box->data + 4, 4);
    bytes_put_be32(out, (uint32_t)size);
    return size;
}

static size_t copy_boxes(const uint8_t *data, size_t length, uint32_t video, uint8_t *out)
{
    size_t written = 0, at = 0;
    struct box box;

    while (next_box(data, length, &at, &box)) {
        if (is(&box, "moov") || is(&box, "mvex")) {
            written += copy_container(&box, video, out + written);
        } else if (!(is(&box, "trak") && id_of_trak(&box) != video) &&
                   !(is(&box, "trex") && id_of(&box) != video)) {
            memcpy(out + written, box.data, box.size);
            written += box.size;
        }
    }
    memcpy(out + written, data + at, length - at); /* what is no box stays */
    return written + length - at;
}

size_t tracks_copy_picture(const uint8_t *init, size_t length, const struct tracks *tracks, uint8_t *out)
{
    if (tracks->video == 0) {
        memcpy(out, init, length);
        return length;
    }
    return copy_boxes(init, length, tracks->video, out);
}

/* ---- Fragments ---- */

/* Writes LENGTH bytes, at most 8, of VALUE at AT, a place in FRAGMENT that was read as a part of a box. False: too many edits. */
static bool edit(struct tracks_edits *edits, uint8_t *at, const void *value, uint8_t length)
{
    if (edits->count == TRACKS_EDITS_MAX) {
        return false;
    }
    edits->list[edits->count].at = at;
    edits->list[edits->count].length = length;
    memcpy(edits->list[edits->count++].old, at, length);
    memcpy(at, value, length);
    return true;
}

/* The next `traf` in the fragment's `moof`, with the ID of its track. */
static bool next_traf(const struct box *moof, size_t *at, struct box *traf, uint32_t *id)
{
    struct box tfhd;

    while (next_box(moof->data + BOX_HEADER_SIZE, moof->size - BOX_HEADER_SIZE, at, traf)) {
        if (is(traf, "traf") && find_in(traf, "tfhd", &tfhd)) {
            *id = id_of(&tfhd);
            return true;
        }
    }
    return false;
}

void tracks_hide(uint8_t *fragment, size_t length, const struct tracks *tracks, struct tracks_edits *edits)
{
    struct box moof, traf;
    uint32_t id;

    if (tracks->video == 0 || !find(fragment, length, "moof", &moof)) {
        return;
    }
    for (size_t at = 0; next_traf(&moof, &at, &traf, &id);) {
        if (id != tracks->video && !edit(edits, fragment + (traf.data - fragment) + 4, "free", 4)) {
            return;
        }
    }
}

/* Of `trun` (8.8.8): which of its members are there. */
#define TRUN_DATA_OFFSET 0x1u
#define TRUN_FIRST_FLAGS 0x4u
#define TRUN_DURATIONS 0x100u

/* Where TRUN, of one sample, has that sample's duration; 0: it has none. */
static size_t place_of_duration(const struct box *trun)
{
    uint32_t flags = field(trun, BOX_HEADER_SIZE);
    size_t place = FULL_BOX_SIZE + 4;

    if (!(flags & TRUN_DURATIONS) || field(trun, FULL_BOX_SIZE) != 1) {
        return 0;
    }
    place += flags & TRUN_DATA_OFFSET ? 4 : 0;
    place += flags & TRUN_FIRST_FLAGS ? 4 : 0;
    return trun->size >= place + 4 ? place : 0;
}

void tracks_stretch(uint8_t *fragment, size_t length, const struct tracks *tracks, uint32_t duration,
                    struct tracks_edits *edits)
{
    struct box moof, traf, trun;
    uint8_t value[4];
    uint32_t id;

    bytes_put_be32(value, duration);
    if (tracks->video == 0 || !find(fragment, length, "moof", &moof)) {
        return;
    }
    for (size_t at = 0; next_traf(&moof, &at, &traf, &id);) {
        size_t place = id == tracks->video && find_in(&traf, "trun", &trun) ? place_of_duration(&trun) : 0;
        if (place > 0 && field(&trun, place) < duration) {
            edit(edits, fragment + (trun.data - fragment) + place, value, sizeof(value));
            return;
        }
    }
}

/* BASE, in units of FROM a second, in units of TO; without FROM or TO there is no telling. */
static uint64_t in_units(uint64_t base, uint32_t from, uint32_t to)
{
    return from == 0 ? 0 : base / from * to + base % from * to / from;
}

static uint32_t timescale_of(const struct tracks *tracks, uint32_t id)
{
    return id == tracks->video ? tracks->video_timescale : id == tracks->sound ? tracks->sound_timescale : 0;
}

/* The decode time of TRAF in its `tfdt` (8.8.12), which has 64 bits in version 1: 8, else 4 bytes at *PLACE. 0: there is none. */
static uint8_t find_time(const struct box *traf, const uint8_t **place, uint64_t *time)
{
    struct box tfdt;

    if (!find_in(traf, "tfdt", &tfdt) || tfdt.size < FULL_BOX_SIZE + 4) {
        return 0;
    }
    uint8_t length = tfdt.data[BOX_HEADER_SIZE] == 1 ? 8 : 4;
    if (tfdt.size < FULL_BOX_SIZE + length) {
        return 0;
    }
    *place = tfdt.data + FULL_BOX_SIZE;
    *time = length == 8 ? bytes_get_be64(*place) : bytes_get_be32(*place);
    return length;
}

uint64_t tracks_begin(const uint8_t *fragment, size_t length, const struct tracks *tracks, bool with_sound)
{
    struct box moof, traf;
    const uint8_t *place;
    uint64_t time, first = UINT64_MAX;
    uint32_t id;

    if (tracks->video == 0 || !find(fragment, length, "moof", &moof)) {
        return 0;
    }
    for (size_t at = 0; next_traf(&moof, &at, &traf, &id);) {
        if ((id == tracks->video || with_sound) && find_time(&traf, &place, &time) > 0) {
            time = in_units(time, timescale_of(tracks, id), tracks->video_timescale);
            first = time < first ? time : first;
        }
    }
    return first == UINT64_MAX ? 0 : first;
}

static void shift_traf(uint8_t *fragment, const struct box *traf, uint64_t by, struct tracks_edits *edits)
{
    const uint8_t *place;
    uint8_t value[8];
    uint64_t time;
    uint8_t length = find_time(traf, &place, &time);

    if (length > 0) {
        bytes_put_be64(value, time > by ? time - by : 0);
        edit(edits, fragment + (place - fragment), value + 8 - length, length);
    }
}

size_t tracks_prft_size(const uint8_t *fragment, size_t length)
{
    struct box first;
    size_t at = 0;

    return next_box(fragment, length, &at, &first) && is(&first, "prft") ? first.size : 0;
}

void tracks_shift(uint8_t *fragment, size_t length, const struct tracks *tracks, uint64_t base,
                  uint32_t timescale, struct tracks_edits *edits)
{
    struct box moof, traf;
    uint32_t id;

    if (tracks->video == 0 || !find(fragment, length, "moof", &moof)) {
        return;
    }
    for (size_t at = 0; next_traf(&moof, &at, &traf, &id);) {
        shift_traf(fragment, &traf, in_units(base, timescale, timescale_of(tracks, id)), edits);
    }
}

void tracks_restore(struct tracks_edits *edits)
{
    while (edits->count > 0) {
        edits->count--;
        memcpy(edits->list[edits->count].at, edits->list[edits->count].old, edits->list[edits->count].length);
    }
}
