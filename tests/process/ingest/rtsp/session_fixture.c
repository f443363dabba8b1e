/* SPDX-License-Identifier: MIT */
#include "tests/process/ingest/rtsp/session_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "tests/support/patience.h"

/* Long for this machine, short for a test. */
#define CONNECT_MS 10000

static bool plays(const struct sdp_media *media)
{
    return strcasecmp(media->encoding, "H264") == 0 || strcasecmp(media->encoding, "PCMU") == 0;
}

void session_prepare(struct session_fixture *fixture, int port)
{
    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->authority, sizeof(fixture->authority), "127.0.0.1:%d", port);
    fixture->options = (struct rtsp_session_options){
        .scheme = "rtsp",
        .authority = fixture->authority,
        .path = "/live",
        .transport = RTSP_TCP,
        .audio = true,
        .tls_verify = true,
        .connect_ms = CONNECT_MS,
        .plays = plays,
        .wait = {.attention = -1},
    };
}

void session_open(struct session_fixture *fixture, int expected)
{
    int64_t begin = clock_now_ns();

    fixture->result = rtsp_session_open(&fixture->options, &fixture->session, fixture->error);
    fixture->duration_ms = (clock_now_ns() - begin) / NS_PER_MS;
    if (fixture->result != expected) {
        fail_msg("%d instead of %d: %s", fixture->result, expected, fixture->error);
    }
    assert_true((fixture->session != NULL) == (expected == 0));
}

struct rtsp_packet session_packet(struct session_fixture *fixture)
{
    struct rtsp_packet packet;
    int64_t deadline = clock_now_ns() + PATIENCE_MS * NS_PER_MS;
    int result = rtsp_session_read(fixture->session, deadline, &packet, fixture->error);

    if (result != 1) {
        fail_msg("%d: %s", result, fixture->error);
    }
    return packet;
}

int session_drain(struct session_fixture *fixture)
{
    struct rtsp_packet packet;
    int64_t deadline = clock_now_ns() + PATIENCE_MS * NS_PER_MS;
    int result;

    do {
        result = rtsp_session_read(fixture->session, deadline, &packet, fixture->error);
    } while (result == 1);
    return result;
}

void session_close(struct session_fixture *fixture)
{
    rtsp_session_close(fixture->session);
    fixture->session = NULL;
}

void session_assert_error(const struct session_fixture *fixture, const char *part)
{
    if (strstr(fixture->error, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, fixture->error);
    }
    assert_non_null(strstr(fixture->error, fixture->authority));
}
