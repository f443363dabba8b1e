/*
 * The cameras of this fan-out, in the order in which ringcastd named them (the configuration's): what is
 * known of each, and its feed. ringcast-fanout's only thread.
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

struct camera {
    char *name;
    json_t *state;          /* string: a state of docs/reference/control.md */
    json_t *error;          /* string or null */
    json_t *codecs;         /* string (RFC 6381) or null */
    json_t *width, *height; /* integer or null */
    dev_t ring_device;      /* which ring the feed has */
    ino_t ring_inode;
    json_int_t elsewhere; /* viewers at the other fan-outs */
    struct feed feed;
    struct camera *main, *sub; /* the camera whose sub stream this is, its sub stream; NULL: none */
    struct camera *next;
};

struct cameras {
    struct camera *first, **end;
    struct feed_set *set;
    unsigned count;
};

void cameras_init(struct cameras *cameras, struct feed_set *set);

struct camera *cameras_find(const struct cameras *cameras, const char *name);

/*
 * Adds the camera of a `camera-add` message with its ring; for a name that is there, puts the ring in place
 * of the old one. READER and WAKE become the camera's, in case of an error too. 0; -EINVAL: not a name;
 * -ENOMEM.
 */
int cameras_add(struct cameras *cameras, const char *name, ringcast_reader *reader, int wake);

/* Takes over what MESSAGE (`camera-add` or `camera-state`) says and tells the viewers if they should know. */
void camera_update(struct camera *camera, const json_t *message);

/* True if it is a camera's sub stream: part of that camera, and none of its own. */
bool camera_is_sub(const struct camera *camera);

/* True if RING (of fstat) is the one that the camera has. */
bool camera_has_ring(const struct camera *camera, const struct stat *ring);

/* True if the camera sleeps until somebody watches. */
bool camera_is_idle(const struct camera *camera);

/* COUNTS: name -> viewers at the other fan-outs; who is not in it has none. */
void cameras_set_elsewhere(struct cameras *cameras, const json_t *counts);

/* Closes the camera's viewers with CODE and forgets it. */
void cameras_remove(struct cameras *cameras, struct camera *camera, uint16_t code);

/* What `GET /api/cameras` says of it, with its sub stream. A new object, or NULL. */
json_t *camera_describe(const struct camera *camera);

/* Removes all. */
void cameras_finish(struct cameras *cameras);

#endif
