/* SPDX-License-Identifier: MIT */
/*
 * The pace is measured by the most punctual picture of each window: the network delays pictures and never sends one early,
 * so the picture with the greatest lead was held up least. While stamps keep the pace, these leads stay equal, through
 * jitter, stalls and bursts. If stamps run at another rate, the leads lie on a line; only a line over several windows is
 * taken for a rate. Small differences are slewed away, too slowly to be seen.
 */
#include "ingest/publish/source_clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/publish/timeline.h"

#define TICKS_PER_MS (TIMELINE_RATE / 1000)

/* A window has this many pictures and this length; the first ones are short, so that a wrong rate is not seen
 * for long. */
#define WINDOW_FRAMES 4
#define WINDOW_TICKS TIMELINE_RATE
#define WINDOW_FIRST_TICKS (TIMELINE_RATE / 2)
#define WINDOWS_FIRST 5

/* Steeper slopes of the lead mean another rate of the clock: at first, over three points, and over all; and the least
 * change of the lead, which jitter must not reach. */
#define SLOPE_FIRST 0.08
#define SLOPE_SHORT 0.04
#define SLOPE_LONG 0.008
#define SLOPE_LEAST_TICKS (60 * TICKS_PER_MS)

/* Two slopes are one line if they differ by less than this part of the larger. */
#define SLOPE_ALIKE 0.35

/* A rate beyond this, or below its inverse, is not that of a clock. */
#define RATE_MAX 8.0

/* A difference below is left alone; a larger one goes within some ten seconds, at 1 % at most. */
#define SLEW_DEADBAND_TICKS (30 * TICKS_PER_MS)
#define SLEW_GAIN 0.1
#define SLEW_MAX 0.01

/* Pictures further from the clock than this are slewed fast: a sender that makes such stamps has no pace to keep. */
#define SLEW_FAR_TICKS (INT64_C(30) * TIMELINE_RATE)
#define SLEW_FAR_MAX 0.25

/* Time for which one picture can be slewed. */
#define SLEW_ELAPSED_MAX TIMELINE_RATE

/* Stamps stand still if they step by less than a third of the time between pictures, for so many pictures and so long. */
#define SLOW_PART 3
#define SLOW_FRAMES 6
#define SLOW_TICKS (TIMELINE_RATE / 4)
#define SLOW_ELAPSED_MIN (2 * TICKS_PER_MS)

/* Without stamps: the interval is smoothed over this many pictures, a longer pause counts as INTERVAL_PAUSE intervals, and
 * the clock approaches the arrival by this part of the difference. */
#define INTERVAL_FRAMES 16
#define INTERVAL_PAUSE 4
#define ARRIVAL_GAIN 8

/* Stamps that keep the pace within 5 % for so many windows of 2 s are believed again. */
#define SANE_WINDOWS 2
#define SANE_TICKS (2 * TIMELINE_RATE)
#define SANE_PART 20

static double rate_of(const struct source_clock *clock)
{
    return clock->rate > 0 ? clock->rate : 1;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    if (value < low) {
        return low;
    }
    return value > high ? high : value;
}

void source_clock_forget_pace(struct source_clock *clock)
{
    clock->count = 0;
    clock->window_frames = 0;
    clock->has_target = false;
    clock->slew = 0;
    clock->slewed_ticks = 0;
}

void source_clock_begin(struct source_clock *clock)
{
    source_clock_forget_pace(clock);
    clock->started = false;
    clock->slow_run = 0;
    clock->sane = 0;
}

int64_t source_clock_scale(const struct source_clock *clock, int64_t amount)
{
    if (clock->state == SOURCE_CLOCK_ARRIVAL) {
        return 0;
    }
    double rate = rate_of(clock);
    return rate == 1 ? amount : (int64_t)llround((double)amount * rate);
}

static void rebase(struct source_clock *clock)
{
    clock->source_base = clock->last_source;
    clock->steady_base = clock->last_steady;
}

static void enter_state(struct source_clock *clock, enum source_clock_state state)
{
    clock->state = state;
    clock->rate = 1;
    clock->slow_run = 0;
    clock->sane = 0;
    rebase(clock);
    source_clock_forget_pace(clock);
    clock->sane_source = clock->last_source;
    clock->sane_arrival = clock->last_arrival;
}

void source_clock_distrust(struct source_clock *clock, int64_t interval)
{
    if (clock->state == SOURCE_CLOCK_STAMPS) {
        enter_state(clock, SOURCE_CLOCK_ARRIVAL);
        clock->interval = fmax((double)interval, TICKS_PER_MS);
    }
}

static double slope(const struct source_clock_point *from, const struct source_clock_point *to)
{
    return to->at > from->at ? (double)(to->lead - from->lead) / (double)(to->at - from->at) : 0;
}

/* The slope of a line through three points, if they lie on one that is as steep as LEAST; else 0. */
static double line(const struct source_clock *clock, unsigned first, unsigned middle, double least)
{
    const struct source_clock_point *points = clock->points;
    const struct source_clock_point *last = &points[clock->count - 1];
    double one = slope(&points[first], &points[middle]);
    double other = slope(&points[middle], last);
    double steep = fmax(fabs(one), fabs(other));
    bool alike = fabs(one - other) < steep * SLOPE_ALIKE && fabs(one) > least && fabs(other) > least;
    /* Pictures that were held up catch up: that is the network, and not the clock. */
    bool recovering = one > 0 && last->lead + clock->slewed_ticks < clock->target - SLOPE_LEAST_TICKS;

    if (!alike || recovering || llabs(last->lead - points[first].lead) < SLOPE_LEAST_TICKS) {
        return 0;
    }
    return slope(&points[first], last);
}

static void change_rate(struct source_clock *clock, double drift)
{
    double rate = rate_of(clock) / (1 + drift);
    int64_t lead = clock->points[clock->count - 1].lead + clock->slewed_ticks;

    if (1 + drift <= 1 / RATE_MAX || rate > RATE_MAX || rate < 1 / RATE_MAX) {
        clock->interval = fmax(clock->interval, 1);
        enter_state(clock, SOURCE_CLOCK_ARRIVAL);
        return;
    }
    rebase(clock);
    source_clock_forget_pace(clock);
    clock->rate = rate;
    clock->target = clamp(lead, -SOURCE_CLOCK_LEAD_MAX, SOURCE_CLOCK_LEAD_MAX);
    clock->has_target = true;
}

static void judge(struct source_clock *clock)
{
    double least = clock->count <= WINDOWS_FIRST ? SLOPE_FIRST : SLOPE_SHORT;
    double drift = clock->count >= 3 ? line(clock, clock->count - 3, clock->count - 2, least) : 0;

    if (drift == 0 && clock->count == SOURCE_CLOCK_POINTS) {
        drift = line(clock, 0, SOURCE_CLOCK_POINTS / 2, SLOPE_LONG);
    }
    if (drift != 0) {
        change_rate(clock, drift);
        return;
    }
    int64_t error = clock->points[clock->count - 1].lead + clock->slewed_ticks - clock->target;
    clock->slew = 0;
    if (llabs(error) > SLEW_DEADBAND_TICKS) {
        double speed = -(double)error * SLEW_GAIN / TIMELINE_RATE;
        double most = llabs(error) > SLEW_FAR_TICKS ? SLEW_FAR_MAX : SLEW_MAX;
        clock->slew = fmin(fmax(speed, -most), most);
    }
}

static void close_window(struct source_clock *clock)
{
    if (clock->count == SOURCE_CLOCK_POINTS) {
        memmove(clock->points, clock->points + 1, sizeof(clock->points) - sizeof(clock->points[0]));
        clock->count--;
    }
    clock->points[clock->count++] = clock->best;
    clock->window_frames = 0;
    if (!clock->has_target) {
        clock->target =
            clamp(clock->best.lead + clock->slewed_ticks, -SOURCE_CLOCK_LEAD_MAX, SOURCE_CLOCK_LEAD_MAX);
        clock->has_target = true;
    }
    judge(clock);
}

void source_clock_measure(struct source_clock *clock, int64_t lead, int64_t arrival)
{
    int64_t length = clock->count < WINDOWS_FIRST ? WINDOW_FIRST_TICKS : WINDOW_TICKS;

    if (clock->state != SOURCE_CLOCK_STAMPS) {
        return;
    }
    lead -= clock->slewed_ticks;
    if (clock->window_frames == 0) {
        clock->window_began = arrival;
    }
    if (clock->window_frames == 0 || lead >= clock->best.lead) {
        clock->best = (struct source_clock_point){.at = arrival, .lead = lead};
    }
    clock->window_frames++;
    if (arrival - clock->window_began >= length && clock->window_frames >= WINDOW_FRAMES) {
        close_window(clock);
    }
}

/* True: the stamps hardly move while pictures come. */
static bool stands_still(struct source_clock *clock, int64_t source, int64_t arrival)
{
    int64_t step = source_clock_scale(clock, source - clock->last_source);
    int64_t elapsed = arrival - clock->last_arrival;

    if (step > 0 && step * SLOW_PART >= elapsed) {
        clock->slow_run = 0;
        return false;
    }
    if (elapsed < SLOW_ELAPSED_MIN) {
        return false;
    }
    if (clock->slow_run == 0) {
        clock->slow_began = clock->last_arrival;
    }
    clock->slow_run++;
    if (clock->slow_run < SLOW_FRAMES || arrival - clock->slow_began < SLOW_TICKS) {
        return false;
    }
    clock->interval = (double)(arrival - clock->slow_began) / clock->slow_run;
    return true;
}

static void map_by_stamps(struct source_clock *clock, int64_t source, int64_t arrival)
{
    int64_t elapsed = clamp(arrival - clock->last_arrival, 0, SLEW_ELAPSED_MAX);

    clock->slewed += clock->slew * (double)elapsed;
    int64_t whole = (int64_t)clock->slewed;
    clock->slewed -= (double)whole;
    clock->slewed_ticks += whole;
    clock->steady_base += whole;
    clock->last_steady = clock->steady_base + source_clock_scale(clock, source - clock->source_base);
}

static void map_by_arrival(struct source_clock *clock, int64_t arrival)
{
    double elapsed = (double)clamp(arrival - clock->last_arrival, 0, INT64_C(3600) * TIMELINE_RATE);

    clock->interval += (fmin(elapsed, INTERVAL_PAUSE * clock->interval) - clock->interval) / INTERVAL_FRAMES;
    clock->interval = fmax(clock->interval, TICKS_PER_MS);
    if (!clock->has_target) {
        clock->target = clock->last_steady - clock->last_arrival;
        clock->has_target = true;
    }
    double missing = (double)(arrival + clock->target - clock->last_steady) - clock->interval;
    double step = clock->interval + missing / ARRIVAL_GAIN;
    clock->last_steady += llround(fmin(fmax(step, clock->interval / 4), 2 * clock->interval));
}

/* True: the stamps keep the pace again. */
static bool is_sane(struct source_clock *clock, int64_t source, int64_t arrival)
{
    int64_t elapsed = arrival - clock->sane_arrival;

    if (elapsed < SANE_TICKS) {
        return false;
    }
    bool keeps = llabs(source - clock->sane_source - elapsed) < elapsed / SANE_PART;
    clock->sane = keeps ? clock->sane + 1 : 0;
    clock->sane_source = source;
    clock->sane_arrival = arrival;
    return clock->sane >= SANE_WINDOWS;
}

int64_t source_clock_map(struct source_clock *clock, int64_t source, int64_t arrival)
{
    if (!clock->started) {
        clock->started = true;
        clock->source_base = clock->steady_base = clock->last_steady = source;
        clock->sane_source = source;
        clock->sane_arrival = arrival;
    } else if (clock->state == SOURCE_CLOCK_STAMPS) {
        if (stands_still(clock, source, arrival)) {
            map_by_stamps(clock, source, arrival);
            clock->last_source = source;
            clock->last_arrival = arrival;
            enter_state(clock, SOURCE_CLOCK_ARRIVAL);
        } else {
            map_by_stamps(clock, source, arrival);
        }
    } else {
        map_by_arrival(clock, arrival);
    }
    clock->last_source = source;
    clock->last_arrival = arrival;
    if (clock->state == SOURCE_CLOCK_ARRIVAL && is_sane(clock, source, arrival)) {
        enter_state(clock, SOURCE_CLOCK_STAMPS);
    }
    return clock->last_steady;
}

bool source_clock_shift(const struct source_clock *clock, int64_t *shift)
{
    *shift = clock->steady_base - clock->source_base;
    return clock->state == SOURCE_CLOCK_STAMPS && rate_of(clock) == 1;
}
