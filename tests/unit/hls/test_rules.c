/* SPDX-License-Identifier: MIT */
/* What a client may ask for, and when it is answered (RFC 8216bis, 6.2.5.2 and 6.2.6). */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "hls/stream/rules.h"
#include "tests/unit/hls/media_fixture.h"

#define HOLD 0x1a2b3c4d

static struct request read(const char *name, const char *segment, const char *part, const char *skip)
{
    return request_read(name, &(struct request_query){segment, part, skip});
}

static void names(void **state)
{
    static const struct {
        const char *name;
        enum request_kind kind;
        enum request_stream stream;
        uint64_t number;
    } cases[] = {
        {"index.m3u8", REQUEST_INDEX, REQUEST_MAIN, 0},
        {"main.m3u8", REQUEST_PLAYLIST, REQUEST_MAIN, 0},
        {"sub.m3u8", REQUEST_PLAYLIST, REQUEST_SUB, 0},
        {"main-1a2b3c4d-p7.m4s", REQUEST_PART, REQUEST_MAIN, 7},
        {"sub-1a2b3c4d-s18446744073709551615.m4s", REQUEST_SEGMENT, REQUEST_SUB, UINT64_MAX},
        {"sub-1a2b3c4d-s0.m4s", REQUEST_SEGMENT, REQUEST_SUB, 0},
        {"main-1a2b3c4d-i1.mp4", REQUEST_INIT, REQUEST_MAIN, 1},
    };
    static const char *const none[] = {
        "",
        "main",
        "index.m3u",
        "index.m3u8x",
        "Main.m3u8",
        "sub.m3u8/",
        "main-.m4s",
        "main-1a2b3c4d-p.m4s",
        "main-1a2b3c4d-p07.m4s",
        "main-1a2b3c4d-p-7.m4s",
        "main-1a2b3c4d-p+7.m4s",
        "main-1a2b3c4d-p7.mp4",
        "main-1a2b3c4d-i7.m4s",
        "main-1A2B3C4D-p7.m4s",
        "main-1a2b3c4-p7.m4s",
        "main-1a2b3c4d5-p7.m4s",
        "main-1a2b3c4d-p18446744073709551616.m4s",
        "main-1a2b3c4d-p7.m4s.m4s",
        "../main.m3u8",
        "main-1a2b3c4d-x7.m4s",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct request request = read(cases[i].name, NULL, NULL, NULL);
        assert_int_equal(request.kind, cases[i].kind);
        assert_int_equal(request.stream, cases[i].stream);
        assert_int_equal(request.number, cases[i].number);
        assert_int_equal(request.hold, cases[i].kind >= REQUEST_INIT ? HOLD : 0);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(read(none[i], NULL, NULL, NULL).kind, REQUEST_UNKNOWN);
    }
}

static void directives(void **state)
{
    static const char *const wrong[] = {
        "", "-1", "+1", "1.0", "1 ", " 1", "0x1", "one", "18446744073709551616"};

    (void)state;
    struct request request = read("main.m3u8", "12", "3", "YES");
    assert_int_equal(request.kind, REQUEST_PLAYLIST);
    assert_true(request.blocks && request.names_part && request.skips);
    assert_int_equal(request.segment, 12);
    assert_int_equal(request.part, 3);
    assert_true(read("main.m3u8", NULL, NULL, "v2").skips);
    assert_false(read("main.m3u8", NULL, NULL, "no").skips);
    assert_int_equal(read("main.m3u8", NULL, "3", NULL).kind, REQUEST_BAD);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(read("main.m3u8", wrong[i], NULL, NULL).kind, REQUEST_BAD);
        assert_int_equal(read("main.m3u8", "1", wrong[i], NULL).kind, REQUEST_BAD);
    }
    /* Directives are for media playlists. */
    assert_int_equal(read("index.m3u8", "x", "y", NULL).kind, REQUEST_INDEX);
    assert_int_equal(read("main-1a2b3c4d-p7.m4s", NULL, "1", NULL).kind, REQUEST_PART);
}

/* Segments 7 and 8 with four parts each are complete, 9 has one part; numbers of parts 1 to 9. */
static void begin(struct fixture_camera *camera)
{
    *camera = (struct fixture_camera){.fps = 4, .gop = 1, .random = 1};
    fixture_begin(camera);
    camera->timing.targets.part_ns = NS_PER_SECOND / 2;
    for (int i = 0; i < 18; i++) {
        fixture_step(camera);
    }
    assert_int_equal(TAILQ_LAST(&camera->segmenter.segments, segments)->number, 8);
    assert_int_equal(camera->segmenter.open->part_count, 1);
    assert_int_equal(camera->segmenter.next_part, 10);
}

static enum rules_verdict reload(struct fixture_camera *camera, const char *segment, const char *part)
{
    struct request request = read("main.m3u8", segment, part, NULL);

    assert_int_equal(request.kind, REQUEST_PLAYLIST);
    return rules_judge(&request, &camera->segmenter, HOLD, 0);
}

static void blocking_reload(void **state)
{
    static const struct {
        const char *segment, *part;
        enum rules_verdict verdict;
    } cases[] = {
        {NULL, NULL, RULES_READY},
        {"0", NULL, RULES_READY},
        {"7", NULL, RULES_READY},
        {"8", NULL, RULES_READY},
        {"9", NULL, RULES_WAIT},
        {"10", NULL, RULES_WAIT},
        {"11", NULL, RULES_TOO_FAR}, /* more than two after the last one */
        {"18446744073709551615", NULL, RULES_TOO_FAR},
        {"7", "0", RULES_READY},
        {"7", "900", RULES_READY}, /* the first of segment 8 */
        {"8", "3", RULES_READY},
        {"8", "4", RULES_READY}, /* the first of segment 9 */
        {"8", "18446744073709551615", RULES_READY},
        {"9", "0", RULES_READY},
        {"9", "1", RULES_WAIT},
        {"9", "6", RULES_WAIT},
        {"9", "7", RULES_TOO_FAR}, /* three seconds of parts: six after index 0 */
        {"10", "0", RULES_WAIT},
        {"11", "0", RULES_TOO_FAR},
    };
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (reload(&camera, cases[i].segment, cases[i].part) != cases[i].verdict) {
            fail_msg("_HLS_msn=%s&_HLS_part=%s", cases[i].segment, cases[i].part);
        }
    }
    /* One more picture, one more part; then the segment is complete although its next one has no part yet. */
    fixture_step(&camera);
    assert_int_equal(reload(&camera, "9", "1"), RULES_WAIT);
    fixture_step(&camera);
    assert_int_equal(reload(&camera, "9", "1"), RULES_READY);
    while (camera.segmenter.open->number == 9) {
        assert_int_equal(reload(&camera, "9", NULL), RULES_WAIT);
        fixture_step(&camera);
    }
    assert_int_equal(reload(&camera, "9", NULL), RULES_READY);
    assert_int_equal(reload(&camera, "9", "4"), RULES_WAIT); /* the first of segment 10 */
    fixture_step(&camera);
    assert_int_equal(reload(&camera, "9", "4"), RULES_READY);
    fixture_end(&camera);
}

static void late_is_after_three_target_durations(void **state)
{
    struct request request = read("main.m3u8", "9", "1", NULL);
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    assert_int_equal(rules_judge(&request, &camera.segmenter, HOLD, 5999), RULES_WAIT);
    assert_int_equal(rules_judge(&request, &camera.segmenter, HOLD, 6000), RULES_LATE);
    /* What has come meanwhile is not late. */
    request.part = 0;
    assert_int_equal(rules_judge(&request, &camera.segmenter, HOLD, 6000), RULES_READY);
    /* A stream that has not begun. */
    assert_int_equal(rules_judge(&request, NULL, HOLD, RULES_BEGIN_MS - 1), RULES_WAIT);
    assert_int_equal(rules_judge(&request, NULL, HOLD, RULES_BEGIN_MS), RULES_LATE);
    fixture_end(&camera);
}

static enum rules_verdict ask_for(struct fixture_camera *camera, const char *before, unsigned number,
                                  const char *suffix)
{
    char name[64];

    snprintf(name, sizeof(name), "%s%u%s", before, number, suffix);
    struct request request = read(name, NULL, NULL, NULL);
    return rules_judge(&request, &camera->segmenter, HOLD, 0);
}

static void media_that_is_there(void **state)
{
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-s", 7, ".m4s"), RULES_READY);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-s", 8, ".m4s"), RULES_READY);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-s", 9, ".m4s"), RULES_GONE); /* it is not listed yet */
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-s", 6, ".m4s"), RULES_GONE);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-p", 1, ".m4s"), RULES_READY);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-p", 9, ".m4s"), RULES_READY);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-p", 10, ".m4s"), RULES_WAIT); /* the hint */
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-p", 11, ".m4s"), RULES_GONE);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-p", 0, ".m4s"), RULES_GONE);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-i", 1, ".mp4"), RULES_READY);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-i", 2, ".mp4"), RULES_GONE);
    /* Of another time that the stream was held. */
    assert_int_equal(ask_for(&camera, "main-00000001-p", 9, ".m4s"), RULES_GONE);
    struct request request = read("main-1a2b3c4d-p1.m4s", NULL, NULL, NULL);
    assert_int_equal(rules_judge(&request, NULL, HOLD, 0), RULES_GONE);
    /* A hint holds, whichever segment its part comes to be in. */
    fixture_play(&camera, 3);
    for (unsigned number = 10; number < 14; number++) {
        assert_int_equal(ask_for(&camera, "main-1a2b3c4d-p", number, ".m4s"), RULES_READY);
    }
    /* What has left the list can be had for a while, and then it is gone. */
    fixture_play(&camera, 12);
    assert_true(segmenter_first_listed(&camera.segmenter)->number > 7);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-s", 7, ".m4s"), RULES_READY);
    fixture_play(&camera, 16);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-s", 7, ".m4s"), RULES_GONE);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-p", 1, ".m4s"), RULES_GONE);
    fixture_end(&camera);
}

/* The first init segment goes when the last segment does that needs it. */
static void init_segments_stay_while_they_are_needed(void **state)
{
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    fixture_change(&camera, true, FIXTURE_AAC);
    fixture_play(&camera, 10);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-i", 1, ".mp4"), RULES_READY);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-i", 2, ".mp4"), RULES_READY);
    fixture_play(&camera, 30);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-i", 1, ".mp4"), RULES_GONE);
    assert_int_equal(ask_for(&camera, "main-1a2b3c4d-i", 2, ".mp4"), RULES_READY);
    fixture_end(&camera);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(directives),
        cmocka_unit_test(blocking_reload),
        cmocka_unit_test(late_is_after_three_target_durations),
        cmocka_unit_test(media_that_is_there),
        cmocka_unit_test(init_segments_stay_while_they_are_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
