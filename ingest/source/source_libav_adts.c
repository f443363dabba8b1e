/* SPDX-License-Identifier: MIT */
#include "ingest/source/source_libav_adts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/bsf.h>

struct source_libav_adts {
    AVBSFContext *filter;
    uint8_t *config; /* NULL: not known yet */
    size_t config_size;
};

int source_libav_adts_create(const AVStream *stream, struct source_libav_adts **adts)
{
    const AVBitStreamFilter *filter = av_bsf_get_by_name("aac_adtstoasc");
    struct source_libav_adts *created = calloc(1, sizeof(*created));
    int result = filter ? -ENOMEM : -ENOSYS;

    if (!created || !filter || av_bsf_alloc(filter, &created->filter) < 0) {
        goto fail;
    }
    created->filter->time_base_in = stream->time_base;
    if (avcodec_parameters_copy(created->filter->par_in, stream->codecpar) < 0 ||
        av_bsf_init(created->filter) < 0) {
        goto fail;
    }
    *adts = created;
    return 0;
fail:
    source_libav_adts_destroy(created);
    return result;
}

/* The filter gives it with the first frame. */
static int keep_config(struct source_libav_adts *adts, const AVPacket *packet)
{
    size_t size = 0;
    const uint8_t *config = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);

    if (adts->config || !config || size == 0) {
        return 0;
    }
    adts->config = malloc(size);
    if (!adts->config) {
        return AVERROR(ENOMEM);
    }
    memcpy(adts->config, config, size);
    adts->config_size = size;
    return 0;
}

int source_libav_adts_strip(struct source_libav_adts *adts, AVPacket *packet)
{
    int result = av_bsf_send_packet(adts->filter, packet);

    if (result >= 0) {
        result = av_bsf_receive_packet(adts->filter, packet);
    }
    if (result >= 0) {
        result = keep_config(adts, packet);
    }
    if (result < 0) {
        av_packet_unref(packet);
    }
    return result < 0 ? result : 0;
}

const uint8_t *source_libav_adts_config(const struct source_libav_adts *adts, size_t *size)
{
    *size = adts->config_size;
    return adts->config;
}

void source_libav_adts_destroy(struct source_libav_adts *adts)
{
    if (!adts) {
        return;
    }
    av_bsf_free(&adts->filter);
    free(adts->config);
    free(adts);
}
