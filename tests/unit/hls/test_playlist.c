/* SPDX-License-Identifier: MIT */
/* The text of playlists, to the letter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "hls/stream/playlist.h"
#include "tests/unit/hls/media_fixture.h"

static char *media(struct fixture_camera *camera, const struct segmenter *sibling, bool skips)
{
    struct playlist_text made;

    assert_int_equal(playlist_media(&camera->segmenter, sibling, REQUEST_MAIN, 0xAB12, skips, &made), 0);
    assert_int_equal(strlen(made.text), made.length);
    return made.text;
}

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;

    while ((text = strstr(text, part))) {
        text++;
        found++;
    }
    return found;
}

/* 4 pictures a second, a keyframe every second: parts of one picture, segments of two groups. */
static void begin(struct fixture_camera *camera)
{
    *camera = (struct fixture_camera){.fps = 4, .gop = 1, .random = 1};
    fixture_begin(camera);
    camera->timing.targets.part_ns = NS_PER_SECOND / 2;
}

static void a_media_playlist(void **state)
{
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    for (int i = 0; i < 11; i++) {
        fixture_step(&camera);
    }
    char *text = media(&camera, NULL, false);
    assert_string_equal(text, "#EXTM3U\n"
                              "#EXT-X-VERSION:9\n"
                              "#EXT-X-INDEPENDENT-SEGMENTS\n"
                              "#EXT-X-TARGETDURATION:2\n"
                              "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,"
                              "PART-HOLD-BACK=1.50\n"
                              "#EXT-X-PART-INF:PART-TARGET=0.50\n"
                              "#EXT-X-MEDIA-SEQUENCE:7\n"
                              "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
                              "#EXT-X-MAP:URI=\"main-0000ab12-i1.mp4\"\n"
                              "#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:17:10.000Z\n"
                              "#EXT-X-PART:DURATION=0.50000,URI=\"main-0000ab12-p1.m4s\",INDEPENDENT=YES\n"
                              "#EXT-X-PART:DURATION=0.50000,URI=\"main-0000ab12-p2.m4s\"\n"
                              "#EXT-X-PART:DURATION=0.50000,URI=\"main-0000ab12-p3.m4s\",INDEPENDENT=YES\n"
                              "#EXT-X-PART:DURATION=0.50000,URI=\"main-0000ab12-p4.m4s\"\n"
                              "#EXTINF:2.00000,\n"
                              "main-0000ab12-s7.m4s\n"
                              "#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:17:12.000Z\n"
                              "#EXT-X-PART:DURATION=0.50000,URI=\"main-0000ab12-p5.m4s\",INDEPENDENT=YES\n"
                              "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"main-0000ab12-p6.m4s\"\n");
    free(text);
    fixture_end(&camera);
}

/* The parts of the last three target durations; what is older has segments only. */
static void old_parts_are_not_listed(void **state)
{
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    fixture_play(&camera, 40);
    char *text = media(&camera, NULL, false);
    unsigned parts = count(text, "#EXT-X-PART:");
    assert_in_range(parts, 12, 12 + 4 + 4);
    assert_int_equal(count(text, "#EXTINF:"), 8);
    assert_int_equal(count(text, "#EXT-X-MAP:"), 1);
    assert_int_equal(count(text, "#EXT-X-PROGRAM-DATE-TIME:"), 8 + (camera.segmenter.open->part_count > 0));
    free(text);
    fixture_end(&camera);
}

/* A client that puts the skipped segments back has the whole playlist (6.2.5.1). */
static void a_delta_update_leaves_old_segments_out(void **state)
{
    struct fixture_camera camera;
    unsigned skipped = 0;

    (void)state;
    begin(&camera);
    fixture_play(&camera, 41.6);
    char *whole = media(&camera, NULL, false), *delta = media(&camera, NULL, true);
    const char *skip = strstr(delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS=");
    assert_non_null(skip);
    assert_int_equal(sscanf(skip, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%u", &skipped), 1);
    assert_true(skipped > 0);
    assert_int_equal(count(delta, "#EXTINF:") + skipped, count(whole, "#EXTINF:"));
    /* All that is left is twelve seconds and more from the end, and the tail is the same to the letter. */
    const char *tail = strchr(skip, '\n') + 1;
    assert_non_null(strstr(whole, tail));
    assert_string_equal(strstr(whole, tail), tail);
    double left = 0;
    for (const char *at = strstr(tail, "#EXTINF:"); at; at = strstr(at + 1, "#EXTINF:")) {
        left += atof(at + 8);
    }
    left += 0.5 * camera.segmenter.open->part_count;
    assert_true(left > 12);
    assert_true(left <= 12 + 2);
    free(whole);
    free(delta);
    fixture_end(&camera);
}

static void nothing_to_skip_is_the_whole_playlist(void **state)
{
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    fixture_play(&camera, 6);
    char *whole = media(&camera, NULL, false), *delta = media(&camera, NULL, true);
    assert_string_equal(whole, delta);
    free(whole);
    free(delta);
    fixture_end(&camera);
}

static void a_break_has_its_tags(void **state)
{
    struct fixture_camera camera;

    (void)state;
    begin(&camera);
    fixture_play(&camera, 4.4);
    fixture_change(&camera, true, FIXTURE_SILENT);
    fixture_play(&camera, 4.1);
    char *text = media(&camera, NULL, false);
    const char *tags = strstr(text, "#EXT-X-DISCONTINUITY\n"
                                    "#EXT-X-MAP:URI=\"main-0000ab12-i2.mp4\"\n"
                                    "#EXT-X-PROGRAM-DATE-TIME:");
    assert_non_null(tags);
    assert_int_equal(count(text, "#EXT-X-DISCONTINUITY\n"), 1);
    free(text);
    /* When it has left the list its number counts on. */
    fixture_play(&camera, 40);
    text = media(&camera, NULL, false);
    assert_int_equal(count(text, "#EXT-X-DISCONTINUITY\n"), 0);
    assert_non_null(strstr(text, "#EXT-X-DISCONTINUITY-SEQUENCE:1\n"));
    assert_non_null(strstr(text, "#EXT-X-MAP:URI=\"main-0000ab12-i2.mp4\"\n"));
    free(text);
    fixture_end(&camera);
}

/* Each playlist is the last one with lines added at its end and segments taken away at its beginning (6.2.1). */
static void a_playlist_only_grows_at_its_end(void **state)
{
    struct fixture_camera camera;
    char *last = NULL;

    (void)state;
    begin(&camera);
    fixture_play(&camera, 3);
    for (int i = 0; i < 300; i++) {
        if (i == 111) {
            fixture_change(&camera, true, FIXTURE_AAC);
        }
        fixture_step(&camera);
        char *text = media(&camera, NULL, false);
        if (last) {
            /* Line by line from the last line that is in both: the tail of the last playlist without its hint. */
            char *hint = strstr(last, "#EXT-X-PRELOAD-HINT");
            *hint = '\0';
            char *from = strstr(last, "#EXT-X-DISCONTINUITY-SEQUENCE");
            from = strchr(from, '\n') + 1;
            for (char *line = strtok(from, "\n"); line; line = strtok(NULL, "\n")) {
                bool leaves = strstr(line, "#EXT-X-PART:") == line || strstr(text, line) != NULL;
                bool first_segment = line < from + 400; /* the oldest segment may have gone, with its tags */
                assert_true(leaves || first_segment);
            }
            free(last);
        }
        last = text;
    }
    free(last);
    fixture_end(&camera);
}

static void the_other_stream_is_reported(void **state)
{
    struct fixture_camera camera, sub;

    (void)state;
    begin(&camera);
    begin(&sub);
    fixture_play(&camera, 6);
    char *text = media(&camera, &sub.segmenter, false);
    assert_null(strstr(text, "RENDITION-REPORT")); /* it has nothing yet */
    free(text);
    for (int i = 0; i < 11; i++) {
        fixture_step(&sub);
    }
    text = media(&camera, &sub.segmenter, false);
    assert_non_null(strstr(text, "#EXT-X-RENDITION-REPORT:URI=\"sub.m3u8\",LAST-MSN=8,LAST-PART=0\n"));
    free(text);
    fixture_end(&camera);
    fixture_end(&sub);
}

static void a_multivariant_playlist(void **state)
{
    struct fixture_camera camera;
    struct playlist_text made;
    unsigned long peak = 0, average = 0;
    char expected[400];

    (void)state;
    begin(&camera);
    fixture_play(&camera, 20);
    const struct segmenter *const streams[REQUEST_STREAMS] = {&camera.segmenter, NULL};
    assert_int_equal(playlist_index(streams, &made), 0);
    assert_int_equal(
        sscanf(strstr(made.text, "BANDWIDTH="), "BANDWIDTH=%lu,AVERAGE-BANDWIDTH=%lu", &peak, &average), 2);
    assert_true(average > 1000 && peak >= average);
    snprintf(
        expected, sizeof(expected),
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=%lu,AVERAGE-BANDWIDTH=%lu,CODECS=\"avc1.64001F\",RESOLUTION=1920x1080,"
        "FRAME-RATE=4.000,CLOSED-CAPTIONS=NONE\nmain.m3u8\n",
        peak, average);
    assert_string_equal(made.text, expected);
    free(made.text);
    fixture_end(&camera);
}

/* What cannot be played is not named, and FLAC has the name that HLS has for it. */
static void codecs(void **state)
{
    static const struct {
        enum fixture_sound sound;
        const char *given, *expected;
    } cases[] = {{FIXTURE_SILENT, "avc1.64001F", "avc1.64001F"},
                 {FIXTURE_AAC, "avc1.64001F,mp4a.40.2", "avc1.64001F,mp4a.40.2"},
                 {FIXTURE_OPUS, "avc1.64001F,opus", "avc1.64001F"},
                 {FIXTURE_FLAC, "avc1.64001F,flac", "avc1.64001F,fLaC"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture_camera camera;
        struct bytes init = fixture_init(false, cases[i].sound);
        begin(&camera);
        assert_int_equal(
            segmenter_set_init(&camera.segmenter, init.data, init.length, cases[i].given, 1920, 1080), 0);
        assert_string_equal(camera.segmenter.init->codecs, cases[i].expected);
        free(init.data);
        fixture_end(&camera);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_media_playlist),
        cmocka_unit_test(old_parts_are_not_listed),
        cmocka_unit_test(a_delta_update_leaves_old_segments_out),
        cmocka_unit_test(nothing_to_skip_is_the_whole_playlist),
        cmocka_unit_test(a_break_has_its_tags),
        cmocka_unit_test(a_playlist_only_grows_at_its_end),
        cmocka_unit_test(the_other_stream_is_reported),
        cmocka_unit_test(a_multivariant_playlist),
        cmocka_unit_test(codecs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
