/* SPDX-License-Identifier: MIT */
/*
 * One viewer of the load generator: connects, upgrades to WebSocket (or, in raw mode, to bench_floor's plain
 * messages), and checks everything it receives. It owns its socket and tells its tally what it saw; it never
 * waits. One thread for all viewers.
 */
#ifndef TESTS_BENCH_VIEWER_H
#define TESTS_BENCH_VIEWER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/raw_message.h"
#include "tests/bench/ring_watch.h"
#include "tests/bench/secure.h"
#include "tests/bench/tally.h"
#include "tests/bench/ws_stream.h"

enum viewer_state { VIEWER_IDLE, VIEWER_CONNECTING, VIEWER_UPGRADING, VIEWER_STREAMING, VIEWER_CLOSED };

/* What all viewers of a run share. */
struct viewer_run {
    struct sockaddr_in server;
    SSL_CTX *tls;         /* NULL: plain */
    const char *header;   /* of the request for a WebSocket, without its end of line; NULL: none */
    bool resume;          /* TLS sessions are those of viewers before */
    SSL_SESSION *session; /* of the newest viewer that has one */
    uint64_t resumed;
    bool raw;                 /* bench_floor's messages instead of WebSocket */
    int slow_rcvbuf;          /* SO_RCVBUF of slow viewers; 0: the system's */
    bool measuring;           /* in the measured interval */
    struct ring_watch *watch; /* may be NULL */
    uint8_t *buffer;          /* where every recv goes */
    size_t buffer_size;
    uint32_t *sizes; /* of the messages of the viewer with `records_sizes`, in the interval */
    size_t sizes_count, sizes_max;
};

struct viewer {
    enum viewer_state state;
    int fd;   /* -1 when there is none */
    SSL *ssl; /* NULL: plain, or no handshake yet */
    bool slow;
    bool records_sizes;
    const char *path;   /* of the WebSocket; not owned */
    const char *camera; /* the name, of a member; not owned */
    struct viewer *
        members; /* of one WebSocket with several cameras, the first of which is itself: each is what one of them
                               sees, and only the first has a socket. Not owned; NULL: it has one camera */
    size_t member_count;
    struct tally *tally;
    struct ws_stream stream;
    struct raw_stream raw;
    uint8_t *head; /* first bytes of a message that came in pieces; NULL until the first such */
    size_t head_length;
    uint8_t control[WS_CONTROL_MAX];
    size_t control_length;
    uint32_t video_track;
    int64_t connect_ns;
    uint64_t fragments, interval_fragments;
    uint32_t sequence; /* of the last fragment */
    uint64_t frame;    /* of the last stamp */
    bool has_frame;
    uint64_t announced; /* fragments that a drop message said would be missing */
};

const char *viewer_strstate(enum viewer_state state);

/* Begins to connect. 0, and the socket is to be watched; or negative errno. */
int viewer_connect(struct viewer *viewer, const struct viewer_run *run);

/* The connection is writable: sends the handshake, that of TLS before it. */
void viewer_writable(struct viewer *viewer, struct viewer_run *run);

/* Reads at most LIMIT bytes of what is there. What it read. */
size_t viewer_readable(struct viewer *viewer, struct viewer_run *run, size_t limit);

/* Closes the socket and frees what the viewer owns. */
void viewer_finish(struct viewer *viewer);

#endif
