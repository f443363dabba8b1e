/* SPDX-License-Identifier: MIT */
/*
 * The network delays units and never delivers them early, so in each window the most punctual unit and the most
 * punctual picture count; the sound is kept at the lead that the one has over the other. A controller with two terms
 * does that: `slew` removes the error, `rate` learns the difference of the two clocks. A difference that is too large
 * for both is a rate that was announced wrongly: it is measured over some windows and taken over at once.
 */
#include "ingest/publish/sound_clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#define WINDOW_NS (500 * NS_PER_MS)

/* Smaller differences are due to the network. */
#define DEADBAND_NS (8 * NS_PER_MS)

/* Terms of the controller for each second, quick at first and while the sound is far off, then gentle. */
#define SLEW_QUICK 1.0
#define SLEW_GENTLE 0.3
#define RATE_QUICK 0.3
#define RATE_GENTLE 0.03
#define QUICK_WINDOWS 16
#define QUICK_NS (40 * NS_PER_MS)
#define SLEW_MAX 0.05
#define RATE_STEP_MAX 0.03

/* The sound is moved at once if it is further off. */
#define JUMP_NS (200 * NS_PER_MS)

/* Sound that drifts by more than the first has another rate than announced; a rate beyond the second is invalid. */
#define PACE_SLOPE 0.12
#define PACE_ALIKE 0.35
#define PACE_MAX 8.0

/* The camera's reports on how far apart sound and pictures are count up to this. */
#define APART_MAX_NS (500 * NS_PER_MS)
#define SYNCED_WINDOWS 2

/* Stamps agree with the units if they differ by less than this part of one, or this time. */
#define STAMP_PART 4
#define STAMP_NS (3 * NS_PER_MS)
#define SANE_MAX 16

/* A gap in the stamps does not count if the unit after it would then come so much too early. */
#define EARLY_NS (100 * NS_PER_MS)

/* Without stamps, a pause of that length beyond the unit's own is a gap. */
#define PAUSE_NS (250 * NS_PER_MS)

static void begin_window(struct sound_clock *clock, int64_t now)
{
    clock->window_began = now;
    clock->best = clock->raw_best = clock->synced_best = clock->picture_best = INT64_MIN;
}

static void forget(struct sound_clock *clock)
{
    clock->windows = 0;
    clock->error = clock->last_error = 0;
    clock->slew = 0;
}

void sound_clock_begin(struct sound_clock *clock)
{
    *clock = (struct sound_clock){
        .has_pictures = clock->has_pictures, .pictures = clock->pictures, .stamp = SOUND_CLOCK_UNKNOWN};
    begin_window(clock, 0);
}

void sound_clock_picture(struct sound_clock *clock, int64_t place_ns, int64_t arrival_ns)
{
    int64_t lead = place_ns - arrival_ns;

    if (lead > clock->picture_best) {
        clock->picture_best = lead;
    }
    if (!clock->has_pictures) {
        clock->pictures = clock->picture_best;
        clock->has_pictures = true;
    }
    if (!clock->started) {
        /* There is no window yet: the newest picture counts. */
        clock->pictures = clock->picture_best = lead;
    }
}

bool sound_clock_ready(const struct sound_clock *clock)
{
    return clock->has_pictures;
}

/* Where sound that arrives at ARRIVAL belongs, by its arrival alone. */
static int64_t beside_pictures(const struct sound_clock *clock, int64_t arrival)
{
    return arrival + clock->pictures + clock->apart;
}

static void start(struct sound_clock *clock, const struct sound_clock_unit *unit)
{
    clock->place = beside_pictures(clock, unit->arrival_ns);
    if (unit->synced_ns != SOUND_CLOCK_UNKNOWN && llabs(unit->synced_ns - clock->place) < APART_MAX_NS) {
        clock->place = unit->synced_ns;
    }
    clock->raw = clock->place;
    clock->started = true;
    begin_window(clock, unit->arrival_ns);
}

static bool agrees(int64_t step, int64_t duration)
{
    int64_t tolerance = duration / STAMP_PART > STAMP_NS ? duration / STAMP_PART : STAMP_NS;

    return llabs(step) <= tolerance;
}

/* How much sound is missing before UNIT; negative: it is a little early by its stamp. */
static int64_t gap_before(struct sound_clock *clock, const struct sound_clock_unit *unit)
{
    bool known = unit->stamp_ns != SOUND_CLOCK_UNKNOWN && clock->stamp != SOUND_CLOCK_UNKNOWN;
    int64_t step = known ? unit->stamp_ns - clock->stamp : 0;

    if (known && agrees(step, unit->duration_ns)) {
        clock->sane += clock->sane < SANE_MAX;
        /* Rounding of stamps must not add up. */
        return step;
    }
    int64_t late = beside_pictures(clock, unit->arrival_ns) - clock->place;
    if (known) {
        bool believed = clock->sane >= 0;
        clock->sane -= clock->sane > -SANE_MAX ? 2 : 0;
        if (believed && step > 0 && step < late + EARLY_NS) {
            return step;
        }
    }
    bool paused = unit->arrival_ns - clock->arrival - unit->duration_ns > PAUSE_NS;
    bool told = known && clock->sane >= 0;
    return paused && !told && late > 0 ? late : 0;
}

static void note(struct sound_clock *clock, const struct sound_clock_unit *unit)
{
    int64_t lead = clock->place - unit->arrival_ns;

    if (lead > clock->best) {
        clock->best = lead;
    }
    if (clock->raw - unit->arrival_ns > clock->raw_best) {
        clock->raw_best = clock->raw - unit->arrival_ns;
    }
    if (unit->synced_ns != SOUND_CLOCK_UNKNOWN && unit->synced_ns - unit->arrival_ns > clock->synced_best) {
        clock->synced_best = unit->synced_ns - unit->arrival_ns;
    }
}

static void move(struct sound_clock *clock, int64_t by)
{
    clock->place += by;
    clock->jumps++;
    forget(clock);
}

/*
 * Whether the last windows lie on a line. *slope: that of the sound's lead before any correction, by which its pace
 * differs from that of the pictures.
 */
static bool measure_pace(const struct sound_clock *clock, double *slope)
{
    double least = INFINITY;
    double most = -INFINITY;

    if (clock->count < SOUND_CLOCK_POINTS) {
        return false;
    }
    for (unsigned i = 1; i < SOUND_CLOCK_POINTS; i++) {
        const struct sound_clock_point *from = &clock->points[i - 1];
        double one = (double)(from[1].lead - from->lead) / (double)(from[1].at - from->at);
        least = fmin(least, one);
        most = fmax(most, one);
    }
    const struct sound_clock_point *last = &clock->points[SOUND_CLOCK_POINTS - 1];
    *slope = (double)(last->lead - clock->points[0].lead) / (double)(last->at - clock->points[0].at);
    return most - least < PACE_ALIKE * fmax(PACE_SLOPE, fabs(*slope));
}

/* True: the announced rate is wrong by more than the controller follows, and *rate what it should be. */
static bool is_wrong_rate(const struct sound_clock *clock, double *rate)
{
    double slope;

    if (!measure_pace(clock, &slope) || 1 + slope < 1 / PACE_MAX || 1 + slope > PACE_MAX) {
        return false;
    }
    *rate = 1 / (1 + slope) - 1;
    return fabs(*rate - clock->rate) > PACE_SLOPE;
}

static void add_point(struct sound_clock *clock, int64_t now)
{
    if (clock->count == SOUND_CLOCK_POINTS) {
        memmove(clock->points, clock->points + 1, sizeof(clock->points) - sizeof(clock->points[0]));
        clock->count--;
    }
    clock->points[clock->count++] =
        (struct sound_clock_point){.at = now, .lead = clock->raw_best - clock->pictures};
}

static double bounded(double value, double limit)
{
    return fmin(fmax(value, -limit), limit);
}

/* The error on which two windows agree: one alone may have been held up. */
static int64_t settled_error(const struct sound_clock *clock)
{
    int64_t error = clock->error;
    int64_t last = clock->last_error;

    if ((error > 0) != (last > 0)) {
        return 0;
    }
    return llabs(error) < llabs(last) ? error : last;
}

static void control(struct sound_clock *clock)
{
    int64_t error = clock->windows > 1 ? settled_error(clock) : 0;
    bool quick = clock->windows < QUICK_WINDOWS || llabs(error) > QUICK_NS;
    double seconds = (double)error / NS_PER_SECOND;

    clock->slew = 0;
    if (llabs(error) > JUMP_NS) {
        move(clock, -error);
        return;
    }
    if (llabs(error) <= DEADBAND_NS) {
        return;
    }
    double step = seconds * (quick ? RATE_QUICK : RATE_GENTLE) * WINDOW_NS / NS_PER_SECOND;
    clock->rate -= bounded(step, RATE_STEP_MAX);
    clock->slew = bounded(-seconds * (quick ? SLEW_QUICK : SLEW_GENTLE), SLEW_MAX);
}

/* Takes account of how far apart sound and pictures are by the camera's reports, measured by windows, too. */
static void measure_apart(struct sound_clock *clock)
{
    if (clock->synced_best == INT64_MIN) {
        clock->synced = 0;
        return;
    }
    if (clock->synced >= SYNCED_WINDOWS) {
        return;
    }
    int64_t apart = clock->synced_best - clock->pictures;
    clock->apart = llabs(apart) <= APART_MAX_NS ? apart : 0;
    clock->synced++;
}

static void close_window(struct sound_clock *clock, int64_t now)
{
    if (clock->picture_best > INT64_MIN) {
        clock->pictures = clock->picture_best;
    }
    measure_apart(clock);
    clock->last_error = clock->windows == 0 ? 0 : clock->error;
    clock->error = clock->best - clock->pictures - clock->apart;
    clock->windows++;
    add_point(clock, now);
    double rate;
    if (is_wrong_rate(clock, &rate)) {
        clock->rate = rate;
        move(clock, -clock->error);
    } else {
        control(clock);
    }
    begin_window(clock, now);
}

static void advance(struct sound_clock *clock, const struct sound_clock_unit *unit)
{
    double length = (double)unit->duration_ns * (1 + clock->rate + clock->slew) + clock->part;
    int64_t whole = (int64_t)floor(length);

    clock->part = length - (double)whole;
    clock->place += whole;
    clock->raw += unit->duration_ns;
    clock->stamp =
        unit->stamp_ns == SOUND_CLOCK_UNKNOWN ? SOUND_CLOCK_UNKNOWN : unit->stamp_ns + unit->duration_ns;
    clock->arrival = unit->arrival_ns;
}

int64_t sound_clock_place(struct sound_clock *clock, const struct sound_clock_unit *unit)
{
    if (clock->started) {
        int64_t gap = gap_before(clock, unit);
        clock->place += gap;
        clock->raw += gap;
    } else {
        start(clock, unit);
    }
    if (unit->arrival_ns - clock->window_began >= WINDOW_NS && clock->best > INT64_MIN) {
        close_window(clock, unit->arrival_ns);
    }
    note(clock, unit);
    int64_t place = clock->place;
    advance(clock, unit);
    return place;
}
