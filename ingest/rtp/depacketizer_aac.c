/* SPDX-License-Identifier: MIT */
/*
 * MPEG-4 audio in the generic format (RFC 3640): any number of AUs in a packet, or an AU in several packets. Modes AAC-hbr
 * and AAC-lbr, also with other widths of their fields. Interleaved AUs count as malformed: no camera is known to send
 * them.
 *
 * What cameras get wrong, and what is done:
 * - each AU begins with an ADTS header: the header is removed, and overrides the configuration;
 * - ADTS frames without any AU header, whole or in pieces: they are read as a stream of such frames;
 * - a piece of an AU has the size of the piece in its header, not that of the AU: pieces of one timestamp up
 *   to the marker are one AU.
 */
#include "ingest/rtp/depacketizer.h"

#include <stdlib.h>

#include "common/base/bytes.h"
#include "ingest/codec/aac.h"
#include "ingest/codec/adts.h"
#include "ingest/codec/bits.h"
#include "ingest/rtp/byte_buffer.h"

/* AUs in a packet: as many as fit into 64 kB at 1 kB each, and more. */
#define UNITS_MAX 64

/* Bytes of an AU: 6144 bits for each of 48 channels (ISO/IEC 14496-3, 4.5.3) and then some. */
#define UNIT_SIZE_MAX 65536

/* id_syn_ele, table 4.85. */
#define ID_END 7

struct aac {
    struct depacketizer base;
    const struct media_format *media; /* the owner's: it may learn the length of an AU */
    struct media_format_au format;
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
    bool open;         /* `part` is as long as its header says, and is a whole AU or a piece of one */
    bool unmarked;     /* whole AUs come without a marker, too, so a missing marker means nothing */
    bool adts_pending; /* `part` is an ADTS frame: the next payload goes on without a header of its own */
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
    aac->open = aac->adts_pending = false;
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

/* Reads the AU header section into `sizes`. Returns its bytes, or -1. */
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

/* Returns the bytes of the auxiliary section (3.2.2), or -1. */
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

/* PART is an AU. */
static void finish_part(struct aac *aac)
{
    aac->data = aac->part.data;
    aac->sizes[0] = (uint32_t)aac->part.size;
    aac->count = 1;
    aac->time = aac->part_time;
    aac->part_wanted = 0;
    aac->part.size = 0;
    aac->open = aac->adts_pending = false;
}

static bool add_to_part(struct aac *aac, const uint8_t *data, size_t size)
{
    if (byte_buffer_add(&aac->part, data, size) < 0) {
        spoil(aac);
        drop_part(aac);
        return false;
    }
    return true;
}

/* A piece of an AU that is longer than its packet. */
static void put_part(struct aac *aac, const struct depacketizer_payload *payload, const uint8_t *data,
                     size_t size)
{
    uint32_t wanted = aac->sizes[0];

    if (aac->part_wanted != 0 && (aac->part_wanted != wanted || aac->part_time != payload->time)) {
        drop_part(aac);
    }
    if (size > wanted - aac->part.size || wanted > UNIT_SIZE_MAX) {
        spoil(aac);
        drop_part(aac);
        return;
    }
    aac->part_wanted = wanted;
    aac->part_time = payload->time;
    if (add_to_part(aac, data, size) && aac->part.size == wanted) {
        finish_part(aac);
    }
}

/*
 * An AU without the marker, which complete AUs ought to have (3.1): it may be a piece with the size of the piece in its
 * header. The next packet shows which it is.
 */
static void put_open(struct aac *aac, const struct depacketizer_payload *payload, const uint8_t *data,
                     size_t size)
{
    aac->part_wanted = UNIT_SIZE_MAX;
    aac->part_time = payload->time;
    aac->open = true;
    if (add_to_part(aac, data, size) && payload->marker) {
        finish_part(aac);
    }
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

/* The frames of an ADTS stream that begins at DATA; the last may go on in the next packet. */
static void put_adts(struct aac *aac, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;
    size_t left = payload->size;
    struct adts_header header;
    size_t count = 0;

    drop_part(aac);
    aac->data = data;
    while (count < UNITS_MAX && adts_parse(data, left, &header) == 0 && header.frame_size <= left) {
        aac->sizes[count++] = (uint32_t)header.frame_size;
        data += header.frame_size;
        left -= header.frame_size;
    }
    aac->count = count;
    if (left == 0) {
        return;
    }
    if (count > 0 || adts_parse(data, left, &header) < 0) {
        /* No camera is known to send whole frames and a piece in one packet. */
        spoil(aac);
        return;
    }
    aac->part_wanted = header.frame_size;
    aac->part_time = payload->time;
    aac->adts_pending = add_to_part(aac, data, left);
}

static void continue_adts(struct aac *aac, const struct depacketizer_payload *payload)
{
    if (payload->size > aac->part_wanted - aac->part.size) {
        spoil(aac);
        drop_part(aac);
    } else if (add_to_part(aac, payload->data, payload->size) && aac->part.size == aac->part_wanted) {
        finish_part(aac);
    }
}

/*
 * As AU header sections these bytes would be 8 kB long, which no packet is, and an AU cannot begin with them
 * (ID_END).
 */
static bool is_adts(const struct aac *aac, const uint8_t *data, size_t size)
{
    struct adts_header header;

    return adts_parse(data, size, &header) == 0 && header_bits(&aac->format) > 0;
}

static void put_payload(struct aac *aac, const struct depacketizer_payload *payload)
{
    size_t count = 0;

    if (is_adts(aac, payload->data, payload->size)) {
        put_adts(aac, payload);
        return;
    }
    if (aac->adts_pending) {
        continue_adts(aac, payload);
        return;
    }
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
    bool piece = count == 1 && aac->sizes[0] == size && (aac->open || (!payload->marker && !aac->unmarked));
    if (count == 0) {
        spoil(aac);
    } else if (piece) {
        put_open(aac, payload, data, size);
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
    aac->arrival_ns = payload->arrival_ns;
    if (payload->gap) {
        drop_part(aac);
        aac->lost = true;
    }
    if (aac->open && aac->part_time != payload->time) {
        /* It was whole. */
        aac->unmarked = true;
        finish_part(aac);
        return DEPACKETIZER_FULL;
    }
    aac->time = payload->time;
    put_payload(aac, payload);
    return DEPACKETIZER_TAKEN;
}

/* Removes an ADTS header from the unit, and notes the stream's configuration that it holds. */
static void strip_adts(struct aac *aac, const uint8_t **data, size_t *size)
{
    struct adts_header header;

    if (adts_parse(*data, *size, &header) < 0 || header.frame_size != *size) {
        return;
    }
    *data += header.header_size;
    *size -= header.header_size;
    aac->base.config_size =
        aac_write_config(header.object_type, header.sample_rate, header.channels, aac->base.config);
}

/* The first element of a raw_data_block is not ID_END (ISO/IEC 14496-3, 4.4.2.1). */
static bool may_be_unit(const uint8_t *data, size_t size)
{
    return size > 0 && data[0] >> 5 != ID_END;
}

static int next(struct depacketizer *base, struct depacketizer_unit *unit)
{
    struct aac *aac = (struct aac *)base;

    while (aac->taken < aac->count) {
        const uint8_t *data = aac->data;
        size_t size = aac->sizes[aac->taken];
        int64_t time = aac->time + (int64_t)aac->taken * aac->media->unit_ticks;
        aac->data += size;
        aac->taken++;
        strip_adts(aac, &data, &size);
        if (!may_be_unit(data, size)) {
            spoil(aac);
            continue;
        }
        *unit = (struct depacketizer_unit){
            .data = data, .size = size, .time = time, .arrival_ns = aac->arrival_ns, .lost = aac->lost};
        aac->lost = false;
        return 1;
    }
    return 0;
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

static const struct depacketizer_operations operations = {
    .put = put, .next = next, .reset = reset, .destroy = destroy};

struct depacketizer *depacketizer_aac_create(const struct media_format *format)
{
    struct aac *aac = calloc(1, sizeof(*aac));

    if (!aac) {
        return NULL;
    }
    aac->base.operations = &operations;
    aac->format = format->au;
    aac->media = format;
    byte_buffer_init(&aac->part, UNIT_SIZE_MAX);
    return &aac->base;
}
