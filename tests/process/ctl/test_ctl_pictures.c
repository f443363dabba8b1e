/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "ctl/shift_timestamps.h"
#include "tests/process/ctl/ctl_fixture.h"

#define RUN(result, ...)                                                                                     \
    ctl_fixture_run(result, (const char *const[]){__VA_ARGS__, "--socket", "SOCKET", NULL})

#define TIMESCALE 90000
#define TICK 9000 /* ten fragments a second */
#define CAPACITY 65536

/* An init segment with a video track 1 of 90 kHz and an audio track 2 of 48 kHz. */
static uint8_t init[512];
static size_t init_size;

static uint8_t *put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        *at++ = (uint8_t)(value >> (24 - 8 * i));
    }
    return at;
}

static uint8_t *put_head(uint8_t *at, size_t size, const char *type)
{
    at = put32(at, (uint32_t)size);
    memcpy(at, type, 4);
    return at + 4;
}

/* `trak` of version 0: tkhd with 84 bytes, mdia with mdhd of 24. */
static uint8_t *put_track(uint8_t *at, uint32_t id, uint32_t timescale)
{
    at = put_head(at, 8 + 92 + 8 + 32, "trak");
    at = put_head(at, 92, "tkhd");
    memset(at, 0, 84);
    put32(at + 12, id);
    at = put_head(at + 84, 8 + 32, "mdia");
    at = put_head(at, 32, "mdhd");
    memset(at, 0, 24);
    put32(at + 12, timescale);
    return at + 24;
}

static void make_init(void)
{
    uint8_t *at = put_head(init, 16, "ftyp");
    memcpy(at, "iso6\0\0\0\0", 8);
    at = put_head(at + 8, 8 + 2 * 140, "moov");
    at = put_track(at, 1, TIMESCALE);
    at = put_track(at, 2, 48000);
    init_size = (size_t)(at - init);
}

/* `traf` with tfhd and a tfdt of 64 bits. */
static uint8_t *put_traf(uint8_t *at, uint32_t id, uint64_t time)
{
    at = put_head(at, 8 + 16 + 20, "traf");
    at = put_head(at, 16, "tfhd");
    at = put32(put32(at, 0), id);
    at = put_head(at, 20, "tfdt");
    at = put32(at, 0x01000000);
    return put32(put32(at, (uint32_t)(time >> 32)), (uint32_t)time);
}

#define FRAGMENT_SIZE (8 + 2 * 44 + 16)

static void make_fragment(uint8_t fragment[FRAGMENT_SIZE], uint64_t video, uint64_t audio)
{
    uint8_t *at = put_head(fragment, 8 + 2 * 44, "moof");
    at = put_traf(at, 1, video);
    at = put_traf(at, 2, audio);
    memcpy(put_head(at, 16, "mdat"), "pictures", 8);
}

static void a_recording_begins_at_zero_and_stays_in_step(void **state)
{
    uint8_t fragment[FRAGMENT_SIZE], expected[FRAGMENT_SIZE];
    struct shift_timestamps shift;
    uint64_t hours = UINT64_C(1000) * 3600; /* seconds: more than 32 bits of ticks */

    (void)state;
    make_init();
    shift_timestamps_init(&shift, init, init_size);
    make_fragment(fragment, hours * 90000, hours * 48000 + 24000);
    shift_timestamps_fragment(&shift, fragment, sizeof(fragment));
    make_fragment(expected, 0, 24000);
    assert_memory_equal(fragment, expected, sizeof(fragment));
    make_fragment(fragment, hours * 90000 + 9000,
                  hours * 48000 - 5); /* earlier than the origin: not below 0 */
    shift_timestamps_fragment(&shift, fragment, sizeof(fragment));
    make_fragment(expected, 9000, 0);
    assert_memory_equal(fragment, expected, sizeof(fragment));
}

static void what_is_not_well_formed_stays_as_it_is(void **state)
{
    uint8_t fragment[FRAGMENT_SIZE], before[FRAGMENT_SIZE];
    struct shift_timestamps shift;

    (void)state;
    make_init();
    for (size_t size = 0; size < init_size; size++) {
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, init, size);
        shift_timestamps_init(&shift, cut, size);
        assert_true(shift.track_count <= 2);
        free(cut);
    }
    shift_timestamps_init(&shift, init, init_size);
    assert_int_equal(shift.track_count, 2);
    for (size_t size = 0; size < FRAGMENT_SIZE; size++) {
        uint8_t *cut = malloc(size + 1);
        make_fragment(fragment, 5, 6);
        memcpy(cut, fragment, size);
        shift_timestamps_fragment(&shift, cut, size);
        free(cut);
    }
    make_fragment(fragment, 5, 6);
    put32(fragment, 4); /* a box that is shorter than its header */
    memcpy(before, fragment, sizeof(before));
    shift_timestamps_fragment(&shift, fragment, sizeof(fragment));
    assert_memory_equal(fragment, before, sizeof(before));
}

struct camera {
    char name[RING_NAME_SIZE];
    struct ring_descriptors descriptors;
    int wake;
    struct ring_writer *writer;
    uint64_t count;
};

static void open_camera(struct camera *camera)
{
    char instance[32];

    snprintf(instance, sizeof(instance), "unit-ctl-%d", (int)getpid());
    assert_int_equal(ring_name(camera->name, instance, "front"), 0);
    assert_int_equal(ring_create(camera->name, CAPACITY, 0, 1000, &camera->descriptors), 0);
    camera->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(ring_writer_attach(dup(camera->descriptors.writer), camera->wake, &camera->writer), 0);
    make_init();
    struct ring_stream stream = {
        .codecs = "avc1.64001F", .init = init, .init_length = init_size, .timescale = TIMESCALE};
    assert_int_equal(ring_writer_begin_generation(camera->writer, &stream), 0);
}

static void close_camera(struct camera *camera)
{
    ring_retire(camera->descriptors.writer);
    ring_writer_detach(camera->writer);
    close(camera->wake);
    close(camera->descriptors.writer);
    close(camera->descriptors.reader);
    assert_int_equal(ring_unlink(camera->name), 0);
}

static void publish(struct camera *camera, unsigned count)
{
    for (unsigned i = 0; i < count; i++, camera->count++) {
        struct ring_fragment fragment = {
            .flags = i == 0 ? RINGCAST_KEYFRAME : 0,
            .decode_time = (int64_t)(1000 + camera->count) * TICK,
            .duration = TICK,
        };
        uint8_t *place = ring_writer_reserve(camera->writer, FRAGMENT_SIZE);
        assert_non_null(place);
        make_fragment(place, (uint64_t)fragment.decode_time, (uint64_t)fragment.decode_time * 48 / 90);
        assert_int_equal(ring_writer_publish(camera->writer, &fragment), 0);
    }
}

/* The false ringcastd's answer to `want`. */
static const struct ctl_answer *answers_for(const struct camera *camera)
{
    static char text[RING_NAME_SIZE + 64];
    static struct ctl_answer answers[2];

    snprintf(text, sizeof(text), "{\"v\":1,\"type\":\"wanted\",\"ring\":\"%s\",\"state\":\"streaming\"}",
             camera->name);
    answers[0] = (struct ctl_answer){.type = "want", .text = text};
    return answers;
}

static size_t file_size(const char *name)
{
    struct stat status;

    return stat(name, &status) == 0 ? (size_t)status.st_size : 0;
}

/* Fragment NUMBER (from 0) after the init segment in the file NAME is the one whose video begins at TIME. */
static void assert_fragment(const char *name, size_t number, uint64_t time)
{
    uint8_t found[FRAGMENT_SIZE], expected[FRAGMENT_SIZE];
    FILE *file = fopen(name, "rb");

    assert_non_null(file);
    assert_int_equal(fseek(file, (long)(init_size + number * FRAGMENT_SIZE), SEEK_SET), 0);
    assert_int_equal(fread(found, FRAGMENT_SIZE, 1, file), 1);
    fclose(file);
    make_fragment(expected, time, time * 48 / 90);
    assert_memory_equal(found, expected, FRAGMENT_SIZE);
}

static void tap_gives_the_init_segment_and_all_fragments_from_the_newest_keyframe(void **state)
{
    struct camera camera = {0};
    struct ctl_result result;

    (void)state;
    open_camera(&camera);
    publish(&camera, 3);
    publish(&camera, 4);
    ctl_fixture_serve(answers_for(&camera));
    RUN(&result, "tap", "front", "--timeout", "0.3");
    assert_int_equal(result.code, 4);
    assert_string_equal(result.err,
                        "ringcastctl: no picture from front for 0.3 s; \"ringcastctl status\" may say why\n");
    assert_int_equal(file_size("out"), init_size + 4 * FRAGMENT_SIZE);
    assert_memory_equal(result.out, init, init_size);
    assert_fragment("out", 0, 1003 * TICK);
    assert_fragment("out", 3, 1006 * TICK);
    assert_string_equal(ctl_fixture_requests(),
                        "{\"v\":1,\"type\":\"want\",\"camera\":\"front\",\"seconds\":30}\n");
    close_camera(&camera);
}

static void wait_for_size(const char *name, size_t size)
{
    for (int i = 0; i < 2000 && file_size(name) < size; i++) {
        poll(NULL, 0, 10);
    }
    assert_int_equal(file_size(name), size);
}

static void tap_follows_to_another_ring_and_ends_on_a_signal(void **state)
{
    struct camera camera = {0};
    struct ctl_result result;

    (void)state;
    open_camera(&camera);
    ctl_fixture_serve(answers_for(&camera));
    pid_t child = ctl_fixture_start((const char *const[]){"tap", "front", "--socket", "SOCKET", NULL});
    publish(&camera, 2);
    wait_for_size("out", init_size + 2 * FRAGMENT_SIZE);
    close_camera(&camera);
    open_camera(&camera); /* the same init segment: it is not told again */
    publish(&camera, 2);
    wait_for_size("out", init_size + 4 * FRAGMENT_SIZE);
    assert_int_equal(kill(child, SIGINT), 0);
    ctl_fixture_finish(child, &result);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.err, "");
    close_camera(&camera);
}

static void a_recording_is_as_long_as_asked_for(void **state)
{
    struct camera camera = {0};
    struct ctl_result result;

    (void)state;
    open_camera(&camera);
    publish(&camera, 9);
    ctl_fixture_serve(answers_for(&camera));
    RUN(&result, "record", "front", "--seconds", "0.5", "--output", "a.mp4", "--json");
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.out, "\"fragments\": 5"));
    assert_int_equal(file_size("a.mp4"), init_size + 5 * FRAGMENT_SIZE);
    assert_fragment("a.mp4", 0, 0);
    assert_fragment("a.mp4", 4, 4 * TICK);

    RUN(&result, "record", "front", "--seconds", "0.5", "--output", "a.mp4");
    assert_int_equal(result.code, 1);
    assert_string_equal(result.err, "ringcastctl: a.mp4: File exists\n");
    assert_int_equal(file_size("a.mp4"), init_size + 5 * FRAGMENT_SIZE);
    close_camera(&camera);
}

static void another_codec_goes_into_another_file(void **state)
{
    struct camera camera = {0};
    struct ctl_result result;

    (void)state;
    open_camera(&camera);
    publish(&camera, 2);
    ctl_fixture_serve(answers_for(&camera));
    pid_t child = ctl_fixture_start((const char *const[]){"record", "front", "--seconds", "0.4", "--output",
                                                          "b.mp4", "--socket", "SOCKET", NULL});
    wait_for_size("b.mp4", init_size + 2 * FRAGMENT_SIZE);
    struct ring_stream other = {
        .codecs = "hvc1", .init = "another one", .init_length = 11, .timescale = TIMESCALE};
    assert_int_equal(ring_writer_begin_generation(camera.writer, &other), 0);
    publish(&camera, 2);
    ctl_fixture_finish(child, &result);
    assert_int_equal(result.code, 0);
    assert_int_equal(file_size("b.mp4"), init_size + 2 * FRAGMENT_SIZE);
    assert_int_equal(file_size("b-2.mp4"), 11 + 2 * FRAGMENT_SIZE);
    close_camera(&camera);
}

static void a_camera_without_pictures_is_not_waited_for_for_ever(void **state)
{
    struct camera camera = {0};
    struct ctl_result result;

    (void)state;
    open_camera(&camera);
    ctl_fixture_serve(answers_for(&camera));
    RUN(&result, "record", "front", "--timeout", "0.2", "--output", "c.mp4");
    assert_int_equal(result.code, 4);
    assert_int_equal(access("c.mp4", F_OK), -1);
    close_camera(&camera);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ctl_fixture_enter, ctl_fixture_leave)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_begins_at_zero_and_stays_in_step),
        cmocka_unit_test(what_is_not_well_formed_stays_as_it_is),
        TEST(tap_gives_the_init_segment_and_all_fragments_from_the_newest_keyframe),
        TEST(tap_follows_to_another_ring_and_ends_on_a_signal),
        TEST(a_recording_is_as_long_as_asked_for),
        TEST(another_codec_goes_into_another_file),
        TEST(a_camera_without_pictures_is_not_waited_for_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
