/* SPDX-License-Identifier: MIT */
/* A session with cameras that behave, and with some that do not. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "tests/process/ingest/rtsp/session_fixture.h"
#include "tests/support/patience.h"

static struct script_server server;
static struct session_fixture fixture;

static void begin(script_handler handler, const void *context)
{
    script_start(&server, handler, context);
    session_prepare(&fixture, server.port);
}

static void end(void)
{
    session_close(&fixture);
    script_stop(&server);
}

/* --- One that behaves -------------------------------------------------------------------------------- */

static void well_behaved(struct script_server *camera, const char *request)
{
    if (script_is(request, "PLAY")) { /* the first packets come before the answer, and in one piece with it */
        script_send_packet(camera, 0, 1);
        script_send_packet(camera, 2, 2);
        script_reply(camera, request, "200 OK", "RTP-Info: url=rtsp://x/track1;seq=1\r\n", NULL);
        script_send_packet(camera, 3, 3);
        return;
    }
    script_camera(camera, request, true);
}

static void plays_over_tcp(void **state)
{
    char text[128];

    (void)state;
    begin(well_behaved, NULL);
    session_open(&fixture, 0);
    assert_string_equal(rtsp_session_media(fixture.session, RTSP_VIDEO)->encoding, "H264");
    assert_string_equal(rtsp_session_media(fixture.session, RTSP_AUDIO)->encoding, "PCMU");
    struct rtsp_packet packet = session_packet(&fixture);
    assert_int_equal(packet.media, RTSP_VIDEO);
    assert_false(packet.rtcp);
    assert_int_equal(packet.size, 14);
    assert_int_equal(packet.data[3], 1);
    packet = session_packet(&fixture);
    assert_int_equal(packet.media, RTSP_AUDIO);
    packet = session_packet(&fixture);
    assert_int_equal(packet.media, RTSP_AUDIO);
    assert_true(packet.rtcp);
    rtsp_session_send_rtcp(fixture.session, RTSP_AUDIO, "report", 6);
    script_wait(&server, "report", 1);
    assert_int_equal(script_count(&server, "$\x03"), 1);
    session_close(&fixture);
    script_wait(&server, "TEARDOWN", 1);
    snprintf(text, sizeof(text), "SETUP rtsp://127.0.0.1:%d/live/track1 RTSP/1.0", server.port);
    assert_int_equal(script_count(&server, text), 1);
    snprintf(text, sizeof(text), "PLAY rtsp://127.0.0.1:%d/live RTSP/1.0", server.port);
    assert_int_equal(script_count(&server, text), 1);
    assert_int_equal(script_count(&server, "Session: 4711"), 3); /* the second SETUP, PLAY, TEARDOWN */
    end();
}

static void sound_is_not_asked_for(void **state)
{
    (void)state;
    begin(well_behaved, NULL);
    fixture.options.audio = false;
    session_open(&fixture, 0);
    assert_null(rtsp_session_media(fixture.session, RTSP_AUDIO));
    assert_int_equal(script_count(&server, "track2"), 0);
    end();
}

/* --- Descriptions ------------------------------------------------------------------------------------ */

static void describe(struct script_server *camera, const char *request)
{
    if (script_is(request, "DESCRIBE")) {
        script_reply(camera, request, "200 OK", "Content-Base: rtsp://10.9.8.7/cam?channel=1&subtype=0/\r\n",
                     camera->context);
    } else if (script_is(request, "SETUP") && strstr(request, "track9") != NULL) {
        script_reply(camera, request, "501 Not Implemented", "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void describe_as(const char *sdp, int expected)
{
    begin(describe, sdp);
    session_open(&fixture, expected);
}

static void content_base_and_queries_are_kept(void **state)
{
    (void)state;
    describe_as(
        "v=0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n", 0);
    assert_int_equal(script_count(&server, "SETUP rtsp://10.9.8.7/cam?channel=1&subtype=0/trackID=0 "), 1);
    assert_int_equal(script_count(&server, "PLAY rtsp://10.9.8.7/cam?channel=1&subtype=0/ "), 1);
    end();
    describe_as("v=0\r\na=control:rtsp://h/a\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                "a=control:rtsp://h/a/track1?x=y\r\n",
                0);
    assert_int_equal(script_count(&server, "SETUP rtsp://h/a/track1?x=y "), 1);
    assert_int_equal(script_count(&server, "PLAY rtsp://h/a "), 1);
    end();
}

static void the_first_that_plays_is_chosen(void **state)
{
    (void)state;
    describe_as(
        "v=0\r\nm=video 0 RTP/AVP 26\r\na=control:jpeg\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        "a=control:first\r\na=recvonly\r\nm=video 0 RTP/AVP 97\r\na=rtpmap:97 "
        "H264/90000\r\na=control:second\r\n"
        "m=audio 0 RTP/AVP 0\r\na=control:backchannel\r\na=sendonly\r\n"
        "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:meta\r\n"
        "m=audio 0 RTP/AVP 0\r\na=control:track9\r\n",
        0);
    assert_int_equal(script_count(&server, "SETUP "), 2);
    assert_int_equal(script_count(&server, "/first "), 1);
    assert_int_equal(script_count(&server, "/track9 "), 1); /* refused: video goes on alone */
    assert_null(rtsp_session_media(fixture.session, RTSP_AUDIO));
    end();
}

static void what_cannot_be_shown_is_told(void **state)
{
    (void)state;
    describe_as("v=0\r\nm=video 0 RTP/AVP 26\r\na=control:jpeg\r\n", -ENOTSUP);
    session_assert_error(&fixture, "JPEG");
    session_assert_error(&fixture, "set the camera to H.264");
    end();
    describe_as("v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:x\r\n", -ENOTSUP);
    session_assert_error(&fixture, "sends no video");
    end();
    describe_as("v=0\r\nm=video 0 RTP/AVP 32\r\na=control:x\r\n", -ENOTSUP);
    session_assert_error(&fixture, "MPV");
    end();
    describe_as("nonsense", -EPROTO);
    session_assert_error(&fixture, "describes no media");
    end();
}

/* --- Sizes ------------------------------------------------------------------------------------------- */

static void huge_description(struct script_server *camera, const char *request)
{
    if (script_is(request, "DESCRIBE")) {
        script_send_text(camera, "RTSP/1.0 200 OK\r\nContent-Length: 104857600\r\n\r\nv=0\r\n");
    } else {
        script_camera(camera, request, false);
    }
}

static void endless_headers(struct script_server *camera, const char *request)
{
    (void)request;
    script_send_text(camera, "RTSP/1.0 200 OK\r\n");
    for (int i = 0; i < 3000; i++) {
        script_send_text(camera, "X-Endless: header\r\n");
    }
}

static void garbage(struct script_server *camera, const char *request)
{
    char bytes[65536];

    (void)request;
    memset(bytes, 'z', sizeof(bytes));
    for (int i = 0; i < 8; i++) {
        script_send(camera, bytes, sizeof(bytes));
    }
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    begin(huge_description, NULL);
    session_open(&fixture, -EMSGSIZE);
    session_assert_error(&fixture, "104857600 bytes");
    end();
    begin(endless_headers, NULL);
    session_open(&fixture, -EMSGSIZE);
    session_assert_error(&fixture, "headers without end");
    end();
    begin(garbage, NULL);
    session_open(&fixture, -EBADMSG);
    session_assert_error(&fixture, "garbage");
    end();
}

/* --- Silence ----------------------------------------------------------------------------------------- */

static void silent(struct script_server *camera, const char *request)
{
    (void)camera;
    (void)request;
}

/* A byte of a header now and then: never finished, never quiet. */
static void trickle(struct script_server *camera, const char *request)
{
    (void)request;
    script_send_text(camera, "RTSP/1.0 200 OK\r\nX:");
    for (int i = 0; i < 200 && camera->connection >= 0; i++) {
        script_send_text(camera, " y");
        poll(NULL, 0, 5);
    }
}

static void silence_has_a_deadline(void **state)
{
    (void)state;
    begin(silent, NULL);
    fixture.options.connect_ms = 200;
    session_open(&fixture, -ETIMEDOUT);
    session_assert_error(&fixture, "no answer to OPTIONS");
    end();
    begin(trickle, NULL);
    fixture.options.connect_ms = 200;
    session_open(&fixture, -ETIMEDOUT);
    assert_in_range(fixture.duration_ms, 190, PATIENCE_MS);
    end();
}

static bool stop_now(void *context)
{
    return *(bool *)context;
}

static void the_owner_is_asked_at_once(void **state)
{
    bool stop = true;
    int attention = eventfd(1, EFD_CLOEXEC);

    (void)state;
    begin(silent, NULL);
    fixture.options.wait =
        (struct rtsp_wait){.interrupted = stop_now, .context = &stop, .attention = attention};
    session_open(&fixture, -ECANCELED);
    assert_in_range(fixture.duration_ms, 0, 5000);
    close(attention);
    end();
}

static void silent_after_play(struct script_server *camera, const char *request)
{
    if (!script_is(request, "TEARDOWN")) {
        script_camera(camera, request, false);
    }
}

static void saying_goodbye_takes_no_longer_than_it_may(void **state)
{
    struct rtsp_packet packet;

    (void)state;
    begin(silent_after_play, NULL);
    session_open(&fixture, 0);
    int64_t deadline = clock_now_ns() + 50 * NS_PER_MS;
    assert_int_equal(rtsp_session_read(fixture.session, deadline, &packet, fixture.error), -ETIMEDOUT);
    int64_t begun = clock_now_ns();
    session_close(&fixture);
    int64_t took_ms = (clock_now_ns() - begun) / NS_PER_MS;
    assert_in_range(took_ms, RTSP_CLOSE_DEADLINE_MS - 10, PATIENCE_MS / 2);
    script_wait(&server, "TEARDOWN", 1);
    end();
}

/* --- Refusals ---------------------------------------------------------------------------------------- */

static void refuse(struct script_server *camera, const char *request)
{
    if (script_is(request, "DESCRIBE")) {
        script_reply(camera, request, camera->context, "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void refusals_are_told(void **state)
{
    static const struct {
        const char *status;
        int result;
        const char *words;
    } cases[] = {
        {"404 Not Found", -ENOENT, "404"},
        {"403 Forbidden", -EACCES, "403"},
        {"400 Bad Request", -EPROTO, "400"},
        {"503 Service Unavailable", -EBUSY, "503"},
        {"500 Internal Server Error", -EPROTO, "500 to DESCRIBE"},
        {"418 I'm a teapot", -EPROTO, "418 to DESCRIBE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(refuse, cases[i].status);
        session_open(&fixture, cases[i].result);
        session_assert_error(&fixture, cases[i].words);
        end();
    }
}

static void nobody_is_there(void **state)
{
    (void)state;
    script_start(&server, silent, NULL);
    script_stop(&server);
    session_prepare(&fixture, server.port);
    session_open(&fixture, -ECONNREFUSED);
    session_assert_error(&fixture, "connection refused");
}

static void plays_not(struct script_server *camera, const char *request)
{
    if (script_is(request, "PLAY")) {
        script_reply(camera, request, "454 Session Not Found", "", NULL);
    } else if (script_is(request, "OPTIONS")) {
        script_reply(camera, request, "501 Not Implemented", "", NULL); /* which is no harm */
    } else {
        script_camera(camera, request, false);
    }
}

/* 401 without a challenge says nothing of credentials. */
static void refuses_options(struct script_server *camera, const char *request)
{
    if (script_is(request, "OPTIONS")) {
        script_reply(camera, request, "401 Unauthorized", "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void options_may_be_refused(void **state)
{
    (void)state;
    begin(refuses_options, NULL);
    session_open(&fixture, 0);
    end();
}

static void a_refused_play_is_told(void **state)
{
    (void)state;
    begin(plays_not, NULL);
    session_open(&fixture, -ECONNRESET);
    session_assert_error(&fixture, "forgotten the session (454)");
    end();
}

/* --- Answers that are not what they ought to be -------------------------------------------------------- */

static void odd_answers(struct script_server *camera, const char *request)
{
    if (script_is(request, "OPTIONS")) {
        script_send_text(camera,
                         "OPTIONS * RTSP/1.0\r\nCSeq: 55\r\n\r\nDANCE * RTSP/1.0\r\nCSeq: 56\r\n\r\n");
        script_reply(camera, request, "100 Continue", "", NULL);
        script_send_text(camera, "RTSP/1.0 200 OK\r\nPublic: OPTIONS\r\n\r\n"); /* without CSeq */
    } else if (script_is(request, "DESCRIBE")) {
        char text[2048]; /* another CSeq than the request's */
        snprintf(text, sizeof(text), "RTSP/1.0 200 OK\r\nCSeq: 999\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(script_video_sdp), script_video_sdp);
        script_send_text(camera, text);
    } else if (script_is(request, "SETUP")) {
        script_reply(camera, request, "200 OK", "Session: x\r\n", NULL); /* without Transport */
    } else {
        script_camera(camera, request, false);
    }
}

static void odd_answers_are_understood(void **state)
{
    (void)state;
    begin(odd_answers, NULL);
    session_open(&fixture, 0);
    script_wait(&server, "RTSP/1.0 200 OK\r\nCSeq: 55\r\n", 1);
    script_wait(&server, "RTSP/1.0 501 Not Implemented\r\nCSeq: 56\r\n", 1);
    end();
}

/* Sends each response twice. With a CONTEXT the second is not quite the same, and a log-in is asked for. */
static void answers_twice(struct script_server *camera, const char *request)
{
    bool login = camera->context != NULL;
    char other[128];

    for (int i = 0; i < 2; i++) {
        snprintf(other, sizeof(other), "Date: %d\r\nPublic: OPTIONS\r\n", login ? i : 0);
        if (script_is(request, "OPTIONS")) {
            script_reply(camera, request, "200 OK", other, NULL);
        } else if (login && !strstr(request, "Authorization:")) {
            strcat(other, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n");
            script_reply(camera, request, "401 Unauthorized", other, NULL);
        } else {
            script_camera(camera, request, true);
        }
    }
}

static void responses_may_come_twice(void **state)
{
    (void)state;
    for (int login = 0; login < 2; login++) {
        begin(answers_twice, login ? "" : NULL);
        fixture.options.username = login > 0 ? "user" : NULL;
        fixture.options.password = login ? "word" : NULL;
        session_open(&fixture, 0);
        assert_non_null(rtsp_session_media(fixture.session, RTSP_AUDIO));
        assert_int_equal(script_count(&server, "SETUP "), 2);
        assert_int_equal(script_count(&server, "DESCRIBE "), login ? 2 : 1);
        end();
    }
}

/* Leaves Content-Length out of the description. */
static void describes_without_length(struct script_server *camera, const char *request)
{
    if (script_is(request, "DESCRIBE") && camera->connections == 1) {
        char text[2048];
        snprintf(text, sizeof(text), "RTSP/1.0 200 OK\r\nCSeq: %s", strstr(request, "CSeq: ") + 6);
        snprintf(strchr(text + 17, '\r'), 1500, "\r\nContent-Type: application/sdp\r\n\r\n%s",
                 script_video_sdp);
        script_send_text(camera, text);
    } else {
        script_camera(camera, request, false);
    }
}

static void a_description_needs_no_length(void **state)
{
    (void)state;
    begin(describes_without_length, NULL);
    session_open(&fixture, 0);
    assert_int_equal(script_count(&server, "DESCRIBE "), 1);
    end();
}

/* A session id for each SETUP; PLAY is taken with the one that CONTEXT names alone. */
static void two_sessions(struct script_server *camera, const char *request)
{
    const char *wanted = camera->context;

    if (script_is(request, "SETUP")) {
        script_reply(
            camera, request, "200 OK",
            strstr(request, "track1") ? "Session: one;timeout=60\r\n" : "Session: two;timeout=60\r\n", NULL);
    } else if (script_is(request, "PLAY") && !strstr(request, wanted)) {
        script_reply(camera, request, "454 Session Not Found", "", NULL);
    } else {
        script_camera(camera, request, true);
    }
}

static void either_session_id_is_found(void **state)
{
    (void)state;
    begin(two_sessions, "Session: one\r\n");
    session_open(&fixture, 0);
    assert_int_equal(script_count(&server, "PLAY "), 1); /* the first comes first */
    end();
    begin(two_sessions, "Session: two\r\n");
    session_open(&fixture, 0);
    assert_int_equal(script_count(&server, "PLAY "), 2);
    end();
}

/* Ids that are none, or as long as an access token. */
static void odd_session_id(struct script_server *camera, const char *request)
{
    const char *id = camera->context;

    if (script_is(request, "SETUP")) {
        script_reply(camera, request, "200 OK", id, NULL);
    } else if (script_is(request, "PLAY") && strlen(id) > 100 && !strstr(request, id)) {
        script_reply(camera, request, "454 Session Not Found", "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void odd_session_ids_are_taken(void **state)
{
    char token[400] = "Session: ";

    (void)state;
    memset(token + strlen(token), 'A', sizeof(token) - strlen("Session: ") - 3);
    memcpy(token + sizeof(token) - 3, "\r\n", 3);
    const char *const ids[] = {"Session: \r\n", "Session: ;timeout=60\r\n", token};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        begin(odd_session_id, ids[i]);
        session_open(&fixture, 0);
        assert_int_equal(script_count(&server, "PLAY "), 1);
        end();
    }
}

/* Packets of video (96) and sound (0), in turn, on the channels that CONTEXT names, behind a report on each. */
static void confuses_channels(struct script_server *camera, const char *request)
{
    const char *channels = camera->context;
    uint8_t packet[] = {'$', 0, 0, 12, 0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

    if (script_is(request, "SETUP") && strcmp(channels, "00") == 0) {
        script_reply(camera, request, "200 OK",
                     "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 4711\r\n", NULL);
        return;
    }
    script_camera(camera, request, true);
    for (int i = 0; script_is(request, "PLAY") && i < 6; i++) {
        packet[1] = (uint8_t)(channels[i % 2] - '0');
        packet[5] = i % 2 == 0 ? 96 : 0;
        packet[7] = (uint8_t)i;
        script_send(camera, packet, sizeof(packet));
    }
}

static void confused_channels_are_told_apart(void **state)
{
    static const char *const channels[] = {"02", "00", "20", "13"};

    (void)state;
    for (size_t way = 0; way < sizeof(channels) / sizeof(channels[0]); way++) {
        begin(confuses_channels, channels[way]);
        session_open(&fixture, 0);
        for (int i = 0; i < 6; i++) {
            struct rtsp_packet packet = session_packet(&fixture);
            assert_false(packet.rtcp);
            assert_int_equal(packet.data[3], i);
            assert_int_equal(packet.media, i % 2 == 0 ? RTSP_VIDEO : RTSP_AUDIO);
        }
        end();
    }
}

/* Ends the first connections at the method that CONTEXT names. */
static void hangs_up_at(struct script_server *camera, const char *request)
{
    if (script_is(request, camera->context)) {
        script_hang_up(camera, false);
    } else {
        script_camera(camera, request, false);
    }
}

/* A camera that starts while it is asked says nothing of its URLs. */
static void an_end_at_setup_spoils_nothing(void **state)
{
    struct rtsp_memory memory = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        begin(hangs_up_at, "SETUP");
        fixture.options.memory = &memory;
        session_open(&fixture, -ECONNRESET);
        assert_int_equal(script_count(&server, "SETUP "), 1);
        end();
    }
    begin(well_behaved, NULL);
    fixture.options.memory = &memory;
    session_open(&fixture, 0);
    end();
}

/* Answers OPTIONS, and no more on that connection. */
static void ends_with_options(struct script_server *camera, const char *request)
{
    script_camera(camera, request, false);
    if (script_is(request, "OPTIONS")) {
        script_hang_up(camera, false);
    }
}

static void options_are_left_out_where_they_end_the_connection(void **state)
{
    static const script_handler cameras[] = {hangs_up_at, ends_with_options};

    (void)state;
    for (size_t i = 0; i < sizeof(cameras) / sizeof(cameras[0]); i++) {
        struct rtsp_memory memory = {0};
        begin(cameras[i], "OPTIONS");
        fixture.options.memory = &memory;
        session_open(&fixture, -ECONNRESET);
        session_close(&fixture);
        session_open(&fixture, 0);
        assert_int_equal(script_count(&server, "OPTIONS "), 1);
        end();
    }
}

/* SETUP is taken for the URL that DESCRIBE was for, and not for the one that the description names. */
static void elsewhere(struct script_server *camera, const char *request)
{
    if (script_is(request, "DESCRIBE")) {
        script_reply(camera, request, "200 OK", "Content-Base: rtsp://192.0.2.1:554/camera\r\n",
                     script_video_sdp);
    } else if (script_is(request, "SETUP") && strstr(request, "192.0.2.1")) {
        script_reply(camera, request, "404 Not Found", "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void what_setup_was_taken_for_is_remembered(void **state)
{
    struct rtsp_memory memory = {0};

    (void)state;
    begin(elsewhere, NULL);
    fixture.options.memory = &memory;
    session_open(&fixture, 0);
    assert_true(script_count(&server, "SETUP rtsp://192.0.2.1:554/camera/track1 ") == 1);
    end();
    begin(elsewhere, NULL);
    fixture.options.memory = &memory;
    session_open(&fixture, 0);
    assert_int_equal(script_count(&server, "SETUP rtsp://192.0.2.1:554/camera/track1 "), 0);
    end();
}

/* The camera ends each connection with its challenge. */
static void closes_after_challenge(struct script_server *camera, const char *request)
{
    if (script_is(request, "OPTIONS") || strstr(request, "Authorization: ")) {
        script_camera(camera, request, false);
    } else {
        script_reply(camera, request, "401 Unauthorized",
                     "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", NULL);
        script_hang_up(camera, false);
    }
}

static void a_challenge_that_ends_the_connection_is_answered_on_the_next(void **state)
{
    (void)state;
    begin(closes_after_challenge, NULL);
    fixture.options.username = "admin";
    fixture.options.password = "secret";
    session_open(&fixture, 0);
    assert_int_equal(server.connections, 2);
    end();
}

/* --- The end ----------------------------------------------------------------------------------------- */

static void ends(struct script_server *camera, const char *request)
{
    const char *how = camera->context;

    script_camera(camera, request, false);
    if (!script_is(request, "PLAY")) {
        return;
    }
    for (uint16_t i = 0; i < 100; i++) {
        script_send_packet(camera, 0, i);
    }
    if (strcmp(how, "asks") == 0) {
        script_send_text(camera, "TEARDOWN * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    } else if (strcmp(how, "garbage") == 0) {
        garbage(camera, request);
    } else {
        script_hang_up(camera, strcmp(how, "resets") == 0);
    }
}

static void the_end_loses_no_packet(void **state)
{
    static const char *const ways[] = {"closes", "asks"};

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        begin(ends, ways[i]);
        session_open(&fixture, 0);
        for (int packet = 0; packet < 100; packet++) {
            assert_int_equal(session_packet(&fixture).data[3], packet);
        }
        assert_int_equal(session_drain(&fixture), 0);
        session_assert_error(&fixture, "ended the stream");
        end();
    }
}

static void broken_connections_are_told(void **state)
{
    (void)state;
    begin(ends, "resets");
    fixture.result = rtsp_session_open(&fixture.options, &fixture.session, fixture.error);
    if (fixture.result == 0) {
        fixture.result = session_drain(&fixture);
    }
    assert_int_equal(fixture.result, -ECONNRESET);
    session_assert_error(&fixture, "dropped the connection");
    end();
    begin(ends, "garbage");
    session_open(&fixture, 0);
    assert_int_equal(session_drain(&fixture), -EBADMSG);
    session_assert_error(&fixture, "garbage");
    end();
}

/* --- Keepalive --------------------------------------------------------------------------------------- */

static void short_session(struct script_server *camera, const char *request)
{
    if (script_is(request, "SETUP")) {
        script_reply(camera, request, "200 OK", "Session: 4711;timeout=2\r\n", NULL);
    } else if (script_is(request, "GET_PARAMETER") && camera->context != NULL) {
        script_reply(camera, request, camera->context, "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

/* Reads until TEXT has been asked COUNT times. */
static void read_until(const char *text, int count)
{
    struct rtsp_packet packet;
    int64_t deadline = clock_now_ns() + PATIENCE_MS * NS_PER_MS;

    while (script_count(&server, text) < count) {
        int result =
            rtsp_session_read(fixture.session, clock_now_ns() + 20 * NS_PER_MS, &packet, fixture.error);
        if (result != -ETIMEDOUT) {
            fail_msg("%d: %s", result, fixture.error);
        }
        assert_true(clock_now_ns() < deadline);
    }
}

static void the_session_is_kept_alive(void **state)
{
    (void)state;
    begin(short_session, NULL);
    session_open(&fixture, 0);
    int64_t begun = clock_now_ns();
    read_until("GET_PARAMETER rtsp://", 2);
    assert_true(clock_now_ns() - begun >= 1900 * NS_PER_MS); /* at half of its two seconds, twice */
    end();
    begin(short_session, "405 Method Not Allowed");
    session_open(&fixture, 0);
    read_until("OPTIONS rtsp://", 2); /* the first opened the session */
    assert_int_equal(script_count(&server, "GET_PARAMETER rtsp://"), 1);
    end();
    begin(short_session, "454 Session Not Found");
    session_open(&fixture, 0);
    assert_int_equal(session_drain(&fixture), -ECONNRESET);
    session_assert_error(&fixture, "454");
    end();
}

/* Sends packets all the time, and knows no session for GET_PARAMETER, or for any keepalive. */
static void forgets(struct script_server *camera, const char *request)
{
    bool opening = script_count(camera, "PLAY ") == 0;

    if (script_is(request, "SETUP")) {
        script_reply(camera, request, "200 OK", "Session: 4711;timeout=2\r\n", NULL);
    } else if (script_is(request, "GET_PARAMETER") ||
               (camera->context && !opening && !script_is(request, "PLAY"))) {
        script_send_packet(camera, 0, 1);
        script_reply(camera, request, "454 Session Not Found", "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void one_method_without_a_session_is_no_end(void **state)
{
    (void)state;
    begin(forgets, NULL);
    session_open(&fixture, 0);
    session_packet(&fixture); /* which comes before the 454 */
    read_until("OPTIONS rtsp://", 3);
    assert_int_equal(script_count(&server, "GET_PARAMETER rtsp://"), 1);
    end();
    begin(forgets, "all");
    session_open(&fixture, 0);
    assert_int_equal(session_drain(&fixture), -ECONNRESET);
    session_assert_error(&fixture, "454");
    end();
}

/* Keepalives that are not answered: another is sent at the next time, and nothing spins in between. */
static void never_answers_keepalives(struct script_server *camera, const char *request)
{
    if (script_is(request, "SETUP")) {
        script_reply(camera, request, "200 OK", "Session: 4711;timeout=2\r\n", NULL);
    } else if (!script_is(request, "GET_PARAMETER")) {
        script_camera(camera, request, false);
    }
}

static int64_t thread_cpu_ns(void)
{
    struct timespec spent;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return spent.tv_sec * NS_PER_SECOND + spent.tv_nsec;
}

static void unanswered_keepalives_go_on_and_cost_nothing(void **state)
{
    (void)state;
    begin(never_answers_keepalives, NULL);
    session_open(&fixture, 0);
    int64_t begun = clock_now_ns();
    int64_t spent = thread_cpu_ns();
    read_until("GET_PARAMETER rtsp://", 3);
    int64_t elapsed = clock_now_ns() - begun;
    spent = thread_cpu_ns() - spent;
    assert_true(elapsed >= 2900 * NS_PER_MS);
    assert_true(spent < elapsed / 4); /* it was nearly all of a core */
    end();
}

/* Ends a session under its second keepalive, whatever method that has, unless it is CONTEXT's. */
static void honours(struct script_server *camera, const char *request)
{
    const char *honoured = camera->context;

    if (script_is(request, "SETUP")) {
        script_reply(camera, request, "200 OK", "Session: 4711;timeout=2\r\n", NULL);
    } else if (strstr(request, "Session: 4711") && !script_is(request, "PLAY") &&
               !script_is(request, "TEARDOWN") && !script_is(request, honoured) && camera->requests > 5) {
        script_hang_up(camera, false);
    } else {
        script_camera(camera, request, false);
    }
}

static void a_keepalive_that_does_not_keep_is_given_up(void **state)
{
    struct rtsp_memory memory = {0};

    (void)state;
    begin(honours, "OPTIONS");
    fixture.options.memory = &memory;
    session_open(&fixture, 0);
    assert_int_equal(session_drain(&fixture), 0); /* GET_PARAMETER is listed, answered and not honoured */
    session_close(&fixture);
    assert_int_equal(memory.keepalive.failed, 1u << RTSP_KEEPALIVE_GET_PARAMETER);
    session_open(&fixture, 0);
    read_until("OPTIONS rtsp://", 4); /* two of them open the sessions */
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plays_over_tcp),
        cmocka_unit_test(sound_is_not_asked_for),
        cmocka_unit_test(content_base_and_queries_are_kept),
        cmocka_unit_test(the_first_that_plays_is_chosen),
        cmocka_unit_test(what_cannot_be_shown_is_told),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(silence_has_a_deadline),
        cmocka_unit_test(the_owner_is_asked_at_once),
        cmocka_unit_test(saying_goodbye_takes_no_longer_than_it_may),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(a_refused_play_is_told),
        cmocka_unit_test(options_may_be_refused),
        cmocka_unit_test(odd_answers_are_understood),
        cmocka_unit_test(responses_may_come_twice),
        cmocka_unit_test(a_description_needs_no_length),
        cmocka_unit_test(either_session_id_is_found),
        cmocka_unit_test(odd_session_ids_are_taken),
        cmocka_unit_test(an_end_at_setup_spoils_nothing),
        cmocka_unit_test(options_are_left_out_where_they_end_the_connection),
        cmocka_unit_test(what_setup_was_taken_for_is_remembered),
        cmocka_unit_test(a_challenge_that_ends_the_connection_is_answered_on_the_next),
        cmocka_unit_test(the_end_loses_no_packet),
        cmocka_unit_test(broken_connections_are_told),
        cmocka_unit_test(the_session_is_kept_alive),
        cmocka_unit_test(one_method_without_a_session_is_no_end),
        cmocka_unit_test(confused_channels_are_told_apart),
        cmocka_unit_test(unanswered_keepalives_go_on_and_cost_nothing),
        cmocka_unit_test(a_keepalive_that_does_not_keep_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
