/* SPDX-License-Identifier: MIT */
#include "tests/bench/clip.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <libavutil/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAL_LENGTH_SIZE 4
#define BASE64_MAX 512

enum nal_type { NAL_SLICE = 1, NAL_IDR = 5 };

static size_t read_be(const uint8_t *bytes, size_t count)
{
    size_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static struct clip_unit *add_unit(struct clip_track *track, size_t length)
{
    if (track->count == track->room) {
        size_t room = track->room ? track->room * 2 : 256;
        struct clip_unit *units = realloc(track->units, room * sizeof *units);
        if (!units) {
            return NULL;
        }
        track->units = units;
        track->room = room;
    }
    struct clip_unit *unit = &track->units[track->count];
    *unit = (struct clip_unit){.data = malloc(length > 0 ? length : 1)};
    if (!unit->data) {
        return NULL;
    }
    track->count++;
    return unit;
}

/* Keeps the coded slices only. */
static int add_frame(struct clip *clip, const AVPacket *packet)
{
    size_t left = (size_t)packet->size;
    const uint8_t *at = packet->data;
    struct clip_unit *unit = add_unit(&clip->video, left);
    if (!unit) {
        return -ENOMEM;
    }
    unit->keyframe = packet->flags & AV_PKT_FLAG_KEY;
    while (left > NAL_LENGTH_SIZE) {
        size_t whole = NAL_LENGTH_SIZE + read_be(at, NAL_LENGTH_SIZE);
        if (whole <= NAL_LENGTH_SIZE || whole > left) {
            return -EINVAL;
        }
        uint8_t type = at[NAL_LENGTH_SIZE] & 0x1f;
        if (type >= NAL_SLICE && type <= NAL_IDR) {
            memcpy(unit->data + unit->length, at, whole);
            unit->length += whole;
        }
        at += whole;
        left -= whole;
    }
    return unit->length > 0 ? 0 : -EINVAL;
}

static int add_audio(struct clip *clip, const AVPacket *packet)
{
    struct clip_unit *unit = add_unit(&clip->audio, (size_t)packet->size);
    if (!unit) {
        return -ENOMEM;
    }
    memcpy(unit->data, packet->data, (size_t)packet->size);
    unit->length = (size_t)packet->size;
    return 0;
}

/* The first parameter set of one kind in an avcC (ISO/IEC 14496-15 section 5.3.3); moves *at past all of
 * them. */
static int take_parameter_set(const uint8_t **at, const uint8_t *end, uint8_t count, uint8_t **set,
                              size_t *length)
{
    for (uint8_t i = 0; i < count; i++) {
        if (end - *at < 2) {
            return -EINVAL;
        }
        size_t size = read_be(*at, 2);
        if ((size_t)(end - *at - 2) < size || size == 0) {
            return -EINVAL;
        }
        if (!*set) {
            *set = malloc(size);
            if (!*set) {
                return -ENOMEM;
            }
            memcpy(*set, *at + 2, size);
            *length = size;
        }
        *at += 2 + size;
    }
    return *set ? 0 : -EINVAL;
}

static int take_video_parameters(struct clip *clip, const AVStream *stream)
{
    const AVCodecParameters *codec = stream->codecpar;
    const uint8_t *at = codec->extradata;
    if (codec->codec_id != AV_CODEC_ID_H264 || codec->extradata_size < 8 || at[0] != 1 || (at[4] & 3) != 3) {
        return -EINVAL;
    }
    const uint8_t *end = at + codec->extradata_size;
    clip->fps = av_q2d(stream->avg_frame_rate);
    uint8_t count = at[5] & 0x1f;
    at += 6;
    int result = take_parameter_set(&at, end, count, &clip->sps, &clip->sps_length);
    if (result < 0) {
        return result;
    }
    if (at == end || clip->sps_length < 4 || !(clip->fps > 0)) {
        return -EINVAL;
    }
    count = *at++;
    return take_parameter_set(&at, end, count, &clip->pps, &clip->pps_length);
}

static int take_audio_parameters(struct clip *clip, const AVCodecParameters *codec)
{
    size_t length = (size_t)codec->extradata_size;
    if (codec->codec_id != AV_CODEC_ID_AAC || length < 2 || length > sizeof clip->audio_config) {
        return -EINVAL;
    }
    memcpy(clip->audio_config, codec->extradata, length);
    clip->audio_config_length = length;
    clip->audio_rate = codec->sample_rate;
    clip->audio_channels = codec->ch_layout.nb_channels;
    return 0;
}

static int read_packets(struct clip *clip, AVFormatContext *format, int video, int audio)
{
    AVPacket *packet = av_packet_alloc();
    int result = packet ? 0 : -ENOMEM;
    while (result == 0 && av_read_frame(format, packet) == 0) {
        if (packet->stream_index == video) {
            result = packet->pts == packet->dts ? add_frame(clip, packet) : -EINVAL;
        } else if (packet->stream_index == audio) {
            result = add_audio(clip, packet);
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    if (result == 0 && (clip->video.count == 0 || !clip->video.units[0].keyframe)) {
        result = -EINVAL;
    }
    return result;
}

int clip_load(struct clip *clip, const char *path, bool with_audio)
{
    AVFormatContext *format = NULL;
    int audio = -1;
    memset(clip, 0, sizeof *clip);
    av_log_set_level(AV_LOG_ERROR);
    if (avformat_open_input(&format, path, NULL, NULL) < 0) {
        return -ENOENT;
    }
    int result = avformat_find_stream_info(format, NULL) < 0 ? -EINVAL : 0;
    int video = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (with_audio) {
        audio = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    }
    if (result == 0) {
        result = video < 0 ? -EINVAL : take_video_parameters(clip, format->streams[video]);
    }
    if (result == 0 && audio >= 0) {
        result = take_audio_parameters(clip, format->streams[audio]->codecpar);
    }
    if (result == 0) {
        result = read_packets(clip, format, video, audio);
    }
    avformat_close_input(&format);
    return result;
}

static void finish_track(struct clip_track *track)
{
    for (size_t i = 0; i < track->count; i++) {
        free(track->units[i].data);
    }
    free(track->units);
}

void clip_finish(struct clip *clip)
{
    finish_track(&clip->video);
    finish_track(&clip->audio);
    free(clip->sps);
    free(clip->pps);
}

size_t clip_sdp(const struct clip *clip, char sdp[CLIP_SDP_MAX])
{
    char sps[BASE64_MAX] = "", pps[BASE64_MAX] = "", config[2 * sizeof clip->audio_config + 1] = "";
    av_base64_encode(sps, sizeof sps, clip->sps, (int)clip->sps_length);
    av_base64_encode(pps, sizeof pps, clip->pps, (int)clip->pps_length);
    int length =
        snprintf(sdp, CLIP_SDP_MAX,
                 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=bench\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
                 "a=range:npt=now-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                 "a=fmtp:96 packetization-mode=1;profile-level-id=%02X%02X%02X;sprop-parameter-sets=%s,%s\r\n"
                 "a=framerate:%g\r\na=control:track0\r\n",
                 clip->sps[1], clip->sps[2], clip->sps[3], sps, pps, clip->fps);
    for (size_t i = 0; i < clip->audio_config_length; i++) {
        snprintf(config + 2 * i, 3, "%02x", clip->audio_config[i]);
    }
    if (clip->audio.count > 0 && length > 0 && length < CLIP_SDP_MAX) {
        length +=
            snprintf(sdp + length, CLIP_SDP_MAX - (size_t)length,
                     "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/%d/%d\r\n"
                     "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
                     "indexdeltalength=3;config=%s\r\na=control:track1\r\n",
                     clip->audio_rate, clip->audio_channels, config);
    }
    return length > 0 && length < CLIP_SDP_MAX ? (size_t)length : 0;
}
