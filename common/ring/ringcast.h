/* SPDX-License-Identifier: MIT */
/*
 * libringcast: read a camera's live fragments from its shared-memory ring.
 *
 * A ring holds the newest seconds of one camera as fragmented MP4 (ISO/IEC 14496-12). One process writes it
 * (ringcast-ingest), any number of processes read it; the writer never waits for a reader. This header is the
 * whole public interface. The format itself is docs/reference/ring.md.
 *
 * Ownership: every function that takes a buffer copies into it; nothing returned points into shared memory.
 * Threads: a ringcast_reader is immutable after it is opened and may be shared by threads; a ringcast_cursor
 * belongs to one thread at a time. Errors are negative errno values. Nothing here writes to shared memory,
 * and nothing the writer does, deliberate damage and truncation included, makes these functions crash, block
 * or read outside the ring.
 *
 * Signals: a ring that is cut off under its readers raises SIGBUS. While a ring is open, the library has a
 * handler for it (sigaction(2), installed with the first ring, taken away with the last): it deals with
 * faults inside rings and hands all others to the handler that was there before. A program that wants a handler of its
 * own installs it before the first ringcast_open, or calls the handler that it replaces.
 */
#ifndef RINGCAST_H
#define RINGCAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest codecs parameter (RFC 6381), with its terminating NUL. */
#define RINGCAST_CODECS_SIZE 128

/* Longest init segment that a ring can hold, in bytes. */
#define RINGCAST_INIT_MAX 16384

enum ringcast_entry_flags {
    RINGCAST_KEYFRAME = 1u << 0,      /* the video sample is a sync sample: decoding can begin here */
    RINGCAST_DISCONTINUITY = 1u << 1, /* the source's timeline broke before this fragment and was repaired */
    RINGCAST_REMOTE = 1u << 2,        /* another node of the cluster has fetched it from the camera */
};

/* One mapped ring. Opaque; made by ringcast_open or ringcast_open_fd. */
typedef struct ringcast_reader ringcast_reader;

/* A reader's place in a ring. Owned by the caller; a copy of it is a second, independent place. */
typedef struct ringcast_cursor {
    uint64_t position; /* bytes since the ring was made: where the next entry begins; never wraps */
    uint64_t sequence; /* number of the entry last read, 0 before the first */
} ringcast_cursor;

/* What a ring records about one fragment (`prft` + `moof` + `mdat`). */
typedef struct ringcast_entry {
    uint64_t position;   /* bytes since the ring was made */
    uint64_t sequence;   /* 1, 2, 3 …, one more per fragment of the camera, across generations */
    uint32_t generation; /* which init segment this fragment needs */
    uint32_t flags;      /* enum ringcast_entry_flags */
    size_t length;       /* of the fragment, in bytes */
    int64_t decode_time; /* of the video sample, in the video timescale (`tfdt`) */
    uint32_t duration;   /* of the video sample, in the video timescale */
    uint32_t timescale;  /* ticks a second of decode_time and duration; 0 if its generation is already gone */
    int64_t wall_ns;     /* capture time, CLOCK_REALTIME, nanoseconds since 1970 */
    int64_t capture_ns;  /* capture time, CLOCK_MONOTONIC, nanoseconds */
    int64_t published_ns; /* when the writer published it, CLOCK_MONOTONIC, nanoseconds */
} ringcast_entry;

/* What a ring records about one generation: all fragments between two changes of the stream's parameters. */
typedef struct ringcast_generation {
    uint32_t number;                   /* 1, 2, 3 … */
    uint32_t timescale;                /* of the video track, ticks a second */
    uint32_t width, height;            /* of the picture, in pixels */
    char codecs[RINGCAST_CODECS_SIZE]; /* RFC 6381 codecs parameter, such as "avc1.64001F,mp4a.40.2" */
    size_t init_length;                /* of the init segment (`ftyp` + `moov`), in bytes */
} ringcast_generation;

/*
 * Maps the ring called NAME ("/ringcast.<instance>.<camera>", see shm_open(3)) read-only.
 * 0, and *reader has to be closed with ringcast_close; -ENOENT: no such camera; -EACCES; -EPERM: an object of
 * another user has the name; -EPROTO: not a ring, or of a version that this library does not read; -ENOMEM.
 */
int ringcast_open(const char *name, ringcast_reader **reader);

/* The same for a descriptor of the shared-memory object. The descriptor stays the caller's. */
int ringcast_open_fd(int fd, ringcast_reader **reader);

/* Unmaps the ring. NULL is allowed. Cursors need no closing. */
void ringcast_close(ringcast_reader *reader);

/* Size of the ring's data area in bytes (a multiple of 64 KiB). No fragment is longer than a quarter of it. */
size_t ringcast_capacity(const ringcast_reader *reader);

/*
 * Puts the cursor on the newest keyframe, in constant time. What it held before does not matter; its
 * sequence becomes 0.
 *
 * 0; -EAGAIN: no keyframe is in the ring (yet), the cursor then stands at the newest position.
 */
int ringcast_seek_keyframe(const ringcast_reader *reader, ringcast_cursor *cursor);

/*
 * Puts the cursor on the oldest keyframe in the ring that a reader can still be expected to read before it is overwritten: for
 * a program that begins with some past. It looks for it, so it takes longer than ringcast_seek_keyframe, some milliseconds in a large ring.
 *
 * 0; -EAGAIN: as ringcast_seek_keyframe.
 */
int ringcast_seek_oldest(const ringcast_reader *reader, ringcast_cursor *cursor);

/*
 * Puts the cursor on the newest keyframe that was published at TIME_NS (CLOCK_MONOTONIC, nanoseconds) or before, or on the
 * oldest one that a reader can be expected to read, if all are newer: ringcast_peek tells what it is. In a ring that keeps the past
 * (`look_back`) it takes some microseconds and may stop up to 250 ms earlier than it had to; in others it walks, as ringcast_seek_oldest does.
 *
 * 0; -EAGAIN: as ringcast_seek_keyframe.
 */
int ringcast_seek_time(const ringcast_reader *reader, ringcast_cursor *cursor, int64_t time_ns);

/* The time, CLOCK_MONOTONIC in nanoseconds, of decode time 0 in this ring: what two streams' decode times have in common. */
int64_t ringcast_epoch_ns(const ringcast_reader *reader);

/*
 * Puts a cursor that has come to the end of a camera's ring (-EPIPE) on the fragment that follows in READER,
 * the ring that has taken its place: nothing is missed, nothing is read twice.
 *
 * 0; -EAGAIN: that fragment is not there yet, wait for it; -ESTALE: it is gone, or this ring does not carry on where the
 * other one ended: seek to go on.
 */
int ringcast_continue(const ringcast_reader *reader, ringcast_cursor *cursor);

/*
 * Copies the fragment at the cursor into BUFFER and moves the cursor past it.
 *  1        a fragment: *entry describes it
 *  0        nothing new yet
 *  -ENOSPC  BUFFER is too small: entry->length says what is needed; the cursor has not moved
 *  -ESTALE  the writer has overwritten this place: the reader was too slow; seek to go on
 *  -EBADMSG the ring's content contradicts itself: seek to go on
 *  -EPIPE   the ring is retired (its camera was removed, or moved to a ring of another size) or was cut off. All
 *           entries before the end have been read: open the name again and ringcast_continue there; if there is no
 *           such name, the camera was removed
 */
int ringcast_read(const ringcast_reader *reader, ringcast_cursor *cursor, void *buffer, size_t size,
                  ringcast_entry *entry);

/* As ringcast_read, but only describes the entry at the cursor: nothing is copied, the cursor stays. */
int ringcast_peek(const ringcast_reader *reader, const ringcast_cursor *cursor, ringcast_entry *entry);

/*
 * Copies a generation's init segment into BUFFER and describes it; with BUFFER NULL only describes it.
 * NUMBER 0 asks for the newest. Whatever the writer wrote, the timescale is not 0, the length is at most
 * RINGCAST_INIT_MAX, and the codecs hold letters, digits and ".,-_+% " only.
 *
 * 0; -EAGAIN: the camera has sent nothing yet; -ESTALE: that generation is gone; -ENOSPC: BUFFER is too
 * small, generation->init_length says what is needed; -EBADMSG.
 */
int ringcast_init_segment(const ringcast_reader *reader, uint32_t number, void *buffer, size_t size,
                          ringcast_generation *generation);

/*
 * Sleeps until the ring has an entry at or after the cursor, is retired, or TIMEOUT_MS milliseconds have
 * passed (-1: no limit).
 *
 * 1: there is something; 0: time-out; -EINTR: a signal came; -EPIPE: retired.
 */
int ringcast_wait(const ringcast_reader *reader, const ringcast_cursor *cursor, int timeout_ms);

/*
 * Following a camera, for programs that want all that a player needs, in order, without handling rings that end, are
 * replaced or overtake them: a recorder, an analysis, a gateway.
 */

/* One camera being followed. Opaque; made by ringcast_follow. Belongs to one thread at a time. */
typedef struct ringcast_follower ringcast_follower;

/* The next piece of the stream: an init segment, or a fragment. */
typedef struct ringcast_piece {
    bool init;            /* an init segment (`ftyp` + `moov`); else a fragment */
    void *data;           /* the follower's, until its next call; may be changed in place */
    size_t length;        /* in bytes */
    ringcast_entry entry; /* of the fragment; with an init segment, of the fragment that follows it at once */
    const ringcast_generation *generation; /* that the fragment belongs to; the follower's, as data is */
} ringcast_piece;

/*
 * Begins to follow the camera whose ring is called NAME, which need not be there yet.
 * 0, and *follower has to be freed with ringcast_unfollow; -ENOMEM.
 */
int ringcast_follow(const char *name, ringcast_follower **follower);

/*
 * Waits for the next piece, TIMEOUT_MS milliseconds at most (-1: no limit). The first two are the init
 * segment and the fragment of the newest keyframe. An init segment comes again only when it differs from the
 * one before it. Where the camera's ring was replaced by one of another size, nothing is missing. A reader
 * that was too slow goes on with the newest keyframe: entry.sequence tells how many fragments it has missed.
 *
 *  1        *piece is there
 *  0        time-out
 *  -EINTR   a signal came
 *  -ENOENT  there is no such ring (any more): all that was in it has been handed over
 *  others   as ringcast_open
 * After each of these it may be called again.
 */
int ringcast_next(ringcast_follower *follower, int timeout_ms, ringcast_piece *piece);

/* Stops following and frees everything. NULL is allowed. */
void ringcast_unfollow(ringcast_follower *follower);

#ifdef __cplusplus
}
#endif
#endif
