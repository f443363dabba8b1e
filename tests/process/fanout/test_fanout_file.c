/* SPDX-License-Identifier: MIT */
/*
 * A stream as a file over plain HTTP: how it begins, goes on and ends, and that there is never half of anything in it. On a
 * real ringcast-fanout.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"

#define PATH "/stream/front.mp4"

/* Fragments that a client gets which reads slowly, and so many bytes of the ring may wait for it. */
#define FRAGMENTS 200
#define GOP 10

/* The camera is in CAMERA_STATE from now on, and the fan-out has heard it. */
static void enter(const char *camera_state)
{
    char wanted[64];
    bool known = false;

    snprintf(wanted, sizeof(wanted), "\"state\":\"%s\"", camera_state);
    fanout_tell_state(&fanout, "front", camera_state, NULL);
    while (!known) { /* client_ functions fail when the time is over */
        struct client client;
        client_request(&client, fanout.port, "GET", "/api/cameras", "");
        char *length = client_header(&client, "Content-Length");
        char *body = strndup((const char *)client_read_bytes(&client, strtoul(length, NULL, 10)), 200);
        known = strstr(body, wanted);
        free(body);
        free(length);
        client_close(&client, false);
    }
}

static int set_up(void **state)
{
    front_set_up_generation(state);
    enter("streaming");
    return 0;
}

/* The next chunk, as a message; one of no bytes is the last one. */
static struct client_message next_chunk(struct client *client)
{
    char line[16] = "";

    for (size_t i = 0; i < sizeof(line) - 1 && !strstr(line, "\r\n"); i++) {
        line[i] = (char)client_read_bytes(client, 1)[0];
    }
    size_t length = strtoul(line, NULL, 16);
    const uint8_t *bytes = client_read_bytes(client, length + 2);
    assert_memory_equal(bytes + length, "\r\n", 2);
    return (struct client_message){.opcode = CLIENT_BINARY, .payload = bytes, .length = length};
}

static void expect_chunk(struct client *client, uint64_t number)
{
    struct client_message chunk = next_chunk(client);

    assert_int_equal(fragment_number(&chunk, NULL), number);
}

static void expect_init_chunk(struct client *client, const char *init)
{
    struct client_message chunk = next_chunk(client);

    assert_int_equal(chunk.length, strlen(init));
    assert_memory_equal(chunk.payload, init, chunk.length);
}

/* The last chunk, and then the connection is closed. */
static void expect_end(struct client *client)
{
    struct client_message message;

    assert_int_equal(next_chunk(client).length, 0);
    assert_false(client_next(client, &message));
    client_close(client, false);
}

static void expect_header(const struct client *client, const char *name, const char *wanted)
{
    char *value = client_header(client, name);

    if (wanted) {
        assert_string_equal(value, wanted);
    } else {
        assert_null(value);
    }
    free(value);
}

/* Has asked for the file and received INIT_A and the fragments FIRST to LAST. */
static void begin_file(struct client *client, const char *path, uint64_t first, uint64_t last)
{
    client_request(client, fanout.port, "GET", path, "");
    assert_int_equal(client->status, 200);
    expect_init_chunk(client, INIT_A);
    for (uint64_t number = first; number <= last; number++) {
        expect_chunk(client, number);
    }
}

/* The same for a viewer over a WebSocket, who may be told of the camera's state at any time. */
static void expect_frame(struct client *viewer, uint64_t number)
{
    struct client_message message;

    do {
        assert_true(client_next(viewer, &message));
    } while (message.opcode != CLIENT_BINARY);
    assert_int_equal(fragment_number(&message, NULL), number);
}

static void a_file_begins_at_the_newest_keyframe_and_goes_on(void **state)
{
    struct client client, viewer;
    (void)state;
    publish_gop(5);
    publish_gop(3);
    watch_front_from(&viewer, 6, 8);
    begin_file(&client, PATH, 6, 8);
    expect_header(&client, "Content-Type", "video/mp4");
    expect_header(&client, "Transfer-Encoding", "chunked");
    expect_header(&client, "Cache-Control", "no-store");
    expect_header(&client, "Content-Length", NULL);
    fanout_wait_viewers(&fanout, "front", 2);
    for (uint64_t number = 9; number < 30; number++) {
        source_publish(&front, FRAGMENT_BYTES, number % 10 == 0);
        expect_chunk(&client, number);
        expect_frame(&viewer, number); /* another viewer gets the same bytes, which are not a chunk for it */
    }
    client_close(&client, false);
    fanout_wait_viewers(&fanout, "front", 1);
    client_close(&viewer, false);
    fanout_wait_viewers(&fanout, "front", 0);
}

static void without_chunks_the_file_ends_with_its_connection(void **state)
{
    struct client client;
    (void)state;
    publish_gop(1);
    client_connect(&client, fanout.port, 0);
    client_send(&client, "GET " PATH " HTTP/1.0\r\n\r\n");
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    expect_header(&client, "Transfer-Encoding", NULL);
    assert_memory_equal(client_read_bytes(&client, strlen(INIT_A)), INIT_A, strlen(INIT_A));
    struct client_message first = {.opcode = CLIENT_BINARY, .length = FRAGMENT_BYTES};
    first.payload = client_read_bytes(&client, FRAGMENT_BYTES);
    assert_int_equal(fragment_number(&first, NULL), 1);
    remove_camera("front");
    client_drain(&client);
    client_close(&client, false);
}

static void what_it_asks_for_is_there_or_is_not(void **state)
{
    static const struct {
        const char *method, *path;
        int status;
    } requests[] = {
        {"HEAD", PATH, 200},
        {"HEAD", PATH "?duration=x", 400},
        {"GET", PATH "?duration=0", 400},
        {"GET", PATH "?duration=", 400},
        {"GET", PATH "?duration=-1", 400},
        {"GET", PATH "?duration=1e3", 400},
        {"GET", PATH "?duration=700000", 400},
        {"GET", PATH "?start=1", 400},
        {"GET", PATH "?start=", 400},
        {"HEAD", PATH "?start=0", 200},
        {"GET", PATH "?stream=sub", 404},
        {"GET", PATH "?stream=other", 404},
        {"GET", "/stream/front", 404},
        {"GET", "/stream/.mp4", 404},
        {"GET", "/stream/", 404},
        {"GET", "/stream/back.mp4", 404},
        {"GET", "/stream/front/sub.mp4", 404},
        {"POST", PATH, 405},
        {"PUT", PATH, 405},
    };
    (void)state;
    publish_gop(1);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct client client;
        client_request(&client, fanout.port, requests[i].method, requests[i].path, "");
        if (client.status != requests[i].status) {
            fail_msg("%s %s: %d", requests[i].method, requests[i].path, client.status);
        }
        client_close(&client, false);
    }
    fanout_wait_viewers(&fanout, "front", 0);
}

static void a_file_is_as_long_as_it_was_to_be(void **state)
{
    struct client client;
    (void)state;
    publish_gop(3); /* a fragment has 40 ms */
    begin_file(&client, PATH "?duration=0.2", 1, 3);
    for (uint64_t number = 4; number <= 5; number++) {
        source_publish(&front, FRAGMENT_BYTES, false);
        expect_chunk(&client, number);
    }
    source_publish(&front, FRAGMENT_BYTES, false);
    expect_end(&client);
    fanout_wait_viewers(&fanout, "front", 0);
}

/* The camera sends nothing any more: the clock ends the file. */
static void a_file_whose_camera_is_gone_ends_all_the_same(void **state)
{
    struct client client;
    (void)state;
    publish_gop(2);
    begin_file(&client, PATH "?duration=0.5", 1, 2);
    expect_end(&client);
}

static void what_a_camera_that_is_away_sent_before_is_not_the_beginning(void **state)
{
    struct client client;
    (void)state;
    publish_gop(5);
    enter("backoff");
    client_connect(&client, fanout.port, 0);
    client_send(&client, "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    fanout_wait_viewers(&fanout, "front", 1);
    source_publish(&front, FRAGMENT_BYTES, false);
    source_publish(&front, FRAGMENT_BYTES, true);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    expect_init_chunk(&client, INIT_A);
    expect_chunk(&client, 7);
    client_close(&client, false);
}

static void a_camera_that_sends_nothing_is_not_waited_for_for_ever(void **state)
{
    struct client client;
    (void)state;
    client_request(&client, fanout.port, "GET", PATH, ""); /* 10 s */
    assert_int_equal(client.status, 503);
    expect_header(&client, "Retry-After", "5");
    client_close(&client, false);
    fanout_wait_viewers(&fanout, "front", 0);
}

static void a_sleeping_camera_is_woken(void **state)
{
    struct client client;
    (void)state;
    enter("idle");
    client_connect(&client, fanout.port, 0);
    client_send(&client, "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    json_t *wanted = fanout_wait(&fanout, "wanted");
    assert_string_equal(json_string_value(json_object_get(wanted, "name")), "front");
    json_decref(wanted);
    publish_gop(1);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    client_close(&client, false);
}

/* A new init segment that is the same changes nothing; another one is another file. */
static void a_file_has_one_picture(void **state)
{
    struct client client;
    (void)state;
    publish_gop(2);
    begin_file(&client, PATH, 1, 2);
    source_restart(&front);
    source_generation(&front, CODECS, INIT_A);
    source_publish(&front, FRAGMENT_BYTES, true);
    expect_chunk(&client, 3);
    source_generation(&front, CODECS, INIT_B);
    source_publish(&front, FRAGMENT_BYTES, true);
    expect_end(&client);
}

static void who_reads_slowly_goes_on_with_the_newest_keyframe(void **state)
{
    struct client slow, fast;
    uint64_t last = 0, number, missed = 0;
    bool keyframe;
    (void)state;
    source_publish(&front, LARGE_BYTES, true);
    client_connect(&slow, fanout.port, SMALL_BUFFER);
    client_send(&slow, "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read_head(&slow);
    watch_front_from(&fast, 1, 1);
    publish_large(&fast, 2, FRAGMENTS, GOP);
    expect_init_chunk(&slow, INIT_A);
    do {
        struct client_message chunk = next_chunk(&slow);
        number = fragment_number(&chunk, &keyframe); /* whole, or it fails */
        assert_true(number > last);
        assert_true(number == last + 1 || keyframe);
        missed += number - last - 1;
        last = number;
    } while (last < FRAGMENTS);
    assert_true(missed > 0);
    client_close(&slow, false);
    client_close(&fast, false);
}

/* Its last fragment is whole, and the file has its end, although the client has much to read before that. */
static void who_reads_slowly_gets_the_end_too(void **state)
{
    struct client slow, fast;
    (void)state;
    source_publish(&front, LARGE_BYTES, true);
    client_connect(&slow, fanout.port, SMALL_BUFFER);
    client_send(&slow, "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read_head(&slow);
    watch_front_from(&fast, 1, 1);
    publish_large(&fast, 2, 60, 1000);
    remove_camera("front");
    expect_close(&fast, 1001);
    expect_init_chunk(&slow, INIT_A);
    struct client_message chunk;
    for (uint64_t number = 1; (chunk = next_chunk(&slow)).length > 0; number++) {
        assert_int_equal(fragment_number(&chunk, NULL), number);
    }
    client_close(&slow, false);
}

static void the_operator_ends_a_file_in_order(void **state)
{
    struct client client;
    (void)state;
    publish_gop(1);
    begin_file(&client, PATH, 1, 1);
    json_t *kick = message_new("kick");
    json_object_set_new(kick, "camera", json_string("front"));
    fanout_tell(&fanout, kick, NULL, 0);
    expect_end(&client);
}

/* What a client says more is of no use, and is no reason for anything. */
static void what_follows_the_request_is_passed_over(void **state)
{
    struct client client;
    (void)state;
    publish_gop(1);
    begin_file(&client, PATH, 1, 1);
    client_send(&client, "GET / HTTP/1.1\r\nHost: x\r\n\r\nnothing");
    for (uint64_t number = 2; number < 6; number++) {
        source_publish(&front, FRAGMENT_BYTES, false);
        expect_chunk(&client, number);
    }
    client_close(&client, false);
}

static void two_hundred_files_leave_nothing(void **state)
{
    struct client client;
    (void)state;
    publish_gop(1);
    int before = fanout_descriptors(&fanout, NULL);
    for (int i = 0; i < 200; i++) {
        begin_file(&client, PATH, 1, 1);
        client_close(&client, i % 2 == 0);
    }
    fanout_wait_viewers(&fanout, "front", 0);
    for (int i = 0; fanout_descriptors(&fanout, NULL) > before && i < 500; i++) {
        poll(NULL, 0, 20); /* the last ones may still be closed */
    }
    assert_true(fanout_descriptors(&fanout, NULL) <= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_begins_at_the_newest_keyframe_and_goes_on, set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(without_chunks_the_file_ends_with_its_connection, set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(what_it_asks_for_is_there_or_is_not, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_as_long_as_it_was_to_be, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(a_file_whose_camera_is_gone_ends_all_the_same, set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(what_a_camera_that_is_away_sent_before_is_not_the_beginning, set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_camera_that_sends_nothing_is_not_waited_for_for_ever, set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(a_sleeping_camera_is_woken, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(a_file_has_one_picture, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(who_reads_slowly_goes_on_with_the_newest_keyframe, set_up,
                                        front_tear_down),
        cmocka_unit_test_setup_teardown(who_reads_slowly_gets_the_end_too, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(the_operator_ends_a_file_in_order, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(what_follows_the_request_is_passed_over, set_up, front_tear_down),
        cmocka_unit_test_setup_teardown(two_hundred_files_leave_nothing, set_up, front_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
