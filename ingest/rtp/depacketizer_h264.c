/*
 * H.264 (RFC 6184): single units, STAP-A and FU-A, which are all that packetization modes 0 and 1 have, and STAP-B and FU-B
 * of the interleaved mode 2. Their decoding order numbers are skipped: a camera has nothing to interleave. MTAP, which puts
 * pictures of several times into one packet, counts as malformed.
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
    TYPE_FU_A = 28,
    TYPE_FU_B = 29,
};

/* Bytes of a decoding order number, 5.5. */
enum { DON_SIZE = 2 };

enum { TYPE_MASK = 0x1f, REFERENCE_MASK = 0xe0 };

/* FU header, 5.8. */
enum { FU_START = 0x80, FU_END = 0x40, FU_HEADER_SIZE = 2 };

struct h264 {
    struct depacketizer base;
    struct access_unit_builder builder;
    bool start_waits; /* a unit's first fragment was empty: the next one begins the unit */
};

static bool is_fragment(const uint8_t *data)
{
    return (data[0] & TYPE_MASK) == TYPE_FU_A || (data[0] & TYPE_MASK) == TYPE_FU_B;
}

static bool is_aggregate(const uint8_t *data)
{
    return (data[0] & TYPE_MASK) == TYPE_STAP_A || (data[0] & TYPE_MASK) == TYPE_STAP_B;
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

/* The fragment begins its unit. */
static bool starts_unit(const struct h264 *h264, const uint8_t *data)
{
    return (data[1] & FU_START) != 0 || h264->start_waits;
}

static enum access_unit_start start_of(const struct h264 *h264, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;
    size_t size = payload->size;
    uint8_t header = data[0];

    if (is_fragment(data)) {
        if (size <= fragment_head(data) || !starts_unit(h264, data)) {
            return STARTS_NOTHING;
        }
        uint8_t head[1 + ACCESS_UNIT_BUILDER_PROBE] = {
            (uint8_t)((header & REFERENCE_MASK) | (data[1] & TYPE_MASK))};
        size_t rest = size - fragment_head(data);
        rest = rest < ACCESS_UNIT_BUILDER_PROBE ? rest : ACCESS_UNIT_BUILDER_PROBE;
        memcpy(head + 1, data + fragment_head(data), rest);
        return access_unit_builder_start(&h264->builder, &(struct nal){head, 1 + rest});
    }
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

/*
 * 5.8. A unit in a single fragment is against the rules, but whole. So are fragments without content, which
 * some cameras send at the beginning, in the middle or at the end of a unit.
 */
static void put_fragment(struct h264 *h264, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;

    if (payload->size < FU_HEADER_SIZE) {
        h264->base.counters.malformed++; /* it has no content, so no damage is done */
        return;
    }
    if (payload->size < fragment_head(data)) {
        access_unit_builder_spoil(&h264->builder);
        return;
    }
    const uint8_t header = (uint8_t)((data[0] & REFERENCE_MASK) | (data[1] & TYPE_MASK));
    const uint8_t *rest = data + fragment_head(data);
    size_t size = payload->size - fragment_head(data);
    bool start = starts_unit(h264, data);
    h264->start_waits = start && size == 0 && (data[1] & FU_END) == 0;
    if (start && size > 0) {
        access_unit_builder_begin_fragment(&h264->builder, &header, 1, rest, size);
    } else if (access_unit_builder_has_fragment(&h264->builder)) {
        access_unit_builder_continue_fragment(&h264->builder, rest, size);
    } else if (size > 0) {
        access_unit_builder_miss_beginning(&h264->builder, payload);
        return;
    }
    if ((data[1] & FU_END) != 0) {
        access_unit_builder_end_fragment(&h264->builder);
    }
}

static void put_unit(struct h264 *h264, const struct depacketizer_payload *payload)
{
    uint8_t type = payload->data[0] & TYPE_MASK;

    if (is_aggregate(payload->data)) {
        put_aggregate(h264, payload->data, payload->size);
    } else if (is_fragment(payload->data)) {
        put_fragment(h264, payload);
    } else if (type > TYPE_NONE && type <= TYPE_UNIT_LAST) {
        access_unit_builder_add(&h264->builder, payload->data, payload->size);
    } else {
        access_unit_builder_spoil(&h264->builder);
    }
}

static enum depacketizer_result put(struct depacketizer *base, const struct depacketizer_payload *given)
{
    struct h264 *h264 = (struct h264 *)base;
    struct depacketizer_payload payload = access_unit_builder_without_start_code(given);
    h264->start_waits = h264->start_waits && !payload.gap && h264->builder.time == payload.time;
    enum access_unit_start start = payload.size > 0 ? start_of(h264, &payload) : STARTS_NOTHING;

    if (access_unit_builder_open(&h264->builder, &payload, start) == DEPACKETIZER_FULL) {
        return DEPACKETIZER_FULL;
    }
    if (payload.size > 0) {
        put_unit(h264, &payload);
    }
    access_unit_builder_close(&h264->builder, &payload);
    return DEPACKETIZER_TAKEN;
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

    h264->start_waits = false;
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
