/*
 * The streams that this fan-out serves, main and sub ones, in the order in which ringcastd named them (the
 * configuration's): what is known of each, and its feed. ringcast-fanout's only thread.
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
    dev_t ring_device;           /* which ring the feed has */
    ino_t ring_inode;
    json_int_t elsewhere;  /* viewers at the other fan-outs */
    uint64_t changes;      /* of what is known, viewers at this fan-out aside */
    int64_t state_told_ns; /* CLOCK_MONOTONIC: when the viewers were last told the state */
    bool state_due;        /* it changed since then */
    struct feed feed;
    char *row;                 /* camera_list.c's: what /api/cameras says of it, NULL: not made yet */
    uint64_t row_key;          /* of what the row shows */
    struct stream *main, *sub; /* the stream whose sub stream this is; its sub stream; NULL: none */
    struct stream *next;
};

struct streams {
    struct stream *first, **end;
    struct feed_set *set;
    unsigned count;
    struct watch_timer state_timer; /* armed while the viewers of a stream are to be told its state */
};

void streams_init(struct streams *streams, struct feed_set *set);

/* Makes the timer. 0 or negative errno. */
int streams_begin(struct streams *streams, struct loop *loop);

struct stream *streams_find(const struct streams *streams, const char *name);

/*
 * Adds the stream of a `camera-add` message with its ring; for a name that is there, puts the ring in place
 * of the old one. READER and WAKE become the stream's, also when the result is an error. 0; -EINVAL: not a name;
 * -ENOMEM.
 */
int streams_add(struct streams *streams, const char *name, ringcast_reader *reader, int wake);

/*
 * Takes over what MESSAGE (`camera-add` or `camera-state`) says. Its viewers are told a new state at once, and
 * further ones at most ten times a second: then the newest, whatever came between.
 */
void stream_update(struct streams *streams, struct stream *stream, const json_t *message);

/* True if it is a camera's sub stream, which has no row of its own in /api/cameras. */
bool stream_is_sub(const struct stream *stream);

/* True if RING (of fstat) is the one that the camera has. */
bool stream_has_ring(const struct stream *stream, const struct stat *ring);

/* True if the camera sleeps until a viewer comes. */
bool stream_is_idle(const struct stream *stream);

/* COUNTS: name -> viewers at the other fan-outs. A stream that is not in it has none. */
void streams_set_elsewhere(struct streams *streams, const json_t *counts);

/* Closes the stream's viewers with CODE and frees it. */
void streams_remove(struct streams *streams, struct stream *stream, uint16_t code);

/* What its row in `GET /api/cameras` says, with its sub stream. A new object, or NULL. */
json_t *stream_describe(const struct stream *stream);

/* Removes all. */
void streams_finish(struct streams *streams);

#endif
