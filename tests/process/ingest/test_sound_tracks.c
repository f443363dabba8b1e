/* SPDX-License-Identifier: MIT */
/* A whole worker, and a camera whose sound is not what it announces: which tracks there are, and that pictures go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/ingest/fixture.h"
#include "tests/process/ingest/sound_camera.h"
#include "tests/support/boxes.h"

#define RING_SIZE (1u << 20)
#define FRAGMENT_MAX 65536
#define PICTURES_PER_SECOND 25

struct rig {
    struct sound_camera camera;
    struct fork_server_process fork_server;
    struct worker_process worker;
    ringcast_cursor cursor;
    ringcast_entry last;
    char codecs[RINGCAST_CODECS_SIZE]; /* of the generation that was read last */
    unsigned samples;                  /* of sound, since the last read_pictures() */
};

static void begin(struct rig *rig, enum sound_kind kind)
{
    char url[64];

    memset(rig, 0, sizeof(*rig));
    sound_camera_start(&rig->camera, kind);
    fork_server_start(&rig->fork_server);
    worker_spawn(&rig->fork_server, &rig->worker, RING_SIZE);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%d/x", rig->camera.port);
    worker_send_camera(&rig->worker, url, NULL, NULL);
    worker_seek(&rig->worker, &rig->cursor);
}

static void end(struct rig *rig)
{
    worker_finish(&rig->worker);
    fork_server_stop(&rig->fork_server, NULL);
    sound_camera_stop(&rig->camera);
}

/* Reads COUNT fragments: none is missing, and a generation begins with a keyframe. */
static void read_pictures(struct rig *rig, unsigned count)
{
    static uint8_t fragment[FRAGMENT_MAX];
    struct fragment_track tracks[2];
    ringcast_generation generation;

    rig->samples = 0;
    for (unsigned i = 0; i < count; i++) {
        ringcast_entry before = rig->last;
        worker_read_fragment(&rig->worker, &rig->cursor, fragment, sizeof(fragment), &rig->last);
        assert_true(before.sequence == 0 || rig->last.sequence == before.sequence + 1);
        assert_true(before.sequence == 0 || rig->last.decode_time > before.decode_time);
        if (rig->last.generation != before.generation) {
            assert_true((rig->last.flags & RINGCAST_KEYFRAME) != 0);
            assert_int_equal(
                ringcast_init_segment(rig->worker.reader, rig->last.generation, NULL, 0, &generation), 0);
            snprintf(rig->codecs, sizeof(rig->codecs), "%s", generation.codecs);
        }
        boxes_check_fragment(fragment, rig->last.length, tracks);
        rig->samples += tracks[1].samples;
    }
}

static void read_until_generation(struct rig *rig, uint32_t generation, unsigned most)
{
    for (unsigned i = 0; rig->last.generation < generation; i++) {
        assert_true(i < most);
        read_pictures(rig, 1);
    }
}

/* The `state` messages say what has become of the sound. */
static json_t *wait_audio(struct rig *rig, const char *audio)
{
    return worker_wait_message(&rig->worker, "state", "audio", audio);
}

static void sound_that_never_comes_has_no_track(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, SOUND_CAMERA_NEVER);
    read_pictures(&rig, 3 * PICTURES_PER_SECOND);
    assert_string_equal(rig.codecs, "avc1.42C01E");
    assert_int_equal(rig.last.generation, 1);
    json_decref(wait_audio(&rig, "waiting"));
    end(&rig);
}

/* There is one keyframe: the next one comes because the camera is asked. */
static void sound_that_comes_late_gets_a_track(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, SOUND_CAMERA_LATE);
    read_pictures(&rig, 10);
    assert_string_equal(rig.codecs, "avc1.42C01E");
    read_until_generation(&rig, 2, 4 * PICTURES_PER_SECOND);
    assert_string_equal(rig.codecs, "avc1.42C01E,mp4a.40.2");
    read_pictures(&rig, 2 * PICTURES_PER_SECOND);
    assert_in_range(rig.samples, 80, 110);
    assert_int_equal(rig.last.generation, 2);
    json_decref(wait_audio(&rig, "aac"));
    end(&rig);
}

static void sound_that_ends_loses_its_track(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, SOUND_CAMERA_ENDS);
    read_until_generation(&rig, 1, 1);
    while (!strstr(rig.codecs, "mp4a")) { /* with the first picture, or with the second keyframe */
        read_pictures(&rig, 1);
    }
    uint32_t generation = rig.last.generation;
    read_pictures(&rig, 4 * PICTURES_PER_SECOND);
    assert_int_equal(rig.last.generation, generation);
    assert_in_range(rig.samples, 160, 210); /* silence goes along */
    read_until_generation(&rig, generation + 1, 8 * PICTURES_PER_SECOND);
    assert_string_equal(rig.codecs, "avc1.42C01E");
    read_pictures(&rig, 2 * PICTURES_PER_SECOND);
    assert_int_equal(rig.samples, 0);
    json_t *body = wait_audio(&rig, "ended");
    assert_string_equal(message_string(body, "audio_error", ""), "the camera no longer sends its aac");
    json_decref(body);
    end(&rig);
}

static void sound_that_is_damaged_has_no_track(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, SOUND_CAMERA_DAMAGED);
    json_t *body = wait_audio(&rig, "damaged");
    assert_non_null(strstr(message_string(body, "audio_error", ""), "aac"));
    json_decref(body);
    read_pictures(&rig, 3 * PICTURES_PER_SECOND);
    assert_string_equal(rig.codecs, "avc1.42C01E");
    assert_int_equal(rig.samples, 0);
    end(&rig);
}

static void sound_with_adts_headers_is_heard(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig, SOUND_CAMERA_ADTS);
    json_decref(wait_audio(&rig, "aac"));
    while (!strstr(rig.codecs, "mp4a")) {
        read_pictures(&rig, 1);
    }
    read_pictures(&rig, 2 * PICTURES_PER_SECOND);
    assert_in_range(rig.samples, 80, 110);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_that_never_comes_has_no_track),
        cmocka_unit_test(sound_that_comes_late_gets_a_track),
        cmocka_unit_test(sound_that_ends_loses_its_track),
        cmocka_unit_test(sound_that_is_damaged_has_no_track),
        cmocka_unit_test(sound_with_adts_headers_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
