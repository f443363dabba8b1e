/* SPDX-License-Identifier: MIT */
/* A worker whose camera is another node's: the test plays ringcastd and the relay. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/cluster/attachment.h"
#include "common/cluster/piece.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "tests/process/ingest/fixture.h"
#include "tests/support/boxes.h"
#include "tests/support/patience.h"
#include "tests/support/remote_media.h"

#define RING_SIZE (1u << 20)
#define RING_SIZE_MAX (8u << 20)
#define PICTURE 1000u
#define ORIGIN 7

/* The other node's clock, and its ring's age, have nothing to do with this one's. */
#define SKEW_NS (3600 * NS_PER_SECOND)
#define DECODE_TIME 900000

struct scene {
    struct fork_server_process fork_server;
    struct worker_process worker;
    int relay; /* the relay's end of the socket */
    ringcast_cursor cursor;
    ringcast_entry entry;
    uint8_t *fragment; /* the last one that was read */
    /* Of the pieces that are sent. */
    uint64_t origin, fence;
    uint32_t generation;
    size_t part; /* bytes of the largest; 0: bodies are not cut */
    bool
        honest; /* they say when they are sent; else each says it later, so that on a slow machine none seems to be late */
    int64_t ahead_ns;
};

static void send_task(struct scene *scene, const char *url)
{
    json_t *camera = message_pack("camera", "{s:s, s:s, s:s, s:i}", "name", "cam", "url", url, "log_level",
                                  "debug", "ring_size_max", (int)RING_SIZE_MAX);
    int fds[2] = {scene->worker.ring.writer, scene->worker.wake};

    assert_int_equal(channel_send(scene->worker.channel, camera, fds, 2), 0);
    json_decref(camera);
}

/* Waits until the worker wants a socket, and gives it one. */
static void attach(struct scene *scene)
{
    json_t *relay = message_new("relay");
    int ends[2];

    json_decref(worker_wait_message(&scene->worker, "relay-wanted", NULL, NULL));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(channel_send(scene->worker.channel, relay, &ends[1], 1), 0);
    json_decref(relay);
    close(ends[1]);
    scene->relay = ends[0];
}

static void say(struct scene *scene, enum attachment_type type, const void *content, size_t size)
{
    uint8_t header[ATTACHMENT_HEADER];

    attachment_write(header, type, size);
    assert_int_equal(send(scene->relay, header, sizeof(header), MSG_NOSIGNAL), sizeof(header));
    for (size_t sent = 0; sent < size;) {
        ssize_t result = send(scene->relay, (const uint8_t *)content + sent, size - sent, MSG_NOSIGNAL);
        assert_true(result > 0);
        sent += (size_t)result;
    }
}

/* The next thing that the worker says must be TYPE. */
static void expect(struct scene *scene, enum attachment_type type)
{
    struct pollfd readable = {.fd = scene->relay, .events = POLLIN};
    uint8_t header[ATTACHMENT_HEADER];
    uint8_t got;

    assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
    assert_int_equal(recv(scene->relay, header, sizeof(header), MSG_WAITALL), sizeof(header));
    assert_int_equal(attachment_read(header, &got), 0);
    assert_int_equal(got, type);
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){.origin = ORIGIN, .generation = 3};
    scene->fragment = malloc(RING_SIZE_MAX);
    assert_non_null(scene->fragment);
    fork_server_start(&scene->fork_server);
    worker_spawn(&scene->fork_server, &scene->worker, RING_SIZE);
    assert_int_equal(ringcast_seek_keyframe(scene->worker.reader, &scene->cursor), -EAGAIN);
    send_task(scene, "ringcast://a/front");
    attach(scene);
    say(scene, ATTACHMENT_UP, NULL, 0);
    expect(scene, ATTACHMENT_JOIN);
}

static void end(struct scene *scene)
{
    worker_finish(&scene->worker);
    close(scene->relay);
    fork_server_stop(&scene->fork_server, NULL);
    free(scene->fragment);
}

/* --- Pieces --------------------------------------------------------------------------------------------- */

static void send_piece(struct scene *scene, struct piece piece, const uint8_t *body, size_t size)
{
    size_t part = scene->part ? scene->part : size;
    uint8_t *message = malloc(PIECE_HEADER + part);

    assert_non_null(message);
    piece.length = (uint32_t)size;
    piece.generation = scene->generation;
    piece.origin = scene->origin;
    piece.fence = scene->fence;
    for (size_t at = 0; at < size; at += part) {
        size_t length = size - at < part ? size - at : part;
        piece.offset = (uint32_t)at;
        scene->ahead_ns += scene->honest ? 0 : 10 * NS_PER_SECOND;
        piece.sent_ns = clock_now_ns() - SKEW_NS + scene->ahead_ns;
        piece_write(message, &piece);
        memcpy(message + PIECE_HEADER, body + at, length);
        say(scene, ATTACHMENT_PIECE, message, PIECE_HEADER + length);
    }
    free(message);
}

static void send_generation(struct scene *scene, bool large)
{
    uint8_t body[REMOTE_MEDIA_SIZE];
    size_t size = remote_media_generation(body, large);

    send_piece(scene, (struct piece){.kind = PIECE_GENERATION, .timescale = REMOTE_MEDIA_TIMESCALE}, body,
               size);
}

static void send_picture(struct scene *scene, uint64_t sequence, bool keyframe, size_t picture)
{
    const struct remote_media_fragment made = {
        .keyframe = keyframe,
        .decode_time = DECODE_TIME + (int64_t)sequence * REMOTE_MEDIA_TICK,
        .sound_time = (DECODE_TIME + (int64_t)sequence * REMOTE_MEDIA_TICK) * REMOTE_MEDIA_SOUND_RATE /
                      REMOTE_MEDIA_TIMESCALE,
        .picture = picture,
    };
    const struct piece piece = {
        .kind = PIECE_FRAGMENT,
        .flags = keyframe ? RINGCAST_KEYFRAME : 0,
        .sequence = sequence,
        .decode_time = made.decode_time,
        .duration = REMOTE_MEDIA_TICK,
        .timescale = REMOTE_MEDIA_TIMESCALE,
        .wall_ns = (int64_t)sequence,
        .age_us = 20000,
    };
    uint8_t *body = malloc(remote_media_fragment(NULL, &made));

    assert_non_null(body);
    send_piece(scene, piece, body, remote_media_fragment(body, &made));
    free(body);
}

static void send_fragment(struct scene *scene, uint64_t sequence, bool keyframe)
{
    send_picture(scene, sequence, keyframe, PICTURE);
}

static void send_beat(struct scene *scene, uint64_t sequence, enum piece_state state, const char *text)
{
    struct piece_beat beat = {.state = state};
    uint8_t body[PIECE_BEAT_MAX];

    snprintf(beat.text, sizeof(beat.text), "%s", text);
    size_t size = piece_write_beat(body, &beat);
    send_piece(scene, (struct piece){.kind = PIECE_BEAT, .sequence = sequence}, body, size);
}

/* The ring's next fragment is the other node's SEQUENCE, whole and with this ring's numbers. */
static void expect_fragment(struct scene *scene, uint64_t sequence)
{
    struct fragment_track tracks[2];

    worker_read_fragment(&scene->worker, &scene->cursor, scene->fragment, RING_SIZE_MAX, &scene->entry);
    assert_int_equal(scene->entry.wall_ns, sequence);
    assert_int_equal(boxes_check_fragment(scene->fragment, scene->entry.length, tracks),
                     (uint32_t)scene->entry.sequence);
    assert_int_equal(tracks[0].decode_time, scene->entry.decode_time);
    int64_t sound = (int64_t)tracks[1].decode_time * REMOTE_MEDIA_TIMESCALE / REMOTE_MEDIA_SOUND_RATE;
    assert_in_range(sound - scene->entry.decode_time + 10, 0, 20);
}

static void wait_state(struct scene *scene, const char *state, const char *text)
{
    for (bool found = false; !found;) {
        json_t *message = worker_wait_message(&scene->worker, "state", "state", state);
        found = strstr(message_string(message, "error", ""), text) != NULL;
        json_decref(message);
    }
}

/* Waits for a `stats` whose member NAME is VALUE. */
static void wait_stats(struct scene *scene, const char *name, json_int_t value)
{
    for (bool found = false; !found;) {
        json_t *message = worker_wait_message(&scene->worker, "stats", NULL, NULL);
        found = message_integer(message, name, -1) == value;
        json_decref(message);
    }
}

static void begin_streaming(struct scene *scene)
{
    begin(scene);
    send_generation(scene, false);
    send_fragment(scene, 100, true);
    expect_fragment(scene, 100);
    wait_state(scene, "streaming", "");
}

/* --- Tests ---------------------------------------------------------------------------------------------- */

static void a_remote_camera_streams(void **state)
{
    struct scene scene;
    ringcast_generation generation;
    uint8_t init[REMOTE_MEDIA_SIZE], expected[REMOTE_MEDIA_SIZE];

    (void)state;
    begin(&scene);
    send_fragment(&scene, 102, false); /* live, before the group so far */
    send_generation(&scene, false);
    for (uint64_t sequence = 100; sequence <= 103; sequence++) {
        send_fragment(&scene, sequence, sequence == 100);
    }
    send_fragment(&scene, 103, false); /* live and in the group: a double */
    send_fragment(&scene, 104, false);
    int64_t before_ns = clock_now_ns();
    for (uint64_t sequence = 100; sequence <= 104; sequence++) {
        expect_fragment(&scene, sequence);
        assert_int_equal(scene.entry.sequence, sequence - 99);
        assert_int_equal(scene.entry.flags, RINGCAST_REMOTE | (sequence == 100 ? RINGCAST_KEYFRAME : 0));
    }
    assert_in_range(before_ns - scene.entry.capture_ns + NS_PER_SECOND, 0, 20 * NS_PER_SECOND);
    assert_int_equal(ringcast_init_segment(scene.worker.reader, 0, init, sizeof(init), &generation), 0);
    assert_int_equal(generation.number, 1);
    assert_int_equal(generation.width, 640);
    assert_string_equal(generation.codecs, "avc1.42C01E,mp4a.40.2");
    assert_int_equal(generation.init_length, remote_media_init(expected, false));
    assert_memory_equal(init, expected, generation.init_length);
    json_t *message = worker_wait_message(&scene.worker, "state", "state", "streaming");
    assert_string_equal(message_string(message, "codecs", ""), "avc1.42C01E,mp4a.40.2");
    json_decref(message);
    message = worker_wait_message(&scene.worker, "stats", NULL, NULL);
    assert_int_equal(message_integer(message, "fragments", 0), 5);
    assert_int_equal(message_integer(message, "duplicates", 0), 1);
    assert_true(message_integer(message, "gop_bytes", 0) > 5 * PICTURE);
    assert_int_equal(message_integer(message, "ring_sequence", 0), 5);
    json_decref(message);
    end(&scene);
}

static void parts_come_together_and_generations_change(void **state)
{
    struct scene scene;
    ringcast_generation generation;

    (void)state;
    begin_streaming(&scene);
    scene.part = 333;
    send_fragment(&scene, 101, false);
    expect_fragment(&scene, 101);
    send_generation(&scene, false); /* the same once more: nothing begins */
    send_fragment(&scene, 102, false);
    expect_fragment(&scene, 102);
    assert_int_equal(scene.entry.generation, 1);
    scene.generation++;
    send_generation(&scene, true);
    send_fragment(&scene, 103, true);
    expect_fragment(&scene, 103);
    assert_int_equal(scene.entry.generation, 2);
    assert_int_equal(ringcast_init_segment(scene.worker.reader, 2, NULL, 0, &generation), 0);
    assert_int_equal(generation.width, 1920);
    json_t *message = worker_wait_message(&scene.worker, "state", "state", "streaming");
    assert_int_equal(message_integer(message, "width", 0), 1920);
    json_decref(message);
    end(&scene);
}

static void a_gap_is_asked_for(void **state)
{
    struct scene scene;

    (void)state;
    begin_streaming(&scene);
    send_fragment(&scene, 102, false);
    expect(&scene, ATTACHMENT_JOIN);
    for (uint64_t sequence = 100; sequence <= 102; sequence++) {
        send_fragment(&scene, sequence, sequence == 100);
    }
    expect_fragment(&scene, 101);
    expect_fragment(&scene, 102);
    send_fragment(&scene, 110, true); /* what cannot be had is missed */
    expect_fragment(&scene, 110);
    wait_stats(&scene, "lost", 7);
    end(&scene);
}

static void damaged_messages_cost_nothing_but_themselves(void **state)
{
    static const uint8_t garbage[200] = {1, 2, 3};
    struct scene scene;
    uint8_t header[PIECE_HEADER];

    (void)state;
    begin_streaming(&scene);
    say(&scene, ATTACHMENT_PIECE, garbage, sizeof(garbage));
    say(&scene, ATTACHMENT_PIECE, "", 0);
    say(&scene, (enum attachment_type)'?', garbage, 7); /* of a later version: no damage */
    struct piece piece = {.kind = PIECE_FRAGMENT, .sequence = 101, .timescale = REMOTE_MEDIA_TIMESCALE};
    send_piece(&scene, piece, garbage, sizeof(garbage)); /* well addressed, and nothing in it is a box */
    piece.kind = PIECE_GENERATION;
    send_piece(&scene, piece, garbage, sizeof(garbage));
    piece_write(header, &(struct piece){.kind = PIECE_ECHO, .origin = 99});
    say(&scene, ATTACHMENT_PIECE, header, sizeof(header));
    send_fragment(&scene, 101, false);
    expect_fragment(&scene, 101);
    wait_stats(&scene, "malformed", 4);
    char *log = fork_server_log(&scene.fork_server);
    assert_non_null(strstr(log, "a message of node a is damaged and is dropped (1 so far)"));
    assert_null(strstr(log, "(2 so far)"));
    free(log);
    end(&scene);
}

static void a_fence_keeps_the_former_owner_out(void **state)
{
    struct scene scene;

    (void)state;
    begin_streaming(&scene);
    scene.origin = 8;
    scene.fence = 5;
    send_generation(&scene, false);
    send_fragment(&scene, 1, true);
    expect_fragment(&scene, 1);
    assert_int_equal(scene.entry.flags, RINGCAST_REMOTE | RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY);
    int64_t decode_time = scene.entry.decode_time;
    scene.origin = ORIGIN;
    scene.fence = 4;
    send_fragment(&scene, 101, true);
    scene.fence = 0;
    send_generation(&scene, true);
    scene.origin = 8;
    scene.fence = 5;
    send_fragment(&scene, 2, false);
    expect_fragment(&scene, 2);
    assert_int_equal(scene.entry.decode_time - decode_time, REMOTE_MEDIA_TICK);
    wait_stats(&scene, "fenced", 2);
    end(&scene);
}

static void another_socket_goes_on_without_a_gap(void **state)
{
    struct scene scene;

    (void)state;
    begin_streaming(&scene);
    send_fragment(&scene, 101, false);
    expect_fragment(&scene, 101);
    close(scene.relay);
    attach(&scene);
    say(&scene, ATTACHMENT_DOWN, "no servers available", 20);
    wait_state(&scene, "stalled", "NATS cannot be reached: no servers available");
    say(&scene, ATTACHMENT_UP, NULL, 0);
    expect(&scene, ATTACHMENT_JOIN);
    send_generation(&scene, false);
    for (uint64_t sequence = 100; sequence <= 105; sequence++) {
        send_fragment(&scene, sequence, sequence == 100);
    }
    for (uint64_t sequence = 102; sequence <= 105; sequence++) {
        expect_fragment(&scene, sequence);
        assert_int_equal(scene.entry.sequence, sequence - 99);
        assert_int_equal(scene.entry.flags, RINGCAST_REMOTE);
        assert_int_equal(scene.entry.generation, 1);
    }
    wait_state(&scene, "streaming", "");
    end(&scene);
}

/* The worker is killed, and another one takes its place. */
static void replace_worker(struct scene *scene)
{
    int status;

    kill(scene->worker.pid, SIGKILL);
    assert_int_equal(waitpid(scene->worker.pid, &status, 0), scene->worker.pid);
    close(scene->relay);
    worker_respawn(&scene->fork_server, &scene->worker);
    send_task(scene, "ringcast://a/front");
    attach(scene);
    say(scene, ATTACHMENT_UP, NULL, 0);
    expect(scene, ATTACHMENT_JOIN);
}

/* The same pictures do not come twice, and those behind them follow as if the worker had never been away. */
static void another_worker_goes_on_without_a_gap(void **state)
{
    struct scene scene;

    (void)state;
    begin_streaming(&scene);
    send_fragment(&scene, 101, false);
    expect_fragment(&scene, 101);
    int64_t decode_time = scene.entry.decode_time;
    replace_worker(&scene);
    send_generation(&scene, false);
    for (uint64_t sequence = 100; sequence <= 104; sequence++) {
        send_fragment(&scene, sequence, sequence == 100);
    }
    for (uint64_t sequence = 102; sequence <= 104; sequence++) {
        expect_fragment(&scene, sequence);
        assert_int_equal(scene.entry.sequence, sequence - 99);
        assert_int_equal(scene.entry.decode_time,
                         decode_time + (int64_t)(sequence - 101) * REMOTE_MEDIA_TICK);
        assert_int_equal(scene.entry.flags, RINGCAST_REMOTE);
        assert_int_equal(scene.entry.generation, 1);
    }
    wait_state(&scene, "streaming", "");
    wait_stats(&scene, "duplicates", 2);
    replace_worker(&scene); /* and the camera's node has made a new ring meanwhile */
    scene.origin++;
    send_generation(&scene, false);
    send_fragment(&scene, 3, true);
    expect_fragment(&scene, 3);
    assert_int_equal(scene.entry.flags, RINGCAST_REMOTE | RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY);
    assert_true(scene.entry.decode_time >= decode_time + 4 * REMOTE_MEDIA_TICK);
    end(&scene);
}

static void garbage_on_the_socket_ends_it(void **state)
{
    struct scene scene;
    char byte;

    (void)state;
    begin_streaming(&scene);
    assert_int_equal(send(scene.relay, "\xff\xff\xff\xffPxxxx", 9, MSG_NOSIGNAL), 9);
    while (recv(scene.relay, &byte, 1, 0) > 0) {
    }
    close(scene.relay);
    attach(&scene);
    say(&scene, ATTACHMENT_UP, NULL, 0);
    expect(&scene, ATTACHMENT_JOIN);
    send_fragment(&scene, 101, false);
    expect_fragment(&scene, 101);
    end(&scene);
}

static void how_the_camera_is_at_its_node_is_told(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    send_beat(&scene, 0, PIECE_STALLED, "connection refused");
    wait_state(&scene, "starting", "at node a: connection refused");
    say(&scene, ATTACHMENT_ABSENT, NULL, 0);
    wait_state(&scene, "starting", "node a is not there, or has no camera front");
    expect(&scene, ATTACHMENT_JOIN); /* and is asked again */
    send_generation(&scene, false);
    send_fragment(&scene, 100, true);
    wait_state(&scene, "streaming", "");
    wait_state(&scene, "stalled", "node a has not been heard for 3 s");
    send_beat(&scene, 100, PIECE_STREAMING, "");
    wait_state(&scene, "streaming", "");
    end(&scene);
}

static void a_larger_ring_is_asked_for(void **state)
{
    struct scene scene;
    struct ring_descriptors next;
    ringcast_reader *reader;
    char instance[32], name[RING_NAME_SIZE];

    (void)state;
    begin_streaming(&scene);
    snprintf(instance, sizeof(instance), "remote-next%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    assert_int_equal(ring_create(name, 4 * RING_SIZE, 0, ringcast_epoch_ns(scene.worker.reader), &next), 0);
    assert_int_equal(ring_unlink(name), 0);
    send_picture(&scene, 101, true, RING_SIZE / 2);
    json_t *message = worker_wait_message(&scene.worker, "ring-short", NULL, NULL);
    assert_true(message_integer(message, "fragment_bytes", 0) > RING_SIZE / 2);
    json_decref(message);
    message = message_pack("ring", "{s:i, s:i}", "id", 1, "size", (int)(4 * RING_SIZE));
    assert_int_equal(channel_send(scene.worker.channel, message, &next.writer, 1), 0);
    json_decref(message);
    message = worker_wait_message(&scene.worker, "ring-changed", NULL, NULL);
    assert_int_equal(message_integer(message, "id", 0), 1);
    json_decref(message);
    assert_int_equal(ringcast_open_fd(next.reader, &reader), 0);
    ringcast_close(scene.worker.reader);
    scene.worker.reader = reader;
    worker_seek(&scene.worker, &scene.cursor);
    expect_fragment(&scene, 101);
    assert_int_equal(scene.entry.sequence, 2);
    send_picture(&scene, 102, true, 3 * RING_SIZE); /* larger than any ring takes */
    for (uint64_t sequence = 103; sequence <= 105; sequence++) {
        send_fragment(&scene, sequence, sequence == 105);
    }
    expect_fragment(&scene, 105);
    assert_int_equal(scene.entry.sequence, 3);
    close(next.reader);
    close(next.writer);
    end(&scene);
}

static void suspend(struct scene *scene)
{
    int status;

    assert_int_equal(kill(scene->worker.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(scene->worker.pid, &status, WUNTRACED), scene->worker.pid);
    assert_true(WIFSTOPPED(status));
}

static void old_pictures_are_jumped_over(void **state)
{
    struct scene scene;
    const struct timespec pause = {.tv_sec = 1, .tv_nsec = 500 * NS_PER_MS};
    uint64_t sequence = 150;
    int result;

    (void)state;
    begin_streaming(&scene);
    scene.honest = true;
    send_fragment(&scene, 101, false);
    expect_fragment(&scene, 101);
    suspend(&scene); /* what is sent now is old when it is read */
    for (uint64_t late = 102; late <= 110; late++) {
        send_fragment(&scene, late, false);
    }
    nanosleep(&pause, NULL); /* not a wait for anything: this long are they late */
    assert_int_equal(kill(scene.worker.pid, SIGCONT), 0);
    expect(&scene, ATTACHMENT_JUMP);
    wait_state(&scene, "streaming", "the link to node a is slower than the camera; pictures were left out");
    expect_fragment(&scene, 102);
    expect_fragment(&scene, 103); /* the third one that is late makes it */
    do {                          /* a machine that is slow enough has late ones here, too */
        send_fragment(&scene, ++sequence, true);
        result = ringcast_wait(scene.worker.reader, &scene.cursor, 200);
    } while (result == 0 && sequence < 250);
    worker_read_fragment(&scene.worker, &scene.cursor, scene.fragment, RING_SIZE_MAX, &scene.entry);
    assert_true(scene.entry.wall_ns > 150);
    wait_stats(&scene, "jumps", 1);
    end(&scene);
}

static void a_worker_ends_while_it_waits(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    json_t *stop = message_new("stop");
    assert_int_equal(channel_send(scene.worker.channel, stop, NULL, 0), 0);
    json_decref(stop);
    assert_int_equal(worker_wait_end(&scene.worker), 0);
    end(&scene);
}

static void a_url_that_names_nothing_is_told(void **state)
{
    struct scene scene = {.relay = -1};

    (void)state;
    fork_server_start(&scene.fork_server);
    worker_spawn(&scene.fork_server, &scene.worker, RING_SIZE);
    send_task(&scene, "ringcast://a.b/front");
    wait_state(&scene, "starting", "no node is called so");
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_remote_camera_streams),
        cmocka_unit_test(parts_come_together_and_generations_change),
        cmocka_unit_test(a_gap_is_asked_for),
        cmocka_unit_test(damaged_messages_cost_nothing_but_themselves),
        cmocka_unit_test(a_fence_keeps_the_former_owner_out),
        cmocka_unit_test(another_socket_goes_on_without_a_gap),
        cmocka_unit_test(another_worker_goes_on_without_a_gap),
        cmocka_unit_test(garbage_on_the_socket_ends_it),
        cmocka_unit_test(how_the_camera_is_at_its_node_is_told),
        cmocka_unit_test(a_larger_ring_is_asked_for),
        cmocka_unit_test(old_pictures_are_jumped_over),
        cmocka_unit_test(a_worker_ends_while_it_waits),
        cmocka_unit_test(a_url_that_names_nothing_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
