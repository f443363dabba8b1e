/*
 * Whether fragments have a sound track: from the first good unit on, and no longer once the sound has ended, is
 * mostly damaged, or changes its kind all the time. Every change costs a generation, so a sound that comes and
 * goes is let in later and later. docs/design/ingest.md says why. Owned by the publisher; one thread; a zeroed
 * struct has no sound. Nothing here reads a clock: times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef INGEST_PUBLISH_SOUND_GATE_H
#define INGEST_PUBLISH_SOUND_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* The sound has ended if pictures come for so long and no unit of it: 5 s. */
#define SOUND_GATE_END_NS INT64_C(5000000000)

/* After the first end it is let in again after 10 s, then after twice as long each time, up to 5 min. */
#define SOUND_GATE_HOLD_FIRST_NS INT64_C(10000000000)
#define SOUND_GATE_HOLD_LAST_NS INT64_C(300000000000)

/* It must have been there for so long by then, without a gap of a second. */
#define SOUND_GATE_STEADY_NS INT64_C(2000000000)

/* Sound that has played for so long has no past. */
#define SOUND_GATE_HEALTHY_NS INT64_C(300000000000)

enum sound_state {
    SOUND_NONE,        /* none is announced, or none is wanted */
    SOUND_UNSUPPORTED, /* what is announced cannot be played */
    SOUND_WAITING,     /* announced; no good unit has come */
    SOUND_PLAYING,     /* the only state with a track */
    SOUND_ENDED,       /* it played, and no unit comes any more */
    SOUND_DAMAGED,     /* most of its units cannot be what is announced */
};

struct sound_gate {
    enum sound_state state;
    int health;              /* counts good units up, bad ones down */
    unsigned ends;           /* how often it went, since it was healthy */
    int64_t back_ns;         /* not let in before */
    int64_t steady_since_ns; /* good units come since then; 0: they do not */
    int64_t playing_since_ns;
    int64_t picture_ns; /* of the last picture; 0: none */
    int64_t silent_ns;  /* for how long pictures have come without a good unit */
};

/* Another connection, whose sound is of another kind: SOUND_NONE, SOUND_UNSUPPORTED or SOUND_WAITING. */
void sound_gate_begin(struct sound_gate *gate, enum sound_state state);

/* The sound is of another kind from now on. COSTS: the present generation tells the old one. */
void sound_gate_change(struct sound_gate *gate, int64_t now_ns, bool costs);

/* A unit came, and can be what is announced, or not. */
void sound_gate_unit(struct sound_gate *gate, bool good, int64_t now_ns);

/* A picture came. */
void sound_gate_picture(struct sound_gate *gate, int64_t now_ns);

#endif
