/* SPDX-License-Identifier: MIT */
/*
 * The guests that wait for their camera or are to end at a time, with one timer for all of them; and what guests over plain
 * HTTP send, which nobody wants. ringcast-fanout's only thread.
 */
#ifndef FANOUT_GUEST_LIST_H
#define FANOUT_GUEST_LIST_H

#include <stdbool.h>
#include <sys/queue.h>

#include "fanout/feed/guest.h"
#include "fanout/feed/viewer.h"
#include "fanout/loop/watch.h"

/* So long a request waits for the first keyframe. */
#define GUEST_LIST_WAIT_MS 10000

TAILQ_HEAD(guests, guest);

struct guest_list {
    struct guests guests;
    struct watch_timer timer; /* armed while one of them is due */
};

/* 0 or negative errno. */
int guest_list_begin(struct guest_list *list, struct loop *loop);
void guest_list_end(struct guest_list *list);

/* A guest that has just become a viewer waits for its camera from now on. */
void guest_list_add(struct guest_list *list, struct guest *guest);

/* The guest is no viewer any more, or none that waits. It may be in no list. */
void guest_list_remove(struct guest_list *list, struct guest *guest);

/* Forgets what VIEWER's client has sent. False: the client is gone. */
bool guest_list_drain(const struct viewer *viewer);

#endif
