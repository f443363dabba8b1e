/* SPDX-License-Identifier: MIT */
/*
 * What most tests of the fan-out begin with: a ringcast-fanout and one camera, `front`. Also what several of
 * them do with both.
 */
#ifndef TESTS_PROCESS_FANOUT_FIXTURE_H
#define TESTS_PROCESS_FANOUT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/process/fanout/harness.h"

#define CODECS "avc1.64001F"
#define INIT_A "ftyp+moov of the first stream"
#define INIT_B "ftyp+moov of the second stream"

/* The ring of `front`, and the size of its fragments where the size does not matter. */
#define RING_BYTES 262144
#define FRAGMENT_BYTES 5000u

/* A fragment and a viewer's receive buffer with which a viewer that does not read falls behind soon. */
#define LARGE_BYTES 20000u
#define SMALL_BUFFER 4096

extern struct fanout fanout;
extern struct source front;

/* The fan-out and `front`, which has a ring of CAPACITY bytes and has written nothing. LIMIT: as in fanout_start_limited. */
void front_begin(size_t capacity, const char *limit, int value);

/* For cmocka: front_begin with RING_BYTES and without limits; the same, after which `front` has its first generation. */
int front_set_up(void **state);
int front_set_up_generation(void **state);

/* Ends what is left of both. A test may have ended the fan-out by itself. */
int front_tear_down(void **state);

/* Publishes FRAMES fragments of FRAGMENT_BYTES, the first of which is a keyframe. */
void publish_gop(size_t frames);

/* Publishes the fragments FIRST to LAST of LARGE_BYTES, a keyframe after every GOP; FAST receives each before the next. */
void publish_large(struct client *fast, uint64_t first, uint64_t last, unsigned gop);

/* watch_camera for `front`. */
void watch_front(struct client *client, int receive_bytes);

/* watch_front; the client has received INIT_A and the fragments FIRST to LAST. */
void watch_front_from(struct client *client, uint64_t first, uint64_t last);

/* The client receives the fragments FIRST to LAST. */
void expect_fragments(struct client *client, uint64_t first, uint64_t last);

/* What a viewer was told to have missed. */
struct missed {
    unsigned drops; /* gaps */
    uint64_t fragments;
};

/* Reads INIT_A and on to fragment LAST, and checks that each gap is told and ends at a keyframe. */
struct missed read_with_drops(struct client *client, uint64_t last);

/* Sends a text message. */
void say(struct client *client, const char *text);

/* The fan-out is told that camera NAME is gone. */
void remove_camera(const char *name);

#endif
