/* SPDX-License-Identifier: MIT */
/*
 * What passes through a worker allocates nothing: packets into access units, these into fragments in the
 * ring. The linker hands
 * every allocation of this program's own code to the counters here (--wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "ingest/publish/publisher.h"
#include "tests/support/samples.h"
#include "tests/unit/ingest/rtp/rtp_fixture.h"

#define FRAME_NS 40000000LL
#define GOP 25
#define GOPS 20
#define FRAME_SIZE 4096

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static unsigned allocations;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

static const uint8_t sound_config[] = {0x14, 0x08}; /* AAC-LC, 16 kHz, mono */

static const struct media_description description = {
    .video = {.codec = MEDIA_CODEC_H264, .codec_name = "h264"},
    .audio = {.codec = MEDIA_CODEC_AAC,
              .codec_name = "aac",
              .sample_rate = 16000,
              .channels = 1,
              .extradata = sound_config,
              .extradata_size = sizeof(sound_config)},
};

static uint8_t bytes[FRAME_SIZE + 256];

static size_t add(size_t length, const void *nal, size_t size)
{
    static const uint8_t start_code[] = {0, 0, 0, 1};

    memcpy(bytes + length, start_code, sizeof(start_code));
    memcpy(bytes + length + sizeof(start_code), nal, size);
    return length + sizeof(start_code) + size;
}

/* A picture as cameras send it: parameter sets again before each keyframe. */
static size_t make_picture(bool keyframe)
{
    static uint8_t slice[FRAME_SIZE];
    size_t length = 0;

    memset(slice, 0x5a, sizeof(slice));
    slice[0] = keyframe ? 0x65 : 0x41;
    slice[1] = 0x88;
    if (keyframe) {
        length = add(length, sample_avc_base_sps, sizeof(sample_avc_base_sps));
        length = add(length, sample_avc_base_pps, sizeof(sample_avc_base_pps));
    }
    return add(length, slice, sizeof(slice));
}

static void put_sound(struct publisher *publisher, int64_t now_ns)
{
    static const uint8_t sound[160] = {0x21, 0x10};
    char error[SOURCE_ERROR_SIZE];
    const struct media_unit unit = {.data = sound,
                                    .size = sizeof(sound),
                                    .presentation_ns = now_ns,
                                    .decode_ns = MEDIA_TIME_UNKNOWN,
                                    .capture_ns = now_ns};

    assert_int_equal(publisher_put(publisher, &unit, error), 0);
}

static void put_gop(struct publisher *publisher, int64_t *now_ns)
{
    char error[SOURCE_ERROR_SIZE];

    for (int i = 0; i < GOP; i++, *now_ns += FRAME_NS) {
        const struct media_unit unit = {.video = true,
                                        .data = bytes,
                                        .size = make_picture(i == 0),
                                        .presentation_ns = *now_ns,
                                        .decode_ns = MEDIA_TIME_UNKNOWN,
                                        .capture_ns = *now_ns};
        put_sound(publisher, *now_ns);
        assert_int_equal(publisher_put(publisher, &unit, error), 1);
    }
}

static void fragments_allocate_nothing(void **state)
{
    struct ring_descriptors ring;
    struct ring_writer *writer;
    struct ring_output output;
    struct publisher *publisher;
    char instance[32], name[RING_NAME_SIZE], error[SOURCE_ERROR_SIZE];
    int64_t now_ns = 1000000000;

    (void)state;
    snprintf(instance, sizeof(instance), "steady%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    assert_int_equal(ring_create(name, 65536, 0, 0, &ring), 0);
    assert_int_equal(ring_unlink(name), 0);
    assert_int_equal(ring_writer_attach(ring.writer, -1, &writer), 0);
    ring_output_init(&output, writer);
    assert_int_equal(publisher_create(&output, &publisher), 0);
    assert_int_equal(publisher_begin(publisher, &description, error), 0);
    put_gop(publisher, &now_ns); /* the init segment, and buffers that are kept */
    assert_true(allocations > 0);
    allocations = 0;
    for (int i = 0; i < GOPS; i++) {
        put_gop(publisher, &now_ns);
    }
    assert_int_equal(allocations, 0);
    assert_int_equal(publisher_status(publisher)->fragments, (GOPS + 1) * GOP);
    publisher_destroy(publisher);
    ring_output_finish(&output);
    close(ring.reader);
}

#define FU_A 28
#define FU_PACKETS 4

/* By then each place of the queue in which packets wait has had one. */
#define WARM_FRAMES (TRACK_REORDER_PACKETS / FU_PACKETS)

/* A frame of FU_PACKETS fragments (RFC 6184, 5.8), of which the middle ones change places on the way.
 * Returns how many frames came out. */
static unsigned put_packets(struct track *track, unsigned frame)
{
    static const unsigned order[FU_PACKETS] = {0, 2, 1, 3};
    static uint8_t packet[FIXTURE_PACKET_MAX];
    uint8_t payload[1000] = {0x60 | FU_A};
    struct media_unit unit;
    unsigned units = 0;

    for (unsigned i = 0; i < FU_PACKETS; i++) {
        unsigned part = order[i];
        bool last = part == FU_PACKETS - 1;
        payload[1] = (uint8_t)((part == 0 ? 0x80 : 0) | (last ? 0x40 : 0) | 1);
        payload[2] = part == 0 ? 0x9a : 0x55;
        size_t size =
            write_packet(&(struct fixture_packet){.payload_type = 96,
                                                  .marker = last,
                                                  .sequence = (uint16_t)(65000 + frame * FU_PACKETS + part),
                                                  .timestamp = frame * 3600,
                                                  .ssrc = 7,
                                                  .payload = payload,
                                                  .size = sizeof(payload)},
                         packet);
        assert_int_equal(track_put_rtp(track, packet, size, frame * FRAME_NS), 0);
        while (track_next(track, &unit) == 1) {
            units++;
        }
    }
    return units;
}

static void packets_allocate_nothing(void **state)
{
    const struct sdp_media media = make_media(SDP_VIDEO, "H264", 90000, 0, "");
    const struct track_options options = {.udp = true};
    struct track *track;
    unsigned units = 0, frame = 0;

    (void)state;
    assert_int_equal(track_create(&media, &options, &track), 0);
    while (frame < WARM_FRAMES) {
        put_packets(track, frame++);
    }
    assert_true(allocations > 0);
    allocations = 0;
    while (frame < WARM_FRAMES + GOPS * GOP) {
        units += put_packets(track, frame++);
    }
    assert_int_equal(allocations, 0);
    assert_int_equal(units, GOPS * GOP);
    assert_true(track_counters(track)->reordered >= units);
    track_destroy(track);
}

static int count_anew(void **state)
{
    (void)state;
    allocations = 0;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packets_allocate_nothing, count_anew),
        cmocka_unit_test_setup(fragments_allocate_nothing, count_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
