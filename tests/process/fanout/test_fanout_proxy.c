/* SPDX-License-Identifier: MIT */
/*
 * A fan-out behind a proxy and for pages of other origins, by a real ringcast-fanout (docs/reference/http.md). 127.0.0.2 is the
 * proxy that is trusted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"

#define PROXY "127.0.0.2"

static int tell_rules(void)
{
    fanout_tell_http(&fanout, json_pack("{s:[s], s:[s], s:[s], s:[s, s], s:s, s:i}", "trusted_proxies", PROXY,
                                        "origins", "https://nvr.example", "cors_origins",
                                        "https://app.example", "frame_ancestors", "'self'",
                                        "https://ha.example", "base_path", "/cams", "hsts", 300));
    return 0;
}

static int set_up(void **state)
{
    front_set_up(state);
    return tell_rules();
}

static int tear_down(void **state)
{
    client_set_source(NULL);
    return front_tear_down(state);
}

static char *body_of(struct client *client)
{
    char *length = client_header(client, "Content-Length");
    assert_non_null(length);
    size_t size = strtoul(length, NULL, 10);
    free(length);
    return strndup((const char *)client_read_bytes(client, size), size);
}

static void expect_header(const struct client *client, const char *name, const char *expected)
{
    char *value = client_header(client, name);
    if (!value ? expected != NULL : !expected || strcmp(value, expected) != 0) {
        fail_msg("%s: %s and not %s", name, value ? value : "missing", expected ? expected : "missing");
    }
    free(value);
}

static void expect_words(const char *text, const char *words)
{
    if (!strstr(text, words)) {
        fail_msg("no %s in %s", words, text);
    }
}

/* --- Whose pages may ask -------------------------------------------------------------------------------- */

static void origins_that_are_listed_are_let_in(void **state)
{
    static const struct {
        int status;
        const char *source, *headers;
    } cases[] = {
        {101, NULL, "Origin: https://nvr.example\r\n"},
        {101, NULL, "Origin: https://app.example\r\n"},
        {101, NULL, "Origin: https://cameras.example\r\n"},
        {403, NULL, "Origin: http://nvr.example\r\n"},
        {403, NULL, "Origin: https://evil.example\r\n"},
        {403, NULL, "Origin: null\r\n"},
        /* The proxy rewrites Host and says what it was; others may say what they like. */
        {101, PROXY,
         "Host: 10.0.0.1:8080\r\nX-Forwarded-Host: pub.example\r\nOrigin: https://pub.example\r\n"},
        {403, NULL,
         "Host: 10.0.0.1:8080\r\nX-Forwarded-Host: pub.example\r\nOrigin: https://pub.example\r\n"},
        {101, PROXY,
         "Host: 10.0.0.1\r\nX-Forwarded-Host: pub.example:8443, inner\r\nOrigin: "
         "https://pub.example:8443\r\n"},
        {403, PROXY, "Host: 10.0.0.1\r\nX-Forwarded-Host: pub.example\r\nOrigin: https://10.0.0.1\r\n"},
        {101, PROXY, "Host: pub.example\r\nX-Forwarded-Proto: https\r\nOrigin: https://pub.example\r\n"},
        {403, PROXY, "Host: pub.example\r\nX-Forwarded-Proto: https\r\nOrigin: http://pub.example\r\n"},
        {101, NULL, "Host: pub.example\r\nX-Forwarded-Proto: https\r\nOrigin: http://pub.example\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client;
        client_set_source(cases[i].source);
        client_open(&client, fanout.port, "/live/front", cases[i].headers, 0);
        if (client.status != cases[i].status) {
            fail_msg("%d and not %d for %s", client.status, cases[i].status, cases[i].headers);
        }
        client_close(&client, false);
    }
}

static void a_refusal_says_what_differs(void **state)
{
    struct client client;
    (void)state;
    client_open(&client, fanout.port, "/live/front",
                "Host: 127.0.0.1:8080\r\nOrigin: https://pub.example:8443\r\n", 0);
    assert_int_equal(client.status, 403);
    char *body = body_of(&client);
    expect_words(body, "\"https://pub.example:8443\"");
    expect_words(body, "\"http(s)://127.0.0.1:8080\"");
    expect_words(body, "origins = ( \"https://pub.example:8443\" )");
    expect_words(body, "trusted_proxies");
    free(body);
    client_close(&client, false);

    client_open(&client, fanout.port, "/live/front", "Origin: <b>x</b>\r\n", 0);
    assert_int_equal(client.status, 403);
    body = body_of(&client);
    assert_null(strstr(body, "<b>"));
    expect_words(body, "null");
    free(body);
    client_close(&client, false);
}

static void pages_that_may_read_are_told_so(void **state)
{
    static const struct {
        const char *origin, *allowed, *credentials;
    } cases[] = {
        {"Origin: https://app.example\r\n", "https://app.example", "true"},
        {"Origin: https://nvr.example\r\n", NULL, NULL},
        {"Origin: https://app.example.evil\r\n", NULL, NULL},
        {"Origin: http://app.example\r\n", NULL, NULL},
        {"Origin: null\r\n", NULL, NULL},
        {"", NULL, NULL},
    };
    static const char *const paths[] = {"/api/cameras", "/ringcast-player.js", "/nothing", "/live/front"};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t path = 0; path < sizeof(paths) / sizeof(paths[0]); path++) {
            struct client client;
            client_request(&client, fanout.port, "GET", paths[path], cases[i].origin);
            expect_header(&client, "Access-Control-Allow-Origin", cases[i].allowed);
            expect_header(&client, "Access-Control-Allow-Credentials", cases[i].credentials);
            expect_header(&client, "Vary", "Origin");
            client_close(&client, false);
        }
    }
}

static void a_browser_may_ask_before_it_asks(void **state)
{
    static const char ask[] = "Access-Control-Request-Method: POST\r\n";
    static const char *const paths[] = {"/api/cameras", "/live/front", "/nothing", "/cams/api/login"};
    char headers[160];
    struct client client;
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        snprintf(headers, sizeof(headers), "Origin: https://app.example\r\n%s", ask);
        client_request(&client, fanout.port, "OPTIONS", paths[i], headers);
        assert_int_equal(client.status, 204);
        expect_header(&client, "Access-Control-Allow-Origin", "https://app.example");
        expect_header(&client, "Access-Control-Allow-Credentials", "true");
        expect_header(&client, "Access-Control-Allow-Methods", "GET, HEAD, POST");
        expect_header(&client, "Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match");
        client_close(&client, false);
        snprintf(headers, sizeof(headers), "Origin: https://nvr.example\r\n%s", ask);
        client_request(&client, fanout.port, "OPTIONS", paths[i], headers);
        assert_int_equal(client.status, 405);
        expect_header(&client, "Access-Control-Allow-Origin", NULL);
        client_close(&client, false);
        client_request(&client, fanout.port, "OPTIONS", paths[i], "Origin: https://app.example\r\n");
        assert_int_equal(client.status, 405);
        client_close(&client, false);
    }
}

static void frames_and_https_are_as_configured(void **state)
{
    struct client client;
    (void)state;
    client_request(&client, fanout.port, "GET", "/", "X-Forwarded-Proto: https\r\n");
    char *policy = client_header(&client, "Content-Security-Policy");
    expect_words(policy, "; frame-ancestors 'self' https://ha.example");
    free(policy);
    expect_header(&client, "Strict-Transport-Security", NULL);
    client_close(&client, false);
    client_set_source(PROXY);
    client_request(&client, fanout.port, "GET", "/", "X-Forwarded-Proto: https\r\n");
    expect_header(&client, "Strict-Transport-Security", "max-age=300");
    client_close(&client, false);
    client_request(&client, fanout.port, "GET", "/nothing", "X-Forwarded-Proto: https\r\n");
    expect_header(&client, "Strict-Transport-Security", "max-age=300");
    client_close(&client, false);
    client_request(&client, fanout.port, "GET", "/", "X-Forwarded-Proto: http\r\n");
    expect_header(&client, "Strict-Transport-Security", NULL);
    client_close(&client, false);
}

/* --- Under a path --------------------------------------------------------------------------------------- */

static char *live_of(struct client *client)
{
    char *body = body_of(client);
    json_t *list = json_loads(body, 0, NULL);
    const json_t *row = json_array_get(json_object_get(list, "cameras"), 0);
    char *live = strdup(json_string_value(json_object_get(row, "live")));
    json_decref(list);
    free(body);
    return live;
}

static void a_base_path_may_be_left_away_or_passed_on(void **state)
{
    static const struct {
        int status;
        const char *path;
    } cases[] = {
        {200, "/"},
        {200, "/cams/"},
        {200, "/cams/ringcast-player.js"},
        {200, "/index.html"},
        {200, "/cams/index.html"},
        {200, "/cams/api/cameras"},
        {404, "/camsx/"},
        {404, "/cams/cams/"},
        {404, "/CAMS/"},
        {404, "/cams/nothing"},
        {404, "/cams/live/front"},
    };
    struct client client;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        client_request(&client, fanout.port, "GET", cases[i].path, "");
        if (client.status != cases[i].status) {
            fail_msg("%d and not %d for %s", client.status, cases[i].status, cases[i].path);
        }
        client_close(&client, false);
    }
    client_request(&client, fanout.port, "GET", "/cams?kiosk&size=2", "");
    assert_int_equal(client.status, 308);
    expect_header(&client, "Location", "/cams/?kiosk&size=2");
    client_close(&client, false);
    client_request(&client, fanout.port, "GET", "/api/cameras", "");
    char *live = live_of(&client);
    assert_string_equal(live, "/cams/live/front");
    client_close(&client, false);
    client_open(&client, fanout.port, live, "", 0);
    assert_int_equal(client.status, 101);
    client_close(&client, false);
    client_open(&client, fanout.port, "/live/front", "", 0);
    assert_int_equal(client.status, 101);
    client_close(&client, false);
    free(live);
}

static void a_trusted_proxy_says_which_prefix_it_has_left_away(void **state)
{
    static const struct {
        const char *source, *headers, *live;
    } cases[] = {
        {PROXY, "X-Ingress-Path: /api/hassio_ingress/Ab-_9\r\n", "/api/hassio_ingress/Ab-_9/live/front"},
        {PROXY, "X-Forwarded-Prefix: /other/\r\n", "/other/live/front"},
        {PROXY, "X-Ingress-Path: /a\r\nX-Forwarded-Prefix: /b\r\n", "/a/live/front"},
        {PROXY, "X-Ingress-Path: //evil.example\r\n", "/cams/live/front"},
        {PROXY, "X-Ingress-Path: /a\";b\r\n", "/cams/live/front"},
        {PROXY, "X-Forwarded-Prefix: /\r\n", "/cams/live/front"},
        {PROXY, "", "/cams/live/front"},
        {NULL, "X-Ingress-Path: /api/hassio_ingress/Ab-_9\r\n", "/cams/live/front"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client;
        client_set_source(cases[i].source);
        client_request(&client, fanout.port, "GET", "/api/cameras", cases[i].headers);
        char *live = live_of(&client);
        if (strcmp(live, cases[i].live) != 0) {
            fail_msg("%s and not %s for %s", live, cases[i].live, cases[i].headers);
        }
        free(live);
        client_close(&client, false);
    }
}

/* --- Who asks ------------------------------------------------------------------------------------------- */

/* Of a new viewer; those before may still be there. */
static char *address_of_viewer(const char *headers)
{
    struct client client;
    client_open(&client, fanout.port, "/live/front", headers, 0);
    assert_int_equal(client.status, 101);
    json_decref(expect_text(&client, "state"));
    fanout_tell(&fanout,
                json_pack("{s:i, s:s, s:i}", "v", MESSAGE_VERSION, "type", "viewers-list", "number", 2), NULL,
                0);
    json_t *page = fanout_wait(&fanout, "viewers-page");
    const json_t *viewers = json_object_get(page, "viewers");
    const json_t *newest = json_array_get(viewers, json_array_size(viewers) - 1);
    char *address = strdup(json_string_value(json_object_get(newest, "address")));
    json_decref(page);
    client_close(&client, false);
    return address;
}

static void viewers_are_named_by_their_own_address(void **state)
{
    static const struct {
        const char *source, *headers, *address;
    } cases[] = {
        {NULL, "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1:"},
        {PROXY, "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"},
        {PROXY, "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"},
        {PROXY, "X-Forwarded-For: 1.1.1.1, 2001:db8:1:2:3:4:5:6\r\n", "2001:db8:1:2:3:4:5:6"},
        {PROXY, "Forwarded: for=1.1.1.1, for=\"[2001:db8::7]:99\"\r\n", "2001:db8::7"},
        {PROXY, "X-Forwarded-For: nonsense\r\n", "127.0.0.2:"},
        {PROXY, "", "127.0.0.2:"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        client_set_source(cases[i].source);
        char *address = address_of_viewer(cases[i].headers);
        size_t length = strlen(cases[i].address);
        bool port = cases[i].address[length - 1] == ':' && length < sizeof("255.255.255.255:");
        if (port ? strncmp(address, cases[i].address, length) != 0 : strcmp(address, cases[i].address) != 0) {
            fail_msg("%s and not %s for %s", address, cases[i].address, cases[i].headers);
        }
        free(address);
    }
}

/* However much is before it, the end of the list is what the proxy has written. */
static void a_long_list_hides_nobody(void **state)
{
    char headers[16384] = "X-Forwarded-For: ";
    (void)state;
    client_set_source(PROXY);
    for (int i = 0; i < 900; i++) {
        strcat(headers, "203.0.113.9, ");
    }
    strcat(headers, "192.0.2.7\r\nForwarded: for=192.0.2.7\r\n");
    char *address = address_of_viewer(headers);
    assert_string_equal(address, "192.0.2.7");
    free(address);
}

static void open_paused(struct client *client, const char *visitor)
{
    char header[64];
    snprintf(header, sizeof(header), "X-Forwarded-For: %s\r\n", visitor);
    client_open(client, fanout.port, "/live/front", header, 0);
    assert_int_equal(client->status, 101);
    say(client, "{\"type\":\"pause\"}");
}

/* Whoever pauses too many viewers loses one of them; the proxy's other visitors lose none. */
static void visitors_of_one_proxy_have_shares_of_their_own(void **state)
{
    enum { EACH = 2 };
    struct client mine[EACH + 1], other[EACH];
    struct client_message message;
    (void)state;
    client_set_source(PROXY);
    for (int i = 0; i < EACH; i++) {
        open_paused(&other[i], "192.0.2.7");
        open_paused(&mine[i], "192.0.2.8");
    }
    open_paused(&mine[EACH], "192.0.2.8");
    expect_close(&mine[0], 1013);
    for (int i = 0; i < EACH; i++) {
        say(&other[i], "{\"type\":\"time\",\"client\":1}");
        do {
            next_data(&other[i], &message);
            assert_int_equal(message.opcode, CLIENT_TEXT);
        } while (!strstr((const char *)message.payload, "server_ms"));
        client_close(&other[i], false);
        client_close(&mine[i + 1], false);
    }
}

static int set_up_two_idle(void **state)
{
    (void)state;
    front_begin(RING_BYTES, "idle_per_client", 2);
    return tell_rules();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(origins_that_are_listed_are_let_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_says_what_differs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_that_may_read_are_told_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_browser_may_ask_before_it_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_and_https_are_as_configured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_base_path_may_be_left_away_or_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trusted_proxy_says_which_prefix_it_has_left_away, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(viewers_are_named_by_their_own_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_list_hides_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(visitors_of_one_proxy_have_shares_of_their_own, set_up_two_idle,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
