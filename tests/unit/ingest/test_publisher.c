/* SPDX-License-Identifier: MIT */
/* From access units to fragments in a real ring: generations, keyframes, audio. */
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
#include "common/ring/ring_writer.h"
#include "common/ring/ringcast.h"
#include "ingest/publish/publisher.h"
#include "ingest/publish/stream_limit.h"
#include "tests/support/boxes.h"
#include "tests/support/samples.h"

#define MS 1000000LL
#define EPOCH 1000000000LL
#define FRAME (40 * MS)

struct rig {
    struct ring_descriptors ring;
    struct ring_output output;
    struct publisher *publisher;
    ringcast_reader *reader;
    ringcast_cursor cursor;
    struct media_description description;
    int64_t now_ns;
    char error[SOURCE_ERROR_SIZE];
    uint8_t bytes[1 << 16];
    size_t length;
    /* Of the next video unit. */
    bool lost;
    int64_t camera_ns;
    int64_t jump_ns; /* of the camera's clock */
};

/* As a new worker does. */
static void open_publisher(struct rig *rig)
{
    struct ring_writer *writer;

    assert_int_equal(ring_writer_attach(dup(rig->ring.writer), -1, &writer), 0);
    ring_output_init(&rig->output, writer);
    assert_int_equal(publisher_create(&rig->output, &rig->publisher), 0);
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    char instance[32];
    char name[RING_NAME_SIZE];

    assert_non_null(rig);
    snprintf(instance, sizeof(instance), "publisher%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    assert_int_equal(ring_create(name, 65536, 0, EPOCH, &rig->ring), 0);
    assert_int_equal(ring_unlink(name), 0); /* a test that fails leaves nothing behind */
    assert_int_equal(ringcast_open_fd(rig->ring.reader, &rig->reader), 0);
    assert_int_equal(ringcast_seek_keyframe(rig->reader, &rig->cursor), -EAGAIN);
    open_publisher(rig);
    rig->description.video = (struct media_stream){.codec = MEDIA_CODEC_H264, .codec_name = "h264"};
    rig->now_ns = EPOCH + 1000 * MS;
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;

    publisher_destroy(rig->publisher);
    ring_output_finish(&rig->output);
    ringcast_close(rig->reader);
    close(rig->ring.reader);
    close(rig->ring.writer);
    free(rig);
    return 0;
}

static void add(struct rig *rig, const void *data, size_t size)
{
    memcpy(rig->bytes + rig->length, "\0\0\1", 3);
    memcpy(rig->bytes + rig->length + 3, data, size);
    rig->length += 3 + size;
}

#define ADD(rig, bytes) add(rig, bytes, sizeof(bytes))

/* Hands over what was added, as the next video unit. */
static int put(struct rig *rig)
{
    struct media_unit unit = {.video = true,
                              .data = rig->bytes,
                              .size = rig->length,
                              .presentation_ns = rig->now_ns + rig->jump_ns,
                              .decode_ns = MEDIA_TIME_UNKNOWN,
                              .capture_ns = rig->now_ns,
                              .wall_ns = 77,
                              .camera_ns = rig->camera_ns,
                              .lost = rig->lost};

    rig->now_ns += FRAME;
    rig->length = 0;
    rig->lost = false;
    return publisher_put(rig->publisher, &unit, rig->error);
}

static int put_slice(struct rig *rig, bool idr)
{
    static const uint8_t key[] = {0x65, 0x88, 0x84, 0x12};
    static const uint8_t other[] = {0x41, 0x9a, 0x02};

    if (idr) {
        ADD(rig, key);
    } else {
        ADD(rig, other);
    }
    return put(rig);
}

/* A silent frame of one channel (aac_silence). */
static const uint8_t sound_unit[] = {0x00, 0x00, 0x00, 0x07};

static void put_audio(struct rig *rig, int64_t offset_ns)
{
    struct media_unit unit = {.data = sound_unit,
                              .size = sizeof(sound_unit),
                              .presentation_ns = rig->now_ns + offset_ns,
                              .decode_ns = MEDIA_TIME_UNKNOWN,
                              .capture_ns = rig->now_ns};

    assert_int_equal(publisher_put(rig->publisher, &unit, rig->error), 0);
}

/* Reads the next fragment, which must be there. */
static ringcast_entry expect_fragment(struct rig *rig, uint32_t generation, uint32_t flags,
                                      struct fragment_track tracks[2])
{
    static uint8_t data[65536];
    ringcast_entry entry;

    assert_int_equal(ringcast_read(rig->reader, &rig->cursor, data, sizeof(data), &entry), 1);
    assert_int_equal(entry.generation, generation);
    assert_int_equal(entry.flags, flags);
    assert_int_equal(boxes_check_fragment(data, entry.length, tracks), entry.sequence);
    return entry;
}

static void begin(struct rig *rig)
{
    assert_int_equal(publisher_begin(rig->publisher, &rig->description, rig->error), 0);
}

static void waits_for_parameters_and_keyframe(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];

    begin(rig);
    assert_int_equal(put_slice(rig, false), 0);
    assert_int_equal(put_slice(rig, true), 0); /* no parameter sets yet */
    ADD(rig, sample_avc_base_sps);
    assert_int_equal(put(rig), 0);
    ADD(rig, sample_avc_base_pps);
    assert_int_equal(put_slice(rig, false), 0);
    assert_int_equal(put_slice(rig, true), 1);
    assert_int_equal(put_slice(rig, false), 1);
    ringcast_entry entry = expect_fragment(rig, 1, RINGCAST_KEYFRAME, tracks);
    assert_int_equal(entry.wall_ns, 77);
    assert_int_equal(entry.timescale, 90000);
    expect_fragment(rig, 1, 0, tracks);
    const struct publisher_status *status = publisher_status(rig->publisher);
    assert_string_equal(status->codecs, "avc1.42C01E");
    assert_int_equal(status->width, 640);
    assert_int_equal(status->height, 360);
    assert_int_equal(status->fragments, 2);
    assert_int_equal(status->withheld, 3);
}

static void new_parameters_begin_a_generation(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];
    ringcast_generation generation;

    begin(rig);
    for (int i = 0; i < 2; i++) { /* the same again changes nothing */
        ADD(rig, sample_avc_base_sps);
        ADD(rig, sample_avc_base_pps);
        assert_int_equal(put_slice(rig, true), 1);
        expect_fragment(rig, 1, RINGCAST_KEYFRAME, tracks);
    }
    ADD(rig, sample_avc_high_sps);
    ADD(rig, sample_avc_high_pps);
    assert_int_equal(put_slice(rig, false), 0); /* cannot be decoded with either */
    assert_int_equal(put_slice(rig, false), 0);
    assert_int_equal(put_slice(rig, true), 1);
    ringcast_entry entry = expect_fragment(rig, 2, RINGCAST_KEYFRAME, tracks);
    assert_int_equal(entry.sequence, 3);
    assert_int_equal(ringcast_init_segment(rig->reader, 2, NULL, 0, &generation), 0);
    assert_string_equal(generation.codecs, "avc1.640028");
    assert_int_equal(generation.width, 1920);
    assert_int_equal(publisher_status(rig->publisher)->changes, 2);
}

static void reconnect_keeps_the_generation(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];
    int64_t last = 0;

    for (int i = 0; i < 3; i++) {
        begin(rig);
        assert_int_equal(put_slice(rig, false), 0);
        ADD(rig, sample_avc_base_sps);
        ADD(rig, sample_avc_base_pps);
        assert_int_equal(put_slice(rig, true), 1);
        ringcast_entry entry =
            expect_fragment(rig, 1, RINGCAST_KEYFRAME | (i > 0 ? RINGCAST_DISCONTINUITY : 0u), tracks);
        assert_true(entry.decode_time > last);
        last = entry.decode_time;
        assert_int_equal(publisher_status(rig->publisher)->joints, i);
    }
}

static void next_writer_begins_a_generation(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];

    for (uint32_t i = 1; i <= 2; i++) {
        begin(rig);
        ADD(rig, sample_avc_base_sps);
        ADD(rig, sample_avc_base_pps);
        assert_int_equal(put_slice(rig, true), 1);
        expect_fragment(rig, i, RINGCAST_KEYFRAME, tracks);
        publisher_destroy(rig->publisher);
        ring_output_finish(&rig->output);
        open_publisher(rig);
    }
}

static const uint8_t aac_48k_mono[] = {0x11, 0x88};

static void announce_sound(struct rig *rig)
{
    rig->description.audio = (struct media_stream){.codec = MEDIA_CODEC_AAC,
                                                   .codec_name = "aac",
                                                   .extradata = aac_48k_mono,
                                                   .extradata_size = sizeof(aac_48k_mono),
                                                   .sample_rate = 48000,
                                                   .channels = 1};
}

static int put_keyframe(struct rig *rig)
{
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    return put_slice(rig, true);
}

static void audio_goes_with_the_next_picture(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];

    announce_sound(rig);
    begin(rig);
    put_audio(rig, 0); /* before the first picture: it shows that there is sound, and is left out */
    assert_int_equal(put_keyframe(rig), 1);
    ringcast_entry first = expect_fragment(rig, 1, RINGCAST_KEYFRAME, tracks);
    assert_int_equal(tracks[1].samples, 0);
    put_audio(rig, -FRAME);
    put_audio(rig, -FRAME + 1024 * 1000000000LL / 48000);
    assert_int_equal(put_slice(rig, false), 1);
    expect_fragment(rig, 1, 0, tracks);
    assert_int_equal(tracks[1].samples, 2);
    assert_int_equal(tracks[1].duration, 2048);
    assert_int_equal(tracks[1].decode_time, (first.decode_time + 3600) * 48000 / 90000);
    assert_int_equal(put_slice(rig, false), 1);
    expect_fragment(rig, 1, 0, tracks);
    assert_int_equal(tracks[1].samples, 0);
    assert_string_equal(publisher_status(rig->publisher)->codecs, "avc1.42C01E,mp4a.40.2");
    assert_string_equal(publisher_status(rig->publisher)->audio, "aac");
}

/* Reads all fragments; what their sound was. */
struct heard {
    unsigned fragments, samples, holes;
    uint32_t generation;
    uint64_t end;
};

static void hear(struct rig *rig, struct heard *heard)
{
    static uint8_t data[65536];
    struct fragment_track tracks[2];
    ringcast_entry entry;

    while (ringcast_read(rig->reader, &rig->cursor, data, sizeof(data), &entry) == 1) {
        boxes_check_fragment(data, entry.length, tracks);
        assert_true(entry.generation == heard->generation || (entry.flags & RINGCAST_KEYFRAME) != 0);
        heard->generation = entry.generation;
        heard->fragments++;
        if (tracks[1].samples == 0) {
            continue;
        }
        heard->holes += heard->samples > 0 && tracks[1].decode_time != heard->end;
        heard->samples += tracks[1].samples;
        heard->end = tracks[1].decode_time + tracks[1].duration;
    }
}

/* Pictures of LENGTH with a keyframe each second, and a unit of sound beside each if there is SOUND. */
static void live(struct rig *rig, int64_t length, bool sound, struct heard *heard)
{
    for (int64_t end = rig->now_ns + length; rig->now_ns < end;) {
        bool keyframe = rig->now_ns % (1000 * MS) == 0;
        for (int i = 0; sound && i < 2; i++) {
            put_audio(rig, i * 1024 * 1000000000LL / 48000);
        }
        assert_int_equal(keyframe ? put_keyframe(rig) : put_slice(rig, false), 1);
        hear(rig, heard);
    }
}

static void sound_has_no_track_until_it_is_there(void **state)
{
    struct rig *rig = *state;
    const struct publisher_status *status = publisher_status(rig->publisher);
    struct heard heard = {0};

    announce_sound(rig);
    begin(rig);
    assert_string_equal(status->audio, "waiting");
    live(rig, 3000 * MS, false, &heard);
    assert_int_equal(heard.fragments, 75);
    assert_int_equal(heard.generation, 1);
    assert_string_equal(status->codecs, "avc1.42C01E");
    assert_string_equal(status->audio, "waiting");
    assert_string_equal(status->audio_error, "");
    live(rig, 3000 * MS, true, &heard);
    assert_int_equal(heard.fragments, 150); /* none was withheld for it */
    assert_int_equal(heard.generation, 2);
    assert_in_range(heard.samples, 130, 145); /* all of it: it began beside a keyframe */
    assert_int_equal(heard.holes, 0);
    assert_string_equal(status->codecs, "avc1.42C01E,mp4a.40.2");
    assert_string_equal(status->audio, "aac");
}

/* Silence, then no track; the sound is let in again later. The same sound over a new connection costs nothing. */
static void sound_that_ends_leaves_the_track(void **state)
{
    struct rig *rig = *state;
    const struct publisher_status *status = publisher_status(rig->publisher);
    struct heard heard = {0};

    announce_sound(rig);
    begin(rig);
    put_audio(rig, 0);
    live(rig, 3000 * MS, true, &heard);
    begin(rig);
    live(rig, 3000 * MS, true, &heard);
    assert_int_equal(heard.generation, 1);
    unsigned before = heard.samples;
    live(rig, 4000 * MS, false, &heard);
    assert_int_equal(heard.generation, 1);
    assert_in_range(heard.samples - before, 180, 190); /* silence */
    assert_int_equal(heard.holes, 0);
    live(rig, 4000 * MS, false, &heard);
    assert_int_equal(heard.generation, 2);
    assert_string_equal(status->codecs, "avc1.42C01E");
    assert_string_equal(status->audio, "ended");
    assert_non_null(strstr(status->audio_error, "aac"));
    before = heard.fragments;
    live(rig, 14000 * MS, true, &heard);
    assert_int_equal(heard.fragments - before, 350);
    assert_int_equal(heard.generation, 3);
    assert_string_equal(status->audio, "aac");
    assert_int_equal(status->withheld, 0);
}

/* Gaps in the sound, again and again: silence goes along with the pictures, each time after as short a wait. */
static void gaps_are_filled_at_once(void **state)
{
    struct rig *rig = *state;
    struct heard heard = {0};

    announce_sound(rig);
    begin(rig);
    put_audio(rig, 0);
    live(rig, 3000 * MS, true, &heard);
    for (int i = 0; i < 8; i++) {
        live(rig, 320 * MS, false, &heard);
        unsigned before = heard.samples;
        live(rig, 400 * MS, false, &heard);
        assert_in_range(heard.samples - before, 15, 20);
        live(rig, 2280 * MS, true, &heard);
    }
    assert_int_equal(heard.holes, 0);
    assert_int_equal(heard.generation, 1);
}

/* What is announced as AAC is none: no track, and words for it. */
static void sound_that_is_none_has_no_track(void **state)
{
    static const uint8_t bytes[] = {0xe7, 0x3a, 0x90, 0x11, 0x5b, 0xc4, 0x08, 0x7f, 0xfe, 0x21};
    struct rig *rig = *state;
    struct heard heard = {0};

    announce_sound(rig);
    begin(rig);
    for (int i = 0; i < 25; i++) {
        struct media_unit unit = {.data = bytes,
                                  .size = sizeof(bytes),
                                  .presentation_ns = rig->now_ns,
                                  .decode_ns = MEDIA_TIME_UNKNOWN,
                                  .capture_ns = rig->now_ns};
        assert_int_equal(publisher_put(rig->publisher, &unit, rig->error), 0);
        assert_int_equal(i % 5 == 0 ? put_keyframe(rig) : put_slice(rig, false), 1);
    }
    hear(rig, &heard);
    assert_int_equal(heard.fragments, 25);
    assert_int_equal(heard.generation, 1);
    assert_string_equal(publisher_status(rig->publisher)->codecs, "avc1.42C01E");
    assert_string_equal(publisher_status(rig->publisher)->audio, "damaged");
}

static void sound_that_cannot_be_played_is_named(void **state)
{
    struct rig *rig = *state;
    const struct publisher_status *status = publisher_status(rig->publisher);

    rig->description.audio = (struct media_stream){.codec = MEDIA_CODEC_OTHER, .codec_name = "G7221/16000"};
    begin(rig);
    assert_string_equal(status->audio, "unsupported");
    assert_non_null(strstr(status->audio_error, "G7221/16000"));
    rig->description.audio = (struct media_stream){0};
    begin(rig);
    assert_string_equal(status->audio, "none");
    assert_string_equal(status->audio_error, "");
}

/* G.711 and AAC whose units come 5 % too slowly or too fast, for a minute: no hole, and it stays beside the pictures. */
static void sound_of_another_pace_has_no_holes(void **state)
{
    static const uint8_t samples[160] = {0};
    struct rig *rig = *state;

    for (int kind = 0; kind < 4; kind++) {
        struct heard heard = {0};
        bool aac = kind < 2;
        double pace = kind % 2 == 0 ? 0.95 : 1.05;
        if (aac) {
            announce_sound(rig);
        } else {
            rig->description.audio = (struct media_stream){
                .codec = MEDIA_CODEC_PCMU, .codec_name = "pcmu", .sample_rate = 8000, .channels = 1};
        }
        begin(rig);
        rig->now_ns += 1000 * MS - rig->now_ns % (1000 * MS);
        double unit_ns = aac ? 1024 * 1e9 / 48000 : 20e6;
        double stamp = 0;
        double due = (double)rig->now_ns;
        for (int64_t end = rig->now_ns + 60000 * MS; rig->now_ns < end;) {
            for (; due <= (double)rig->now_ns; due += unit_ns / pace, stamp += unit_ns) {
                struct media_unit unit = {.data = aac ? sound_unit : samples,
                                          .size = aac ? sizeof(sound_unit) : sizeof(samples),
                                          .presentation_ns = (int64_t)stamp,
                                          .decode_ns = MEDIA_TIME_UNKNOWN,
                                          .capture_ns = (int64_t)due};
                assert_int_equal(publisher_put(rig->publisher, &unit, rig->error), 0);
            }
            bool keyframe = rig->now_ns % (1000 * MS) == 0;
            assert_int_equal(keyframe ? put_keyframe(rig) : put_slice(rig, false), 1);
            hear(rig, &heard);
            double off_ms =
                (double)heard.end * 1000 / (aac ? 48000 : 8000) - (double)(rig->now_ns - EPOCH) / MS;
            if (heard.fragments > 250 && (off_ms < -120 || off_ms > 40)) {
                fail_msg("kind %d: the sound ends %.0f ms behind the next picture", kind, -off_ms);
            }
        }
        assert_int_equal(heard.holes, 0);
        assert_true(heard.samples > 2500);
    }
}

static void picture_over_a_quarter_of_the_ring(void **state)
{
    static uint8_t big[20000] = {0x65, 0x88};
    struct rig *rig = *state;
    struct fragment_track tracks[2];

    memset(big + 2, 0x55, sizeof(big) - 2);
    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    assert_int_equal(put_slice(rig, true), 1);
    big[0] = 0x41;
    ADD(rig, big);
    assert_int_equal(put(rig), -ENOBUFS);
    assert_int_equal(publisher_retry(rig->publisher, rig->error), 0);
    assert_int_equal(put_slice(rig, false), 0); /* needs the one that is missing */
    big[0] = 0x65;
    ADD(rig, big);
    assert_int_equal(put(rig), -ENOBUFS);
    assert_int_equal(publisher_retry(rig->publisher, rig->error), -EMSGSIZE);
    assert_non_null(strstr(rig->error, "ring_size"));
    assert_int_equal(put_slice(rig, true), 1);
    expect_fragment(rig, 1, RINGCAST_KEYFRAME, tracks);
    expect_fragment(rig, 1, RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY, tracks);
}

static struct ring_writer *make_next_ring(struct ring_descriptors *next)
{
    struct ring_writer *writer;
    char instance[32];
    char name[RING_NAME_SIZE];

    snprintf(instance, sizeof(instance), "publisher-next%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    assert_int_equal(ring_create(name, 1 << 18, 0, EPOCH, next), 0);
    assert_int_equal(ring_unlink(name), 0);
    assert_int_equal(ring_writer_attach(dup(next->writer), -1, &writer), 0);
    return writer;
}

/* The rest of a test reads the ring NEXT. */
static void move_to(struct rig *rig, const struct ring_descriptors *next)
{
    ringcast_close(rig->reader);
    assert_int_equal(ringcast_open_fd(next->reader, &rig->reader), 0);
    close(rig->ring.writer);
    close(rig->ring.reader);
    rig->ring = *next;
}

static void close_ring(const struct ring_descriptors *ring)
{
    close(ring->writer);
    close(ring->reader);
}

static void another_ring_begins_with_a_keyframe(void **state)
{
    struct rig *rig = *state;
    struct fragment_track tracks[2];
    struct ring_descriptors next;

    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    assert_int_equal(put_slice(rig, true), 1);
    ringcast_entry first = expect_fragment(rig, 1, RINGCAST_KEYFRAME, tracks);
    struct ring_writer *writer = make_next_ring(&next);
    ring_output_offer(&rig->output, writer);
    assert_int_equal(put_slice(rig, false), 1);
    expect_fragment(rig, 1, 0, tracks);
    assert_ptr_not_equal(rig->output.ring, writer);
    assert_int_equal(put_slice(rig, true), 1);
    assert_ptr_equal(rig->output.ring, writer);
    move_to(rig, &next);
    assert_int_equal(ringcast_continue(rig->reader, &rig->cursor), 0);
    ringcast_entry entry = expect_fragment(rig, 2, RINGCAST_KEYFRAME, tracks);
    assert_int_equal(entry.sequence, first.sequence + 2);
    assert_int_equal(entry.decode_time, first.decode_time + INT64_C(2) * 90 * 40);
    assert_int_equal(put_slice(rig, false), 1);
    expect_fragment(rig, 2, 0, tracks);
    assert_int_equal(publisher_status(rig->publisher)->changes, 1); /* nothing that concerns viewers */
}

static void newer_offer_takes_the_place_of_an_older_one(void **state)
{
    struct rig *rig = *state;
    struct ring_descriptors older;
    struct ring_descriptors newer;

    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    ring_output_offer(&rig->output, make_next_ring(&older));
    struct ring_writer *writer = make_next_ring(&newer);
    ring_output_offer(&rig->output, writer);
    assert_int_equal(put_slice(rig, true), 1);
    assert_ptr_equal(rig->output.ring, writer);
    assert_false(ring_is_used(older.reader));
    assert_true(ring_is_used(newer.reader));
    close_ring(&older);
    close_ring(&newer);
}

static void used_ring_is_not_entered(void **state)
{
    struct rig *rig = *state;
    struct ring_descriptors used;
    struct ring_writer *writer = make_next_ring(&used);
    struct ring_stream stream = {.codecs = "avc1", .init = "init", .init_length = 4, .timescale = 90000};

    assert_int_equal(ring_writer_begin_generation(writer, &stream), 0);
    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    ring_output_offer(&rig->output, writer);
    assert_int_equal(put_slice(rig, true), 1);
    assert_null(rig->output.next);
    assert_int_equal(rig->output.reached, 0);
    struct fragment_track tracks[2];
    expect_fragment(rig, 1, RINGCAST_KEYFRAME, tracks);
    close_ring(&used);
}

static void first_picture_may_be_larger_than_the_ring(void **state)
{
    static uint8_t big[20000] = {0x65, 0x88};
    struct rig *rig = *state;
    struct fragment_track tracks[2];
    struct ring_descriptors next;

    memset(big + 2, 0x55, sizeof(big) - 2);
    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    ADD(rig, big);
    assert_int_equal(put(rig), -ENOBUFS);
    size_t missing = publisher_missing_room(rig->publisher);
    assert_true(missing > sizeof(big));
    assert_false(ring_output_fits(&rig->output, missing));
    assert_int_equal(publisher_retry(rig->publisher, rig->error), -EMSGSIZE);
    assert_int_equal(publisher_status(rig->publisher)->fragment_bytes, missing);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    ADD(rig, big);
    assert_int_equal(put(rig), -ENOBUFS);
    ring_output_offer(&rig->output, make_next_ring(&next));
    assert_true(ring_output_fits(&rig->output, missing));
    assert_int_equal(publisher_retry(rig->publisher, rig->error), 1);
    move_to(rig, &next);
    assert_int_equal(ringcast_seek_keyframe(rig->reader, &rig->cursor), 0);
    ringcast_entry entry = expect_fragment(rig, 2, RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY, tracks);
    assert_int_equal(entry.sequence, 1);
}

static void need_is_that_of_the_last_gop(void **state)
{
    const struct publisher_status *status = publisher_status(((struct rig *)*state)->publisher);
    struct rig *rig = *state;

    begin(rig);
    for (int gop = 0; gop < 3; gop++) {
        ADD(rig, sample_avc_base_sps);
        ADD(rig, sample_avc_base_pps);
        assert_int_equal(put_slice(rig, true), 1);
        uint64_t before = status->gop_bytes;
        for (int i = 0; i < (gop == 1 ? 20 : 5); i++) {
            assert_int_equal(put_slice(rig, false), 1);
        }
        /*
         * The first is counted while it grows, the second over the first, the third not before it is larger.
         */
        assert_int_equal(status->gop_bytes > before, gop < 2);
    }
    assert_in_range(status->gop_bytes, 21 * (64 + 64), 21 * (64 + 256));
    assert_in_range(status->fragment_bytes, 1, 255);
}

static void streams_that_cannot_be_served(void **state)
{
    struct rig *rig = *state;

    rig->description.video = (struct media_stream){.codec = MEDIA_CODEC_OTHER, .codec_name = "mjpeg"};
    assert_int_equal(publisher_begin(rig->publisher, &rig->description, rig->error), -ENOTSUP);
    assert_non_null(strstr(rig->error, "mjpeg"));
    rig->description.video.codec = MEDIA_CODEC_NONE;
    assert_int_equal(publisher_begin(rig->publisher, &rig->description, rig->error), -ENOTSUP);
}

static void begin_with_keyframe(struct rig *rig)
{
    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    assert_int_equal(put_slice(rig, true), 1);
}

static void after_a_loss_a_keyframe_is_waited_for(void **state)
{
    struct rig *rig = *state;

    begin_with_keyframe(rig);
    assert_int_equal(put_slice(rig, false), 1);
    rig->lost = true;
    assert_int_equal(put_slice(rig, false), 0);
    assert_int_equal(put_slice(rig, false), 0);
    assert_int_equal(put_slice(rig, true), 1);
    assert_int_equal(put_slice(rig, false), 1);
    rig->lost = true;
    assert_int_equal(put_slice(rig, true), 1); /* a keyframe refers to nothing that was lost */
    assert_int_equal(publisher_status(rig->publisher)->withheld, 2);
}

static struct fragment_prft next_prft(struct rig *rig)
{
    static uint8_t data[65536];
    ringcast_entry entry;

    assert_int_equal(ringcast_read(rig->reader, &rig->cursor, data, sizeof(data), &entry), 1);
    return boxes_prft(data, entry.length);
}

static void the_cameras_time_goes_along(void **state)
{
    struct rig *rig = *state;

    begin_with_keyframe(rig);
    assert_int_equal(next_prft(rig).flags, 2);
    rig->camera_ns = 1500 * MS;
    assert_int_equal(put_slice(rig, false), 1);
    struct fragment_prft prft = next_prft(rig);
    assert_int_equal(prft.flags, 24);
    assert_int_equal(prft.ntp, (2208988801ull << 32) + (1ull << 31));
}

static void a_clock_that_jumps_is_repaired(void **state)
{
    static const int64_t jumps_s[] = {3600, 0, -3600, -7200, 86400, 0};
    struct rig *rig = *state;
    struct fragment_track tracks[2];
    ringcast_entry last = {0};

    begin_with_keyframe(rig);
    last = expect_fragment(rig, 1, RINGCAST_KEYFRAME, tracks);
    for (size_t i = 0; i < sizeof(jumps_s) / sizeof(jumps_s[0]); i++) {
        rig->jump_ns = jumps_s[i] * 1000 * MS;
        for (int frame = 0; frame < 3; frame++) {
            assert_int_equal(put_slice(rig, false), 1);
            ringcast_entry entry = expect_fragment(rig, 1, frame == 0 ? RINGCAST_DISCONTINUITY : 0, tracks);
            assert_true(entry.decode_time > last.decode_time);
            assert_true(entry.decode_time - last.decode_time < 2 * 3600);
            last = entry;
        }
    }
    assert_int_equal(publisher_status(rig->publisher)->repairs, sizeof(jumps_s) / sizeof(jumps_s[0]));
}

/* A camera that announces H.265 and sends H.264: its first unit says so, with lengths before its NAL units. */
static void a_unit_may_describe_its_stream(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 4, 0x65, 0x88, 0x84, 0x12};
    struct rig *rig = *state;
    uint8_t sets[128];
    struct media_stream stream = {.codec = MEDIA_CODEC_H264, .extradata = sets, .nal_length_size = 4};
    struct media_unit unit = {.video = true,
                              .stream = &stream,
                              .data = bytes,
                              .size = sizeof(bytes),
                              .presentation_ns = rig->now_ns,
                              .decode_ns = MEDIA_TIME_UNKNOWN,
                              .capture_ns = rig->now_ns};

    rig->description.video.codec = MEDIA_CODEC_H265;
    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    stream.extradata_size = rig->length;
    memcpy(sets, rig->bytes, rig->length);
    assert_int_equal(publisher_put(rig->publisher, &unit, rig->error), 1);
    assert_string_equal(publisher_status(rig->publisher)->codecs, "avc1.42C01E");
}

/* Sound that is not as described goes on with the next keyframe; pictures go on as if nothing had been. */
static void sound_that_changes_costs_no_picture(void **state)
{
    static const uint8_t first[] = {0x14, 0x08}, then[] = {0x15, 0x88};
    struct rig *rig = *state;
    struct media_stream stream = {.codec = MEDIA_CODEC_AAC,
                                  .codec_name = "aac",
                                  .sample_rate = 8000,
                                  .channels = 1,
                                  .extradata = then,
                                  .extradata_size = 2};

    rig->description.audio = (struct media_stream){.codec = MEDIA_CODEC_AAC,
                                                   .codec_name = "aac",
                                                   .sample_rate = 16000,
                                                   .channels = 1,
                                                   .extradata = first,
                                                   .extradata_size = 2};
    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    assert_int_equal(put_slice(rig, true), 1);
    assert_int_equal(publisher_status(rig->publisher)->changes, 1);
    struct media_unit unit = {.stream = &stream,
                              .data = sound_unit,
                              .size = sizeof(sound_unit),
                              .presentation_ns = rig->now_ns,
                              .decode_ns = MEDIA_TIME_UNKNOWN,
                              .capture_ns = rig->now_ns};
    assert_int_equal(publisher_put(rig->publisher, &unit, rig->error), 0);
    assert_int_equal(put_slice(rig, false), 1);
    assert_int_equal(publisher_status(rig->publisher)->changes, 1);
    assert_int_equal(put_slice(rig, true), 1);
    assert_int_equal(publisher_status(rig->publisher)->changes, 2);
    assert_int_equal(publisher_status(rig->publisher)->withheld, 0);
}

/* Turns between two sets of parameters, with each picture. */
static int put_changed(struct rig *rig, int number)
{
    if (number % 2 == 0) {
        ADD(rig, sample_avc_base_sps);
        ADD(rig, sample_avc_base_pps);
    } else {
        ADD(rig, sample_avc_high_sps);
        ADD(rig, sample_avc_high_pps);
    }
    return put_slice(rig, true);
}

static void generations_are_bounded(void **state)
{
    enum { SECONDS = 20, PER_SECOND = 25 };
    struct rig *rig = *state;
    const struct publisher_status *status = publisher_status(rig->publisher);

    begin(rig);
    for (int i = 0; i < SECONDS * PER_SECOND; i++) {
        assert_in_range(put_changed(rig, i), 0, 1);
    }
    assert_in_range(status->changes, SECONDS, SECONDS + STREAM_LIMIT_GENERATIONS_BURST + 1);
    assert_true(status->fragments >= status->changes);
    assert_true(status->generations_refused > SECONDS);
    assert_int_equal(status->withheld, status->generations_refused);
    assert_int_equal(status->fragments + status->withheld, SECONDS * PER_SECOND);
    rig->now_ns += 20000 * MS; /* the camera has come to its senses */
    uint64_t before = status->withheld;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(put_slice(rig, i % 10 == 0), 1);
    }
    assert_int_equal(status->withheld, before);
}

static void pictures_are_bounded(void **state)
{
    enum { SECONDS = 5, PER_SECOND = 5000, GOP = 50 };
    struct rig *rig = *state;
    const struct publisher_status *status = publisher_status(rig->publisher);
    uint64_t most = STREAM_LIMIT_PICTURES_BURST + SECONDS * STREAM_LIMIT_PICTURES;

    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    int before = 0;
    for (int i = 0; i < SECONDS * PER_SECOND; i++) {
        int result = put_slice(rig, i % GOP == 0);
        rig->now_ns += NS_PER_SECOND / PER_SECOND - FRAME;
        assert_true(result != 1 || before == 1 || i % GOP == 0); /* after one that is left out, a keyframe */
        before = result;
    }
    assert_in_range(status->fragments, most * 9 / 10, most + 1);
    assert_int_equal(status->pictures_refused > 0, true);
    assert_int_equal(status->generations_refused, 0);
}

/* Sound whose kind changes all the time is let in less and less. */
static void sound_that_changes_all_the_time_costs_no_picture(void **state)
{
    static const uint8_t first[] = {0x14, 0x08}, then[] = {0x15, 0x88};
    struct rig *rig = *state;

    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    for (int i = 0; i < 200; i++) {
        const struct media_stream stream = {.codec = MEDIA_CODEC_AAC,
                                            .codec_name = "aac",
                                            .sample_rate = i % 2 == 0 ? 8000 : 16000,
                                            .channels = 1,
                                            .extradata = i % 2 == 0 ? then : first,
                                            .extradata_size = 2};
        const struct media_unit unit = {.stream = &stream,
                                        .data = sound_unit,
                                        .size = sizeof(sound_unit),
                                        .presentation_ns = rig->now_ns,
                                        .decode_ns = MEDIA_TIME_UNKNOWN,
                                        .capture_ns = rig->now_ns};
        assert_int_equal(publisher_put(rig->publisher, &unit, rig->error), 0);
        assert_int_equal(put_slice(rig, true), 1);
    }
    assert_int_equal(publisher_status(rig->publisher)->withheld, 0);
    assert_in_range(publisher_status(rig->publisher)->changes, 2, 6);
}

static void garbage_is_no_picture(void **state)
{
    struct rig *rig = *state;
    uint32_t seed = 12345;

    begin(rig);
    ADD(rig, sample_avc_base_sps);
    ADD(rig, sample_avc_base_pps);
    assert_int_equal(put_slice(rig, true), 1);
    for (int round = 0; round < 2000; round++) {
        size_t size = 1 + round % 300;
        uint8_t *data = malloc(size);
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1103515245u + 12345u;
            data[i] = (uint8_t)(seed >> 16 & (round % 2 == 0 ? 0xff : 0x07));
        }
        struct media_unit unit = {.video = true,
                                  .keyframe = round % 3 == 0,
                                  .data = data,
                                  .size = size,
                                  .presentation_ns = (int64_t)((uint64_t)seed * seed),
                                  .decode_ns = MEDIA_TIME_UNKNOWN,
                                  .capture_ns = rig->now_ns += MS};
        assert_true(publisher_put(rig->publisher, &unit, rig->error) >= -EMSGSIZE);
        free(data);
    }
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(waits_for_parameters_and_keyframe),
        RIG_TEST(new_parameters_begin_a_generation),
        RIG_TEST(reconnect_keeps_the_generation),
        RIG_TEST(next_writer_begins_a_generation),
        RIG_TEST(audio_goes_with_the_next_picture),
        RIG_TEST(sound_has_no_track_until_it_is_there),
        RIG_TEST(sound_that_ends_leaves_the_track),
        RIG_TEST(gaps_are_filled_at_once),
        RIG_TEST(sound_that_is_none_has_no_track),
        RIG_TEST(sound_that_cannot_be_played_is_named),
        RIG_TEST(sound_of_another_pace_has_no_holes),
        RIG_TEST(picture_over_a_quarter_of_the_ring),
        RIG_TEST(another_ring_begins_with_a_keyframe),
        RIG_TEST(newer_offer_takes_the_place_of_an_older_one),
        RIG_TEST(used_ring_is_not_entered),
        RIG_TEST(first_picture_may_be_larger_than_the_ring),
        RIG_TEST(need_is_that_of_the_last_gop),
        RIG_TEST(streams_that_cannot_be_served),
        RIG_TEST(after_a_loss_a_keyframe_is_waited_for),
        RIG_TEST(the_cameras_time_goes_along),
        RIG_TEST(a_clock_that_jumps_is_repaired),
        RIG_TEST(a_unit_may_describe_its_stream),
        RIG_TEST(sound_that_changes_costs_no_picture),
        RIG_TEST(generations_are_bounded),
        RIG_TEST(pictures_are_bounded),
        RIG_TEST(sound_that_changes_all_the_time_costs_no_picture),
        RIG_TEST(garbage_is_no_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
