/* SPDX-License-Identifier: MIT */
#include "hls/stream/targets.h"

#include "common/base/clock.h"

#define HUNDREDTH_NS (NS_PER_SECOND / 100)

/*
 * Parts are about a third of a second: three of them are what a client stays behind (PART-HOLD-BACK), and each costs every client two
 * requests. The step is that of the search for a length in which whole pictures fit.
 */
#define PART_MIN_NS (33 * HUNDREDTH_NS)
#define PART_MAX_NS (2 * NS_PER_SECOND)

/* Longest window; a longer target duration has one of four target durations, of which RFC 8216bis, 6.2.2, asks three. */
#define WINDOW_LONG_NS (32 * NS_PER_SECOND)

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * Whether parts of pictures that are STEP_NS apart keep the rule of 4.4.4.9: at most the target, and at least 85 % of it. A twentieth is
 * left for steps that are not quite even.
 */
static bool fits(int64_t target_ns, int64_t step_ns)
{
    int64_t pictures = target_ns * 20 / (step_ns * 21);

    return pictures > 0 && pictures * step_ns * 100 >= target_ns * 88;
}

static bool fits_all(int64_t target_ns, const struct survey *const *streams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t step_ns = survey_step_ns(streams[i]);
        if (step_ns > 0 && !fits(target_ns, step_ns)) {
            return false;
        }
    }
    return true;
}

static int64_t choose_part(const struct survey *const *streams, size_t count)
{
    int64_t slowest_ns = 0;

    for (int64_t target_ns = PART_MIN_NS; target_ns <= PART_MAX_NS; target_ns += HUNDREDTH_NS) {
        if (fits_all(target_ns, streams, count)) {
            return target_ns;
        }
    }
    for (size_t i = 0; i < count; i++) {
        slowest_ns = larger(slowest_ns, survey_step_ns(streams[i]));
    }
    return targets_raise_part(PART_MIN_NS, slowest_ns);
}

struct targets targets_choose(const struct survey *const *streams, size_t count)
{
    struct targets targets = {.segment_ns = TARGET_SECONDS_MIN * NS_PER_SECOND, .keyframes = true};

    for (size_t i = 0; i < count; i++) {
        int64_t gop_ns = streams[i]->gop_ns;
        if (gop_ns == 0 || gop_ns > SURVEY_GOP_MAX_NS) {
            targets.keyframes = false;
        } else {
            int64_t whole_ns = (gop_ns + NS_PER_SECOND - 1) / NS_PER_SECOND * NS_PER_SECOND;
            targets.segment_ns = larger(targets.segment_ns, whole_ns);
        }
    }
    if (!targets.keyframes) {
        targets.segment_ns = larger(targets.segment_ns, TARGET_SECONDS_LONG * NS_PER_SECOND);
    }
    targets.part_ns = choose_part(streams, count);
    /* One picture in many seconds: a segment has at least that one. */
    targets.segment_ns =
        larger(targets.segment_ns, (targets.part_ns + NS_PER_SECOND - 1) / NS_PER_SECOND * NS_PER_SECOND);
    return targets;
}

int64_t targets_raise_part(int64_t target_ns, int64_t part_ns)
{
    if (part_ns <= target_ns) {
        return target_ns;
    }
    return (part_ns + part_ns / 10 + HUNDREDTH_NS - 1) / HUNDREDTH_NS * HUNDREDTH_NS;
}

int64_t targets_hold_back_ns(const struct targets *targets)
{
    return 3 * targets->segment_ns;
}

int64_t targets_part_hold_back_ns(const struct targets *targets)
{
    return 3 * targets->part_ns;
}

int64_t targets_skip_until_ns(const struct targets *targets)
{
    return 6 * targets->segment_ns;
}

int64_t targets_window_ns(const struct targets *targets)
{
    return 8 * targets->segment_ns <= WINDOW_LONG_NS ? 8 * targets->segment_ns
                                                     : larger(4 * targets->segment_ns, WINDOW_LONG_NS);
}

/* A part can be had for three target durations after it was listed, which it is for three (6.2.2); a segment as long as it was listed. */
int64_t targets_keep_ns(const struct targets *targets)
{
    return larger(targets_window_ns(targets), 6 * targets->segment_ns) + 2 * targets->segment_ns;
}

bool targets_can_skip(const struct targets *targets)
{
    return targets_window_ns(targets) > targets_skip_until_ns(targets);
}
