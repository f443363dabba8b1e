/* SPDX-License-Identifier: MIT */
/*
 * Descriptors and timers in the loop. With libev, the loop watches them itself, before the connections of
 * libwebsockets; otherwise libwebsockets adopts them. A watched descriptor belongs to its watch, which closes
 * it at watch_end, or to the loop, which closes it at its end. Timers are timerfds, because libwebsockets'
 * own timers wake the loop several times per expiry and have only milliseconds. ringcast-fanout's only
 * thread.
 */
#ifndef FANOUT_LOOP_WATCH_H
#define FANOUT_LOOP_WATCH_H

#include <ev.h>
#include <libwebsockets.h>
#include <stdbool.h>

#include "fanout/loop/loop.h"

/* Name of the libwebsockets protocol behind watch_callback; the server lists both. */
#define WATCH_PROTOCOL "ringcast-descriptor"

struct watch {
    ev_io event; /* with libev */
    struct loop *loop;
    void (*ready)(void *context); /* the descriptor is readable; level-triggered */
    void *context;
    struct lws *wsi; /* with libwebsockets' own loop */
    int fd;
    bool watched;
};

int watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

/*
 * Watches FD, which belongs to WATCH from now on, for reading. WATCH must live until watch_end. 0; -EIO: FD
 * was closed.
 */
int watch_begin(struct watch *watch, struct loop *loop, int fd, void (*ready)(void *context), void *context);

/*
 * Watches FD, which stays somebody else's and is watched by him, too: READY is called first. Only with libev; otherwise
 * nothing is called. It must be left before FD is watched for anything else.
 */
void watch_beside(struct watch *watch, struct loop *loop, int fd, void (*ready)(void *context),
                  void *context);
void watch_leave(struct watch *watch);

/* All who watch the descriptor are called at once as if something had come. From a watch_turn only. */
void watch_again(struct watch *watch);

/* Called before each time that the loop waits. Only with libev; otherwise it is never called. */
struct watch_turn {
    ev_prepare event;
    struct loop *loop;
    void (*ready)(void *context);
    void *context;
};

void watch_turn_init(struct watch_turn *turn, struct loop *loop, void (*ready)(void *context), void *context);
void watch_turn_begin(struct watch_turn *turn);
void watch_turn_end(struct watch_turn *turn);

/* Gives WATCH priority over other watches and connections, if the loop has priorities. */
void watch_first(struct watch *watch);

/* Stops calling `ready`, or calls it again. */
void watch_pause(struct watch *watch, bool paused);

/* Stops watching, and closes the descriptor now or soon. Does nothing if it is not watched. */
void watch_end(struct watch *watch);

struct watch_timer {
    struct watch watch;
    void (*expired)(void *context);
    void *context;
};

/* Creates TIMER, not armed. 0 or negative errno. */
int watch_timer_begin(struct watch_timer *timer, struct loop *loop, void (*expired)(void *context),
                      void *context);

/* Has the timer expire once, after DELAY_MS > 0; 0 disarms it. */
void watch_timer_arm(struct watch_timer *timer, long delay_ms);

/* The same in microseconds. */
void watch_timer_arm_us(struct watch_timer *timer, long delay_us);

#endif
