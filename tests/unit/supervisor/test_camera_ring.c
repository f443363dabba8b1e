/* SPDX-License-Identifier: MIT */
/* A camera's ring and its successors, with a writer in the worker's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/ring/ring_format.h"
#include "common/ring/ring_writer.h"
#include "common/ring/ringcast.h"
#include "supervisor/camera/camera_ring.h"

#define MIB ((size_t)1048576)
#define FIRST (3 * MIB / 4)
#define LARGER (MIB + 5 * MIB / 16) /* for a group of pictures of 1000000 bytes */

struct bench {
    struct config_camera config;
    char instance[32];
    struct camera_ring *ring;
    struct ring_writer *writer, *next;
    json_int_t id; /* of the offer */
};

static void set_up_with(struct bench *bench, size_t ring_size, size_t look_back)
{
    static char name[] = "cam";

    *bench = (struct bench){
        .config = {.name = name, .ring_size = ring_size, .ring_size_max = 4 * MIB, .look_back = look_back}};
    snprintf(bench->instance, sizeof(bench->instance), "cameraring%d", (int)getpid());
    bench->ring = camera_ring_create(bench->instance, &bench->config);
    assert_non_null(bench->ring);
    assert_int_equal(camera_ring_open(bench->ring), 0);
    assert_int_equal(ring_writer_attach(dup(camera_ring_writer(bench->ring)), -1, &bench->writer), 0);
}

static int set_up(void **state)
{
    static struct bench bench;

    set_up_with(&bench, 0, 0);
    *state = &bench;
    return 0;
}

/* Objects of the bench's instance: a ring that is not installed yet has no name. */
static unsigned count_names(const struct bench *bench)
{
    DIR *folder = opendir("/dev/shm");
    const struct dirent *file;
    char prefix[64];
    unsigned count = 0;

    snprintf(prefix, sizeof(prefix), "ringcast.%s.", bench->instance);
    while ((file = readdir(folder))) {
        count += strncmp(file->d_name, prefix, strlen(prefix)) == 0;
    }
    closedir(folder);
    return count;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    ring_writer_detach(bench->writer);
    ring_writer_detach(bench->next);
    camera_ring_destroy(bench->ring);
    assert_int_equal(count_names(bench), 0);
    return 0;
}

static void publish(struct ring_writer *writer)
{
    const struct ring_stream stream = {.codecs = "avc1", .init = "i", .init_length = 1, .timescale = 90000};
    const struct ring_fragment fragment = {.flags = RINGCAST_KEYFRAME};

    assert_int_equal(ring_writer_begin_generation(writer, &stream), 0);
    uint8_t *room = ring_writer_reserve(writer, 100);
    assert_non_null(room);
    memset(room, 1, 100);
    assert_int_equal(ring_writer_publish(writer, &fragment), 0);
}

/* What the worker says; its next ring is taken as a worker does. False: it gets none. */
static bool say(struct bench *bench, const char *member, double value)
{
    json_t *body = json_pack("{s:f}", member, value);
    int writer = -1;
    json_t *message = camera_ring_observe(bench->ring, body, &writer);

    json_decref(body);
    if (!message) {
        return false;
    }
    assert_true(message_is(message, "ring"));
    bench->id = message_integer(message, "id", 0);
    assert_int_equal(ring_writer_attach(dup(writer), -1, &bench->next), 0);
    assert_int_equal(message_integer(message, "size", 0), ring_writer_capacity(bench->next));
    json_decref(message);
    return true;
}

static void enter(struct bench *bench)
{
    assert_int_equal(ring_writer_succeed(bench->next, bench->writer), 0);
    publish(bench->next);
    ring_writer_detach(bench->writer);
    bench->writer = bench->next;
    bench->next = NULL;
}

static bool answer(struct bench *bench, json_int_t id)
{
    json_t *body = json_pack("{s:I}", "id", id);
    bool changed = camera_ring_changed(bench->ring, body);

    json_decref(body);
    return changed;
}

static void grows_when_the_worker_is_in(void **state)
{
    struct bench *bench = *state;
    ringcast_reader *reader;
    ringcast_cursor cursor;

    assert_int_equal(camera_ring_size(bench->ring), FIRST);
    assert_false(say(bench, "gop_bytes", 600000));
    assert_true(say(bench, "gop_bytes", 1000000));
    assert_int_equal(count_names(bench), 1);
    assert_false(say(bench, "gop_bytes", 2000000)); /* one after the other */
    publish(bench->writer);
    assert_int_equal(ringcast_open(camera_ring_name(bench->ring), &reader), 0);
    assert_int_equal(ringcast_seek_keyframe(reader, &cursor), 0);
    ringcast_close(reader);
    assert_false(answer(bench, bench->id + 1));
    assert_int_equal(camera_ring_size(bench->ring), FIRST);
    int old = dup(camera_ring_reader(bench->ring));
    enter(bench);
    assert_true(answer(bench, bench->id));
    assert_false(answer(bench, bench->id));
    assert_int_equal(count_names(bench), 1);
    assert_int_equal(camera_ring_size(bench->ring), LARGER);
    assert_int_equal(ringcast_open_fd(old, &reader), 0);
    close(old);
    assert_int_equal(ringcast_wait(reader, &(ringcast_cursor){.position = 64 + 192}, 0), 0);
    camera_ring_retire_old(bench->ring);
    assert_int_equal(ringcast_wait(reader, &(ringcast_cursor){.position = 64 + 192}, 0), -EPIPE);
    ringcast_close(reader);
    assert_int_equal(ringcast_open(camera_ring_name(bench->ring), &reader), 0);
    assert_int_equal(ringcast_capacity(reader), LARGER);
    ringcast_close(reader);
}

static void grows_for_a_picture_that_does_not_fit(void **state)
{
    struct bench *bench = *state;

    assert_true(say(bench, "fragment_bytes", 300000));
    enter(bench);
    assert_true(answer(bench, bench->id));
    assert_true(camera_ring_size(bench->ring) >= 4 * 375000);
    assert_true(say(bench, "fragment_bytes", 1e15 - 1));
    enter(bench);
    assert_true(answer(bench, bench->id));
    assert_int_equal(camera_ring_size(bench->ring), 4 * MIB); /* and no further */
    assert_false(say(bench, "fragment_bytes", 1e15 - 1));
}

static void a_worker_that_dies_before_it_was_in_leaves_nothing(void **state)
{
    struct bench *bench = *state;

    assert_false(camera_ring_settle(bench->ring));
    assert_true(say(bench, "gop_bytes", 1000000));
    assert_false(camera_ring_settle(bench->ring));
    assert_int_equal(count_names(bench), 1);
    assert_int_equal(camera_ring_size(bench->ring), FIRST);
    assert_false(answer(bench, bench->id));
    ring_writer_detach(bench->next);
    assert_true(say(bench, "gop_bytes", 1000000)); /* the next worker's */
}

static void a_worker_that_dies_once_it_was_in_is_followed(void **state)
{
    struct bench *bench = *state;

    assert_true(say(bench, "gop_bytes", 1000000));
    enter(bench);
    assert_true(camera_ring_settle(bench->ring));
    assert_int_equal(camera_ring_size(bench->ring), LARGER);
    assert_int_equal(count_names(bench), 1);
    ring_writer_detach(bench->writer);
    assert_int_equal(ring_writer_attach(dup(camera_ring_writer(bench->ring)), -1, &bench->writer), 0);
    assert_int_equal(ring_writer_next_sequence(bench->writer), 2);
}

static void an_offer_goes_with_its_camera(void **state)
{
    struct bench *bench = *state;

    assert_true(say(bench, "gop_bytes", 1000000));
}

static void nonsense_asks_for_nothing(void **state)
{
    struct bench *bench = *state;

    assert_false(say(bench, "gop_bytes", -1));
    assert_false(say(bench, "gop_bytes", 1e300));
    assert_false(say(bench, "bitrate", -1e300));
    assert_false(say(bench, "gop", 1e9));
}

static void a_size_that_was_configured_stays(void **state)
{
    struct bench *bench = *state;

    ring_writer_detach(bench->writer);
    camera_ring_destroy(bench->ring);
    set_up_with(bench, 65536, 0);
    assert_int_equal(camera_ring_size_max(bench->ring), 0);
    assert_false(say(bench, "gop_bytes", 2000000));
    assert_false(say(bench, "fragment_bytes", 2000000));
    assert_int_equal(camera_ring_size(bench->ring), 65536);
}

/* With `look_back` each ring of the camera has an index. */
static void the_past_is_kept_and_can_be_found(void **state)
{
    struct bench *bench = *state;
    struct ring_geometry geometry;

    ring_writer_detach(bench->writer);
    camera_ring_destroy(bench->ring);
    set_up_with(bench, 0, 10);
    assert_int_equal(ring_geometry_read(camera_ring_reader(bench->ring), &geometry), 0);
    assert_int_equal(geometry.index_count, 128);
    assert_true(say(bench, "gop_bytes", 1000000));
    enter(bench);
    assert_true(answer(bench, bench->id));
    assert_int_equal(ring_geometry_read(camera_ring_reader(bench->ring), &geometry), 0);
    assert_int_equal(geometry.index_count, 128);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(grows_when_the_worker_is_in),
        TEST(grows_for_a_picture_that_does_not_fit),
        TEST(a_worker_that_dies_before_it_was_in_leaves_nothing),
        TEST(a_worker_that_dies_once_it_was_in_is_followed),
        TEST(an_offer_goes_with_its_camera),
        TEST(nonsense_asks_for_nothing),
        TEST(a_size_that_was_configured_stays),
        TEST(the_past_is_kept_and_can_be_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
