/*
 * A camera's ring: made with the camera, and replaced by one of another size when the stream needs it
 * (docs/reference/ring.md, "A ring of another size"). Owned by its camera; supervisor's main thread only.
 *
 *   settled ──▶ offered ──▶ settled       the worker entered the next ring, or died after it did
 *                  └──────▶ settled       the worker died before: the next ring is removed
 */
#ifndef SUPERVISOR_CAMERA_CAMERA_RING_H
#define SUPERVISOR_CAMERA_CAMERA_RING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"
#include "supervisor/process/fd_store.h"

struct camera_ring;

/* A ring for the camera of CONFIG, which is not kept; not open yet. NULL: out of memory. */
struct camera_ring *camera_ring_create(const char *instance, const struct config_camera *config);

/* Makes its memory. 0, or negative errno and it can be tried again. */
int camera_ring_open(struct camera_ring *ring);
bool camera_ring_is_open(const struct camera_ring *ring);

/* Why it could not be opened, and what to do, in words. */
void camera_ring_explain(const struct camera_ring *ring, int error, char *why, size_t size);

/* From now on the ring is kept for a next ringcastd, whatever becomes of it. KEEP: NULL for not at all. */
void camera_ring_set_fd_store(struct camera_ring *ring, struct fd_store *store);

/*
 * Opens the ring with what a ringcastd that was killed had for this camera. False: there is nothing, or it is
 * of another size than the configuration wants now, and is removed. A next ring that the worker has entered
 * is in place then; the old one is still to be let go of.
 */
bool camera_ring_recall(struct camera_ring *ring, struct fd_store *store);

/* Removes the ring of an entry of fd_store.h (FD_STORE_RING) that is not wanted. Consumes RECORD. */
void camera_ring_discard(struct fd_record *record);

/* Removes all of it: readers see its end. NULL is allowed. */
void camera_ring_destroy(struct camera_ring *ring);

const char *camera_ring_name(const struct camera_ring *ring);

/* Bytes of data; 0: it is not open. */
size_t camera_ring_size(const struct camera_ring *ring);

/* The largest size that it may get; 0: it stays as it is. */
size_t camera_ring_size_max(const struct camera_ring *ring);

/* Descriptors of the present ring, which stay the ring's; -1: it is not open. */
int camera_ring_writer(const struct camera_ring *ring);
int camera_ring_reader(const struct camera_ring *ring);

/*
 * What the worker says in `stats` or `ring-short`. The `ring` message that it is to get, a new reference, if
 * it must be another ring; *WRITER is that ring's descriptor, not the caller's. Else NULL.
 */
json_t *camera_ring_observe(struct camera_ring *ring, const json_t *body, int *writer);

/*
 * The worker was taken over during a change, and may have heard of the next ring or not: the `ring` message
 * again, as in camera_ring_observe, or NULL.
 */
json_t *camera_ring_repeat(const struct camera_ring *ring, int *writer);

/*
 * The worker's answer, `ring-changed`. True: the next ring is in place and is the present one now: fan-outs
 * are to be told, and then the old one let go of with camera_ring_retire_old.
 */
bool camera_ring_changed(struct camera_ring *ring, const json_t *body);

/* The worker has ended, with or without an answer to the offer. True as for camera_ring_changed. */
bool camera_ring_settle(struct camera_ring *ring);

/* Ends the ring before, if there is one. */
void camera_ring_retire_old(struct camera_ring *ring);

#endif
