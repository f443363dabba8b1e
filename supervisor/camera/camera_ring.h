/* SPDX-License-Identifier: MIT */
/*
 * A camera's ring: created with the camera, and replaced by one of another size when the stream needs it
 * (docs/reference/ring.md, "A ring of another size"). Owned by its camera; supervisor's main thread only.
 *
 *   settled ──▶ offered ──▶ settled       the worker has moved to the next ring
 *                  └──────▶ settled       the worker died before it moved: the next ring is removed
 */
#ifndef SUPERVISOR_CAMERA_CAMERA_RING_H
#define SUPERVISOR_CAMERA_CAMERA_RING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"
#include "supervisor/process/fd_store.h"

struct camera_ring;

/*
 * Creates a ring, not open yet, for the camera of CONFIG, to which no pointer is kept. NULL: out of memory.
 */
struct camera_ring *camera_ring_create(const char *instance, const struct config_camera *config);

/* Allocates its memory. 0; negative errno: it may be tried again. */
int camera_ring_open(struct camera_ring *ring);
bool camera_ring_is_open(const struct camera_ring *ring);

/* Writes to WHY, SIZE bytes, why it could not be opened and what to do. ERROR: that of camera_ring_open. */
void camera_ring_explain(const struct camera_ring *ring, int error, char *why, size_t size);

/* Keeps the ring, and each one that replaces it, in STORE for a next ringcastd. NULL: not at all. */
void camera_ring_set_fd_store(struct camera_ring *ring, struct fd_store *store);

/*
 * Opens the ring that a ringcastd that was killed had for this camera. False: there is none, or its size is
 * not what the configuration wants now, and it was removed. If the worker has moved to a next ring, that one
 * is the present ring then, and the old one remains until camera_ring_retire_old.
 */
bool camera_ring_recall(struct camera_ring *ring, struct fd_store *store);

/* Removes the ring of RECORD (consumed), an entry of kind FD_STORE_RING that is not wanted. */
void camera_ring_discard(struct fd_record *record);

/* Removes all its memory: readers find that the ring has ended. NULL is allowed. */
void camera_ring_destroy(struct camera_ring *ring);

const char *camera_ring_name(const struct camera_ring *ring);

/* Size of its data in bytes; 0: it is not open. */
size_t camera_ring_size(const struct camera_ring *ring);

/* The largest size that it may get; 0: its size is fixed. */
size_t camera_ring_size_max(const struct camera_ring *ring);

/* Descriptors of the present ring, which the ring owns; -1: it is not open. */
int camera_ring_writer(const struct camera_ring *ring);
int camera_ring_reader(const struct camera_ring *ring);

/*
 * Takes BODY, a `stats` or `ring-short` of the worker. If the stream needs another ring, returns the `ring`
 * message to send to the worker, a new reference, and *WRITER is the descriptor to send with it, which the
 * ring owns. Otherwise NULL.
 */
json_t *camera_ring_observe(struct camera_ring *ring, const json_t *body, int *writer);

/*
 * For a worker that was taken over during a change and may not have got the `ring` message: returns it again,
 * as camera_ring_observe does, or NULL.
 */
json_t *camera_ring_repeat(const struct camera_ring *ring, int *writer);

/*
 * Takes BODY, the worker's answer `ring-changed`. True: the next ring has become the present one. The caller
 * sends it to the fan-outs, and then ends the old one with camera_ring_retire_old.
 */
bool camera_ring_changed(struct camera_ring *ring, const json_t *body);

/* The worker has ended, whether it had answered or not. True: as for camera_ring_changed. */
bool camera_ring_settle(struct camera_ring *ring);

/* Ends the old ring, if there is one. */
void camera_ring_retire_old(struct camera_ring *ring);

#endif
