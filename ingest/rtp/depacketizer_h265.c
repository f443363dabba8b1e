/* SPDX-License-Identifier: MIT */
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
};

/* A fragment of a unit: its header lies in `header`. */
struct fragment {
    struct access_unit_fragment piece;
    uint8_t header[HEADER_SIZE];
    bool begins;
};

static unsigned type_of(const uint8_t *data)
{
    return data[0] >> 1 & 0x3f;
}

static unsigned layer_of(const uint8_t *data)
{
    return (unsigned)(data[0] & 1) << 5 | data[1] >> 3;
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

/* False: the fragment is cut off within its headers. */
static bool read_fragment(const struct h265 *h265, const struct depacketizer_payload *payload,
                          struct fragment *fragment)
{
    const uint8_t *data = payload->data;

    if (payload->size < FU_HEADER_SIZE || payload->size < fragment_head(h265, data)) {
        return false;
    }
    rebuild_header(data, fragment->header);
    fragment->piece = (struct access_unit_fragment){
        .header = fragment->header,
        .header_size = HEADER_SIZE,
        .data = data + fragment_head(h265, data),
        .size = payload->size - fragment_head(h265, data),
        .start = (data[2] & FU_START) != 0,
        .end = (data[2] & FU_END) != 0,
    };
    fragment->begins = access_unit_builder_fragment_begins(&h265->builder, payload, &fragment->piece);
    return true;
}

static bool fragment_begins_picture(const struct fragment *fragment)
{
    if (!fragment->begins || fragment->piece.size == 0) {
        return false;
    }
    const uint8_t head[] = {fragment->header[0], fragment->header[1], fragment->piece.data[0]};
    return is_first_slice(head, sizeof(head));
}

static bool begins_picture(const struct h265 *h265, const struct depacketizer_payload *payload)
{
    const uint8_t *data = payload->data;
    size_t donl = h265->donl ? DONL_SIZE : 0;

    if (payload->size < HEADER_SIZE) {
        return false;
    }
    if (type_of(data) == TYPE_AP) {
        return aggregate_begins(h265, payload);
    }
    if (payload->size <= HEADER_SIZE + donl) {
        return false;
    }
    const uint8_t unit[] = {data[0], data[1], data[HEADER_SIZE + donl]};
    return is_first_slice(unit, sizeof(unit));
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

/* 4.4.3 */
static enum depacketizer_result put_fragment(struct h265 *h265, const struct depacketizer_payload *given)
{
    struct access_unit_builder *builder = &h265->builder;
    struct fragment fragment = {0};
    bool readable = read_fragment(h265, given, &fragment);
    uint8_t head[2 + ACCESS_UNIT_BUILDER_PROBE];
    struct nal unit = {0};
    if (readable && fragment.begins) {
        unit = access_unit_builder_beginning(&fragment.piece, head);
    }
    struct depacketizer_payload timed =
        access_unit_builder_with_its_time(builder, given, fragment.begins || !readable ? &unit : NULL);
    const struct depacketizer_payload *payload = &timed;
    bool begins = readable && fragment_begins_picture(&fragment);

    if (access_unit_builder_open(builder, payload, begins ? STARTS_PICTURE : STARTS_NOTHING) ==
        DEPACKETIZER_FULL) {
        return DEPACKETIZER_FULL;
    }
    if (readable && layer_of(payload->data) == 0) {
        access_unit_builder_add_fragment(builder, payload, &fragment.piece, fragment.begins);
    } else if (payload->size < FU_HEADER_SIZE) {
        h265->base.counters.malformed++; /* it has no content, so no damage is done */
    } else if (!readable) {
        access_unit_builder_spoil(builder);
    }
    access_unit_builder_close(builder, payload);
    return DEPACKETIZER_TAKEN;
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
    const struct access_unit_fragment whole = {data, HEADER_SIZE, data + skip, payload->size - skip,
                                               .end = true};
    access_unit_builder_add_fragment(&h265->builder, payload, &whole, true);
}

static void put_unit(struct h265 *h265, const struct depacketizer_payload *payload)
{
    unsigned type = type_of(payload->data);

    if (type == TYPE_AP) {
        put_aggregate(h265, payload);
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
    bool readable = payload.size >= HEADER_SIZE;
    if (readable && type_of(payload.data) == TYPE_FU) {
        return put_fragment(h265, &payload);
    }
    enum access_unit_start start = begins_picture(h265, &payload) ? STARTS_PICTURE : STARTS_NOTHING;

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
    access_unit_builder_reset(&((struct h265 *)base)->builder);
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
