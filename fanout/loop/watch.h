/*
 * Descriptors and timers in the loop: under libev watched by itself, without libwebsockets and before its
 * connections; else adopted by libwebsockets. A watched descriptor belongs to its watch, which closes it at
 * watch_end, or the loop does at its end. Timers are timerfds: libwebsockets' own wake the loop several times
 * per expiry and cut to milliseconds. ringcast-fanout's only thread.
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
    ev_io event; /* under libev */
    struct loop *loop;
    void (*ready)(void *context); /* the descriptor is readable; level-triggered */
    void *context;
    struct lws *wsi; /* under libwebsockets' own loop */
    int fd;
    bool watched;
};

int watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

/*
 * Watches FD, which becomes the watch's, for reading. WATCH must live as long. 0 or -EIO (FD is closed then).
 */
int watch_begin(struct watch *watch, struct loop *loop, int fd, void (*ready)(void *context), void *context);

/* `ready` is called before that of other watches and of connections, as far as the loop knows priorities. */
void watch_first(struct watch *watch);

/* Stops or goes on calling `ready`. */
void watch_pause(struct watch *watch, bool paused);

/* Stops watching and closes the descriptor, at once or soon. Nothing happens if it is not watched. */
void watch_end(struct watch *watch);

struct watch_timer {
    struct watch watch;
    void (*expired)(void *context);
    void *context;
};

/* 0 or negative errno. Not armed yet. */
int watch_timer_begin(struct watch_timer *timer, struct loop *loop, void (*expired)(void *context),
                      void *context);

/* Expires once, after DELAY_MS > 0; with 0 it is disarmed. */
void watch_timer_arm(struct watch_timer *timer, long delay_ms);

/* The same in microseconds. */
void watch_timer_arm_us(struct watch_timer *timer, long delay_us);

#endif
