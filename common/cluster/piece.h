/* SPDX-License-Identifier: MIT */
/*
 * What one node of a cluster sends to another of a stream: the content of one NATS message, or of a part of a longer one. The format is
 * docs/reference/cluster.md. Numbers are big-endian. A reader believes nothing: what it gets may come from a damaged or hostile node.
 *
 *   offset size
 *        0    1  version, 1
 *        1    1  kind
 *        2    2  flags: enum ringcast_entry_flags
 *        4    4  length of the whole body, of which this is a part, in bytes
 *        8    4  where in it this part begins
 *       12    4  generation, as the sending node counts
 *       16    8  origin: names the timeline that sequences and decode times belong to; another origin is another timeline
 *       24    8  sequence of the fragment; of a generation or a beat: of the newest fragment that was sent before it, 0: none
 *       32    8  fence: revision of the lease under which the camera is fetched; 0: its node is configured
 *       40    8  decode time, in ticks of the video track, two's complement
 *       48    4  duration, ticks
 *       52    4  timescale: ticks a second; 0 in a beat
 *       56    8  wall clock at capture, ns since 1970, two's complement
 *       64    8  CLOCK_MONOTONIC of the sending node when it was sent, ns: only differences mean anything elsewhere
 *       72    4  age when it was sent: time since its capture, us; at most UINT32_MAX
 *       76    4  0
 *       80       the part
 */
#ifndef COMMON_CLUSTER_PIECE_H
#define COMMON_CLUSTER_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ring/ringcast.h"

#define PIECE_VERSION 1
#define PIECE_HEADER 80

/* Longest body that is believed, in bytes: no ring takes a longer fragment. */
#define PIECE_BODY_MAX (256u << 20)

/* Longest text of a beat in bytes, without a NUL. */
#define PIECE_TEXT_MAX 255

enum piece_kind {
    PIECE_GENERATION = 1, /* the body is a struct piece_generation */
    PIECE_FRAGMENT = 2,   /* the body is `prft` + `moof` + `mdat` */
    PIECE_BEAT = 3,       /* the node lives: the body is a struct piece_beat */
    PIECE_ECHO = 4,       /* the answer to ASK_ECHO: everything that was sent before has arrived; no body */
};

/* One message. `data` points into it. */
struct piece {
    enum piece_kind kind;
    uint32_t flags;
    uint32_t length; /* of the whole body */
    uint32_t offset; /* of this part */
    uint32_t generation;
    uint64_t origin;
    uint64_t sequence;
    uint64_t fence;
    int64_t decode_time;
    uint32_t duration;
    uint32_t timescale;
    int64_t wall_ns;
    int64_t sent_ns;
    uint32_t age_us;
    const uint8_t *data; /* the part */
    size_t size;         /* of the part, in bytes */
};

/* Writes the header of PIECE. `data` and `size` are not used. */
void piece_write(uint8_t header[PIECE_HEADER], const struct piece *piece);

/*
 * Reads MESSAGE of LENGTH bytes. 0; -EBADMSG: another version, an unknown kind, a part that is not within its body or is empty, a body that is longer
 * than PIECE_BODY_MAX or than its kind can be, or empty (but for an echo, which has none), a generation or fragment without timescale.
 */
int piece_read(struct piece *piece, const uint8_t *message, size_t length);

/* --- Bodies --------------------------------------------------------------------------------------------- */

/* The parameters of a stream. `init` points into the body that it was read from. */
struct piece_generation {
    uint32_t width, height;
    char codecs[RINGCAST_CODECS_SIZE];
    const uint8_t *init;
    size_t init_length; /* ≤ RINGCAST_INIT_MAX */
};

/* 2 bytes of width, 2 of height, 1 of the length of codecs, and codecs. */
#define PIECE_GENERATION_HEAD_MAX (5 + RINGCAST_CODECS_SIZE)

/* Writes what comes before the init segment. Returns its length in bytes. Width and height above 65535 are cut to that. */
size_t piece_write_generation(uint8_t head[PIECE_GENERATION_HEAD_MAX],
                              const struct piece_generation *generation);

/* 0; -EBADMSG: too short or too long, or codecs with other bytes than rings take (ring_writer_begin_generation). */
int piece_read_generation(struct piece_generation *generation, const uint8_t *body, size_t length);

/* How the camera is at its node: enum piece_state, and words. */
enum piece_state { PIECE_STARTING, PIECE_STREAMING, PIECE_STALLED, PIECE_DOWN };

struct piece_beat {
    enum piece_state state;
    char text[PIECE_TEXT_MAX + 1]; /* why it is not streaming, UTF-8; "": nothing to say */
};

#define PIECE_BEAT_MAX (1 + PIECE_TEXT_MAX)

/* Returns the body's length in bytes. A longer text is cut. */
size_t piece_write_beat(uint8_t body[PIECE_BEAT_MAX], const struct piece_beat *beat);

/* 0; -EBADMSG: an unknown state, a text that is too long, not UTF-8, or that has control characters. */
int piece_read_beat(struct piece_beat *beat, const uint8_t *body, size_t length);

/* --- Parts ---------------------------------------------------------------------------------------------- */

/* Puts the parts of one body after the other together. Zeroed it is empty. */
struct piece_assembly {
    struct piece first; /* its numbers; `data` is the whole body when it is complete */
    uint8_t *body;      /* owned */
    size_t capacity, filled;
    bool begun;
};

/*
 * Takes PIECE. A body that comes in one part is not copied, and may come between the parts of another one. A first part begins anew, and an
 * incomplete body before it is dropped. MAX: bytes of the longest body that is wanted. 1: `*whole` is PIECE with all of its
 * body, valid until the next call or as long as PIECE's data; of several parts it has the times of the first one; 0: more parts must come; -EBADMSG: it
 * does not go on from the part before it: both are dropped; -EMSGSIZE: the body is longer than MAX; -ENOMEM. What is allocated follows what has come, not
 * what is announced.
 */
int piece_assembly_add(struct piece_assembly *assembly, const struct piece *piece, size_t max,
                       struct piece *whole);

/* Drops what is incomplete and frees all. */
void piece_assembly_finish(struct piece_assembly *assembly);

#endif
