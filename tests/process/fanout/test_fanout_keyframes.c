/* SPDX-License-Identifier: MIT */
/* Viewers of keyframes only (`?frames=key`), from a real ringcast-fanout. Invariants F1…: docs/design/fanout.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"

#define KEY_PATH "/live/front?frames=key"

/* It gets nothing but keyframes, whenever they come, and the viewer beside it gets everything as it is. */
static void keyframes_come_alone(void **state)
{
    enum { GOPS = 12, GOP = 7 };
    struct client key, whole;
    (void)state;
    publish_gop(GOP);
    publish_gop(4); /* 8 is the newest keyframe */
    watch_camera(&key, &fanout, KEY_PATH, 0);
    expect_init(&key, INIT_A);
    expect_fragment(&key, 8);
    watch_front_from(&whole, 8, 11);
    for (uint64_t gop = 0; gop < GOPS; gop++) {
        publish_gop(GOP);
        expect_fragments(&whole, 12 + gop * GOP, 18 + gop * GOP);
        expect_fragment(&key, 12 + gop * GOP);
    }
    assert_false(client_has_news(&key));
    client_close(&whole, false);
    publish_gop(GOP); /* nobody wants what is between */
    expect_fragment(&key, 12 + GOPS * GOP);
    source_restart(&front);
    source_generation(&front, CODECS, INIT_B);
    publish_gop(GOP);
    expect_init(&key, INIT_B);
    expect_fragment(&key, 12 + (GOPS + 1) * GOP);
    client_close(&key, false);
}

/* A pause and another ring: on with the newest keyframe that it does not have. */
static void a_pause_and_another_ring_are_survived(void **state)
{
    struct client key;
    (void)state;
    publish_gop(5);
    watch_camera(&key, &fanout, KEY_PATH, 0);
    expect_init(&key, INIT_A);
    expect_fragment(&key, 1);
    fanout_wait_viewers(&fanout, "front", 1); /* so that a report of none is one of the pause */
    say(&key, "{\"type\":\"pause\"}");
    fanout_wait_viewers(&fanout, "front", 0);
    publish_gop(5);
    publish_gop(5);
    say(&key, "{\"type\":\"resume\"}");
    expect_fragment(&key, 11);
    source_move(&front, 524288);
    source_generation(&front, CODECS, INIT_A);
    publish_gop(3);
    expect_fragment(&key, 1);
    publish_gop(3);
    expect_fragment(&key, 4);
    client_close(&key, false);
}

/* F2, F4: it is told of keyframes that it misses, and nobody waits for it. */
static void a_slow_one_is_told_what_it_missed(void **state)
{
    enum { FRAGMENTS = 600, GOP = 2 };
    struct client slow, fast;
    uint64_t last = 0;
    unsigned drops = 0;
    struct client_message message;
    bool keyframe;
    (void)state;
    source_publish(&front, LARGE_BYTES, true);
    watch_camera(&slow, &fanout, KEY_PATH, SMALL_BUFFER);
    watch_front_from(&fast, 1, 1);
    publish_large(&fast, 2, FRAGMENTS, GOP);
    expect_init(&slow, INIT_A);
    while (last < FRAGMENTS - 1) {
        next_data(&slow, &message);
        if (message.opcode == CLIENT_TEXT) {
            drops++;
            continue;
        }
        uint64_t number = fragment_number(&message, &keyframe);
        assert_true(keyframe && number > last);
        last = number;
    }
    assert_true(drops >= 1);
    assert_int_equal(last, FRAGMENTS - 1);
    client_close(&slow, false);
    client_close(&fast, false);
}

static void which_frames_is_one_of_two_words(void **state)
{
    static const struct {
        const char *path;
        int status;
    } cases[] = {
        {"/live/front?frames=all", 101},
        {"/live/front?frames=key&stream=main", 101},
        {"/live/front?frames=", 404},
        {"/live/front?frames=keys", 404},
        {"/live/front?stream=sub&frames=key", 404},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client;
        client_open(&client, fanout.port, cases[i].path, "", 0);
        assert_int_equal(client.status, cases[i].status);
        client_close(&client, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keyframes_come_alone, front_set_up_generation, front_tear_down),
        cmocka_unit_test_setup_teardown(a_pause_and_another_ring_are_survived, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_slow_one_is_told_what_it_missed, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(which_frames_is_one_of_two_words, front_set_up_generation,
                                        front_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
