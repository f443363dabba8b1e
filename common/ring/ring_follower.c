/* SPDX-License-Identifier: MIT */
/* Following a camera from ring to ring: init segments and fragments, in the order in which a player needs them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/ring/ring_format.h"
#include "common/ring/ringcast.h"

/* A pause when a ring leads nowhere again and again, which only a damaged ring does. */
#define DAMAGE_REST_NS (10 * NS_PER_MS)

enum place {
    PLACE_AWAY,       /* no ring is mapped */
    PLACE_CONTINUING, /* at the first entry of the ring that has taken the last one's place */
    PLACE_SEEKING,    /* the newest keyframe is to be found */
    PLACE_READING,
};

struct ringcast_follower {
    enum place place;
    ringcast_reader *reader; /* NULL: PLACE_AWAY */
    ringcast_cursor cursor;
    ringcast_entry entry;           /* of the fragment in the buffer */
    bool held;                      /* that fragment comes next: its init segment went first */
    ringcast_generation generation; /* of the fragment read last; number 0: none in this ring */
    uint8_t *buffer;
    size_t size;
    size_t init_length;                 /* of the init segment handed over last; 0: none */
    unsigned which;                     /* where that one is */
    uint8_t init[2][RINGCAST_INIT_MAX]; /* the one handed over, and the next */
    char name[];
};

/* Milliseconds until DEADLINE_NS (-1: none), rounded up, as ringcast_wait wants them. */
static int remaining_ms(int64_t deadline_ns)
{
    if (deadline_ns < 0) {
        return -1;
    }
    int64_t left = deadline_ns - clock_now_ns();
    return left > 0 ? (int)((left + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static void leave(ringcast_follower *follower)
{
    ringcast_close(follower->reader);
    follower->reader = NULL;
    follower->generation.number = 0; /* the next ring counts for itself */
    follower->place = PLACE_AWAY;
}

/* Room for the longest fragment that the ring can hold. */
static int make_room(ringcast_follower *follower)
{
    size_t needed = ringcast_capacity(follower->reader) / RING_FRAGMENT_PART;

    if (needed <= follower->size) {
        return 0;
    }
    uint8_t *larger = realloc(follower->buffer, needed);
    if (!larger) {
        return -ENOMEM;
    }
    follower->buffer = larger;
    follower->size = needed;
    return 0;
}

static int arrive(ringcast_follower *follower)
{
    int result = ringcast_open(follower->name, &follower->reader);

    if (result < 0) {
        return result;
    }
    result = make_room(follower);
    if (result < 0) {
        leave(follower);
        return result;
    }
    follower->place = follower->cursor.sequence > 0 ? PLACE_CONTINUING : PLACE_SEEKING;
    return 0;
}

/* 0: the cursor stands on a fragment; -EAGAIN: there is none yet. */
static int find_place(ringcast_follower *follower)
{
    int result = -ESTALE;

    if (follower->place == PLACE_CONTINUING) {
        result = ringcast_continue(follower->reader, &follower->cursor);
    }
    if (result == -ESTALE) {
        follower->place = PLACE_SEEKING;
        result = ringcast_seek_keyframe(follower->reader, &follower->cursor);
    }
    if (result == 0) {
        follower->place = PLACE_READING;
    }
    return result;
}

/* Learns the generation of the fragment at hand. 1: its init segment is another than the one before; 0. */
static int learn_generation(ringcast_follower *follower)
{
    unsigned next = !follower->which;
    ringcast_generation generation;
    int result = ringcast_init_segment(follower->reader, follower->entry.generation, follower->init[next],
                                       RINGCAST_INIT_MAX, &generation);

    if (result < 0) {
        return result == -EAGAIN ? -ESTALE : result;
    }
    follower->generation = generation;
    if (follower->init_length == generation.init_length &&
        memcmp(follower->init[0], follower->init[1], generation.init_length) == 0) {
        return 0;
    }
    follower->which = next;
    follower->init_length = generation.init_length;
    return 1;
}

static int hand_over(ringcast_follower *follower, bool init, ringcast_piece *piece)
{
    *piece = (ringcast_piece){
        .init = init,
        .data = init ? follower->init[follower->which] : follower->buffer,
        .length = init ? follower->init_length : follower->entry.length,
        .entry = follower->entry,
        .generation = &follower->generation,
    };
    follower->held = init;
    return 1;
}

/* 1: a piece; 0: nothing new; else the error of the ring. */
static int take(ringcast_follower *follower, ringcast_piece *piece)
{
    if (follower->held) {
        return hand_over(follower, false, piece);
    }
    int result = follower->place == PLACE_READING ? 0 : find_place(follower);
    if (result < 0) {
        return result == -EAGAIN ? 0 : result;
    }
    result = ringcast_read(follower->reader, &follower->cursor, follower->buffer, follower->size,
                           &follower->entry);
    if (result != 1) {
        return result;
    }
    result = follower->entry.generation == follower->generation.number ? 0 : learn_generation(follower);
    return result < 0 ? result : hand_over(follower, result == 1, piece);
}

/* The place is lost, to the writer or to damage. AGAIN: nothing was read since the last time. */
static void lose_place(ringcast_follower *follower, bool again)
{
    follower->place = PLACE_SEEKING;
    if (again) {
        nanosleep(&(struct timespec){.tv_nsec = DAMAGE_REST_NS}, NULL);
    }
}

int ringcast_follow(const char *name, ringcast_follower **follower)
{
    size_t length = strlen(name) + 1;
    ringcast_follower *made = calloc(1, sizeof(*made) + length);

    if (!made) {
        return -ENOMEM;
    }
    memcpy(made->name, name, length);
    *follower = made;
    return 0;
}

/* 1: a piece; 0: nothing came in time; negative: this place in this ring has come to an end. */
static int take_or_wait(ringcast_follower *follower, int64_t deadline_ns, ringcast_piece *piece)
{
    for (;;) {
        int result = take(follower, piece);
        if (result != 0) {
            return result;
        }
        result = ringcast_wait(follower->reader, &follower->cursor, remaining_ms(deadline_ns));
        if (result <= 0) {
            return result;
        }
    }
}

int ringcast_next(ringcast_follower *follower, int timeout_ms, ringcast_piece *piece)
{
    const int64_t deadline_ns = timeout_ms < 0 ? -1 : clock_now_ns() + timeout_ms * NS_PER_MS;

    for (int rings = 0, losses = 0;;) {
        int result = follower->place == PLACE_AWAY ? arrive(follower) : 0;
        if (result == 0) {
            result = take_or_wait(follower, deadline_ns, piece);
        }
        switch (result) {
        case -EPIPE: /* retired: the camera has another ring now, or none */
            leave(follower);
            if (rings++ > 0) {
                return -ENOENT;
            }
            break;
        case -ESTALE: /* too slow: there is a gap */
        case -EBADMSG:
            lose_place(follower, losses++ > 0);
            if (remaining_ms(deadline_ns) == 0) {
                return 0;
            }
            break;
        default:
            return result;
        }
    }
}

void ringcast_unfollow(ringcast_follower *follower)
{
    if (!follower) {
        return;
    }
    leave(follower);
    free(follower->buffer);
    free(follower);
}
