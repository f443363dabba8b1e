/* SPDX-License-Identifier: MIT */
#include "ingest/codec/parameter_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "ingest/codec/bits.h"

static const uint8_t start_code[] = {0, 0, 0, 1};

void parameter_sets_init(struct parameter_sets *sets, enum nal_codec codec)
{
    *sets = (struct parameter_sets){.codec = codec};
}

void parameter_sets_finish(struct parameter_sets *sets)
{
    for (size_t i = 0; i < sets->count; i++) {
        free(sets->items[i].data);
    }
    sets->count = 0;
    sets->has_sps = false;
}

static int read_id(enum nal_codec codec, enum nal_kind kind, const struct nal *nal, uint32_t *id)
{
    size_t header = codec == NAL_H264 ? 1 : 2;
    struct bits bits;

    if (nal->size <= header || nal->size > PARAMETER_SET_SIZE_MAX) {
        return -EBADMSG;
    }
    bits_init(&bits, nal->data + header, nal->size - header);
    *id = kind == NAL_KIND_VPS ? bits_read(&bits, 4) : bits_read_ue(&bits);
    return bits_overrun(&bits) || *id > 255 ? -EBADMSG : 0;
}

static struct parameter_set *find(struct parameter_sets *sets, enum nal_kind kind, uint32_t id)
{
    for (size_t i = 0; i < sets->count; i++) {
        if (sets->items[i].kind == kind && sets->items[i].id == id) {
            return &sets->items[i];
        }
    }
    return NULL;
}

/* Whether NAL is the set ITEM without its end. No set is the beginning of another one, but for zeros: its last bit tells its end. */
static bool is_cut_off(const struct parameter_set *item, const struct nal *nal)
{
    if (nal->size >= item->size || memcmp(item->data, nal->data, nal->size) != 0) {
        return false;
    }
    for (size_t i = nal->size; i < item->size; i++) {
        if (item->data[i] != 0) {
            return true;
        }
    }
    return false;
}

static int store(struct parameter_sets *sets, enum nal_kind kind, uint32_t id, const struct nal *nal)
{
    struct parameter_set *item = find(sets, kind, id);

    if (item && item->size == nal->size && memcmp(item->data, nal->data, nal->size) == 0) {
        return 0;
    }
    if (item && is_cut_off(item, nal)) {
        return -EBADMSG;
    }
    if (!item && sets->count == PARAMETER_SETS_MAX) {
        return -E2BIG;
    }
    uint8_t *copy = malloc(nal->size);
    if (!copy) {
        return -ENOMEM;
    }
    memcpy(copy, nal->data, nal->size);
    if (!item) {
        item = &sets->items[sets->count++];
    } else {
        free(item->data);
    }
    *item = (struct parameter_set){.kind = kind, .id = id, .data = copy, .size = nal->size};
    return 1;
}

int parameter_sets_put(struct parameter_sets *sets, const struct nal *nal)
{
    enum nal_kind kind = nal_kind(sets->codec, nal);
    struct sps sps;
    uint32_t id;

    if (kind != NAL_KIND_SPS) {
        int result = read_id(sets->codec, kind, nal, &id);
        return result < 0 ? result : store(sets, kind, id, nal);
    }
    if (nal->size > PARAMETER_SET_SIZE_MAX || sps_parse(sets->codec, nal, &sps) < 0) {
        return -EBADMSG;
    }
    int result = store(sets, kind, sps.id, nal);
    if (result >= 0) {
        sets->sps = sps;
        sets->has_sps = true;
    }
    return result;
}

static bool is_parameter_set(enum nal_kind kind)
{
    return kind == NAL_KIND_VPS || kind == NAL_KIND_SPS || kind == NAL_KIND_PPS;
}

static int put_units(struct parameter_sets *sets, const uint8_t *data, size_t size, unsigned length_size)
{
    struct nal_reader reader;
    struct nal nal;
    int result;
    int failed = 0;

    nal_reader_init(&reader, data, size, length_size);
    while ((result = nal_reader_next(&reader, &nal)) == 1) {
        if (!is_parameter_set(nal_kind(sets->codec, &nal))) {
            continue;
        }
        int put = parameter_sets_put(sets, &nal);
        failed = put < 0 ? put : failed;
    }
    return result < 0 ? result : failed;
}

/* Takes COUNT units, each after a 16-bit length. Returns the bytes used, or -EBADMSG. */
static ssize_t put_counted(struct parameter_sets *sets, const uint8_t *data, size_t size, unsigned count)
{
    size_t used = 0;

    for (unsigned i = 0; i < count; i++) {
        if (size - used < 2) {
            return -EBADMSG;
        }
        size_t length = bytes_get_be16(data + used);
        if (length > size - used - 2) {
            return -EBADMSG;
        }
        put_units(sets, data + used, length + 2, 2);
        used += length + 2;
    }
    return (ssize_t)used;
}

/* ISO/IEC 14496-15, 5.3.3.1. */
static int put_avcc(struct parameter_sets *sets, const uint8_t *data, size_t size, unsigned *length_size)
{
    if (size < 7) {
        return -EBADMSG;
    }
    *length_size = (data[4] & 3u) + 1;
    ssize_t used = put_counted(sets, data + 6, size - 6, data[5] & 0x1f);
    if (used < 0 || (size_t)used + 7 > size) {
        return -EBADMSG;
    }
    size_t pps = 6 + (size_t)used;
    return put_counted(sets, data + pps + 1, size - pps - 1, data[pps]) < 0 ? -EBADMSG : 0;
}

/* ISO/IEC 14496-15, 8.3.3.1. */
static int put_hvcc(struct parameter_sets *sets, const uint8_t *data, size_t size, unsigned *length_size)
{
    size_t at = 23;

    if (size < at) {
        return -EBADMSG;
    }
    *length_size = (data[21] & 3u) + 1;
    for (unsigned arrays = data[22]; arrays > 0; arrays--) {
        if (size - at < 3) {
            return -EBADMSG;
        }
        unsigned count = bytes_get_be16(data + at + 1);
        ssize_t used = put_counted(sets, data + at + 3, size - at - 3, count);
        if (used < 0) {
            return -EBADMSG;
        }
        at += 3 + (size_t)used;
    }
    return 0;
}

int parameter_sets_put_extradata(struct parameter_sets *sets, const uint8_t *data, size_t size,
                                 unsigned *length_size)
{
    *length_size = 0;
    if (size == 0) {
        return 0;
    }
    /* configurationVersion is 1; a byte stream begins with a zero. */
    if (data[0] != 1) {
        return put_units(sets, data, size, 0);
    }
    return sets->codec == NAL_H264 ? put_avcc(sets, data, size, length_size)
                                   : put_hvcc(sets, data, size, length_size);
}

static bool has_kind(const struct parameter_sets *sets, enum nal_kind kind)
{
    for (size_t i = 0; i < sets->count; i++) {
        if (sets->items[i].kind == kind) {
            return true;
        }
    }
    return false;
}

bool parameter_sets_complete(const struct parameter_sets *sets)
{
    return has_kind(sets, NAL_KIND_SPS) && has_kind(sets, NAL_KIND_PPS) &&
           (sets->codec == NAL_H264 || has_kind(sets, NAL_KIND_VPS));
}

static size_t append_kind(const struct parameter_sets *sets, enum nal_kind kind, uint8_t *out)
{
    size_t length = 0;

    for (size_t i = 0; i < sets->count; i++) {
        const struct parameter_set *item = &sets->items[i];
        if (item->kind != kind) {
            continue;
        }
        memcpy(out + length, start_code, sizeof(start_code));
        memcpy(out + length + sizeof(start_code), item->data, item->size);
        length += sizeof(start_code) + item->size;
    }
    return length;
}

uint8_t *parameter_sets_serialize(const struct parameter_sets *sets, size_t *size)
{
    size_t length = 0;

    for (size_t i = 0; i < sets->count; i++) {
        length += sizeof(start_code) + sets->items[i].size;
    }
    uint8_t *out = malloc(length > 0 ? length : 1);
    if (!out) {
        return NULL;
    }
    *size = append_kind(sets, NAL_KIND_VPS, out);
    *size += append_kind(sets, NAL_KIND_SPS, out + *size);
    *size += append_kind(sets, NAL_KIND_PPS, out + *size);
    return out;
}
