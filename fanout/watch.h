/*
 * Descriptors and timers in libwebsockets' loop. A watched descriptor belongs to the loop, which closes it
 * with the context or on watch_end. Timers are timerfds: libwebsockets' own wake the loop several times per
 * expiry and cut to milliseconds. ringcast-fanout's only thread.
 */
#ifndef WATCH_H
#define WATCH_H

#include <libwebsockets.h>

/* Name of the libwebsockets protocol behind watch_callback; the server lists both. */
#define WATCH_PROTOCOL "ringcast-descriptor"

struct watch {
    void (*ready)(void *context); /* the descriptor is readable; level-triggered */
    void *context;
    struct lws *wsi; /* NULL: not watched */
    int fd;
};

int watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

/* Watches FD, which becomes the loop's, for reading. WATCH must live as long. 0 or -EIO (FD is closed then).
 */
int watch_begin(struct watch *watch, struct lws_vhost *vhost, int fd, void (*ready)(void *context),
                void *context);

/* Stops or goes on calling `ready`. */
void watch_pause(struct watch *watch, int paused);

/* Stops watching; the loop closes the descriptor. Nothing happens if it is not watched. */
void watch_end(struct watch *watch);

struct watch_timer {
    struct watch watch;
    void (*expired)(void *context);
    void *context;
};

/* 0 or negative errno. Not armed yet. */
int watch_timer_begin(struct watch_timer *timer, struct lws_vhost *vhost, void (*expired)(void *context),
                      void *context);

/* Expires once, after DELAY_MS > 0. */
void watch_timer_arm(struct watch_timer *timer, long delay_ms);

#endif
