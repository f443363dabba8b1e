/* SPDX-License-Identifier: MIT */
/* URLs, Transport and Session headers, fingerprints. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/rtsp/rtsp_tls.h"
#include "ingest/rtsp/rtsp_transport.h"
#include "ingest/rtsp/rtsp_url.h"

static void endpoints_are_read(void **state)
{
    struct rtsp_endpoint endpoint, other;

    (void)state;
    assert_int_equal(rtsp_endpoint_parse("rtsp", "camera.local", &endpoint), 0);
    assert_string_equal(endpoint.host, "camera.local");
    assert_int_equal(endpoint.port, 554);
    assert_false(endpoint.tls);
    assert_false(rtsp_endpoint_is_address(&endpoint));
    assert_int_equal(rtsp_endpoint_parse("RTSP", "CAMERA.local:554", &other), 0);
    assert_true(rtsp_endpoint_equal(&endpoint, &other));
    assert_int_equal(rtsp_endpoint_parse("rtsps", "camera.local:554", &other), 0);
    assert_true(other.tls);
    assert_false(rtsp_endpoint_equal(&endpoint, &other));
    assert_int_equal(rtsp_endpoint_parse("rtsps", "10.0.0.1", &other), 0);
    assert_int_equal(other.port, 322);
    assert_true(rtsp_endpoint_is_address(&other));
    assert_int_equal(rtsp_endpoint_parse("rtsp", "[fe80::1%eth0]:8554", &other), 0);
    assert_string_equal(other.host, "fe80::1%eth0");
    assert_int_equal(other.port, 8554);
    assert_true(rtsp_endpoint_is_address(&other));
    assert_int_equal(rtsp_endpoint_parse("rtsp", "[::1]", &other), 0);
    assert_int_equal(other.port, 554);
}

static void wrong_endpoints_are_refused(void **state)
{
    static const char *const wrong[] = {"",    ":554", "h:0",       "h:65536",
                                        "h:x", "[::1", "[::1]554x", "h:5540123"};
    struct rtsp_endpoint endpoint;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(rtsp_endpoint_parse("rtsp", wrong[i], &endpoint), -EINVAL);
    }
    assert_int_equal(rtsp_endpoint_parse("http", "h", &endpoint), -EINVAL);
}

static void requests_hold_no_line_ends(void **state)
{
    char url[RTSP_URL_SIZE], small[12];

    (void)state;
    assert_int_equal(rtsp_url_format(url, sizeof(url), "rtsp", "h:1", "/a b\r\nX: y?q=\xc3\xa9#frag"), 0);
    assert_string_equal(url, "rtsp://h:1/a%20b%0D%0AX:%20y?q=%C3%A9");
    assert_int_equal(rtsp_url_format(url, sizeof(url), "rtsp", "h", ""), 0);
    assert_string_equal(url, "rtsp://h/");
    assert_int_equal(rtsp_url_format(url, sizeof(url), "rtsp", "h", "?x=1"), 0);
    assert_string_equal(url, "rtsp://h/?x=1");
    assert_int_equal(rtsp_url_format(small, sizeof(small), "rtsp", "h", "/long"), -ENAMETOOLONG);
}

static void controls_are_resolved(void **state)
{
    static const struct {
        const char *base, *control, *expected;
    } cases[] = {
        {"rtsp://h/s/", "*", "rtsp://h/s/"},
        {"rtsp://h/s/", "", "rtsp://h/s/"},
        {"rtsp://h/s/", "track1", "rtsp://h/s/track1"},
        {"rtsp://h/s", "track1", "rtsp://h/s/track1"},
        /* Dahua: the base ends in a query, and the control belongs behind it. */
        {"rtsp://h:554/cam/realmonitor?channel=1&subtype=0/", "trackID=0",
         "rtsp://h:554/cam/realmonitor?channel=1&subtype=0/trackID=0"},
        {"rtsp://h/cam/realmonitor?channel=1&subtype=0", "trackID=0",
         "rtsp://h/cam/realmonitor?channel=1&subtype=0/trackID=0"},
        {"rtsp://h/s/", "rtsp://other:8554/x/trackID=1", "rtsp://other:8554/x/trackID=1"},
        {"rtsp://h/s/", "rtsp://me:secret@h/x", "rtsp://h/x"},
        {"rtsp://h:1/s/t?x", "/track1", "rtsp://h:1/track1"},
        {"rtsp://h/s/", "track 1\r\n", "rtsp://h/s/track%201%0D%0A"},
        {"", "RTSPS://H/x", "RTSPS://H/x"},
    };
    char url[RTSP_URL_SIZE], small[8];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(rtsp_url_resolve(url, sizeof(url), cases[i].base, cases[i].control), 0);
        assert_string_equal(url, cases[i].expected);
    }
    assert_int_equal(rtsp_url_resolve(small, sizeof(small), "rtsp://h/", "x"), -ENAMETOOLONG);
}

static void transports_are_read(void **state)
{
    struct rtsp_transport transport = {.rtp_channel = 2, .rtcp_channel = 3};

    (void)state;
    assert_int_equal(
        rtsp_transport_parse("RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=2F1B3C4D;mode=\"play\"", &transport),
        0);
    assert_true(transport.tcp);
    assert_int_equal(transport.rtp_channel, 4);
    assert_int_equal(transport.rtcp_channel, 5);
    assert_true(transport.has_ssrc);
    assert_int_equal(transport.ssrc, 0x2f1b3c4d);

    transport = (struct rtsp_transport){.rtp_channel = 2, .rtcp_channel = 3};
    assert_int_equal(rtsp_transport_parse("RTP/AVP/TCP; unicast ; INTERLEAVED=0", &transport), 0);
    assert_int_equal(transport.rtcp_channel, 1);

    transport = (struct rtsp_transport){.rtp_channel = 2, .rtcp_channel = 3};
    assert_int_equal(rtsp_transport_parse("RTP/AVP;unicast;source=192.168.1.9;client_port=5000-5001;"
                                          "server_port=6970-6971, RTP/AVP;multicast",
                                          &transport),
                     0);
    assert_false(transport.tcp);
    assert_false(transport.multicast);
    assert_string_equal(transport.source, "192.168.1.9");
    assert_int_equal(transport.server_rtp_port, 6970);
    assert_int_equal(transport.server_rtcp_port, 6971);
    assert_int_equal(transport.rtp_channel, 2);
    assert_int_equal(rtsp_transport_parse("RTP/AVP;multicast;port=1", &transport), 0);
    assert_true(transport.multicast);
    assert_int_equal(rtsp_transport_parse("", &transport), 0);
}

static void wrong_transports_are_refused(void **state)
{
    static const char *const wrong[] = {"interleaved=256-257", "interleaved=255", "server_port=65536-65537"};
    struct rtsp_transport transport = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(rtsp_transport_parse(wrong[i], &transport), -EBADMSG);
    }
}

/* What an answer leaves out, or says in a way that means nothing, stands as it was asked for. */
static void careless_transports_are_read(void **state)
{
    struct rtsp_transport transport = {.rtp_channel = 2, .rtcp_channel = 3};

    (void)state;
    assert_int_equal(rtsp_transport_parse("RTP/AVP/TCP;interleaved=", &transport), 0);
    assert_int_equal(transport.rtp_channel, 2);
    assert_int_equal(transport.rtcp_channel, 3);
    assert_int_equal(rtsp_transport_parse("RTP/AVP/TCP;interleaved=8-8", &transport), 0);
    assert_int_equal(transport.rtp_channel, 8);
    assert_int_equal(transport.rtcp_channel, 9);
    assert_int_equal(rtsp_transport_parse("RTP/AVP;unicast;server_port=", &transport), 0);
    assert_int_equal(transport.server_rtp_port, 0);
}

static void answers_over_datagrams_are_seen(void **state)
{
    static const struct {
        const char *text;
        bool datagrams;
    } cases[] = {
        {"RTP/AVP;unicast;client_port=2-3;server_port=4-5", true},
        {"RTP/AVP;unicast;client_port=2-3", true},
        {"RTP/AVP/UDP;unicast", true},
        {"RTP/AVP;unicast", false},
        {"RTP/AVP;interleaved=0-1", false},
        {"RTP/AVP/TCP;unicast;client_port=2-3", false},
        {"RTP/AVP;interleaved=0-1;client_port=2-3", false},
        {"RTP/AVP;unicast, RTP/AVP/UDP;unicast;client_port=2-3", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rtsp_transport transport = {0};
        assert_int_equal(rtsp_transport_parse(cases[i].text, &transport), 0);
        assert_int_equal(transport.datagrams, cases[i].datagrams);
    }
}

static void redirects_are_resolved(void **state)
{
    static const struct {
        const char *current, *location, *expected;
    } cases[] = {
        {"rtsp://h/a/b", "rtsp://other:8554/x", "rtsp://other:8554/x"},
        {"rtsp://h/a/b", "RTSPS://me:secret@other/x", "rtsps://other/x"},
        {"rtsp://h/a/b?q", "/c/d", "rtsp://h/c/d"},
        {"rtsp://h:1/a/b?q=/", "c", "rtsp://h:1/a/c"},
        {"rtsp://h", "c", "rtsp://h/c"},
        {"rtsp://h/", "c", "rtsp://h/c"},
        {"rtsps://h/a", "//other:2/x", "rtsps://other:2/x"},
        {"rtsp://h/a", "10.0.0.1:1554/x", "rtsp://10.0.0.1:1554/x"},
        {"rtsp://h/a", "other:1554", "rtsp://other:1554"},
        {"rtsp://h/a", "me:1554x/y", "rtsp://h/me:1554x/y"},
        {"rtsp://h/a/b?q", "?r", "rtsp://h/a/b?r"},
    };
    char url[RTSP_URL_SIZE], small[8];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(rtsp_url_redirect(url, sizeof(url), cases[i].current, cases[i].location), 0);
        assert_string_equal(url, cases[i].expected);
    }
    assert_int_equal(rtsp_url_redirect(url, sizeof(url), "rtsp://h/", ""), -EINVAL);
    assert_int_equal(rtsp_url_redirect(url, sizeof(url), "rtsp://h/", "http://h/"), -EINVAL);
    assert_int_equal(rtsp_url_redirect(small, sizeof(small), "rtsp://h/", "x"), -ENAMETOOLONG);
}

static void sessions_are_read(void **state)
{
    char id[16];
    int timeout = 0;

    (void)state;
    assert_int_equal(rtsp_session_parse("1234567;timeout=30", id, sizeof(id), &timeout), 0);
    assert_string_equal(id, "1234567");
    assert_int_equal(timeout, 30);
    assert_int_equal(rtsp_session_parse("abc ; Timeout=0", id, sizeof(id), &timeout), 0);
    assert_string_equal(id, "abc");
    assert_int_equal(timeout, 60);
    assert_int_equal(rtsp_session_parse("1234567 ; timeout = \"31\"", id, sizeof(id), &timeout), 0);
    assert_string_equal(id, "1234567");
    assert_int_equal(timeout, 31);
    assert_int_equal(rtsp_session_parse("abc;timeout=99999999999", id, sizeof(id), &timeout), 0);
    assert_int_equal(timeout, 3600);
    assert_int_equal(rtsp_session_parse("", id, sizeof(id), &timeout), -EBADMSG);
    assert_int_equal(rtsp_session_parse("0123456789abcdef", id, sizeof(id), &timeout), -EMSGSIZE);
}

static void fingerprints_are_read(void **state)
{
    unsigned char bytes[RTSP_FINGERPRINT_BYTES];

    (void)state;
    assert_int_equal(
        rtsp_fingerprint_parse("00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", bytes), 0);
    assert_int_equal(bytes[31], 0xff);
    assert_int_equal(rtsp_fingerprint_parse("00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
                                            "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FE",
                                            bytes),
                     0);
    assert_int_equal(bytes[31], 0xfe);
    assert_int_equal(rtsp_fingerprint_parse("00112233", bytes), -EINVAL);
    assert_int_equal(
        rtsp_fingerprint_parse("00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF00", bytes),
        -EINVAL);
    assert_int_equal(rtsp_fingerprint_parse("", bytes), -EINVAL);
}

/* What cameras mean by a control attribute, in the order in which it is tried; "": no form of its own. */
static void controls_have_several_forms(void **state)
{
    static const struct {
        const char *base, *requested, *control, *forms[RTSP_CONTROL_FORMS];
    } cases[] = {
        {"rtsp://h/live/ch0/", "rtsp://h/live/ch0", "trackID=1", {"rtsp://h/live/ch0/trackID=1"}},
        {"rtsp://h/live/ch0",
         "rtsp://h/live/ch0",
         "trackID=1",
         {[RTSP_CONTROL_ANNOUNCED] = "rtsp://h/live/ch0/trackID=1",
          [RTSP_CONTROL_REFERENCE] = "rtsp://h/live/trackID=1"}},
        {"rtsp://h/live/ch0",
         "rtsp://h/live/ch0",
         "/trackID=1",
         {"rtsp://h/trackID=1", "rtsp://h/live/ch0/trackID=1", "", "", "rtsp://h/live/ch0//trackID=1"}},
        {"rtsp://h/live/ch0/",
         "rtsp://h/live/ch0",
         "./trackID=1",
         {[RTSP_CONTROL_ANNOUNCED] = "rtsp://h/live/ch0/./trackID=1",
          [RTSP_CONTROL_WITHOUT_DOTS] = "rtsp://h/live/ch0/trackID=1"}},
        {"rtsp://h/live/ch0/",
         "rtsp://h/live/ch0",
         "../../../a/./t",
         {[RTSP_CONTROL_ANNOUNCED] = "rtsp://h/live/ch0/../../../a/./t",
          [RTSP_CONTROL_WITHOUT_DOTS] = "rtsp://h/a/t"}},
        {"rtsp://h/live/ch0/",
         "rtsp://h/live/ch0",
         "//h:1/live/t",
         {[RTSP_CONTROL_ANNOUNCED] = "rtsp://h//h:1/live/t",
          [RTSP_CONTROL_APPENDED] = "rtsp://h/live/ch0//h:1/live/t",
          [RTSP_CONTROL_DOUBLED] = "rtsp://h/live/ch0///h:1/live/t",
          [RTSP_CONTROL_REFERENCE] = "rtsp://h:1/live/t"}},
        {"rtsp://h/live/ch0/",
         "rtsp://h/live/ch0",
         "h:1/live/t",
         {[RTSP_CONTROL_ANNOUNCED] = "rtsp://h/live/ch0/h:1/live/t",
          [RTSP_CONTROL_REFERENCE] = "rtsp://h:1/live/t"}},
        {"rtsp://h/s",
         "rtsp://h/s",
         "http://10.0.0.1/s/t",
         {[RTSP_CONTROL_ANNOUNCED] = "rtsp://h/s/http://10.0.0.1/s/t",
          [RTSP_CONTROL_REQUESTED] = "rtsp://h/s/t"}},
        {"rtsp://h/path",
         "rtsp://h/path",
         "?ctype=video",
         {"rtsp://h/path/?ctype=video", "rtsp://h/path?ctype=video"}},
        {"rtsp://rtsp://h:1/s/",
         "rtsp://h:1/s",
         "trackID=1",
         {"rtsp://rtsp://h:1/s/trackID=1", "", "rtsp://h:1/s/trackID=1"}},
        {"rtsp://h/s",
         "rtsp://h/s",
         "rtsp://10.0.0.1:554/s/t",
         {"rtsp://10.0.0.1:554/s/t", "", "rtsp://h/s/t"}},
        {"rtsp://h/s?x=1",
         "rtsp://h/s?x=1",
         "t",
         {[RTSP_CONTROL_ANNOUNCED] = "rtsp://h/s?x=1/t",
          [RTSP_CONTROL_BEFORE_QUERY] = "rtsp://h/s/t?x=1",
          [RTSP_CONTROL_REFERENCE] = "rtsp://h/t",
          [RTSP_CONTROL_WITHOUT_QUERY] = "rtsp://h/s/t"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int form = 0; form < RTSP_CONTROL_FORMS; form++) {
            const char *expected = cases[i].forms[form] ? cases[i].forms[form] : "";
            char out[RTSP_URL_SIZE] = "";
            int result = rtsp_url_control(out, sizeof(out), (enum rtsp_control_form)form, cases[i].base,
                                          cases[i].requested, cases[i].control);
            assert_string_equal(result == 0 ? out : "", expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_read),           cmocka_unit_test(wrong_endpoints_are_refused),
        cmocka_unit_test(requests_hold_no_line_ends),   cmocka_unit_test(controls_are_resolved),
        cmocka_unit_test(transports_are_read),          cmocka_unit_test(wrong_transports_are_refused),
        cmocka_unit_test(careless_transports_are_read), cmocka_unit_test(answers_over_datagrams_are_seen),
        cmocka_unit_test(redirects_are_resolved),       cmocka_unit_test(sessions_are_read),
        cmocka_unit_test(fingerprints_are_read),        cmocka_unit_test(controls_have_several_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
