#include "ctl/shift_timestamps.h"

#include <string.h>

#define BOX_HEADER 8

#define BOX(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

struct box {
    uint32_t type;
    uint8_t *body;
    size_t size; /* of the body */
};

static uint32_t read32(const uint8_t *at)
{
    return BOX(at[0], at[1], at[2], at[3]);
}

static uint64_t read64(const uint8_t *at)
{
    return (uint64_t)read32(at) << 32 | read32(at + 4);
}

static void write32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* The next box in the SIZE bytes at *AT, which moves past it. */
static bool next_box(uint8_t **at, size_t *size, struct box *box)
{
    if (*size < BOX_HEADER) {
        return false;
    }
    uint32_t length = read32(*at);
    if (length < BOX_HEADER || length > *size) {
        return false;
    }
    *box = (struct box){.type = read32(*at + 4), .body = *at + BOX_HEADER, .size = length - BOX_HEADER};
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

/* A 32-bit field of a full box whose times take 32 bits in version 0 and 64 in version 1. */
static uint32_t field_after_times(const struct box *box)
{
    size_t offset = box->size > 0 && box->body[0] == 1 ? 4 + 8 + 8 : 4 + 4 + 4;

    return box->size >= offset + 4 ? read32(box->body + offset) : 0;
}

static void add_track(struct rebase *rebase, const struct box *trak)
{
    struct box tkhd, mdia, mdhd;

    if (rebase->track_count == REBASE_TRACKS_MAX || !find_box(trak, BOX('t', 'k', 'h', 'd'), &tkhd) ||
        !find_box(trak, BOX('m', 'd', 'i', 'a'), &mdia) || !find_box(&mdia, BOX('m', 'd', 'h', 'd'), &mdhd)) {
        return;
    }
    struct rebase_track track = {.id = field_after_times(&tkhd), .timescale = field_after_times(&mdhd)};
    if (track.timescale > 0) {
        rebase->tracks[rebase->track_count++] = track;
    }
}

void rebase_init(struct rebase *rebase, const uint8_t *init, size_t size)
{
    struct box whole = {.body = (uint8_t *)(uintptr_t)init, .size = size}; /* only read */
    struct box moov, box;

    *rebase = (struct rebase){0};
    if (!find_box(&whole, BOX('m', 'o', 'o', 'v'), &moov)) {
        return;
    }
    while (next_box(&moov.body, &moov.size, &box)) {
        if (box.type == BOX('t', 'r', 'a', 'k')) {
            add_track(rebase, &box);
        }
    }
}

static uint32_t timescale_of(const struct rebase *rebase, uint32_t id)
{
    for (size_t i = 0; i < rebase->track_count; i++) {
        if (rebase->tracks[i].id == id) {
            return rebase->tracks[i].timescale;
        }
    }
    return 0;
}

static void shift(struct rebase *rebase, const struct box *traf)
{
    struct box tfhd, tfdt;

    if (!find_box(traf, BOX('t', 'f', 'h', 'd'), &tfhd) || tfhd.size < 8 ||
        !find_box(traf, BOX('t', 'f', 'd', 't'), &tfdt) || tfdt.size < 8) {
        return;
    }
    uint32_t timescale = timescale_of(rebase, read32(tfhd.body + 4));
    bool wide = tfdt.body[0] == 1;
    if (timescale == 0 || (wide && tfdt.size < 12)) {
        return;
    }
    uint64_t time = wide ? read64(tfdt.body + 4) : read32(tfdt.body + 4);
    if (!rebase->begun) {
        rebase->begun = true;
        rebase->origin = time;
        rebase->origin_timescale = timescale;
    }
    uint64_t base = (uint64_t)((unsigned __int128)rebase->origin * timescale / rebase->origin_timescale);
    time = time > base ? time - base : 0;
    if (wide) {
        write32(tfdt.body + 4, (uint32_t)(time >> 32));
    }
    write32(tfdt.body + (wide ? 8 : 4), (uint32_t)time);
}

void rebase_fragment(struct rebase *rebase, uint8_t *fragment, size_t size)
{
    struct box whole = {.body = fragment, .size = size};
    struct box moof, box;

    if (!find_box(&whole, BOX('m', 'o', 'o', 'f'), &moof)) {
        return;
    }
    while (next_box(&moof.body, &moof.size, &box)) {
        if (box.type == BOX('t', 'r', 'a', 'f')) {
            shift(rebase, &box);
        }
    }
}
