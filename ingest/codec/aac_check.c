/* SPDX-License-Identifier: MIT */
#include "ingest/codec/aac_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "ingest/codec/aac.h"
#include "ingest/codec/adts.h"
#include "ingest/codec/bits.h"

/* id_syn_ele, table 4.85. */
enum { ID_SCE = 0, ID_CPE = 1, ID_END = 7 };

enum { AOT_MAIN = 1, EIGHT_SHORT_SEQUENCE = 2 };

/* Bits of a frame for each channel (4.5.3.1), and channels that are believed. */
#define FRAME_SIZE_MAX (6144 / 8)
#define CHANNELS_MAX 8

/* Scale factor bands of a long window: most of any rate (table 4.140). */
#define BANDS_MAX 51

/* Frames that libavcodec must decode, one after the other, before the rest is believed: at first, after a bad
 * one, and each time after so many that were believed. */
#define PROOF_FIRST 64
#define PROOF_DAMAGED 2000
#define PROOF_AGAIN 4
#define BELIEVED 3000

/* The lines of libavcodec's log are this much less important: the worker reports a camera's damaged sound itself,
 * once. */
#define QUIET 100

struct aac_check {
    struct aac_config config;
    uint8_t bytes[16];       /* the configuration */
    AVCodecContext *decoder; /* NULL: none is needed now, or there is none for such a stream */
    AVPacket *packet;
    AVFrame *frame;
    unsigned proof; /* good frames in a row that are still wanted */
    unsigned believed;
    bool undecodable; /* libavcodec does not know this configuration */
};

static void close_decoder(struct aac_check *check)
{
    avcodec_free_context(&check->decoder);
    av_packet_free(&check->packet);
    av_frame_free(&check->frame);
}

static int open_decoder(struct aac_check *check)
{
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_AAC);

    check->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    check->packet = av_packet_alloc();
    check->frame = av_frame_alloc();
    uint8_t *extradata = av_mallocz(sizeof(check->bytes) + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!check->decoder || !check->packet || !check->frame || !extradata) {
        av_free(extradata);
        return -ENOMEM;
    }
    memcpy(extradata, check->bytes, check->config.size);
    check->decoder->extradata = extradata;
    check->decoder->extradata_size = (int)check->config.size;
    check->decoder->sample_rate = (int)check->config.sample_rate;
    check->decoder->thread_count = 1;
    check->decoder->log_level_offset = QUIET;
    return avcodec_open2(check->decoder, codec, NULL) < 0 ? -ENOTSUP : 0;
}

int aac_check_create(const uint8_t *config, size_t size, struct aac_check **check)
{
    struct aac_check *made = calloc(1, sizeof(*made));

    *check = NULL;
    if (!made) {
        return -ENOMEM;
    }
    made->proof = PROOF_FIRST;
    made->undecodable =
        aac_parse_config(config, size, &made->config) < 0 || made->config.size > sizeof(made->bytes);
    if (!made->undecodable) {
        memcpy(made->bytes, config, made->config.size);
    }
    *check = made;
    return 0;
}

void aac_check_destroy(struct aac_check *check)
{
    if (check) {
        close_decoder(check);
        free(check);
    }
}

/* ics_info, as far as it can be checked (table 4.6). */
static bool may_be_ics(const struct aac_check *check, struct bits *bits)
{
    bool reserved = bits_read(bits, 1) != 0;
    bool eight_short = bits_read(bits, 2) == EIGHT_SHORT_SEQUENCE;

    bits_skip(bits, 1); /* window_shape */
    if (reserved) {
        return false;
    }
    if (eight_short) {
        return true;
    }
    bool fits = bits_read(bits, 6) <= BANDS_MAX;
    bool predicts = bits_read(bits, 1) != 0;
    return fits && (!predicts || check->config.object_type == AOT_MAIN || check->config.object_type == 4);
}

/* Whether a frame begins as one can. */
static bool may_be_frame(const struct aac_check *check, const uint8_t *data, size_t size)
{
    unsigned channels = check->config.channels > 2 || check->config.channels == 0 ? CHANNELS_MAX : 2;
    struct bits bits;

    if (size < 3 || size > (size_t)FRAME_SIZE_MAX * channels) {
        return false;
    }
    bits_init_plain(&bits, data, size);
    unsigned element = bits_read(&bits, 3);
    bits_skip(&bits, 4);
    if (element == ID_SCE) {
        bits_skip(&bits, 8); /* global_gain */
        return may_be_ics(check, &bits);
    }
    if (element == ID_CPE) {
        if (bits_read(&bits, 1) == 0) { /* common_window */
            bits_skip(&bits, 8);
        }
        return may_be_ics(check, &bits);
    }
    return element != ID_END;
}

/* 1: it can be decoded; 0: it cannot; negative errno: nothing is known. */
static int decode(struct aac_check *check, const uint8_t *data, size_t size)
{
    if (check->undecodable) {
        return -ENOTSUP;
    }
    int result = check->decoder ? 0 : open_decoder(check);
    if (result < 0 || av_new_packet(check->packet, (int)size) < 0) {
        close_decoder(check);
        check->undecodable = result == -ENOTSUP;
        return -ENOTSUP;
    }
    memcpy(check->packet->data, data, size);
    result = avcodec_send_packet(check->decoder, check->packet);
    av_packet_unref(check->packet);
    if (result < 0) {
        return 0;
    }
    result = avcodec_receive_frame(check->decoder, check->frame);
    av_frame_unref(check->frame);
    return result >= 0 || result == AVERROR(EAGAIN);
}

static bool is_good(struct aac_check *check, const uint8_t *data, size_t size)
{
    bool good = may_be_frame(check, data, size);

    if (good && check->proof == 0 && ++check->believed >= BELIEVED) {
        check->believed = 0;
        check->proof = PROOF_AGAIN;
    }
    if (good && check->proof > 0) {
        good = decode(check, data, size) != 0;
        check->proof -= good;
        if (check->proof == 0) {
            close_decoder(check);
        }
    }
    if (!good) {
        check->proof = PROOF_DAMAGED;
    }
    return good;
}

size_t aac_check_split(struct aac_check *check, const uint8_t *data, size_t size,
                       struct aac_frame frames[AAC_CHECK_FRAMES_MAX])
{
    struct adts_header header;
    size_t count = 0;

    while (count < AAC_CHECK_FRAMES_MAX && adts_parse(data, size, &header) == 0 &&
           header.frame_size <= size) {
        frames[count] = (struct aac_frame){.data = data + header.header_size,
                                           .size = header.frame_size - header.header_size};
        data += header.frame_size;
        size -= header.frame_size;
        count++;
    }
    if (count == 0) {
        frames[count++] = (struct aac_frame){.data = data, .size = size};
    }
    for (size_t i = 0; i < count; i++) {
        frames[i].good = is_good(check, frames[i].data, frames[i].size);
    }
    return count;
}

/* Writes COUNT bits of VALUE at bit *at. */
static void put_bits(uint8_t out[AAC_SILENCE_SIZE], unsigned *at, uint32_t value, unsigned count)
{
    for (unsigned i = count; i > 0; i--) {
        out[*at / 8] |= (uint8_t)((value >> (i - 1) & 1) << (7 - *at % 8));
        (*at)++;
    }
}

/* individual_channel_stream of a long window without any band. */
static void put_silent_channel(uint8_t out[AAC_SILENCE_SIZE], unsigned *at)
{
    put_bits(out, at, 0, 8);  /* global_gain */
    put_bits(out, at, 0, 11); /* ics_info */
    put_bits(out, at, 0, 3);  /* neither pulses, nor temporal noise shaping, nor gain control */
}

size_t aac_silence(unsigned channels, uint8_t out[AAC_SILENCE_SIZE])
{
    unsigned at = 0;

    if (channels < 1 || channels > 2) {
        return 0;
    }
    memset(out, 0, AAC_SILENCE_SIZE);
    put_bits(out, &at, channels == 1 ? ID_SCE : ID_CPE, 3);
    put_bits(out, &at, 0, 4); /* element_instance_tag */
    if (channels == 2) {
        put_bits(out, &at, 0, 1); /* common_window */
        put_silent_channel(out, &at);
    }
    put_silent_channel(out, &at);
    put_bits(out, &at, ID_END, 3);
    return (at + 7) / 8;
}
