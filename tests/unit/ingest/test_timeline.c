/* SPDX-License-Identifier: MIT */
/* Decode times: forward always, whatever the source's clock does. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/publish/audio_track.h"
#include "ingest/publish/timeline.h"

#define MS 1000000LL
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)
#define EPOCH (50 * SECOND)
#define TICKS(ms) (INT64_C(90) * (ms))
#define FRAME INT64_C(40) /* ms */

/* A camera with 25 frames a second: its own clock, and when its frames arrive. */
struct rig {
    struct timeline timeline;
    struct timeline_place place;
    int64_t decode;   /* of the last frame */
    int64_t shown;    /* presentation time of the last frame */
    int64_t duration; /* of the last frame; 0: none */
    int64_t source_ns;
    int64_t arrival_ns;
    int reorder;
    bool keyframe;
};

static void begin(struct rig *rig, int64_t end_ns)
{
    *rig = (struct rig){.source_ns = 123 * SECOND, .arrival_ns = EPOCH + 10 * SECOND, .decode = -1};
    timeline_init(&rig->timeline, EPOCH, end_ns);
}

/* Places a frame with this presentation time; checks what holds for every frame. */
static void place_at(struct rig *rig, int64_t presentation_ns)
{
    struct timeline_frame frame = {.presentation_ns = presentation_ns,
                                   .decode_ns = TIMELINE_UNKNOWN,
                                   .arrival_ns = rig->arrival_ns,
                                   .reorder = rig->reorder,
                                   .keyframe = rig->keyframe};

    timeline_place(&rig->timeline, &frame, &rig->place);
    int64_t step = rig->place.decode_time - rig->decode;
    assert_true(step > 0);
    /* What browsers ask for (Media Source Extensions, coded frame processing, 6). */
    assert_true(rig->duration == 0 || rig->keyframe || step <= 2 * rig->duration);
    assert_true(rig->place.duration >= TICKS(1) && rig->place.duration <= TICKS(1000));
    rig->decode = rig->place.decode_time;
    rig->shown = rig->decode + rig->place.composition_offset;
    rig->duration = rig->place.duration;
}

/* The next frame: SOURCE_MS later on its clock, ARRIVAL_MS later on ours. Returns the step of presentation
 * time. */
static int64_t step(struct rig *rig, int64_t source_ms, int64_t arrival_ms)
{
    int64_t before = rig->shown;

    rig->source_ns += source_ms * MS;
    rig->arrival_ns += arrival_ms * MS;
    place_at(rig, rig->source_ns);
    return rig->shown - before;
}

static void run(struct rig *rig, unsigned frames)
{
    for (unsigned i = 0; i < frames; i++) {
        assert_int_equal(step(rig, FRAME, FRAME), TICKS(FRAME));
    }
    assert_false(rig->place.discontinuity);
}

static void first_frame_is_at_the_clock(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    assert_int_equal(rig.place.decode_time, TICKS(10000));
    assert_false(rig.place.discontinuity);
    run(&rig, 100);
    assert_int_equal(rig.place.duration, TICKS(FRAME));
    assert_int_equal(rig.place.composition_offset, 0);
}

static void next_writer_goes_on_after_the_last(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 12 * SECOND + 1); /* the last one's clock ran fast */
    place_at(&rig, rig.source_ns);
    assert_true(rig.place.decode_time > TICKS(12000));
    assert_true(rig.place.decode_time < TICKS(12001));
    run(&rig, 10);
}

static void exact_over_hours(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    /* 30000/1001 frames a second, as RTP ticks: 3003. */
    for (int64_t i = 0; i < 1000000; i++) {
        rig.arrival_ns = EPOCH + 10 * SECOND + i * 3003 * 100000 / 9;
        place_at(&rig, (i * 3003 * 100000 + 4) / 9);
        assert_int_equal(rig.place.decode_time, TICKS(10000) + i * 3003);
    }
    assert_int_equal(rig.timeline.repairs, 0);
}

static void jump(int64_t source_ms)
{
    struct rig rig;

    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    run(&rig, 50);
    assert_int_equal(step(&rig, source_ms, FRAME), TICKS(FRAME));
    assert_true(rig.place.discontinuity);
    run(&rig, 50);
    assert_int_equal(rig.timeline.repairs, 1);
}

/* Ticks by which the last frame is shown before, or after, it arrived. */
static int64_t lead(const struct rig *rig)
{
    return rig->shown - (rig->arrival_ns - EPOCH) * 9 / 100000;
}

static void jumps_are_repaired(void **state)
{
    (void)state;
    jump(INT64_C(3600) * 1000);
    jump(INT64_C(-3600) * 1000);
    jump(5000);
    jump(INT64_C(1) << 41);
    jump(-(INT64_C(1) << 41));
    jump(-(INT64_C(4294967296) / 90)); /* an RTP clock that wraps */
}

static void pause_is_kept(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    run(&rig, 50);
    assert_int_equal(step(&rig, 10000, 10000), TICKS(10000));
    assert_false(rig.place.discontinuity);
    assert_int_equal(rig.place.duration, TICKS(FRAME)); /* a pause is no rhythm */
    assert_int_equal(rig.place.composition_offset, TICKS(10000 - 76));
    run(&rig, 300);
    assert_int_equal(rig.place.composition_offset, 0); /* caught up */
    assert_int_equal(rig.timeline.repairs, 0);
}

static void burst_after_a_stall_is_no_jump(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    run(&rig, 300);
    assert_int_equal(step(&rig, FRAME, 4000), TICKS(FRAME)); /* the network held it up */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(step(&rig, FRAME, 0), TICKS(FRAME));
    }
    assert_int_equal(step(&rig, 2000, 0), TICKS(2000)); /* and the camera dropped some */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(step(&rig, FRAME, 1), TICKS(FRAME));
    }
    assert_int_equal(rig.timeline.repairs, 0);
}

static void drift_is_no_jump(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    for (int i = 0; i < 200000; i++) {
        rig.arrival_ns -= i % 25 == 0 ? MS : 0; /* 1000 ppm fast */
        int64_t shown = step(&rig, FRAME, FRAME);
        assert_true(shown > TICKS(FRAME) * 99 / 100 && shown < TICKS(FRAME) * 101 / 100);
    }
    assert_true(llabs(lead(&rig)) < TICKS(100)); /* it was slewed away */
    assert_in_range(step(&rig, 900, 300), TICKS(890), TICKS(910));
    assert_int_equal(rig.timeline.repairs, 0);
}

static void new_connection_goes_on_by_the_clock(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    run(&rig, 50);
    timeline_forget_source(&rig.timeline);
    rig.source_ns = 0;
    assert_int_equal(step(&rig, 0, 700), TICKS(700));
    assert_true(rig.place.discontinuity);
    run(&rig, 50);
    assert_int_equal(rig.timeline.repairs, 0);
    timeline_forget_source(&rig.timeline);
    assert_int_equal(step(&rig, -5000, 0), TICKS(FRAME)); /* at once */
}

static void frames_without_a_time(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, TIMELINE_UNKNOWN);
    assert_int_equal(rig.place.decode_time, TICKS(10000));
    assert_int_equal(step(&rig, FRAME, FRAME), TICKS(FRAME));
    assert_false(rig.place.discontinuity);
    run(&rig, 20);
    int64_t before = rig.shown;
    rig.arrival_ns += FRAME * MS;
    rig.source_ns += FRAME * MS;
    place_at(&rig, TIMELINE_UNKNOWN);
    assert_int_equal(rig.shown - before, TICKS(FRAME));
    run(&rig, 20);
    assert_int_equal(rig.timeline.repairs, 0);
}

static void repeated_time_goes_forward(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    run(&rig, 20);
    step(&rig, 0, FRAME);
    step(&rig, FRAME, 0);
    assert_int_equal(rig.timeline.repairs, 0);
}

/* Night: 25 frames a second become 5. */
static void slower_rhythm_is_followed(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    assert_int_equal(rig.place.duration, TICKS(FRAME));
    run(&rig, 50);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(step(&rig, 200, 200), TICKS(200));
    }
    assert_int_equal(rig.place.composition_offset, 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(step(&rig, 200, 200), TICKS(200));
    }
    assert_in_range(rig.place.duration, TICKS(199), TICKS(201));
    run(&rig, 100);
    assert_in_range(rig.place.duration, TICKS(40), TICKS(41));
}

static void keyframe_after_a_long_pause_stands_alone(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    run(&rig, 50);
    rig.keyframe = true;
    step(&rig, 3000, 3000);
    assert_true(rig.place.composition_offset > 0); /* players go on without a hole */
    rig.keyframe = false;
    run(&rig, 100);
    rig.keyframe = true;
    step(&rig, 60000, 60000);
    assert_int_equal(rig.place.composition_offset, 0);
}

static void next_writer_leaves_no_hole(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 9 * SECOND);
    rig.keyframe = true;
    place_at(&rig, rig.source_ns);
    assert_in_range(rig.decode, TICKS(9000), TICKS(9001));
    assert_int_equal(rig.shown, TICKS(10000));
    rig.keyframe = false;
    run(&rig, 50);
    assert_int_equal(rig.place.composition_offset, 0);
    begin(&rig, SECOND); /* too long ago */
    rig.keyframe = true;
    place_at(&rig, rig.source_ns);
    assert_int_equal(rig.decode, TICKS(10000));
}

/* I P B b b: decoding order of presentation order 0 4 2 1 3, as often as there are frames. */
static void reordered_frames(void **state)
{
    static const int order[] = {4, 2, 1, 3};
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    rig.reorder = 2;
    int64_t origin = rig.source_ns;
    place_at(&rig, origin);
    int64_t first = rig.place.decode_time;
    int64_t first_shown = rig.shown;
    for (int i = 0; i < 100; i++) {
        int frame = i / 4 * 4 + order[i % 4];
        rig.arrival_ns += FRAME * MS;
        place_at(&rig, origin + frame * FRAME * MS);
        assert_int_equal(rig.place.decode_time, first + (i + 1) * TICKS(FRAME));
        assert_int_equal(rig.place.decode_time + rig.place.composition_offset,
                         first_shown + frame * TICKS(FRAME));
        assert_true(rig.place.composition_offset >= 0);
    }
    assert_int_equal(rig.timeline.repairs, 0);
    rig.arrival_ns += FRAME * MS;
    place_at(&rig, origin - HOUR);
    assert_true(rig.place.discontinuity);
}

/* The camera pauses between the pictures that a B-frame lies between: it is as far behind the later one. */
static void reordered_across_a_pause(void **state)
{
    static const int order[] = {4, 2, 1, 3};
    struct rig rig;

    (void)state;
    for (int before = 0; before < 4; before++) { /* pictures of the group that are shown before the pause */
        begin(&rig, 0);
        rig.reorder = 2;
        int64_t origin = rig.source_ns;
        place_at(&rig, origin);
        int64_t first_shown = rig.shown;
        for (int i = 0; i < 200; i++) {
            int frame = i / 4 * 4 + order[i % 4];
            bool late = frame > 100 + before;
            rig.arrival_ns += FRAME * MS + (i == 100 ? 3 * SECOND : 0);
            place_at(&rig, origin + frame * FRAME * MS + late * 3 * SECOND);
            assert_int_equal(rig.shown, first_shown + frame * TICKS(FRAME) + late * TICKS(3000));
            assert_false(rig.place.discontinuity);
        }
        assert_int_equal(rig.timeline.repairs, 0);
    }
}

/* The same where the first picture was held up, so that all others have a lead which is not smoothed yet. */
static void reordered_across_a_pause_after_a_late_start(void **state)
{
    static const int order[] = {4, 2, 1, 3};
    struct rig rig;

    (void)state;
    for (int before = 0; before < 4; before++) {
        begin(&rig, 0);
        rig.reorder = 2;
        int64_t origin = rig.source_ns, punctual_ns = rig.arrival_ns;
        rig.arrival_ns += 1600 * MS;
        place_at(&rig, origin);
        int64_t first_shown = rig.shown;
        for (int i = 0; i < 120; i++) {
            int frame = i / 4 * 4 + order[i % 4];
            bool late = frame > 40 + before;
            punctual_ns += FRAME * MS + (i == 40 ? 3 * SECOND : 0);
            rig.arrival_ns = punctual_ns > rig.arrival_ns ? punctual_ns : rig.arrival_ns;
            place_at(&rig, origin + frame * FRAME * MS + late * 3 * SECOND);
            int64_t expected = first_shown + frame * TICKS(FRAME) + late * TICKS(3000);
            assert_true(llabs(rig.shown - expected) < TICKS(150)); /* the lead is slewed away */
            assert_false(rig.place.discontinuity);
        }
        assert_int_equal(rig.timeline.repairs, 0);
    }
}

static void decode_times_of_the_source_are_used(void **state)
{
    struct timeline timeline;
    struct timeline_place place;
    struct timeline_frame frame = {.arrival_ns = EPOCH, .reorder = 2};

    (void)state;
    timeline_init(&timeline, EPOCH, 0);
    for (int i = 0; i < 10; i++) {
        frame.decode_ns = i * FRAME * MS;
        frame.presentation_ns = frame.decode_ns + 80 * MS;
        frame.arrival_ns += FRAME * MS;
        timeline_place(&timeline, &frame, &place);
        assert_int_equal(place.composition_offset, TICKS(80));
    }
}

static void audio_follows_the_video(void **state)
{
    struct rig rig;
    int64_t decode_ns;
    bool exact;

    (void)state;
    begin(&rig, 0);
    assert_false(timeline_map_audio(&rig.timeline, 0, EPOCH, &decode_ns, &exact));
    place_at(&rig, rig.source_ns);
    assert_true(
        timeline_map_audio(&rig.timeline, rig.source_ns + 15 * MS, rig.arrival_ns, &decode_ns, &exact));
    assert_true(exact);
    assert_int_equal(decode_ns, 10 * SECOND + 15 * MS);
    /* Held up with the video for 3 s: where it belongs. */
    assert_true(timeline_map_audio(&rig.timeline, rig.source_ns + 20 * MS, rig.arrival_ns + 3 * SECOND,
                                   &decode_ns, &exact));
    assert_true(exact);
    assert_int_equal(decode_ns, 10 * SECOND + 20 * MS);
    /* On another clock, or without one: by its arrival. */
    assert_true(
        timeline_map_audio(&rig.timeline, rig.source_ns + HOUR, rig.arrival_ns + 9 * MS, &decode_ns, &exact));
    assert_false(exact);
    assert_int_equal(decode_ns, 10 * SECOND + 9 * MS);
    assert_true(timeline_map_audio(&rig.timeline, TIMELINE_UNKNOWN, rig.arrival_ns, &decode_ns, &exact));
    assert_false(exact);
}

static struct audio_track track;

static void put_audio(void)
{
    audio_track_put(&track, (const uint8_t *)"abc", 3, 1024);
}

static void audio_is_contiguous(void **state)
{
    (void)state;
    assert_int_equal(audio_track_configure(&track, 48000), 0);
    put_audio(); /* before the track has begun */
    assert_int_equal(track.count, 0);
    assert_true(audio_track_begin(&track, SECOND));
    put_audio();
    put_audio();
    put_audio();
    assert_int_equal(track.count, 3);
    assert_int_equal(track.first, 48000);
    assert_int_equal(audio_track_end_ns(&track), SECOND + 64 * MS);
    audio_track_clear(&track);
    put_audio();
    assert_int_equal(track.first, 48000 + 3 * 1024);
    assert_true(
        audio_track_begin(&track, 2 * SECOND)); /* the samples before it cannot stand in the same run */
    put_audio();
    assert_int_equal(track.count, 1);
    assert_int_equal(track.first, 96000);
    assert_false(audio_track_begin(&track, SECOND)); /* never back */
    assert_int_equal(track.count, 1);
    audio_track_finish(&track);
}

static void audio_of_another_rate_follows(void **state)
{
    (void)state;
    assert_int_equal(audio_track_configure(&track, 48000), 0);
    assert_true(audio_track_begin(&track, SECOND));
    put_audio();
    assert_int_equal(audio_track_configure(&track, 8000), 0);
    assert_false(audio_track_begin(&track, SECOND));
    put_audio();
    assert_int_equal(track.count, 0);
    assert_true(audio_track_begin(&track, SECOND + 100 * MS));
    put_audio();
    assert_int_equal(track.count, 1);
    assert_int_equal(track.first, 8800);
    assert_int_equal(audio_track_configure(&track, 0), 0);
    put_audio();
    assert_int_equal(track.count, 0);
    audio_track_finish(&track);
}

static void audio_is_bounded(void **state)
{
    static uint8_t big[AUDIO_TRACK_BYTES_MAX];

    (void)state;
    assert_int_equal(audio_track_configure(&track, 48000), 0);
    assert_true(audio_track_begin(&track, SECOND));
    for (unsigned i = 0; i < AUDIO_TRACK_UNITS_MAX + 10; i++) {
        audio_track_put(&track, (const uint8_t *)"abc", 3, 1);
    }
    assert_int_equal(track.count, AUDIO_TRACK_UNITS_MAX);
    audio_track_put(&track, big, sizeof(big), 1);
    assert_int_equal(track.length, 3 * AUDIO_TRACK_UNITS_MAX);
    audio_track_finish(&track);
}

/* What a camera does with its stamps: those of frame I, in ms, and when the frame comes. */
struct habit {
    double (*stamp)(unsigned i, double sent_ms);
    double interval_ms;
    unsigned until; /* frame at which INTERVAL_MS becomes THEN_MS; 0: never */
    double then_ms;
};

/* A number from 0 to 1 that belongs to I. */
static double noise(unsigned i)
{
    return (i * 2654435761u >> 8 & 0xffff) / 65535.0;
}

static double stands_still(unsigned i, double sent_ms)
{
    (void)i;
    (void)sent_ms;
    return 5;
}

static double in_milliseconds(unsigned i, double sent_ms)
{
    (void)sent_ms;
    return i * 40.0 / 90;
}

static double in_ticks_of_8000(unsigned i, double sent_ms)
{
    (void)i;
    return sent_ms * 8 / 90;
}

static double at_25(unsigned i, double sent_ms)
{
    (void)sent_ms;
    return i * 40.0;
}

static double at_100_khz(unsigned i, double sent_ms)
{
    (void)i;
    return sent_ms * 10 / 9;
}

static double at_half(unsigned i, double sent_ms)
{
    (void)i;
    return sent_ms / 2;
}

static double at_twice(unsigned i, double sent_ms)
{
    (void)i;
    return sent_ms * 2;
}

static double three_percent_slow(unsigned i, double sent_ms)
{
    (void)i;
    return sent_ms * 0.97;
}

static double freezes_in_the_middle(unsigned i, double sent_ms)
{
    return i < 500 ? sent_ms : 500 * 40.0;
}

static double freezes_for_a_while(unsigned i, double sent_ms)
{
    return i < 500 || i > 750 ? sent_ms : 500 * 40.0;
}

static double jitters(unsigned i, double sent_ms)
{
    return sent_ms + 100 * noise(i);
}

static double every_fifth_is_early(unsigned i, double sent_ms)
{
    return sent_ms - (i % 5 == 4 ? 50 : 0);
}

static double goes_back_each_second(unsigned i, double sent_ms)
{
    return sent_ms - (i % 50 == 49 ? 100 : 0);
}

static double at_27_mhz(unsigned i, double sent_ms)
{
    (void)i;
    return sent_ms * 300;
}

static double at_random(unsigned i, double sent_ms)
{
    (void)sent_ms;
    return 3600000 * noise(i * 13 + 5);
}

static double as_sent(unsigned i, double sent_ms)
{
    (void)i;
    return sent_ms;
}

/* Plays a minute of HABIT, each frame up to JITTER_MS late; checks the pace over any 20 s from SETTLED_S on. */
static void expect_pace(const struct habit *habit, double jitter_ms, double settled_s)
{
    enum { FRAMES_MAX = 4000 };
    static double came[FRAMES_MAX], shown[FRAMES_MAX];
    struct rig rig;
    unsigned count = 0;
    double sent_ms = 0;
    double last_ms = -1;

    begin(&rig, 0);
    int64_t first = rig.arrival_ns;
    for (unsigned i = 0; sent_ms < 60000 && i < FRAMES_MAX; i++) {
        last_ms = fmax(sent_ms + jitter_ms * noise(i + 77), last_ms); /* the network keeps the order */
        rig.arrival_ns = first + (int64_t)(last_ms * MS);
        place_at(&rig, 7 * HOUR + (int64_t)(habit->stamp(i, sent_ms) * MS));
        came[count] = last_ms / 1000;
        shown[count++] = (double)rig.shown / TIMELINE_RATE;
        sent_ms += habit->until != 0 && i >= habit->until ? habit->then_ms : habit->interval_ms;
    }
    unsigned end = 0;
    for (unsigned i = 0; i < count; i++) {
        while (end < count && came[end] - came[i] < 20) {
            end++;
        }
        if (came[i] < settled_s || end == count) {
            continue;
        }
        double pace = (shown[end] - shown[i]) / (came[end] - came[i]);
        assert_true(pace > 0.98 && pace < 1.02);
    }
    assert_true(llabs(lead(&rig)) < TICKS(1500));
}

static void media_time_keeps_the_pace(void **state)
{
    static const struct habit habits[] = {
        {.stamp = as_sent, .interval_ms = 40},
        {.stamp = as_sent, .interval_ms = 1000},
        {.stamp = stands_still, .interval_ms = 40},
        {.stamp = stands_still, .interval_ms = 66.7},
        {.stamp = in_milliseconds, .interval_ms = 40},
        {.stamp = in_ticks_of_8000, .interval_ms = 40},
        {.stamp = at_25, .interval_ms = 1000.0 / 21},
        {.stamp = at_25, .interval_ms = 1000.0 / 15},
        {.stamp = at_25, .interval_ms = 1000.0 / 30},
        {.stamp = at_100_khz, .interval_ms = 40},
        {.stamp = at_half, .interval_ms = 40},
        {.stamp = at_twice, .interval_ms = 40},
        {.stamp = three_percent_slow, .interval_ms = 40},
        {.stamp = freezes_in_the_middle, .interval_ms = 40},
        {.stamp = freezes_for_a_while, .interval_ms = 40},
        {.stamp = jitters, .interval_ms = 40},
        {.stamp = every_fifth_is_early, .interval_ms = 40},
        {.stamp = goes_back_each_second, .interval_ms = 40},
        {.stamp = at_27_mhz, .interval_ms = 40},
        {.stamp = at_random, .interval_ms = 40},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
        expect_pace(&habits[i], 0, 3);
        expect_pace(&habits[i], 15, 5);
    }
}

/* Stamps that jump with every picture: the arrival gives the time, without its jitter, and without a repair for each of them. */
static void senseless_stamps_are_left_out(void **state)
{
    double (*const habits[])(unsigned, double) = {at_27_mhz, at_random};
    struct rig rig;

    (void)state;
    for (size_t habit = 0; habit < 2; habit++) {
        begin(&rig, 0);
        int64_t first = rig.arrival_ns;
        for (unsigned i = 0; i < 1000; i++) {
            double sent_ms = i * 40;
            int64_t before = rig.shown;
            rig.arrival_ns = first + (int64_t)((sent_ms + 25 * noise(i + 77)) * MS);
            place_at(&rig, 7 * HOUR + (int64_t)(habits[habit](i, sent_ms) * MS));
            if (i > 100) {
                assert_in_range(rig.shown - before, TICKS(FRAME) * 8 / 10, TICKS(FRAME) * 12 / 10);
            }
        }
        assert_true(rig.timeline.repairs < 20);
    }
}

/* The camera stamps 25 a second; at night 15 come. The pace is found again within some seconds. */
static void media_time_keeps_the_pace_at_night(void **state)
{
    static const struct habit dusk = {
        .stamp = at_25, .interval_ms = 40, .until = 500, .then_ms = 1000.0 / 15};
    static const struct habit dawn = {
        .stamp = at_25, .interval_ms = 1000.0 / 15, .until = 300, .then_ms = 40};

    (void)state;
    expect_pace(&dusk, 5, 23);
    expect_pace(&dawn, 5, 23);
}

/* Presentation times of a good camera are its own, whatever the network does. */
static void good_stamps_are_not_touched(void **state)
{
    struct rig rig;
    int64_t held_ms = 0;

    (void)state;
    begin(&rig, 0);
    int64_t first = rig.arrival_ns;
    for (unsigned i = 0; i < 20000; i++) {
        int64_t sent_ms = i * 40;
        /* 20 ms of jitter, a stall of 2 s each minute, with a burst after it. */
        int64_t late_ms = (int64_t)(20 * noise(i));
        held_ms = i % 1500 > 750 && i % 1500 < 800 ? (int64_t)(800 - i % 1500) * 40 : 0;
        rig.arrival_ns = first + (sent_ms + (held_ms > late_ms ? held_ms : late_ms)) * MS;
        int64_t before = rig.shown;
        place_at(&rig, sent_ms * MS);
        if (i > 0) {
            assert_in_range(rig.shown - before, TICKS(FRAME) * 99 / 100, TICKS(FRAME) * 101 / 100);
        }
    }
    assert_int_equal(rig.timeline.repairs, 0);
}

/* Each connection begins with two seconds of pictures at once; many of them lead the clock by no more. */
static void timeline_never_runs_away(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    for (unsigned connection = 0; connection < 1000; connection++) {
        timeline_forget_source(&rig.timeline);
        for (unsigned i = 0; i < 50; i++) {
            step(&rig, FRAME, i == 0 ? 500 : 1);
        }
        for (unsigned i = 0; i < 250; i++) {
            step(&rig, FRAME, FRAME);
        }
    }
    assert_true(llabs(lead(&rig)) < TICKS(60000));
}

static void clock_that_is_set_back_a_little_is_repaired(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, 0);
    place_at(&rig, rig.source_ns);
    run(&rig, 50);
    assert_in_range(step(&rig, -400, FRAME), 1, TICKS(FRAME));
    assert_false(rig.place.discontinuity);
    for (unsigned i = 0; i < 20; i++) {
        assert_in_range(step(&rig, FRAME, FRAME), 1, TICKS(FRAME) * 2);
    }
    assert_int_equal(rig.timeline.repairs, 1);
    assert_true(llabs(lead(&rig)) < TICKS(100));
    run(&rig, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_frame_is_at_the_clock),
        cmocka_unit_test(next_writer_goes_on_after_the_last),
        cmocka_unit_test(exact_over_hours),
        cmocka_unit_test(jumps_are_repaired),
        cmocka_unit_test(pause_is_kept),
        cmocka_unit_test(burst_after_a_stall_is_no_jump),
        cmocka_unit_test(drift_is_no_jump),
        cmocka_unit_test(new_connection_goes_on_by_the_clock),
        cmocka_unit_test(frames_without_a_time),
        cmocka_unit_test(repeated_time_goes_forward),
        cmocka_unit_test(slower_rhythm_is_followed),
        cmocka_unit_test(keyframe_after_a_long_pause_stands_alone),
        cmocka_unit_test(next_writer_leaves_no_hole),
        cmocka_unit_test(reordered_frames),
        cmocka_unit_test(reordered_across_a_pause),
        cmocka_unit_test(reordered_across_a_pause_after_a_late_start),
        cmocka_unit_test(decode_times_of_the_source_are_used),
        cmocka_unit_test(audio_follows_the_video),
        cmocka_unit_test(audio_is_contiguous),
        cmocka_unit_test(audio_of_another_rate_follows),
        cmocka_unit_test(audio_is_bounded),
        cmocka_unit_test(media_time_keeps_the_pace),
        cmocka_unit_test(senseless_stamps_are_left_out),
        cmocka_unit_test(media_time_keeps_the_pace_at_night),
        cmocka_unit_test(good_stamps_are_not_touched),
        cmocka_unit_test(timeline_never_runs_away),
        cmocka_unit_test(clock_that_is_set_back_a_little_is_repaired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
