/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/media_format.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libavutil/base64.h>

#include "common/base/text.h"
#include "ingest/codec/aac.h"
#include "ingest/codec/nal.h"
#include "ingest/codec/sps.h"
#include "ingest/rtp/latm_config.h"

#define VIDEO_CLOCK_RATE 90000
#define OPUS_RATE 48000
#define G722_RATE 16000 /* RFC 3551, 4.5.2: its clock runs at 8000 all the same */

#define AAC_CONFIG_MAX 64
#define AAC_RATE_MAX 96000
#define AAC_LC 2

static_assert(AAC_CONFIG_MAX >= AAC_CONFIG_SIZE, "what is guessed fits");

static const uint8_t start_code[] = {0, 0, 0, 1};

static const struct encoding {
    const char *name;
    enum sdp_kind kind;
    enum media_codec codec;
    const char *codec_name;
    bool latm;
    uint8_t sample_bits;
} encodings[] = {
    {"H264", SDP_VIDEO, MEDIA_CODEC_H264, "h264", false, 0},
    {"H265", SDP_VIDEO, MEDIA_CODEC_H265, "hevc", false, 0},
    /* Names that no standard has. */
    {"H.264", SDP_VIDEO, MEDIA_CODEC_H264, "h264", false, 0},
    {"X-H264", SDP_VIDEO, MEDIA_CODEC_H264, "h264", false, 0},
    {"AVC", SDP_VIDEO, MEDIA_CODEC_H264, "h264", false, 0},
    {"AVC1", SDP_VIDEO, MEDIA_CODEC_H264, "h264", false, 0},
    {"H.265", SDP_VIDEO, MEDIA_CODEC_H265, "hevc", false, 0},
    {"X-H265", SDP_VIDEO, MEDIA_CODEC_H265, "hevc", false, 0},
    {"HEVC", SDP_VIDEO, MEDIA_CODEC_H265, "hevc", false, 0},
    {"HVC1", SDP_VIDEO, MEDIA_CODEC_H265, "hevc", false, 0},
    {"MP2T", SDP_VIDEO, MEDIA_CODEC_MPEGTS, "MPEG-TS", false, 0},
    {"MPEG4-GENERIC", SDP_AUDIO, MEDIA_CODEC_AAC, "aac", false, 0},
    {"MP4A-LATM", SDP_AUDIO, MEDIA_CODEC_AAC, "aac (LATM)", true, 0},
    {"OPUS", SDP_AUDIO, MEDIA_CODEC_OPUS, "opus", false, 0},
    {"PCMU", SDP_AUDIO, MEDIA_CODEC_PCMU, "G.711 µ-law", false, 0},
    {"PCMA", SDP_AUDIO, MEDIA_CODEC_PCMA, "G.711 A-law", false, 0},
    {"L16", SDP_AUDIO, MEDIA_CODEC_L16, "L16", false, 0},
    {"PCM", SDP_AUDIO, MEDIA_CODEC_L16, "L16", false, 0}, /* Hikvision's name for it */
    {"G722", SDP_AUDIO, MEDIA_CODEC_G722, "G.722", false, 0},
    {"G726-16", SDP_AUDIO, MEDIA_CODEC_G726, "G.726", false, 2},
    {"G726-24", SDP_AUDIO, MEDIA_CODEC_G726, "G.726", false, 3},
    {"G726-32", SDP_AUDIO, MEDIA_CODEC_G726, "G.726", false, 4},
    {"G726-40", SDP_AUDIO, MEDIA_CODEC_G726, "G.726", false, 5},
};

/* A dynamic payload type without an rtpmap: cameras that announce video this way send H.264, or else H.265. */
static const struct encoding nameless = {"", SDP_VIDEO, MEDIA_CODEC_H264, "h264", false, 0};

static const struct encoding *find_encoding(const struct sdp_media *media)
{
    if (media->kind == SDP_VIDEO && media->encoding[0] == '\0' &&
        media->payload_type >= MEDIA_FORMAT_DYNAMIC_TYPE_MIN) {
        return &nameless;
    }
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        if (encodings[i].kind == media->kind && strcasecmp(encodings[i].name, media->encoding) == 0) {
            return &encodings[i];
        }
    }
    return NULL;
}

const char *media_format_video_name(enum media_codec codec)
{
    return codec == MEDIA_CODEC_H265 ? "hevc" : "h264";
}

enum media_codec media_format_codec(const struct sdp_media *media)
{
    const struct encoding *encoding = find_encoding(media);

    if (media->kind == SDP_OTHER) {
        return MEDIA_CODEC_NONE;
    }
    return encoding ? encoding->codec : MEDIA_CODEC_OTHER;
}

static bool is_sane(uint32_t clock_rate)
{
    return clock_rate >= MEDIA_FORMAT_CLOCK_MIN && clock_rate <= MEDIA_FORMAT_CLOCK_MAX;
}

/* Room for the base64 text of one parameter set. */
#define SET_TEXT_SIZE MEDIA_FORMAT_EXTRADATA_MAX

/*
 * Cleans the base64 in TEXT for av_base64_decode: cameras write quotes and blanks between and around sets, and some
 * use the alphabet of URLs (RFC 4648, 5). False: it is not base64.
 */
static bool clean_base64(const char *text, size_t length, char out[SET_TEXT_SIZE])
{
    size_t used = 0;

    for (size_t i = 0; i < length && text[i] != '='; i++) {
        char c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
        if (c == '"' || c == '\'' || c == ' ' || c == '\t') {
            continue;
        }
        if ((!isalnum((unsigned char)c) && c != '+' && c != '/') || used + 1 == SET_TEXT_SIZE) {
            return false;
        }
        out[used++] = c;
    }
    out[used] = '\0';
    return used > 1;
}

/* Appends one parameter set as an Annex B unit. A damaged one is left out: the stream will bring it. */
static void append_set(struct media_format *format, const char *text, size_t length)
{
    char clean[SET_TEXT_SIZE];
    size_t at = format->extradata_size;
    size_t room = sizeof(format->extradata) - at;

    if (!clean_base64(text, length, clean) || room <= sizeof(start_code)) {
        return;
    }
    uint8_t *set = format->extradata + at + sizeof(start_code);
    int size = av_base64_decode(set, clean, (int)(room - sizeof(start_code)));
    /* The function stops at the end of the room without an error. */
    if (size <= 0 || (size_t)size < strlen(clean) * 3 / 4) {
        return;
    }
    memcpy(format->extradata + at, start_code, sizeof(start_code));
    format->extradata_size += sizeof(start_code) + (size_t)size;
}

/* Appends the comma-separated sets of TEXT (RFC 6184, 8.1; RFC 7798, 7.1). */
static void append_list(struct media_format *format, const char *text, size_t left)
{
    while (left > 0) {
        const char *comma = memchr(text, ',', left);
        size_t length = comma ? (size_t)(comma - text) : left;
        append_set(format, text, length);
        size_t used = comma ? length + 1 : length;
        text += used;
        left -= used;
    }
}

/* Appends the sets of each parameter NAME: some cameras give each set one of its own. */
static void append_sets(struct media_format *format, const char *fmtp, const char *name)
{
    size_t length = 0;
    const char *text;

    while ((text = sdp_fmtp_find(fmtp, name, &length)) != NULL) {
        append_list(format, text, length);
        fmtp = text + length;
    }
}

/* The number of a parameter, from 0 to MAX; OTHERWISE if it is missing or not such a number. */
static uint32_t read_number(const char *fmtp, const char *name, uint32_t max, uint32_t otherwise)
{
    size_t length = 0;
    const char *text = sdp_fmtp_find(fmtp, name, &length);
    uint64_t value = 0;

    if (!text || length == 0) {
        return otherwise;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return otherwise;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > max) {
            return otherwise;
        }
    }
    return (uint32_t)value;
}

/* Bytes of parameter `config`; 0: missing, too long or not hexadecimal. */
static size_t read_config(const char *fmtp, uint8_t out[AAC_CONFIG_MAX])
{
    size_t length = 0;
    const char *text = sdp_fmtp_find(fmtp, "config", &length);

    if (text && length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    if (!text || length / 2 > AAC_CONFIG_MAX) {
        return 0;
    }
    for (size_t i = 0; i < length / 2; i++) {
        int high = text_hex_digit(text[2 * i]);
        int low = text_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return length / 2;
}

static bool has_value(const char *fmtp, const char *name, const char *value)
{
    size_t length = 0;
    const char *text = sdp_fmtp_find(fmtp, name, &length);

    return text && length == strlen(value) && strncasecmp(text, value, length) == 0;
}

/* The fields' widths (RFC 3640, 4.1); some cameras name the mode and leave them out (3.3.5, 3.3.6). */
static void read_au(const char *fmtp, struct media_format_au *au)
{
    bool low = has_value(fmtp, "mode", "AAC-lbr");
    bool constant = read_number(fmtp, "constantSize", UINT16_MAX, 0) != 0;

    au->constant_size = read_number(fmtp, "constantSize", UINT16_MAX, 0);
    au->size_length = (uint8_t)read_number(fmtp, "sizeLength", 32, constant ? 0 : low ? 6 : 13);
    au->index_length = (uint8_t)read_number(fmtp, "indexLength", 32, constant ? 0 : low ? 2 : 3);
    au->index_delta_length = (uint8_t)read_number(fmtp, "indexDeltaLength", 32, constant ? 0 : low ? 2 : 3);
    au->cts_delta_length = (uint8_t)read_number(fmtp, "CTSDeltaLength", 32, 0);
    au->dts_delta_length = (uint8_t)read_number(fmtp, "DTSDeltaLength", 32, 0);
    au->random_access = read_number(fmtp, "randomAccessIndication", 1, 0) != 0;
    au->stream_state_length = (uint8_t)read_number(fmtp, "streamStateIndication", 32, 0);
    au->auxiliary_size_length = (uint8_t)read_number(fmtp, "auxiliaryDataSizeLength", 32, 0);
}

static int read_latm(const char *fmtp, const uint8_t *config, size_t size, struct media_format *format)
{
    struct bits bits;
    struct latm_config mux = {0};

    format->latm_mux.in_band = read_number(fmtp, "cpresent", 1, 1) != 0;
    if (size == 0) {
        return format->latm_mux.in_band ? 0 : -ENOTSUP;
    }
    bits_init_plain(&bits, config, size);
    if (latm_config_read(&bits, &mux) < 0) {
        return -ENOTSUP;
    }
    format->latm_mux.subframes = mux.subframes;
    format->latm_mux.other_bits = mux.other_bits;
    memcpy(format->extradata, mux.audio, mux.audio_size);
    format->extradata_size = mux.audio_size;
    return 0;
}

static void set_unit_ticks(struct media_format *format)
{
    format->unit_ticks =
        (uint32_t)((uint64_t)format->frame_length * format->clock_rate / format->sample_rate);
}

int media_format_take_config(struct media_format *format, const uint8_t *config, size_t size)
{
    struct aac_config aac;

    if (size > sizeof(format->extradata) || aac_parse_config(config, size, &aac) < 0) {
        return -EBADMSG;
    }
    if (aac.size == format->extradata_size && memcmp(config, format->extradata, aac.size) == 0) {
        return -EALREADY;
    }
    memmove(format->extradata, config, aac.size);
    format->extradata_size = aac.size;
    format->frame_length = aac.frame_length;
    format->sample_rate = aac.sample_rate;
    if (aac.channels != 0) {
        format->channels = aac.channels;
    }
    if (format->clock_rate == 0) {
        format->clock_rate = aac.sample_rate;
    }
    set_unit_ticks(format);
    return 0;
}

/* For a description whose configuration is missing or invalid: AAC-LC with the rtpmap's rate and channels. */
static size_t guess_config(const struct media_format *format, uint8_t out[AAC_CONFIG_MAX])
{
    if (format->clock_rate == 0 || format->clock_rate > AAC_RATE_MAX) {
        return 0;
    }
    return aac_write_config(AAC_LC, format->clock_rate, format->channels, out);
}

static int read_aac(const struct sdp_media *media, struct media_format *format)
{
    uint8_t config[AAC_CONFIG_MAX];
    size_t size = read_config(media->fmtp, config);

    if (format->latm) {
        int result = read_latm(media->fmtp, config, size, format);
        if (result < 0) {
            return result;
        }
        memcpy(config, format->extradata, format->extradata_size);
        size = format->extradata_size;
    } else {
        read_au(media->fmtp, &format->au);
    }
    format->extradata_size = 0;
    if (size > 0 && media_format_take_config(format, config, size) == 0) {
        return 0;
    }
    if (size > 0 && format->latm) {
        return -ENOTSUP;
    }
    size = guess_config(format, config);
    return media_format_take_config(format, config, size) < 0 ? -ENOTSUP : 0;
}

/* OpusHead (RFC 7845, 5.1). Two channels whatever is sent: every decoder gives them (RFC 7587, 7). */
static void write_opus_head(struct media_format *format)
{
    static const uint8_t head[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                   0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0};

    memcpy(format->extradata, head, sizeof(head));
    format->extradata_size = sizeof(head);
    format->clock_rate = OPUS_RATE;
    format->channels = 2;
    format->sample_rate = OPUS_RATE;
}

static int read_audio(const struct sdp_media *media, struct media_format *format)
{
    format->channels = media->channels > 0 ? media->channels : 1;
    if (format->codec == MEDIA_CODEC_AAC) {
        return read_aac(media, format);
    }
    if (format->codec == MEDIA_CODEC_OPUS) {
        write_opus_head(format);
        return 0;
    }
    if (format->clock_rate == 0) {
        return -ENOTSUP;
    }
    format->sample_rate = format->codec == MEDIA_CODEC_G722 ? G722_RATE : format->clock_rate;
    return 0;
}

/* Whether the sets of the description hold a valid sequence parameter set of CODEC. */
static bool has_sps_of(const struct media_format *format, enum nal_codec codec)
{
    struct nal_reader reader;
    struct nal nal;
    struct sps sps;

    nal_reader_init(&reader, format->extradata, format->extradata_size, 0);
    while (nal_reader_next(&reader, &nal) == 1) {
        if (nal.size > 4 && nal_kind(codec, &nal) == NAL_KIND_SPS && sps_parse(codec, &nal, &sps) == 0) {
            return true;
        }
    }
    return false;
}

/* Parameters that only H.264 has (RFC 6184, 8.1; RFC 7798, 7.1). */
static bool has_parameters_of_h264(const char *fmtp)
{
    size_t length;

    return sdp_fmtp_find(fmtp, "sprop-parameter-sets", &length) &&
           sdp_fmtp_find(fmtp, "packetization-mode", &length) && !sdp_fmtp_find(fmtp, "sprop-sps", &length);
}

/*
 * Cameras announce H.264 with the sets of H.265, and the reverse: the sets are what they send. The names of
 * the parameters follow what is announced or what is sent, so that all are read.
 */
static int read_video(const struct sdp_media *media, struct media_format *format)
{
    if (!is_sane(format->clock_rate)) {
        format->clock_rate = VIDEO_CLOCK_RATE;
    }
    if (format->codec == MEDIA_CODEC_MPEGTS) {
        return 0;
    }
    append_sets(format, media->fmtp, "sprop-vps");
    append_sets(format, media->fmtp, "sprop-sps");
    append_sets(format, media->fmtp, "sprop-pps");
    append_sets(format, media->fmtp, "sprop-parameter-sets");
    bool h264 = has_sps_of(format, NAL_H264);
    bool h265 = has_sps_of(format, NAL_H265);
    format->guessed = format->announced == MEDIA_CODEC_NONE;
    if (h264 != h265) {
        format->codec = h264 ? MEDIA_CODEC_H264 : MEDIA_CODEC_H265;
        format->guessed = false;
    } else if (format->codec == MEDIA_CODEC_H265 && has_parameters_of_h264(media->fmtp)) {
        format->codec = MEDIA_CODEC_H264;
        format->guessed = true;
    }
    format->name = media_format_video_name(format->codec);
    format->donl =
        format->codec == MEDIA_CODEC_H265 && read_number(media->fmtp, "sprop-max-don-diff", 32767, 0) > 0;
    return 0;
}

int media_format_read(const struct sdp_media *media, struct media_format *format)
{
    const struct encoding *encoding = find_encoding(media);

    memset(format, 0, sizeof(*format));
    if (!encoding) {
        return -ENOTSUP;
    }
    format->codec = encoding->codec;
    format->announced = encoding == &nameless ? MEDIA_CODEC_NONE : encoding->codec;
    format->name = encoding->codec_name;
    format->latm = encoding->latm;
    format->sample_bits = encoding->sample_bits;
    format->clock_rate = media->clock_rate;
    int result = media->kind == SDP_AUDIO ? read_audio(media, format) : read_video(media, format);
    return result == 0 && !is_sane(format->clock_rate) ? -ENOTSUP : result;
}
