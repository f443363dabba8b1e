/* SPDX-License-Identifier: MIT */
/*
 * Who may watch, by a real ringcast-fanout (docs/reference/http.md). The test plays ringcastd, which says who there is, and
 * ringcast-password.
 */
#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "tests/process/fanout/fixture.h"
#include "tests/process/fanout/visitors.h"
#include "tests/support/patience.h"

#define JSON "Content-Type: application/json\r\n"

/* The user agent of a browser. */
#define BROWSER "User-Agent: Mozilla/5.0\r\n"

static int set_up(void **state)
{
    visitors_set_up(state);
    return 0;
}

static int tear_down(void **state)
{
    visitors_tear_down(state);
    return 0;
}

/* ---- Requests ---- */

static char *read_body(struct client *client)
{
    char *length = client_header(client, "Content-Length");
    size_t size = length ? strtoul(length, NULL, 10) : 0;

    free(length);
    return strndup(size ? (const char *)client_read_bytes(client, size) : "", size);
}

/* The whole answer. The caller frees it. */
static char *whole_answer(const char *method, const char *path, const char *headers)
{
    struct client client;
    char *whole;

    client_request(&client, fanout.port, method, path, headers);
    char *body = strcmp(method, "HEAD") == 0 ? strdup("") : read_body(&client);
    assert_true(asprintf(&whole, "%s%s", client.head ? client.head : "", body) >= 0);
    free(body);
    client_close(&client, false);
    return whole;
}

static int status_of(const char *method, const char *path, const char *headers)
{
    struct client client;

    client_request(&client, fanout.port, method, path, headers);
    int status = client.status;
    client_close(&client, false);
    return status;
}

static int upgrade_status(const char *path, const char *headers)
{
    struct client client;

    client_open(&client, fanout.port, path, headers, 0);
    int status = client.status;
    client_close(&client, false);
    return status;
}

static void expect_header(const struct client *client, const char *name, const char *expected)
{
    char *value = client_header(client, name);

    if (!value ? expected != NULL : !expected || strcmp(value, expected) != 0) {
        fail_msg("%s: %s and not %s", name, value ? value : "missing", expected ? expected : "missing");
    }
    free(value);
}

static void send_post(struct client *client, const char *path, const char *headers, const char *body)
{
    char *text;

    client_connect(client, fanout.port, 0);
    assert_true(asprintf(&text,
                         "POST %s HTTP/1.1\r\nHost: cameras.example\r\nContent-Length: %zu\r\n%s\r\n%s", path,
                         strlen(body), headers, body) > 0);
    client_send(client, text);
    free(text);
}

static int post_status(const char *path, const char *headers, const char *body)
{
    struct client client;

    send_post(&client, path, headers, body);
    client_read_head(&client);
    int status = client.status;
    client_close(&client, false);
    return status;
}

static json_t *read_json(struct client *client)
{
    char *body = read_body(client);
    json_t *object = json_loads(body, 0, NULL);

    assert_non_null(object);
    free(body);
    return object;
}

/* Logs anna in. The caller frees the header line that shows her session. */
static char *log_in(void)
{
    struct client client;
    char *line;

    send_post(&client, "/api/login", JSON, "{\"user\":\"anna\",\"password\":\"secret\"}");
    answer_question(expect_question("anna", "secret"), "right", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    char *cookie = client_header(&client, "Set-Cookie");
    assert_non_null(cookie);
    assert_true(asprintf(&line, "Cookie: %.*s\r\n", (int)strcspn(cookie, ";"), cookie) > 0);
    free(cookie);
    client_close(&client, false);
    return line;
}

/* ---- Verdicts ---- */

static void each_path_asks_for_its_right(void **state)
{
    static const struct {
        int status;
        const char *method, *path, *headers;
    } cases[] = {
        {401, "GET", "/", ""},
        {401, "HEAD", "/", ""},
        {401, "GET", "/index.html", ""},
        {401, "GET", "/api/cameras", ""},
        {401, "POST", "/api/cameras", ""},
        {401, "DELETE", "/api/cameras", ""},
        {401, "GET", "/api/session", ""},
        {401, "GET", "/live/front", ""},
        {401, "GET", "/live/nothing", ""},
        {401, "GET", "/live/", ""},
        {200, "GET", "/ringcast-player.js", ""},
        {404, "GET", "/nothing.js", ""},
        {405, "GET", "/api/login", ""},
        {405, "GET", "/api/logout", ""},
        {200, "GET", "/", BEARER_FRONT},
        {200, "HEAD", "/index.html", BEARER_FRONT},
        {200, "GET", "/api/cameras", BEARER_FRONT},
        {200, "GET", "/api/session", BEARER_FRONT},
        {405, "POST", "/api/session", BEARER_FRONT},
        {405, "PUT", "/api/cameras", BEARER_FRONT},
        {404, "GET", "/live/front", BEARER_FRONT},
        {405, "POST", "/live/front", BEARER_FRONT},
        {404, "GET", "/live/yard", BEARER_FRONT},
        {404, "POST", "/live/yard", BEARER_FRONT},
        {404, "POST", "/live/nothing", BEARER_FRONT},
        {404, "PUT", "/live/yard", BEARER_FRONT},
        {405, "POST", "/live/yard", BEARER_ALL},
        {401, "GET", "/api/cameras", "Authorization: Bearer " TOKEN_UNKNOWN "\r\n"},
        {401, "GET", "/api/cameras", "Authorization: Bearer nonsense\r\n"},
        {401, "GET", "/api/cameras", "Authorization: Negotiate abc\r\n"},
        {401, "GET", "/api/cameras", "Cookie: ringcast_session=abc.def\r\n"},
        {200, "GET", "/api/cameras?token=" TOKEN_FRONT, ""},
        {200, "GET", "/api/cameras?x=y&token=" TOKEN_FRONT, ""},
        {401, "GET", "/api/cameras?token=" TOKEN_UNKNOWN, ""},
        {200, "GET", "/api/cameras", "Cookie: ringcast_token=" TOKEN_FRONT "\r\n"},
        {200, "GET", "/api/cameras", "Cookie: a=b; ringcast_token=" TOKEN_FRONT "; c=d\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = status_of(cases[i].method, cases[i].path, cases[i].headers);
        if (status != cases[i].status) {
            fail_msg("%d and not %d for %s %s with %s", status, cases[i].status, cases[i].method,
                     cases[i].path, cases[i].headers);
        }
    }
}

static void viewers_are_let_in_by_their_rights(void **state)
{
    static char long_token[3000];
    static const struct {
        int status;
        const char *path, *headers;
    } cases[] = {
        {401, "/live/front", ""},
        {401, "/live/nothing", ""},
        {401, "/live/front", "Authorization: Bearer " TOKEN_UNKNOWN "\r\n"},
        {101, "/live/front", BEARER_FRONT},
        {404, "/live/yard", BEARER_FRONT},
        {404, "/live/nothing", BEARER_FRONT},
        {404, "/live/front?stream=sub", BEARER_FRONT},
        {101, "/live/yard", BEARER_ALL},
        {101, "/live/front?token=" TOKEN_FRONT, ""},
        {404, "/live/yard?token=" TOKEN_FRONT, ""},
        {101, "/live/front", "Cookie: ringcast_token=" TOKEN_FRONT "\r\n"},
        {101, "/live/front", "Sec-WebSocket-Protocol: ringcast, ringcast.token." TOKEN_FRONT "\r\n"},
        {101, "/live/front", "Sec-WebSocket-Protocol: ringcast.token." TOKEN_FRONT ",ringcast\r\n"},
        {101, "/live/front",
         "Sec-WebSocket-Protocol: ringcast.token." TOKEN_FRONT "\r\n"
         "Sec-WebSocket-Protocol: ringcast\r\n"},
        {404, "/live/yard", "Sec-WebSocket-Protocol: ringcast, ringcast.token." TOKEN_FRONT "\r\n"},
        {401, "/live/front", "Sec-WebSocket-Protocol: ringcast, ringcast.token." TOKEN_UNKNOWN "\r\n"},
        {401, "/live/front", "Sec-WebSocket-Protocol: ringcast\r\n"},
        {400, "/live/front", "Sec-WebSocket-Protocol: ringcast.token." TOKEN_FRONT "\r\n"},
        {401, "/live/front", long_token},
    };
    (void)state;
    snprintf(long_token, sizeof(long_token),
             "Sec-WebSocket-Protocol: other, ringcast.token.%0*d.b.c, ringcast\r\n", 2900, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = upgrade_status(cases[i].path, cases[i].headers);
        if (status != cases[i].status) {
            fail_msg("%d and not %d for %s with %s", status, cases[i].status, cases[i].path,
                     cases[i].headers);
        }
    }
    struct client client;
    client_open(&client, fanout.port, "/live/front",
                "Sec-WebSocket-Protocol: ringcast.token." TOKEN_FRONT ", ringcast\r\n", 0);
    assert_int_equal(client.status, 101);
    expect_header(&client, "Sec-WebSocket-Protocol", "ringcast");
    assert_null(strstr(client.head, TOKEN_FRONT));
    client_close(&client, false);
}

static void not_allowed_is_answered_as_not_there(void **state)
{
    static const char *const ways[] = {
        BEARER_FRONT,
        BEARER_FRONT "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Cookie: ringcast_token=" TOKEN_FRONT "\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n",
        "",
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    (void)state;
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
            char *hidden = whole_answer(methods[i], "/live/yard", ways[way]);
            char *absent = whole_answer(methods[i], "/live/gone", ways[way]);
            assert_string_equal(hidden, absent);
            assert_true(strlen(hidden) > 0);
            free(hidden);
            free(absent);
        }
    }
}

static void who_is_unknown_is_told_how_to_log_in(void **state)
{
    struct client client;

    (void)state;
    client_request(&client, fanout.port, "GET", "/", "Accept: text/html,*/*\r\n" BROWSER);
    assert_int_equal(client.status, 401);
    expect_header(&client, "WWW-Authenticate", "Session");
    expect_header(&client, "Content-Type", "text/html; charset=utf-8");
    expect_header(&client, "Cache-Control", "no-store");
    char *page = read_body(&client);
    assert_non_null(strstr(page, "log in here"));
    free(page);
    client_close(&client, false);

    client_request(&client, fanout.port, "GET", "/api/cameras", "User-Agent: curl/8.0\r\n");
    assert_int_equal(client.status, 401);
    expect_header(&client, "WWW-Authenticate", "Basic realm=\"ringcast\", charset=\"UTF-8\"");
    expect_header(&client, "Content-Type", "text/plain; charset=utf-8");
    client_close(&client, false);

    client_request(&client, fanout.port, "GET", "/login", "");
    assert_int_equal(client.status, 200);
    page = read_body(&client);
    assert_non_null(strstr(page, "log in here"));
    free(page);
    client_close(&client, false);
}

static size_t listed(const char *headers, char **tag)
{
    struct client client;

    client_request(&client, fanout.port, "GET", "/api/cameras", headers);
    assert_int_equal(client.status, 200);
    *tag = client_header(&client, "ETag");
    assert_non_null(*tag);
    json_t *answer = read_json(&client);
    size_t count = json_array_size(json_object_get(answer, "cameras"));
    json_decref(answer);
    client_close(&client, false);
    return count;
}

static void the_list_is_the_visitors_own(void **state)
{
    char *own, *all, header[256];

    (void)state;
    assert_int_equal(listed(BEARER_FRONT, &own), 1);
    assert_int_equal(listed(BEARER_ALL, &all), 2);
    assert_string_not_equal(own, all);
    snprintf(header, sizeof(header), BEARER_FRONT "If-None-Match: %s\r\n", own);
    assert_int_equal(status_of("GET", "/api/cameras", header), 304);
    snprintf(header, sizeof(header), BEARER_FRONT "If-None-Match: %s\r\n", all);
    assert_int_equal(status_of("GET", "/api/cameras", header), 200);
    snprintf(header, sizeof(header), "If-None-Match: %s\r\n", own);
    assert_int_equal(status_of("GET", "/api/cameras", header), 401);
    free(own);
    free(all);
}

static void without_log_in_all_is_open(void **state)
{
    (void)state;
    tell_access(json_pack("{s:b}", "on", false));
    assert_int_equal(status_of("GET", "/", ""), 200);
    assert_int_equal(status_of("GET", "/api/cameras", "Authorization: Bearer " TOKEN_UNKNOWN "\r\n"), 200);
    assert_int_equal(upgrade_status("/live/yard", ""), 101);
    assert_int_equal(post_status("/api/login", JSON, "{\"user\":\"anna\",\"password\":\"secret\"}"), 404);
    struct client client;
    client_request(&client, fanout.port, "GET", "/api/session", "");
    json_t *answer = read_json(&client);
    json_t *expected = json_pack("{s:b}", "auth", false);
    assert_true(json_equal(answer, expected));
    json_decref(expected);
    json_decref(answer);
    client_close(&client, false);
}

/* ---- Log-in ---- */

static void a_log_in_gives_a_session(void **state)
{
    struct client client;

    (void)state;
    send_post(&client, "/api/login", JSON, "{\"user\":\"anna\",\"password\":\"secret\"}");
    json_int_t number = expect_question("anna", "secret");
    /* The loop goes on meanwhile. */
    assert_int_equal(status_of("GET", "/api/cameras", BEARER_FRONT), 200);
    assert_false(client_has_news(&client));
    answer_question(number, "right", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    expect_header(&client, "Cache-Control", "no-store");
    char *cookie = client_header(&client, "Set-Cookie");
    assert_non_null(cookie);
    assert_int_equal(strncmp(cookie, "ringcast_session=", 17), 0);
    assert_non_null(strstr(cookie, "; Path=/; Max-Age="));
    assert_non_null(strstr(cookie, "; HttpOnly; SameSite=Strict"));
    assert_null(strstr(cookie, "Secure"));
    json_t *answer = read_json(&client);
    assert_string_equal(json_string_value(json_object_get(answer, "user")), "anna");
    assert_string_equal(json_string_value(json_object_get(answer, "role")), "viewer");
    json_int_t expires = json_integer_value(json_object_get(answer, "expires"));
    assert_true(expires > time(NULL) && expires <= time(NULL) + 3600);
    json_decref(answer);

    /* The same connection serves the next request, with the session. */
    char *request;
    assert_true(asprintf(&request,
                         "GET /api/session HTTP/1.1\r\nHost: cameras.example\r\nCookie: %.*s\r\n\r\n",
                         (int)strcspn(cookie, ";"), cookie) > 0);
    client_send(&client, request);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    answer = read_json(&client);
    json_t *expected = json_pack("{s:b, s:s, s:s, s:s, s:I}", "auth", true, "user", "anna", "role", "viewer",
                                 "via", "session", "expires", expires);
    assert_true(json_equal(answer, expected));
    json_decref(expected);
    json_decref(answer);
    free(request);
    free(cookie);
    client_close(&client, false);
}

static void a_log_in_may_fail(void **state)
{
    struct client client;

    (void)state;
    send_post(&client, "/api/login", JSON, "{\"user\":\"nobody\",\"password\":\"x\"}");
    answer_question(expect_question("nobody", "x"), "wrong", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 401);
    expect_header(&client, "Set-Cookie", NULL);
    json_t *answer = read_json(&client);
    assert_string_equal(json_string_value(json_object_get(answer, "error")), "wrong user or password");
    json_decref(answer);
    client_close(&client, false);

    send_post(&client, "/api/login", JSON, "{\"user\":\"anna\",\"password\":\"x\"}");
    answer_question(expect_question("anna", "x"), "slow", 17);
    client_read_head(&client);
    assert_int_equal(client.status, 429);
    expect_header(&client, "Retry-After", "17");
    client_close(&client, false);

    /* ringcast-password says that the password is right, but ringcastd has told of no such user. */
    send_post(&client, "/api/login", JSON, "{\"user\":\"nobody\",\"password\":\"x\"}");
    answer_question(expect_question("nobody", "x"), "right", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 401);
    client_close(&client, false);

    /* The process ends while the question waits. */
    send_post(&client, "/api/login", JSON, "{\"user\":\"anna\",\"password\":\"secret\"}");
    expect_question("anna", "secret");
    end_passwords();
    client_read_head(&client);
    assert_int_equal(client.status, 503);
    char *retry = client_header(&client, "Retry-After");
    assert_non_null(retry);
    free(retry);
    client_close(&client, false);
    assert_int_equal(post_status("/api/login", JSON, "{\"user\":\"anna\",\"password\":\"secret\"}"), 503);
    assert_int_equal(status_of("GET", "/api/cameras", BASIC_ANNA), 503);
    begin_passwords();
    free(log_in());
}

static void a_log_in_must_have_the_right_form(void **state)
{
    static char large[5000];
    static const char good[] = "{\"user\":\"anna\",\"password\":\"secret\"}";
    (void)state;
    assert_int_equal(post_status("/api/login", "", good), 415);
    assert_int_equal(post_status("/api/login", "Content-Type: text/plain\r\n", good), 415);
    assert_int_equal(post_status("/api/login", "Content-Type: application/x-www-form-urlencoded\r\n", good),
                     415);
    assert_int_equal(post_status("/api/login", JSON "Origin: http://evil.example\r\n", good), 403);
    assert_int_equal(post_status("/api/login", JSON "Origin: null\r\n", good), 403);
    assert_int_equal(post_status("/api/logout", "Origin: http://evil.example\r\n", ""), 403);
    assert_int_equal(post_status("/api/login", JSON, "{\"user\":\"anna\"}"), 400);
    assert_int_equal(post_status("/api/login", JSON, "{\"user\":\"anna\",\"password\":7}"), 400);
    assert_int_equal(post_status("/api/login", JSON, "[]"), 400);
    assert_int_equal(post_status("/api/login", JSON, "nonsense"), 400);
    assert_int_equal(post_status("/api/login", JSON, ""), 400);
    memset(large, 'x', sizeof(large) - 1);
    assert_int_equal(post_status("/api/login", JSON, large), 413);
    assert_int_equal(status_of("POST", "/api/login", JSON "Content-Length: 12x\r\n"), 400);
    assert_int_equal(status_of("POST", "/api/login", JSON "Content-Length: -1\r\n"), 400);
    assert_int_equal(status_of("POST", "/api/login", JSON "Content-Length: 99999999999999999999\r\n"), 413);
    assert_int_equal(status_of("POST", "/api/login", JSON "Transfer-Encoding: chunked\r\n"), 411);
    assert_int_equal(status_of("POST", "/api/login", JSON), 400);
    struct client client;
    client_request(&client, fanout.port, "GET", "/api/login", "");
    assert_int_equal(client.status, 405);
    expect_header(&client, "Allow", "POST");
    client_close(&client, false);

    /* A body in pieces, of the server's own page. */
    client_connect(&client, fanout.port, 0);
    client_send(&client,
                "POST /api/login HTTP/1.1\r\nHost: cameras.example\r\nOrigin: http://cameras.example\r\n"
                "Content-Type: application/json; charset=utf-8\r\nContent-Length: 35\r\n\r\n{\"user\":");
    settle();
    client_send(&client, "\"anna\",\"password\":");
    settle();
    client_send(&client, "\"secret\"}");
    answer_question(expect_question("anna", "secret"), "right", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    client_close(&client, false);
}

static void whoever_waits_may_go_away(void **state)
{
    struct client client;

    (void)state;
    send_post(&client, "/api/login", JSON, "{\"user\":\"anna\",\"password\":\"secret\"}");
    json_int_t number = expect_question("anna", "secret");
    client_close(&client, true);
    json_t *cancel = next_of_passwords("cancel");
    assert_int_equal(message_integer(cancel, "number", 0), number);
    json_decref(cancel);
    answer_question(number, "right", 0); /* comes too late */
    client_request(&client, fanout.port, "GET", "/api/cameras", BEARER_FRONT);
    assert_int_equal(client.status, 200);
    client_close(&client, false);
}

static void basic_waits_for_the_password(void **state)
{
    struct client client;

    (void)state;
    client_connect(&client, fanout.port, 0);
    client_send(&client, "GET /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n" BASIC_ANNA "\r\n");
    json_int_t number = expect_question("anna", "secret");
    /* The next request comes before the first one is answered. */
    client_send(&client, "GET /api/session HTTP/1.1\r\nHost: cameras.example\r\n" BASIC_ANNA "\r\n");
    settle();
    assert_false(client_has_news(&client));
    answer_question(number, "right", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    json_t *answer = read_json(&client);
    assert_int_equal(json_array_size(json_object_get(answer, "cameras")), 1);
    json_decref(answer);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    answer = read_json(&client);
    assert_string_equal(json_string_value(json_object_get(answer, "via")), "basic");
    json_decref(answer);
    client_close(&client, false);

    /* It is known now: nobody is asked. */
    assert_int_equal(status_of("GET", "/api/cameras", BASIC_ANNA), 200);
    assert_int_equal(upgrade_status("/live/front", BASIC_ANNA), 101);
    assert_int_equal(upgrade_status("/live/yard", BASIC_ANNA), 404);

    client_connect(&client, fanout.port, 0);
    client_send(&client, "GET /live/front HTTP/1.1\r\nHost: cameras.example\r\n" BASIC_OTTO "\r\n");
    answer_question(expect_question("otto", "wrong"), "wrong", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 401);
    client_close(&client, false);
}

/* A path that has no POST, with and without a body: it waits as others do, and its answer is that of the method. */
static void a_post_waits_for_the_password_too(void **state)
{
    static const char *const rests[] = {"Content-Length: 0\r\n\r\n", "\r\n", "Content-Length: 3\r\n\r\nabc"};

    (void)state;
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        struct client client;
        client_connect(&client, fanout.port, 0);
        client_send(&client, "POST /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n" BASIC_OTTO);
        client_send(&client, rests[i]);
        json_int_t number = expect_question("otto", "wrong");
        settle();
        assert_false(client_has_news(&client));
        answer_question(number, "wrong", 0);
        client_read_head(&client);
        assert_int_equal(client.status, 401);
        client_close(&client, false);
    }
    struct client client;
    client_connect(&client, fanout.port, 0);
    client_send(&client, "POST /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n" BASIC_ANNA);
    client_send(&client, rests[0]);
    answer_question(expect_question("anna", "secret"), "right", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 405);
    expect_header(&client, "Allow", "GET, HEAD");
    client_close(&client, false);
}

/* Two requests in one packet: the second must not overtake the first, which waits. */
static void requests_in_one_packet_are_answered_in_order(void **state)
{
    struct client client;

    (void)state;
    client_connect(&client, fanout.port, 0);
    client_send(&client, "GET /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n" BASIC_ANNA "\r\n"
                         "GET /ringcast-player.js HTTP/1.1\r\nHost: cameras.example\r\n\r\n");
    json_int_t number = expect_question("anna", "secret");
    settle();
    assert_false(client_has_news(&client));
    answer_question(number, "right", 0);
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    expect_header(&client, "Content-Type", "application/json");
    json_decref(read_json(&client));
    client_read_head(&client);
    assert_int_equal(client.status, 200);
    expect_header(&client, "Content-Type", "text/javascript; charset=utf-8");
    client_close(&client, false);
}

static void expect_close_reason(struct client *client, int code, const char *reason)
{
    struct client_message message;
    do {
        if (!client_next(client, &message)) {
            fail_msg("no close frame with %s", reason);
        }
    } while (message.opcode != CLIENT_CLOSE);
    assert_int_equal(message.payload[0] << 8 | message.payload[1], code);
    assert_string_equal((const char *)message.payload + 2, reason);
    client_close(client, false);
}

/* ---- Streams end with the right to watch ---- */

static void watch_with(struct client *client, const char *path, const char *headers)
{
    client_open(client, fanout.port, path, headers, 0);
    assert_int_equal(client->status, 101);
    json_decref(expect_text(client, "state"));
    expect_init(client, INIT_A);
}

static json_t *without_token(const char *id)
{
    json_t *document = usual_access(), *tokens = json_object_get(document, "tokens"), *row;
    size_t index;

    json_array_foreach(tokens, index, row) {
        if (strcmp(json_string_value(json_object_get(row, "id")), id) == 0) {
            json_array_remove(tokens, index);
            break;
        }
    }
    return document;
}

static void a_new_document_ends_streams(void **state)
{
    struct client gone, less, kept;

    (void)state;
    publish_gop(1);
    watch_with(&gone, "/live/front", BEARER_FRONT);
    watch_with(&kept, "/live/front", BEARER_ALL);
    source_publish(&yard, FRAGMENT_BYTES, true);
    watch_with(&less, "/live/yard", BEARER_ALL);
    expect_fragment(&gone, 1);
    expect_fragment(&kept, 1);
    expect_fragment(&less, 1);
    say(&less, "{\"type\":\"pause\"}");

    tell_access(without_token("00000001"));
    expect_close_reason(&gone, 4401, "log in again: revoked");

    json_t *document = without_token("00000001");
    json_t *row = json_array_get(json_object_get(document, "tokens"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "id")), "00000002");
    json_object_set_new(row, "cameras", json_pack("[s]", "front"));
    tell_access(document);
    expect_close_reason(&less, 4404, "no such camera");

    /* Who still may watch notices nothing. */
    for (uint64_t number = 2; number <= 4; number++) {
        source_publish(&front, FRAGMENT_BYTES, false);
        expect_fragment(&kept, number);
    }
    client_close(&kept, false);
}

static void log_in_that_is_switched_on_ends_open_streams(void **state)
{
    struct client client;

    (void)state;
    tell_access(json_pack("{s:b}", "on", false));
    watch_with(&client, "/live/front", "");
    tell_access(usual_access());
    expect_close_reason(&client, 4401, "log in again: revoked");
}

static void a_stream_ends_when_its_token_expires(void **state)
{
    struct client client, other;
    json_t *document = usual_access();
    json_t *row = json_array_get(json_object_get(document, "tokens"), 0);

    (void)state;
    json_object_set_new(row, "expires", json_integer(time(NULL) + 3));
    tell_access(document);
    watch_with(&other, "/live/front", BEARER_ALL);
    watch_with(&client, "/live/front", BEARER_FRONT);
    expect_close_reason(&client, 4401, "log in again: expired");
    assert_int_equal(upgrade_status("/live/front", BEARER_FRONT), 401);
    publish_gop(1);
    expect_fragment(&other, 1);
    client_close(&other, false);
}

static void a_log_out_ends_the_sessions_streams(void **state)
{
    struct client stream, other, client;
    char *session = log_in(), *second = log_in();

    (void)state;
    watch_with(&stream, "/live/front", session);
    watch_with(&other, "/live/front", second);
    send_post(&client, "/api/logout", session, "");
    client_read_head(&client);
    assert_int_equal(client.status, 204);
    char *cookie = client_header(&client, "Set-Cookie");
    assert_non_null(cookie);
    assert_non_null(strstr(cookie, "ringcast_session=; Path=/; Max-Age=0"));
    free(cookie);
    client_close(&client, false);
    expect_close_reason(&stream, 4401, "log in again: revoked");
    assert_int_equal(status_of("GET", "/api/cameras", session), 401);
    assert_int_equal(status_of("GET", "/api/cameras", second), 200);
    json_t *told = fanout_wait(&fanout, "session-end");
    assert_int_equal(strlen(message_string(told, "id", "")), 32);
    assert_true(message_integer(told, "until", 0) > time(NULL));
    assert_string_equal(message_string(told, "user", ""), "anna");

    /* Another fan-out's log-out comes with the document. */
    json_t *document = usual_access();
    json_array_append_new(json_object_get(document, "revoked"),
                          json_pack("{s:s, s:I}", "id", message_string(told, "id", ""), "until",
                                    message_integer(told, "until", 0)));
    tell_access(document);
    assert_int_equal(status_of("GET", "/api/cameras", session), 401);
    publish_gop(1);
    expect_fragment(&other, 1);
    client_close(&other, false);
    json_decref(told);

    /* Without a session there is nothing to end. */
    assert_int_equal(post_status("/api/logout", "", ""), 204);
    assert_int_equal(status_of("POST", "/api/logout", ""), 204);
    free(session);
    free(second);
}

static void a_token_may_be_for_one_stream(void **state)
{
    struct client client;

    (void)state;
    /* Requests and refused viewers do not use it up. */
    assert_int_equal(status_of("GET", "/api/session?token=" TOKEN_ONCE, ""), 200);
    assert_int_equal(upgrade_status("/live/yard?token=" TOKEN_ONCE, ""), 404);
    watch_with(&client, "/live/front?token=" TOKEN_ONCE, "");
    json_t *told = fanout_wait(&fanout, "token-used");
    assert_string_equal(message_string(told, "id", ""), "00000003");
    json_decref(told);
    assert_int_equal(upgrade_status("/live/front?token=" TOKEN_ONCE, ""), 401);
    assert_int_equal(status_of("GET", "/api/session?token=" TOKEN_ONCE, ""), 401);
    /* ringcastd takes it out of the document; the stream goes on. */
    tell_access(without_token("00000003"));
    publish_gop(1);
    expect_fragment(&client, 1);
    client_close(&client, false);
}

/* ---- What others are told ---- */

static void refusals_are_reported_together(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(status_of("GET", "/api/cameras", "Authorization: Bearer " TOKEN_UNKNOWN "\r\n"),
                         401);
    }
    json_int_t count = 0;
    while (count < 5) {
        json_t *told = fanout_wait(&fanout, "access-refused");
        assert_string_equal(message_string(told, "address", ""), "127.0.0.1");
        assert_true(strlen(message_string(told, "what", "")) > 0);
        assert_null(strstr(message_string(told, "what", ""), TOKEN_UNKNOWN));
        count += message_integer(told, "count", 0);
        json_decref(told);
    }
    assert_int_equal(count, 5);
}

static void the_list_of_viewers_names_them(void **state)
{
    struct client client;
    char *session = log_in();

    (void)state;
    watch_with(&client, "/live/front", session);
    json_t *question = message_new("viewers-list");
    json_object_set_new(question, "number", json_integer(2));
    fanout_tell(&fanout, question, NULL, 0);
    json_t *page = fanout_wait(&fanout, "viewers-page");
    json_t *viewer = json_array_get(json_object_get(page, "viewers"), 0);
    assert_string_equal(json_string_value(json_object_get(viewer, "user")), "anna");
    json_decref(page);
    client_close(&client, false);
    free(session);
}

static void a_trusted_proxy_names_the_visitor(void **state)
{
    json_t *document = usual_access();

    (void)state;
    json_object_set_new(document, "proxy",
                        json_pack("{s:s, s:s}", "user", "Remote-User", "groups", "X-Auth-Token"));
    json_object_set_new(
        document, "user_groups",
        json_pack("[{s:s, s:s, s:[s]}]", "name", "yards", "role", "viewer", "cameras", "yard"));
    tell_access(document);
    fanout_tell_http(&fanout, json_pack("{s:[s], s:[], s:[], s:[s], s:s, s:i}", "trusted_proxies",
                                        "127.0.0.2", "origins", "cors_origins", "frame_ancestors", "'self'",
                                        "base_path", "", "hsts", 0));
    assert_int_equal(upgrade_status("/live/front", "Remote-User: anna\r\n"), 401);
    client_set_source("127.0.0.2");
    assert_int_equal(upgrade_status("/live/front", "Remote-User: anna\r\n"), 101);
    assert_int_equal(upgrade_status("/live/yard", "Remote-User: anna\r\n"), 404);
    assert_int_equal(upgrade_status("/live/yard", "Remote-User: anna\r\nX-Auth-Token: yards\r\n"), 101);
    assert_int_equal(upgrade_status("/live/front", "Remote-User: mallory\r\n"), 401);
    assert_int_equal(upgrade_status("/live/front", ""), 401);
    client_set_source(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_path_asks_for_its_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(viewers_are_let_in_by_their_rights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_allowed_is_answered_as_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_unknown_is_told_how_to_log_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_list_is_the_visitors_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_log_in_all_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_in_gives_a_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_in_may_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_in_must_have_the_right_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_waits_may_go_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(basic_waits_for_the_password, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_post_waits_for_the_password_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_in_one_packet_are_answered_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_document_ends_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_in_that_is_switched_on_ends_open_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_ends_when_its_token_expires, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_out_ends_the_sessions_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_may_be_for_one_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_are_reported_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_list_of_viewers_names_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trusted_proxy_names_the_visitor, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
