/* SPDX-License-Identifier: MIT */
/*
 * What this node gets of other nodes' cameras, while somebody here looks: each remote camera that is wanted has a worker, which is attached here by a
 * socket (common/cluster/attachment.h). Messages are carried to it as they are, and are not looked into. One subscription and one question a second
 * for each, however many viewers the camera has here.
 *
 *                JOIN               JUMP                    PIECE_ECHO
 *   attached ──────────▶ joined ───────────▶ draining ──────────────────▶ joined
 *
 * and from each of them to nothing when the worker closes its socket or another one is attached for the same camera. One for the process; one thread.
 */
#ifndef RELAY_DOWNLINK_H
#define RELAY_DOWNLINK_H

#include <stdint.h>

#include "relay/link.h"

struct downlink;

struct downlink_counts {
    uint64_t streams;  /* that are attached now */
    uint64_t messages; /* that were handed to workers */
    uint64_t left_out; /* that were not, because a worker did not read */
    uint64_t jumps;    /* to the newest pictures, because a link was too slow */
};

/*
 * CLUSTER and NODE are copied; NODE is this one. EPOLL is the caller's; the events of attached sockets have the pointer that downlink_ready
 * takes. NULL: out of memory.
 */
struct downlink *downlink_create(int epoll, const char *cluster, const char *node);
void downlink_destroy(struct downlink *downlink);

/* LINK is what is asked and subscribed on from now on; NULL: there is none. What was subscribed on the one before is forgotten. */
void downlink_set_link(struct downlink *downlink, struct link *link);

/* Whether the link is up; WHY not. */
void downlink_news(struct downlink *downlink, bool up, const char *why);

/* The worker of CAMERA, which is STREAM of NODE, at the other end of SOCKET, which is the downlink's from now on. */
void downlink_attach(struct downlink *downlink, const char *camera, const char *node, const char *stream,
                     int socket);

/* A socket is ready for EVENTS: what epoll gave. */
void downlink_ready(struct downlink *downlink, void *pointer, uint32_t events);

/* A message to one of the subjects that were subscribed to. */
void downlink_came(struct downlink *downlink, const struct link_message *message);

/* As uplink_turn. Frees what has ended. */
uint64_t downlink_turn(struct downlink *downlink, uint64_t now_ms);

struct downlink_counts downlink_counts(const struct downlink *downlink);

#endif
