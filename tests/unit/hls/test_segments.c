/* SPDX-License-Identifier: MIT */
/*
 * What cameras of all sorts become: the rules of RFC 8216bis hold for the targets, for parts and segments, and for what is kept.
 */
#include <math.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "tests/unit/hls/media_fixture.h"

/* A duration is rounded to whole seconds before it is compared with the target duration (4.4.3.1). */
static int64_t rounded_s(int64_t ns)
{
    return (ns + NS_PER_SECOND / 2) / NS_PER_SECOND;
}

/* ALONE: short parts are allowed, because the camera has changed its pace. */
static void check_segment(const struct fixture_camera *camera, const struct segment *segment, bool steady)
{
    const struct targets *targets = &camera->timing.targets;
    const struct part *part;
    int64_t total_ns = 0;
    unsigned count = 0;

    assert_in_range(rounded_s(segment->duration_ns), 0, targets->segment_ns / NS_PER_SECOND);
    STAILQ_FOREACH(part, &segment->parts, link) {
        assert_true(part->duration_ns > 0);
        assert_true(part->duration_ns <= targets->part_ns);
        if (steady && STAILQ_NEXT(part, link)) { /* 4.4.4.9: 85 % at least, but for the last one */
            assert_true(part->duration_ns * 100 >= targets->part_ns * 85);
        }
        assert_int_equal(part->independent && count == 0, segment->independent && count == 0);
        total_ns += part->duration_ns;
        count++;
    }
    assert_int_equal(total_ns, segment->duration_ns);
    assert_int_equal(count, segment->part_count);
}

static void check_all(const struct fixture_camera *camera, bool steady, bool keyframes)
{
    const struct segmenter *segmenter = &camera->segmenter;
    const struct segment *segment, *next;
    size_t bytes = segmenter->open ? segmenter->open->bytes : 0;

    assert_true(segmenter->timing->targets.part_ns <= segmenter->timing->targets.segment_ns);
    TAILQ_FOREACH(segment, &segmenter->segments, link) {
        check_segment(camera, segment, steady);
        assert_true(segment->independent || !keyframes);
        bytes += segment->bytes;
        next = TAILQ_NEXT(segment, link);
        next = next ? next : segmenter->open;
        if (next) {
            assert_int_equal(next->number, segment->number + 1);
            assert_int_equal(next->breaks_before, segment->breaks_before + segment->breaks);
            if (next->breaks == 0) {
                assert_int_equal(next->start_ns, segment->start_ns + segment->duration_ns);
            }
            assert_int_equal(STAILQ_FIRST(&segment->parts)->number + segment->part_count,
                             STAILQ_EMPTY(&next->parts) ? segmenter->next_part
                                                        : STAILQ_FIRST(&next->parts)->number);
        }
    }
    assert_int_equal(bytes, segmenter->bytes);
}

/* Whatever the camera, for two minutes. */
static void expect_rules(double fps, double gop, double jitter, bool keyframes)
{
    struct fixture_camera camera = {.fps = fps, .gop = gop, .jitter = jitter, .random = 1};

    fixture_begin(&camera);
    fixture_play(&camera, 120);
    check_all(&camera, jitter == 0, keyframes);
    /* What is listed is three target durations at least (6.2.2), and no more than the window and a segment. */
    const struct segment *first = segmenter_first_listed(&camera.segmenter), *segment;
    const struct targets *targets = &camera.timing.targets;
    int64_t listed_ns = 0;
    for (segment = first; segment; segment = TAILQ_NEXT(segment, link)) {
        listed_ns += segment->duration_ns;
    }
    assert_true(listed_ns >= 3 * targets->segment_ns);
    assert_true(listed_ns >= targets_window_ns(targets));
    assert_true(listed_ns < targets_window_ns(targets) + targets->segment_ns + NS_PER_SECOND);
    assert_true(camera.segmenter.held_ns < targets_keep_ns(targets) + 3 * targets->segment_ns);
    fixture_end(&camera);
}

static void cameras_of_all_sorts(void **state)
{
    static const double rates[] = {60, 50, 30, 25, 24, 20, 18, 15, 12.5, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1, 0.5};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (double gop = 0.5; gop <= 12; gop *= 1.5) {
            double whole = ceil(gop * rates[i]) / rates[i];
            expect_rules(rates[i], whole, 0, whole <= 12);
        }
    }
}

static void pictures_that_do_not_come_evenly(void **state)
{
    (void)state;
    expect_rules(25, 2, 0.3, true);
    expect_rules(5, 4, 0.2, true);
    expect_rules(15, 10, 0.5, true);
}

static void groups_of_pictures_that_are_too_long(void **state)
{
    (void)state;
    expect_rules(25, 13, 0, false);
    expect_rules(5, 30, 0, false);
    expect_rules(10, 250, 0, false);
}

static void expect_targets(double fps, double gop, int64_t segment_s, double part_s)
{
    struct survey survey = {.gop_ns = (int64_t)(gop * 1e9), .steps_ns = (int64_t)(1e9 / fps), .steps = 1};
    const struct survey *surveys[] = {&survey};
    struct targets targets = targets_choose(surveys, 1);

    assert_int_equal(targets.segment_ns, segment_s * NS_PER_SECOND);
    assert_in_range(targets.part_ns, (int64_t)((part_s - 0.001) * 1e9), (int64_t)((part_s + 0.001) * 1e9));
    assert_true(targets_part_hold_back_ns(&targets) >= 3 * targets.part_ns);
    assert_true(targets_hold_back_ns(&targets) >= 3 * targets.segment_ns);
    assert_true(targets_skip_until_ns(&targets) >= 6 * targets.segment_ns);
}

static void targets(void **state)
{
    (void)state;
    expect_targets(25, 1, 2, 0.34);
    expect_targets(25, 2, 2, 0.34);
    expect_targets(25, 2.04, 3, 0.34);
    expect_targets(30, 4, 4, 0.33);
    expect_targets(5, 10, 10, 0.42);
    expect_targets(10, 12, 12, 0.33);
    expect_targets(1, 4, 4, 1.05);
    expect_targets(25, 60, 6, 0.34);
    expect_targets(25, 0, 6, 0.34); /* not known */
}

/* Both streams of a camera have one target duration (6.2.4), in which the pictures of both fit. */
static void two_streams_share_their_targets(void **state)
{
    struct survey main = {.gop_ns = 2 * NS_PER_SECOND, .steps_ns = NS_PER_SECOND / 25, .steps = 1};
    struct survey sub = {.gop_ns = 5 * NS_PER_SECOND, .steps_ns = NS_PER_SECOND / 8, .steps = 1};
    const struct survey *surveys[] = {&main, &sub};
    struct targets both = targets_choose(surveys, 2);

    (void)state;
    assert_int_equal(both.segment_ns, 5 * NS_PER_SECOND);
    for (int64_t step = NS_PER_SECOND / 25; step <= NS_PER_SECOND / 8;
         step += NS_PER_SECOND / 8 - NS_PER_SECOND / 25) {
        int64_t fits = both.part_ns / step * step;
        assert_true(fits * 100 >= both.part_ns * 85);
    }
}

static void new_parameters_are_a_break(void **state)
{
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 11);
    fixture_change(&camera, true, FIXTURE_AAC);
    fixture_play(&camera, 6);
    check_all(&camera, true, true);
    const struct segment *segment;
    unsigned breaks = 0;
    TAILQ_FOREACH(segment, &camera.segmenter.segments, link) {
        if (segment->breaks > 0) {
            breaks += segment->breaks;
            assert_int_equal(segment->init->number, 2);
            assert_int_equal(segment->init->facts.audio_format, 0x6D703461);
            assert_int_equal(TAILQ_PREV(segment, segments, link)->init->number, 1);
            assert_in_range(segment->start_ns, 1041 * NS_PER_SECOND - 1000000,
                            1041 * NS_PER_SECOND + 200000000);
        }
    }
    assert_int_equal(breaks, 1);
    /* The same parameters once more are nothing new. */
    fixture_change(&camera, true, FIXTURE_AAC);
    fixture_play(&camera, 6);
    assert_int_equal(camera.segmenter.breaks, 1);
    fixture_end(&camera);
}

/* Pictures that come late do not move the dates, and a clock that runs differently does. */
static void dates_go_on_evenly(void **state)
{
    static struct chunk chunk;
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1};
    const struct segment *segment;

    (void)state;
    fixture_begin(&camera);
    for (int i = 0; i < 25 * 60; i++) {
        const struct fixture_picture made = {
            .time = 90000000 + i * 3600, .duration = 3600, .keyframe = i % 50 == 0};
        struct bytes fragment = fixture_fragment(&made);
        assert_int_equal(chunk_parse(fragment.data, fragment.length, 1, 0, &chunk), 0);
        int64_t time_ns = 1000 * NS_PER_SECOND + i * (NS_PER_SECOND / 25);
        int64_t late_ns = i % 7 == 0 ? 0 : i % 100 * (NS_PER_SECOND / 100); /* up to a second */
        int64_t drift_ns = i * (NS_PER_SECOND / 25 / 1000);                 /* a thousandth */
        const struct picture picture = {.chunk = &chunk,
                                        .start_ns = time_ns,
                                        .duration_ns = NS_PER_SECOND / 25,
                                        .shown_ns = time_ns,
                                        .wall_ns = 1800000000 * NS_PER_SECOND + time_ns + late_ns + drift_ns,
                                        .keyframe = made.keyframe};
        assert_int_equal(segmenter_add(&camera.segmenter, &picture), 0);
        free(fragment.data);
    }
    TAILQ_FOREACH(segment, &camera.segmenter.segments, link) {
        const struct segment *next = TAILQ_NEXT(segment, link);
        if (next) {
            assert_in_range(next->wall_ns - segment->wall_ns, 1985000000, 2015000000);
        }
    }
    segment = TAILQ_LAST(&camera.segmenter.segments, segments);
    int64_t apart_ns = segment->wall_ns - segment->start_ns - 1800000000 * NS_PER_SECOND;
    assert_in_range(apart_ns, 30000000, 90000000); /* 58 ms of drift by then */
    fixture_end(&camera);
}

/* A client that comes later is not to see a change that was before it. */
static void the_past_can_be_forgotten(void **state)
{
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 11.1);
    fixture_change(&camera, true, FIXTURE_AAC);
    segmenter_forget_past(&camera.segmenter);
    assert_int_equal(camera.segmenter.bytes, 0);
    assert_int_equal(camera.segmenter.held_ns, 0);
    assert_null(segmenter_first_listed(&camera.segmenter));
    fixture_play(&camera, 5);
    check_all(&camera, true, true);
    const struct segment *first = segmenter_first_listed(&camera.segmenter);
    assert_int_equal(first->number, 7);
    assert_int_equal(first->breaks, 0);
    assert_int_equal(first->init->number, 2);
    fixture_end(&camera);
}

/* The camera is away for some time: no segment has the hole in it, and what was listed stays. */
static void time_that_jumps_is_a_break(void **state)
{
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 21.5);
    uint64_t first = segmenter_first_listed(&camera.segmenter)->number;
    camera.now += 60;
    camera.next_key = camera.now + 0.4; /* what comes before its keyframe cannot be used */
    fixture_play(&camera, 5);
    check_all(&camera, true, true);
    assert_int_equal(camera.segmenter.breaks, 1);
    const struct segment *last = TAILQ_LAST(&camera.segmenter.segments, segments);
    assert_in_range(last->start_ns, 1111 * NS_PER_SECOND, 1114 * NS_PER_SECOND);
    assert_true(segmenter_first_listed(&camera.segmenter)->number <= first + 3);
    fixture_end(&camera);
}

/* The sound that was on its way when the camera went away comes with its next picture; it belongs to nothing. */
static void old_sound_is_left_out(void **state)
{
    static struct chunk chunk;
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1, .sound = FIXTURE_AAC};

    (void)state;
    fixture_begin(&camera);
    for (int i = 0; i < 3; i++) {
        int64_t now_s = i == 0 ? 1000 : 1050 + 10 * i;
        const struct fixture_picture made = {.time = now_s * 90000,
                                             .duration = 3600,
                                             .keyframe = true,
                                             .units = 2,
                                             .sound_time = (i == 1 ? now_s - 1 : now_s) * FIXTURE_AUDIO_RATE};
        struct bytes fragment = fixture_fragment(&made);
        assert_int_equal(chunk_parse(fragment.data, fragment.length, 1, 2, &chunk), 0);
        const struct picture picture = {.chunk = &chunk,
                                        .start_ns = now_s * NS_PER_SECOND,
                                        .duration_ns = NS_PER_SECOND / 25,
                                        .keyframe = true};
        assert_int_equal(segmenter_add(&camera.segmenter, &picture), 0);
        assert_int_equal(chunk.audio.count, i == 1 ? 0 : 2);
        free(fragment.data);
    }
    assert_int_equal(camera.segmenter.breaks, 2);
    fixture_end(&camera);
}

/* The other stream had a break: this one has one, too, at its next segment, so that their numbers match (6.2.4). */
static void a_break_of_the_other_stream_is_matched(void **state)
{
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 9);
    camera.timing.breaks += 2;
    fixture_play(&camera, 9);
    check_all(&camera, true, true);
    assert_int_equal(camera.segmenter.breaks, 2);
    camera.timing.breaks += 1;
    fixture_play(&camera, 1);
    camera.now += 10; /* its own break is the one that it still lacks */
    fixture_play(&camera, 9);
    assert_int_equal(camera.segmenter.breaks, 3);
    assert_int_equal(camera.timing.breaks, 3);
    fixture_end(&camera);
}

static void a_camera_that_gets_slower(void **state)
{
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 10);
    camera.fps = 2;
    fixture_play(&camera, 40);
    check_all(&camera, false, true);
    assert_true(camera.timing.targets.part_ns >= NS_PER_SECOND / 2);
    assert_int_equal(camera.segmenter.breaks, 0);
    fixture_end(&camera);
}

static void groups_that_become_longer(void **state)
{
    struct fixture_camera camera = {.fps = 10, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 10);
    assert_true(camera.segmenter.all_independent);
    camera.gop = 20;
    fixture_play(&camera, 60);
    check_all(&camera, true, false);
    assert_false(camera.segmenter.all_independent);
    fixture_end(&camera);
}

/* 64 MiB are more than any camera sends in the window; so the pictures are few here, and large. */
static void memory_has_a_bound(void **state)
{
    struct fixture_camera camera = {.fps = 25, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 30);
    size_t before = camera.segmenter.bytes;
    fixture_play(&camera, 120);
    assert_in_range(camera.segmenter.bytes, before * 3 / 4, before * 5 / 4);
    camera.segmenter.bytes += SEGMENTER_BYTES_MAX; /* as if the segments were that large */
    fixture_play(&camera, 2.1);
    assert_ptr_equal(TAILQ_FIRST(&camera.segmenter.segments),
                     TAILQ_LAST(&camera.segmenter.segments, segments));
    fixture_end(&camera);
}

static void rates_are_measured(void **state)
{
    struct fixture_camera camera = {.fps = 20, .gop = 2, .random = 1};

    (void)state;
    fixture_begin(&camera);
    fixture_play(&camera, 21);
    struct segmenter_rates rates = segmenter_rates(&camera.segmenter);
    assert_in_range((int)(rates.pictures * 1000), 19999, 20001);
    /* 20 pictures of 105 bytes a second, and boxes of some hundred bytes for each part. */
    assert_in_range(rates.average, 20 * 105 * 8, 20 * 105 * 8 * 2);
    assert_in_range(rates.peak, rates.average, rates.average * 11 / 10);
    fixture_end(&camera);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cameras_of_all_sorts),
        cmocka_unit_test(pictures_that_do_not_come_evenly),
        cmocka_unit_test(groups_of_pictures_that_are_too_long),
        cmocka_unit_test(targets),
        cmocka_unit_test(two_streams_share_their_targets),
        cmocka_unit_test(new_parameters_are_a_break),
        cmocka_unit_test(dates_go_on_evenly),
        cmocka_unit_test(the_past_can_be_forgotten),
        cmocka_unit_test(time_that_jumps_is_a_break),
        cmocka_unit_test(old_sound_is_left_out),
        cmocka_unit_test(a_break_of_the_other_stream_is_matched),
        cmocka_unit_test(a_camera_that_gets_slower),
        cmocka_unit_test(groups_that_become_longer),
        cmocka_unit_test(memory_has_a_bound),
        cmocka_unit_test(rates_are_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
