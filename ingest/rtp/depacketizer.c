/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/depacketizer.h"

static struct depacketizer *create_h264(const struct media_format *format)
{
    struct depacketizer *depacketizer = depacketizer_h264_create();

    if (depacketizer) {
        depacketizer_h264_take_sets(depacketizer, format);
    }
    return depacketizer;
}

static struct depacketizer *create(const struct media_format *format)
{
    switch (format->codec) {
    case MEDIA_CODEC_H264:
        return create_h264(format);
    case MEDIA_CODEC_H265:
        return depacketizer_h265_create(format->donl);
    case MEDIA_CODEC_AAC:
        return format->latm ? depacketizer_latm_create(format) : depacketizer_aac_create(format);
    case MEDIA_CODEC_OPUS:
    case MEDIA_CODEC_PCMU:
    case MEDIA_CODEC_PCMA:
    case MEDIA_CODEC_L16:
    case MEDIA_CODEC_G722:
    case MEDIA_CODEC_G726:
    case MEDIA_CODEC_MPEGTS:
        return depacketizer_plain_create();
    case MEDIA_CODEC_NONE:
    case MEDIA_CODEC_OTHER:
        break;
    }
    return NULL;
}

struct depacketizer *depacketizer_create(const struct media_format *format, bool show_damaged)
{
    struct depacketizer *depacketizer = create(format);

    if (depacketizer) {
        depacketizer->show_damaged = show_damaged;
        depacketizer->wait_until_ns = INT64_MAX;
    }
    return depacketizer;
}

void depacketizer_destroy(struct depacketizer *depacketizer)
{
    if (depacketizer) {
        depacketizer->operations->destroy(depacketizer);
    }
}

enum depacketizer_result depacketizer_put(struct depacketizer *depacketizer,
                                          const struct depacketizer_payload *payload)
{
    return depacketizer->operations->put(depacketizer, payload);
}

int depacketizer_next(struct depacketizer *depacketizer, struct depacketizer_unit *unit)
{
    return depacketizer->operations->next(depacketizer, unit);
}

void depacketizer_flush(struct depacketizer *depacketizer)
{
    depacketizer->wait_until_ns = INT64_MAX;
    if (depacketizer->operations->flush) {
        depacketizer->operations->flush(depacketizer);
    }
}

void depacketizer_reset(struct depacketizer *depacketizer)
{
    depacketizer->operations->reset(depacketizer);
}

const struct depacketizer_counters *depacketizer_counters(const struct depacketizer *depacketizer)
{
    return &depacketizer->counters;
}
