/* SPDX-License-Identifier: MIT */
/*
 * An RTSP server that does what a test tells it, in a thread of its own on a loopback port. One connection at
 * a time. A handler answers each request; what was asked is kept.
 */
#ifndef TESTS_PROCESS_INGEST_RTSP_SCRIPT_SERVER_H
#define TESTS_PROCESS_INGEST_RTSP_SCRIPT_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script_server;

/* Called in the server's thread. REQUEST is one request with its headers. */
typedef void (*script_handler)(struct script_server *server, const char *request);

struct script_server {
    int port;
    script_handler handler;
    const void *context; /* the test's */
    int connections;     /* so far */
    int requests;        /* on this connection so far, this one counted */
    /* The rest is the server's own. */
    pthread_t thread;
    int listener, connection, stop;
    pthread_mutex_t lock;
    char seen[131072];
    size_t seen_size;
};

void script_start(struct script_server *server, script_handler handler, const void *context);
void script_stop(struct script_server *server);

/* Waits until TEXT was asked COUNT times. Fails the test if that takes too long. */
void script_wait(struct script_server *server, const char *text, int count);

/* How often TEXT was asked so far. */
int script_count(struct script_server *server, const char *text);

/* For handlers: an answer with REQUEST's CSeq. HEADERS are lines with their ends; BODY may be NULL. */
void script_reply(struct script_server *server, const char *request, const char *status, const char *headers,
                  const char *body);
void script_send(struct script_server *server, const void *data, size_t size);
void script_send_text(struct script_server *server, const char *text);

/* Ends the connection; RESET: not in order. */
void script_hang_up(struct script_server *server, bool reset);

/* An interleaved RTP packet. */
void script_send_packet(struct script_server *server, uint8_t channel, uint16_t sequence);

/* A camera that works: one video (track1), and audio (track2) if AUDIO; Session 4711. For requests that the
 * test has nothing special to say to. */
void script_camera(struct script_server *server, const char *request, bool audio);

/* Whether REQUEST is of this method. */
bool script_is(const char *request, const char *method);

extern const char script_video_sdp[];
extern const char script_audio_sdp[];

#endif
