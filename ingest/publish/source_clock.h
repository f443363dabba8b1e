/* SPDX-License-Identifier: MIT */
/*
 * A camera's time stamps, corrected to keep the pace of its pictures. The stamps of many cameras run at another rate than
 * the pictures come (stamped for 25 a second, sent 15), stand still, or count milliseconds. Stamps that keep the pace
 * pass through unchanged. docs/design/ingest.md says how the pace is measured. Owned by the timeline;
 * one thread. Nothing here reads a clock. Times in ticks of TIMELINE_RATE; arrivals by CLOCK_MONOTONIC.
 */
#ifndef INGEST_PUBLISH_SOURCE_CLOCK_H
#define INGEST_PUBLISH_SOURCE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Windows whose most punctual pictures are compared. */
#define SOURCE_CLOCK_POINTS 9

/* Pictures need not lead or lag the clock by more than this in the long run: half a second, in ticks. */
#define SOURCE_CLOCK_LEAD_MAX 45000

enum source_clock_state {
    SOURCE_CLOCK_STAMPS,  /* times come from the stamps, at `rate` */
    SOURCE_CLOCK_ARRIVAL, /* the stamps are useless: times come from the arrivals, smoothed */
};

/* The most punctual picture of a window. */
struct source_clock_point {
    int64_t at;   /* its arrival */
    int64_t lead; /* its decode time, without the slew, − its arrival */
};

struct source_clock {
    enum source_clock_state state;
    bool started;
    double rate;                      /* steady ticks for a tick of the stamps; 0: not set, which means 1 */
    int64_t source_base, steady_base; /* one moment on both clocks */
    int64_t last_source, last_steady, last_arrival;

    struct source_clock_point points[SOURCE_CLOCK_POINTS]; /* newest last */
    unsigned count;
    struct source_clock_point best; /* of the present window */
    int64_t window_began;
    unsigned window_frames;
    bool has_target;
    int64_t target;       /* the lead that pictures are brought back to */
    double slew;          /* by how many ticks the lead changes for a tick of arrival, to reach the target */
    int64_t slewed_ticks; /* by how many it has changed since the pace is measured */
    double slewed;        /* part of a tick by which it has not changed yet */

    unsigned slow_run;  /* pictures in a row whose stamps step far less than they come */
    int64_t slow_began; /* arrival of the picture before that run */
    double interval;    /* in SOURCE_CLOCK_ARRIVAL: between pictures, smoothed */
    unsigned sane;      /* in SOURCE_CLOCK_ARRIVAL: windows in a row whose stamps keep the pace again */
    int64_t sane_source, sane_arrival; /* where the present window began */
};

/* Another connection: its stamps have nothing to do with the earlier ones. The rate that was learned stays. */
void source_clock_begin(struct source_clock *clock);

/* The timeline has moved its pictures: earlier measurements are void. */
void source_clock_forget_pace(struct source_clock *clock);

/* The stamps make no sense: the arrival gives the time, a picture each INTERVAL at first, until they keep the pace again. */
void source_clock_distrust(struct source_clock *clock, int64_t interval);

/* The steady time of a picture with the stamp SOURCE that arrives at ARRIVAL. */
int64_t source_clock_map(struct source_clock *clock, int64_t source, int64_t arrival);

/*
 * To be called after source_clock_map, for a picture that got a decode time LEAD after its ARRIVAL: the pace is measured by
 * that.
 */
void source_clock_measure(struct source_clock *clock, int64_t lead, int64_t arrival);

/* *shift: steady time − stamp. False: it is not constant, because the stamps do not keep the pace. */
bool source_clock_shift(const struct source_clock *clock, int64_t *shift);

/* AMOUNT, a difference of two stamps, in ticks of the steady clock. */
int64_t source_clock_scale(const struct source_clock *clock, int64_t amount);

#endif
