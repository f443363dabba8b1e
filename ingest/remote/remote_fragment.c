/* SPDX-License-Identifier: MIT */
#include "ingest/remote/remote_fragment.h"

#include <errno.h>
#include <stdbool.h>

#include "common/base/box.h"
#include "common/base/bytes.h"
#include "common/base/clock.h"

/* Version and flags of a full box (4.2). */
#define FULL_BOX 4
#define FLAGS_MASK 0x00FFFFFFu

/* tf_flags, 8.8.7.1. */
enum {
    TFHD_BASE_OFFSET = 0x000001,
    TFHD_DESCRIPTION = 0x000002,
    TFHD_DURATION = 0x000008,
    TFHD_SIZE = 0x000010,
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

/* Most samples in a run: no fragment has more, and their sizes' sum does not overflow. */
#define SAMPLES_MAX 65536u

/* A box whose size is in its first 32 bits, as every reader of a ring wants it: not of 64 bits, and not "up to the end". */
static bool next_plain(struct span *rest, struct box *box)
{
    const uint8_t *start = rest->data;

    return rest->size >= 8 && bytes_get_be32(start) >= 8 && box_next(rest, box);
}

static bool find(struct span span, uint32_t type, struct span *body)
{
    struct box box;
    unsigned found = 0;

    while (next_plain(&span, &box)) {
        if (box.type == type) {
            *body = box.body;
            found++;
        }
    }
    return found == 1 && span.size == 0;
}

/* --- Init segments -------------------------------------------------------------------------------------- */

/* The field behind the two times of a full box, which take 32 bits each in version 0, 64 in version 1. */
static bool field_after_times(struct span box, uint32_t *value)
{
    size_t offset = box.size > 0 && box.data[0] == 1 ? FULL_BOX + 16 : FULL_BOX + 8;

    if (box.size < offset + 4) {
        return false;
    }
    *value = bytes_get_be32(box.data + offset);
    return true;
}

static bool read_track(struct span trak, struct remote_track *track, bool *video)
{
    struct span tkhd, mdia, mdhd, hdlr;

    if (!find(trak, BOX_TYPE('t', 'k', 'h', 'd'), &tkhd) ||
        !find(trak, BOX_TYPE('m', 'd', 'i', 'a'), &mdia) ||
        !find(mdia, BOX_TYPE('m', 'd', 'h', 'd'), &mdhd) ||
        !find(mdia, BOX_TYPE('h', 'd', 'l', 'r'), &hdlr) || hdlr.size < FULL_BOX + 8 ||
        !field_after_times(tkhd, &track->id) || !field_after_times(mdhd, &track->timescale)) {
        return false;
    }
    *video = bytes_get_be32(hdlr.data + FULL_BOX + 4) == BOX_TYPE('v', 'i', 'd', 'e');
    return track->timescale > 0 && track->timescale <= REMOTE_TIMESCALE_MAX;
}

static const struct remote_track *track_of(const struct remote_tracks *tracks, uint32_t id)
{
    for (size_t i = 0; i < tracks->count; i++) {
        if (tracks->list[i].id == id) {
            return &tracks->list[i];
        }
    }
    return NULL;
}

static bool add_track(struct remote_tracks *tracks, struct span trak, bool *has_video)
{
    struct remote_track track;
    bool video;

    if (tracks->count == REMOTE_TRACKS_MAX || !read_track(trak, &track, &video) ||
        track_of(tracks, track.id)) {
        return false;
    }
    tracks->list[tracks->count] = track;
    if (video && !*has_video) {
        tracks->list[tracks->count] = tracks->list[0];
        tracks->list[0] = track;
        *has_video = true;
    }
    tracks->count++;
    return true;
}

int remote_tracks_read(struct remote_tracks *tracks, const uint8_t *init, size_t size)
{
    struct span moov;
    struct box box;
    bool has_video = false;

    *tracks = (struct remote_tracks){0};
    if (!find((struct span){init, size}, BOX_TYPE('m', 'o', 'o', 'v'), &moov)) {
        return -EBADMSG;
    }
    while (next_plain(&moov, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'k') && !add_track(tracks, box.body, &has_video)) {
            return -EBADMSG;
        }
    }
    return has_video && moov.size == 0 ? 0 : -EBADMSG;
}

/* --- Fragments ------------------------------------------------------------------------------------------ */

/* What the samples of a run are behind: the offset of the first byte of `moof`, and what of the fragment is media. */
struct media {
    size_t moof, begin, end;
};

static bool take32(struct span *rest, uint32_t *value)
{
    const uint8_t *taken = span_take(rest, 4);

    if (taken) {
        *value = bytes_get_be32(taken);
    }
    return taken != NULL;
}

/* The flags of the full box whose content BODY is, and the place behind them. */
static bool take_flags(struct span *body, uint32_t *flags)
{
    if (!take32(body, flags)) {
        return false;
    }
    *flags &= FLAGS_MASK;
    return true;
}

/* Which track, and how long its samples are unless a run says it. */
static bool read_tfhd(struct span body, uint32_t *id, uint32_t *sample_size)
{
    uint32_t flags, other;

    *sample_size = 0;
    return take_flags(&body, &flags) && take32(&body, id) && !(flags & TFHD_BASE_OFFSET) &&
           (flags & TFHD_BASE_IS_MOOF) && (!(flags & TFHD_DESCRIPTION) || take32(&body, &other)) &&
           (!(flags & TFHD_DURATION) || take32(&body, &other)) &&
           (!(flags & TFHD_SIZE) || take32(&body, sample_size));
}

static bool check_trun(struct span body, uint32_t sample_size, const struct media *media)
{
    uint32_t flags, count, offset, other;
    uint64_t length = 0;

    if (!take_flags(&body, &flags) || !take32(&body, &count) || count == 0 || count > SAMPLES_MAX ||
        !(flags & TRUN_DATA_OFFSET) || !take32(&body, &offset) ||
        ((flags & TRUN_FIRST_FLAGS) && !take32(&body, &other))) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = sample_size;
        if (((flags & TRUN_DURATION) && !take32(&body, &other)) ||
            ((flags & TRUN_SIZE) && !take32(&body, &size)) ||
            ((flags & TRUN_FLAGS) && !take32(&body, &other)) ||
            ((flags & TRUN_COMPOSITION_OFFSET) && !take32(&body, &other))) {
            return false;
        }
        length += size;
    }
    uint64_t begin = (uint64_t)media->moof + offset;
    return begin >= media->begin && begin <= media->end && length <= media->end - begin;
}

static bool add_traf(struct remote_fragment *fragment, const struct remote_tracks *tracks,
                     const uint8_t *data, struct span traf, const struct media *media)
{
    struct span tfhd, tfdt, trun;
    uint32_t id, sample_size;

    if (!find(traf, BOX_TYPE('t', 'f', 'h', 'd'), &tfhd) ||
        !find(traf, BOX_TYPE('t', 'f', 'd', 't'), &tfdt) ||
        !find(traf, BOX_TYPE('t', 'r', 'u', 'n'), &trun) || !read_tfhd(tfhd, &id, &sample_size) ||
        !check_trun(trun, sample_size, media)) {
        return false;
    }
    const struct remote_track *track = track_of(tracks, id);
    if (!track || fragment->count == REMOTE_TRACKS_MAX || tfdt.size < FULL_BOX + 8 || tfdt.data[0] != 1) {
        return false;
    }
    for (size_t i = 0; i < fragment->count; i++) {
        if (fragment->places[i].track.id == id) {
            return false;
        }
    }
    struct remote_place place = {.at = (size_t)(tfdt.data - data) + FULL_BOX,
                                 .time = bytes_get_be64(tfdt.data + FULL_BOX),
                                 .track = *track};
    fragment->places[fragment->count] = place;
    if (track == &tracks->list[0]) {
        fragment->places[fragment->count] = fragment->places[0];
        fragment->places[0] = place;
    }
    fragment->count++;
    return remote_ns(place.time, track->timescale) >= 0;
}

static bool check_moof(struct remote_fragment *fragment, const struct remote_tracks *tracks,
                       const uint8_t *data, struct span moof, const struct media *media)
{
    struct span mfhd;
    struct box box;

    if (!find(moof, BOX_TYPE('m', 'f', 'h', 'd'), &mfhd) || mfhd.size < FULL_BOX + 4) {
        return false;
    }
    fragment->sequence_at = (size_t)(mfhd.data - data) + FULL_BOX;
    while (next_plain(&moof, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'f') && !add_traf(fragment, tracks, data, box.body, media)) {
            return false;
        }
    }
    return fragment->count > 0 && fragment->places[0].track.id == tracks->list[0].id;
}

/* ISO/IEC 14496-12, 8.16.5: track, wall clock, media time. */
static bool read_prft(struct remote_fragment *fragment, const struct remote_tracks *tracks,
                      const uint8_t *data, struct span body)
{
    const struct remote_track *track =
        body.size == FULL_BOX + 20 ? track_of(tracks, bytes_get_be32(body.data + FULL_BOX)) : NULL;

    if (!track || body.data[0] != 1) {
        return false;
    }
    const uint8_t *time = body.data + FULL_BOX + 12;
    fragment->clock_at = (size_t)(time - data);
    fragment->clock_time = bytes_get_be64(time);
    fragment->clock_timescale = track->timescale;
    return true;
}

int remote_fragment_check(struct remote_fragment *fragment, const struct remote_tracks *tracks,
                          const uint8_t *data, size_t size)
{
    struct span rest = {data, size};
    struct box moof, mdat;

    *fragment = (struct remote_fragment){0};
    if (!next_plain(&rest, &moof) ||
        (moof.type == BOX_TYPE('p', 'r', 'f', 't') &&
         (!read_prft(fragment, tracks, data, moof.body) || !next_plain(&rest, &moof))) ||
        moof.type != BOX_TYPE('m', 'o', 'o', 'f') || !next_plain(&rest, &mdat) ||
        mdat.type != BOX_TYPE('m', 'd', 'a', 't') || rest.size != 0) {
        return -EBADMSG;
    }
    const struct media media = {
        .moof = (size_t)(moof.body.data - data) - 8, .begin = (size_t)(mdat.body.data - data), .end = size};
    return check_moof(fragment, tracks, data, moof.body, &media) ? 0 : -EBADMSG;
}

/* --- Times ---------------------------------------------------------------------------------------------- */

int64_t remote_ticks(int64_t offset_ns, uint32_t timescale)
{
    __int128 product = (__int128)offset_ns * timescale;
    __int128 ticks = product / NS_PER_SECOND; /* towards 0: what is negative is rounded up already */

    return (int64_t)(ticks + (product > 0 && product % NS_PER_SECOND != 0));
}

int64_t remote_ns(uint64_t time, uint32_t timescale)
{
    unsigned __int128 ns = (unsigned __int128)time * (uint64_t)NS_PER_SECOND / timescale;

    return ns > REMOTE_NS_MAX ? -1 : (int64_t)ns;
}

void remote_fragment_move(const struct remote_fragment *fragment, uint8_t *data, uint32_t sequence,
                          int64_t offset_ns)
{
    bytes_put_be32(data + fragment->sequence_at, sequence);
    if (fragment->clock_at != 0) {
        uint64_t ticks = (uint64_t)remote_ticks(offset_ns, fragment->clock_timescale);
        bytes_put_be64(data + fragment->clock_at, fragment->clock_time + ticks);
    }
    for (size_t i = 0; i < fragment->count; i++) {
        const struct remote_place *place = &fragment->places[i];
        int64_t time = (int64_t)place->time + remote_ticks(offset_ns, place->track.timescale);
        bytes_put_be64(data + place->at, time > 0 ? (uint64_t)time : 0);
    }
}
