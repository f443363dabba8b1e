/* SPDX-License-Identifier: MIT */
/* What a session description says of a media. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/base64.h>

#include <cmocka.h>

#include "tests/support/samples.h"
#include "tests/unit/ingest/rtp/rtp_fixture.h"

static struct media_format format;

static int read(enum sdp_kind kind, const char *encoding, uint32_t rate, const char *fmtp)
{
    const struct sdp_media media = make_media(kind, encoding, rate, 1, fmtp);

    return media_format_read(&media, &format);
}

static void parameter_sets_become_units(void **state)
{
    (void)state;
    assert_int_equal(read(SDP_VIDEO, "h264", 90000, "sprop-parameter-sets=Z0I=,aM4="), 0);
    assert_int_equal(format.extradata_size, 12);
    assert_memory_equal(format.extradata, "\0\0\0\1\x67\x42\0\0\0\1\x68\xce", 12);
    assert_int_equal(read(SDP_VIDEO, "H265", 90000,
                          "sprop-vps=QAE=; sprop-sps=QgE=; sprop-pps=RAE=; sprop-max-don-diff=1"),
                     0);
    assert_memory_equal(format.extradata, "\0\0\0\1\x40\1\0\0\0\1\x42\1\0\0\0\1\x44\1", 18);
    assert_true(format.donl);
}

static void damaged_sets_are_left_out(void **state)
{
    (void)state;
    assert_int_equal(read(SDP_VIDEO, "H264", 0, "sprop-parameter-sets=%%%,aM4=,,="), 0);
    assert_memory_equal(format.extradata, "\0\0\0\1\x68\xce", 6);
    assert_int_equal(format.extradata_size, 6);
    assert_int_equal(format.clock_rate, 90000);
    assert_int_equal(read(SDP_VIDEO, "H264", 90000, ""), 0);
    assert_int_equal(format.extradata_size, 0);
}

static void assert_sets(const char *expected, size_t size)
{
    assert_int_equal(format.extradata_size, size);
    assert_memory_equal(format.extradata, expected, size);
}

/* As cameras write them: quotes and blanks, the alphabet of URLs, padding left out. */
static void sets_are_read_as_cameras_write_them(void **state)
{
    static const char *const written[] = {
        "sprop-parameter-sets=Z0L/4A==,aM7+",
        "sprop-parameter-sets=Z0L/4A==\",\"aM7+",
        "sprop-parameter-sets=\"Z0L/4A==,aM7+\"",
        "sprop-parameter-sets='Z0L/4A', 'aM7+'",
        "sprop-parameter-sets=Z0L_4A,aM7-",
        "sprop-parameter-sets = Z0L/4A== , aM7+ ,",
        "x=1, sprop-parameter-sets=Z0L/4A==,aM7+",
        "x=1 sprop-parameter-sets=Z0L/4A==,aM7+;y=2",
        "sprop-parameter-sets=Z0L/4A==;sprop-parameter-sets=aM7+",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        assert_int_equal(read(SDP_VIDEO, "H264", 90000, written[i]), 0);
        assert_sets("\0\0\0\1\x67\x42\xff\xe0\0\0\0\1\x68\xce\xfe", 15);
    }
}

static void video_with_other_names_and_clocks(void **state)
{
    static const char *const h264[] = {"h264", "H.264", "X-H264", "avc", "AVC1"};
    static const char *const h265[] = {"h265", "H.265", "X-H265", "hevc", "hvc1"};

    (void)state;
    for (size_t i = 0; i < sizeof(h264) / sizeof(h264[0]); i++) {
        assert_int_equal(read(SDP_VIDEO, h264[i], 25, ""), 0);
        assert_int_equal(format.codec, MEDIA_CODEC_H264);
        assert_int_equal(format.clock_rate, 90000);
        assert_int_equal(read(SDP_VIDEO, h265[i], 90000, ""), 0);
        assert_int_equal(format.codec, MEDIA_CODEC_H265);
    }
}

static void write_sets(char *out, size_t size, const char *name, const struct nal *nal)
{
    char text[256];

    assert_non_null(av_base64_encode(text, sizeof(text), nal->data, (int)nal->size));
    snprintf(out, size, "packetization-mode=1;%s=%s", name, text);
}

/* The sets tell what is sent, whatever the encoding's name and the parameter's are. */
static void sets_tell_the_codec(void **state)
{
    char fmtp[512];

    (void)state;
    write_sets(fmtp, sizeof(fmtp), "sprop-parameter-sets", &SAMPLE_NAL(sample_hevc_sps));
    assert_int_equal(read(SDP_VIDEO, "H264", 90000, fmtp), 0);
    assert_int_equal(format.codec, MEDIA_CODEC_H265);
    assert_int_equal(format.announced, MEDIA_CODEC_H264);
    assert_string_equal(format.name, "hevc");
    assert_int_equal(format.extradata_size, 4 + sizeof(sample_hevc_sps));
    write_sets(fmtp, sizeof(fmtp), "sprop-parameter-sets", &SAMPLE_NAL(sample_avc_base_sps));
    assert_int_equal(read(SDP_VIDEO, "H265", 90000, fmtp), 0);
    assert_int_equal(format.codec, MEDIA_CODEC_H264);
    assert_int_equal(read(SDP_VIDEO, "H264", 90000, fmtp), 0);
    assert_int_equal(format.codec, MEDIA_CODEC_H264);
    write_sets(fmtp, sizeof(fmtp), "sprop-sps", &SAMPLE_NAL(sample_hevc_sps));
    assert_int_equal(read(SDP_VIDEO, "H265", 90000, fmtp), 0);
    assert_int_equal(format.codec, MEDIA_CODEC_H265);
}

/* H.265 with the parameters of H.264 and no sets: probably H.264, which the first packet is to prove. */
static void parameters_let_guess_the_codec(void **state)
{
    (void)state;
    assert_int_equal(
        read(SDP_VIDEO, "H265", 90000, "profile-level-id=420029;packetization-mode=1;sprop-parameter-sets="),
        0);
    assert_int_equal(format.codec, MEDIA_CODEC_H264);
    assert_true(format.guessed);
    assert_int_equal(read(SDP_VIDEO, "H265", 90000, "packetization-mode=0;profile-id=1"), 0);
    assert_int_equal(format.codec, MEDIA_CODEC_H265);
    assert_false(format.guessed);
    struct sdp_media nameless = make_media(SDP_VIDEO, "", 0, 0, "");
    assert_int_equal(media_format_read(&nameless, &format), 0);
    assert_true(format.guessed);
    nameless.payload_type = 95;
    assert_int_equal(media_format_read(&nameless, &format), -ENOTSUP);
}

static void aac_is_as_its_configuration_says(void **state)
{
    (void)state;
    assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 16000, "mode=AAC-hbr; config=1408"), 0);
    assert_int_equal(format.sample_rate, 16000);
    assert_int_equal(format.channels, 1);
    assert_int_equal(format.unit_ticks, 1024);
    assert_int_equal(format.au.size_length, 13);
    /* What gst-rtsp-server sends: the end of the configuration is missing. */
    assert_int_equal(read(SDP_AUDIO, "MP4A-LATM", 16000, "cpresent=0;config=40002810"), 0);
    assert_memory_equal(format.extradata, "\x14\x08", 2);
    assert_int_equal(read(SDP_AUDIO, "MP4A-LATM", 16000, "config=c0002810"), -ENOTSUP); /* version 1 */
}

/* AAC-LC, with the rate and the channels of the rtpmap. */
static void aac_without_a_configuration_is_guessed(void **state)
{
    static const char *const fmtps[] = {"mode=AAC-hbr", "mode=AAC-hbr; config=zz",
                                        "mode=AAC-hbr; config=ffffff", "mode=AAC-hbr; config=", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(fmtps) / sizeof(fmtps[0]); i++) {
        assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 16000, fmtps[i]), 0);
        assert_sets("\x14\x08", 2);
        assert_int_equal(format.unit_ticks, 1024);
    }
    assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 11111, ""), 0); /* a rate that has no index */
    assert_int_equal(format.extradata_size, 5);
    assert_int_equal(format.sample_rate, 11111);
    assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 0, ""), -ENOTSUP);
    assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 90000000, ""), -ENOTSUP);
    /* LATM brings its configuration along, if the description does not say that it does not. */
    assert_int_equal(read(SDP_AUDIO, "MP4A-LATM", 16000, "cpresent=1"), 0);
    assert_int_equal(format.latm_mux.subframes, 0);
    assert_int_equal(read(SDP_AUDIO, "MP4A-LATM", 8000, "cpresent=0;config="), -ENOTSUP);
}

static void what_follows_a_configuration_is_left_out(void **state)
{
    (void)state;
    /* An ADTS header behind it. */
    assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 48000, "config=1188fff15081ffdffc"), 0);
    assert_sets("\x11\x88", 2);
    /* SBR, signalled behind the configuration of the core, belongs to it; what follows does not. */
    assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 48000, "config=131056e59d4880ffff"), 0);
    assert_sets("\x13\x10\x56\xe5\x9d\x48\x80", 7);
    assert_int_equal(read(SDP_AUDIO, "MPEG4-GENERIC", 48000, "config=119056e500"), 0);
    assert_sets("\x11\x90\x56\xe5\x00", 5);
}

static void sound_with_other_names(void **state)
{
    (void)state;
    assert_int_equal(read(SDP_AUDIO, "PCM", 48000, ""), 0);
    assert_int_equal(format.codec, MEDIA_CODEC_L16);
    assert_int_equal(format.sample_rate, 48000);
}

static void rates_and_names(void **state)
{
    (void)state;
    assert_int_equal(read(SDP_AUDIO, "opus", 48000, ""), 0);
    assert_int_equal(format.extradata_size, 19);
    assert_int_equal(format.channels, 2);
    assert_int_equal(read(SDP_AUDIO, "G722", 8000, ""), 0);
    assert_int_equal(format.sample_rate, 16000);
    assert_int_equal(format.clock_rate, 8000);
    assert_int_equal(read(SDP_AUDIO, "G726-32", 8000, ""), 0);
    assert_int_equal(format.sample_bits, 4);
    assert_int_equal(read(SDP_AUDIO, "L16", 1, ""), -ENOTSUP);
    assert_int_equal(read(SDP_AUDIO, "PCMU", 0, ""), -ENOTSUP);
    assert_int_equal(read(SDP_VIDEO, "JPEG", 90000, ""), -ENOTSUP);
    assert_int_equal(read(SDP_AUDIO, "H264", 90000, ""), -ENOTSUP);
    const struct sdp_media jpeg = make_media(SDP_VIDEO, "JPEG", 90000, 0, "");
    const struct sdp_media other = make_media(SDP_OTHER, "vnd.onvif.metadata", 90000, 0, "");
    assert_int_equal(track_codec(&jpeg), MEDIA_CODEC_OTHER);
    assert_int_equal(track_codec(&other), MEDIA_CODEC_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameter_sets_become_units),
        cmocka_unit_test(damaged_sets_are_left_out),
        cmocka_unit_test(sets_are_read_as_cameras_write_them),
        cmocka_unit_test(video_with_other_names_and_clocks),
        cmocka_unit_test(sets_tell_the_codec),
        cmocka_unit_test(parameters_let_guess_the_codec),
        cmocka_unit_test(aac_is_as_its_configuration_says),
        cmocka_unit_test(aac_without_a_configuration_is_guessed),
        cmocka_unit_test(what_follows_a_configuration_is_left_out),
        cmocka_unit_test(sound_with_other_names),
        cmocka_unit_test(rates_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
