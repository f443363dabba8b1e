/* SPDX-License-Identifier: MIT */
/*
 * Cameras that nobody has, and whose turn it is to take them (O3 in owner.h). They are planned: who takes them first is chosen for all that have
 * become free together, in the order of their names' hashes, and whoever is chosen counts as having them from then on. Part of the view of a
 * node; one thread.
 */
#ifndef RELAY_OWNER_TURNS_H
#define RELAY_OWNER_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/owner/view.h"

/* Something about CAMERA or its owner has changed: it may be free now, or not any more. Its claim is to be asked, too. */
void turns_refresh(struct owner *owner, struct camera *camera);

/* CAMERA, which is free, is to be planned again. */
void turns_plan_again(struct owner *owner, struct camera *camera);

/* The same for all that are free, or for those that wait because nobody could take them. */
void turns_plan_all_again(struct owner *owner, bool waiting_only);

/* Plans the free cameras that are not planned. Without memory they stay so, and the next call tries again. */
void turns_plan(struct owner *owner, uint64_t now_ms);

/* Whether it is this node's turn to take CAMERA, which is free. Otherwise *DUE_MS is when to ask again; UINT64_MAX: not before something changes. */
bool turns_is_own(const struct owner *owner, const struct camera *camera, uint64_t now_ms, uint64_t *due_ms);

#endif
