/* SPDX-License-Identifier: MIT */
/*
 * What this node sends of its own cameras, while another node looks. A stream that nobody asked for costs nothing: its ring is not even mapped. One
 * that is asked for is read from its ring and published once, however many nodes look; who comes later gets the generation and the group of
 * pictures so far for itself, and then goes on with what all get.
 *
 *             asked for              nobody has asked for TAKER_MS, or removed
 *   (nothing) ─────────▶ sending ──────────────────────────────────────────────▶ (nothing)
 *
 * One for the process; one thread.
 */
#ifndef RELAY_UPLINK_H
#define RELAY_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/program/program.h"
#include "relay/link.h"

struct uplink;

struct uplink_counts {
    uint64_t streams;          /* that are sent now */
    uint64_t fragments, joins; /* sent to all, and groups that were sent to one */
    uint64_t overtaken;        /* times that a ring has overtaken its reading */
};

/* CLUSTER and NODE are copied; NODE is this one. NULL: out of memory. */
struct uplink *uplink_create(struct program *program, const char *cluster, const char *node);
void uplink_destroy(struct uplink *uplink);

/* What says whether a fragment of a camera may go out at this moment, and with which fence. Without it all may, and the fence is 0. */
typedef bool uplink_may(void *context, const char *camera, uint64_t *fence);
void uplink_set_may(struct uplink *uplink, uplink_may *may, void *context);

/* LINK is what is sent on from now on; NULL: there is none. */
void uplink_set_link(struct uplink *uplink, struct link *link);

/* Tells those who look that this node ends. */
void uplink_leave(struct uplink *uplink);

/* A message to one of this node's ask subjects. */
void uplink_asked(struct uplink *uplink, const struct link_message *message);

/* The program's news (struct program_handlers). uplink_woken: true, its turn has ended before all was sent, and uplink_turn goes on. */
bool uplink_woken(struct uplink *uplink, struct program_camera *camera);
void uplink_camera(struct uplink *uplink, struct program_camera *camera, enum program_news news);

/* Does what is due. Returns when the next thing is (CLOCK_MONOTONIC, ms); UINT64_MAX: nothing is. */
uint64_t uplink_turn(struct uplink *uplink, uint64_t now_ms);

struct uplink_counts uplink_counts(const struct uplink *uplink);

#endif
