/* SPDX-License-Identifier: MIT */
#include "ingest/publish/init_segment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>

#include "ingest/publish/fragment.h"

/* `moov` without samples, `moof`-relative offsets; nothing is written when the muxer is closed. */
#define MUXER_FLAGS "empty_moov+default_base_moof+frag_custom+skip_trailer"

static int set_extradata(AVCodecParameters *parameters, const uint8_t *data, size_t size)
{
    parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!parameters->extradata) {
        return -ENOMEM;
    }
    memcpy(parameters->extradata, data, size);
    parameters->extradata_size = (int)size;
    return 0;
}

/* `tkhd` has 16 bits for the pixels of a side. */
#define SHOWN_SIDE_MAX 65535

/* No camera's pixels have sides that differ by more than this factor; a larger one is damage. */
#define PIXEL_SHAPE_MAX 16

/*
 * The shape of a pixel: DISPLAY's, else the stream's; 0/1: not known, or the stream says square. The muxer writes it into
 * `pasp`, and the shape of the picture that follows from it into `tkhd`.
 */
static AVRational pixel_shape(const struct sps *sps, const struct init_display *display)
{
    AVRational shape = {sps->pixel_width, sps->pixel_height};
    bool set = display->aspect_width != 0 && display->aspect_height != 0;

    if (set) {
        av_reduce(&shape.num, &shape.den, (int64_t)display->aspect_width * sps->height,
                  (int64_t)display->aspect_height * sps->width, INT32_MAX);
    }
    bool usable = shape.num > 0 && shape.den > 0 && shape.num <= (int64_t)shape.den * PIXEL_SHAPE_MAX &&
                  shape.den <= (int64_t)shape.num * PIXEL_SHAPE_MAX &&
                  (int64_t)sps->width * shape.num / shape.den <= SHOWN_SIDE_MAX;
    return usable && (set || shape.num != shape.den) ? shape : (AVRational){0, 1};
}

/*
 * Writes SHAPE into the parameter sets of PARAMETERS: Firefox believes these alone, whatever `pasp` and `tkhd`
 * say. Sets that libavcodec cannot rewrite stay as they are, for all other players to see the right shape.
 */
static int state_shape(AVCodecParameters *parameters, AVRational shape)
{
    const AVBitStreamFilter *filter =
        av_bsf_get_by_name(parameters->codec_id == AV_CODEC_ID_H264 ? "h264_metadata" : "hevc_metadata");
    AVBSFContext *context = NULL;

    if (!filter) {
        return 0;
    }
    if (av_bsf_alloc(filter, &context) < 0) {
        return -ENOMEM;
    }
    int result = avcodec_parameters_copy(context->par_in, parameters);
    if (result >= 0) {
        result = av_opt_set_q(context->priv_data, "sample_aspect_ratio", shape, 0);
    }
    if (result >= 0) {
        result = av_bsf_init(context);
    }
    if (result >= 0 && context->par_out->extradata_size > 0) {
        av_freep(&parameters->extradata);
        parameters->extradata_size = 0;
        result =
            set_extradata(parameters, context->par_out->extradata, (size_t)context->par_out->extradata_size);
    }
    av_bsf_free(&context);
    return result == -ENOMEM ? -ENOMEM : 0;
}

/* SIZE bytes of side data of the stream; they become the stream's. NULL: no memory. FFmpeg 6.1 moved them. */
static void *new_side_data(AVStream *stream, enum AVPacketSideDataType type, size_t size)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    AVPacketSideData *added = av_packet_side_data_new(&stream->codecpar->coded_side_data,
                                                      &stream->codecpar->nb_coded_side_data, type, size, 0);
    return added ? added->data : NULL;
#else
    return av_stream_new_side_data(stream, type, size);
#endif
}

/* The matrix of `tkhd` (8.3.2), which Chromium and Firefox obey in Media Source Extensions, too. */
static int set_rotation(AVStream *stream, unsigned degrees)
{
    int32_t *matrix;

    if (degrees == 0) {
        return 0;
    }
    matrix = new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(*matrix));
    if (!matrix) {
        return -ENOMEM;
    }
    av_display_rotation_set(matrix, degrees);
    return 0;
}

static int add_video(AVFormatContext *muxer, const struct parameter_sets *sets,
                     const struct init_display *display)
{
    size_t size = 0;
    int result = -ENOMEM;
    AVStream *stream = avformat_new_stream(muxer, NULL);
    uint8_t *bytes = parameter_sets_serialize(sets, &size);

    if (!stream || !bytes) {
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
    stream->codecpar->sample_aspect_ratio = stream->sample_aspect_ratio = pixel_shape(&sets->sps, display);
    result = set_rotation(stream, display->rotate);
    if (result == 0) {
        result = set_extradata(stream->codecpar, bytes, size);
    }
    if (result == 0 && display->aspect_width != 0 && stream->codecpar->sample_aspect_ratio.num != 0) {
        result = state_shape(stream->codecpar, stream->codecpar->sample_aspect_ratio);
    }
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

    if (!stream) {
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
        result = *data ? 0 : -ENOMEM;
        if (result == 0) {
            memcpy(*data, bytes, (size_t)length);
        }
    }
    av_free(bytes);
    return result;
}

int init_segment_build(const struct parameter_sets *video, const struct init_display *display,
                       const struct init_audio *audio, uint8_t **data, size_t *size)
{
    AVFormatContext *muxer = NULL;
    int result = avformat_alloc_output_context2(&muxer, NULL, "mp4", NULL);

    if (result < 0) {
        return -ENOMEM;
    }
    muxer->flags |= AVFMT_FLAG_BITEXACT;                       /* the same stream gives the same bytes */
    muxer->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL; /* FLAC in MP4, to FFmpeg 5.1 */
    result = add_video(muxer, video, display);
    if (result == 0 && audio) {
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
