#include "ingest/publish/init_segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "ingest/publish/fragment.h"

/* `moov` without samples, `moof`-relative offsets; nothing is written when the muxer is closed. */
#define MUXER_FLAGS "empty_moov+default_base_moof+frag_custom+skip_trailer"

static int set_extradata(AVCodecParameters *parameters, const uint8_t *data, size_t size)
{
    parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (parameters->extradata == NULL) {
        return -ENOMEM;
    }
    memcpy(parameters->extradata, data, size);
    parameters->extradata_size = (int)size;
    return 0;
}

static int add_video(AVFormatContext *muxer, const struct parameter_sets *sets)
{
    size_t size = 0;
    int result = -ENOMEM;
    AVStream *stream = avformat_new_stream(muxer, NULL);
    uint8_t *bytes = parameter_sets_serialize(sets, &size);

    if (stream == NULL || bytes == NULL) {
        goto out;
    }
    stream->time_base = (AVRational){1, FRAGMENT_VIDEO_TIMESCALE};
    stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    stream->codecpar->codec_id = sets->codec == NAL_H264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC;
    /* `hvc1`: parameter sets are in the init segment alone. Apple's players refuse `hev1`. */
    stream->codecpar->codec_tag =
        sets->codec == NAL_H264 ? MKTAG('a', 'v', 'c', '1') : MKTAG('h', 'v', 'c', '1');
    stream->codecpar->width = (int)sets->sps.width;
    stream->codecpar->height = (int)sets->sps.height;
    result = set_extradata(stream->codecpar, bytes, size);
out:
    free(bytes);
    return result;
}

static void set_audio_codec(AVCodecParameters *parameters, enum audio_codec codec)
{
    switch (codec) {
    case AUDIO_CODEC_AAC:
        parameters->codec_id = AV_CODEC_ID_AAC;
        parameters->codec_tag = MKTAG('m', 'p', '4', 'a');
        parameters->frame_size = 1024;
        return;
    case AUDIO_CODEC_OPUS:
        parameters->codec_id = AV_CODEC_ID_OPUS;
        parameters->codec_tag = MKTAG('O', 'p', 'u', 's');
        return;
    case AUDIO_CODEC_FLAC:
        parameters->codec_id = AV_CODEC_ID_FLAC;
        parameters->codec_tag = MKTAG('f', 'L', 'a', 'C');
        parameters->bits_per_raw_sample = 16;
        return;
    }
}

static int add_audio(AVFormatContext *muxer, const struct init_audio *audio)
{
    AVStream *stream = avformat_new_stream(muxer, NULL);

    if (stream == NULL) {
        return -ENOMEM;
    }
    stream->time_base = (AVRational){1, (int)audio->sample_rate};
    stream->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    set_audio_codec(stream->codecpar, audio->codec);
    stream->codecpar->sample_rate = (int)audio->sample_rate;
    av_channel_layout_default(&stream->codecpar->ch_layout, (int)audio->channels);
    return set_extradata(stream->codecpar, audio->config, audio->config_size);
}

static int write_header(AVFormatContext *muxer)
{
    AVDictionary *options = NULL;
    int result = av_dict_set(&options, "movflags", MUXER_FLAGS, 0);

    if (result >= 0) {
        result = avformat_write_header(muxer, &options);
    }
    av_dict_free(&options);
    return result < 0 ? result : 0;
}

/* The muxer's buffer comes from av_malloc; the caller gets one from malloc. */
static int take_output(AVFormatContext *muxer, uint8_t **data, size_t *size)
{
    uint8_t *bytes = NULL;
    int length = avio_close_dyn_buf(muxer->pb, &bytes);
    int result = -EINVAL;

    muxer->pb = NULL;
    if (length > 0) {
        *data = malloc((size_t)length);
        *size = (size_t)length;
        result = *data != NULL ? 0 : -ENOMEM;
        if (result == 0) {
            memcpy(*data, bytes, (size_t)length);
        }
    }
    av_free(bytes);
    return result;
}

int init_segment_build(const struct parameter_sets *video, const struct init_audio *audio, uint8_t **data,
                       size_t *size)
{
    AVFormatContext *muxer = NULL;
    int result = avformat_alloc_output_context2(&muxer, NULL, "mp4", NULL);

    if (result < 0) {
        return -ENOMEM;
    }
    muxer->flags |= AVFMT_FLAG_BITEXACT;                       /* the same stream gives the same bytes */
    muxer->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL; /* FLAC in MP4, to FFmpeg 5.1 */
    result = add_video(muxer, video);
    if (result == 0 && audio != NULL) {
        result = add_audio(muxer, audio);
    }
    if (result == 0) {
        result = avio_open_dyn_buf(&muxer->pb);
    }
    if (result < 0) {
        goto out;
    }
    result = write_header(muxer);
    int taken = take_output(muxer, data, size);
    if (result < 0 && taken == 0) {
        free(*data);
        result = -EINVAL;
    } else if (result == 0) {
        result = taken;
    }
out:
    avformat_free_context(muxer);
    return result;
}
