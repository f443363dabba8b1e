/*
 * H.265 (RFC 7798): single units, aggregation and fragmentation packets. Decoding order numbers are skipped:
 * cameras that announce them send in decoding order all the same. PACI packets carry nothing that is needed
 * and are ignored. Units of other layers than the base layer are left out.
 */
#include "ingest/rtp/depacketizer.h"

#include <stdlib.h>

#include "common/base/bytes.h"
#include "ingest/rtp/access_unit_builder.h"

/* Payload structures, 4.4: types beyond those of the codec. */
enum { TYPE_UNIT_LAST = 47, TYPE_AP = 48, TYPE_FU = 49, TYPE_PACI = 50 };

enum { HEADER_SIZE = 2, DONL_SIZE = 2, DOND_SIZE = 1 };

/* FU header, 4.4.3. */
enum { FU_START = 0x80, FU_END = 0x40, FU_TYPE_MASK = 0x3f, FU_HEADER_SIZE = 3 };

struct h265 {
    struct depacketizer base;
    struct access_unit_builder builder;
    bool donl;
    bool start_waits; /* a unit's first fragment was empty: the next one begins the unit */
};

static unsigned type_of(const uint8_t *data)
{
    return data[0] >> 1 & 0x3f;
}

static unsigned layer_of(const uint8_t *data)
{
    return (unsigned)(data[0] & 1) << 5 | data[1] >> 3;
}

/* The fragment begins its unit. */
static bool starts_unit(const struct h265 *h265, const uint8_t *data)
{
    return (data[2] & FU_START) != 0 || h265->start_waits;
}

/* Bytes before the content of a fragment: only the first of a unit has a decoding order number. */
static size_t fragment_head(const struct h265 *h265, const uint8_t *data)
{
    return FU_HEADER_SIZE + (h265->donl && (data[2] & FU_START) != 0 ? DONL_SIZE : 0);
}

/* The header of the unit that a fragment belongs to. */
static void rebuild_header(const uint8_t *data, uint8_t header[HEADER_SIZE])
{
    header[0] = (uint8_t)((data[0] & 0x81) | (data[2] & FU_TYPE_MASK) << 1);
    header[1] = data[1];
}

/*
 * The next unit of an aggregation packet (4.4.2) from *at on. 1: DATA + *at are *length bytes; 0: the end;
 * -1: it reaches past the end.
 */
static int next_aggregated(const struct h265 *h265, const struct depacketizer_payload *payload, size_t *at,
                           size_t *length)
{
    bool first = *at == HEADER_SIZE;
    size_t skip = !h265->donl ? 0 : first ? DONL_SIZE : DOND_SIZE;
    size_t left = payload->size - *at;

    if (left == 0) {
        return 0;
    }
    if (left < skip + 2) {
        return -1;
    }
    *at += skip;
    *length = bytes_get_be16(payload->data + *at);
    *at += 2;
    return *length > payload->size - *at ? -1 : 1;
}

static bool is_first_slice(const uint8_t *data, size_t size)
{
    return size > HEADER_SIZE && layer_of(data) == 0 &&
           access_unit_builder_is_first_slice(NAL_H265, &(struct nal){data, size});
}

static bool aggregate_begins(const struct h265 *h265, const struct depacketizer_payload *payload)
{
    size_t at = HEADER_SIZE;
    size_t length = 0;

    while (next_aggregated(h265, payload, &at, &length) == 1) {
        if (is_first_slice(payload->data + at, length)) {
            return true;
        }
        at += length;
    }
    return false;
}

static bool begins_picture(const struct h265 *h265, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;
    size_t donl = h265->donl ? DONL_SIZE : 0;

    switch (type_of(data)) {
    case TYPE_AP:
        return aggregate_begins(h265, payload);
    case TYPE_FU:
        if (payload->size < FU_HEADER_SIZE || payload->size <= fragment_head(h265, data) ||
            !starts_unit(h265, data)) {
            return false;
        }
        uint8_t head[HEADER_SIZE + 1];
        rebuild_header(data, head);
        head[HEADER_SIZE] = data[fragment_head(h265, data)];
        return is_first_slice(head, sizeof(head));
    default:
        if (payload->size <= HEADER_SIZE + donl) {
            return false;
        }
        const uint8_t unit[] = {data[0], data[1], data[HEADER_SIZE + donl]};
        return is_first_slice(unit, sizeof(unit));
    }
}

static void put_aggregate(struct h265 *h265, const struct depacketizer_payload *payload)
{
    size_t at = HEADER_SIZE;
    size_t length = 0;
    int result;

    while ((result = next_aggregated(h265, payload, &at, &length)) == 1) {
        if (length >= HEADER_SIZE && layer_of(payload->data + at) == 0) {
            access_unit_builder_add(&h265->builder, payload->data + at, length);
        }
        at += length;
    }
    if (result < 0 || at == HEADER_SIZE) {
        access_unit_builder_spoil(&h265->builder);
    }
}

/* 4.4.3. Fragments without content are against the rules; some cameras send them wherever a unit is cut. */
static void put_fragment(struct h265 *h265, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;
    uint8_t header[HEADER_SIZE];

    if (payload->size < FU_HEADER_SIZE) {
        h265->base.counters.malformed++; /* it has no content, so no damage is done */
        return;
    }
    if (payload->size < fragment_head(h265, data)) {
        access_unit_builder_spoil(&h265->builder);
        return;
    }
    if (layer_of(data) != 0) {
        return;
    }
    const uint8_t *rest = data + fragment_head(h265, data);
    size_t size = payload->size - fragment_head(h265, data);
    bool start = starts_unit(h265, data);
    h265->start_waits = start && size == 0 && (data[2] & FU_END) == 0;
    if (start && size > 0) {
        rebuild_header(data, header);
        access_unit_builder_begin_fragment(&h265->builder, header, HEADER_SIZE, rest, size);
    } else if (access_unit_builder_has_fragment(&h265->builder)) {
        access_unit_builder_continue_fragment(&h265->builder, rest, size);
    } else if (size > 0) {
        access_unit_builder_miss_beginning(&h265->builder, payload);
        return;
    }
    if ((data[2] & FU_END) != 0) {
        access_unit_builder_end_fragment(&h265->builder);
    }
}

/* A single unit (4.4.1). With decoding order numbers its header and its rest lie apart. */
static void put_single(struct h265 *h265, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;
    size_t skip = HEADER_SIZE + (h265->donl ? DONL_SIZE : 0);

    if (payload->size <= skip) {
        access_unit_builder_spoil(&h265->builder);
        return;
    }
    if (layer_of(data) != 0) {
        return;
    }
    if (!h265->donl) {
        access_unit_builder_add(&h265->builder, data, payload->size);
        return;
    }
    access_unit_builder_begin_fragment(&h265->builder, data, HEADER_SIZE, data + skip, payload->size - skip);
    access_unit_builder_end_fragment(&h265->builder);
}

static void put_unit(struct h265 *h265, const struct depacketizer_payload *payload)
{
    unsigned type = type_of(payload->data);

    if (type == TYPE_AP) {
        put_aggregate(h265, payload);
    } else if (type == TYPE_FU) {
        put_fragment(h265, payload);
    } else if (type <= TYPE_UNIT_LAST) {
        put_single(h265, payload);
    } else if (type != TYPE_PACI) {
        access_unit_builder_spoil(&h265->builder);
    }
}

static enum depacketizer_result put(struct depacketizer *base, const struct depacketizer_payload *given)
{
    struct h265 *h265 = (struct h265 *)base;
    struct depacketizer_payload payload = access_unit_builder_without_start_code(given);
    h265->start_waits = h265->start_waits && !payload.gap && h265->builder.time == payload.time;
    bool readable = payload.size >= HEADER_SIZE;
    bool begins = readable && begins_picture(h265, &payload);
    enum access_unit_start start = begins ? STARTS_PICTURE : STARTS_NOTHING;

    if (access_unit_builder_open(&h265->builder, &payload, start) == DEPACKETIZER_FULL) {
        return DEPACKETIZER_FULL;
    }
    if (readable) {
        put_unit(h265, &payload);
    } else if (payload.size > 0) {
        access_unit_builder_spoil(&h265->builder);
    }
    access_unit_builder_close(&h265->builder, &payload);
    return DEPACKETIZER_TAKEN;
}

static int next(struct depacketizer *base, struct depacketizer_unit *unit)
{
    return access_unit_builder_next(&((struct h265 *)base)->builder, unit);
}

static void flush(struct depacketizer *base)
{
    access_unit_builder_flush(&((struct h265 *)base)->builder);
}

static void reset(struct depacketizer *base)
{
    struct h265 *h265 = (struct h265 *)base;

    h265->start_waits = false;
    access_unit_builder_reset(&h265->builder);
}

static void destroy(struct depacketizer *base)
{
    struct h265 *h265 = (struct h265 *)base;

    access_unit_builder_finish(&h265->builder);
    free(h265);
}

static const struct depacketizer_operations operations = {
    .put = put, .next = next, .flush = flush, .reset = reset, .destroy = destroy};

struct depacketizer *depacketizer_h265_create(bool donl)
{
    struct h265 *h265 = calloc(1, sizeof(*h265));

    if (!h265) {
        return NULL;
    }
    h265->base.operations = &operations;
    h265->base.wait_until_ns = INT64_MAX;
    h265->donl = donl;
    access_unit_builder_init(&h265->builder, NAL_H265, &h265->base);
    return &h265->base;
}
