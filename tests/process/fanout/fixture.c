/* SPDX-License-Identifier: MIT */
#include "tests/process/fanout/fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"

struct fanout fanout;
struct source front;

void front_begin(size_t capacity, const char *limit, int value)
{
    fanout_start_limited(&fanout, limit, value);
    source_begin(&front, &fanout, "front", capacity);
}

int front_set_up(void **state)
{
    (void)state;
    front_begin(RING_BYTES, NULL, 0);
    return 0;
}

int front_set_up_generation(void **state)
{
    front_set_up(state);
    source_generation(&front, CODECS, INIT_A);
    return 0;
}

int front_tear_down(void **state)
{
    (void)state;
    if (fanout.pid) {
        fanout_end(&fanout, SIGTERM);
    }
    source_end(&front);
    return 0;
}

void publish_gop(size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        source_publish(&front, FRAGMENT_BYTES, i == 0);
    }
}

void publish_large(struct client *fast, uint64_t first, uint64_t last, unsigned gop)
{
    for (uint64_t number = first; number <= last; number++) {
        source_publish(&front, LARGE_BYTES, number % gop == 1);
        expect_fragment(fast, number);
    }
}

void watch_front(struct client *client, int receive_bytes)
{
    watch_camera(client, &fanout, "/live/front", receive_bytes);
}

void watch_front_from(struct client *client, uint64_t first, uint64_t last)
{
    watch_front(client, 0);
    expect_init(client, INIT_A);
    expect_fragments(client, first, last);
}

void expect_fragments(struct client *client, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        expect_fragment(client, number);
    }
}

struct missed read_with_drops(struct client *client, uint64_t last)
{
    struct missed missed = {0};
    uint64_t number = 0;
    expect_init(client, INIT_A);
    while (number < last) {
        struct client_message message;
        next_data(client, &message);
        uint64_t next = number + 1;
        if (message.opcode == CLIENT_TEXT) {
            json_t *drop = json_loadb((const char *)message.payload, message.length, 0, NULL);
            assert_string_equal(json_string_value(json_object_get(drop, "type")), "drop");
            assert_int_equal(json_integer_value(json_object_get(drop, "from")), number);
            next = (uint64_t)json_integer_value(json_object_get(drop, "to"));
            assert_int_equal(json_integer_value(json_object_get(drop, "fragments")), next - number - 1);
            missed.fragments += next - number - 1;
            json_decref(drop);
            next_data(client, &message);
        }
        bool keyframe;
        assert_int_equal(fragment_number(&message, &keyframe), next);
        if (next != number + 1) {
            assert_true(keyframe);
            missed.drops++;
        }
        number = next;
    }
    return missed;
}

void say(struct client *client, const char *text)
{
    client_send_frame(client, CLIENT_TEXT, text, strlen(text));
}

void remove_camera(const char *name)
{
    json_t *message = message_new("camera-remove");
    json_object_set_new(message, "name", json_string(name));
    fanout_tell(&fanout, message, NULL, 0);
}
