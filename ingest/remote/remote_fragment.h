/* SPDX-License-Identifier: MIT */
/*
 * The boxes of a fragment that was made on another node (ISO/IEC 14496-12, 8.8): checked before anything of it is published, and then given the
 * sequence and the times of this node's ring. Pure functions on the caller's memory; any process, any thread.
 */
#ifndef INGEST_REMOTE_REMOTE_FRAGMENT_H
#define INGEST_REMOTE_REMOTE_FRAGMENT_H

#include <stddef.h>
#include <stdint.h>

/* Video, audio, and room for tracks to come. */
#define REMOTE_TRACKS_MAX 4

/* Finer ticks than nanoseconds are a fault. */
#define REMOTE_TIMESCALE_MAX 1000000000u

struct remote_track {
    uint32_t id;
    uint32_t timescale; /* ticks a second, 1 to REMOTE_TIMESCALE_MAX */
};

/* What an init segment says of its tracks: the first one that is video comes first. */
struct remote_tracks {
    struct remote_track list[REMOTE_TRACKS_MAX];
    size_t count;
};

/* Where in a fragment the numbers are that depend on the ring, by what was read when it was checked. */
struct remote_fragment {
    size_t sequence_at; /* offset of the number in `mfhd`, 32 bits */
    size_t
        clock_at; /* offset of the media time in `prft`, 64 bits: what is shown at its wall clock; 0: there is no `prft` */
    uint64_t clock_time;
    uint32_t clock_timescale;
    struct remote_place {
        size_t at;     /* offset of the time in `tfdt`, 64 bits */
        uint64_t time; /* what is there */
        struct remote_track track;
    } places[REMOTE_TRACKS_MAX]; /* the video's comes first */
    size_t count;
};

/* 0; -EBADMSG: INIT has no video, too many tracks, or boxes that are not whole. */
int remote_tracks_read(struct remote_tracks *tracks, const uint8_t *init, size_t size);

/*
 * 0; -EBADMSG: DATA is not `moof` and `mdat`, with a `prft` of 64 bits before them or not, of the tracks of TRACKS, each once and with all its samples
 * within `mdat`; or it has no video.
 */
int remote_fragment_check(struct remote_fragment *fragment, const struct remote_tracks *tracks,
                          const uint8_t *data, size_t size);

/*
 * DATA, which was checked, gets SEQUENCE, and all its media times are moved by OFFSET_NS, rounded up to a tick of each track. No decode time becomes
 * negative. The wall clock stays.
 */
void remote_fragment_move(const struct remote_fragment *fragment, uint8_t *data, uint32_t sequence,
                          int64_t offset_ns);

/* OFFSET_NS in ticks of TIMESCALE, rounded up. |OFFSET_NS| ≤ 2^62. */
int64_t remote_ticks(int64_t offset_ns, uint32_t timescale);

/* TIME in ticks of TIMESCALE as ns, rounded down; -1: more than REMOTE_NS_MAX. */
#define REMOTE_NS_MAX (INT64_MAX / 4)
int64_t remote_ns(uint64_t time, uint32_t timescale);

#endif
