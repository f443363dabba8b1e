/*
 * MPEG-4 audio in the generic format (RFC 3640): any number of AUs in a packet, or an AU in several. Modes
 * AAC-hbr and AAC-lbr, and what differs from them in the widths of its fields. Interleaved AUs are malformed
 * here: no camera is known to send them.
 */
#include "ingest/rtp/depacketizer.h"

#include <stdlib.h>

#include "common/base/bytes.h"
#include "ingest/codec/bits.h"
#include "ingest/rtp/byte_buffer.h"

/* AUs in a packet: as many as fit into 64 kB at 1 kB each, and more. */
#define UNITS_MAX 64

/* Bytes of an AU: 6144 bits for each of 48 channels (ISO/IEC 14496-3, 4.5.3) and then some. */
#define UNIT_SIZE_MAX 65536

struct aac {
    struct depacketizer base;
    struct media_format_au format;
    uint32_t unit_ticks;
    uint32_t sizes[UNITS_MAX]; /* of the AUs that are ready */
    size_t count;
    size_t taken;
    const uint8_t *data; /* of the next one */
    int64_t time;
    int64_t arrival_ns;
    bool lost;
    struct byte_buffer part; /* an AU of several packets */
    size_t part_wanted;      /* its size; 0: there is none */
    int64_t part_time;
};

static void spoil(struct aac *aac)
{
    aac->base.counters.malformed++;
    aac->lost = true;
}

static void drop_part(struct aac *aac)
{
    if (aac->part_wanted == 0) {
        return;
    }
    aac->base.counters.dropped++;
    aac->lost = true;
    aac->part.size = aac->part_wanted = 0;
}

static void skip_delta(struct bits *bits, unsigned length)
{
    if (length > 0 && bits_read(bits, 1) != 0) {
        bits_skip(bits, length);
    }
}

/* One AU header, 3.2.1.1. False: cut off, or interleaved. */
static bool read_header(const struct aac *aac, struct bits *bits, bool first, uint32_t *size)
{
    const struct media_format_au *format = &aac->format;

    *size = format->size_length > 0 ? bits_read(bits, format->size_length) : format->constant_size;
    /* The first index is a serial number in some senders; only deltas tell interleaving. */
    uint32_t index = bits_read(bits, first ? format->index_length : format->index_delta_length);
    skip_delta(bits, format->cts_delta_length);
    skip_delta(bits, format->dts_delta_length);
    bits_skip(bits, format->random_access ? 1 : 0);
    bits_skip(bits, format->stream_state_length);
    return !bits_overrun(bits) && (first || index == 0);
}

static unsigned header_bits(const struct media_format_au *format)
{
    return format->size_length + format->index_length + format->index_delta_length +
           format->cts_delta_length + format->dts_delta_length + format->random_access +
           format->stream_state_length;
}

/* Reads the AU header section into SIZES. Bytes that it takes, or -1. */
static int read_headers(struct aac *aac, const uint8_t *data, size_t size, size_t *count)
{
    struct bits reader;

    *count = 0;
    if (header_bits(&aac->format) == 0) {
        return 0;
    }
    if (size < 2) {
        return -1;
    }
    size_t bits = bytes_get_be16(data);
    size_t length = (bits + 7) / 8;
    if (length > size - 2) {
        return -1;
    }
    bits_init_plain(&reader, data + 2, length);
    while (bits_position(&reader) < bits && *count < UNITS_MAX) {
        if (!read_header(aac, &reader, *count == 0, &aac->sizes[*count]) || bits_position(&reader) > bits) {
            return -1;
        }
        if (aac->sizes[*count] == 0) {
            return -1;
        }
        (*count)++;
    }
    return (int)(2 + length);
}

/* Bytes of the auxiliary section (3.2.2), or -1. */
static int auxiliary_size(const struct aac *aac, const uint8_t *data, size_t size)
{
    struct bits reader;

    if (aac->format.auxiliary_size_length == 0) {
        return 0;
    }
    bits_init_plain(&reader, data, size);
    uint64_t bits = bits_read(&reader, aac->format.auxiliary_size_length);
    uint64_t length = (aac->format.auxiliary_size_length + bits + 7) / 8;
    return bits_overrun(&reader) || length > size ? -1 : (int)length;
}

/* AUs of a constant size without headers. */
static size_t count_constant(struct aac *aac, size_t size)
{
    size_t count = 0;

    if (aac->format.constant_size == 0) {
        return 0;
    }
    while (count < UNITS_MAX && (count + 1) * aac->format.constant_size <= size) {
        aac->sizes[count++] = aac->format.constant_size;
    }
    return count;
}

/* A piece of an AU that is longer than its packet. */
static void put_part(struct aac *aac, const struct depacketizer_payload *payload, const uint8_t *data,
                     size_t size)
{
    uint32_t wanted = aac->sizes[0];

    if (aac->part_wanted != 0 && (aac->part_wanted != wanted || aac->part_time != payload->time)) {
        drop_part(aac);
    }
    if (size > wanted - aac->part.size || wanted > UNIT_SIZE_MAX ||
        byte_buffer_add(&aac->part, data, size) < 0) {
        spoil(aac);
        drop_part(aac);
        return;
    }
    aac->part_wanted = wanted;
    aac->part_time = payload->time;
    if (aac->part.size < wanted) {
        return;
    }
    aac->data = aac->part.data;
    aac->count = 1;
    aac->part_wanted = 0;
    aac->part.size = 0;
}

static void put_whole(struct aac *aac, const uint8_t *data, size_t size, size_t count)
{
    size_t sum = 0;

    drop_part(aac);
    for (size_t i = 0; i < count; i++) {
        sum += aac->sizes[i];
    }
    if (sum > size) {
        spoil(aac);
        return;
    }
    aac->data = data;
    aac->count = count;
}

static void put_payload(struct aac *aac, const struct depacketizer_payload *payload)
{
    size_t count = 0;
    int headers = read_headers(aac, payload->data, payload->size, &count);
    int auxiliary =
        headers < 0 ? -1 : auxiliary_size(aac, payload->data + headers, payload->size - (size_t)headers);

    if (headers < 0 || auxiliary < 0) {
        spoil(aac);
        drop_part(aac);
        return;
    }
    const uint8_t *data = payload->data + headers + auxiliary;
    size_t size = payload->size - (size_t)headers - (size_t)auxiliary;
    if (header_bits(&aac->format) == 0) {
        count = count_constant(aac, size);
    }
    if (count == 0) {
        spoil(aac);
    } else if (count == 1 && aac->sizes[0] > size) {
        put_part(aac, payload, data, size);
    } else {
        put_whole(aac, data, size, count);
    }
}

static enum depacketizer_result put(struct depacketizer *base, const struct depacketizer_payload *payload)
{
    struct aac *aac = (struct aac *)base;

    if (aac->taken < aac->count) {
        return DEPACKETIZER_FULL;
    }
    aac->taken = aac->count = 0;
    aac->time = payload->time;
    aac->arrival_ns = payload->arrival_ns;
    if (payload->gap) {
        drop_part(aac);
        aac->lost = true;
    }
    put_payload(aac, payload);
    return DEPACKETIZER_TAKEN;
}

static int next(struct depacketizer *base, struct depacketizer_unit *unit)
{
    struct aac *aac = (struct aac *)base;

    if (aac->taken == aac->count) {
        return 0;
    }
    *unit = (struct depacketizer_unit){
        .data = aac->data,
        .size = aac->sizes[aac->taken],
        .time = aac->time + (int64_t)aac->taken * aac->unit_ticks,
        .arrival_ns = aac->arrival_ns,
        .lost = aac->lost,
    };
    aac->data += aac->sizes[aac->taken];
    aac->taken++;
    aac->lost = false;
    return 1;
}

static void reset(struct depacketizer *base)
{
    struct aac *aac = (struct aac *)base;

    drop_part(aac);
    aac->taken = aac->count = 0;
}

static void destroy(struct depacketizer *base)
{
    struct aac *aac = (struct aac *)base;

    byte_buffer_finish(&aac->part);
    free(aac);
}

static const struct depacketizer_operations operations = {put, next, reset, destroy};

struct depacketizer *depacketizer_aac_create(const struct media_format *format)
{
    struct aac *aac = calloc(1, sizeof(*aac));

    if (aac == NULL) {
        return NULL;
    }
    aac->base.operations = &operations;
    aac->format = format->au;
    aac->unit_ticks = format->unit_ticks;
    byte_buffer_init(&aac->part, UNIT_SIZE_MAX);
    return &aac->base;
}
