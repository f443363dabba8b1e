/* SPDX-License-Identifier: MIT */
#include "ingest/publish/sound_gate.h"

/* A good unit counts one, a bad one two: the health of a sound falls if more than a third of its units are bad. */
#define HEALTH_MAX 32
#define HEALTH_BAD 2
#define HEALTH_DAMAGED (-16)

/* A picture counts for this much time at most: longer pauses are pauses of the pictures. */
#define PICTURE_NS NS_PER_SECOND

/* Longer gaps between units are a break. */
#define BREAK_NS NS_PER_SECOND

void sound_gate_begin(struct sound_gate *gate, enum sound_state state)
{
    unsigned ends = gate->ends;
    int64_t back_ns = gate->back_ns;

    *gate = (struct sound_gate){.state = state, .ends = ends, .back_ns = back_ns};
}

static int64_t hold_ns(unsigned ends)
{
    int64_t hold = SOUND_GATE_HOLD_FIRST_NS;

    for (unsigned i = 1; i < ends && hold < SOUND_GATE_HOLD_LAST_NS; i++) {
        hold *= 2;
    }
    return hold < SOUND_GATE_HOLD_LAST_NS ? hold : SOUND_GATE_HOLD_LAST_NS;
}

static void leave(struct sound_gate *gate, enum sound_state state, int64_t now_ns)
{
    if (now_ns - gate->playing_since_ns >= SOUND_GATE_HEALTHY_NS) {
        gate->ends = 0;
    }
    gate->ends++;
    gate->back_ns = now_ns + hold_ns(gate->ends);
    gate->state = state;
    gate->steady_since_ns = 0;
}

void sound_gate_change(struct sound_gate *gate, int64_t now_ns, bool costs)
{
    bool first = gate->ends == 0;

    if (gate->state == SOUND_PLAYING && costs) {
        leave(gate, SOUND_WAITING, now_ns);
        /* Once, descriptions are often wrong. */
        gate->back_ns = first ? now_ns : gate->back_ns;
    }
    if (gate->state != SOUND_PLAYING) {
        gate->state = SOUND_WAITING;
    }
    gate->health = 0;
}

/* Sound that went must be steady before it comes back; the first unit ever is enough. */
static void enter(struct sound_gate *gate, int64_t now_ns)
{
    bool went = gate->state == SOUND_ENDED || gate->state == SOUND_DAMAGED;
    bool steady = gate->steady_since_ns != 0 && now_ns - gate->steady_since_ns >= SOUND_GATE_STEADY_NS;

    if (gate->state < SOUND_WAITING || gate->health <= 0 || now_ns < gate->back_ns || (went && !steady)) {
        return;
    }
    gate->state = SOUND_PLAYING;
    gate->playing_since_ns = now_ns;
}

static void put_bad(struct sound_gate *gate, int64_t now_ns)
{
    gate->health -= HEALTH_BAD;
    if (gate->health > HEALTH_DAMAGED) {
        return;
    }
    gate->health = HEALTH_DAMAGED;
    if (gate->state == SOUND_PLAYING) {
        leave(gate, SOUND_DAMAGED, now_ns);
    } else if (gate->state >= SOUND_WAITING) {
        gate->state = SOUND_DAMAGED;
    }
}

void sound_gate_unit(struct sound_gate *gate, bool good, int64_t now_ns)
{
    if (!good) {
        put_bad(gate, now_ns);
        return;
    }
    gate->health += gate->health < HEALTH_MAX;
    if (gate->steady_since_ns == 0 || gate->silent_ns > BREAK_NS) {
        gate->steady_since_ns = now_ns;
    }
    gate->silent_ns = 0;
    if (gate->state != SOUND_PLAYING) {
        enter(gate, now_ns);
    }
}

void sound_gate_picture(struct sound_gate *gate, int64_t now_ns)
{
    int64_t step = gate->picture_ns != 0 ? now_ns - gate->picture_ns : 0;

    gate->picture_ns = now_ns;
    gate->silent_ns += step < PICTURE_NS ? step : PICTURE_NS;
    if (gate->state == SOUND_PLAYING && gate->silent_ns >= SOUND_GATE_END_NS) {
        leave(gate, SOUND_ENDED, now_ns);
    }
}
