/* SPDX-License-Identifier: MIT */
/* Fragments of another node: what is believed of them, where their times come to lie, and what is in the ring then. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/ring/ring_create.h"
#include "common/ring/ring_format.h"
#include "common/ring/ring_writer.h"
#include "common/ring/ringcast.h"
#include "ingest/publish/stream_limit.h"
#include "ingest/remote/remote_fragment.h"
#include "ingest/remote/remote_publisher.h"
#include "ingest/remote/remote_timeline.h"
#include "tests/support/boxes.h"
#include "tests/support/remote_media.h"

#define EPOCH (1000 * NS_PER_SECOND)
#define CAPACITY 65536u

/* --- Boxes ---------------------------------------------------------------------------------------------- */

static struct remote_tracks tracks_of_sample(void)
{
    uint8_t init[REMOTE_MEDIA_SIZE];
    struct remote_tracks tracks;

    assert_int_equal(remote_tracks_read(&tracks, init, remote_media_init(init, false)), 0);
    return tracks;
}

static const struct remote_media_fragment sample = {
    .keyframe = true, .decode_time = 900000, .sound_time = 441000, .picture = 20};

/* In memory of exactly its size. */
static uint8_t *make_sample(size_t *size)
{
    *size = remote_media_fragment(NULL, &sample);
    uint8_t *data = malloc(*size);

    assert_non_null(data);
    remote_media_fragment(data, &sample);
    return data;
}

static void an_init_segment_names_its_tracks(void **state)
{
    const struct remote_tracks tracks = tracks_of_sample();

    (void)state;
    assert_int_equal(tracks.count, 2);
    assert_int_equal(tracks.list[0].id, 1);
    assert_int_equal(tracks.list[0].timescale, REMOTE_MEDIA_TIMESCALE);
    assert_int_equal(tracks.list[1].id, 2);
    assert_int_equal(tracks.list[1].timescale, REMOTE_MEDIA_SOUND_RATE);
}

static void damaged_init_segments_are_refused(void **state)
{
    uint8_t init[REMOTE_MEDIA_SIZE];
    size_t size = remote_media_init(init, false);
    struct remote_tracks tracks;

    (void)state;
    for (size_t length = 0; length < size; length++) {
        uint8_t *cut = malloc(length ? length : 1);
        assert_non_null(cut);
        memcpy(cut, init, length);
        assert_int_equal(remote_tracks_read(&tracks, cut, length), -EBADMSG);
        free(cut);
    }
}

static void all_tracks_move_by_the_same_time(void **state)
{
    const struct remote_tracks tracks = tracks_of_sample();
    struct remote_fragment fragment;
    struct fragment_track moved[2];
    size_t size;
    uint8_t *data = make_sample(&size);

    (void)state;
    assert_int_equal(remote_fragment_check(&fragment, &tracks, data, size), 0);
    remote_fragment_move(&fragment, data, 0xfffffffe, -9 * NS_PER_SECOND);
    assert_int_equal(boxes_check_fragment(data, size, moved), 0xfffffffe);
    assert_int_equal(moved[0].decode_time, 90000);
    assert_int_equal(moved[1].decode_time, 44100);
    assert_int_equal(boxes_prft(data, size).media_time, 90000); /* the picture that its wall clock is of */
    remote_fragment_move(&fragment, data, 1, -100 * NS_PER_SECOND); /* from what was read, and not below 0 */
    assert_int_equal(boxes_read64(boxes_find(data, size, "moof/traf/tfdt", 0).data + 4), 0);
    assert_int_equal(boxes_read64(boxes_find(data, size, "moof/traf/tfdt", 1).data + 4), 0);
    free(data);
}

static void damaged_fragments_are_refused(void **state)
{
    const struct remote_tracks tracks = tracks_of_sample();
    struct remote_fragment fragment;
    size_t size;
    uint8_t *data = make_sample(&size);

    (void)state;
    for (size_t length = 0; length < size; length++) {
        uint8_t *cut = malloc(length ? length : 1);
        assert_non_null(cut);
        memcpy(cut, data, length);
        assert_int_equal(remote_fragment_check(&fragment, &tracks, cut, length), -EBADMSG);
        free(cut);
    }
    free(data);
}

static void change_byte(const struct remote_tracks *tracks, const char *path, unsigned index, size_t offset,
                        uint8_t value)
{
    struct remote_fragment fragment;
    size_t size;
    uint8_t *data = make_sample(&size);
    uint8_t *place = data + (boxes_find(data, size, path, index).data - data) + offset;

    *place = value;
    assert_int_equal(remote_fragment_check(&fragment, tracks, data, size), -EBADMSG);
    free(data);
}

static void what_points_elsewhere_is_refused(void **state)
{
    const struct remote_tracks tracks = tracks_of_sample();

    (void)state;
    change_byte(&tracks, "prft", 0, 7, 3);               /* the clock of a track that there is not */
    change_byte(&tracks, "prft", 0, 0, 0);               /* one of 32 bits */
    change_byte(&tracks, "moof/traf/tfhd", 0, 7, 3);     /* a track that there is not */
    change_byte(&tracks, "moof/traf/tfhd", 1, 7, 1);     /* two times the same */
    change_byte(&tracks, "moof/traf/tfhd", 0, 3, 1);     /* an offset from the beginning of a file */
    change_byte(&tracks, "moof/traf/tfdt", 0, 0, 0);     /* a time of 32 bits, which could not be moved */
    change_byte(&tracks, "moof/traf/tfdt", 0, 4, 0x7f);  /* in some million years */
    change_byte(&tracks, "moof/traf/trun", 0, 7, 2);     /* more samples than the box describes */
    change_byte(&tracks, "moof/traf/trun", 0, 7, 0);     /* none */
    change_byte(&tracks, "moof/traf/trun", 0, 4, 0xff);  /* four thousand million */
    change_byte(&tracks, "moof/traf/trun", 0, 10, 0xff); /* data behind the end */
    change_byte(&tracks, "moof/traf/trun", 0, 11, 8);    /* data before `mdat` */
    change_byte(&tracks, "moof/traf/trun", 0, 16, 0xff); /* a sample that is longer than all */
}

static void ticks_are_rounded_up_and_never_drift(void **state)
{
    (void)state;
    assert_int_equal(remote_ticks(0, 90000), 0);
    assert_int_equal(remote_ticks(1, 90000), 1);
    assert_int_equal(remote_ticks(-1, 90000), 0);
    assert_int_equal(remote_ticks(-11112, 90000), -1);
    assert_int_equal(remote_ticks(INT64_C(1) << 62, REMOTE_TIMESCALE_MAX), INT64_C(1) << 62);
    assert_int_equal(remote_ns(90000, 90000), NS_PER_SECOND);
    assert_int_equal(remote_ns(1, 90000), 11111);
    assert_int_equal(remote_ns(UINT64_MAX, 1), -1);
}

/* --- The timeline --------------------------------------------------------------------------------------- */

static void a_timeline_begins_where_its_capture_was(void **state)
{
    struct remote_timeline timeline = {0};
    struct remote_moment moment = {.media_ns = 5000 * NS_PER_SECOND, .capture_ns = 7 * NS_PER_SECOND};

    (void)state;
    assert_int_equal(remote_timeline_place(&timeline, &moment), 0);
    assert_int_equal(moment.media_ns + timeline.offset_ns, 7 * NS_PER_SECOND);
    for (int i = 0; i < 100; i++) { /* whenever it is heard: the distance stays */
        moment.media_ns += 40 * NS_PER_MS;
        moment.capture_ns += i % 2 ? 70 * NS_PER_MS : 10 * NS_PER_MS;
        moment.end_ns = moment.capture_ns + NS_PER_SECOND;
        assert_int_equal(remote_timeline_place(&timeline, &moment), 0);
        assert_int_equal(timeline.offset_ns, -4993 * NS_PER_SECOND);
    }
    moment.first = true;
    moment.media_ns = 1 * NS_PER_SECOND;
    assert_int_equal(remote_timeline_place(&timeline, &moment), 1);
    assert_int_equal(moment.media_ns + timeline.offset_ns, moment.end_ns); /* not before what there is */
}

static void a_timeline_that_strays_begins_anew(void **state)
{
    struct remote_timeline timeline = {0};
    struct remote_moment moment = {.media_ns = 5000 * NS_PER_SECOND, .capture_ns = 7 * NS_PER_SECOND};

    (void)state;
    assert_int_equal(remote_timeline_place(&timeline, &moment), 0);
    moment.media_ns -= 1; /* backwards */
    moment.end_ns = 8 * NS_PER_SECOND;
    assert_int_equal(remote_timeline_place(&timeline, &moment), 1);
    assert_int_equal(timeline.last_ns, 8 * NS_PER_SECOND);
    moment.media_ns += 3600 * NS_PER_SECOND; /* an hour ahead of the clock */
    moment.capture_ns += NS_PER_SECOND;
    assert_int_equal(remote_timeline_place(&timeline, &moment), 1);
    assert_int_equal(timeline.last_ns, 8 * NS_PER_SECOND);
    moment.capture_ns += 7200 * NS_PER_SECOND; /* its machine slept for two hours */
    assert_int_equal(remote_timeline_place(&timeline, &moment), 1);
    assert_int_equal(timeline.last_ns, moment.capture_ns);
    moment.end_ns = moment.capture_ns + 25 * 3600 * NS_PER_SECOND;
    moment.first = true;
    struct remote_timeline before = timeline;
    assert_int_equal(remote_timeline_place(&timeline, &moment), -ERANGE);
    assert_memory_equal(&before, &timeline, sizeof(before));
}

/* --- The ring ------------------------------------------------------------------------------------------- */

struct rig {
    struct ring_descriptors ring;
    struct ring_output output;
    struct remote_publisher *publisher;
    ringcast_reader *reader;
    ringcast_cursor cursor;
    uint8_t body[CAPACITY];
    uint8_t read[CAPACITY];
    size_t read_length;
    ringcast_entry entry;
    uint64_t sequence; /* of the other node */
    int64_t decode_time;
    int64_t arrival_ns;
};

static struct ring_descriptors make_ring(size_t capacity)
{
    static unsigned made;
    struct ring_descriptors ring;
    char instance[32], name[RING_NAME_SIZE];

    snprintf(instance, sizeof(instance), "remote%d-%u", (int)getpid(), made++);
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    assert_int_equal(ring_create(name, capacity, 0, EPOCH, &ring), 0);
    assert_int_equal(ring_unlink(name), 0);
    return ring;
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct ring_writer *writer;

    assert_non_null(rig);
    rig->ring = make_ring(CAPACITY);
    assert_int_equal(ringcast_open_fd(rig->ring.reader, &rig->reader), 0);
    assert_int_equal(ringcast_seek_keyframe(rig->reader, &rig->cursor), -EAGAIN);
    assert_int_equal(ring_writer_attach(dup(rig->ring.writer), -1, &writer), 0);
    ring_output_init(&rig->output, writer);
    assert_int_equal(remote_publisher_create(&rig->output, &rig->publisher), 0);
    rig->decode_time = 900000;
    rig->arrival_ns = EPOCH + 2 * NS_PER_SECOND;
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;

    remote_publisher_destroy(rig->publisher);
    ring_output_finish(&rig->output);
    ringcast_close(rig->reader);
    close(rig->ring.reader);
    close(rig->ring.writer);
    free(rig);
    return 0;
}

static int describe(struct rig *rig, bool large)
{
    struct piece piece = {.kind = PIECE_GENERATION, .timescale = REMOTE_MEDIA_TIMESCALE, .data = rig->body};

    piece.size = remote_media_generation(rig->body, large);
    return remote_publisher_describe(rig->publisher, &piece);
}

static struct piece next_fragment(struct rig *rig, bool keyframe, size_t picture)
{
    const struct remote_media_fragment made = {
        .keyframe = keyframe,
        .decode_time = rig->decode_time,
        .sound_time = rig->decode_time * REMOTE_MEDIA_SOUND_RATE / REMOTE_MEDIA_TIMESCALE,
        .picture = picture,
    };
    struct piece piece = {
        .kind = PIECE_FRAGMENT,
        .flags = keyframe ? RINGCAST_KEYFRAME : 0,
        .decode_time = rig->decode_time,
        .duration = REMOTE_MEDIA_TICK,
        .timescale = REMOTE_MEDIA_TIMESCALE,
        .wall_ns = 77,
        .age_us = 500000,
        .origin = 9,
        .fence = 4,
        .sequence = ++rig->sequence,
        .data = rig->body,
    };

    assert_true(remote_media_fragment(NULL, &made) <= sizeof(rig->body));
    piece.size = remote_media_fragment(rig->body, &made);
    piece.length = (uint32_t)piece.size;
    rig->decode_time += REMOTE_MEDIA_TICK;
    rig->arrival_ns += 40 * NS_PER_MS;
    return piece;
}

static int put(struct rig *rig, bool keyframe, bool first)
{
    struct piece piece = next_fragment(rig, keyframe, 20);

    return remote_publisher_put(rig->publisher, &piece, first, rig->arrival_ns);
}

static void read_one(struct rig *rig)
{
    assert_int_equal(ringcast_read(rig->reader, &rig->cursor, rig->read, sizeof(rig->read), &rig->entry), 1);
    rig->read_length = rig->entry.length;
}

static void fragments_come_into_the_ring(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];

    assert_int_equal(put(rig, true, false), -EBADMSG); /* nothing describes it */
    assert_int_equal(describe(rig, false), 0);
    assert_int_equal(put(rig, true, false), 0);
    assert_int_equal(put(rig, false, false), 0);
    read_one(rig);
    assert_int_equal(rig->entry.flags, RINGCAST_REMOTE | RINGCAST_KEYFRAME);
    assert_int_equal(rig->entry.wall_ns, 77);
    assert_int_equal(rig->entry.capture_ns, EPOCH + 1580 * NS_PER_MS);
    assert_int_equal(rig->entry.decode_time, 1580 * 90); /* its capture, behind the epoch */
    assert_int_equal(rig->entry.duration, REMOTE_MEDIA_TICK);
    assert_int_equal(boxes_check_fragment(rig->read, rig->read_length, tracks), 1);
    assert_int_equal(tracks[0].decode_time, rig->entry.decode_time);
    assert_in_range(tracks[1].decode_time, 1580 * 44100 / 1000 - 1, 1580 * 44100 / 1000 + 1);
    uint64_t between = tracks[1].decode_time;
    read_one(rig);
    assert_int_equal(rig->entry.flags, RINGCAST_REMOTE);
    assert_int_equal(rig->entry.decode_time, 1580 * 90 + REMOTE_MEDIA_TICK);
    assert_int_equal(boxes_check_fragment(rig->read, rig->read_length, tracks), 2);
    assert_int_equal(tracks[1].decode_time - between, 44100 / 25);
    const struct publisher_status *status = remote_publisher_status(rig->publisher);
    assert_string_equal(status->codecs, "avc1.42C01E,mp4a.40.2");
    assert_int_equal(status->width, 640);
    assert_int_equal(status->fragments, 2);
    assert_string_equal(status->audio, "mp4a.40.2");
}

static void a_generation_begins_only_where_something_differs(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(describe(rig, false), 0);
    assert_int_equal(put(rig, true, false), 0);
    assert_int_equal(describe(rig, false), 0); /* as with each join */
    assert_int_equal(put(rig, false, false), 0);
    assert_int_equal(ring_writer_positions(rig->output.ring).generation, 1);
    assert_int_equal(describe(rig, true), 0);
    assert_int_equal(put(rig, false, false), -EBADMSG); /* the first of a generation is a keyframe */
    assert_int_equal(ring_writer_positions(rig->output.ring).generation, 1);
    assert_int_equal(describe(rig, false), 0); /* and what was never used is forgotten */
    assert_int_equal(put(rig, false, false), 0);
    assert_int_equal(describe(rig, true), 0);
    assert_int_equal(put(rig, true, false), 0);
    assert_int_equal(ring_writer_positions(rig->output.ring).generation, 2);
    assert_int_equal(remote_publisher_status(rig->publisher)->width, 1920);
    assert_int_equal(remote_publisher_status(rig->publisher)->changes, 2);
}

static void generations_are_limited(void **state)
{
    struct rig *rig = *state;
    int left_out = 0;

    for (int i = 0; i < 100; i++) { /* in four seconds */
        assert_int_equal(describe(rig, i % 2 == 0), 0);
        int result = put(rig, true, false);
        assert_true(result == 0 || result == -EAGAIN);
        left_out += result == -EAGAIN;
    }
    assert_in_range(left_out, 30, 70);
    assert_true(ring_writer_positions(rig->output.ring).generation <= STREAM_LIMIT_GENERATIONS_BURST + 5);
    assert_int_equal(remote_publisher_status(rig->publisher)->generations_refused, left_out);
}

static void another_timeline_follows_the_first(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];

    assert_int_equal(describe(rig, false), 0);
    assert_int_equal(put(rig, true, false), 0);
    rig->decode_time =
        90000; /* the other node's ring is younger; its group so far began before the last picture */
    assert_int_equal(put(rig, true, true), 0);
    assert_int_equal(put(rig, false, false), 0);
    read_one(rig);
    int64_t end = rig->entry.decode_time + rig->entry.duration;
    rig->arrival_ns -= NS_PER_SECOND;
    read_one(rig);
    assert_int_equal(rig->entry.flags, RINGCAST_REMOTE | RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY);
    assert_true(rig->entry.decode_time >= end);
    boxes_check_fragment(rig->read, rig->read_length, tracks);
    assert_int_equal(tracks[0].decode_time, rig->entry.decode_time);
    int64_t decode_time = rig->entry.decode_time;
    read_one(rig);
    assert_int_equal(rig->entry.flags, RINGCAST_REMOTE);
    assert_int_equal(rig->entry.decode_time, decode_time + REMOTE_MEDIA_TICK);
    assert_int_equal(remote_publisher_status(rig->publisher)->joints, 1);
}

static void a_fragment_that_contradicts_itself_is_not_published(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(describe(rig, false), 0);
    struct piece piece = next_fragment(rig, true, 20);
    struct piece other = piece;
    other.decode_time++;
    assert_int_equal(remote_publisher_put(rig->publisher, &other, false, rig->arrival_ns), -EBADMSG);
    other = piece;
    other.timescale = 1000;
    assert_int_equal(remote_publisher_put(rig->publisher, &other, false, rig->arrival_ns), -EBADMSG);
    other = piece;
    other.duration = UINT32_MAX;
    assert_int_equal(remote_publisher_put(rig->publisher, &other, false, rig->arrival_ns), -EBADMSG);
    rig->body[40] ^= 1;
    assert_int_equal(remote_publisher_put(rig->publisher, &piece, false, rig->arrival_ns), -EBADMSG);
    rig->body[40] ^= 1;
    assert_int_equal(ringcast_read(rig->reader, &rig->cursor, rig->read, sizeof(rig->read), &rig->entry), 0);
    assert_int_equal(remote_publisher_put(rig->publisher, &piece, false, rig->arrival_ns), 0);
}

static void a_larger_ring_takes_what_did_not_fit(void **state)
{
    struct rig *rig = *state;
    struct ring_writer *writer;

    assert_int_equal(describe(rig, false), 0);
    assert_int_equal(put(rig, true, false), 0);
    struct piece piece = next_fragment(rig, true, CAPACITY / 4);
    assert_int_equal(remote_publisher_put(rig->publisher, &piece, false, rig->arrival_ns), -ENOBUFS);
    assert_true(remote_publisher_status(rig->publisher)->fragment_bytes > CAPACITY / 4);
    struct ring_descriptors next = make_ring(4 * CAPACITY);
    assert_int_equal(ring_writer_attach(next.writer, -1, &writer), 0);
    ring_output_offer(&rig->output, writer);
    assert_int_equal(remote_publisher_put(rig->publisher, &piece, false, rig->arrival_ns), 0);
    assert_int_equal(ring_writer_capacity(rig->output.ring), 4 * CAPACITY);
    assert_int_equal(ring_writer_positions(rig->output.ring).sequence, 2);
    close(next.reader);
}

/* A worker in the place of the one so far. True: it goes on where that has ended, and *MARK is set. */
static bool replace_worker(struct rig *rig, struct remote_mark *mark)
{
    struct ring_writer *writer;

    remote_publisher_destroy(rig->publisher);
    ring_output_finish(&rig->output);
    assert_int_equal(ring_writer_attach(dup(rig->ring.writer), -1, &writer), 0);
    ring_output_init(&rig->output, writer);
    assert_int_equal(remote_publisher_create(&rig->output, &rig->publisher), 0);
    return remote_publisher_resume(rig->publisher, mark);
}

static void the_next_worker_goes_on(void **state)
{
    struct rig *rig = *state;
    struct remote_mark mark;

    assert_false(replace_worker(rig, &mark));
    assert_int_equal(describe(rig, false), 0);
    assert_int_equal(put(rig, true, false), 0);
    assert_int_equal(put(rig, false, false), 0);
    assert_true(replace_worker(rig, &mark));
    assert_int_equal(mark.origin, 9);
    assert_int_equal(mark.fence, 4);
    assert_int_equal(mark.sequence, 2);
    assert_int_equal(describe(rig, false), 0);
    rig->arrival_ns +=
        300 * NS_PER_MS; /* the group so far comes late, and lies where it belongs all the same */
    assert_int_equal(put(rig, false, false), 0);
    read_one(rig);
    int64_t decode_time = rig->entry.decode_time;
    for (int i = 1; i < 3; i++) {
        read_one(rig);
        assert_int_equal(rig->entry.decode_time, decode_time + i * REMOTE_MEDIA_TICK);
        assert_int_equal(rig->entry.generation, 1);
        assert_int_equal(rig->entry.flags, RINGCAST_REMOTE);
    }
    assert_string_equal(remote_publisher_status(rig->publisher)->codecs, "avc1.42C01E,mp4a.40.2");
}

static void the_next_worker_begins_what_is_another_stream(void **state)
{
    struct rig *rig = *state;
    struct remote_mark mark;

    assert_int_equal(describe(rig, false), 0);
    assert_int_equal(put(rig, true, false), 0);
    assert_true(replace_worker(rig, &mark));
    assert_int_equal(describe(rig, true), 0);
    assert_int_equal(put(rig, false, false), -EBADMSG);
    assert_int_equal(put(rig, true, false), 0);
    assert_int_equal(ring_writer_positions(rig->output.ring).generation, 2);
}

/* What is noted may have been written by anything. */
static void the_next_worker_believes_no_nonsense(void **state)
{
    struct rig *rig = *state;
    const uint64_t bad[] = {INT64_MAX, (uint64_t)INT64_MIN, (uint64_t)-1, 0};
    struct remote_mark mark;

    assert_int_equal(describe(rig, false), 0);
    assert_int_equal(put(rig, true, false), 0);
    struct ring_note good;
    assert_true(ring_writer_note(rig->output.ring, &good));
    for (size_t word = 0; word < RING_NOTE_WORDS; word++) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            struct ring_note note = good;
            note.words[word] = bad[i];
            const struct ring_fragment fragment = {.flags = RINGCAST_KEYFRAME, .note = &note};
            assert_non_null(ring_writer_reserve(rig->output.ring, 100));
            assert_int_equal(ring_writer_publish(rig->output.ring, &fragment), 0);
            (void)replace_worker(rig, &mark);
            assert_int_equal(describe(rig, false), 0);
            int64_t end_ns = ring_writer_end_ns(rig->output.ring);
            assert_int_equal(put(rig, true, false), 0);
            assert_true(ring_writer_end_ns(rig->output.ring) >= end_ns);
        }
    }
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_init_segment_names_its_tracks),
        cmocka_unit_test(damaged_init_segments_are_refused),
        cmocka_unit_test(all_tracks_move_by_the_same_time),
        cmocka_unit_test(damaged_fragments_are_refused),
        cmocka_unit_test(what_points_elsewhere_is_refused),
        cmocka_unit_test(ticks_are_rounded_up_and_never_drift),
        cmocka_unit_test(a_timeline_begins_where_its_capture_was),
        cmocka_unit_test(a_timeline_that_strays_begins_anew),
        RIG_TEST(fragments_come_into_the_ring),
        RIG_TEST(a_generation_begins_only_where_something_differs),
        RIG_TEST(generations_are_limited),
        RIG_TEST(another_timeline_follows_the_first),
        RIG_TEST(a_fragment_that_contradicts_itself_is_not_published),
        RIG_TEST(a_larger_ring_takes_what_did_not_fit),
        RIG_TEST(the_next_worker_goes_on),
        RIG_TEST(the_next_worker_begins_what_is_another_stream),
        RIG_TEST(the_next_worker_believes_no_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
