/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/rtp_fuzz_feed.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/codec/sample_writer.h"
#include "ingest/rtp/track.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int feed_next(struct feed *feed, struct feed_item *item)
{
    if (feed->size < 3) {
        return 0;
    }
    size_t length = (size_t)feed->data[1] << 8 | feed->data[2];
    if (length > feed->size - 3) {
        length = feed->size - 3;
    }
    item->flags = feed->data[0];
    item->size = length;
    item->data = malloc(length);
    require(length == 0 || item->data != NULL);
    if (length > 0) {
        memcpy(item->data, feed->data + 3, length);
    }
    feed->data += 3 + length;
    feed->size -= 3 + length;
    return 1;
}

static void take_all(struct depacketizer *depacketizer, void (*check)(const struct depacketizer_unit *unit))
{
    struct depacketizer_unit unit;

    while (depacketizer_next(depacketizer, &unit) == 1) {
        require(unit.size > 0 && unit.size <= TRACK_UNIT_SIZE_MAX);
        /* Every byte must be there. */
        uint8_t *copy = malloc(unit.size);
        require(copy != NULL);
        memcpy(copy, unit.data, unit.size);
        free(copy);
        if (check != NULL) {
            check(&unit);
        }
    }
}

void feed_depacketizer(struct depacketizer *depacketizer, const uint8_t *data, size_t size,
                       void (*check)(const struct depacketizer_unit *unit))
{
    struct feed feed = {data, size};
    struct feed_item item;
    int64_t time = 0;

    require(depacketizer != NULL);
    while (feed_next(&feed, &item) == 1) {
        if ((item.flags & FEED_RESET) != 0) {
            depacketizer_reset(depacketizer);
        }
        if ((item.flags & FEED_NEXT_TIME) != 0) {
            time += 3000;
        }
        struct depacketizer_payload payload = {
            .data = item.data,
            .size = item.size,
            .time = time,
            .marker = (item.flags & FEED_MARKER) != 0,
            .gap = (item.flags & FEED_GAP) != 0,
        };
        /* An MTAP has a picture in each few bytes (depacketizer_h264.c). */
        for (size_t rounds = 0; depacketizer_put(depacketizer, &payload) == DEPACKETIZER_FULL; rounds++) {
            require(rounds < 3 + item.size);
            take_all(depacketizer, check);
        }
        take_all(depacketizer, check);
        if (depacketizer->wait_until_ns != INT64_MAX && (item.flags & FEED_FLUSH) != 0) {
            depacketizer_flush(depacketizer);
            take_all(depacketizer, check);
        }
        free(item.data);
    }
    depacketizer_destroy(depacketizer);
}

static void check_picture(enum nal_codec codec, const struct depacketizer_unit *unit)
{
    static struct sample_writer picture;
    struct nal_reader reader;
    struct nal nal;
    int result;

    /* The lengths lead to the end exactly. */
    nal_reader_init(&reader, unit->data, unit->size, NAL_LENGTH_SIZE);
    while ((result = nal_reader_next(&reader, &nal)) == 1) {
    }
    require(result == 0);
    nal_reader_init(&reader, unit->data, unit->size, NAL_LENGTH_SIZE);
    if (sample_writer_read(&picture, codec, &reader, false) < 0) {
        return;
    }
    uint8_t *sample = malloc(picture.sample_size > 0 ? picture.sample_size : 1);
    require(sample != NULL);
    require(sample_writer_write(&picture, sample) == sample + picture.sample_size);
    free(sample);
}

void feed_check_h264(const struct depacketizer_unit *unit)
{
    check_picture(NAL_H264, unit);
}

void feed_check_h265(const struct depacketizer_unit *unit)
{
    check_picture(NAL_H265, unit);
}
