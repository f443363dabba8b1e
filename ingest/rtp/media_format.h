/* SPDX-License-Identifier: MIT */
/*
 * What a media of a session description sends, and how its payloads are read (the format parameters of RFC 6184, 7798,
 * 3640, 6416, 7587, 3551). Owned by a track; no thread of its own.
 */
#ifndef INGEST_RTP_MEDIA_FORMAT_H
#define INGEST_RTP_MEDIA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/media.h"
#include "ingest/rtsp/sdp.h"

/* RFC 3551, 3: payload types from here on have only the meaning that an rtpmap gives them. */
#define MEDIA_FORMAT_DYNAMIC_TYPE_MIN 96

/* Parameter sets and configurations of the description, as media_stream.extradata. */
#define MEDIA_FORMAT_EXTRADATA_MAX SDP_FMTP_SIZE

/* Clock rates that are believed, in Hz: those of real formats lie between 8 and 192 kHz. */
#define MEDIA_FORMAT_CLOCK_MIN 1000
#define MEDIA_FORMAT_CLOCK_MAX 10000000

/* mpeg4-generic (RFC 3640, 4.1): widths of the AU header's fields, in bits. */
struct media_format_au {
    uint8_t size_length;
    uint8_t index_length;
    uint8_t index_delta_length;
    uint8_t cts_delta_length;
    uint8_t dts_delta_length;
    bool random_access;
    uint8_t stream_state_length;
    uint8_t auxiliary_size_length;
    uint32_t constant_size; /* bytes of every AU; 0: as the AU's header says */
};

/* MP4A-LATM (RFC 6416, 6.3): its StreamMuxConfig without the AudioSpecificConfig. */
struct media_format_latm {
    bool in_band;        /* each element says whether a configuration follows */
    unsigned subframes;  /* AUs in an element; 0: no configuration is known yet */
    unsigned other_bits; /* of other data that follows them */
};

struct media_format {
    enum media_codec codec;
    enum media_codec announced; /* by the encoding's name; MEDIA_CODEC_NONE: it has none */
    bool guessed;               /* video: `codec` is a guess, which the first payloads have to prove */
    const char *name;           /* for people; static */
    bool latm;                  /* AAC as RFC 6416, else as RFC 3640 */
    bool donl;                  /* H.265: decoding order numbers are there (RFC 7798, 4.4) */
    uint32_t clock_rate;
    uint32_t sample_rate;
    uint32_t channels;
    uint32_t sample_bits;
    uint32_t frame_length; /* AAC: samples of one AU */
    uint32_t unit_ticks;   /* AAC: RTP time of one AU */
    struct media_format_au au;
    struct media_format_latm latm_mux;
    uint8_t extradata[MEDIA_FORMAT_EXTRADATA_MAX];
    size_t extradata_size;
};

/* The name of a codec of video, for people; static. */
const char *media_format_video_name(enum media_codec codec);

/* The codec of MEDIA by its encoding's name; MEDIA_CODEC_OTHER: not supported; MEDIA_CODEC_NONE: neither video nor audio. */
enum media_codec media_format_codec(const struct sdp_media *media);

/*
 * AAC: the stream has this AudioSpecificConfig, whatever was described. 0: *format has it now; -EALREADY: it had it before;
 * -EBADMSG.
 */
int media_format_take_config(struct media_format *format, const uint8_t *config, size_t size);

/* 0; -ENOTSUP: an unknown encoding, or parameters that are not supported. */
int media_format_read(const struct sdp_media *media, struct media_format *format);

#endif
