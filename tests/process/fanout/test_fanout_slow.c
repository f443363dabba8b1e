/* SPDX-License-Identifier: MIT */
/*
 * How slow a viewer may be, and what keeps its connection. Each limit by itself, on a real ringcast-fanout.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/clock.h"
#include "tests/process/fanout/fixture.h"
#include "tests/support/patience.h"

/* Holds everything that is published, so that no viewer misses a fragment that was overwritten. */
#define LARGE_RING (8u << 20)

/* More than the kernel keeps for a viewer that does not read. */
#define FRAGMENTS 200
#define GOP 10

/* What a ping has in it that asks how far a viewer has read. */
#define PING_BYTES 4

static void begin(const char *limit, int value)
{
    front_begin(LARGE_RING, limit, value);
    source_generation(&front, CODECS, INIT_A);
}

/* The next message is a ping, which is answered. */
static void expect_ping(struct client *client)
{
    struct client_message message;
    assert_true(client_next(client, &message));
    assert_int_equal(message.opcode, CLIENT_PING);
}

/* A slow viewer for which everything waits, and a fast one that has got it all. */
static void publish_to(struct client *slow, struct client *fast)
{
    source_publish(&front, LARGE_BYTES, true);
    watch_front(slow, SMALL_BUFFER);
    watch_front_from(fast, 1, 1);
    expect_ping(fast);                        /* who answers late is slow */
    fanout_wait_viewers(&fanout, "front", 2); /* reports of one viewer alone are over from here on */
    publish_large(fast, 2, FRAGMENTS, GOP);
}

static void close_both(struct client *slow, struct client *fast)
{
    client_close(slow, false);
    client_close(fast, false);
}

static void without_limits_a_large_ring_holds_everything(void **state)
{
    struct client slow, fast;
    (void)state;
    begin(NULL, 0);
    publish_to(&slow, &fast);
    assert_int_equal(read_with_drops(&slow, FRAGMENTS).fragments, 0);
    close_both(&slow, &fast);
}

static void too_many_bytes_send_a_viewer_to_the_newest_keyframe(void **state)
{
    struct client slow, fast;
    (void)state;
    begin("viewer_bytes", 10 * (int)LARGE_BYTES);
    publish_to(&slow, &fast);
    assert_true(read_with_drops(&slow, FRAGMENTS).fragments > 0);
    source_publish(&front, LARGE_BYTES, false);
    expect_fragment(&slow, FRAGMENTS + 1);
    expect_fragment(&fast, FRAGMENTS + 1);
    close_both(&slow, &fast);
}

static void too_old_a_fragment_sends_a_viewer_to_the_newest_keyframe(void **state)
{
    struct client slow, fast;
    (void)state;
    begin("viewer_age_ms", 200);
    publish_to(&slow, &fast);
    poll(NULL, 0, 300); /* what waits grows old */
    /* A keyframe is never too old, however busy the machine is. */
    publish_large(&fast, FRAGMENTS + 1, FRAGMENTS + 1, GOP);
    assert_true(read_with_drops(&slow, FRAGMENTS + 1).fragments > 0);
    close_both(&slow, &fast);
}

static void drops_are_reported(void **state)
{
    struct client slow, fast;
    json_int_t drops = 0;
    (void)state;
    begin("viewer_bytes", 10 * (int)LARGE_BYTES);
    publish_to(&slow, &fast);
    assert_true(read_with_drops(&slow, FRAGMENTS).fragments > 0);
    while (drops == 0) { /* fanout_wait fails when the time is over */
        json_t *report = fanout_wait(&fanout, "viewers");
        drops = json_integer_value(json_object_get(json_object_get(report, "drops"), "front"));
        json_decref(report);
    }
    close_both(&slow, &fast);
}

/* Until FAST is the only viewer. On a slow machine it counts as slow itself, and would be closed if it did not answer pings meanwhile. */
static void wait_until_alone(struct client *fast)
{
    int reported = -1;
    while (reported != 1) {
        struct pollfd waits[2] = {{.fd = fanout.channel, .events = POLLIN},
                                  {.fd = fast->fd, .events = POLLIN}};
        assert_true(poll(waits, 2, 30000) > 0);
        if (waits[1].revents != 0) {
            expect_ping(fast);
        }
        if (waits[0].revents != 0) {
            json_t *report = fanout_wait(&fanout, "viewers");
            reported = (int)json_integer_value(json_object_get(json_object_get(report, "cameras"), "front"));
            json_decref(report);
        }
    }
}

static void who_takes_nothing_is_closed_with_a_reason(void **state)
{
    struct client slow, fast;
    struct client_message message = {0};
    (void)state;
    begin("viewer_stuck_ms", 4000); /* on a slow machine it takes long until both are there */
    publish_to(&slow, &fast);
    wait_until_alone(&fast);
    slow.is_mute = true; /* an answer to a connection that is closed would cost the reason */
    do {
        assert_true(client_next(&slow, &message));
    } while (message.opcode != CLIENT_CLOSE);
    assert_true(message.length > 14);
    assert_int_equal(message.payload[0] << 8 | message.payload[1], 1008);
    assert_memory_equal(message.payload + 2, "took nothing", 12);
    source_publish(&front, LARGE_BYTES, false);
    do {
        assert_true(client_next(&fast, &message));
    } while (message.opcode == CLIENT_PING);
    assert_int_equal(fragment_number(&message, NULL), FRAGMENTS + 1);
    close_both(&slow, &fast);
}

static void who_takes_a_little_is_not_closed(void **state)
{
    struct client slow, fast;
    (void)state;
    begin("viewer_stuck_ms", 2000);
    publish_to(&slow, &fast);
    expect_init(&slow, INIT_A);
    for (uint64_t number = 1; number <= 20; number++) { /* in all longer than the limit */
        expect_fragment(&slow, number);
        poll(NULL, 0, 150);
    }
    expect_fragments(&slow, 21, FRAGMENTS);
    close_both(&slow, &fast);
}

/* The next message is no close; if it is a ping with a number, that is in NUMBER of PING_BYTES. True: it is one. */
static bool next_is_numbered_ping(struct client *client, uint8_t *number)
{
    struct client_message message;

    assert_true(client_next(client, &message));
    assert_int_not_equal(message.opcode, CLIENT_CLOSE);
    if (message.opcode != CLIENT_PING || message.length != PING_BYTES) {
        return false;
    }
    memcpy(number, message.payload, PING_BYTES);
    return true;
}

/*
 * What a reader has in its own buffers may be all that it reads for long. The kernel sees none of that, and the answer to the newest ping comes
 * last, but each answer to an older one shows that it reads.
 */
static void who_answers_old_pings_is_not_closed(void **state)
{
    enum { PINGS = 4, STUCK_MS = 2000, STEP_MS = 50 };
    uint8_t pings[PINGS][PING_BYTES], other[PING_BYTES];
    struct client slow;
    uint64_t answer_ms = 0;
    int seen = 0, answered = 0;
    (void)state;
    begin("viewer_stuck_ms", STUCK_MS);
    source_publish(&front, FRAGMENT_BYTES, true);
    watch_front_from(&slow, 1, 1);
    expect_ping(&slow);
    slow.is_mute = true; /* it has answered once, and keeps up */
    while (answered < PINGS) {
        source_publish(&front, FRAGMENT_BYTES, true);
        poll(NULL, 0, STEP_MS);
        while (client_has_news(&slow)) {
            seen += next_is_numbered_ping(&slow, seen < PINGS ? pings[seen] : other);
        }
        if (seen >= PINGS && clock_now_ms() >= answer_ms) {
            client_send_frame(&slow, CLIENT_PONG, pings[answered++], PING_BYTES);
            answer_ms = clock_now_ms() + STUCK_MS / 2;
        }
    }
    client_close(&slow, false);
}

/* Bytes that wait in the kernel for the clients of the fan-out: the transmit queues of its end, as /proc/net/tcp has them. */
static size_t waiting_in_sockets(void)
{
    FILE *file = fopen("/proc/net/tcp", "r");
    char line[256];
    size_t sum = 0;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        unsigned port = 0;
        unsigned long queued = 0;
        if (sscanf(line, " %*u: %*8x:%4x %*8x:%*4x %*2x %8lx:", &port, &queued) == 2 &&
            port == (unsigned)fanout.port) {
            sum += queued;
        }
    }
    fclose(file);
    return sum;
}

static void what_waits_for_all_viewers_together_is_bounded(void **state)
{
    /* Without a bound each of the silent ones holds LEAST_HELD at least. */
    enum { VIEWERS = 24, SEND_BYTES = 128 << 10, LEAST_HELD = 16 << 10, FIRST_BYTES = 200, LOOK_MS = 10 };
    struct client silent[VIEWERS], fast;
    (void)state;
    begin("send_bytes", SEND_BYTES);
    source_publish(&front, FIRST_BYTES, true); /* nothing waits for anybody until all are there */
    watch_front_from(&fast, 1, 1);
    expect_ping(&fast);
    for (int i = 0; i < VIEWERS; i++) {
        watch_front(&silent[i], SMALL_BUFFER);
    }
    fanout_wait_viewers(&fanout, "front", VIEWERS + 1);
    publish_large(&fast, 2, FRAGMENTS, GOP);
    int left = VIEWERS + 1;
    while (left > 1 + SEND_BYTES / LEAST_HELD) {
        json_t *report = fanout_wait(&fanout, "viewers");
        left = (int)json_integer_value(json_object_get(json_object_get(report, "cameras"), "front"));
        json_decref(report);
    }
    assert_true(left >=
                1); /* one silent viewer alone may hold more than the bound; the one that reads stays */
    source_publish(&front, LARGE_BYTES, false);
    expect_fragment(&fast, FRAGMENTS + 1);
    for (int i = 0; waiting_in_sockets() > SEND_BYTES; i++) {
        assert_true(i < PATIENCE_MS / LOOK_MS);
        poll(NULL, 0, LOOK_MS);
    }
    for (int i = 0; i < VIEWERS; i++) {
        client_close(&silent[i], true);
    }
    client_close(&fast, false);
}

static void silent_connections_are_pinged(void **state)
{
    struct client watching, paused;
    (void)state;
    begin("ping_ms", 500);
    watch_front(&watching, 0);
    watch_front(&paused, 0);
    expect_init(&watching, INIT_A);
    expect_init(&paused, INIT_A);
    say(&paused, "{\"type\":\"pause\"}");
    for (int i = 0; i < 3; i++) {
        expect_ping(&watching);
        expect_ping(&paused);
    }
    close_both(&watching, &paused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_limits_a_large_ring_holds_everything, front_tear_down),
        cmocka_unit_test_teardown(too_many_bytes_send_a_viewer_to_the_newest_keyframe, front_tear_down),
        cmocka_unit_test_teardown(too_old_a_fragment_sends_a_viewer_to_the_newest_keyframe, front_tear_down),
        cmocka_unit_test_teardown(drops_are_reported, front_tear_down),
        cmocka_unit_test_teardown(who_takes_nothing_is_closed_with_a_reason, front_tear_down),
        cmocka_unit_test_teardown(who_takes_a_little_is_not_closed, front_tear_down),
        cmocka_unit_test_teardown(who_answers_old_pings_is_not_closed, front_tear_down),
        cmocka_unit_test_teardown(what_waits_for_all_viewers_together_is_bounded, front_tear_down),
        cmocka_unit_test_teardown(silent_connections_are_pinged, front_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
