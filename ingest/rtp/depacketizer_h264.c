/* SPDX-License-Identifier: MIT */
/*
 * H.264 (RFC 6184): single units, STAP-A and FU-A, which are all that packetization modes 0 and 1 have, and STAP-B, MTAP and
 * FU-B of the interleaved mode 2. Their decoding order numbers are skipped: a camera has nothing to interleave. The units of an
 * MTAP, which may be of several pictures, are taken as if each had come in a packet of its own.
 */
#include "ingest/rtp/depacketizer.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "ingest/rtp/access_unit_builder.h"

/* nal_unit_type, 5.2. */
enum {
    TYPE_NONE = 0,
    TYPE_UNIT_LAST = 23,
    TYPE_STAP_A = 24,
    TYPE_STAP_B = 25,
    TYPE_MTAP16 = 26,
    TYPE_MTAP24 = 27,
    TYPE_FU_A = 28,
    TYPE_FU_B = 29,
};

/* Bytes of a decoding order number, 5.5, and of a difference of two, 5.7.2. */
enum { DON_SIZE = 2, DOND_SIZE = 1 };

/* Bytes before the first unit of an MTAP: its header, and the number that the differences count from. */
enum { MULTI_HEAD_SIZE = 1 + DON_SIZE };

enum { TYPE_MASK = 0x1f, REFERENCE_MASK = 0xe0 };

/* FU header, 5.8. */
enum { FU_START = 0x80, FU_END = 0x40, FU_HEADER_SIZE = 2 };

struct h264 {
    struct depacketizer base;
    struct access_unit_builder builder;
    size_t multi_at; /* the next unit within the MTAP that is being taken; 0: its first */
};

/* A fragment of a unit: its header lies in `header`. */
struct fragment {
    struct access_unit_fragment piece;
    uint8_t header;
    bool begins;
};

static bool is_fragment(const uint8_t *data)
{
    return (data[0] & TYPE_MASK) == TYPE_FU_A || (data[0] & TYPE_MASK) == TYPE_FU_B;
}

static bool is_aggregate(const uint8_t *data)
{
    return (data[0] & TYPE_MASK) == TYPE_STAP_A || (data[0] & TYPE_MASK) == TYPE_STAP_B;
}

static bool is_multi_time(const uint8_t *data)
{
    return (data[0] & TYPE_MASK) == TYPE_MTAP16 || (data[0] & TYPE_MASK) == TYPE_MTAP24;
}

/* Bytes of the distance of a unit's time from the MTAP's. */
static size_t multi_time_offset(const uint8_t *data)
{
    return (data[0] & TYPE_MASK) == TYPE_MTAP16 ? 2 : 3;
}

/* Bytes before the content of a fragment. */
static size_t fragment_head(const uint8_t *data)
{
    return FU_HEADER_SIZE + ((data[0] & TYPE_MASK) == TYPE_FU_B ? DON_SIZE : 0);
}

/* Where the first unit of an aggregate begins. */
static size_t aggregate_head(const uint8_t *data)
{
    return 1 + ((data[0] & TYPE_MASK) == TYPE_STAP_B ? DON_SIZE : 0);
}

/* False: the fragment is cut off within its headers. */
static bool read_fragment(const struct h264 *h264, const struct depacketizer_payload *payload,
                          struct fragment *fragment)
{
    const uint8_t *data = payload->data;

    if (payload->size < FU_HEADER_SIZE || payload->size < fragment_head(data)) {
        return false;
    }
    fragment->header = (uint8_t)((data[0] & REFERENCE_MASK) | (data[1] & TYPE_MASK));
    fragment->piece = (struct access_unit_fragment){
        .header = &fragment->header,
        .header_size = 1,
        .data = data + fragment_head(data),
        .size = payload->size - fragment_head(data),
        .start = (data[1] & FU_START) != 0,
        .end = (data[1] & FU_END) != 0,
    };
    fragment->begins = access_unit_builder_fragment_begins(&h264->builder, payload, &fragment->piece);
    return true;
}

static enum access_unit_start fragment_start(const struct h264 *h264, const struct fragment *fragment)
{
    uint8_t head[1 + ACCESS_UNIT_BUILDER_PROBE] = {fragment->header};
    size_t size = fragment->piece.size;

    if (!fragment->begins || size == 0) {
        return STARTS_NOTHING;
    }
    size = size < ACCESS_UNIT_BUILDER_PROBE ? size : ACCESS_UNIT_BUILDER_PROBE;
    memcpy(head + 1, fragment->piece.data, size);
    return access_unit_builder_start(&h264->builder, &(struct nal){head, 1 + size});
}

static enum access_unit_start start_of(const struct h264 *h264, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;
    size_t size = payload->size;

    if (!is_aggregate(data)) {
        return access_unit_builder_start(&h264->builder, &(struct nal){data, size});
    }
    for (size_t at = aggregate_head(data); size > at + 2;) {
        size_t length = bytes_get_be16(data + at);
        at += 2;
        if (length == 0 || length > size - at) {
            return STARTS_NOTHING;
        }
        enum access_unit_start start =
            access_unit_builder_start(&h264->builder, &(struct nal){data + at, length});
        if (start != STARTS_NOTHING) {
            return start;
        }
        at += length;
    }
    return STARTS_NOTHING;
}

/* 5.7.1 */
static void put_aggregate(struct h264 *h264, const uint8_t *data, size_t size)
{
    size_t at = aggregate_head(data);

    if (size <= at + 2) {
        access_unit_builder_spoil(&h264->builder);
    }
    while (size > at + 2) {
        size_t length = bytes_get_be16(data + at);
        at += 2;
        if (length > size - at) {
            access_unit_builder_spoil(&h264->builder);
            return;
        }
        if (length > 0) {
            access_unit_builder_add(&h264->builder, data + at, length);
        }
        at += length;
    }
}

/* 5.8 */
static enum depacketizer_result put_fragment(struct h264 *h264, const struct depacketizer_payload *given)
{
    struct access_unit_builder *builder = &h264->builder;
    struct fragment fragment = {0};
    bool readable = read_fragment(h264, given, &fragment);
    uint8_t head[2 + ACCESS_UNIT_BUILDER_PROBE];
    struct nal unit = {0};
    if (readable && fragment.begins) {
        unit = access_unit_builder_beginning(&fragment.piece, head);
    }
    struct depacketizer_payload timed =
        access_unit_builder_with_its_time(builder, given, fragment.begins || !readable ? &unit : NULL);
    const struct depacketizer_payload *payload = &timed;
    enum access_unit_start start = readable ? fragment_start(h264, &fragment) : STARTS_NOTHING;

    if (access_unit_builder_open(builder, payload, start) == DEPACKETIZER_FULL) {
        return DEPACKETIZER_FULL;
    }
    if (readable) {
        access_unit_builder_add_fragment(builder, payload, &fragment.piece, fragment.begins);
    } else if (payload->size < FU_HEADER_SIZE) {
        h264->base.counters.malformed++; /* it has no content, so no damage is done */
    } else {
        access_unit_builder_spoil(builder);
    }
    access_unit_builder_close(builder, payload);
    return DEPACKETIZER_TAKEN;
}

static void put_unit(struct h264 *h264, const struct depacketizer_payload *payload)
{
    uint8_t type = payload->data[0] & TYPE_MASK;

    if (is_aggregate(payload->data)) {
        put_aggregate(h264, payload->data, payload->size);
    } else if (type > TYPE_NONE && type <= TYPE_UNIT_LAST) {
        access_unit_builder_add(&h264->builder, payload->data, payload->size);
    } else {
        h264->base.counters.malformed++; /* reserved, and to be ignored (table 1) */
    }
}

/* A payload whose units all have its time. */
static enum depacketizer_result put_single_time(struct h264 *h264, const struct depacketizer_payload *given)
{
    if (given->size > 0 && is_fragment(given->data)) {
        return put_fragment(h264, given);
    }
    bool whole = given->size > 0 && (given->data[0] & TYPE_MASK) <= TYPE_UNIT_LAST;
    const struct nal unit = {whole ? given->data : NULL, whole ? given->size : 0};
    struct depacketizer_payload timed = access_unit_builder_with_its_time(&h264->builder, given, &unit);
    const struct depacketizer_payload *payload = &timed;
    enum access_unit_start start = payload->size > 0 ? start_of(h264, payload) : STARTS_NOTHING;
    if (access_unit_builder_open(&h264->builder, payload, start) == DEPACKETIZER_FULL) {
        return DEPACKETIZER_FULL;
    }
    if (payload->size > 0) {
        put_unit(h264, payload);
    }
    access_unit_builder_close(&h264->builder, payload);
    return DEPACKETIZER_TAKEN;
}

/*
 * The unit at AT of an MTAP (5.7.2), as a payload of its own with its own time, *next behind it. The marker counts for the last
 * unit; the others have one if the next unit is of another time. False: the rest is not a unit.
 */
static bool read_multi_time(const struct depacketizer_payload *mtap, size_t at,
                            struct depacketizer_payload *unit, size_t *next)
{
    const uint8_t *data = mtap->data + at;
    size_t offset_size = multi_time_offset(mtap->data);
    size_t head = 2 + DOND_SIZE + offset_size;

    if (mtap->size < at + head) {
        return false;
    }
    size_t length = bytes_get_be16(data);
    int64_t offset = 0;
    for (size_t i = 0; i < offset_size; i++) {
        offset = offset << 8 | data[2 + DOND_SIZE + i];
    }
    if (length == 0 || length > mtap->size - at - head) {
        return false;
    }
    *next = at + head + length;
    *unit = *mtap;
    unit->data = data + head;
    unit->size = length;
    unit->time = mtap->time + offset;
    unit->gap = mtap->gap && at == MULTI_HEAD_SIZE;
    return true;
}

/* As depacketizer_put: after DEPACKETIZER_FULL it goes on with the unit that found no place. */
static enum depacketizer_result put_multi_time(struct h264 *h264, const struct depacketizer_payload *mtap)
{
    struct depacketizer_payload unit;
    struct depacketizer_payload following;
    size_t next;
    size_t at = h264->multi_at > 0 ? h264->multi_at : MULTI_HEAD_SIZE;
    enum depacketizer_result result = DEPACKETIZER_TAKEN;

    while (result == DEPACKETIZER_TAKEN && read_multi_time(mtap, at, &unit, &next)) {
        size_t behind;
        if (read_multi_time(mtap, next, &following, &behind)) {
            unit.marker = following.time != unit.time;
        }
        result = put_single_time(h264, &unit);
        at = result == DEPACKETIZER_TAKEN ? next : at;
    }
    h264->multi_at = result == DEPACKETIZER_TAKEN ? 0 : at;
    if (result == DEPACKETIZER_TAKEN && at < mtap->size) {
        access_unit_builder_spoil(&h264->builder);
    }
    return result;
}

static enum depacketizer_result put(struct depacketizer *base, const struct depacketizer_payload *given)
{
    struct h264 *h264 = (struct h264 *)base;
    struct depacketizer_payload payload = access_unit_builder_without_start_code(given);

    if (payload.size > 0 && is_multi_time(payload.data)) {
        return put_multi_time(h264, &payload);
    }
    return put_single_time(h264, &payload);
}

static int next(struct depacketizer *base, struct depacketizer_unit *unit)
{
    return access_unit_builder_next(&((struct h264 *)base)->builder, unit);
}

static void flush(struct depacketizer *base)
{
    access_unit_builder_flush(&((struct h264 *)base)->builder);
}

static void reset(struct depacketizer *base)
{
    struct h264 *h264 = (struct h264 *)base;

    h264->multi_at = 0;
    access_unit_builder_reset(&h264->builder);
}

static void destroy(struct depacketizer *base)
{
    struct h264 *h264 = (struct h264 *)base;

    access_unit_builder_finish(&h264->builder);
    free(h264);
}

static const struct depacketizer_operations operations = {
    .put = put, .next = next, .flush = flush, .reset = reset, .destroy = destroy};

struct depacketizer *depacketizer_h264_create(void)
{
    struct h264 *h264 = calloc(1, sizeof(*h264));

    if (!h264) {
        return NULL;
    }
    h264->base.operations = &operations;
    h264->base.wait_until_ns = INT64_MAX;
    access_unit_builder_init(&h264->builder, NAL_H264, &h264->base);
    return &h264->base;
}

void depacketizer_h264_take_sets(struct depacketizer *depacketizer, const struct media_format *format)
{
    struct nal_reader reader;
    struct nal nal;

    nal_reader_init(&reader, format->extradata, format->extradata_size, 0);
    while (nal_reader_next(&reader, &nal) == 1) {
        access_unit_builder_note_set(&((struct h264 *)depacketizer)->builder, &nal);
    }
}
