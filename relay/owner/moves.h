/* SPDX-License-Identifier: MIT */
/*
 * Own cameras that go to another node, and where to (O4 in owner.h). How one is handed over is claim.h. Part of the view of a node; one thread.
 */
#ifndef RELAY_OWNER_MOVES_H
#define RELAY_OWNER_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/owner/view.h"

/* Whether CAMERA is this node's, which must not keep it. */
bool moves_must(const struct owner *owner, const struct camera *camera);

/* Chooses the next owners of some of the cameras that this node must not keep; of more when these are done. */
void moves_plan(struct owner *owner);

/* CAMERA, which is this node's, sends nothing here: it goes to a node that it prefers, if there is one. */
void moves_look_for_better(struct owner *owner, struct camera *camera, uint64_t now_ms);

/* CAMERA goes to nobody any more: it has gone, or the node cannot have it. */
void moves_clear(struct owner *owner, struct camera *camera);

#endif
