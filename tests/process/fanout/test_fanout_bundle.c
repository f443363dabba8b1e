/* SPDX-License-Identifier: MIT */
/* One WebSocket with several cameras (docs/reference/websocket.md), from a real ringcast-fanout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/bytes.h"
#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"
#include "tests/process/fanout/visitors.h"

#define PROTOCOL "Sec-WebSocket-Protocol: ringcast.bundle.1\r\n"
#define REASONS "Sec-WebSocket-Protocol: ringcast, ringcast.reasons\r\n"
#define FRONT 7
#define BACK 2147483647
#define HEAD 4u

static struct source back;

/* `front` and `back`, each with a generation; FRONT_BYTES: the ring of the first. */
static void begin(size_t front_bytes)
{
    front_begin(front_bytes, NULL, 0);
    source_generation(&front, CODECS, INIT_A);
    source_begin(&back, &fanout, "back", RING_BYTES);
    source_generation(&back, CODECS, INIT_B);
}

static int set_up(void **state)
{
    (void)state;
    begin(RING_BYTES);
    return 0;
}

static int set_up_large(void **state)
{
    (void)state;
    begin(8 << 20);
    return 0;
}

static int tear_down(void **state)
{
    front_tear_down(state);
    source_end(&back);
    return 0;
}

/* The address says so many messages; BEGUN of them are obeyed. */
static void open_saying(struct client *client, const char *path, const char *headers, int receive_bytes,
                        int begun)
{
    char all[512];

    snprintf(all, sizeof(all), PROTOCOL "%s", headers);
    client_open(client, fanout.port, path, all, receive_bytes);
    assert_int_equal(client->status, 101);
    char *chosen = client_header(client, "Sec-WebSocket-Protocol");
    assert_string_equal(chosen, "ringcast.bundle.1");
    free(chosen);
    json_t *hello = expect_text(client, "hello");
    assert_int_equal(json_integer_value(json_object_get(hello, "version")), 1);
    assert_int_equal(json_integer_value(json_object_get(hello, "subscriptions")), 512);
    assert_int_equal(json_integer_value(json_object_get(hello, "begun")), begun);
    json_decref(hello);
}

static void open_bundle(struct client *client, const char *headers, int receive_bytes)
{
    open_saying(client, "/live", headers, receive_bytes, 0);
}

/* MORE: further members, with a comma before them. */
static void subscribe(struct client *client, unsigned id, const char *camera, const char *more)
{
    char text[256];

    snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"id\":%u,\"camera\":\"%s\"%s}", id, camera, more);
    say(client, text);
}

static void say_of(struct client *client, const char *type, unsigned id, const char *more)
{
    char text[256];

    snprintf(text, sizeof(text), "{\"type\":\"%s\",\"id\":%u%s}", type, id, more);
    say(client, text);
}

static json_t *expect_text_of(struct client *client, unsigned id, const char *type)
{
    json_t *text = expect_text(client, type);

    assert_int_equal(json_integer_value(json_object_get(text, "id")), id);
    return text;
}

static void expect_state_of(struct client *client, unsigned id)
{
    json_decref(expect_text_of(client, id, "state"));
}

/* The next message is binary and of the subscription ID, whose number is taken off. */
static void next_of(struct client *client, unsigned id, struct client_message *message)
{
    next_data(client, message);
    assert_int_equal(message->opcode, CLIENT_BINARY);
    assert_true(message->length >= HEAD);
    assert_int_equal(bytes_get_be32(message->payload), id);
    message->payload += HEAD;
    message->length -= HEAD;
}

static void expect_init_of(struct client *client, unsigned id, const char *init_text)
{
    struct client_message message;

    json_t *text = expect_text_of(client, id, "init");
    assert_string_equal(json_string_value(json_object_get(text, "codecs")), CODECS);
    json_decref(text);
    next_of(client, id, &message);
    assert_int_equal(message.length, strlen(init_text));
    assert_memory_equal(message.payload, init_text, message.length);
}

static void expect_fragments_of(struct client *client, unsigned id, uint64_t first, uint64_t last)
{
    struct client_message message;

    for (uint64_t number = first; number <= last; number++) {
        next_of(client, id, &message);
        assert_int_equal(fragment_number(&message, NULL), number);
    }
}

static void expect_end_of(struct client *client, unsigned id, int code, const char *reason)
{
    json_t *end = expect_text_of(client, id, "ended");

    assert_int_equal(json_integer_value(json_object_get(end, "code")), code);
    const char *said = json_string_value(json_object_get(end, "reason"));
    if (reason) {
        assert_string_equal(said, reason);
    } else {
        assert_true(json_is_null(json_object_get(end, "reason")));
    }
    json_decref(end);
}

/* All that was said before has been answered, and nothing else has come. */
static void expect_nothing_else(struct client *client)
{
    say(client, "{\"type\":\"time\",\"client\":1.5}");
    json_t *time = expect_text(client, "time");
    assert_true(json_real_value(json_object_get(time, "client")) == 1.5);
    assert_null(json_object_get(time, "id"));
    json_decref(time);
}

static void publish_back(size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        source_publish(&back, FRAGMENT_BYTES, i == 0);
    }
}

/* `front` and `back` are subscribed, and have come up to fragment 3 and 2. */
static void watch_both(struct client *client)
{
    publish_gop(3);
    publish_back(2);
    open_bundle(client, "", 0);
    subscribe(client, FRONT, "front", "");
    expect_state_of(client, FRONT);
    expect_init_of(client, FRONT, INIT_A);
    expect_fragments_of(client, FRONT, 1, 3);
    fanout_wait_viewers(&fanout, "front", 1);
    subscribe(client, BACK, "back", "");
    expect_state_of(client, BACK);
    expect_init_of(client, BACK, INIT_B);
    expect_fragments_of(client, BACK, 1, 2);
    fanout_wait_viewers(&fanout, "back", 1);
}

/* {"type":"subscribe","id":ID,"camera":"NAME"}, as it stands in an address. */
#define SAYS(id, name)                                                                                       \
    "%7B%22type%22%3A%22subscribe%22%2C%22id%22%3A" id "%2C%22camera%22%3A%22" name "%22%7D"

static void the_address_says_the_first_messages(void **state)
{
    struct client client;
    (void)state;
    publish_gop(3);
    publish_back(2);
    /* The other way round the end of 9 may come between the pictures, when those take more than a turn. */
    open_saying(&client, "/live?begin=%5B" SAYS("9", "nowhere") "%2C" SAYS("7", "front") "%5D", "", 0, 2);
    expect_end_of(&client, 9, 4404, "no such camera");
    expect_state_of(&client, FRONT);
    expect_init_of(&client, FRONT, INIT_A);
    expect_fragments_of(&client, FRONT, 1, 3);
    fanout_wait_viewers(&fanout, "front", 1);
    subscribe(&client, BACK, "back", "");
    expect_state_of(&client, BACK);
    expect_init_of(&client, BACK, INIT_B);
    expect_fragments_of(&client, BACK, 1, 2);
    client_close(&client, false);
    fanout_wait_viewers(&fanout, "front", 0);
}

static void an_address_that_is_not_understood_says_nothing(void **state)
{
    static const char *const wrong[] = {"", "x", "%5B", "%7B%7D", "1", "null", "%5B%5D"};
    char many[4096] = "/live?begin=%5B" SAYS("1", "front"), path[64];
    struct client client;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(path, sizeof(path), "/live?begin=%s", wrong[i]);
        open_saying(&client, path, "", 0, 0);
        client_close(&client, false);
    }
    for (int i = 0; i < 32; i++) {
        strcat(many, "%2C%7B%7D");
    }
    strcat(many, "%5D");
    open_saying(&client, many, "", 0, 0);
    client_close(&client, false);
}

static void cameras_share_a_socket(void **state)
{
    struct client both, one;
    (void)state;
    watch_both(&both);
    watch_front_from(&one, 1, 3);
    for (uint64_t number = 4; number < 20; number++) {
        source_publish(&front, FRAGMENT_BYTES + number, number % 5 == 0);
        expect_fragments_of(&both, FRONT, number, number);
        expect_fragment(&one, number); /* without the number: the same bytes */
        source_publish(&back, FRAGMENT_BYTES, false);
        expect_fragments_of(&both, BACK, number - 1, number - 1);
    }
    fanout_tell_state(&fanout, "back", "backoff", "no route to host");
    json_t *text = expect_text_of(&both, BACK, "state");
    assert_string_equal(json_string_value(json_object_get(text, "error")), "no route to host");
    json_decref(text);
    source_generation(&front, CODECS, INIT_B);
    publish_gop(1);
    expect_init_of(&both, FRONT, INIT_B);
    expect_fragments_of(&both, FRONT, 20, 20);
    expect_init(&one, INIT_B);
    expect_fragment(&one, 20);
    client_close(&one, false);
    client_close(&both, false);
    fanout_wait_viewers(&fanout, "front", 0);
}

static void subscriptions_come_and_go(void **state)
{
    struct client client;
    (void)state;
    watch_both(&client);
    say_of(&client, "unsubscribe", FRONT, "");
    expect_nothing_else(&client);
    fanout_wait_viewers(&fanout, "front", 0);
    publish_gop(3);
    publish_gop(2); /* from 7 */
    publish_back(1);
    expect_fragments_of(&client, BACK, 3, 3);
    subscribe(&client, FRONT, "front", "");
    expect_state_of(&client, FRONT);
    expect_init_of(&client, FRONT, INIT_A);
    expect_fragments_of(&client, FRONT, 7, 8);

    say_of(&client, "pause", FRONT, "");
    expect_nothing_else(&client);
    publish_gop(2); /* from 9 */
    publish_gop(1); /* 11 */
    publish_back(1);
    expect_fragments_of(&client, BACK, 4, 4);
    say_of(&client, "resume", FRONT, "");
    expect_fragments_of(&client, FRONT, 11, 11);
    fanout_wait_viewers(&fanout, "front", 1);
    say(&client, "{\"type\":\"pause\"}");
    expect_nothing_else(&client);
    fanout_wait_viewers(&fanout, "front", 0); /* and of `back`, in the same report */
    publish_back(1);
    publish_gop(1);
    say(&client, "{\"type\":\"resume\"}");
    expect_fragments_of(&client, BACK, 5, 5); /* in the order of their subscriptions */
    expect_fragments_of(&client, FRONT, 12, 12);
    say_of(&client, "unsubscribe", FRONT, "");
    say_of(&client, "unsubscribe", FRONT, ""); /* what is not there may be left, paused and changed */
    say_of(&client, "pause", 99, "");
    say_of(&client, "change", 99, ",\"frames\":\"key\"");
    expect_nothing_else(&client);
    client_close(&client, false);
}

static void frames_and_streams_are_chosen(void **state)
{
    struct client client;
    struct source sub;
    (void)state;
    source_begin(&sub, &fanout, "front/sub", RING_BYTES);
    source_generation(&sub, CODECS, INIT_B);
    source_publish(&sub, FRAGMENT_BYTES, true);
    publish_gop(4);
    open_bundle(&client, "", 0);
    subscribe(&client, FRONT, "front", ",\"frames\":\"key\"");
    expect_state_of(&client, FRONT);
    expect_init_of(&client, FRONT, INIT_A);
    expect_fragments_of(&client, FRONT, 1, 1);
    publish_gop(4);
    publish_gop(4);
    expect_fragments_of(&client, FRONT, 5, 5);
    expect_fragments_of(&client, FRONT, 9, 9);
    say_of(&client, "change", FRONT, ",\"frames\":\"all\"");
    expect_state_of(&client, FRONT);
    expect_init_of(&client, FRONT, INIT_A);
    expect_fragments_of(&client, FRONT, 9, 12);
    say_of(&client, "change", FRONT, ",\"frames\":\"all\",\"stream\":\"main\""); /* as it is */
    expect_nothing_else(&client);
    say_of(&client, "change", FRONT, ",\"stream\":\"sub\"");
    expect_state_of(&client, FRONT);
    expect_init_of(&client, FRONT, INIT_B);
    expect_fragments_of(&client, FRONT, 1, 1);
    fanout_wait_viewers(&fanout, "front/sub", 1);
    subscribe(&client, BACK, "front", ",\"stream\":\"sub\"");
    expect_state_of(&client, BACK);
    expect_init_of(&client, BACK, INIT_B);
    expect_fragments_of(&client, BACK, 1, 1);
    fanout_wait_viewers(&fanout, "front/sub", 2);
    say_of(&client, "change", BACK, ",\"stream\":\"third\"");
    expect_end_of(&client, BACK, 4410, "no such stream of this camera");
    client_close(&client, false);
    source_end(&sub);
}

static void what_cannot_be_had_is_refused_by_itself(void **state)
{
    static const struct {
        const char *text;
        unsigned id; /* 0: an `error` without a subscription */
        int code;
        const char *reason;
    } cases[] = {
        {"{\"type\":\"subscribe\",\"id\":1,\"camera\":\"nobody\"}", 1, 4404, "no such camera"},
        {"{\"type\":\"subscribe\",\"id\":1,\"camera\":\"\"}", 1, 4404, "no such camera"},
        {"{\"type\":\"subscribe\",\"id\":1,\"camera\":\"front/sub\"}", 1, 4404, "no such camera"},
        {"{\"type\":\"subscribe\",\"id\":1,\"camera\":\"nobody\",\"stream\":\"sub\"}", 1, 4404,
         "no such camera"},
        {"{\"type\":\"subscribe\",\"id\":1,\"camera\":\"front\",\"stream\":\"sub\"}", 1, 4410,
         "no such stream of this camera"},
        {"{\"type\":\"subscribe\",\"id\":1,\"camera\":\"front\",\"stream\":\"third\"}", 1, 4410,
         "no such stream of this camera"},
        {"{\"type\":\"subscribe\",\"id\":1,\"camera\":\"front\",\"frames\":\"some\"}", 1, 4400,
         "frames is \"all\" or \"key\""},
        {"{\"type\":\"subscribe\",\"id\":1}", 1, 4400, "camera is missing"},
        {"{\"type\":\"subscribe\",\"camera\":\"front\"}", 0, 0, "id is not an integer from 1 to 2147483647"},
        {"{\"type\":\"subscribe\",\"id\":2147483648,\"camera\":\"front\"}", 0, 0,
         "id is not an integer from 1 to 2147483647"},
        {"{\"type\":\"subscribe\",\"id\":\"1\",\"camera\":\"front\"}", 0, 0,
         "id is not an integer from 1 to 2147483647"},
        {"{\"type\":\"unsubscribe\"}", 0, 0, "id is not an integer from 1 to 2147483647"},
        {"{\"type\":\"time\"}", 0, 0, "client is not a number"},
        {"[]", 0, 0, "not an object with a type"},
        {"nonsense", 0, 0, "not JSON"},
    };
    struct client client;
    (void)state;
    watch_both(&client);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        say(&client, cases[i].text);
        if (cases[i].id > 0) {
            expect_end_of(&client, cases[i].id, cases[i].code, cases[i].reason);
            continue;
        }
        json_t *error = expect_text(&client, "error");
        assert_string_equal(json_string_value(json_object_get(error, "reason")), cases[i].reason);
        json_decref(error);
    }
    subscribe(&client, FRONT, "back", ""); /* the number is taken; who has it goes on */
    json_t *error = expect_text_of(&client, FRONT, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "this id is in use");
    json_decref(error);
    say(&client, "{\"type\":\"polka\",\"id\":7}");
    client_send_frame(&client, CLIENT_BINARY, "\0\0\0\7", 4);
    expect_nothing_else(&client);
    publish_gop(1);
    expect_fragments_of(&client, FRONT, 4, 4);
    client_close(&client, false);
}

/* A message that comes in pieces is one; one that is too long is refused, however it comes. */
static void messages_may_come_in_pieces(void **state)
{
    enum { MOST = 1024 };
    static const char subscription[] = "{\"type\":\"subscribe\",\"id\":7,\"camera\":\"front\"}";
    char longest[MOST + 1];
    struct client client;
    (void)state;
    snprintf(longest, sizeof(longest), "%-*s", MOST, subscription);
    open_bundle(&client, "", 0);
    client_send_frame_slowly(&client, CLIENT_TEXT, subscription, strlen(subscription));
    expect_state_of(&client, 7);
    expect_init_of(&client, 7, INIT_A);
    say_of(&client, "unsubscribe", 7, "");
    client_send_fragment(&client, CLIENT_TEXT, longest, 20, false);
    client_send_fragment(&client, CLIENT_CONTINUATION, longest + 20, MOST - 20, true);
    expect_state_of(&client, 7);
    expect_init_of(&client, 7, INIT_A);
    say_of(&client, "unsubscribe", 7, "");
    client_send_fragment(&client, CLIENT_TEXT, longest, MOST, false);
    client_send_fragment(&client, CLIENT_CONTINUATION, " ", 1, true);
    json_t *error = expect_text(&client, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "longer than 1024 bytes");
    json_decref(error);
    expect_nothing_else(&client);
    client_close(&client, false);
}

static void there_are_so_many_and_no_more(void **state)
{
    enum { MOST = 512 };
    struct client client;
    (void)state;
    source_move(&front, RING_BYTES); /* it has sent nothing: only states come */
    open_bundle(&client, "", 0);
    for (unsigned id = 1; id <= MOST; id++) {
        subscribe(&client, id, "front", "");
        expect_state_of(&client, id);
    }
    subscribe(&client, MOST + 1, "front", "");
    expect_end_of(&client, MOST + 1, 1013, "too many subscriptions");
    say_of(&client, "unsubscribe", 1, "");
    subscribe(&client, MOST + 1, "front", "");
    expect_state_of(&client, MOST + 1);
    fanout_wait_viewers(&fanout, "front", MOST);
    client_close(&client, true);
    fanout_wait_viewers(&fanout, "front", 0);
}

/* What happens to one camera is told with its number, and the others go on. */
static void one_ends_and_the_others_go_on(void **state)
{
    struct client client;
    (void)state;
    watch_both(&client);
    remove_camera("front");
    expect_end_of(&client, FRONT, 1001, "the camera was removed");
    publish_back(1);
    expect_fragments_of(&client, BACK, 3, 3);
    json_t *kick = message_new("kick");
    json_object_set_new(kick, "camera", json_string("back"));
    fanout_tell(&fanout, kick, NULL, 0);
    expect_end_of(&client, BACK, 4000, "closed by the operator");
    subscribe(&client, BACK, "back", "");
    expect_state_of(&client, BACK);
    expect_init_of(&client, BACK, INIT_B);
    expect_fragments_of(&client, BACK, 3, 3);
    fanout_tell(&fanout, message_new("stop"), NULL, 0);
    expect_close(&client, 1001);
    fanout_end(&fanout, 0);
}

/* Reads what has come of both cameras until both have come to LAST. Returns how many of `front` came after the last of `back`. */
static unsigned read_both(struct client *client, uint64_t last)
{
    uint64_t at[2] = {1, 1};
    unsigned after = 0;

    while (at[0] < last || at[1] < last) {
        struct client_message message;
        next_data(client, &message);
        assert_int_equal(message.opcode, CLIENT_BINARY); /* nobody was told to have missed something */
        unsigned camera = bytes_get_be32(message.payload) == FRONT ? 0 : 1;
        message.payload += HEAD;
        message.length -= HEAD;
        uint64_t number = fragment_number(&message, NULL);
        assert_int_equal(number, at[camera] + 1);
        at[camera] = number;
        after = camera == 1 ? 0 : after + 1;
    }
    return after;
}

/* A camera with much to send is sent as much as the others, and what is left is its own. */
static void a_large_camera_does_not_hold_up_a_small_one(void **state)
{
    enum { LAST = 200, TINY = 600 };
    struct client slow;
    (void)state;
    source_publish(&front, LARGE_BYTES, true);
    source_publish(&back, TINY, true);
    open_bundle(&slow, "", SMALL_BUFFER);
    subscribe(&slow, FRONT, "front", "");
    expect_state_of(&slow, FRONT);
    expect_init_of(&slow, FRONT, INIT_A);
    expect_fragments_of(&slow, FRONT, 1, 1);
    subscribe(&slow, BACK, "back", "");
    expect_state_of(&slow, BACK);
    expect_init_of(&slow, BACK, INIT_B);
    expect_fragments_of(&slow, BACK, 1, 1);
    for (uint64_t number = 2; number <= LAST; number++) { /* 4 MB, and 120 kB: more than a socket holds */
        source_publish(&front, LARGE_BYTES, false);
        source_publish(&back, TINY, false);
    }
    assert_true(read_both(&slow, LAST) > LAST / 3);
    source_publish(&front, LARGE_BYTES, false);
    expect_fragments_of(&slow, FRONT, LAST + 1, LAST + 1);
    source_publish(&back, TINY, false);
    expect_fragments_of(&slow, BACK, LAST + 1, LAST + 1);
    client_close(&slow, false);
}

/* F2, F9 for each camera of a socket that takes little: on with the newest keyframe, and told of it. */
static void a_slow_socket_goes_on_with_keyframes(void **state)
{
    enum { LAST = 300, GOP = 5 };
    struct client slow, fast;
    uint64_t at[2] = {1, 1};
    unsigned drops[2] = {0, 0};
    bool keyframe;
    (void)state;
    source_publish(&front, LARGE_BYTES, true);
    source_publish(&back, LARGE_BYTES, true);
    open_bundle(&slow, "", SMALL_BUFFER);
    subscribe(&slow, FRONT, "front", "");
    expect_state_of(&slow, FRONT);
    expect_init_of(&slow, FRONT, INIT_A);
    expect_fragments_of(&slow, FRONT, 1, 1);
    subscribe(&slow, BACK, "back", "");
    expect_state_of(&slow, BACK);
    expect_init_of(&slow, BACK, INIT_B);
    expect_fragments_of(&slow, BACK, 1, 1);
    watch_front_from(&fast, 1, 1);
    for (uint64_t number = 2; number <= LAST; number++) { /* each ring holds a part of that */
        source_publish(&back, LARGE_BYTES, number % GOP == 1);
        source_publish(&front, LARGE_BYTES, number % GOP == 1);
        expect_fragment(&fast, number); /* the others do not wait for it */
    }
    client_close(&fast, false);
    while (at[0] < LAST || at[1] < LAST) {
        struct client_message message;
        next_data(&slow, &message);
        if (message.opcode == CLIENT_TEXT) {
            json_t *text = json_loadb((const char *)message.payload, message.length, 0, NULL);
            unsigned camera = json_integer_value(json_object_get(text, "id")) == FRONT ? 0 : 1;
            drops[camera] += strcmp(json_string_value(json_object_get(text, "type")), "drop") == 0;
            json_decref(text);
            continue;
        }
        unsigned camera = bytes_get_be32(message.payload) == FRONT ? 0 : 1;
        message.payload += HEAD;
        message.length -= HEAD;
        if (memcmp(message.payload, "ftyp", 4) == 0) {
            continue;
        }
        uint64_t number = fragment_number(&message, &keyframe);
        assert_true(number > at[camera]);
        assert_true(keyframe || number == at[camera] + 1);
        at[camera] = number;
    }
    assert_true(drops[0] >= 1 && drops[1] >= 1);
    client_close(&slow, false);
    fanout_wait_viewers(&fanout, "front", 0);
}

/* ---- Rights ---- */

static int rights_set_up(void **state)
{
    visitors_set_up(state);
    publish_gop(1);
    source_publish(&yard, FRAGMENT_BYTES, true);
    return 0;
}

static int rights_tear_down(void **state)
{
    visitors_tear_down(state);
    return 0;
}

static void expect_stream_of(struct client *client, unsigned id)
{
    expect_state_of(client, id);
    expect_init_of(client, id, INIT_A);
    expect_fragments_of(client, id, 1, 1);
}

static void each_camera_is_a_right_of_its_own(void **state)
{
    struct client client;
    (void)state;
    client_open(&client, fanout.port, "/live", PROTOCOL, 0);
    assert_int_equal(client.status, 401);
    client_close(&client, false);
    open_bundle(&client, BEARER_FRONT, 0);
    subscribe(&client, 1, "yard", "");
    expect_end_of(&client, 1, 4404, "no such camera"); /* as one that is not there */
    subscribe(&client, 1, "yard", ",\"stream\":\"sub\"");
    expect_end_of(&client, 1, 4404, "no such camera");
    subscribe(&client, 1, "front", "");
    expect_stream_of(&client, 1);
    client_close(&client, false);
}

static void a_right_that_ends_ends_one_subscription(void **state)
{
    struct client client;
    (void)state;
    open_bundle(&client, BEARER_ALL, 0);
    subscribe(&client, 1, "front", "");
    expect_stream_of(&client, 1);
    subscribe(&client, 2, "yard", "");
    expect_stream_of(&client, 2);
    json_t *access = usual_access();
    json_t *row = json_array_get(json_object_get(access, "tokens"), 1);
    json_array_set_new(json_object_get(row, "cameras"), 0, json_string("yard"));
    tell_access(access);
    expect_end_of(&client, 1, 4404, "no such camera");
    source_publish(&yard, FRAGMENT_BYTES, false);
    expect_fragments_of(&client, 2, 2, 2);
    subscribe(&client, 1, "front", "");
    expect_end_of(&client, 1, 4404, "no such camera");
    access = usual_access();
    json_array_remove(json_object_get(access, "tokens"), 1);
    tell_access(access);
    expect_close(&client, 4401);
}

/* A visitor who watches nothing at the moment is told when he wants something. */
static void a_log_in_that_has_ended_ends_the_socket(void **state)
{
    struct client client;
    (void)state;
    open_bundle(&client, BEARER_ALL, 0);
    json_t *access = usual_access();
    json_array_remove(json_object_get(access, "tokens"), 1);
    tell_access(access);
    subscribe(&client, 1, "front", "");
    expect_close(&client, 4401);
}

/* ---- The door ---- */

static void who_asks_for_reasons_is_told_by_a_close_code(void **state)
{
#define FOREIGN "Origin: http://elsewhere.example\r\n"
    static const struct {
        const char *path, *headers;
        int status, code; /* code 0: no WebSocket */
    } cases[] = {
        {"/live/nobody", REASONS, 101, 4404},
        {"/live/front?stream=sub", REASONS, 101, 4410},
        {"/live/nobody?stream=sub", REASONS, 101, 4404},
        {"/live/front", REASONS FOREIGN, 101, 4403},
        {"/live/nobody", REASONS FOREIGN, 101, 4403}, /* a foreign page learns nothing of names */
        {"/live", PROTOCOL FOREIGN, 101, 4403},
        {"/live/nobody", "", 404, 0},
        {"/live/front", FOREIGN, 403, 0},
        {"/elsewhere", REASONS, 404, 0},
        {"/live", "", 400, 0},
        {"/live", "Sec-WebSocket-Protocol: ringcast\r\n", 400, 0},
        {"/live", "Sec-WebSocket-Protocol: ringcast.bundle.2\r\n", 400, 0},
        {"/live/front", PROTOCOL, 400, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client;
        client_open(&client, fanout.port, cases[i].path, cases[i].headers, 0);
        if (client.status != cases[i].status) {
            fail_msg("case %zu: %d", i, client.status);
        }
        if (cases[i].code > 0) {
            expect_close(&client, cases[i].code);
        } else {
            client_close(&client, false);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define RIGHTS(name) cmocka_unit_test_setup_teardown(name, rights_set_up, rights_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_address_says_the_first_messages),
        TEST(an_address_that_is_not_understood_says_nothing),
        TEST(cameras_share_a_socket),
        TEST(subscriptions_come_and_go),
        TEST(frames_and_streams_are_chosen),
        TEST(what_cannot_be_had_is_refused_by_itself),
        TEST(messages_may_come_in_pieces),
        TEST(there_are_so_many_and_no_more),
        TEST(one_ends_and_the_others_go_on),
        cmocka_unit_test_setup_teardown(a_large_camera_does_not_hold_up_a_small_one, set_up_large, tear_down),
        TEST(a_slow_socket_goes_on_with_keyframes),
        RIGHTS(each_camera_is_a_right_of_its_own),
        RIGHTS(a_right_that_ends_ends_one_subscription),
        RIGHTS(a_log_in_that_has_ended_ends_the_socket),
        TEST(who_asks_for_reasons_is_told_by_a_close_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
