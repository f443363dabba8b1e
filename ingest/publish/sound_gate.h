/* SPDX-License-Identifier: MIT */
/*
 * Whether fragments have a sound track: from the first good unit on, until the sound has ended, is mostly damaged, or
 * changes its kind all the time. Every change costs a generation, so a sound that comes and goes is let in later and
 * later. docs/design/ingest.md says why. Owned by the publisher; one thread; a zeroed
 * struct has no sound. Nothing here reads a clock: times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef INGEST_PUBLISH_SOUND_GATE_H
#define INGEST_PUBLISH_SOUND_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"

/* The sound has ended if for so long pictures have come, and no good unit of it. */
#define SOUND_GATE_END_NS (5 * NS_PER_SECOND)

/* After its first end it is let in again after the first time, then after twice as long each time, up to the last. */
#define SOUND_GATE_HOLD_FIRST_NS (10 * NS_PER_SECOND)
#define SOUND_GATE_HOLD_LAST_NS (300 * NS_PER_SECOND)

/* By then it must have come for so long without a gap of a second. */
#define SOUND_GATE_STEADY_NS (2 * NS_PER_SECOND)

/* After sound has played for so long, its earlier ends are forgotten. */
#define SOUND_GATE_HEALTHY_NS (300 * NS_PER_SECOND)

enum sound_state {
    SOUND_NONE,        /* no sound is announced, or none is wanted */
    SOUND_UNSUPPORTED, /* the announced sound cannot be played */
    SOUND_WAITING,     /* announced; no good unit has come */
    SOUND_PLAYING,     /* the only state with a track */
    SOUND_ENDED,       /* it played, and no unit comes any more */
    SOUND_DAMAGED,     /* most of its units are not of the announced kind */
};

struct sound_gate {
    enum sound_state state;
    int health;              /* good units count up, bad ones down */
    unsigned ends;           /* how often it has ended since it was healthy */
    int64_t back_ns;         /* when it may be let in again */
    int64_t steady_since_ns; /* since when good units come; 0: they do not */
    int64_t playing_since_ns;
    int64_t picture_ns; /* of the last picture; 0: none */
    int64_t silent_ns;  /* for how long pictures have come without a good unit */
};

/* Another connection, whose sound is of another kind: SOUND_NONE, SOUND_UNSUPPORTED or SOUND_WAITING. */
void sound_gate_begin(struct sound_gate *gate, enum sound_state state);

/* The sound is of another kind from now on. COSTS: the present generation describes the old kind. */
void sound_gate_change(struct sound_gate *gate, int64_t now_ns, bool costs);

/* A unit came. GOOD: it can be of the announced kind. */
void sound_gate_unit(struct sound_gate *gate, bool good, int64_t now_ns);

/* A picture came. */
void sound_gate_picture(struct sound_gate *gate, int64_t now_ns);

#endif
