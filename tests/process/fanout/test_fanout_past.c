/* SPDX-License-Identifier: MIT */
/*
 * Viewers and clips that look back, on a real ringcast-fanout. The fragments in the ring are dated by hand, so that nothing here
 * depends on how fast the test runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "common/ring/ring_writer.h"
#include "tests/process/fanout/fixture.h"

#define LOOK_BACK_S 120
#define GOP 10

/* Seconds between two fragments. */
#define STEP 0.5

/* So many are in the ring, the newest a moment old; and the last keyframe. */
#define COUNT 100
#define NEWEST_KEYFRAME 91

static void begin_ring(size_t capacity)
{
    fanout_start(&fanout);
    source_begin_past(&front, &fanout, "front", capacity, LOOK_BACK_S);
    fanout_tell_look_back(&fanout, "front", LOOK_BACK_S);
    source_generation(&front, CODECS, INIT_A);
}

static void publish(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool keyframe = (ring_writer_next_sequence(front.writer) - 1) % GOP == 0;
        source_publish(&front, FRAGMENT_BYTES, keyframe);
    }
}

static void publish_past(unsigned count)
{
    publish(count);
    source_date(&front, STEP, 0);
}

static int set_up(void **state)
{
    (void)state;
    begin_ring(1u << 20);
    publish_past(COUNT);
    return 0;
}

static double member(const json_t *text, const char *name)
{
    return json_number_value(json_object_get(text, name));
}

/* The answer to a question for the past; states are passed over, and fragments that were allowed before if THEY_TOO. */
static json_t *expect_answer(struct client *client, const char *type, bool they_too)
{
    struct client_message message;
    json_t *text;

    for (;;) {
        next_data(client, &message);
        if (they_too && message.opcode == CLIENT_BINARY) {
            continue;
        }
        assert_int_equal(message.opcode, CLIENT_TEXT);
        text = json_loadb((const char *)message.payload, message.length, 0, NULL);
        assert_non_null(text);
        if (strcmp(json_string_value(json_object_get(text, "type")), "state") != 0) {
            break;
        }
        json_decref(text);
    }
    assert_string_equal(json_string_value(json_object_get(text, "type")), type);
    return text;
}

#define SLOW_S 300 /* what a test may take on a slow machine */

static void expect_looks(struct client *client, double ago, double reach)
{
    json_t *text = expect_answer(client, "look", true);

    assert_true(member(text, "ago") >= ago && member(text, "ago") < ago + SLOW_S);
    assert_true(member(text, "reach") >= reach && member(text, "reach") < reach + SLOW_S);
    json_decref(text);
}

static void expect_live(struct client *client)
{
    json_decref(expect_answer(client, "live", false));
}

/* All since the newest keyframe, after what was allowed of the past. */
static void expect_present(struct client *client)
{
    struct client_message message;

    do {
        next_data(client, &message);
    } while (message.opcode != CLIENT_BINARY || fragment_number(&message, NULL) < NEWEST_KEYFRAME);
    assert_int_equal(fragment_number(&message, NULL), NEWEST_KEYFRAME);
    expect_fragments(client, NEWEST_KEYFRAME + 1, COUNT);
}

/* Nothing but what is asked for comes: the answer to a question for the time is next. */
static void expect_silence(struct client *client)
{
    say(client, "{\"type\":\"time\",\"client\":1}");
    json_decref(expect_answer(client, "time", false));
}

/* A live viewer that has all since the newest keyframe. */
static void watch(struct client *client)
{
    watch_front_from(client, NEWEST_KEYFRAME, COUNT);
}

static void a_viewer_gets_what_it_asks_for_and_no_more(void **state)
{
    struct client viewer, other;

    (void)state;
    watch(&viewer);
    watch(&other);
    say(&viewer, "{\"type\":\"look\",\"ago\":30,\"for\":5}"); /* fragment 40, whose keyframe is 31 */
    expect_looks(&viewer, 34, 49);
    expect_fragments(&viewer, 31, 50); /* up to 25 s ago */
    expect_silence(&viewer);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragments(&other, COUNT + 1, COUNT + 1);
    expect_silence(&viewer);
    say(&viewer, "{\"type\":\"more\",\"for\":2}");
    expect_fragments(&viewer, 51, 55);
    expect_silence(&viewer);
    say(&viewer, "{\"type\":\"look\",\"ago\":10,\"for\":1}");
    expect_looks(&viewer, 14, 49);
    expect_fragments(&viewer, 71, 82);
    say(&viewer, "{\"type\":\"live\"}");
    expect_live(&viewer);
    expect_fragments(&viewer, NEWEST_KEYFRAME, COUNT + 1);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragments(&viewer, COUNT + 2, COUNT + 2);
    expect_fragments(&other, COUNT + 2, COUNT + 2);
    client_close(&viewer, false);
    client_close(&other, false);
}

static void who_comes_to_the_newest_is_live(void **state)
{
    struct client viewer;

    (void)state;
    watch(&viewer);
    say(&viewer, "{\"type\":\"look\",\"ago\":10000,\"for\":30}");
    expect_looks(&viewer, 49, 49);
    expect_fragments(&viewer, 1, 61);
    say(&viewer, "{\"type\":\"more\",\"for\":30}");
    expect_fragments(&viewer, 62, COUNT);
    expect_live(&viewer);
    source_publish(&front, FRAGMENT_BYTES, false);
    source_publish(&front, FRAGMENT_BYTES, true);
    expect_fragments(&viewer, COUNT + 1, COUNT + 2);
    say(&viewer, "{\"type\":\"live\"}"); /* it is */
    say(&viewer, "{\"type\":\"more\",\"for\":1}");
    expect_silence(&viewer);
    client_close(&viewer, false);
}

static void nobody_looks_back_where_nothing_is_kept(void **state)
{
    struct client viewer;

    (void)state;
    watch(&viewer);
    fanout_tell_look_back(&fanout, "front", 0);
    say(&viewer, "{\"type\":\"look\",\"ago\":10,\"for\":5}");
    json_t *text = expect_answer(&viewer, "look", false);
    assert_true(json_is_null(json_object_get(text, "ago")));
    json_decref(text);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragments(&viewer, COUNT + 1, COUNT + 1);
    client_close(&viewer, false);
}

/* What is no such question is passed over. */
static void nonsense_changes_nothing(void **state)
{
    static const char *const words[] = {
        "{\"type\":\"look\"}",
        "{\"type\":\"look\",\"ago\":10}",
        "{\"type\":\"look\",\"ago\":-1,\"for\":1}",
        "{\"type\":\"look\",\"ago\":1,\"for\":31}",
        "{\"type\":\"look\",\"ago\":\"1\",\"for\":1}",
        "{\"type\":\"look\",\"ago\":1e300,\"for\":1}",
        "{\"type\":\"more\"}",
        "{\"type\":\"more\",\"for\":-0.1}",
    };
    struct client viewer;

    (void)state;
    watch(&viewer);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        say(&viewer, words[i]);
        if (i % 2 == 1) {
            expect_silence(&viewer);
        }
    }
    client_close(&viewer, false);
}

/* The writer has gone round while the viewer waited: a gap, which is told, and on with the oldest. */
static void what_is_overwritten_is_a_gap(void **state)
{
    struct client viewer;

    (void)state;
    watch(&viewer);
    say(&viewer, "{\"type\":\"look\",\"ago\":49,\"for\":1}");
    expect_looks(&viewer, 49, 49);
    expect_fragments(&viewer, 1, 4);
    publish(300);
    say(&viewer, "{\"type\":\"more\",\"for\":30}");
    json_t *drop = expect_text(&viewer, "drop");
    assert_int_equal(member(drop, "from"), 4);
    uint64_t next = (uint64_t)member(drop, "to");
    assert_int_equal(member(drop, "fragments"), next - 5);
    json_decref(drop);
    assert_true(next > COUNT && next < COUNT + 200 && (next - 1) % GOP == 0);
    expect_fragments(&viewer, next, COUNT + 300);
    expect_live(&viewer);
    client_close(&viewer, false);
}

/* A ring that is replaced keeps what it has for those that look back, and they go on in the next one. */
static void the_past_goes_over_from_ring_to_ring(void **state)
{
    struct client viewer;
    struct source old;

    (void)state;
    source_grow(&front, 2u << 20, CODECS, INIT_A, &old);
    publish_past(20);
    source_date(&old, STEP, 20 * STEP);
    source_tell_ring(&front, &old);
    watch_front_from(&viewer, COUNT + 11, COUNT + 20);
    say(&viewer, "{\"type\":\"look\",\"ago\":25,\"for\":30}"); /* fragment 70 */
    expect_looks(&viewer, 29, 59);
    expect_fragments(&viewer, 61, COUNT + 20);
    expect_live(&viewer);
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_fragments(&viewer, COUNT + 21, COUNT + 21);
    say(&viewer, "{\"type\":\"look\",\"ago\":5,\"for\":0}"); /* in the present ring */
    expect_looks(&viewer, 9, 59);
    expect_fragments(&viewer, COUNT + 1, COUNT + 1);
    client_close(&viewer, false);
}

/* Rings that the fan-out has mapped. */
static unsigned count_rings(void)
{
    char path[64], line[512];
    unsigned count = 0;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)fanout.pid);
    FILE *maps = fopen(path, "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        count += strstr(line, "/dev/shm/") != NULL;
    }
    fclose(maps);
    return count;
}

static void the_ring_before_is_let_go_when_its_time_is_over(void **state)
{
    struct client viewer;
    struct source old;

    (void)state;
    fanout_tell_look_back(&fanout, "front", 1);
    source_grow(&front, 2u << 20, CODECS, INIT_A, &old);
    publish_past(GOP);
    source_tell_ring(&front, &old);
    watch_front_from(&viewer, COUNT + 1, COUNT + GOP);
    while (count_rings() > 1) { /* the question fails when the time is over */
        expect_silence(&viewer);
        usleep(300000); /* more than four questions a second are not answered */
    }
    say(&viewer, "{\"type\":\"look\",\"ago\":100,\"for\":0}");
    expect_looks(&viewer, 4, 4);
    expect_fragments(&viewer, COUNT + 1, COUNT + 1);
    client_close(&viewer, false);
}

static void old_pictures_come_with_their_init_segment(void **state)
{
    struct client viewer;

    (void)state;
    source_generation(&front, CODECS, INIT_B);
    publish_past(20);
    watch_front(&viewer, 0);
    expect_init(&viewer, INIT_B);
    expect_fragments(&viewer, COUNT + 11, COUNT + 20);
    say(&viewer, "{\"type\":\"look\",\"ago\":12,\"for\":4}");
    expect_looks(&viewer, 14, 50);
    expect_init(&viewer, INIT_A);
    expect_fragments(&viewer, 91, COUNT);
    expect_init(&viewer, INIT_B);
    expect_fragments(&viewer, COUNT + 1, COUNT + 4);
    source_publish(&front, FRAGMENT_BYTES, false);
    say(&viewer, "{\"type\":\"look\",\"ago\":14,\"for\":0}");
    expect_looks(&viewer, 14, 50);
    expect_init(&viewer, INIT_A);
    expect_fragments(&viewer, 91, 92);
    say(&viewer, "{\"type\":\"live\"}");
    expect_live(&viewer);
    expect_init(&viewer, INIT_B);
    expect_fragments(&viewer, COUNT + 11, COUNT + 21);
    client_close(&viewer, false);
}

static void a_pause_ends_in_the_present(void **state)
{
    struct client viewer;

    (void)state;
    watch(&viewer);
    say(&viewer, "{\"type\":\"look\",\"ago\":34,\"for\":0}");
    expect_looks(&viewer, 34, 49);
    expect_fragments(&viewer, 31, 31);
    say(&viewer, "{\"type\":\"pause\"}");
    say(&viewer, "{\"type\":\"resume\"}");
    expect_present(&viewer);
    say(&viewer, "{\"type\":\"pause\"}");
    say(&viewer, "{\"type\":\"look\",\"ago\":34,\"for\":0}"); /* asks for something again */
    expect_looks(&viewer, 34, 49);
    expect_fragments(&viewer, 31, 31);
    client_close(&viewer, false);
}

/* Nothing is kept of those that come and go. Several at once, because the count of viewers is reported about once a second. */
static void nothing_is_left_of_three_hundred_looks(void **state)
{
    enum { ROUNDS = 3, VIEWERS = 10, LOOKS = 10 };
    struct client viewers[VIEWERS];
    int descriptors = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < VIEWERS; i++) {
            watch(&viewers[i]);
        }
        fanout_wait_viewers(&fanout, "front", VIEWERS);
        for (int i = 0; i < VIEWERS * LOOKS; i++) {
            struct client *viewer = &viewers[i % VIEWERS];
            say(viewer, "{\"type\":\"look\",\"ago\":600,\"for\":0}"); /* the oldest, however long it takes */
            expect_looks(viewer, 49, 49);
            expect_fragments(viewer, 1, 1);
        }
        for (int i = 0; i < VIEWERS; i++) {
            client_close(&viewers[i], false);
        }
        fanout_wait_viewers(&fanout, "front", 0);
        int now = fanout_descriptors(&fanout, NULL);
        assert_true(round == 0 || now == descriptors);
        descriptors = now;
    }
    assert_int_equal(count_rings(), 1);
}

#define PAST_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, front_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAST_TEST(a_viewer_gets_what_it_asks_for_and_no_more),
        PAST_TEST(who_comes_to_the_newest_is_live),
        PAST_TEST(nobody_looks_back_where_nothing_is_kept),
        PAST_TEST(nonsense_changes_nothing),
        PAST_TEST(what_is_overwritten_is_a_gap),
        PAST_TEST(the_past_goes_over_from_ring_to_ring),
        PAST_TEST(the_ring_before_is_let_go_when_its_time_is_over),
        PAST_TEST(old_pictures_come_with_their_init_segment),
        PAST_TEST(a_pause_ends_in_the_present),
        PAST_TEST(nothing_is_left_of_three_hundred_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
