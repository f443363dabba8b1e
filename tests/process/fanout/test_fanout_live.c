/* SPDX-License-Identifier: MIT */
/* What viewers of a camera receive, from a real ringcast-fanout. Invariants F1…: docs/design/fanout.md. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"

static void join_begins_with_the_newest_keyframe(void **state)
{
    (void)state;
    struct client client;
    publish_gop(10);
    publish_gop(4); /* 11 is the newest keyframe */
    watch_front(&client, 0);
    json_t *init = expect_text(&client, "init");
    assert_string_equal(json_string_value(json_object_get(init, "codecs")), CODECS);
    assert_string_equal(json_string_value(json_object_get(init, "mime")), "video/mp4; codecs=\"" CODECS "\"");
    assert_int_equal(json_integer_value(json_object_get(init, "width")), 640);
    assert_int_equal(json_integer_value(json_object_get(init, "height")), 360);
    assert_int_equal(json_integer_value(json_object_get(init, "generation")), 1);
    json_decref(init);
    struct client_message message;
    assert_true(client_next(&client, &message));
    assert_memory_equal(message.payload, INIT_A, strlen(INIT_A));
    expect_fragments(&client, 11, 14);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragment(&client, 15);
    client_close(&client, false);
}

static void an_early_viewer_waits_for_the_camera(void **state)
{
    (void)state;
    struct client client;
    watch_front(&client, 0);
    source_generation(&front, CODECS, INIT_A);
    publish_gop(3);
    expect_init(&client, INIT_A);
    expect_fragments(&client, 1, 3);
    client_close(&client, false);
}

/* F2: every viewer gets every fragment, once and in order, whenever it joined. */
static void viewers_get_everything_in_order(void **state)
{
    (void)state;
    enum { VIEWERS = 6, FRAGMENTS = 300, GOP = 10 };
    struct client clients[VIEWERS];
    uint64_t expected[VIEWERS] = {0};
    source_publish(&front, FRAGMENT_BYTES, true);
    int joined = 0;
    for (int i = 1; i < FRAGMENTS; i++) {
        if (i % 50 == 1 && joined < VIEWERS) {
            watch_front(&clients[joined], 0);
            expect_init(&clients[joined], INIT_A);
            expected[joined++] = (front.published - 1) / GOP * GOP + 1;
        }
        source_publish(&front, FRAGMENT_BYTES + (size_t)i, i % GOP == 0);
        for (int v = 0; v < joined; v++) {
            while (expected[v] <= front.published) {
                expect_fragment(&clients[v], expected[v]++);
            }
        }
    }
    for (int v = 0; v < joined; v++) {
        client_close(&clients[v], v % 2);
    }
}

/* F3, F4: a viewer that does not read costs the others nothing, and goes on at a keyframe. */
static void a_slow_viewer_is_moved_to_a_keyframe(void **state)
{
    (void)state;
    enum { FRAGMENTS = 600, GOP = 5 };
    struct client slow, fast;
    source_publish(&front, LARGE_BYTES, true);
    watch_front(&slow, SMALL_BUFFER);
    watch_front_from(&fast, 1, 1);
    publish_large(&fast, 2, FRAGMENTS, GOP);
    assert_true(read_with_drops(&slow, FRAGMENTS).drops >= 1);
    source_publish(&front, LARGE_BYTES, false);
    expect_fragment(&slow, FRAGMENTS + 1);
    expect_fragment(&fast, FRAGMENTS + 1);
    client_close(&slow, false);
    client_close(&fast, false);
}

static void a_slow_viewer_may_leave_while_behind(void **state)
{
    (void)state;
    enum { FRAGMENTS = 200, GOP = 5 };
    struct client slow[3], fast;
    source_publish(&front, LARGE_BYTES, true);
    for (int i = 0; i < 3; i++) {
        watch_front(&slow[i], SMALL_BUFFER);
    }
    watch_front_from(&fast, 1, 1);
    publish_large(&fast, 2, FRAGMENTS / 2, GOP);
    client_close(&slow[0], true);
    client_close(&slow[1], false);
    publish_large(&fast, FRAGMENTS / 2 + 1, FRAGMENTS, GOP);
    client_close(&slow[2], true);
    client_close(&fast, true);
    fanout_wait_viewers(&fanout, "front", 0);
}

static void a_new_generation_sends_init_only_if_it_differs(void **state)
{
    (void)state;
    struct client client;
    publish_gop(2);
    watch_front_from(&client, 1, 2);
    source_restart(&front);
    source_generation(&front, CODECS, INIT_A);
    publish_gop(2);
    expect_fragment(&client, 3);
    expect_fragment(&client, 4);
    source_restart(&front);
    source_generation(&front, CODECS, INIT_B);
    publish_gop(1);
    expect_init(&client, INIT_B);
    expect_fragment(&client, 5);
    source_generation(&front, CODECS ",mp4a.40.2", INIT_B);
    publish_gop(1);
    expect_init(&client, INIT_B);
    expect_fragment(&client, 6);
    client_close(&client, false);
}

static void a_viewer_stays_when_its_ring_is_replaced(void **state)
{
    (void)state;
    struct client client;
    publish_gop(2);
    watch_front_from(&client, 1, 2);
    source_move(&front, 524288);
    source_generation(&front, CODECS, INIT_A);
    publish_gop(2);
    expect_fragment(&client, 1);
    expect_fragment(&client, 2);
    client_close(&client, false);
}

/* A camera gets a ring of another size: neither a viewer that keeps up nor one that does not sees it. */
static void nobody_misses_anything_when_the_ring_grows(void **state)
{
    (void)state;
    enum { BEFORE = 150, AFTER = 40, OLD_RING = 4 << 20, NEW_RING = 8 << 20 };
    struct client fast, slow;
    struct source old;
    source_move(&front, OLD_RING);
    source_generation(&front, CODECS, INIT_A);
    source_publish(&front, LARGE_BYTES, true);
    watch_front_from(&fast, 1, 1);
    watch_front(&slow, SMALL_BUFFER);
    publish_large(&fast, 2, BEFORE, 10);
    source_grow(&front, NEW_RING, CODECS, INIT_A, &old);
    for (uint64_t number = BEFORE + 1; number <= BEFORE + AFTER; number++) {
        source_publish(&front, LARGE_BYTES, number % 10 == 1);
        if (number == BEFORE + 3) {
            source_tell_ring(&front, &old);
        }
    }
    expect_fragments(&fast, BEFORE + 1, BEFORE + AFTER);
    assert_int_equal(read_with_drops(&slow, BEFORE + AFTER).drops, 0);
    source_publish(&front, LARGE_BYTES, false);
    expect_fragment(&slow, BEFORE + AFTER + 1);
    expect_fragment(&fast, BEFORE + AFTER + 1);
    client_close(&slow, false);
    client_close(&fast, false);
}

/* Only one old ring is kept. A viewer that still reads it is moved to a keyframe and told. */
static void a_laggard_of_two_rings_ago_is_moved_to_a_keyframe(void **state)
{
    (void)state;
    enum { PART = 150, RING = 4 << 20 };
    struct client fast, slow[2];
    uint64_t number = 1;
    struct source old;
    source_move(&front, RING);
    source_generation(&front, CODECS, INIT_A);
    source_publish(&front, LARGE_BYTES, true);
    watch_front(&fast, 0);
    watch_front(&slow[0], SMALL_BUFFER);
    watch_front(&slow[1], SMALL_BUFFER);
    expect_init(&fast, INIT_A);
    for (int ring = 0; ring < 4; ring++) {
        for (uint64_t last = number + PART; number < last; number++) {
            expect_fragment(&fast, number);
            source_publish(&front, LARGE_BYTES, number % 10 == 0);
        }
        source_grow(&front, RING, CODECS, INIT_A, &old);
        source_publish(&front, LARGE_BYTES, true);
        source_tell_ring(&front, &old);
        expect_fragment(&fast, number++);
        if (ring == 1) {
            client_close(&slow[1], true); /* in the middle of the old ring */
        }
    }
    expect_fragment(&fast, number);
    assert_true(read_with_drops(&slow[0], number).drops >= 1);
    source_publish(&front, LARGE_BYTES, false);
    expect_fragment(&slow[0], number + 1);
    expect_fragment(&fast, number + 1);
    client_close(&slow[0], false);
    client_close(&fast, false);
    fanout_wait_viewers(&fanout, "front", 0);
}

static void what_is_no_fragment_is_skipped_and_told(void **state)
{
    (void)state;
    struct client client;
    publish_gop(1);
    watch_front_from(&client, 1, 1);
    source_publish_raw(&front, "\0\0\0\x0cmoof1234\0\0\0\x09mdat", 20, false);
    source_publish(&front, FRAGMENT_BYTES, false);
    publish_gop(2);
    json_t *drop = expect_text(&client, "drop");
    assert_int_equal(json_integer_value(json_object_get(drop, "from")), 1);
    assert_int_equal(json_integer_value(json_object_get(drop, "to")), 4);
    assert_int_equal(json_integer_value(json_object_get(drop, "fragments")), 2);
    json_decref(drop);
    expect_fragment(&client, 4);
    expect_fragment(&client, 5);
    client_close(&client, false);
}

static void viewers_are_told_of_the_cameras_state(void **state)
{
    (void)state;
    struct client client;
    watch_front(&client, 0);
    fanout_tell_state(&fanout, "front", "backoff", "no route to host");
    json_t *text = expect_text(&client, "state");
    assert_string_equal(json_string_value(json_object_get(text, "state")), "backoff");
    assert_string_equal(json_string_value(json_object_get(text, "error")), "no route to host");
    json_decref(text);
    fanout_tell_state(&fanout, "front", "backoff", "no route to host"); /* no news */
    fanout_tell_state(&fanout, "front", "streaming", NULL);
    text = expect_text(&client, "state");
    assert_string_equal(json_string_value(json_object_get(text, "state")), "streaming");
    assert_true(json_is_null(json_object_get(text, "error")));
    json_decref(text);
    client_close(&client, false);
}

static void a_removed_cameras_viewers_are_closed(void **state)
{
    (void)state;
    struct client client, other;
    struct source second;
    publish_gop(3);
    source_begin(&second, &fanout, "back", RING_BYTES);
    watch_front(&client, 0);
    watch_camera(&other, &fanout, "/live/back", 0);
    remove_camera("front");
    expect_close(&client, 1001);
    client_open(&client, fanout.port, "/live/front", "", 0);
    assert_int_equal(client.status, 404);
    client_close(&client, false);
    source_generation(&second, CODECS, INIT_B);
    source_publish(&second, FRAGMENT_BYTES, true);
    expect_init(&other, INIT_B);
    expect_fragment(&other, 1);
    client_close(&other, false);
    source_end(&second);
}

static void the_end_is_told_to_viewers(void **state)
{
    (void)state;
    struct client client;
    watch_front(&client, 0);
    fanout_tell(&fanout, message_new("stop"), NULL, 0);
    expect_close(&client, 1001);
    fanout_end(&fanout, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(join_begins_with_the_newest_keyframe, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(an_early_viewer_waits_for_the_camera, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(viewers_get_everything_in_order, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_slow_viewer_is_moved_to_a_keyframe, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_slow_viewer_may_leave_while_behind, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_new_generation_sends_init_only_if_it_differs,
                                        front_set_up_generation, front_tear_down),
        cmocka_unit_test_setup_teardown(a_viewer_stays_when_its_ring_is_replaced, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(nobody_misses_anything_when_the_ring_grows, front_set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_laggard_of_two_rings_ago_is_moved_to_a_keyframe, front_set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_fragment_is_skipped_and_told, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(viewers_are_told_of_the_cameras_state, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(a_removed_cameras_viewers_are_closed, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(the_end_is_told_to_viewers, front_set_up, front_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
