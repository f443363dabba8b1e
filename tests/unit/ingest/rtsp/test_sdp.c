/* SPDX-License-Identifier: MIT */
/* Descriptions in the shapes that cameras give them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "ingest/rtsp/media_choice.h"
#include "ingest/rtsp/sdp.h"

static struct sdp sdp;

static void parse(const char *text)
{
    memset(&sdp, 0xa5, sizeof(sdp));
    assert_int_equal(sdp_parse(text, strlen(text), NULL, &sdp), 0);
}

static void assert_value(const char *fmtp, const char *name, const char *expected)
{
    size_t length = 0;
    const char *value = sdp_fmtp_find(fmtp, name, &length);

    assert_non_null(value);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(value, expected, length);
}

/* Absolute controls with a query, G.711 by its static type, and metadata. */
static void reads_hikvision(void **state)
{
    (void)state;
    parse("v=0\r\n"
          "o=- 1700000000000000 1700000000000000 IN IP4 192.168.1.64\r\n"
          "s=Media Presentation\r\n"
          "e=NONE\r\n"
          "b=AS:5100\r\n"
          "t=0 0\r\n"
          "a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/\r\n"
          "m=video 0 RTP/AVP 96\r\n"
          "c=IN IP4 0.0.0.0\r\n"
          "b=AS:5000\r\n"
          "a=recvonly\r\n"
          "a=x-dimensions:2560,1440\r\n"
          "a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=1\r\n"
          "a=rtpmap:96 H264/90000\r\n"
          "a=fmtp:96 profile-level-id=420029; packetization-mode=1; "
          "sprop-parameter-sets=Z01AKI2NQDwBE/"
          "LgLcBAQFAAAD6AAAw1DoYACYFAABfXgu8uNDAATAoAAL68F3lwoA==,aO44gA==\r\n"
          "m=audio 0 RTP/AVP 8\r\n"
          "c=IN IP4 0.0.0.0\r\n"
          "b=AS:50\r\n"
          "a=recvonly\r\n"
          "a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=2\r\n"
          "m=application 0 RTP/AVP 107\r\n"
          "a=rtpmap:107 vnd.onvif.metadata/90000\r\n"
          "a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=3\r\n"
          "a=Media_header:MEDIAINFO=494D4B48010300000400000111710110401F000000FA000000000000000000000000;\r\n"
          "a=appversion:1.0\r\n");
    assert_int_equal(sdp.media_count, 3);
    assert_string_equal(sdp.control, "rtsp://192.168.1.64:554/Streaming/Channels/101/");
    const struct sdp_media *video = &sdp.medias[0], *audio = &sdp.medias[1];
    assert_int_equal(video->kind, SDP_VIDEO);
    assert_int_equal(video->payload_type, 96);
    assert_string_equal(video->encoding, "H264");
    assert_int_equal(video->clock_rate, 90000);
    assert_int_equal(video->channels, 0);
    assert_int_equal(video->direction, SDP_RECVONLY);
    assert_int_equal(video->bandwidth_kbit, 5000);
    assert_string_equal(video->control, "rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=1");
    assert_value(video->fmtp, "Packetization-Mode", "1");
    assert_value(video->fmtp, "sprop-parameter-sets",
                 "Z01AKI2NQDwBE/LgLcBAQFAAAD6AAAw1DoYACYFAABfXgu8uNDAATAoAAL68F3lwoA==,aO44gA==");
    assert_int_equal(audio->kind, SDP_AUDIO);
    assert_string_equal(audio->encoding, "PCMA");
    assert_int_equal(audio->clock_rate, 8000);
    assert_int_equal(audio->channels, 1);
    assert_int_equal(sdp.medias[2].kind, SDP_OTHER);
}

/* Relative controls, H.265, an RTP map with a trailing space, and a backchannel. */
static void reads_dahua(void **state)
{
    (void)state;
    parse(
        "v=0\r\n"
        "o=- 2252396331 2252396331 IN IP4 0.0.0.0\r\n"
        "s=Media Server\r\n"
        "c=IN IP4 0.0.0.0\r\n"
        "t=0 0\r\n"
        "a=control:*\r\n"
        "a=packetization-supported:DH\r\n"
        "a=rtppayload-supported:DH\r\n"
        "a=range:npt=now-\r\n"
        "m=video 0 RTP/AVP 98\r\n"
        "a=control:trackID=0\r\n"
        "a=framerate:25.000000\r\n"
        "a=rtpmap:98 H265/90000 \r\n"
        "a=fmtp:98 profile-id=1;sprop-sps=QgEBAWAAAAMAsAAAAwAAAwBaoAWCAJBZ;sprop-pps=RAHgdrAmQA==;sprop-vps="
        "QAEMAf//AWAAAAMAsAAAAwAAAwBarAwAAAMABAAAAwAyqA==\r\n"
        "a=recvonly\r\n"
        "m=audio 0 RTP/AVP 97\r\n"
        "a=control:trackID=1\r\n"
        "a=rtpmap:97 MPEG4-GENERIC/16000\r\n"
        "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
        "indexdeltalength=3;config=1408\r\n"
        "a=recvonly\r\n"
        "m=audio 0 RTP/AVP 8\r\n"
        "a=control:trackID=5\r\n"
        "a=rtpmap:8 PCMA/8000\r\n"
        "a=sendonly\r\n");
    assert_int_equal(sdp.media_count, 3);
    assert_string_equal(sdp.control, "*");
    assert_string_equal(sdp.medias[0].encoding, "H265");
    assert_int_equal(sdp.medias[0].clock_rate, 90000);
    assert_string_equal(sdp.medias[0].control, "trackID=0");
    assert_value(sdp.medias[0].fmtp, "sprop-pps", "RAHgdrAmQA==");
    assert_string_equal(sdp.medias[1].encoding, "MPEG4-GENERIC");
    assert_int_equal(sdp.medias[1].channels, 1);
    assert_value(sdp.medias[1].fmtp, "config", "1408");
    assert_int_equal(sdp.medias[2].direction, SDP_SENDONLY);
}

/* Controls with a query, directions given for the session, Opus with two channels. */
static void reads_axis(void **state)
{
    (void)state;
    parse("v=0\r\n"
          "o=- 1188340656180883 1 IN IP4 192.168.0.90\r\n"
          "s=Session streamed with GStreamer\r\n"
          "i=rtsp-server\r\n"
          "t=0 0\r\n"
          "a=tool:GStreamer\r\n"
          "a=type:broadcast\r\n"
          "a=range:npt=now-\r\n"
          "a=control:rtsp://192.168.0.90/axis-media/media.amp?videocodec=h264\r\n"
          "a=sendonly\r\n"
          "m=video 0 RTP/AVP 96\r\n"
          "c=IN IP4 0.0.0.0\r\n"
          "b=AS:50000\r\n"
          "a=rtpmap:96 H264/90000\r\n"
          "a=fmtp:96 "
          "packetization-mode=1;profile-level-id=4d0029;sprop-parameter-sets=Z00AKeKQDwBE/LgLcBAQGkHiRFQ"
          "=,aO48gA==\r\n"
          "a=ts-refclk:local\r\n"
          "a=control:rtsp://192.168.0.90/axis-media/media.amp/stream=0?videocodec=h264\r\n"
          "m=audio 0 RTP/AVP 97\r\n"
          "a=rtpmap:97 OPUS/48000/2\r\n"
          "a=control:rtsp://192.168.0.90/axis-media/media.amp/stream=1?videocodec=h264\r\n");
    assert_int_equal(sdp.media_count, 2);
    assert_int_equal(sdp.medias[0].direction, SDP_SENDONLY);
    assert_int_equal(sdp.medias[1].direction, SDP_SENDONLY);
    assert_int_equal(sdp.medias[1].channels, 2);
    assert_int_equal(sdp.medias[1].clock_rate, 48000);
}

/* Line feeds alone, upper-case codec parameters, a bandwidth for the session. */
static void reads_reolink_and_unifi(void **state)
{
    (void)state;
    parse("v=0\n"
          "o=- 1 1 IN IP4 192.168.1.30\n"
          "s=Session streamed by \"preview\"\n"
          "b=AS:96\n"
          "t=0 0\n"
          "a=tool:BC Streaming Media v202210012022.10.01\n"
          "a=type:broadcast\n"
          "a=control:*\n"
          "a=x-qt-text-nam:Session streamed by \"preview\"\n"
          "m=video 0 RTP/AVP 96\n"
          "c=IN IP4 0.0.0.0\n"
          "a=rtpmap:96 H264/90000\n"
          "a=range:npt=0-\n"
          "a=fmtp:96 "
          "packetization-mode=1;profile-level-id=640033;sprop-parameter-sets=Z2QAM6wVFKCgL/lQ,aO48sA==\n"
          "a=control:track1\n"
          "m=audio 0 RTP/AVP 97\n"
          "a=rtpmap:97 mpeg4-generic/16000\n"
          "a=fmtp:97 streamtype=5;mode=AAC-hbr;SizeLength=13;IndexLength=3;IndexDeltaLength=3;Config=1408\n"
          "a=control:track2\n");
    assert_int_equal(sdp.media_count, 2);
    assert_int_equal(sdp.medias[1].bandwidth_kbit, 96);
    assert_value(sdp.medias[1].fmtp, "config", "1408");
    parse("v=0\r\ns=0123456789ABCDEF\r\nt=0 0\r\nm=video 0 RTP/AVP 97\r\nb=AS:3000\r\n"
          "a=rtpmap:97 H264/90000\r\na=control:rtsps://192.168.1.1:7441/abcdEFGH?enableSrtp/trackID=1\r\n"
          "a=fmtp:97 packetization-mode=1\r\n"
          "m=audio 0 RTP/AVP 99 98 0\r\na=rtpmap:98 opus/48000/2\r\na=fmtp:98 sprop-stereo=0\r\n"
          "a=rtpmap:99 mpeg4-generic/16000/1\r\na=fmtp:99 mode=AAC-hbr;config=1408\r\n");
    assert_int_equal(sdp.medias[1].payload_type, 99);
    assert_string_equal(sdp.medias[1].encoding, "mpeg4-generic");
    assert_string_equal(sdp.medias[1].fmtp, "mode=AAC-hbr;config=1408");
}

/* The first payload type that is described wins; static ones need no description. */
static void chooses_the_payload_type(void **state)
{
    (void)state;
    parse("m=audio 0 RTP/AVP 120 0 96\na=rtpmap:96 L16/16000\n");
    assert_int_equal(sdp.medias[0].payload_type, 0);
    assert_string_equal(sdp.medias[0].encoding, "PCMU");
    parse("m=audio 0 RTP/AVP 120 0\na=rtpmap:120 opus/48000/2\n");
    assert_int_equal(sdp.medias[0].payload_type, 120);
    parse("m=video 0 RTP/AVP 26\na=control:1\n");
    assert_string_equal(sdp.medias[0].encoding, "JPEG");
    parse("m=video 0 RTP/AVP 96\na=control:1\n");
    assert_string_equal(sdp.medias[0].encoding, "");
    assert_int_equal(sdp.medias[0].payload_type, 96);
    parse("m=audio 0 RTP/AVP 0\na=rtpmap:0 PCMU/16000\n"); /* a camera that means what it says */
    assert_int_equal(sdp.medias[0].clock_rate, 16000);
}

static bool plays_h264_and_aac(const struct sdp_media *media)
{
    return strcasecmp(media->encoding, "H264") == 0 || strcasecmp(media->encoding, "MPEG4-GENERIC") == 0;
}

static void parse_what_plays(const char *text)
{
    assert_int_equal(sdp_parse(text, strlen(text), plays_h264_and_aac, &sdp), 0);
}

/* Thermal cameras and doorbells describe several formats in one m= line, and not the best one first. */
static void takes_the_first_payload_type_that_plays(void **state)
{
    (void)state;
    parse_what_plays("m=video 0 RTP/AVP 96 97 98\r\na=rtpmap:96 MP4V-ES/90000\r\na=fmtp:96 config=0001\r\n"
                     "a=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=1\r\n"
                     "a=rtpmap:97 H264/45000\r\na=fmtp:97 packetization-mode=0\r\na=control:1\r\n");
    assert_int_equal(sdp.medias[0].payload_type, 97);
    assert_int_equal(sdp.medias[0].clock_rate, 45000);
    assert_string_equal(sdp.medias[0].fmtp, "packetization-mode=0");
    assert_string_equal(sdp.medias[0].control, "1");
    /* None plays: the first that is described. */
    parse_what_plays("m=video 0 RTP/AVP 95 96 26\na=rtpmap:96 MP4V-ES/90000\n");
    assert_int_equal(sdp.medias[0].payload_type, 96);
    /* The attributes of one m= line say nothing of another. */
    parse_what_plays("m=audio 0 RTP/AVP 8 97\nm=video 0 RTP/AVP 97\na=rtpmap:97 H264/90000\n");
    assert_int_equal(sdp.medias[0].payload_type, 8);
    assert_string_equal(sdp.medias[1].encoding, "H264");
}

static void looks_at_many_payload_types(void **state)
{
    (void)state;
    parse_what_plays("m=audio 0 RTP/AVP 0 8 3 4 9 10 11 14 18 96 97 98 99 100 101 102 103 104 105 106\n"
                     "a=rtpmap:106 mpeg4-generic/16000\n");
    assert_int_equal(sdp.medias[0].payload_type, 106);
}

/* Parameters under a payload type that the m= line does not list belong to the format that has none. */
static void takes_parameters_of_another_payload_type(void **state)
{
    (void)state;
    parse("m=audio 0 RTP/AVP 104\na=rtpmap:104 MPEG4-GENERIC/16000\na=fmtp:97 mode=AAC-hbr;config=1408\n");
    assert_string_equal(sdp.medias[0].fmtp, "mode=AAC-hbr;config=1408");
    parse("m=audio 0 RTP/AVP 104\na=fmtp:97 config=1210\na=rtpmap:104 MPEG4-GENERIC/16000\n"
          "a=fmtp:104 config=1408\n");
    assert_string_equal(sdp.medias[0].fmtp, "config=1408");
    parse("m=audio 0 RTP/AVP 104 97\na=rtpmap:104 MPEG4-GENERIC/16000\na=fmtp:97 config=1408\n");
    assert_string_equal(sdp.medias[0].fmtp, "");
}

static void sees_encryption(void **state)
{
    (void)state;
    parse("m=video 0 RTP/SAVP 96\nm=audio 0 RTP/AVP 0\nm=audio 0 UDP/TLS/RTP/SAVPF 0\n");
    assert_true(sdp.medias[0].secure);
    assert_false(sdp.medias[1].secure);
    assert_true(sdp.medias[2].secure);
    parse("v=0\na=key-mgmt:mikey AQAF\nm=video 0 RTP/AVP 96\n");
    assert_true(sdp.medias[0].secure);
    parse("v=0\nm=video 0 RTP/AVP 96\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\nm=audio 0 RTP/AVP 0\n");
    assert_true(sdp.medias[0].secure);
    assert_false(sdp.medias[1].secure);
}

static int choose(const char *text, struct media_choice *choice, char words[MEDIA_CHOICE_WORDS_SIZE])
{
    parse_what_plays(text);
    return media_choice_make(&sdp, true, plays_h264_and_aac, choice, words);
}

static void says_what_cannot_be_played(void **state)
{
    static const struct {
        const char *line, *words;
    } videos[] = {
        {"m=video 0 RTP/AVP 26", "JPEG"},
        {"m=video 0 RTP/AVP 96\na=rtpmap:96 MP4V-ES/90000", "MPEG-4"},
        {"m=video 0 RTP/AVP 96\na=rtpmap:96 VP8/90000", "\"VP8\""},
        {"m=video 0 RTP/SAVP 96\na=rtpmap:96 H264/90000", "SRTP"},
        {"m=audio 0 RTP/AVP 0", "no video"},
    };
    struct media_choice choice;
    char words[MEDIA_CHOICE_WORDS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(videos) / sizeof(videos[0]); i++) {
        assert_int_equal(choose(videos[i].line, &choice, words), -ENOTSUP);
        if (!strstr(words, videos[i].words)) {
            fail_msg("%s: %s", videos[i].line, words);
        }
        assert_true(strlen(words) < MEDIA_CHOICE_WORDS_SIZE - 1); /* not cut */
    }
}

static void chooses_sound_or_names_it(void **state)
{
    const char *video = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
    struct media_choice choice;
    char words[MEDIA_CHOICE_WORDS_SIZE], text[512];

    (void)state;
    snprintf(text, sizeof(text), "%sm=audio 0 RTP/AVP 98\na=rtpmap:98 G7221/16000\n", video);
    assert_int_equal(choose(text, &choice, words), 0);
    assert_null(choice.audio);
    assert_string_equal(choice.unplayed->encoding, "G7221");
    snprintf(text, sizeof(text),
             "%sm=audio 0 RTP/AVP 4\nm=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/8000\n", video);
    assert_int_equal(choose(text, &choice, words), 0);
    assert_int_equal(choice.audio->payload_type, 97);
    assert_null(choice.unplayed);
    /* A backchannel is not the camera's sound. */
    snprintf(text, sizeof(text), "%sm=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/8000\na=sendonly\n",
             video);
    assert_int_equal(choose(text, &choice, words), 0);
    assert_null(choice.audio);
    assert_null(choice.unplayed);
    snprintf(text, sizeof(text), "%sm=audio 0 RTP/SAVP 97\na=rtpmap:97 MPEG4-GENERIC/8000\n", video);
    assert_int_equal(choose(text, &choice, words), 0);
    assert_null(choice.audio);
    assert_non_null(choice.unplayed);
}

/* Line types in capitals; an inactive video if there is no other; many medias of no interest before it. */
static void finds_video_in_odd_places(void **state)
{
    struct media_choice choice;
    char words[MEDIA_CHOICE_WORDS_SIZE];
    char many[1024] = "";

    (void)state;
    parse("M=VIDEO 0 RTP/AVP 96\nA=RTPMAP:96 H264/90000\nA=CONTROL:Track1\nB=AS:7\n");
    assert_string_equal(sdp.medias[0].encoding, "H264");
    assert_string_equal(sdp.medias[0].control, "Track1");
    assert_int_equal(sdp.medias[0].bandwidth_kbit, 7);
    assert_int_equal(choose("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=inactive", &choice, words), 0);
    assert_int_equal(choose("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=inactive\n"
                            "m=video 0 RTP/AVP 97\na=rtpmap:97 H264/90000\n",
                            &choice, words),
                     0);
    assert_int_equal(choice.video->payload_type, 97);
    for (int i = 0; i < SDP_MEDIA_MAX + 2; i++) {
        strcat(many, "m=application 0 RTP/AVP 107\n");
    }
    strcat(many, "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\nm=audio 0 RTP/AVP 0\n");
    assert_int_equal(choose(many, &choice, words), 0);
    assert_int_equal(choice.video->payload_type, 96);
    assert_int_equal(sdp.medias[SDP_MEDIA_MAX - 1].kind, SDP_AUDIO);
}

static void joins_and_finds_parameters(void **state)
{
    size_t length;

    (void)state;
    parse("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\n"
          "a=fmtp:96 sprop-parameter-sets=Z0IAKeKQ,aM48gA==\na=fmtp:97 other=1\n");
    assert_string_equal(sdp.medias[0].fmtp, "packetization-mode=1;sprop-parameter-sets=Z0IAKeKQ,aM48gA==");
    assert_value(" a = 1 ; b=x=y= ;flag;c=", "b", "x=y=");
    assert_value(" a = 1 ; b=x=y= ;flag;c=", "a", "1");
    assert_value(" a = 1 ; b=x=y= ;flag;c=", "flag", "");
    assert_value(" a = 1 ; b=x=y= ;flag;c=", "c", "");
    /* Without semicolons a value goes on to the next one. */
    assert_value("packetization-mode=1, sets=Z0==,aM4= ;x=1", "sets", "Z0==,aM4=");
    assert_value("packetization-mode=1 sets = Z0==,aM4=", "sets", "Z0==,aM4=");
    assert_null(sdp_fmtp_find("a=xsets=1", "sets", &length));
    assert_null(sdp_fmtp_find("a=1 sets", "sets", &length));
    assert_null(sdp_fmtp_find("a=1", "", &length));
    assert_null(sdp_fmtp_find("abc=1", "ab", &length));
    assert_null(sdp_fmtp_find("", "ab", &length));
}

static void survives_nonsense(void **state)
{
    static const char *const nothing[] = {"", "\n\n\n", "v=0\r\n", "m", "m=", "=video", "garbage"};

    (void)state;
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        if (strcmp(nothing[i], "m=") != 0) {
            assert_int_equal(sdp_parse(nothing[i], strlen(nothing[i]), NULL, &sdp), -EBADMSG);
        }
    }
    parse("m=video\nm=audio 0\nm=video 0 RTP/AVP\na=rtpmap:200 X/1\na=rtpmap:-1 X/1\na=rtpmap\na=fmtp:\n"
          "a=rtpmap:96 \n");
    assert_int_equal(sdp.media_count, 3);
    parse("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/99999999999999\nb=AS:99999999999\n");
    assert_int_equal(sdp.medias[0].clock_rate, 0);
    assert_int_equal(sdp.medias[0].bandwidth_kbit, 0);
}

static void frame_rates_are_numbers_or_none(void **state)
{
    static const struct {
        const char *text;
        double rate;
    } rates[] = {{"25", 25}, {" 29.97 ", 29.97}, {"0", 0},       {"-5", 0},
                 {"nan", 0}, {"1e9", 0},         {"25/1", 0},    {"", 0},
                 {"inf", 0}, {"0x10", 16},       {"1000", 1000}, {"00000000000000025", 0}};
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        snprintf(text, sizeof(text), "a=framerate:7\nm=video 0 RTP/AVP 96\na=framerate:%s\n", rates[i].text);
        parse(text);
        assert_true(sdp.medias[0].frame_rate == rates[i].rate);
    }
}

static void bounds_everything(void **state)
{
    size_t size = SDP_SIZE_MAX + 1;
    char *text = calloc(1, size + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', size);
    memcpy(text, "m=video 0 RTP/AVP 96\n", 21);
    assert_int_equal(sdp_parse(text, size, NULL, &sdp), -EMSGSIZE);
    /* A value that does not fit is left out, never cut. */
    memcpy(text + 21, "a=control:", 10);
    assert_int_equal(sdp_parse(text, SDP_SIZE_MAX, NULL, &sdp), 0);
    assert_string_equal(sdp.medias[0].control, "");
    memcpy(text + 21, "a=fmtp:96 ", 10);
    assert_int_equal(sdp_parse(text, SDP_SIZE_MAX, NULL, &sdp), 0);
    assert_string_equal(sdp.medias[0].fmtp, "");
    for (size_t i = 0; i + 21 < SDP_SIZE_MAX; i += 21) {
        memcpy(text + i, "m=video 0 RTP/AVP 96\n", 21);
    }
    assert_int_equal(sdp_parse(text, SDP_SIZE_MAX, NULL, &sdp), 0);
    assert_int_equal(sdp.media_count, SDP_MEDIA_MAX);
    free(text);
}

static void sees_what_can_be_asked_for(void **state)
{
    (void)state;
    parse("v=0\r\nm=video 0 RTP/AVPF 96\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:96 nack pli\r\n"
          "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=rtcp-fb:* ccm  fir \r\na=rtcp-fb:97 nack\r\n"
          "m=video 0 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\na=rtcp-fb:98 nack rpsi\r\na=rtcp-fb:\r\n");
    assert_int_equal(sdp.media_count, 3);
    assert_true(sdp.medias[0].pli && !sdp.medias[0].fir);
    assert_true(!sdp.medias[1].pli && sdp.medias[1].fir);
    assert_true(!sdp.medias[2].pli && !sdp.medias[2].fir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_hikvision),
        cmocka_unit_test(reads_dahua),
        cmocka_unit_test(reads_axis),
        cmocka_unit_test(reads_reolink_and_unifi),
        cmocka_unit_test(chooses_the_payload_type),
        cmocka_unit_test(takes_the_first_payload_type_that_plays),
        cmocka_unit_test(looks_at_many_payload_types),
        cmocka_unit_test(takes_parameters_of_another_payload_type),
        cmocka_unit_test(sees_encryption),
        cmocka_unit_test(says_what_cannot_be_played),
        cmocka_unit_test(chooses_sound_or_names_it),
        cmocka_unit_test(sees_what_can_be_asked_for),
        cmocka_unit_test(finds_video_in_odd_places),
        cmocka_unit_test(joins_and_finds_parameters),
        cmocka_unit_test(survives_nonsense),
        cmocka_unit_test(frame_rates_are_numbers_or_none),
        cmocka_unit_test(bounds_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
