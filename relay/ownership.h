/* SPDX-License-Identifier: MIT */
/*
 * The cluster's bucket: the cameras of the whole cluster in it (central.h), and which cameras this node fetches, of those that more than one node may have: the rules of relay/owner/ on the bucket of the cluster (bucket.h), and what
 * ringcastd is told of it (docs/reference/control.md, "ringcast-relay"). One for the process; one thread.
 */
#ifndef RELAY_OWNERSHIP_H
#define RELAY_OWNERSHIP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/program/program.h"
#include "relay/link.h"

struct ownership;

/*
 * SETTINGS is the object `cluster` of ringcastd's message; RESUME the incarnation in the cluster of a process of this node that has ended, 0: there was none.
 * LINK must outlive it. 0 or negative errno.
 */
int ownership_create(struct program *program, struct link *link, const json_t *settings, uint64_t resume,
                     struct ownership **made);
void ownership_destroy(struct ownership *ownership);

/* Whether MESSAGE is about who has which camera, and is taken care of. */
bool ownership_came(struct ownership *ownership, const struct link_message *message);

/* The link has another connection. */
void ownership_use_link(struct ownership *ownership, struct link *link);

/* To be waited for: it is readable when ownership_turn has something to do. */
int ownership_fd(const struct ownership *ownership);

/* Does what is due. Returns when the next thing is (CLOCK_MONOTONIC, ms); UINT64_MAX: nothing is. */
uint64_t ownership_turn(struct ownership *ownership);

/* ringcastd fetches CAMERA no more: nothing of it is published from here on. */
void ownership_stopped(struct ownership *ownership, const char *camera);

/* CAMERA is there, or has another state; whether nodes share it is in what ringcastd tells of it. */
void ownership_camera(struct ownership *ownership, const struct program_camera *camera);

/* What this node has to do: ringcastd's message `load`. Others are told with the next renewal. */
void ownership_load(struct ownership *ownership, const json_t *body);

/* There is no such camera any more, shared or not. */
void ownership_remove(struct ownership *ownership, const char *camera);

/* Everything is told to ringcastd again: it is another one. */
void ownership_tell_again(struct ownership *ownership);

/* All cameras that others may have are handed over, and none are taken; or not any more. */
void ownership_drain(struct ownership *ownership, bool on);

/*
 * This process ends, and no other one of this node follows: nothing is published from here on, and the bucket is to say that the node is gone, so
 * that the others do not wait for its lease to run out. ownership_has_left: it says so. That may never be.
 */
void ownership_leave(struct ownership *ownership, uint64_t now_ms);
bool ownership_has_left(const struct ownership *ownership);

/* What ringcastd has in force of the whole cluster's cameras, {version, refused}, for the other nodes to see. */
void ownership_set_central(struct ownership *ownership, const json_t *state);

/* ringcastd has sent MESSAGE, `central-write`. */
void ownership_write_central(struct ownership *ownership, const struct channel_message *message);

/* Whether a fragment of CAMERA may be published at this moment: it is this node's, with FENCE, or not shared, with 0. */
bool ownership_may_publish(const struct ownership *ownership, const char *camera, uint64_t *fence);

#endif
