/* SPDX-License-Identifier: MIT */
/* The fan-out as a process: descriptors, counts, and how it ends. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"
#include "tests/support/patience.h"

#define WAIT_STEP_MS 5

/* Viewers have half a second to leave; the rest is room for a busy machine with sanitizers. */
#define END_MAX_S 5

/* `front` has published its first fragment. */
static int set_up(void **state)
{
    front_set_up_generation(state);
    source_publish(&front, LARGE_BYTES, true);
    return 0;
}

/* A camera costs one descriptor, its ring's eventfd. True as soon as the fan-out has COUNT descriptors; false
 * if it never does. */
static bool wait_descriptors(int count)
{
    const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
    for (int waited = 0; fanout_descriptors(&fanout, NULL) != count; waited += WAIT_STEP_MS) {
        if (waited > PATIENCE_MS) {
            return false;
        }
        nanosleep(&step, NULL);
    }
    return true;
}

/* A viewer in each of the ways in which one comes and goes. */
static void come_and_go(int way)
{
    struct client client;
    switch (way % 6) {
    case 0: /* a clean end */
        watch_front(&client, 0);
        client_send_frame(&client, CLIENT_CLOSE, "\x03\xe8", 2);
        client_close(&client, false);
        return;
    case 1: /* a reset in the middle of the stream */
        watch_front(&client, 0);
        client_close(&client, true);
        return;
    case 2: /* gone behind with an unsent tail */
        watch_front(&client, SMALL_BUFFER);
        client_close(&client, false);
        return;
    case 3: /* half a request */
        client_connect(&client, fanout.port, 0);
        client_send(&client, "GET /live/front HTTP/1.1\r\nHost: came");
        client_close(&client, false);
        return;
    case 4: /* an upgrade whose answer is not read */
        client_connect(&client, fanout.port, 0);
        client_send(&client,
                    "GET /live/front HTTP/1.1\r\nHost: cameras.example\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n");
        client_close(&client, true);
        return;
    default: /* refused */
        client_open(&client, fanout.port, "/live/back", "", 0);
        assert_int_equal(client.status, 404);
        client_close(&client, false);
        return;
    }
}

static void viewers_leave_nothing_behind(void **state)
{
    (void)state;
    struct client witness;
    watch_front_from(&witness, 1, 1);
    for (int i = 0; i < 240; i++) {
        come_and_go(i);
        source_publish(&front, LARGE_BYTES, i % 5 == 0);
        expect_fragment(&witness, (uint64_t)i + 2);
    }
    client_close(&witness, false);
    assert_true(wait_descriptors(fanout.descriptors + 1));
    fanout_wait_viewers(&fanout, "front", 0);
}

static void viewers_are_counted(void **state)
{
    (void)state;
    struct client clients[3];
    for (int i = 0; i < 3; i++) {
        watch_front(&clients[i], 0);
    }
    fanout_wait_viewers(&fanout, "front", 3);
    client_close(&clients[1], true);
    fanout_wait_viewers(&fanout, "front", 2);
    client_close(&clients[0], false);
    client_close(&clients[2], false);
    fanout_wait_viewers(&fanout, "front", 0);
}

/* Fragments counted in a `latency` message of the only camera. */
static json_int_t latencies_told(const json_t *message)
{
    const json_t *latency = json_object_get(json_object_get(message, "cameras"), "front");
    json_int_t count = 0;
    json_t *bucket;
    size_t i;
    assert_int_equal(json_array_size(json_object_get(latency, "le_s")) + 1,
                     json_array_size(json_object_get(latency, "counts")));
    json_array_foreach(json_object_get(latency, "counts"), i, bucket) {
        count += json_integer_value(bucket);
    }
    return count;
}

/* Each fragment once, whatever the number of viewers; what a viewer begins with is old and does not count. */
static void latency_is_counted_and_told(void **state)
{
    enum { BYTES = 200 };
    (void)state;
    struct client clients[2];
    for (int i = 0; i < 2; i++) {
        watch_front_from(&clients[i], 1, 1);
    }
    /* It may wait for the answers to the pings behind the keyframes; when it is there, there is room for the others. */
    source_publish(&front, BYTES, false);
    for (int i = 0; i < 2; i++) {
        expect_fragment(&clients[i], 2);
    }
    json_int_t told = 0;
    uint64_t sent = 2;
    while (told < 10) {
        while (sent < 12) {
            source_publish(&front, BYTES, false);
            sent++;
            for (int i = 0; i < 2; i++) {
                expect_fragment(&clients[i], sent);
            }
        }
        json_t *message = fanout_wait(&fanout, "latency");
        told = latencies_told(message);
        json_decref(message);
    }
    assert_in_range(told, 10, 11);
    client_close(&clients[0], false);
    client_close(&clients[1], false);
}

static void cameras_come_and_go_without_a_trace(void **state)
{
    (void)state;
    struct client client;
    for (int i = 0; i < 20; i++) {
        struct source other;
        source_begin(&other, &fanout, "back", RING_BYTES);
        source_generation(&other, CODECS, INIT_A);
        do { /* the camera's message is on its way */
            client_open(&client, fanout.port, "/live/back", "", 0);
            if (client.status != 101) {
                client_close(&client, false);
            }
        } while (client.fd < 0);
        source_publish(&other, LARGE_BYTES, true);
        json_decref(expect_text(&client, "state"));
        expect_init(&client, INIT_A);
        expect_fragment(&client, 1);
        source_move(&other, RING_BYTES);
        remove_camera("back");
        source_end(&other);
        client_close(&client, i % 2);
    }
    assert_true(wait_descriptors(fanout.descriptors + 1));
}

/* With no descriptor left for a new connection, present viewers go on and newcomers are served later. */
static void running_out_of_descriptors_hurts_nobody(void **state)
{
    enum { LATE = 16 }; /* more than there are unused numbers below the highest */
    (void)state;
    struct client witness, late[LATE];
    watch_front_from(&witness, 1, 1);
    int highest;
    struct rlimit normal, full;
    fanout_descriptors(&fanout, &highest);
    assert_int_equal(prlimit(fanout.pid, RLIMIT_NOFILE, NULL, &normal), 0);
    full = (struct rlimit){.rlim_cur = (rlim_t)highest + 1, .rlim_max = normal.rlim_max};
    assert_int_equal(prlimit(fanout.pid, RLIMIT_NOFILE, &full, NULL), 0);
    for (int i = 0; i < LATE; i++) {
        client_connect(&late[i], fanout.port, 0);
        client_send(&late[i], "GET / HTTP/1.1\r\nHost: cameras.example\r\n\r\n");
    }
    for (uint64_t number = 2; number < 50; number++) {
        source_publish(&front, LARGE_BYTES, number % 5 == 0);
        expect_fragment(&witness, number);
    }
    assert_false(client_has_news(&late[LATE - 1]));
    assert_int_equal(prlimit(fanout.pid, RLIMIT_NOFILE, &normal, NULL), 0);
    for (int i = 0; i < LATE; i++) {
        client_read_head(&late[i]);
        assert_int_equal(late[i].status, 200);
        client_close(&late[i], false);
    }
    client_close(&witness, false);
}

/* Viewers of every kind, one of them with an unsent tail. */
static void open_some(struct client clients[3])
{
    watch_front(&clients[0], 0);
    watch_front(&clients[1], SMALL_BUFFER);
    client_connect(&clients[2], fanout.port, 0);
    client_send(&clients[2], "GET / HT");
    for (int i = 0; i < 100; i++) {
        source_publish(&front, LARGE_BYTES, i % 5 == 0);
    }
}

static void close_some(struct client clients[3])
{
    for (int i = 0; i < 3; i++) {
        client_close(&clients[i], true);
    }
}

static void sigterm_ends_it(void **state)
{
    (void)state;
    struct client clients[3];
    struct timespec begun, ended;
    open_some(clients);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    fanout_end(&fanout, SIGTERM);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(ended.tv_sec - begun.tv_sec < END_MAX_S);
    close_some(clients);
}

static void the_supervisors_end_ends_it(void **state)
{
    (void)state;
    struct client clients[3];
    open_some(clients);
    close(fanout.channel);
    fanout.channel = -1;
    fanout_end(&fanout, 0);
    close_some(clients);
}

static void an_interrupt_is_the_supervisors_business(void **state)
{
    (void)state;
    struct client client;
    assert_int_equal(kill(fanout.pid, SIGINT), 0);
    assert_int_equal(kill(fanout.pid, SIGHUP), 0);
    watch_front(&client, 0);
    client_close(&client, false);
}

static void bad_messages_are_survived(void **state)
{
    (void)state;
    struct client client;
    fanout_tell(&fanout, message_new("dance"), NULL, 0);
    fanout_tell(&fanout, message_new("camera-state"), NULL, 0);
    fanout_tell(&fanout, message_new("camera-remove"), NULL, 0);
    fanout_tell(&fanout, message_new("camera-add"), NULL, 0);
    json_t *message = message_new("camera-add"); /* a ring that is none */
    json_object_set_new(message, "name", json_string("broken"));
    int fds[2] = {front.wake, front.wake};
    fanout_tell(&fanout, message, fds, 2);
    message = message_new("camera-state");
    json_object_set_new(message, "name", json_integer(7));
    fanout_tell(&fanout, message, NULL, 0);
    do {
        client_open(&client, fanout.port, "/live/broken", "", 0);
        if (client.status != 101) {
            client_close(&client, false);
        }
    } while (client.fd < 0);
    json_decref(expect_text(&client, "state"));
    client_close(&client, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(viewers_leave_nothing_behind, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(viewers_are_counted, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(latency_is_counted_and_told, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(cameras_come_and_go_without_a_trace, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(running_out_of_descriptors_hurts_nobody, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(sigterm_ends_it, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(the_supervisors_end_ends_it, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(an_interrupt_is_the_supervisors_business, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(bad_messages_are_survived, set_up, front_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
