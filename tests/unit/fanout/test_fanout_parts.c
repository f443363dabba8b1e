/* SPDX-License-Identifier: MIT */
/* Parts of the fan-out that need no process. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/blackbox.h"
#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "fanout/camera_list.h"
#include "fanout/feed/fragment_buffer.h"
#include "fanout/feed/fragment_cache.h"
#include "fanout/feed/packet.h"
#include "fanout/http/assets.h"
#include "fanout/http/post_body.h"
#include "fanout/http/subprotocol.h"
#include "fanout/loop/heartbeat.h"

#define BOX(size, type) "\0\0\0" size type
#define WHOLE BOX("\x0c", "moof") "abcd" BOX("\x09", "mdat") "e"

static void whole_fragments(void **state)
{
    static const struct {
        bool whole;
        const char *bytes;
        size_t length;
    } cases[] = {
        {true, WHOLE, 21},
        {true, BOX("\x08", "moof") BOX("\x08", "mdat"), 16},
        {true, BOX("\x0c", "prft") "abcd" WHOLE, 33},
        {false, BOX("\x0c", "prft") "abcd", 12},
        {false, BOX("\x08", "prft") BOX("\x08", "prft") WHOLE, 37},
        {false, BOX("\x0c", "prft") WHOLE, 29},
        {false, WHOLE, 20},
        {false, WHOLE "x", 22},
        {false, WHOLE, 12},
        {false, WHOLE, 7},
        {false, WHOLE, 0},
        {false, BOX("\x08", "mdat") BOX("\x08", "moof"), 16},
        {false, BOX("\x04", "moof") BOX("\x08", "mdat"), 16},
        {false, BOX("\x00", "moof") BOX("\x08", "mdat"), 16},
        {false, BOX("\x08", "moof") BOX("\x00", "mdat"), 16},
        {false, BOX("\x08", "moof") BOX("\x01", "mdat"), 16},
        {false, "\xff\xff\xff\xffmoof" BOX("\x08", "mdat"), 16},
        {false, BOX("\x08", "moof") "\xff\xff\xff\xf8mdat", 16},
        {false, BOX("\x08", "styp") BOX("\x08", "moof") BOX("\x08", "mdat"), 24},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* An allocation of exactly this size, so that a sanitizer sees any read beyond it. */
        uint8_t *copy = malloc(cases[i].length);
        if (cases[i].length) {
            memcpy(copy, cases[i].bytes, cases[i].length);
        }
        if (fragment_buffer_is_whole(copy, cases[i].length) != cases[i].whole) {
            fail_msg("case %zu", i);
        }
        free(copy);
    }
}

static void packets_grow(void **state)
{
    (void)state;
    struct packet packet = {0};
    assert_int_equal(packet_reserve(&packet, 10), 0);
    uint8_t *memory = packet.memory;
    assert_int_equal(packet_reserve(&packet, packet.room), 0);
    assert_ptr_equal(packet.memory, memory);
    assert_int_equal(packet_reserve(&packet, 100000), 0);
    memset(packet_payload(&packet), 1, packet.room);
    assert_int_equal(packet_reserve(&packet, SIZE_MAX - 4), -ENOMEM);
    assert_int_equal(packet_set_json(&packet, NULL), -ENOMEM);
    assert_int_equal(packet.length, 0);
    assert_int_equal(packet_set_json(&packet, json_pack("{s:i}", "a", 1)), 0);
    assert_int_equal(packet.length, 7);
    assert_memory_equal(packet_payload(&packet), "{\"a\":1}", 7);
    packet_finish(&packet);
    assert_null(packet.memory);
}

static void publish_whole(struct ring_writer *writer)
{
    uint8_t *data = ring_writer_reserve(writer, 21);
    struct ring_fragment fragment = {.flags = RINGCAST_KEYFRAME, .duration = 1};
    assert_non_null(data);
    memcpy(data, WHOLE, 21);
    assert_int_equal(ring_writer_publish(writer, &fragment), 0);
}

/* However many viewers catch up, a fragment is copied out of its ring once. */
static void fragments_are_read_once_for_all_that_catch_up(void **state)
{
    (void)state;
    enum { FRAGMENTS = 40, VIEWERS = 10 };
    char name[256], instance[64];
    struct ring_descriptors ring;
    struct ring_writer *writer;
    ringcast_reader *reader;
    static struct fragment_cache cache;
    const struct ring_stream stream = {.codecs = "avc1", .init = "init", .init_length = 4, .timescale = 1};
    snprintf(instance, sizeof(instance), "fanout-parts-%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "front"), 0);
    assert_int_equal(ring_create(name, 65536, 0, 1, &ring), 0);
    assert_int_equal(ring_writer_attach(dup(ring.writer), -1, &writer), 0);
    assert_int_equal(ring_writer_begin_generation(writer, &stream), 0);
    assert_int_equal(ringcast_open_fd(ring.reader, &reader), 0);
    ringcast_cursor start;
    ringcast_seek_keyframe(reader, &start); /* there is none: the head */
    for (int i = 0; i < FRAGMENTS; i++) {
        publish_whole(writer);
    }
    for (int viewer = 0; viewer < VIEWERS; viewer++) {
        ringcast_cursor cursor = start;
        struct fragment_buffer *fragment;
        for (uint64_t number = 1; number <= FRAGMENTS; number++) {
            assert_int_equal(fragment_cache_read(&cache, reader, &cursor, &fragment), 1);
            assert_int_equal(fragment->entry.sequence, number);
            assert_int_equal(fragment->packet.length, 21);
        }
        assert_int_equal(fragment_cache_read(&cache, reader, &cursor, &fragment), 0);
    }
    /* Two of them may share a slot. */
    assert_in_range(cache.copies, FRAGMENTS, 2 * FRAGMENTS * VIEWERS / 3);
    fragment_cache_clear(&cache);
    assert_int_equal(cache.bytes, 0);
    ringcast_close(reader);
    ring_writer_detach(writer);
    close(ring.writer);
    close(ring.reader);
    ring_unlink(name);
}

/* Work in bounded pieces gives signs of life between them, without a turn of the loop. */
static void long_work_keeps_the_heartbeat(void **state)
{
    (void)state;
    struct blackbox *box;
    int fd;
    struct heartbeat heartbeat = {.due_ns = INT64_MAX};
    assert_int_equal(blackbox_create(&box, &fd), 0);
    assert_int_equal(blackbox_carry(fd), 0);
    heartbeat_check(&heartbeat, clock_now_ns());
    assert_int_equal(blackbox_due_ms(box), 0); /* not before the first */
    heartbeat_beat(&heartbeat);
    uint64_t first = blackbox_due_ms(box);
    assert_true(first > clock_now_ms());
    heartbeat_check(&heartbeat, heartbeat.due_ns - 1);
    assert_int_equal(blackbox_due_ms(box), first);
    usleep(5000);
    heartbeat_check(&heartbeat, heartbeat.due_ns);
    assert_true(blackbox_due_ms(box) > first);
    blackbox_drop();
    blackbox_close(box);
}

static const struct camera_list_body *list_for(struct camera_list *list, const struct streams *streams,
                                               const struct visitor *visitor)
{
    const struct camera_list_body *body = camera_list_get(list, streams, visitor, "");

    assert_non_null(body);
    return body;
}

static struct visitor *visitor_of(const char *patterns)
{
    const char *why;
    json_t *array = json_loads(patterns, 0, NULL);
    struct visitor *visitor = visitor_new(VISITOR_TOKEN);
    assert_non_null(visitor);
    visitor->rights = rights_from_json(ACCESS_VIEWER, array, &why);
    assert_non_null(visitor->rights);
    json_decref(array);
    return visitor;
}

/* A request costs what has changed since the last one, and nothing without a change. */
static void the_list_of_cameras_is_made_once_per_change(void **state)
{
    (void)state;
    enum { CAMERAS = 500 };
    static struct feed_set set;
    struct streams streams;
    static struct camera_list list;
    struct visitor *anybody = visitor_new(VISITOR_ANONYMOUS);
    char name[32];
    streams_init(&streams, &set);
    for (int i = 0; i < CAMERAS; i++) {
        snprintf(name, sizeof(name), "camera%d", i);
        assert_int_equal(streams_add(&streams, name, NULL, -1), 0);
    }
    list_for(&list, &streams, anybody);
    assert_int_equal(list.rows_made, CAMERAS);
    list_for(&list, &streams, anybody);
    assert_int_equal(list.rows_made, CAMERAS);
    json_t *message = json_pack("{s:s, s:n}", "state", "backoff", "error");
    stream_update(&streams, streams_find(&streams, "camera7"), message);
    json_decref(message);
    char etag[ASSET_ETAG_SIZE];
    memcpy(etag, list.bodies[0].etag, sizeof(etag));
    assert_string_not_equal(list_for(&list, &streams, anybody)->etag, etag);
    assert_int_equal(list.rows_made, CAMERAS + 1);
    assert_int_equal(streams_add(&streams, "camera7/sub", NULL, -1), 0);
    streams_remove(&streams, streams_find(&streams, "camera8"), 1001);
    const struct camera_list_body *body = list_for(&list, &streams, anybody);
    assert_int_equal(list.rows_made, CAMERAS + 2);
    json_t *object = json_loadb(body->text, body->length, 0, NULL);
    json_t *rows = json_object_get(object, "cameras");
    assert_int_equal(json_array_size(rows), CAMERAS - 1);
    json_t *seventh = json_array_get(rows, 7);
    assert_string_equal(json_string_value(json_object_get(seventh, "state")), "backoff");
    assert_true(json_is_object(json_object_get(seventh, "sub")));
    json_decref(object);
    streams_finish(&streams);
    camera_list_finish(&list);
    visitor_unref(anybody);
}

static void expect_cameras(const struct camera_list_body *body, const char *expected)
{
    char names[256] = "";
    size_t index;
    json_t *row, *object = json_loadb(body->text, body->length, 0, NULL);
    assert_non_null(object);
    json_array_foreach(json_object_get(object, "cameras"), index, row) {
        strcat(names, json_string_value(json_object_get(row, "name")));
        strcat(names, " ");
    }
    assert_string_equal(names, expected);
    json_decref(object);
}

/* Visitors with the same cameras share an answer, whoever they are; the rows are made once for all of them. */
static void the_list_shows_what_its_visitor_may_watch(void **state)
{
    (void)state;
    static struct feed_set set;
    struct streams streams;
    static struct camera_list list;
    struct visitor *front = visitor_of("[\"front*\"]"), *other = visitor_of("[\"front*\"]"),
                   *all = visitor_of("[\"*\"]"), *none = visitor_new(VISITOR_SESSION);
    streams_init(&streams, &set);
    const char *const names[] = {"front", "front/sub", "frontdoor", "yard", "yard/sub"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(streams_add(&streams, names[i], NULL, -1), 0);
    }
    const struct camera_list_body *body = list_for(&list, &streams, front);
    expect_cameras(body, "front frontdoor ");
    assert_ptr_equal(list_for(&list, &streams, other), body);
    expect_cameras(list_for(&list, &streams, all), "front frontdoor yard ");
    expect_cameras(list_for(&list, &streams, none), "");
    assert_int_equal(list.rows_made, 3);
    assert_string_not_equal(list_for(&list, &streams, all)->etag, list_for(&list, &streams, front)->etag);

    /* A change of a camera that is not shown leaves the tag as it is. */
    char etag[ASSET_ETAG_SIZE];
    memcpy(etag, list_for(&list, &streams, front)->etag, sizeof(etag));
    streams_remove(&streams, streams_find(&streams, "yard"), 1001);
    assert_string_equal(list_for(&list, &streams, front)->etag, etag);

    /* However many sets of cameras there are, so many answers are kept, and the right one is given. */
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3 * CAMERA_LIST_BODIES; i++) {
            char patterns[64];
            snprintf(patterns, sizeof(patterns), "[\"%s\",\"x%u\"]", i % 2 ? "front" : "frontdoor", i);
            struct visitor *visitor = visitor_of(patterns);
            expect_cameras(list_for(&list, &streams, visitor), i % 2 ? "front " : "frontdoor ");
            visitor_unref(visitor);
        }
    }
    streams_finish(&streams);
    camera_list_finish(&list);
    visitor_unref(front);
    visitor_unref(other);
    visitor_unref(all);
    visitor_unref(none);
}

static void the_head_of_a_post_is_read_strictly(void **state)
{
    static const struct {
        const char *text;
        long length;
    } lengths[] = {{"0", 0},       {"35", 35},
                   {"004", 4},     {"4096", 4096},
                   {"4097", 4097}, {"", -1},
                   {"-1", -1},     {"12x", -1},
                   {" 12", -1},    {"0x10", -1},
                   {"5,5", -1},    {"1e3", -1},
                   {"+5", -1},     {"99999999999999999999", POST_BODY_MAX + 1}};
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_int_equal(post_body_length(lengths[i].text), lengths[i].length);
    }
    assert_true(post_body_is_json("application/json"));
    assert_true(post_body_is_json("Application/JSON; charset=utf-8"));
    assert_false(post_body_is_json("application/jsonp"));
    assert_false(post_body_is_json("text/plain; application/json"));
    assert_false(post_body_is_json(""));
}

static void a_list_of_subprotocols_is_read_whole(void **state)
{
    (void)state;
    assert_true(subprotocol_list_has("ringcast", "ringcast"));
    assert_true(subprotocol_list_has("ringcast.token.x,ringcast", "ringcast"));
    assert_true(subprotocol_list_has(" a ,\tringcast , b", "ringcast"));
    assert_false(subprotocol_list_has("ringcast.token.x", "ringcast"));
    assert_false(subprotocol_list_has("xringcast,ringcastx,RINGCAST", "ringcast"));
    assert_false(subprotocol_list_has("", "ringcast"));
    assert_false(subprotocol_list_has(",, ,", "ringcast"));
}

static void write_file(const char *directory, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(name, file);
    fclose(file);
}

static void remove_file(const char *directory, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(remove(path), 0);
}

static void assets(void **state)
{
    static const char *const names[] = {"index.html", "a.js", "a.css", "a.bin", ".hidden", "sub/b.svg"};
    enum { NAMES = 6 };
    (void)state;
    char directory[] = "/tmp/ringcast-assets-test-XXXXXX", sub[64];
    assert_non_null(mkdtemp(directory));
    snprintf(sub, sizeof(sub), "%s/sub", directory);
    assert_int_equal(mkdir(sub, 0700), 0);
    for (int i = 0; i < NAMES; i++) {
        write_file(directory, names[i]);
    }
    struct assets assets;
    assert_int_equal(assets_load(&assets, directory), 0);
    assert_int_equal(assets.count, NAMES - 1);
    assert_ptr_equal(assets_find(&assets, "/"), assets_find(&assets, "/index.html"));
    assert_string_equal(assets_find(&assets, "/a.css")->type, "text/css; charset=utf-8");
    assert_string_equal(assets_find(&assets, "/a.bin")->type, "application/octet-stream");
    const struct asset *picture = assets_find(&assets, "/sub/b.svg");
    assert_non_null(picture);
    assert_string_equal(picture->type, "image/svg+xml");
    assert_int_equal(picture->length, strlen("sub/b.svg"));
    assert_int_equal(strlen(picture->etag), ASSET_ETAG_SIZE - 1);
    assert_string_not_equal(picture->etag, assets_find(&assets, "/a.js")->etag);
    assert_null(assets_find(&assets, "/.hidden"));
    assert_null(assets_find(&assets, "/sub"));
    assert_null(assets_find(&assets, ""));
    assets_finish(&assets);
    for (int i = 0; i < NAMES; i++) {
        remove_file(directory, names[i]);
    }
    remove_file(directory, "sub");
    rmdir(directory);
    assert_int_equal(assets_load(&assets, directory), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_fragments),
        cmocka_unit_test(packets_grow),
        cmocka_unit_test(fragments_are_read_once_for_all_that_catch_up),
        cmocka_unit_test(long_work_keeps_the_heartbeat),
        cmocka_unit_test(the_list_of_cameras_is_made_once_per_change),
        cmocka_unit_test(the_list_shows_what_its_visitor_may_watch),
        cmocka_unit_test(the_head_of_a_post_is_read_strictly),
        cmocka_unit_test(a_list_of_subprotocols_is_read_whole),
        cmocka_unit_test(assets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
