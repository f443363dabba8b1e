/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/access_unit_builder.h"

#include <string.h>

#include "common/base/bytes.h"
#include "ingest/codec/bits.h"
#include "ingest/rtp/track.h"

/* Bytes by which the first piece of a unit may be larger than those behind it. */
#define FRAGMENT_SIZE_TOLERANCE 4

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

/* Reads from the header of an H.264 slice which field it is of (7.3.3). False: it cannot be read. */
static bool read_structure(const struct access_unit_builder *builder, const struct nal *nal,
                           enum picture_structure *structure, uint32_t *frame_num)
{
    struct bits bits;

    bits_init(&bits, nal->data + 1, nal->size - 1);
    bits_read_ue(&bits); /* first_mb_in_slice */
    bits_read_ue(&bits); /* slice_type */
    bits_read_ue(&bits); /* pic_parameter_set_id */
    if (builder->sps.separate_planes) {
        bits_skip(&bits, 2); /* colour_plane_id */
    }
    *frame_num = bits_read(&bits, builder->sps.frame_num_bits);
    *structure = PICTURE_FRAME;
    if (bits_read(&bits, 1) != 0) { /* field_pic_flag */
        *structure = bits_read(&bits, 1) != 0 ? PICTURE_BOTTOM_FIELD : PICTURE_TOP_FIELD;
    }
    return !bits_overrun(&bits);
}

/* The first field is there, and SLICE is of the other one. */
static bool is_second_field(const struct access_unit_builder *builder, const struct nal *slice)
{
    enum picture_structure structure;
    uint32_t frame_num;

    return builder->has_slice && builder->structure != PICTURE_FRAME && !builder->paired &&
           read_structure(builder, slice, &structure, &frame_num) && structure != PICTURE_FRAME &&
           structure != builder->structure && frame_num == builder->frame_num;
}

enum access_unit_start access_unit_builder_start(const struct access_unit_builder *builder,
                                                 const struct nal *nal)
{
    if (!access_unit_builder_is_first_slice(builder->codec, nal)) {
        return STARTS_NOTHING;
    }
    return !builder->taken && is_second_field(builder, nal) ? STARTS_SECOND_FIELD : STARTS_PICTURE;
}

void access_unit_builder_note_set(struct access_unit_builder *builder, const struct nal *nal)
{
    struct sps sps;

    if (builder->codec == NAL_H264 && nal_kind(NAL_H264, nal) == NAL_KIND_SPS &&
        sps_parse(NAL_H264, nal, &sps) == 0) {
        builder->sps = sps;
    }
}

struct depacketizer_payload access_unit_builder_without_start_code(const struct depacketizer_payload *payload)
{
    struct depacketizer_payload rest = *payload;
    size_t zeros = 0;

    if (rest.size > NAL_LENGTH_SIZE && bytes_get_be32(rest.data) == rest.size - NAL_LENGTH_SIZE) {
        rest.data += NAL_LENGTH_SIZE; /* a length, as in files: no unit begins with two zeros */
        rest.size -= NAL_LENGTH_SIZE;
        return rest;
    }
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
    byte_buffer_clear(&builder->buffer);
    builder->pending = builder->ready = builder->taken = false;
    builder->has_slice = builder->damaged = builder->too_long = builder->fragment = false;
    builder->waits = builder->keyframe = builder->recovery = builder->paired = false;
    builder->slices = 0;
    builder->structure = PICTURE_FRAME;
    builder->owner->wait_until_ns = INT64_MAX;
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
    builder->start_waits = false;
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

/* The first slice of a picture or of a field. */
static void note_first_slice(struct access_unit_builder *builder, const struct nal *slice)
{
    if (builder->has_slice) {
        builder->paired = builder->paired || is_second_field(builder, slice);
        return;
    }
    builder->structure = PICTURE_FRAME;
    if (builder->sps.fields && !read_structure(builder, slice, &builder->structure, &builder->frame_num)) {
        builder->structure = PICTURE_FRAME;
    }
}

static void note_slice(struct access_unit_builder *builder, const struct nal *slice)
{
    if (access_unit_builder_is_first_slice(builder->codec, slice)) {
        note_first_slice(builder, slice);
    } else if (builder->waits) {
        /* It lies behind the marker. */
        builder->waits = false;
        builder->by_timestamp = true;
        builder->owner->counters.marker_errors++;
    } else if (!builder->has_slice) {
        /* It continues a picture that is complete by its marker, or whose beginning is missing. */
        if (!builder->damaged && builder->has_last && builder->last_time == builder->time) {
            builder->by_timestamp = true;
            builder->steady = 0;
            builder->owner->counters.marker_errors++;
        }
        builder->damaged = true;
    }
    builder->has_slice = true;
    builder->slices++;
    builder->keyframe = builder->keyframe || nal_kind(builder->codec, slice) == NAL_KIND_KEYFRAME;
}

/* Takes account of a unit that lies in the buffer, or soon will. The beginning of a slice is enough. */
static void note_unit(struct access_unit_builder *builder, const struct nal *nal)
{
    switch (nal_kind(builder->codec, nal)) {
    case NAL_KIND_SLICE:
    case NAL_KIND_KEYFRAME:
        note_slice(builder, nal);
        break;
    case NAL_KIND_SPS:
        access_unit_builder_note_set(builder, nal);
        break;
    case NAL_KIND_OTHER:
        builder->recovery = builder->recovery || nal_has_recovery_point(builder->codec, nal);
        break;
    case NAL_KIND_VPS:
    case NAL_KIND_PPS:
    case NAL_KIND_DISPOSABLE:
        break;
    }
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

/* No more of the unit in pieces will come: its length is written, or it is split into its units. */
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
        if (size > 0 && !builder->fragment_noted) {
            note_unit(builder, &(struct nal){unit, size});
        }
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

/* Another unit begins although the end of the one in pieces has not come and nothing was lost. That is normal for
 * cameras that do not mark ends. */
static void interrupt_fragment(struct access_unit_builder *builder)
{
    if (builder->fragment && !builder->ends_seen && !builder->damaged) {
        close_fragment(builder);
    }
    abandon_fragment(builder);
}

/* Markers do not end pictures: the number of slices does, if it has been the same for a while. */
static void note_slices(struct access_unit_builder *builder)
{
    builder->steady = builder->slices == builder->slices_before ? builder->steady + 1 : 0;
    builder->slices_before = builder->slices;
}

/* Recovery points count as keyframes in a stream without keyframes: decoders begin there, and show whole pictures a
 * little later. In a stream with keyframes they would only show damage. */
static void note_recovery(struct access_unit_builder *builder)
{
    if (builder->keyframe) {
        builder->recoveries = 0;
    } else if (builder->recovery) {
        builder->recoveries++;
        builder->keyframe = builder->recoveries > 1;
    }
}

/* Without any mark of where units in pieces begin and end, two of them may have become one, if all pieces have one size. */
static bool lacks_slices(const struct access_unit_builder *builder)
{
    return !builder->starts_seen && !builder->ends_seen && builder->fragment_first_size > 0 &&
           builder->steady >= ACCESS_UNIT_BUILDER_STEADY && builder->slices < builder->slices_before;
}

static void finish(struct access_unit_builder *builder)
{
    abandon_fragment(builder);
    builder->damaged = builder->damaged || lacks_slices(builder);
    builder->waits = false;
    builder->owner->wait_until_ns = INT64_MAX;
    builder->has_last = true;
    builder->last_time = builder->time;
    note_slices(builder);
    bool unfit = builder->too_long || !builder->has_slice || builder->buffer.size == 0;
    if (unfit || (builder->damaged && !builder->owner->show_damaged)) {
        drop(builder);
        return;
    }
    note_recovery(builder);
    builder->ready = true;
}

/* The picture that is pending ends without its marker. */
static void finish_unmarked(struct access_unit_builder *builder)
{
    bool marked = builder->waits || (builder->structure != PICTURE_FRAME && !builder->paired);

    builder->proved = builder->proved || builder->waits;
    if (builder->fragment && !builder->damaged) {
        close_fragment(builder);
    }
    if (!builder->damaged && !marked) {
        builder->owner->counters.marker_errors++;
    }
    finish(builder);
}

static void note_gap(struct access_unit_builder *builder)
{
    abandon_fragment(builder);
    /* It is not known whether a whole picture was lost. */
    builder->lost = !builder->owner->show_damaged;
    if (builder->pending && builder->has_slice) {
        builder->damaged = true;
    }
}

enum depacketizer_result access_unit_builder_open(struct access_unit_builder *builder,
                                                  const struct depacketizer_payload *payload,
                                                  enum access_unit_start start)
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
    bool other = builder->pending && builder->time != payload->time && start != STARTS_SECOND_FIELD;
    if (builder->has_slice && (other || (start == STARTS_PICTURE && !builder->fragment))) {
        finish_unmarked(builder);
        if (builder->ready) {
            return DEPACKETIZER_FULL;
        }
    } else if (other && builder->damaged) {
        drop(builder);
    }
    /* Parameter sets go with the picture that follows; a second field does not change its picture's time. */
    if (!builder->pending || (other && !builder->has_slice)) {
        builder->unit_time = payload->time;
    }
    builder->pending = true;
    builder->time = payload->time;
    builder->arrival_ns = payload->arrival_ns;
    return DEPACKETIZER_TAKEN;
}

void access_unit_builder_add(struct access_unit_builder *builder, const uint8_t *data, size_t size)
{
    interrupt_fragment(builder);
    builder->start_waits = false;
    builder->whole = true;
    if (may_hold_units(builder, data, size)) {
        append_units(builder, data, size);
    } else {
        append_unit(builder, data, size);
    }
}

struct nal access_unit_builder_beginning(const struct access_unit_fragment *fragment,
                                         uint8_t head[2 + ACCESS_UNIT_BUILDER_PROBE])
{
    size_t size = fragment->size < ACCESS_UNIT_BUILDER_PROBE ? fragment->size : ACCESS_UNIT_BUILDER_PROBE;

    memcpy(head, fragment->header, fragment->header_size);
    memcpy(head + fragment->header_size, fragment->data, size);
    return (struct nal){head, fragment->header_size + size};
}

/*
 * Whether a fragment is the first of a keyframe. Content of another place passes for it once in some hundred times with H.264, and
 * too often with H.265.
 */
static bool begins_keyframe(const struct access_unit_builder *builder, const struct nal *nal)
{
    struct bits bits;

    if (builder->codec != NAL_H264 || nal_kind(NAL_H264, nal) != NAL_KIND_KEYFRAME) {
        return false;
    }
    bits_init(&bits, nal->data + 1, nal->size - 1);
    bool first = bits_read_ue(&bits) == 0;
    uint32_t type = bits_read_ue(&bits);
    bits_read_ue(&bits); /* pic_parameter_set_id */
    uint32_t number = bits_read(&bits, builder->sps.frame_num_bits > 0 ? builder->sps.frame_num_bits : 4);
    return !bits_overrun(&bits) && first && (type == 2 || type == 7) && number == 0;
}

static uint16_t header_number(const struct access_unit_fragment *fragment)
{
    return fragment->header_size > 1 ? bytes_get_be16(fragment->header) : fragment->header[0];
}

/* Whether the last piece was the last of its unit, where nothing else tells: it is smaller than the first. */
static bool is_cut_short(const struct access_unit_builder *builder)
{
    return !builder->ends_seen &&
           builder->fragment_size + FRAGMENT_SIZE_TOLERANCE < builder->fragment_first_size;
}

bool access_unit_builder_fragment_begins(const struct access_unit_builder *builder,
                                         const struct depacketizer_payload *payload,
                                         const struct access_unit_fragment *fragment)
{
    uint8_t head[2 + ACCESS_UNIT_BUILDER_PROBE];
    bool follows = !payload->gap && payload->time == builder->time;
    bool open = builder->fragment && !builder->ready && !builder->taken;

    if (builder->start_waits && follows) {
        return true;
    }
    if (fragment->start) {
        bool repeated = open && follows && !builder->middles_seen &&
                        builder->fragment_header == header_number(fragment) &&
                        builder->fragment_size == builder->fragment_first_size;
        /* Where start bits are repeated, those behind a gap mean nothing. */
        return !repeated && !(builder->starts_repeated && payload->gap);
    }
    if (builder->starts_seen || (open && follows && !is_cut_short(builder))) {
        return false;
    }
    struct nal beginning = access_unit_builder_beginning(fragment, head);
    if (open && follows) {
        return !is_slice(builder->codec, &beginning) ||
               access_unit_builder_is_first_slice(builder->codec, &beginning) == !builder->has_slice;
    }
    if (payload->gap) {
        return !builder->has_last && !open && begins_keyframe(builder, &beginning);
    }
    return follows ? builder->whole
                   : !is_slice(builder->codec, &beginning) ||
                         access_unit_builder_is_first_slice(builder->codec, &beginning);
}

struct depacketizer_payload access_unit_builder_with_its_time(const struct access_unit_builder *builder,
                                                              const struct depacketizer_payload *payload,
                                                              const struct nal *unit)
{
    struct depacketizer_payload timed = *payload;
    bool slice = unit && unit->size > 0 && is_slice(builder->codec, unit) &&
                 !access_unit_builder_is_first_slice(builder->codec, unit);
    bool goes_on =
        unit ? slice && builder->has_slice && !builder->waits : builder->fragment && builder->starts_seen;

    if (goes_on && builder->pending && !builder->ready && !builder->taken && !payload->gap) {
        timed.time = builder->time;
    }
    return timed;
}

static void begin_fragment(struct access_unit_builder *builder, const struct access_unit_fragment *fragment)
{
    static const uint8_t length[NAL_LENGTH_SIZE] = {0};

    interrupt_fragment(builder);
    builder->fragment_start = builder->buffer.size;
    builder->fragment = true;
    builder->fragment_header = header_number(fragment);
    builder->fragment_first_size = fragment->size;
    append(builder, length, sizeof(length));
    append(builder, fragment->header, fragment->header_size);
    append(builder, fragment->data, fragment->size);
    /* Slices are known by their beginning, so a picture is one even if this unit never ends. */
    uint8_t head[2 + ACCESS_UNIT_BUILDER_PROBE];
    struct nal beginning = access_unit_builder_beginning(fragment, head);
    builder->fragment_noted = is_slice(builder->codec, &beginning);
    if (builder->fragment_noted) {
        note_unit(builder, &beginning);
    }
}

/* A piece of a unit whose beginning is not here: it was lost, or never sent. */
static void miss_beginning(struct access_unit_builder *builder, const struct depacketizer_payload *payload)
{
    if (payload->gap || builder->damaged) {
        builder->damaged = true;
    } else {
        access_unit_builder_spoil(builder);
    }
}

void access_unit_builder_add_fragment(struct access_unit_builder *builder,
                                      const struct depacketizer_payload *payload,
                                      const struct access_unit_fragment *fragment, bool begins)
{
    bool empty = fragment->size == 0;

    builder->starts_seen = builder->starts_seen || fragment->start;
    builder->starts_repeated = builder->starts_repeated || (fragment->start && !begins && !payload->gap);
    builder->start_waits = begins && empty && !fragment->end;
    builder->whole = fragment->end;
    if (begins && !empty) {
        begin_fragment(builder, fragment);
    } else if (builder->fragment) {
        builder->middles_seen = builder->middles_seen || (!fragment->start && !empty);
        append(builder, fragment->data, fragment->size);
    } else if (!empty) {
        miss_beginning(builder, payload);
        return;
    }
    builder->fragment_size = empty ? builder->fragment_size : fragment->size;
    if (fragment->end && builder->fragment) {
        builder->ends_seen = true;
        close_fragment(builder);
    }
}

void access_unit_builder_spoil(struct access_unit_builder *builder)
{
    builder->owner->counters.malformed++;
    builder->damaged = true;
    builder->lost = !builder->owner->show_damaged;
}

void access_unit_builder_close(struct access_unit_builder *builder,
                               const struct depacketizer_payload *payload)
{
    if (!payload->marker) {
        return;
    }
    builder->whole = true;
    if (builder->by_timestamp) {
        if (builder->steady >= ACCESS_UNIT_BUILDER_STEADY && builder->slices == builder->slices_before &&
            !builder->fragment && !builder->damaged) {
            finish(builder);
        }
        return;
    }
    if (builder->fragment && !builder->damaged) {
        builder->owner->counters.marker_errors++; /* in the middle of a unit */
        return;
    }
    if (!builder->has_slice && !builder->damaged) {
        return;
    }
    if (builder->structure != PICTURE_FRAME && !builder->paired && !builder->damaged) {
        return; /* the other field has a marker, too */
    }
    if (builder->owner->doubts_markers && !builder->proved && !builder->damaged) {
        builder->waits = true;
        builder->owner->wait_until_ns = payload->arrival_ns + DEPACKETIZER_WAIT_NS;
        return;
    }
    finish(builder);
}

void access_unit_builder_flush(struct access_unit_builder *builder)
{
    if (builder->waits) {
        builder->proved = true;
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
        .time = builder->unit_time,
        .keyframe = builder->keyframe,
        .recovery = builder->keyframe && builder->recoveries > 0,
        .arrival_ns = builder->arrival_ns,
        .lost = builder->lost,
    };
    builder->ready = false;
    builder->taken = true;
    builder->lost = false;
    return 1;
}
