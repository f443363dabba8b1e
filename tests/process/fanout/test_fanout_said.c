/* SPDX-License-Identifier: MIT */
/* What viewers say, and what they are answered, by a real ringcast-fanout. docs/reference/websocket.md. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"

static void pings_are_answered_and_floods_closed(void **state)
{
    (void)state;
    struct client client;
    struct client_message message;
    static const char junk[1000];
    watch_front(&client, 0);
    client_send_frame(&client, CLIENT_PING, "hello", 5);
    next_data(&client, &message);
    assert_int_equal(message.opcode, CLIENT_PONG);
    assert_memory_equal(message.payload, "hello", 5);
    client_send_frame(&client, CLIENT_BINARY, junk, 100);
    client_send_frame(&client, CLIENT_PING, "x", 1);
    next_data(&client, &message);
    assert_int_equal(message.opcode, CLIENT_PONG);
    for (int i = 0; i < 40; i++) {
        client_send_frame(&client, CLIENT_BINARY, junk, sizeof(junk));
    }
    expect_close(&client, 1008);
}

/* What has no payload counts, too. */
static void floods_of_empty_frames_are_closed(void **state)
{
    (void)state;
    enum { FRAMES = 6000 };
    struct client client;
    watch_front(&client, 0);
    for (int i = 0; i < FRAMES; i++) {
        client_send_frame(&client, CLIENT_BINARY, "", 0);
    }
    expect_close(&client, 1008);
}

/* libwebsockets answers pings by itself: what the connection brings is counted instead. */
static void floods_of_pings_are_closed(void **state)
{
    (void)state;
    enum { PINGS = 4000, ROOM = 100 };
    static const char payload[ROOM];
    struct client client, other;
    front_begin(RING_BYTES, "ping_ms", 1000);
    watch_front(&client, 0);
    watch_front(&other, 0);
    for (int i = 0; i < PINGS; i++) {
        client_send_frame(&client, CLIENT_PING, payload, sizeof(payload));
    }
    expect_close(&client, 1008);
    source_generation(&front, CODECS, INIT_A);
    publish_gop(1);
    struct client_message message;
    do {
        assert_true(client_next(&other, &message));
    } while (message.opcode == CLIENT_PING);
    assert_int_equal(message.opcode, CLIENT_TEXT); /* `init` */
    client_close(&other, false);
}

/* However fast states come, viewers are told the newest, and few of the others. */
static void a_flood_of_states_is_told_as_its_newest(void **state)
{
    (void)state;
    enum { STATES = 3000, TOLD_MAX = 300 };
    struct client client;
    char error[32] = "", last[32];
    int told = 0;
    watch_front(&client, SMALL_BUFFER);
    for (int i = 0; i < STATES; i++) {
        snprintf(last, sizeof(last), "attempt %d", i);
        fanout_tell_state(&fanout, "front", "backoff", last);
    }
    while (strcmp(error, last) != 0) {
        json_t *text = expect_text(&client, "state");
        snprintf(error, sizeof(error), "%s", json_string_value(json_object_get(text, "error")));
        json_decref(text);
        told++;
    }
    assert_in_range(told, 1, TOLD_MAX);
    client_close(&client, false);
}

/* What was said before has been heard, and nothing was sent because of it. */
static void expect_silence(struct client *client)
{
    struct client_message message;
    client_send_frame(client, CLIENT_PING, "?", 1);
    do {
        assert_true(client_next(client, &message));
    } while (message.opcode == CLIENT_PING);
    assert_int_equal(message.opcode, CLIENT_PONG);
}

static double real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void a_viewer_is_told_the_time(void **state)
{
    (void)state;
    struct client client;
    watch_front(&client, 0);
    double before = real_ms();
    say(&client, "{\"type\":\"time\",\"client\":1234.5625}");
    json_t *text = expect_text(&client, "time");
    double server = json_real_value(json_object_get(text, "server_ms"));
    assert_true(json_number_value(json_object_get(text, "client")) == 1234.5625);
    assert_true(server >= before - 0.001 && server <= real_ms() + 0.001);
    json_decref(text);
    client_close(&client, false);
}

static void other_messages_are_ignored(void **state)
{
    (void)state;
    static const char *const others[] = {
        "{\"type\":\"time\"}",   "{\"type\":\"time\",\"client\":\"1\"}", "{\"type\":3}", "[]", "nonsense", "",
        "{\"type\":\"resume\"}", /* there is nothing to resume */
    };
    struct client client;
    watch_front(&client, 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        say(&client, others[i]);
        expect_silence(&client);
    }
    client_send_frame(&client, CLIENT_BINARY, "{\"type\":\"time\",\"client\":1}", 26);
    expect_silence(&client);
    client_close(&client, false);
}

#define QUESTION "{\"type\":\"time\",\"client\":1234.5}"

static void expect_time(struct client *client)
{
    json_t *text = expect_text(client, "time");
    assert_true(json_number_value(json_object_get(text, "client")) == 1234.5);
    json_decref(text);
}

/* QUESTION in fragments of SIZE bytes. PINGED: with a ping after each, whose answer shows that it was read by itself. */
static void say_in_fragments(struct client *client, size_t size, bool pinged)
{
    const size_t length = strlen(QUESTION);

    for (size_t at = 0; at < length; at += size) {
        bool last = at + size >= length;
        client_send_fragment(client, at == 0 ? CLIENT_TEXT : CLIENT_CONTINUATION, &QUESTION[at],
                             last ? length - at : size, last);
        if (pinged && !last) {
            expect_silence(client);
        }
    }
}

/* However many pieces the network or the client makes of a message, it is one. */
static void a_message_in_pieces_is_one_message(void **state)
{
    (void)state;
    struct client client;
    watch_front(&client, 0);
    client_send_frame_slowly(&client, CLIENT_TEXT, QUESTION, strlen(QUESTION));
    expect_time(&client);
    say_in_fragments(&client, 9, true);
    expect_time(&client);
    say_in_fragments(&client, 1, false);
    expect_time(&client);
    client_send_fragment(&client, CLIENT_TEXT, "", 0, false);
    client_send_fragment(&client, CLIENT_CONTINUATION, QUESTION, strlen(QUESTION), false);
    client_send_fragment(&client, CLIENT_CONTINUATION, "", 0, true);
    expect_time(&client);
    client_close(&client, false);
    watch_front(&client, 0); /* half a message is forgotten with its viewer */
    client_send_fragment(&client, CLIENT_TEXT, QUESTION, 9, false);
    expect_silence(&client);
    client_close(&client, false);
}

/* As long as a message may be, and longer; what is too long leaves nothing for the next one. */
static void a_message_has_a_bound_in_pieces_too(void **state)
{
    enum { MOST = 256 };
    char longest[MOST + 1];
    (void)state;
    struct client client;
    watch_front(&client, 0);
    snprintf(longest, sizeof(longest), "%-*s", MOST, QUESTION);
    client_send_frame_slowly(&client, CLIENT_TEXT, longest, MOST);
    expect_time(&client);
    client_send_fragment(&client, CLIENT_TEXT, longest, MOST, false);
    client_send_fragment(&client, CLIENT_CONTINUATION, " ", 1, true);
    expect_silence(&client);
    client_send_fragment(&client, CLIENT_TEXT, longest, MOST, false);
    client_send_fragment(&client, CLIENT_CONTINUATION, " ", 1, false);
    client_send_fragment(&client, CLIENT_CONTINUATION, QUESTION, strlen(QUESTION), true);
    expect_silence(&client);
    say_in_fragments(&client, 9, false);
    expect_time(&client);
    client_close(&client, false);
}

static void the_time_is_told_a_few_times_a_second(void **state)
{
    (void)state;
    enum { ASKED = 60, ANSWERED_MAX = 30 }; /* a slow machine may need a few seconds for them */
    struct client client;
    struct client_message message;
    int answers = 0;
    watch_front(&client, 0);
    for (int i = 0; i < ASKED; i++) {
        say(&client, "{\"type\":\"time\",\"client\":1}");
    }
    client_send_frame(&client, CLIENT_PING, "?", 1);
    for (next_data(&client, &message); message.opcode == CLIENT_TEXT; next_data(&client, &message)) {
        answers++;
    }
    assert_int_equal(message.opcode, CLIENT_PONG);
    assert_true(answers >= 1 && answers <= ANSWERED_MAX);
    client_close(&client, false);
}

static void a_paused_viewer_gets_nothing_and_resumes_at_the_newest_keyframe(void **state)
{
    (void)state;
    struct client client;
    publish_gop(2);
    watch_front_from(&client, 1, 2);
    fanout_wait_viewers(&fanout, "front", 1);
    say(&client, "{\"type\":\"pause\"}");
    fanout_wait_viewers(&fanout, "front", 0);
    publish_gop(3);
    publish_gop(3); /* 6 is the newest keyframe */
    fanout_tell_state(&fanout, "front", "streaming", NULL);
    json_decref(expect_text(&client, "state"));
    expect_silence(&client);
    say(&client, "{\"type\":\"pause\"}"); /* once more changes nothing */
    expect_silence(&client);
    say(&client, "{\"type\":\"resume\"}");
    expect_fragments(&client, 6, 8);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragment(&client, 9);
    fanout_wait_viewers(&fanout, "front", 1);
    client_close(&client, false);
}

/* The keyframe that is still the newest is not sent twice. */
static void a_short_pause_doubles_nothing(void **state)
{
    (void)state;
    struct client client, other;
    publish_gop(3);
    watch_front_from(&client, 1, 3);
    watch_front_from(&other, 1, 3);
    say(&client, "{\"type\":\"pause\"}");
    expect_silence(&client);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragment(&other, 4);
    say(&client, "{\"type\":\"resume\"}");
    expect_fragment(&client, 4);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragment(&client, 5);
    expect_fragment(&other, 5);
    client_close(&client, false);
    client_close(&other, false);
}

static void a_paused_viewer_stays_when_its_ring_is_replaced(void **state)
{
    (void)state;
    struct client client;
    publish_gop(2);
    watch_front_from(&client, 1, 2);
    say(&client, "{\"type\":\"pause\"}");
    expect_silence(&client);
    source_move(&front, 524288);
    source_generation(&front, CODECS, INIT_B);
    publish_gop(2);
    publish_gop(2);
    fanout_tell_state(&fanout, "front", "streaming", NULL);
    json_decref(expect_text(&client, "state"));
    say(&client, "{\"type\":\"resume\"}");
    expect_init(&client, INIT_B);
    expect_fragment(&client, 3);
    expect_fragment(&client, 4);
    say(&client, "{\"type\":\"pause\"}");
    expect_silence(&client);
    remove_camera("front");
    expect_close(&client, 1001);
}

/* A viewer that resumes wakes a sleeping camera, as one that joins does. */
static void resuming_wakes_a_camera_that_sleeps(void **state)
{
    (void)state;
    struct client client;
    watch_front(&client, 0);
    say(&client, "{\"type\":\"pause\"}");
    fanout_tell_state(&fanout, "front", "idle", NULL);
    json_decref(expect_text(&client, "state"));
    say(&client, "{\"type\":\"resume\"}");
    json_t *wanted = fanout_wait(&fanout, "wanted");
    assert_string_equal(json_string_value(json_object_get(wanted, "name")), "front");
    json_decref(wanted);
    client_close(&client, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pings_are_answered_and_floods_closed, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(floods_of_empty_frames_are_closed, front_set_up, front_tear_down),
        cmocka_unit_test_teardown(floods_of_pings_are_closed, front_tear_down),
        cmocka_unit_test_setup_teardown(a_flood_of_states_is_told_as_its_newest, front_set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_viewer_is_told_the_time, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(other_messages_are_ignored, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(a_message_in_pieces_is_one_message, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(a_message_has_a_bound_in_pieces_too, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(the_time_is_told_a_few_times_a_second, front_set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(a_paused_viewer_gets_nothing_and_resumes_at_the_newest_keyframe,
                                        front_set_up_generation, front_tear_down),
        cmocka_unit_test_setup_teardown(a_short_pause_doubles_nothing, front_set_up_generation,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_paused_viewer_stays_when_its_ring_is_replaced,
                                        front_set_up_generation, front_tear_down),
        cmocka_unit_test_setup_teardown(resuming_wakes_a_camera_that_sleeps, front_set_up, front_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
