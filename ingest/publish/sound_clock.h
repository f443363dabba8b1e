/* SPDX-License-Identifier: MIT */
/*
 * Where a unit of sound belongs on the ring's timeline. Sound has a clock of its own: its units come at their own pace, its
 * stamps may run at another, and both differ from the pictures'. Each unit follows the last one by the length of its
 * samples; over some seconds the sound is moved to the pictures that it arrives with, so that errors do not add up. Stamps
 * show gaps, as long as they agree with the units, and the reports of both streams show how far apart sound and pictures
 * were captured. docs/design/ingest.md says how. Owned by the publisher's audio; one thread. Nothing here reads a clock.
 * Times in nanoseconds since the ring's epoch, arrivals included.
 */
#ifndef INGEST_PUBLISH_SOUND_CLOCK_H
#define INGEST_PUBLISH_SOUND_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A time that is not known. */
#define SOUND_CLOCK_UNKNOWN INT64_MIN

/* Windows whose most punctual units are compared. */
#define SOUND_CLOCK_POINTS 4

struct sound_clock_unit {
    int64_t stamp_ns;  /* on the sound's own clock, or SOUND_CLOCK_UNKNOWN */
    int64_t synced_ns; /* its place beside the pictures by the camera's reports, or SOUND_CLOCK_UNKNOWN */
    int64_t arrival_ns;
    int64_t duration_ns; /* of its samples */
};

/* The most punctual unit of a window. */
struct sound_clock_point {
    int64_t at;   /* when the window ended */
    int64_t lead; /* the unit's, before any correction, − that of the pictures */
};

struct sound_clock {
    bool started;
    int64_t place;   /* where the next unit belongs if it follows the last one */
    int64_t raw;     /* the same without any correction */
    int64_t stamp;   /* of the next unit, if it follows; or SOUND_CLOCK_UNKNOWN */
    int64_t arrival; /* of the last unit */
    int sane;        /* how well stamps agree with the units; below 0: they are not believed */
    double rate;     /* by which the sound is stretched to keep the pictures' pace; 0: not at all */
    double slew;     /* by which it is moved towards its place */
    double part;     /* part of a nanosecond by which it has not been moved yet */
    int64_t apart;   /* how far its lead should be from that of the pictures, by the camera's reports */
    unsigned synced; /* windows in which that was measured */

    bool has_pictures;         /* `pictures` is set */
    int64_t pictures;          /* lead of the most punctual picture of the last window that had some */
    int64_t picture_best;      /* of the present window; INT64_MIN: none yet */
    int64_t best;              /* lead of the most punctual unit of the present window; INT64_MIN: none yet */
    int64_t raw_best;          /* of the same unit, without corrections */
    int64_t synced_best;       /* by the camera's reports */
    int64_t window_began;      /* 0: not yet */
    unsigned windows;          /* since it started or was moved */
    int64_t error, last_error; /* of the last two windows: how far ahead of its place the sound was */
    struct sound_clock_point points[SOUND_CLOCK_POINTS]; /* newest last */
    unsigned count;
    uint64_t jumps; /* how often it was moved at once */
};

/* Another connection or another sound: forgets all but the place of the pictures. */
void sound_clock_begin(struct sound_clock *clock);

/* A picture that came at ARRIVAL_NS is shown at PLACE_NS. */
void sound_clock_picture(struct sound_clock *clock, int64_t place_ns, int64_t arrival_ns);

/* Whether sound can be placed: pictures have come. */
bool sound_clock_ready(const struct sound_clock *clock);

/* Where UNIT belongs: after the last one, unless something is missing between them. */
int64_t sound_clock_place(struct sound_clock *clock, const struct sound_clock_unit *unit);

#endif
