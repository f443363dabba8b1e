/* SPDX-License-Identifier: MIT */
/* Who gets the credentials, and whose word is followed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "tests/process/ingest/rtsp/session_fixture.h"
#include "tests/support/patience.h"

static struct script_server server, other;
static struct session_fixture fixture;

static void begin(script_handler handler, const void *context)
{
    script_start(&server, handler, context);
    session_prepare(&fixture, server.port);
    fixture.options.username = "admin";
    fixture.options.password = "secret";
}

static void end(void)
{
    session_close(&fixture);
    script_stop(&server);
}

/* --- Authentication ---------------------------------------------------------------------------------- */

static void challenge(struct script_server *camera, const char *request, const char *nonce, bool stale)
{
    char text[256];

    snprintf(text, sizeof(text), "WWW-Authenticate: Digest realm=\"r\", nonce=\"%s\"%s\r\n%s", nonce,
             stale ? ", stale=true" : "", "WWW-Authenticate: Basic realm=\"r\"\r\n");
    script_reply(camera, request, "401 Unauthorized", text, NULL);
}

/* Takes any answer to the nonce that it gave last; a new nonce for each request of CONTEXT's method. */
static void locked(struct script_server *camera, const char *request)
{
    const char *fresh = camera->context;
    char nonce[32];

    snprintf(nonce, sizeof(nonce), "n%d", camera->requests);
    if (strstr(request, "Authorization: ") == NULL) {
        challenge(camera, request, "n0", false);
    } else if (fresh != NULL && script_is(request, fresh) && strstr(request, "nonce=\"n0\"") != NULL) {
        challenge(camera, request, nonce, false);
    } else {
        script_camera(camera, request, false);
    }
}

static void digest_is_answered(void **state)
{
    (void)state;
    begin(locked, NULL);
    session_open(&fixture, 0);
    assert_true(rtsp_session_authenticated(fixture.session));
    session_close(&fixture);
    script_wait(&server, "TEARDOWN", 1);
    assert_int_equal(script_count(&server, "Authorization: Digest"), 5); /* only the very first is without */
    assert_int_equal(script_count(&server, "Authorization: Basic"), 0);
    assert_int_equal(script_count(&server, "secret"), 0);
    script_stop(&server);
}

static void a_new_nonce_is_taken_up(void **state)
{
    static const char *const methods[] = {"SETUP", "PLAY"};

    (void)state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        begin(locked, methods[i]);
        session_open(&fixture, 0);
        end();
    }
}

static void locked_for_good(struct script_server *camera, const char *request)
{
    char nonce[32];

    snprintf(nonce, sizeof(nonce), "n%d", camera->requests);
    challenge(camera, request, nonce, camera->context != NULL);
}

static void wrong_credentials_are_tried_once(void **state)
{
    (void)state;
    begin(locked_for_good, NULL);
    session_open(&fixture, -EACCES);
    session_assert_error(&fixture, "refuses the username or password (401)");
    assert_int_equal(script_count(&server, "Authorization: "), 1);
    assert_null(strstr(fixture.error, "secret"));
    end();
    begin(locked_for_good, "stale"); /* a loop */
    session_open(&fixture, -EACCES);
    assert_in_range(script_count(&server, "Authorization: "), 2, 5);
    end();
    begin(locked_for_good, NULL);
    fixture.options.username = NULL;
    fixture.options.password = NULL;
    session_open(&fixture, -ENOKEY);
    session_assert_error(&fixture, "none are configured");
    assert_int_equal(script_count(&server, "Authorization: "), 0);
    end();
}

static void weak(struct script_server *camera, const char *request)
{
    script_reply(camera, request, "401 Unauthorized", camera->context, NULL);
}

static void the_password_is_not_given_away(void **state)
{
    (void)state;
    begin(weak, "WWW-Authenticate: Basic realm=\"r\"\r\n"
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=WHIRLPOOL\r\n");
    session_open(&fixture, -ENOTSUP);
    session_assert_error(&fixture, "not supported (401)");
    assert_int_equal(script_count(&server, "Authorization: "), 0);
    end();
    begin(weak, "");
    session_open(&fixture, -ENOTSUP);
    end();
}

/* The nonce grows old while the session is kept alive. */
static void ages(struct script_server *camera, const char *request)
{
    if (script_is(request, "GET_PARAMETER") && strstr(request, "nonce=\"later\"") == NULL) {
        challenge(camera, request, "later", true);
    } else if (strstr(request, "Authorization: ") == NULL) {
        challenge(camera, request, "n0", false);
    } else if (script_is(request, "SETUP")) {
        script_reply(camera, request, "200 OK", "Session: 1;timeout=2\r\n", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void keepalives_are_authenticated_anew(void **state)
{
    struct rtsp_packet packet;
    int64_t deadline = clock_now_ns() + PATIENCE_MS * NS_PER_MS;

    (void)state;
    begin(ages, NULL);
    session_open(&fixture, 0);
    while (script_count(&server, "nonce=\"later\"") == 0 && clock_now_ns() < deadline) {
        assert_int_equal(
            rtsp_session_read(fixture.session, clock_now_ns() + 20 * NS_PER_MS, &packet, fixture.error),
            -ETIMEDOUT);
    }
    assert_int_equal(script_count(&server, "nonce=\"later\""), 1);
    end();
}

static void open_door(struct script_server *camera, const char *request)
{
    script_camera(camera, request, false);
}

/* --- The gate ------------------------------------------------------------------------------------------- */

/* What the gate answers, and what it was told. */
struct gatekeeper {
    int verdict;
    int asked, briefly;
    char told[256]; /* a letter for each: enum login_result */
};

static int ask_gatekeeper(void *context, bool briefly, char error[LOGIN_ERROR_SIZE])
{
    struct gatekeeper *gatekeeper = context;

    gatekeeper->asked++;
    gatekeeper->briefly += briefly;
    if (gatekeeper->verdict < 0) {
        snprintf(error, LOGIN_ERROR_SIZE, "%sthe gate is closed",
                 gatekeeper->verdict == -EACCES ? fixture.authority : "");
    }
    return gatekeeper->verdict;
}

static void tell_gatekeeper(void *context, enum login_result result)
{
    static const char letters[] = {[LOGIN_ACCEPTED] = 'a',
                                   [LOGIN_REFUSED] = 'r',
                                   [LOGIN_REFUSED_MORE] = 'm',
                                   [LOGIN_FORBIDDEN] = 'f',
                                   [LOGIN_UNANSWERED] = 'u'};
    struct gatekeeper *gatekeeper = context;

    gatekeeper->told[strlen(gatekeeper->told)] = letters[result];
}

static void begin_gated(struct gatekeeper *gatekeeper, script_handler handler, const void *context)
{
    begin(handler, context);
    fixture.options.gate =
        (struct login_gate){.ask = ask_gatekeeper, .tell = tell_gatekeeper, .context = gatekeeper};
}

static void credentials_wait_for_the_gate(void **state)
{
    static const int verdicts[] = {-EACCES, -EBUSY};

    (void)state;
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        struct gatekeeper closed = {.verdict = verdicts[i]};
        begin_gated(&closed, locked, NULL);
        session_open(&fixture, verdicts[i]);
        session_assert_error(&fixture, "the gate is closed");
        assert_int_equal(closed.asked, 1);
        assert_string_equal(closed.told, "");
        assert_int_equal(script_count(&server, "Authorization: "), 0);
        end();
    }
}

static void an_open_camera_needs_no_gate(void **state)
{
    struct gatekeeper closed = {.verdict = -EACCES};

    (void)state;
    begin_gated(&closed, open_door, NULL);
    session_open(&fixture, 0);
    assert_int_equal(closed.asked, 0);
    end();
    assert_string_equal(closed.told, "");
}

static void the_gate_is_asked_once_for_a_connection(void **state)
{
    struct gatekeeper gatekeeper = {0};

    (void)state;
    begin_gated(&gatekeeper, locked, NULL);
    session_open(&fixture, 0);
    end();
    assert_string_equal(gatekeeper.told, "ua"); /* this camera asks at OPTIONS, whose answer proves nothing */
    assert_int_equal(gatekeeper.asked, 2);
    assert_int_equal(gatekeeper.briefly, 0);
}

static void refusals_are_told(void **state)
{
    struct gatekeeper gatekeeper = {0};

    (void)state;
    begin_gated(&gatekeeper, locked_for_good, NULL);
    session_open(&fixture, -EACCES);
    end();
    assert_string_equal(gatekeeper.told, "r");
    assert_int_equal(gatekeeper.asked, 1);
    gatekeeper = (struct gatekeeper){0};
    begin_gated(&gatekeeper, locked_for_good, "stale");
    session_open(&fixture, -EACCES);
    assert_int_equal(strlen(gatekeeper.told), script_count(&server, "Authorization: "));
    assert_int_equal(strlen(gatekeeper.told), gatekeeper.asked); /* each is asked for */
    assert_string_equal(gatekeeper.told + strspn(gatekeeper.told, "m"), "r");
    end();
}

/* Answers credentials with this status. */
static void answers_with(struct script_server *camera, const char *request)
{
    if (strstr(request, "Authorization: ") == NULL) {
        challenge(camera, request, "n0", false);
    } else {
        script_reply(camera, request, camera->context, "", NULL);
    }
}

static void other_answers_are_told(void **state)
{
    static const struct {
        const char *status, *told;
        int result;
    } cases[] = {
        {"403 Forbidden", "f", -EACCES},
        {"500 Internal Server Error", "u", -EPROTO},
        {"404 Not Found", "a", -ENOENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gatekeeper gatekeeper = {0};
        begin_gated(&gatekeeper, answers_with, cases[i].status);
        session_open(&fixture, cases[i].result);
        end();
        size_t length = strlen(gatekeeper.told);
        assert_true(length > 0);
        assert_string_equal(gatekeeper.told + length - 1, cases[i].told);
    }
}

static void a_fresh_nonce_is_asked_for_briefly(void **state)
{
    struct gatekeeper gatekeeper = {0};
    struct rtsp_packet packet;
    int64_t deadline = clock_now_ns() + PATIENCE_MS * NS_PER_MS;

    (void)state;
    begin_gated(&gatekeeper, ages, NULL);
    session_open(&fixture, 0);
    while (strstr(gatekeeper.told, "ma") == NULL && clock_now_ns() < deadline) {
        assert_int_equal(
            rtsp_session_read(fixture.session, clock_now_ns() + 20 * NS_PER_MS, &packet, fixture.error),
            -ETIMEDOUT);
    }
    assert_non_null(strstr(gatekeeper.told, "ama"));
    assert_int_equal(gatekeeper.briefly, 1);
    end();
}

/* --- Redirects --------------------------------------------------------------------------------------- */

struct directions {
    const char *location; /* of "/live" */
    int port;             /* of the other server */
    const char *host;     /* NULL: the address that was asked */
};

static void redirects(struct script_server *camera, const char *request)
{
    const struct directions *directions = camera->context;
    char text[256];

    if (strstr(request, "Authorization: ") == NULL) {
        challenge(camera, request, "n0", false);
    } else if (script_is(request, "DESCRIBE") && strstr(request, "/live ") != NULL) {
        int length = snprintf(text, sizeof(text), "Location: rtsp://%s:%d%s\r\n",
                              directions->host != NULL ? directions->host : "127.0.0.1", directions->port,
                              directions->location);
        assert_true(length > 0);
        script_reply(camera, request, "302 Found", text, NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void redirects_within_the_host_are_followed(void **state)
{
    struct directions directions = {.location = "/elsewhere"};

    (void)state;
    begin(redirects, &directions);
    directions.port = server.port;
    session_open(&fixture, 0);
    assert_int_equal(script_count(&server, "/elsewhere/track1 RTSP"), 1);
    end();
    directions.location = "/live";
    begin(redirects, &directions);
    directions.port = server.port;
    session_open(&fixture, -ELOOP);
    session_assert_error(&fixture, "redirects without end");
    end();
}

static void any_answer(struct script_server *camera, const char *request)
{
    if (camera->requests == 1) {
        challenge(camera, request, "n1", false);
    } else {
        script_camera(camera, request, false);
    }
}

static void redirects_to_others_are_not(void **state)
{
    struct directions directions = {.location = "/live", .host = "localhost"};

    (void)state;
    script_start(&other, open_door, NULL);
    directions.port = other.port;
    begin(redirects, &directions);
    session_open(&fixture, -EPERM);
    session_assert_error(&fixture, "redirects to another host");
    end();
    script_stop(&other);
    assert_int_equal(other.connections, 0);
}

/* Another port of the same host is the same camera: it gets the credentials, as the answer to its own challenge. */
static void another_port_of_the_host_gets_the_credentials(void **state)
{
    struct directions directions = {.location = "/live"};

    (void)state;
    script_start(&other, locked, NULL);
    directions.port = other.port;
    begin(redirects, &directions);
    session_open(&fixture, 0);
    assert_true(rtsp_session_authenticated(fixture.session));
    assert_int_equal(script_count(&other, "PLAY "), 1);
    end();
    script_stop(&other);
}

static void others_get_no_credentials(void **state)
{
    struct directions directions = {.location = "/live", .host = "localhost"};

    (void)state;
    script_start(&other, open_door, NULL);
    directions.port = other.port;
    begin(redirects, &directions);
    fixture.options.allow_redirect = true;
    session_open(&fixture, 0);
    end();
    assert_int_equal(script_count(&other, "PLAY "), 1);
    assert_int_equal(script_count(&other, "Authorization: "), 0);
    script_stop(&other);

    script_start(&other, any_answer, NULL);
    directions.port = other.port;
    begin(redirects, &directions);
    fixture.options.allow_redirect = true;
    session_open(&fixture, -ENOKEY);
    end();
    assert_int_equal(script_count(&other, "Authorization: "), 0);
    script_stop(&other);
}

struct detour {
    const char *method, *location;
};

/* Redirects one method, and takes the whole conversation at "/other". */
static void detours(struct script_server *camera, const char *request)
{
    const struct detour *detour = camera->context;

    if (script_is(request, detour->method) && strstr(request, "/other") == NULL) {
        script_reply(camera, request, "307 Temporary Redirect", detour->location, NULL);
    } else {
        script_camera(camera, request, false);
    }
}

/* Any method may be redirected, by any form of a URL. */
static void every_redirect_is_followed(void **state)
{
    static const struct detour cases[] = {
        {"OPTIONS", "Location: /other\r\n"},      {"DESCRIBE", "location: other\r\n"},
        {"DESCRIBE", "Location: /other?a=b\r\n"}, {"SETUP", "Location: /other\r\n"},
        {"SETUP", "LOCATION:  other?x=/y  \r\n"}, {"PLAY", "Location: /other/\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(detours, &cases[i]);
        session_open(&fixture, 0);
        assert_int_equal(server.connections, 2);
        assert_int_equal(script_count(&server, "PLAY rtsp://127.0.0.1"),
                         strcmp(cases[i].method, "PLAY") == 0 ? 2 : 1);
        end();
    }
}

static void nowhere(struct script_server *camera, const char *request)
{
    script_reply(camera, request, "301 Moved", camera->context, NULL);
}

static void redirects_to_nowhere_are_told(void **state)
{
    static const char *const locations[] = {"", "Location: http://127.0.0.1/\r\n", "Location: rtsp://\r\n",
                                            "Location: rtsp://h:99999/\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
        begin(nowhere, locations[i]);
        session_open(&fixture, -EPROTO);
        session_assert_error(&fixture, "redirects to nowhere");
        end();
    }
    begin(nowhere, "Location: rtsps://127.0.0.1:1/\r\n");
    session_open(&fixture, -ECONNREFUSED); /* the same host, and what is sent is protected there */
    end();
    begin(nowhere, "Location: /live\r\n"); /* relative */
    session_open(&fixture, -ELOOP);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_is_answered),
        cmocka_unit_test(a_new_nonce_is_taken_up),
        cmocka_unit_test(wrong_credentials_are_tried_once),
        cmocka_unit_test(the_password_is_not_given_away),
        cmocka_unit_test(keepalives_are_authenticated_anew),
        cmocka_unit_test(credentials_wait_for_the_gate),
        cmocka_unit_test(an_open_camera_needs_no_gate),
        cmocka_unit_test(the_gate_is_asked_once_for_a_connection),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(other_answers_are_told),
        cmocka_unit_test(a_fresh_nonce_is_asked_for_briefly),
        cmocka_unit_test(redirects_within_the_host_are_followed),
        cmocka_unit_test(redirects_to_others_are_not),
        cmocka_unit_test(another_port_of_the_host_gets_the_credentials),
        cmocka_unit_test(others_get_no_credentials),
        cmocka_unit_test(every_redirect_is_followed),
        cmocka_unit_test(redirects_to_nowhere_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
