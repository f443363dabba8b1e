/* SPDX-License-Identifier: MIT */
/*
 * MPEG-4 audio as LATM (RFC 6416): an AudioMuxElement (ISO/IEC 14496-3, 1.7.3.2) in one packet or, up to the
 * marker, in several. Its configuration is that of the session description, until the stream has another one.
 */
#include "ingest/rtp/depacketizer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/codec/bits.h"
#include "ingest/rtp/byte_buffer.h"
#include "ingest/rtp/latm_config.h"

static_assert(LATM_CONFIG_AUDIO_MAX <= DEPACKETIZER_CONFIG_MAX, "a configuration fits");

#define ELEMENT_SIZE_MAX 65536

/* Bits that may follow the last AU and its other data: a checksum, and filling up to the next byte. */
#define SLACK_BITS 16

/* numSubFrames has six bits. */
#define UNITS_MAX 64

struct latm {
    struct depacketizer base;
    const struct media_format *format; /* the owner's: it may learn the length of an AU */
    struct media_format_latm mux;      /* the present one */
    struct byte_buffer element;        /* what several packets brought */
    int64_t element_time;
    struct byte_buffer units; /* AUs, one after the other */
    size_t sizes[UNITS_MAX];
    size_t count;
    size_t taken;
    size_t at; /* in UNITS, of the next one */
    int64_t time;
    int64_t arrival_ns;
    bool skip; /* up to the marker: something of the element is missing */
    bool lost;
};

static void drop_element(struct latm *latm)
{
    latm->base.counters.dropped++;
    latm->lost = true;
    latm->element.size = 0;
}

static void spoil(struct latm *latm)
{
    latm->base.counters.malformed++;
    drop_element(latm);
    latm->count = 0;
}

/* Reads a configuration within the stream, which counts from here on. False: it is not understood. */
static bool take_config(struct latm *latm, struct bits *bits)
{
    struct latm_config config;

    if (latm_config_read(bits, &config) < 0) {
        return false;
    }
    latm->mux.subframes = config.subframes;
    latm->mux.other_bits = config.other_bits;
    memcpy(latm->base.config, config.audio, config.audio_size);
    latm->base.config_size = config.audio_size;
    return true;
}

static bool take_unit(struct latm *latm, struct bits *bits)
{
    size_t length = bits_read_sum(bits); /* PayloadLengthInfo, 1.7.3.2.4 */
    size_t at = latm->units.size;

    if (bits_overrun(bits) || length == 0 || length > bits_left(bits) / 8) {
        return false;
    }
    /* Room first, then the bytes, which may begin at any bit. */
    if (byte_buffer_add(&latm->units, bits->data, length) < 0) {
        return false;
    }
    latm->sizes[latm->count++] = length;
    return bits_copy(bits, latm->units.data + at, length);
}

static bool parse_element(struct latm *latm, const uint8_t *data, size_t size)
{
    const struct media_format_latm *mux = &latm->mux;
    struct bits bits;

    bits_init_plain(&bits, data, size);
    if (mux->in_band && bits_read(&bits, 1) == 0 && !take_config(latm, &bits)) {
        return false;
    }
    if (mux->subframes == 0) {
        return false; /* no configuration has come yet */
    }
    latm->units.size = latm->at = 0;
    for (unsigned i = 0; i < mux->subframes; i++) {
        if (!take_unit(latm, &bits)) {
            return false;
        }
    }
    /* The end of an element whose beginning was lost may look like an element, but seldom ends where one should. */
    return bits_left(&bits) <= mux->other_bits + SLACK_BITS;
}

static void put_payload(struct latm *latm, const struct depacketizer_payload *payload)
{
    bool alone = latm->element.size == 0 && payload->marker;
    bool sound = true;

    if (!alone && byte_buffer_add(&latm->element, payload->data, payload->size) < 0) {
        spoil(latm);
        latm->skip = !payload->marker;
        return;
    }
    latm->element_time = payload->time;
    if (!payload->marker) {
        return;
    }
    if (alone) {
        sound = parse_element(latm, payload->data, payload->size);
    } else {
        sound = parse_element(latm, latm->element.data, latm->element.size);
    }
    latm->element.size = 0;
    if (!sound) {
        spoil(latm);
    }
}

static enum depacketizer_result put(struct depacketizer *base, const struct depacketizer_payload *payload)
{
    struct latm *latm = (struct latm *)base;

    if (latm->taken < latm->count) {
        return DEPACKETIZER_FULL;
    }
    latm->taken = latm->count = 0;
    latm->time = payload->time;
    latm->arrival_ns = payload->arrival_ns;
    if (payload->gap) {
        /* Whether this packet begins an element cannot be told from it, but its timestamp may. */
        latm->skip = latm->element.size > 0 && latm->element_time == payload->time;
        if (latm->element.size > 0) {
            drop_element(latm);
        }
        latm->lost = true;
    }
    if (latm->element.size > 0 && latm->element_time != payload->time) {
        latm->base.counters.marker_errors++;
        drop_element(latm);
    }
    if (!latm->skip && payload->size > 0) {
        put_payload(latm, payload);
    } else if (payload->marker) {
        latm->skip = false;
    }
    return DEPACKETIZER_TAKEN;
}

static int next(struct depacketizer *base, struct depacketizer_unit *unit)
{
    struct latm *latm = (struct latm *)base;

    if (latm->taken == latm->count) {
        return 0;
    }
    *unit = (struct depacketizer_unit){
        .data = latm->units.data + latm->at,
        .size = latm->sizes[latm->taken],
        .time = latm->time + (int64_t)latm->taken * latm->format->unit_ticks,
        .arrival_ns = latm->arrival_ns,
        .lost = latm->lost,
    };
    latm->at += latm->sizes[latm->taken];
    latm->taken++;
    latm->lost = false;
    return 1;
}

static void reset(struct depacketizer *base)
{
    struct latm *latm = (struct latm *)base;

    if (latm->element.size > 0) {
        drop_element(latm);
    }
    latm->taken = latm->count = 0;
    latm->skip = false;
}

static void destroy(struct depacketizer *base)
{
    struct latm *latm = (struct latm *)base;

    byte_buffer_finish(&latm->element);
    byte_buffer_finish(&latm->units);
    free(latm);
}

static const struct depacketizer_operations operations = {
    .put = put, .next = next, .reset = reset, .destroy = destroy};

struct depacketizer *depacketizer_latm_create(const struct media_format *format)
{
    struct latm *latm = calloc(1, sizeof(*latm));

    if (!latm) {
        return NULL;
    }
    latm->base.operations = &operations;
    latm->format = format;
    latm->mux = format->latm_mux;
    byte_buffer_init(&latm->element, ELEMENT_SIZE_MAX);
    byte_buffer_init(&latm->units, ELEMENT_SIZE_MAX);
    return &latm->base;
}
