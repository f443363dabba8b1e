/* SPDX-License-Identifier: MIT */
#include "snapshot/picture.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "common/log/log.h"

/* 8192 × 4352, which is the largest picture of H.264 and H.265 level 6.2. */
#define PIXELS_MAX (8192 * 4352)

/* Of JPEG: it cannot be seen on a screen, and a picture takes a third of the bytes of 95. */
#define QUALITY 85

/* The longest side of a JPEG: the largest picture, with pixels twice as wide as high. */
#define SIDE_MAX 16384

/* No camera's pixels are more oblong. */
#define SHAPE_MAX 16

#define CHANNELS 3

/* Pictures from this height on are of HDTV's colours unless they say otherwise: that is what browsers take them for. */
#define HD_HEIGHT 720

struct decoder {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *next;           /* what comes out of the decoder */
    struct picture *picture; /* the last one of it */
};

struct picture {
    AVFrame *frame;
    unsigned rotation;
    AVRational shape; /* of its pixels */
};

static void log_library(void *context, int level, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void log_library(void *context, int level, const char *format, va_list arguments)
{
    char line[256];

    (void)context;
    if (level <= AV_LOG_ERROR && log_level_now() >= LOG_LEVEL_DEBUG) {
        vsnprintf(line, sizeof(line), format, arguments);
        line[strcspn(line, "\n")] = '\0';
        log_debug("libavcodec: %s", line);
    }
}

void picture_begin(void)
{
    av_log_set_callback(log_library);
}

/* ---- Decoding ---- */

static int to_errno(int result)
{
    return result == AVERROR(ENOMEM) ? -ENOMEM : result < 0 ? -EBADMSG : 0;
}

static struct picture *new_picture(const struct movie *movie)
{
    struct picture *picture = calloc(1, sizeof(*picture));

    if (picture) {
        picture->frame = av_frame_alloc();
        picture->rotation = movie->rotation;
        av_reduce(&picture->shape.num, &picture->shape.den, movie->shape_width, movie->shape_height,
                  INT16_MAX);
        if (!picture->frame) {
            free(picture);
            picture = NULL;
        }
    }
    return picture;
}

void picture_free(struct picture *picture)
{
    if (picture) {
        av_frame_free(&picture->frame);
        free(picture);
    }
}

static int set_config(AVCodecContext *context, const struct movie *movie)
{
    if (movie->config_length > INT16_MAX) {
        return -EBADMSG;
    }
    context->extradata = av_mallocz(movie->config_length + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!context->extradata) {
        return -ENOMEM;
    }
    memcpy(context->extradata, movie->config, movie->config_length);
    context->extradata_size = (int)movie->config_length;
    return 0;
}

/*
 * One thread, so that a process with one filter of system calls does it all. A camera's first picture may not be what the standard calls a
 * random access point: it is shown as it is.
 */
static int open_context(struct decoder *decoder, const struct movie *movie)
{
    const AVCodec *codec =
        avcodec_find_decoder(movie->codec == MOVIE_H264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC);

    if (!codec) {
        return -ENOTSUP;
    }
    decoder->context = avcodec_alloc_context3(codec);
    if (!decoder->context) {
        return -ENOMEM;
    }
    decoder->context->thread_count = 1;
    decoder->context->max_pixels = PIXELS_MAX;
    decoder->context->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    decoder->context->flags2 |= AV_CODEC_FLAG2_SHOW_ALL;
    int result = set_config(decoder->context, movie);
    return result < 0 ? result : to_errno(avcodec_open2(decoder->context, codec, NULL));
}

int decoder_open(const struct movie *movie, struct decoder **made)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    int result = -ENOMEM;

    if (!decoder) {
        return -ENOMEM;
    }
    decoder->packet = av_packet_alloc();
    decoder->next = av_frame_alloc();
    decoder->picture = new_picture(movie);
    if (decoder->packet && decoder->next && decoder->picture) {
        result = open_context(decoder, movie);
    }
    if (result < 0) {
        decoder_close(decoder);
        return result;
    }
    *made = decoder;
    return 0;
}

void decoder_close(struct decoder *decoder)
{
    if (decoder) {
        avcodec_free_context(&decoder->context);
        av_packet_free(&decoder->packet);
        av_frame_free(&decoder->next);
        picture_free(decoder->picture);
        free(decoder);
    }
}

/* Keeps the newest picture that has come out. A picture with a piece missing is none. */
static int take_frames(struct decoder *decoder)
{
    int result;

    while ((result = avcodec_receive_frame(decoder->context, decoder->next)) == 0) {
        if (decoder->next->decode_error_flags == 0 && !(decoder->next->flags & AV_FRAME_FLAG_CORRUPT)) {
            av_frame_unref(decoder->picture->frame);
            av_frame_move_ref(decoder->picture->frame, decoder->next);
        } else {
            av_frame_unref(decoder->next);
        }
    }
    return result == AVERROR(EAGAIN) || result == AVERROR_EOF ? 0 : to_errno(result);
}

int decoder_add(struct decoder *decoder, const uint8_t *sample, size_t length)
{
    int result = length <= INT32_MAX / 2 ? av_new_packet(decoder->packet, (int)length) : -1;

    if (result < 0) {
        return result == AVERROR(ENOMEM) ? -ENOMEM : -EBADMSG;
    }
    memcpy(decoder->packet->data, sample, length);
    result = avcodec_send_packet(decoder->context, decoder->packet);
    av_packet_unref(decoder->packet);
    return result < 0 ? to_errno(result) : take_frames(decoder);
}

int decoder_finish(struct decoder *decoder, struct picture **picture)
{
    int result = to_errno(avcodec_send_packet(decoder->context, NULL));

    if (result == 0) {
        result = take_frames(decoder);
    }
    if (result == 0 && decoder->picture->frame->width <= 0) {
        result = -EBADMSG;
    }
    if (result == 0) {
        *picture = decoder->picture;
        decoder->picture = NULL;
    }
    return result;
}

size_t picture_bytes(const struct picture *picture)
{
    const AVFrame *frame = picture->frame;
    int bytes = av_image_get_buffer_size((enum AVPixelFormat)frame->format, frame->width, frame->height, 1);

    return bytes > 0 ? (size_t)bytes : 0;
}

/* ---- JPEG ---- */

struct size {
    int width, height;
};

static AVRational pixel_shape(const struct picture *picture)
{
    AVRational shape = picture->frame->sample_aspect_ratio;

    if (shape.num <= 0 || shape.den <= 0) {
        shape = picture->shape;
    }
    bool sane = shape.num > 0 && shape.den > 0 && shape.num / shape.den < SHAPE_MAX &&
                shape.den / shape.num < SHAPE_MAX;
    return sane ? shape : (AVRational){1, 1};
}

static int at_least_one(double value)
{
    return value < 1 ? 1 : (int)(value + 0.5);
}

/* Of PICTURE with square pixels, WIDTH wide when it has been turned, but before that. */
static struct size target_size(const struct picture *picture, unsigned width)
{
    AVRational shape = pixel_shape(picture);
    bool turned = picture->rotation % 180 != 0;
    double across = picture->frame->width, down = picture->frame->height, factor = 1;

    if (shape.num > shape.den) {
        across = across * shape.num / shape.den;
    } else {
        down = down * shape.den / shape.num;
    }
    double shown = turned ? down : across, longest = across > down ? across : down;
    if (longest > SIDE_MAX) {
        factor = SIDE_MAX / longest;
    }
    if (width > 0 && width < shown * factor) {
        factor = width / shown;
    }
    return (struct size){.width = at_least_one(across * factor), .height = at_least_one(down * factor)};
}

/* The formats with a J are those without it, of full range. */
static enum AVPixelFormat plain_format(enum AVPixelFormat format, bool *full)
{
    static const enum AVPixelFormat formats[][2] = {{AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P},
                                                    {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
                                                    {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P},
                                                    {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P}};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i][0] == format) {
            *full = true;
            return formats[i][1];
        }
    }
    return format;
}

static int colours_of(const AVFrame *frame)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return SWS_CS_BT2020;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return SWS_CS_ITU601;
    default:
        return frame->height >= HD_HEIGHT ? SWS_CS_ITU709 : SWS_CS_ITU601;
    }
}

static struct SwsContext *open_scaler(const AVFrame *frame, struct size size)
{
    bool full = frame->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat format = plain_format((enum AVPixelFormat)frame->format, &full);
    bool smaller = size.width < frame->width || size.height < frame->height;

    if (!sws_isSupportedInput(format)) {
        return NULL;
    }
    struct SwsContext *scaler =
        sws_getContext(frame->width, frame->height, format, size.width, size.height, AV_PIX_FMT_RGB24,
                       smaller ? SWS_AREA : SWS_BICUBIC, NULL, NULL, NULL);
    if (scaler) {
        const int *from = sws_getCoefficients(colours_of(frame)), *to = sws_getCoefficients(SWS_CS_DEFAULT);
        sws_setColorspaceDetails(scaler, from, full, to, 1, 0, 1 << 16, 1 << 16);
    }
    return scaler;
}

/* RGB, as libjpeg takes it: av_malloc'ed, because libswscale writes a little behind the end of lines. */
static uint8_t *to_rgb(const struct picture *picture, struct size size, size_t *stride, int *error)
{
    const AVFrame *frame = picture->frame;
    struct SwsContext *scaler = open_scaler(frame, size);

    *stride = ((size_t)size.width * CHANNELS + 63) / 64 * 64;
    uint8_t *pixels = av_malloc(*stride * (size_t)size.height + 64);
    *error = !scaler ? -EBADMSG : !pixels ? -ENOMEM : 0;
    if (*error == 0) {
        uint8_t *const planes[4] = {pixels};
        const int strides[4] = {(int)*stride};
        if (sws_scale(scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, planes,
                      strides) <= 0) {
            *error = -EBADMSG;
        }
    }
    sws_freeContext(scaler);
    if (*error < 0) {
        av_free(pixels);
        return NULL;
    }
    return pixels;
}

/* PIXELS turned clockwise by DEGREES, in memory of its own; SIZE and STRIDE become those of the result. */
static uint8_t *turn(const uint8_t *pixels, struct size *size, size_t *stride, unsigned degrees)
{
    const struct size from = *size, to = degrees == 180 ? from : (struct size){from.height, from.width};
    size_t to_stride = (size_t)to.width * CHANNELS;
    uint8_t *turned = av_malloc(to_stride * (size_t)to.height);

    for (int y = 0; turned && y < to.height; y++) {
        for (int x = 0; x < to.width; x++) {
            int from_x = degrees == 90 ? y : degrees == 180 ? from.width - 1 - x : from.width - 1 - y;
            int from_y = degrees == 90 ? from.height - 1 - x : degrees == 180 ? from.height - 1 - y : x;
            memcpy(turned + (size_t)y * to_stride + (size_t)x * CHANNELS,
                   pixels + (size_t)from_y * *stride + (size_t)from_x * CHANNELS, CHANNELS);
        }
    }
    *size = to;
    *stride = to_stride;
    return turned;
}

struct failure {
    struct jpeg_error_mgr base; /* the first member */
    jmp_buf back;
};

static void fail(j_common_ptr info)
{
    struct failure *failure = (struct failure *)info->err;

    longjmp(failure->back, 1);
}

static void say_nothing(j_common_ptr info)
{
    (void)info;
}

/* libjpeg's only error here is that there is no memory. */
static int compress(const uint8_t *pixels, struct size size, size_t stride, uint8_t **data, size_t *length)
{
    struct jpeg_compress_struct info = {0};
    struct failure failure;
    unsigned char *bytes = NULL;
    unsigned long count = 0;

    info.err = jpeg_std_error(&failure.base);
    failure.base.error_exit = fail;
    failure.base.output_message = say_nothing;
    *data = NULL;
    if (setjmp(failure.back) != 0) {
        jpeg_destroy_compress(&info);
        return -ENOMEM; /* its buffer is lost, but the limit of memory ends this process before that matters */
    }
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &count);
    info.image_width = (JDIMENSION)size.width;
    info.image_height = (JDIMENSION)size.height;
    info.input_components = CHANNELS;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, QUALITY, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = (JSAMPROW)(pixels + info.next_scanline * stride);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *data = bytes;
    *length = count;
    return 0;
}

int picture_encode(const struct picture *picture, unsigned width, uint8_t **data, size_t *length)
{
    struct size size = target_size(picture, width);
    size_t stride;
    int result;
    uint8_t *pixels = to_rgb(picture, size, &stride, &result);

    if (pixels && picture->rotation != 0) {
        uint8_t *turned = turn(pixels, &size, &stride, picture->rotation);
        av_free(pixels);
        pixels = turned;
        result = pixels ? 0 : -ENOMEM;
    }
    if (pixels) {
        result = compress(pixels, size, stride, data, length);
        av_free(pixels);
    }
    return result;
}
