#include "ingest/rtp/access_unit_builder.h"

#include <string.h>

#include "common/base/bytes.h"
#include "ingest/rtp/track.h"

static bool is_slice(enum nal_codec codec, const struct nal *nal)
{
    enum nal_kind kind = nal_kind(codec, nal);

    return kind == NAL_KIND_SLICE || kind == NAL_KIND_KEYFRAME;
}

/* first_mb_in_slice is 0, a single bit 1 (H.264, 7.3.3); first_slice_segment_in_pic_flag (H.265, 7.3.6.1). */
bool access_unit_builder_is_first_slice(enum nal_codec codec, const struct nal *nal)
{
    size_t header = codec == NAL_H264 ? 1 : 2;

    return nal->size > header && is_slice(codec, nal) && (nal->data[header] & 0x80) != 0;
}

struct depacketizer_payload access_unit_builder_without_start_code(const struct depacketizer_payload *payload)
{
    struct depacketizer_payload rest = *payload;
    size_t zeros = 0;

    while (zeros < rest.size && zeros < 3 && rest.data[zeros] == 0) {
        zeros++;
    }
    if (zeros >= 2 && zeros + 1 < rest.size && rest.data[zeros] == 1) {
        rest.data += zeros + 1;
        rest.size -= zeros + 1;
    }
    return rest;
}

void access_unit_builder_init(struct access_unit_builder *builder, enum nal_codec codec,
                              struct depacketizer *owner)
{
    *builder = (struct access_unit_builder){.codec = codec, .owner = owner};
    byte_buffer_init(&builder->buffer, TRACK_UNIT_SIZE_MAX);
    byte_buffer_init(&builder->split, TRACK_UNIT_SIZE_MAX);
}

void access_unit_builder_finish(struct access_unit_builder *builder)
{
    byte_buffer_finish(&builder->buffer);
    byte_buffer_finish(&builder->split);
}

static void clear(struct access_unit_builder *builder)
{
    builder->buffer.size = 0;
    builder->pending = builder->ready = builder->taken = false;
    builder->has_slice = builder->damaged = builder->too_long = builder->fragment = false;
}

static void drop(struct access_unit_builder *builder)
{
    builder->owner->counters.dropped++;
    builder->lost = !builder->owner->show_damaged;
    clear(builder);
}

void access_unit_builder_reset(struct access_unit_builder *builder)
{
    if (builder->taken) {
        clear(builder);
    }
    if (builder->pending && !builder->ready) {
        drop(builder);
    }
    if (builder->has_last && !builder->owner->show_damaged) {
        builder->lost = true;
    }
    builder->has_last = false;
}

static void append(struct access_unit_builder *builder, const void *data, size_t size)
{
    if (builder->too_long) {
        return;
    }
    if (byte_buffer_add(&builder->buffer, data, size) < 0) {
        builder->too_long = builder->damaged = true;
    }
}

/* Takes a unit that lies in the buffer, or is about to, into account. */
static void note_unit(struct access_unit_builder *builder, const struct nal *nal)
{
    if (!is_slice(builder->codec, nal)) {
        return;
    }
    if (!builder->has_slice && !access_unit_builder_is_first_slice(builder->codec, nal)) {
        /* It goes on with a picture that is complete by its marker, or whose beginning is missing. */
        if (!builder->damaged && builder->has_last && builder->last_time == builder->time) {
            builder->by_timestamp = true;
            builder->owner->counters.marker_errors++;
        }
        builder->damaged = true;
    }
    builder->has_slice = true;
}

/* A unit never ends in a zero byte (H.264, 7.4.1): what is there belongs to a byte stream. */
static size_t without_trailing_zeros(const uint8_t *data, size_t size)
{
    while (size > 0 && data[size - 1] == 0) {
        size--;
    }
    return size;
}

/* Adds DATA, which holds no start code, as one unit. */
static void append_unit(struct access_unit_builder *builder, const uint8_t *data, size_t size)
{
    uint8_t length[NAL_LENGTH_SIZE];

    size = without_trailing_zeros(data, size);
    if (size == 0) {
        return;
    }
    bytes_put_be32(length, (uint32_t)size);
    append(builder, length, sizeof(length));
    append(builder, data, size);
    note_unit(builder, &(struct nal){data, size});
}

/* Adds the units of DATA, which begins with one; a start code stands before each further one. */
static void append_units(struct access_unit_builder *builder, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;

    for (;;) {
        const uint8_t *code = nal_find_start_code(data, end);
        append_unit(builder, data, (size_t)(code - data));
        if (code == end) {
            return;
        }
        builder->byte_stream = true;
        data = code + 3;
    }
}

/*
 * Cameras that send a byte stream show it in the parameter sets, SEI or delimiters of their first keyframe,
 * which are short. So the slices of all other cameras need not be searched.
 */
static bool may_hold_units(const struct access_unit_builder *builder, const uint8_t *data, size_t size)
{
    return builder->byte_stream || !is_slice(builder->codec, &(struct nal){data, size});
}

/* The unit in pieces is whole as far as it will be: its length is written, or its units are split. */
static void close_fragment(struct access_unit_builder *builder)
{
    size_t begin = builder->fragment_start + NAL_LENGTH_SIZE;

    builder->fragment = false;
    if (builder->too_long || builder->buffer.size <= begin) {
        return;
    }
    uint8_t *unit = builder->buffer.data + begin;
    size_t size = without_trailing_zeros(unit, builder->buffer.size - begin);
    if (!may_hold_units(builder, unit, size) || nal_find_start_code(unit, unit + size) == unit + size) {
        bytes_put_be32(unit - NAL_LENGTH_SIZE, (uint32_t)size);
        builder->buffer.size = size > 0 ? begin + size : builder->fragment_start;
        return;
    }
    builder->split.size = 0;
    builder->buffer.size = builder->fragment_start;
    if (byte_buffer_add(&builder->split, unit, size) < 0) {
        builder->damaged = true;
        return;
    }
    append_units(builder, builder->split.data, size);
}

/* A unit that has begun will not be finished. */
static void abandon_fragment(struct access_unit_builder *builder)
{
    if (!builder->fragment) {
        return;
    }
    builder->damaged = true;
    if (builder->owner->show_damaged) {
        close_fragment(builder);
    } else {
        builder->fragment = false;
        builder->buffer.size = builder->fragment_start;
    }
}

static void finish(struct access_unit_builder *builder)
{
    abandon_fragment(builder);
    builder->has_last = true;
    builder->last_time = builder->time;
    bool unfit = builder->too_long || !builder->has_slice || builder->buffer.size == 0;
    if (unfit || (builder->damaged && !builder->owner->show_damaged)) {
        drop(builder);
    } else {
        builder->ready = true;
    }
}

/* The picture that is pending ends without its marker. */
static void finish_unmarked(struct access_unit_builder *builder)
{
    if (builder->fragment && !builder->damaged) {
        access_unit_builder_end_fragment(builder);
    }
    if (!builder->damaged) {
        builder->owner->counters.marker_errors++;
    }
    finish(builder);
}

static void note_gap(struct access_unit_builder *builder)
{
    abandon_fragment(builder);
    /* Whether a picture was lost as a whole cannot be told. */
    builder->lost = !builder->owner->show_damaged;
    if (builder->pending && builder->has_slice) {
        builder->damaged = true;
    }
}

enum depacketizer_result access_unit_builder_open(struct access_unit_builder *builder,
                                                  const struct depacketizer_payload *payload, bool begins)
{
    if (builder->taken) {
        clear(builder);
    }
    if (builder->ready) {
        return DEPACKETIZER_FULL;
    }
    if (payload->gap) {
        note_gap(builder);
    }
    bool other = builder->pending && builder->time != payload->time;
    if (builder->has_slice && (other || (begins && !builder->fragment))) {
        finish_unmarked(builder);
        if (builder->ready) {
            return DEPACKETIZER_FULL;
        }
    } else if (other && builder->damaged) {
        drop(builder);
    }
    builder->pending = true;
    builder->time = payload->time;
    builder->arrival_ns = payload->arrival_ns;
    return DEPACKETIZER_TAKEN;
}

void access_unit_builder_add(struct access_unit_builder *builder, const uint8_t *data, size_t size)
{
    abandon_fragment(builder);
    if (may_hold_units(builder, data, size)) {
        append_units(builder, data, size);
    } else {
        append_unit(builder, data, size);
    }
}

void access_unit_builder_begin_fragment(struct access_unit_builder *builder, const uint8_t *header,
                                        size_t header_size, const uint8_t *data, size_t size)
{
    static const uint8_t length[NAL_LENGTH_SIZE] = {0};

    abandon_fragment(builder);
    builder->fragment_start = builder->buffer.size;
    builder->fragment = true;
    append(builder, length, sizeof(length));
    append(builder, header, header_size);
    append(builder, data, size);
    /* Slices are known by their beginning, so a picture is one even if this unit never ends. */
    const uint8_t head[4] = {header[0], header_size > 1 ? header[1] : data[0], data[0], 0};
    note_unit(builder, &(struct nal){head, header_size + (size > 0 ? 1 : 0)});
}

void access_unit_builder_continue_fragment(struct access_unit_builder *builder, const uint8_t *data,
                                           size_t size)
{
    append(builder, data, size);
}

void access_unit_builder_end_fragment(struct access_unit_builder *builder)
{
    if (builder->fragment) {
        close_fragment(builder);
    }
}

bool access_unit_builder_has_fragment(const struct access_unit_builder *builder)
{
    return builder->fragment;
}

void access_unit_builder_spoil(struct access_unit_builder *builder)
{
    builder->owner->counters.malformed++;
    builder->damaged = true;
    builder->lost = !builder->owner->show_damaged;
}

void access_unit_builder_miss_beginning(struct access_unit_builder *builder,
                                        const struct depacketizer_payload *payload)
{
    if (payload->gap || builder->damaged) {
        builder->damaged = true;
    } else {
        access_unit_builder_spoil(builder);
    }
}

void access_unit_builder_close(struct access_unit_builder *builder,
                               const struct depacketizer_payload *payload)
{
    if (!payload->marker || builder->by_timestamp) {
        return;
    }
    if (builder->fragment && !builder->damaged) {
        builder->owner->counters.marker_errors++; /* in the middle of a unit */
        return;
    }
    if (builder->has_slice || builder->damaged) {
        finish(builder);
    }
}

int access_unit_builder_next(struct access_unit_builder *builder, struct depacketizer_unit *unit)
{
    if (!builder->ready || builder->taken) {
        return 0;
    }
    *unit = (struct depacketizer_unit){
        .data = builder->buffer.data,
        .size = builder->buffer.size,
        .time = builder->time,
        .arrival_ns = builder->arrival_ns,
        .lost = builder->lost,
    };
    builder->ready = false;
    builder->taken = true;
    builder->lost = false;
    return 1;
}
