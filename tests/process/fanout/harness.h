/* SPDX-License-Identifier: MIT */
/*
 * Plays ringcastd and its ingest workers for a real ringcast-fanout: starts it with a channel and a listening
 * socket, makes rings and publishes fragments whose content can be checked. Everything fails the test
 * (cmocka) rather than return an error.
 */
#ifndef TESTS_PROCESS_FANOUT_HARNESS_H
#define TESTS_PROCESS_FANOUT_HARNESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/process/fanout/client.h"

struct fanout {
    pid_t pid;   /* 0 once it has ended */
    int channel; /* our end */
    int port;
    int descriptors;    /* how many it had open when it said that it was ready */
    char directory[64]; /* the player's files */
};

/* A camera: a ring and its writer. */
struct source {
    struct fanout *fanout;
    char name[80];
    struct ring_writer *writer;
    int ring_writer_fd, ring_reader_fd, wake;
    char ring[256];
    uint64_t published;
    unsigned
        past_s; /* its rings have an index for so many seconds, in which every keyframe is noted; 0: none */
};

/* Viewers may be as slow as they like. */
void fanout_start(struct fanout *fanout);

/* The same but for one limit, a member of the `listen` message. */
void fanout_start_limited(struct fanout *fanout, const char *limit, int value);

/* The same, in a process that may have only so many DESCRIPTORS. */
void fanout_start_small(struct fanout *fanout, const char *limit, int value, int descriptors);

/*
 * Sends the message `access` with DOCUMENT (consumed), who may watch, and ONCE, the page for tokens that may be used once (-1: none).
 */
void fanout_tell_access(struct fanout *fanout, json_t *document, int once);

/* Sends the message `http` with DOCUMENT (consumed), the rules for HTTP, and waits until they count. */
void fanout_tell_http(struct fanout *fanout, json_t *document);

/* Sends SIGTERM (or, if SIGNAL is 0, nothing), waits for the end and checks that it was clean. */
void fanout_end(struct fanout *fanout, int signal);

/*
 * Closes the test's end. The fan-out has ended by itself, or ends now: returns its wait status (waitpid(2)).
 */
int fanout_wait_status(struct fanout *fanout);

/* Sends a control message (consumed) with descriptors. */
void fanout_tell(struct fanout *fanout, json_t *message, const int *fds, int count);

/* Waits for a message of TYPE; others are dropped. The caller owns it. */
json_t *fanout_wait(struct fanout *fanout, const char *type);

/* Waits until the fan-out has reported COUNT viewers of CAMERA. */
void fanout_wait_viewers(struct fanout *fanout, const char *camera, int count);

/* Number of open descriptors of the fan-out; *highest, if not NULL, is the greatest of them. */
int fanout_descriptors(const struct fanout *fanout, int *highest);

/* Makes a ring of CAPACITY bytes and tells the fan-out of the camera. */
void source_begin(struct source *source, struct fanout *fanout, const char *name, size_t capacity);

/* The same with an index for PAST_S seconds. */
void source_begin_past(struct source *source, struct fanout *fanout, const char *name, size_t capacity,
                       unsigned past_s);

/* Dates all fragments in the ring: the newest was published AGO seconds ago, each other STEP seconds before the next one. */
void source_date(struct source *source, double step, double ago);

/* A new ring of CAPACITY bytes in place of the old one, which is retired. */
void source_move(struct source *source, size_t capacity);

/*
 * From here on the camera writes a ring of CAPACITY bytes, in a new generation with INIT_TEXT, and carries on
 * in it what it wrote in the old one. The fan-out knows nothing of it before source_tell_ring, which retires
 * the old one.
 */
void source_grow(struct source *source, size_t capacity, const char *codecs, const char *init_text,
                 struct source *old);
void source_tell_ring(struct source *source, struct source *old);

/* A new generation, whose init segment is INIT_TEXT. */
void source_generation(struct source *source, const char *codecs, const char *init_text);

/* Ends the writer and attaches a new one, as when a worker is killed and started again. */
void source_restart(struct source *source);

/* Publishes a fragment of SIZE bytes. */
void source_publish(struct source *source, size_t size, bool keyframe);

/* Publishes bytes that are no fragment. */
void source_publish_raw(struct source *source, const void *bytes, size_t size, bool keyframe);

/* Removes the ring; the fan-out is not told. */
void source_end(struct source *source);

/* The number of the fragment in MESSAGE after checking every byte of it; *KEYFRAME may be NULL. */
uint64_t fragment_number(const struct client_message *message, bool *keyframe);

/* The next message that is not a ping, which may come at any time. */
void next_data(struct client *client, struct client_message *message);

/* The next message must be text of this TYPE. The caller owns the JSON. */
json_t *expect_text(struct client *client, const char *type);

/* The next message must be fragment NUMBER. Text messages of type "state" before it are skipped. */
void expect_fragment(struct client *client, uint64_t number);

/* The next messages must be an `init` text and INIT_TEXT as init segment. */
void expect_init(struct client *client, const char *init_text);

/* Opens the camera's WebSocket, checks 101 and reads the `state` text. */
void watch_camera(struct client *client, struct fanout *fanout, const char *path, int receive_bytes);

/* Camera NAME is now in CAMERA_STATE; ERROR: why, or NULL. */
void fanout_tell_state(struct fanout *fanout, const char *name, const char *camera_state, const char *error);

/* Viewers of camera NAME can look back for SECONDS from now on: the fan-out has heard it. */
void fanout_tell_look_back(struct fanout *fanout, const char *name, int seconds);

/*
 * Reads on until the fan-out closes the connection, with CODE (RFC 6455, 7.4), and closes the client's end.
 */
void expect_close(struct client *client, int code);

#endif
