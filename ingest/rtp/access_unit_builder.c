#include "ingest/rtp/access_unit_builder.h"

#include <string.h>

#include "ingest/rtp/track.h"

static const uint8_t start_code[] = {0, 0, 0, 1};

static bool is_slice(enum nal_codec codec, const struct nal *nal)
{
    enum nal_kind kind = nal_kind(codec, nal);

    return kind == NAL_KIND_SLICE || kind == NAL_KIND_KEYFRAME;
}

/* first_mb_in_slice is 0, a single bit 1 (H.264, 7.3.3); first_slice_segment_in_pic_flag (H.265, 7.3.6.1). */
bool picture_is_first_slice(enum nal_codec codec, const struct nal *nal)
{
    size_t header = codec == NAL_H264 ? 1 : 2;

    return nal->size > header && is_slice(codec, nal) && (nal->data[header] & 0x80) != 0;
}

struct depacketizer_payload picture_without_start_code(const struct depacketizer_payload *payload)
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

void picture_init(struct picture *picture, enum nal_codec codec, struct depacketizer *owner)
{
    *picture = (struct picture){.codec = codec, .owner = owner};
    byte_buffer_init(&picture->buffer, TRACK_UNIT_SIZE_MAX);
}

void picture_finish(struct picture *picture)
{
    byte_buffer_finish(&picture->buffer);
}

static void clear(struct picture *picture)
{
    picture->buffer.size = 0;
    picture->pending = picture->ready = picture->taken = false;
    picture->has_slice = picture->damaged = picture->too_long = picture->fragment = false;
}

static void drop(struct picture *picture)
{
    picture->owner->counters.dropped++;
    picture->lost = !picture->owner->show_damaged;
    clear(picture);
}

void picture_reset(struct picture *picture)
{
    if (picture->taken) {
        clear(picture);
    }
    if (picture->pending && !picture->ready) {
        drop(picture);
    }
    if (picture->has_last && !picture->owner->show_damaged) {
        picture->lost = true;
    }
    picture->has_last = false;
}

static void append(struct picture *picture, const void *data, size_t size)
{
    if (picture->too_long) {
        return;
    }
    if (byte_buffer_add(&picture->buffer, data, size) < 0) {
        picture->too_long = picture->damaged = true;
    }
}

/* Takes a unit that lies in the buffer, or is about to, into account. */
static void note_unit(struct picture *picture, const struct nal *nal)
{
    if (!is_slice(picture->codec, nal)) {
        return;
    }
    if (!picture->has_slice && !picture_is_first_slice(picture->codec, nal)) {
        /* It goes on with a picture that is complete by its marker, or whose beginning is missing. */
        if (!picture->damaged && picture->has_last && picture->last_time == picture->time) {
            picture->by_timestamp = true;
            picture->owner->counters.marker_errors++;
        }
        picture->damaged = true;
    }
    picture->has_slice = true;
}

/* Units within what was sent as one: only cameras that send a byte stream have them. */
static void note_inner_units(struct picture *picture, const uint8_t *data, size_t size)
{
    struct nal_reader reader;
    struct nal nal;

    nal_reader_init(&reader, data, size, 0);
    while (nal_reader_next(&reader, &nal) == 1) {
        note_unit(picture, &nal);
    }
}

static void note(struct picture *picture, const uint8_t *data, size_t size)
{
    struct nal nal = {data, size};

    if (is_slice(picture->codec, &nal)) {
        note_unit(picture, &nal);
    } else {
        note_inner_units(picture, data, size);
    }
}

/* A unit that has begun and will not be finished. */
static void abandon_fragment(struct picture *picture)
{
    if (!picture->fragment) {
        return;
    }
    picture->fragment = false;
    picture->damaged = true;
    if (!picture->owner->show_damaged) {
        picture->buffer.size = picture->fragment_start;
    }
}

static void finish(struct picture *picture)
{
    picture->has_last = true;
    picture->last_time = picture->time;
    bool unfit = picture->too_long || !picture->has_slice;
    if (unfit || (picture->damaged && !picture->owner->show_damaged)) {
        drop(picture);
    } else {
        picture->ready = true;
    }
}

/* The picture that is pending ends without its marker. */
static void finish_unmarked(struct picture *picture)
{
    if (picture->fragment && !picture->damaged) {
        picture_end_fragment(picture);
    }
    abandon_fragment(picture);
    if (!picture->damaged) {
        picture->owner->counters.marker_errors++;
    }
    finish(picture);
}

static void note_gap(struct picture *picture)
{
    abandon_fragment(picture);
    /* Whether a picture was lost as a whole cannot be told. */
    picture->lost = !picture->owner->show_damaged;
    if (picture->pending && picture->has_slice) {
        picture->damaged = true;
    }
}

enum depacketizer_result picture_open(struct picture *picture, const struct depacketizer_payload *payload,
                                      bool begins)
{
    if (picture->taken) {
        clear(picture);
    }
    if (picture->ready) {
        return DEPACKETIZER_FULL;
    }
    if (payload->gap) {
        note_gap(picture);
    }
    bool other = picture->pending && picture->time != payload->time;
    if (picture->has_slice && (other || (begins && !picture->fragment))) {
        finish_unmarked(picture);
        if (picture->ready) {
            return DEPACKETIZER_FULL;
        }
    } else if (other && picture->damaged) {
        drop(picture);
    }
    picture->pending = true;
    picture->time = payload->time;
    picture->arrival_ns = payload->arrival_ns;
    return DEPACKETIZER_TAKEN;
}

void picture_add(struct picture *picture, const uint8_t *data, size_t size)
{
    abandon_fragment(picture);
    append(picture, start_code, sizeof(start_code));
    append(picture, data, size);
    note(picture, data, size);
}

void picture_begin_fragment(struct picture *picture, const uint8_t *header, size_t header_size,
                            const uint8_t *data, size_t size)
{
    abandon_fragment(picture);
    picture->fragment_start = picture->buffer.size;
    picture->fragment = true;
    append(picture, start_code, sizeof(start_code));
    append(picture, header, header_size);
    append(picture, data, size);
    /* Slices are known by their beginning, so a picture is one even if this unit never ends. */
    const uint8_t head[4] = {header[0], header_size > 1 ? header[1] : data[0], data[0], 0};
    struct nal nal = {head, header_size + (size > 0 ? 1 : 0)};
    note_unit(picture, &nal);
}

void picture_continue_fragment(struct picture *picture, const uint8_t *data, size_t size)
{
    append(picture, data, size);
}

void picture_end_fragment(struct picture *picture)
{
    size_t begin = picture->fragment_start + sizeof(start_code);

    if (picture->fragment && !picture->too_long && picture->buffer.size > begin && !picture->has_slice) {
        note_inner_units(picture, picture->buffer.data + begin, picture->buffer.size - begin);
    }
    picture->fragment = false;
}

bool picture_has_fragment(const struct picture *picture)
{
    return picture->fragment;
}

void picture_spoil(struct picture *picture)
{
    picture->owner->counters.malformed++;
    picture->damaged = true;
    picture->lost = !picture->owner->show_damaged;
}

void picture_close(struct picture *picture, const struct depacketizer_payload *payload)
{
    if (!payload->marker || picture->by_timestamp) {
        return;
    }
    if (picture->fragment && !picture->damaged) {
        picture->owner->counters.marker_errors++; /* in the middle of a unit */
        return;
    }
    if (picture->has_slice || picture->damaged) {
        finish(picture);
    }
}

int picture_next(struct picture *picture, struct depacketizer_unit *unit)
{
    if (!picture->ready || picture->taken) {
        return 0;
    }
    *unit = (struct depacketizer_unit){
        .data = picture->buffer.data,
        .size = picture->buffer.size,
        .time = picture->time,
        .arrival_ns = picture->arrival_ns,
        .lost = picture->lost,
    };
    picture->ready = false;
    picture->taken = true;
    picture->lost = false;
    return 1;
}
