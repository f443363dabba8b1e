/* SPDX-License-Identifier: MIT */
/* What is said with a camera, as lines of the log: all of it but what logs in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/log/log.h"
#include "ingest/rtsp/rtsp_trace.h"

static char recorded[8192];

static void record(const char *line, size_t length)
{
    snprintf(recorded, sizeof(recorded), "%.*s", (int)length, line);
}

static int begin(void **state)
{
    (void)state;
    recorded[0] = '\0';
    log_open("ingest", "front");
    log_set_level(LOG_LEVEL_DEBUG);
    log_set_recorder(record);
    return 0;
}

static int end(void **state)
{
    (void)state;
    log_set_recorder(NULL);
    log_set_level(LOG_LEVEL_INFO);
    log_close();
    return 0;
}

static void test_request(void **state)
{
    static const char request[] =
        "DESCRIBE rtsp://192.0.2.1/a RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Digest username=\"admin\", "
        "response=\"0123456789abcdef\"\r\nAccept: application/sdp\r\n\r\n";

    (void)state;
    rtsp_trace_request(request, sizeof(request) - 1);
    assert_non_null(strstr(
        recorded, "> DESCRIBE rtsp://192.0.2.1/a RTSP/1.0 | CSeq: 2 | Authorization: Digest *** | Accept: "
                  "application/sdp\n"));
    assert_null(strstr(recorded, "0123456789abcdef"));
    assert_null(strstr(recorded, "admin"));
}

static void test_basic_and_odd_log_ins(void **state)
{
    static const char *const requests[] = {
        "OPTIONS * RTSP/1.0\r\nauthorization: Basic YWRtaW46Y2FuYXJ5\r\n\r\n",
        "OPTIONS * RTSP/1.0\r\nAuthorization:YWRtaW46Y2FuYXJ5\r\n\r\n",
        "OPTIONS * RTSP/1.0\r\nAuthorization: YWRtaW46Y2FuYXJ5==\r\n\r\n",
        "OPTIONS * RTSP/1.0\r\nProxy-Authorization: Basic YWRtaW46Y2FuYXJ5"};

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        recorded[0] = '\0';
        rtsp_trace_request(requests[i], strlen(requests[i]));
        assert_non_null(strstr(recorded, "> OPTIONS * RTSP/1.0 | "));
        assert_null(strstr(recorded, "YWRtaW46"));
    }
}

static void test_response(void **state)
{
    char head[] = "RTSP/1.0 200 OK\r\nCSeq: 2\r\nAuthentication-Info: rspauth=\"canary\"\r\n\r\n";
    static const char body[] =
        "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:canary\r\nk=base64:canary\r\na=control:*\r\n";
    struct rtsp_message message;

    (void)state;
    assert_int_equal(rtsp_message_parse(head, sizeof(head) - 1, &message), 0);
    message.body = body;
    message.body_size = sizeof(body) - 1;
    rtsp_trace_message(&message);
    assert_non_null(strstr(recorded, "< 200 OK | CSeq: 2 | "));
    assert_non_null(strstr(recorded, "bytes: v=0 | a=crypto: *** | k= *** | a=control:*\n"));
    assert_null(strstr(recorded, "canary"));
}

static void test_nothing_above_debug(void **state)
{
    static const char request[] = "OPTIONS * RTSP/1.0\r\n\r\n";

    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    rtsp_trace_request(request, sizeof(request) - 1);
    assert_string_equal(recorded, "");
}

static void test_too_long(void **state)
{
    static char request[20000];

    (void)state;
    memset(request, 'x', sizeof(request) - 1);
    memcpy(request, "OPTIONS * RTSP/1.0\r\nA: ", 23);
    rtsp_trace_request(request, sizeof(request) - 1);
    assert_non_null(strstr(recorded, "> OPTIONS * RTSP/1.0 | A: xxx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_request, begin, end),
        cmocka_unit_test_setup_teardown(test_basic_and_odd_log_ins, begin, end),
        cmocka_unit_test_setup_teardown(test_response, begin, end),
        cmocka_unit_test_setup_teardown(test_nothing_above_debug, begin, end),
        cmocka_unit_test_setup_teardown(test_too_long, begin, end),
    };

    return cmocka_run_group_tests_name("rtsp_trace", tests, NULL, NULL);
}
