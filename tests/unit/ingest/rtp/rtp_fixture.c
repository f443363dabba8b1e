/* SPDX-License-Identifier: MIT */
#include "tests/unit/ingest/rtp/rtp_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/bytes.h"
#include "ingest/codec/nal.h"

void units_free(struct fixture_units *units)
{
    for (size_t i = 0; i < units->count; i++) {
        free(units->items[i].data);
    }
    units->count = 0;
}

void units_check(const struct fixture_units *units, size_t index, const void *data, size_t size)
{
    assert_true(index < units->count);
    assert_int_equal(units->items[index].size, size);
    assert_memory_equal(units->items[index].data, data, size);
}

void units_check_nals(const struct fixture_units *units, size_t index, const void *expected, size_t size)
{
    struct nal_reader given, wanted;
    struct nal nal, other;
    size_t length = 0;

    assert_true(index < units->count);
    nal_reader_init(&given, units->items[index].data, units->items[index].size, NAL_LENGTH_SIZE);
    nal_reader_init(&wanted, expected, size, 0);
    while (nal_reader_next(&wanted, &other) == 1) {
        assert_int_equal(nal_reader_next(&given, &nal), 1);
        assert_int_equal(nal.size, other.size);
        assert_memory_equal(nal.data, other.data, other.size);
        length += NAL_LENGTH_SIZE + nal.size;
    }
    assert_int_equal(units->items[index].size, length);
}

static struct fixture_unit *add_unit(struct fixture_units *units, const uint8_t *data, size_t size)
{
    assert_true(units->count < FIXTURE_UNITS_MAX);
    struct fixture_unit *unit = &units->items[units->count++];
    unit->data = malloc(size > 0 ? size : 1);
    assert_non_null(unit->data);
    memcpy(unit->data, data, size);
    unit->size = size;
    return unit;
}

static void take_all(struct depacketizer *depacketizer, struct fixture_units *units)
{
    struct depacketizer_unit unit;

    while (depacketizer_next(depacketizer, &unit) == 1) {
        struct fixture_unit *copy = add_unit(units, unit.data, unit.size);
        copy->time = unit.time;
        copy->keyframe = unit.keyframe;
        copy->lost = unit.lost;
    }
}

void put_payload(struct depacketizer *depacketizer, const struct fixture_payload *payload,
                 struct fixture_units *units)
{
    uint8_t *copy = malloc(payload->size);
    struct depacketizer_payload given = {
        .data = copy,
        .size = payload->size,
        .time = payload->time,
        .marker = payload->marker,
        .gap = payload->gap,
    };

    if (payload->size > 0) {
        memcpy(copy, payload->data, payload->size);
    }
    while (depacketizer_put(depacketizer, &given) == DEPACKETIZER_FULL) {
        take_all(depacketizer, units);
    }
    take_all(depacketizer, units);
    free(copy);
}

size_t write_packet(const struct fixture_packet *packet, uint8_t out[FIXTURE_PACKET_MAX])
{
    assert_true(packet->size <= FIXTURE_PACKET_MAX - 12);
    out[0] = 0x80;
    out[1] = (uint8_t)((packet->marker ? 0x80 : 0) | packet->payload_type);
    out[2] = (uint8_t)(packet->sequence >> 8);
    out[3] = (uint8_t)packet->sequence;
    bytes_put_be32(out + 4, packet->timestamp);
    bytes_put_be32(out + 8, packet->ssrc);
    if (packet->size > 0) {
        memcpy(out + 12, packet->payload, packet->size);
    }
    return 12 + packet->size;
}

void take_units(struct track *track, struct fixture_units *units)
{
    struct media_unit unit;

    while (track_next(track, &unit) == 1) {
        struct fixture_unit *copy = add_unit(units, unit.data, unit.size);
        copy->time = unit.presentation_ns;
        copy->lost = unit.lost;
        copy->source = unit;
        copy->source.data = NULL;
    }
}

int put_packet(struct track *track, const struct fixture_packet *packet, int64_t arrival_ns,
               struct fixture_units *units)
{
    uint8_t bytes[FIXTURE_PACKET_MAX];
    size_t size = write_packet(packet, bytes);
    uint8_t *copy = malloc(size);

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int result = track_put_rtp(track, copy, size, arrival_ns);
    take_units(track, units);
    free(copy);
    return result;
}

int put_sender_report(struct track *track, uint32_t ssrc, uint64_t ntp, uint32_t timestamp,
                      int64_t arrival_ns)
{
    uint8_t packet[28] = {0x80, 200, 0, 6};

    bytes_put_be32(packet + 4, ssrc);
    bytes_put_be32(packet + 8, (uint32_t)(ntp >> 32));
    bytes_put_be32(packet + 12, (uint32_t)ntp);
    bytes_put_be32(packet + 16, timestamp);
    return track_put_rtcp(track, packet, sizeof(packet), arrival_ns);
}

struct sdp_media make_media(enum sdp_kind kind, const char *encoding, uint32_t clock_rate, uint32_t channels,
                            const char *fmtp)
{
    struct sdp_media media = {
        .kind = kind, .payload_type = 96, .clock_rate = clock_rate, .channels = channels};

    snprintf(media.encoding, sizeof(media.encoding), "%s", encoding);
    snprintf(media.fmtp, sizeof(media.fmtp), "%s", fmtp);
    return media;
}
