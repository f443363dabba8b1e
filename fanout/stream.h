/* SPDX-License-Identifier: MIT */
/*
 * The streams that this fan-out serves, main and sub streams, in the order of the configuration, which is
 * that of ringcastd's messages: what is known of each, and its feed. ringcast-fanout's only thread.
 */
#ifndef FANOUT_STREAM_H
#define FANOUT_STREAM_H

#include <jansson.h>
#include <sys/stat.h>

#include "fanout/feed/feed.h"

/* Longest camera name in bytes (docs/reference/configuration.md). */
#define CAMERA_NAME_MAX 64

/* What ringcastd calls a camera's sub stream: the camera's name and this. */
#define CAMERA_SUB_SUFFIX "/sub"

struct stream {
    char *name;
    json_t *state;               /* string: a state of docs/reference/control.md */
    json_t *error;               /* string or null */
    json_t *codecs;              /* string (RFC 6381) or null */
    json_t *width, *height;      /* integer or null */
    json_t *audio, *audio_error; /* string or null */
    json_t *mirror,
        *crop;         /* how it is shown: boolean or null; [left, top, right, bottom] in per cent, or null */
    json_t *node;      /* of the cluster, from which it comes; null: it is this node's own */
    dev_t ring_device; /* which ring the feed has */
    ino_t ring_inode;
    json_int_t elsewhere;  /* viewers at the other fan-outs */
    uint64_t changes;      /* counts changes of the stream, but not of its viewers at this fan-out */
    int64_t state_told_ns; /* CLOCK_MONOTONIC: when the viewers were last told the state */
    bool state_due;        /* it changed since then */
    unsigned look_back_s;  /* seconds that viewers can look back; 0: not at all */
    struct feed feed;
    char *row;                 /* owned by camera_list.c: its row in /api/cameras; NULL: not made yet */
    uint64_t row_key;          /* identifies what the row shows */
    struct stream *main, *sub; /* the main stream of this sub stream; the sub stream of this one; or NULL */
    struct stream *next;
};

struct streams {
    struct stream *first, **end;
    struct feed_set *set;
    unsigned count;
    uint64_t named;                 /* counts streams that came or went */
    struct watch_timer state_timer; /* armed while the viewers of a stream are to be told its state */
};

void streams_init(struct streams *streams, struct feed_set *set);

/* Creates the timer. 0 or negative errno. */
int streams_begin(struct streams *streams, struct loop *loop);

struct stream *streams_find(const struct streams *streams, const char *name);

/*
 * Adds the stream of a `camera-add` message with its ring, or replaces the ring of the stream with that NAME.
 * READER and WAKE become the stream's, also after an error. 0; -EINVAL: not a name; -ENOMEM.
 */
int streams_add(struct streams *streams, const char *name, ringcast_reader *reader, int wake);

/*
 * Updates STREAM from MESSAGE (`camera-add` or `camera-state`). Its viewers get a new state at once, and
 * further states at most ten times a second: then only the newest.
 */
void stream_update(struct streams *streams, struct stream *stream, const json_t *message);

/* The stream whose feed FEED is. */
struct stream *stream_of_feed(struct feed *feed);

/* True if STREAM is a camera's sub stream, which has no row of its own in /api/cameras. */
bool stream_is_sub(const struct stream *stream);

/*
 * VIEWER (viewer_init), who has PERMIT to watch the camera, begins to watch STREAM. With a permit for something else the
 * connection ends.
 */
void stream_join(struct stream *stream, struct viewer *viewer, const struct permit *permit);

/* True if RING, a result of fstat, is the ring that the stream has. */
bool stream_has_ring(const struct stream *stream, const struct stat *ring);

/* True if the camera sleeps until a viewer comes. */
bool stream_is_idle(const struct stream *stream);

/* True if pictures come from the camera. */
bool stream_is_streaming(const struct stream *stream);

/* Takes COUNTS, {"name": viewers at the other fan-outs}. A stream that is missing there has none. */
void streams_set_elsewhere(struct streams *streams, const json_t *counts);

/* Closes the stream's viewers with CODE and frees it. */
void streams_remove(struct streams *streams, struct stream *stream, uint16_t code);

/*
 * The row of STREAM in `GET /api/cameras`, its sub stream included, with PREFIX before paths. A new object, or NULL.
 */
json_t *stream_describe(const struct stream *stream, const char *prefix);

/* Removes all. */
void streams_finish(struct streams *streams);

#endif
