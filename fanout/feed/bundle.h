/* SPDX-License-Identifier: MIT */
/*
 * Several viewers on one WebSocket: a page with many cameras has one connection, and each camera of it is a viewer in that camera's
 * feed, with its own place, state and limits of age. What they share is the socket: what is known of its pace, and whose turn it is when it does not
 * take everything. Then the one goes first that has been sent least, so that one large camera does not hold up the others.
 *
 * A message is the packet that all viewers get, with the subscription's number written into the room before it: a fragment stays one
 * write and nobody has a copy (docs/reference/websocket.md). The bundle is owned by the viewer of its socket, which is in VIEWER_BUNDLE and in no feed.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_BUNDLE_H
#define FANOUT_FEED_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fanout/feed/viewer.h"

struct permit; /* fanout/http/gate.h */
struct bundle;

/* Greatest number of a subscription: it fits the room before a packet. */
#define BUNDLE_ID_MAX 2147483647

/* One subscription. */
struct member {
    struct viewer viewer; /* its `bundle` is the member's */
    TAILQ_ENTRY(member) link;
    struct permit *permit; /* owned by whoever added the member */
    uint64_t sent;         /* bytes of messages */
    uint64_t turn;         /* of those that are queued, the one with the least goes first */
    uint32_t id;           /* the client's: 1 … BUNDLE_ID_MAX */
    bool queued;           /* it waits for its turn */
    bool idle;             /* found nothing to do in the present turn */
};

TAILQ_HEAD(member_list, member);
LIST_HEAD(bundle_list, bundle);

struct bundle {
    LIST_ENTRY(bundle) link;
    struct viewer *socket; /* owns the bundle, and the pace that all members share */
    struct member_list members;
    unsigned count;
    uint64_t turn; /* of the member that was served last */
    double rate;   /* bytes a second that all members are sent while they keep up; 0: not known yet */
    uint32_t keyframe_bytes; /* of the largest keyframe */
    unsigned looks;
    bool is_short; /* a member waits that the socket had no room for: others do not pass it */
};

/* Makes SOCKET, a viewer in no feed, that of a bundle in LIST. 0 or -ENOMEM. */
int bundle_begin(struct viewer *socket, struct bundle_list *list);

/* Frees the bundle of SOCKET. It must have no members. */
void bundle_end(struct viewer *socket);

/* Adds the subscription ID, which must be free, with the viewer's NUMBER; its viewer is in no feed yet. NULL: out of memory. */
struct member *bundle_add(struct bundle *bundle, uint32_t id, uint64_t number);

/* Takes MEMBER out of its feed and frees it, but not its permit. */
void bundle_remove(struct bundle *bundle, struct member *member);

/* MEMBER, which is in no feed, is as it was when it was added. */
void bundle_begin_again(struct member *member);

/* NULL: there is none. */
struct member *bundle_find(const struct bundle *bundle, uint32_t id);

/* All members leave their feeds; they stay in the bundle. */
void bundle_leave_feeds(struct bundle *bundle);

/* True if a member is sent fragments. */
bool bundle_is_watching(const struct bundle *bundle);

/* The member that VIEWER is. */
struct member *bundle_member(struct viewer *viewer);

/* True if VIEWER is a member of a bundle, and not its socket. */
bool bundle_has_member(const struct viewer *viewer);

struct viewer *bundle_socket(const struct bundle *bundle);
bool bundle_is_short(const struct bundle *bundle);
double bundle_rate(const struct bundle *bundle);

/* Sends PACKET, a text that is an object or a binary message, with the number of VIEWER, a member. False: the connection is broken. */
bool bundle_send(struct viewer *viewer, struct packet *packet, bool text);

/* VIEWER, a member, has joined a feed. */
void bundle_greet(struct viewer *viewer);

/* VIEWER, a member that is behind, waits for its turn. */
void bundle_wait(struct viewer *viewer);

/* Sends members that are behind what the socket takes, up to a turn; call it when the socket takes something. */
void bundle_serve(struct bundle *bundle);

/* Call it as feed_look: finds out whether the socket keeps up, and serves it if it has room again. */
void bundle_look(struct bundle *bundle, unsigned phases);

/* The socket has answered the ping with NUMBER. */
void bundle_answered(struct bundle *bundle, uint32_t number);

/*
 * Call it every few seconds. NULL, or a static text: why the socket is to be closed, because it has taken nothing for STUCK_NS, or sent too much. PING:
 * it gets a ping.
 */
const char *bundle_keep_alive(struct bundle *bundle, int64_t stuck_ns, bool ping);

#endif
