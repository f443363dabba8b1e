/* SPDX-License-Identifier: MIT */
/*
 * WebSockets with a password that must be checked first, by a real ringcast-fanout: nothing is said before the answer, and then
 * 101 or what any other request gets (docs/reference/http.md). Each test runs plain and over TLS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/fanout/tls.h"
#include "tests/process/fanout/visitors.h"

#define UPGRADE                                                                                              \
    "Host: cameras.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"    \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

#define LIVE(name) "GET /live/" name " HTTP/1.1\r\n" UPGRADE

static bool over_tls;

static int set_up_plain(void **state)
{
    over_tls = false;
    visitors_set_up(state);
    return 0;
}

static int set_up_tls(void **state)
{
    over_tls = true;
    visitors_set_up(state);
    fanout_tell_tls(&fanout);
    settle();
    return 0;
}

static int tear_down(void **state)
{
    visitors_tear_down(state);
    return 0;
}

static void begin(struct client *client)
{
    client_connect(client, fanout.port, 0);
    if (over_tls) {
        client_secure(client);
    }
}

static void ask(struct client *client, const char *head)
{
    begin(client);
    client_send(client, head);
}

/* Forgets the passwords that were right. */
static void forget_passwords(void)
{
    tell_access(usual_access());
    tell_access(usual_access());
}

static void expect_status(struct client *client, int status)
{
    client_read_head(client);
    assert_int_equal(client->status, status);
}

static void expect_stream(struct client *client)
{
    expect_status(client, 101);
    json_decref(expect_text(client, "state"));
    expect_init(client, INIT_A);
    expect_fragment(client, 1);
}

/* ---- Answers ---- */

static void nothing_is_said_before_the_answer(void **state)
{
    static const struct {
        const char *head, *user, *password, *result;
        int status;
    } cases[] = {
        {LIVE("front") BASIC_OTTO "\r\n", "otto", "wrong", "wrong", 401},
        {LIVE("gone") BASIC_OTTO "\r\n", "otto", "wrong", "wrong", 401},
        {LIVE("front") BASIC_OTTO "\r\n", "otto", "wrong", "slow", 429},
        {LIVE("yard") BASIC_ANNA "\r\n", "anna", "secret", "right", 404},
        {LIVE("gone") BASIC_ANNA "\r\n", "anna", "secret", "right", 404},
        {LIVE("front") "Origin: https://elsewhere.example\r\n" BASIC_ANNA "\r\n", "anna", "secret", "right",
         403},
        {LIVE("front") BASIC_ANNA "\r\n", "anna", "secret", "right", 101},
    };
    (void)state;
    publish_gop(1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client;
        ask(&client, cases[i].head);
        json_int_t number = expect_question(cases[i].user, cases[i].password);
        settle();
        assert_false(client_has_news(&client));
        answer_question(number, cases[i].result, 3);
        expect_status(&client, cases[i].status);
        char *retry = client_header(&client, "Retry-After");
        assert_true(cases[i].status == 429 ? retry && strcmp(retry, "3") == 0 : !retry);
        free(retry);
        client_close(&client, false);
        forget_passwords();
        assert_false(is_asked());
    }
}

static void the_right_password_gets_the_stream(void **state)
{
    struct client client;

    (void)state;
    publish_gop(1);
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    answer_question(expect_question("anna", "secret"), "right", 0);
    expect_stream(&client);
    client_close(&client, false);
    /* It is known now: nobody is asked. */
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    expect_stream(&client);
    client_close(&client, false);
    assert_false(is_asked());
}

static void a_camera_may_go_while_its_viewer_waits(void **state)
{
    struct client client;

    (void)state;
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    json_int_t number = expect_question("anna", "secret");
    remove_camera("front");
    settle();
    answer_question(number, "right", 0);
    expect_status(&client, 404);
    client_close(&client, false);
}

/* The users change between question and answer: the answer is not believed, and it is asked again. */
static void an_answer_from_before_does_not_count(void **state)
{
    struct client client;

    (void)state;
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    json_int_t number = expect_question("anna", "secret");
    tell_access(usual_access());
    answer_question(number, "right", 0);
    number = expect_question("anna", "secret");
    settle();
    assert_false(client_has_news(&client));
    answer_question(number, "wrong", 0);
    expect_status(&client, 401);
    client_close(&client, false);
}

/* ---- Heads that come slowly, or with others ---- */

static void a_head_may_come_in_pieces(void **state)
{
    static const char head[] = LIVE("front") BASIC_ANNA "\r\n";
    static const size_t cuts[][3] = {
        {1, 2, 3},
        {4, 30, 60},
        {28, sizeof(head) - 6, sizeof(head) - 3},
        {sizeof(head) - 5, sizeof(head) - 4, sizeof(head) - 2},
    };
    (void)state;
    publish_gop(1);
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct client client;
        size_t at = 0;
        begin(&client);
        for (size_t piece = 0; piece <= 3; piece++) {
            size_t end = piece < 3 ? cuts[i][piece] : sizeof(head) - 1;
            client_send_bytes(&client, head + at, end - at);
            at = end;
            settle();
            if (piece < 3) {
                assert_false(client_has_news(&client));
                assert_false(is_asked());
            }
        }
        answer_question(expect_question("anna", "secret"), "right", 0);
        expect_stream(&client);
        client_close(&client, false);
        forget_passwords();
    }
}

/* Each byte by itself, with a wrong password at its end. */
static void a_head_may_come_byte_by_byte(void **state)
{
    static const char head[] = LIVE("front") BASIC_OTTO "\r\n";
    struct client client;

    (void)state;
    begin(&client);
    for (size_t i = 0; i < sizeof(head) - 1; i++) {
        client_send_bytes(&client, head + i, 1);
    }
    answer_question(expect_question("otto", "wrong"), "wrong", 0);
    expect_status(&client, 401);
    client_close(&client, false);
}

/* What is not held back is not looked at in the middle either: its last line alone looks like the beginning of a head. */
static void requests_of_other_kinds_may_come_in_pieces(void **state)
{
    static const char *const requests[] = {
        "POST /api/cameras HTTP/1.1\r\nHost: cameras.example\r\nContent-Length: 0\r\n\r\n",
        "HEAD /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n\r\n",
        "GET /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        size_t length = strlen(requests[i]);
        for (size_t cut = 1; cut <= 4; cut++) {
            struct client client;
            begin(&client);
            client_send_bytes(&client, requests[i], length - cut);
            settle();
            client_send_bytes(&client, requests[i] + length - cut, cut);
            expect_status(&client, 401);
            client_close(&client, false);
        }
    }
    /* Behind another one in the same packet, too. */
    struct client client;
    ask(&client, "HEAD /ringcast-player.js HTTP/1.1\r\nHost: cameras.example\r\n\r\n"
                 "GET /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n");
    expect_status(&client, 200);
    client_send(&client, "\r\n");
    expect_status(&client, 401);
    client_close(&client, false);
}

/* More than libwebsockets reads at once, and more than a record of TLS holds. */
static void a_head_may_be_long(void **state)
{
    static char filler[30000];
    struct client client;

    (void)state;
    memset(filler, 'x', sizeof(filler) - 1);
    publish_gop(1);
    ask(&client, LIVE("front") "X-Filler: ");
    client_send(&client, filler);
    client_send(&client, "\r\n" BASIC_ANNA "\r\n");
    answer_question(expect_question("anna", "secret"), "right", 0);
    expect_stream(&client);
    client_close(&client, false);
}

static void what_follows_the_head_waits_with_it(void **state)
{
    static const uint8_t ping[] = {0x89, 0x80 | 1, 0, 0, 0, 0, 'x'};
    struct client client;
    struct client_message message;

    (void)state;
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    json_int_t number = expect_question("anna", "secret");
    client_send_bytes(&client, ping, sizeof(ping));
    settle();
    answer_question(number, "right", 0);
    expect_status(&client, 101);
    do {
        assert_true(client_next(&client, &message));
    } while (message.opcode != CLIENT_PONG);
    assert_int_equal(message.length, 1);
    client_close(&client, false);
}

/* On a connection that has had an answer, and behind a request in the same packet, whose answer comes first. */
static void a_head_may_follow_other_requests(void **state)
{
    static const char file[] = "HEAD /ringcast-player.js HTTP/1.1\r\nHost: cameras.example\r\n\r\n";
    struct client client;
    char *both;

    (void)state;
    ask(&client, file);
    expect_status(&client, 200);
    client_send(&client, LIVE("front") BASIC_OTTO "\r\n");
    answer_question(expect_question("otto", "wrong"), "wrong", 0);
    expect_status(&client, 401);
    client_close(&client, false);

    assert_true(asprintf(&both, "%s%s", file, LIVE("front") BASIC_OTTO "\r\n") > 0);
    ask(&client, both);
    answer_question(expect_question("otto", "wrong"), "wrong", 0);
    expect_status(&client, 200);
    expect_status(&client, 401);
    client_close(&client, false);
    free(both);
}

/*
 * Behind a request in one packet and cut off there. Without TLS it is not seen before it is read: then it does not get in, but its
 * password is asked for, so that the next try does.
 */
static void a_head_that_was_not_seen_gets_no_101(void **state)
{
    static const char begun[] = "HEAD /ringcast-player.js HTTP/1.1\r\nHost: cameras.example\r\n\r\n"
                                "GET /live/front HTTP/1.1\r\n" UPGRADE;
    struct client client;

    (void)state;
    ask(&client, begun);
    expect_status(&client, 200);
    client_send(&client, BASIC_ANNA "\r\n");
    json_int_t number = expect_question("anna", "secret");
    if (!over_tls) {
        expect_status(&client, 503);
    }
    answer_question(number, "right", 0);
    if (over_tls) {
        expect_status(&client, 101);
    }
    client_close(&client, false);
    settle();
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    expect_status(&client, 101);
    client_close(&client, false);
    assert_false(is_asked());
}

/* ---- Who goes away ---- */

static void a_client_may_go_while_it_waits(void **state)
{
    struct client client;

    (void)state;
    for (int i = 0; i < 2; i++) {
        ask(&client, LIVE("front") BASIC_ANNA "\r\n");
        json_int_t number = expect_question("anna", "secret");
        client_close(&client, i == 1);
        settle();
        answer_question(number, i == 1 ? "right" : "wrong", 0);
        /* Answers come in order. */
        ask(&client, LIVE("front") BASIC_OTTO "\r\n");
        answer_question(expect_question("otto", "wrong"), "wrong", 0);
        expect_status(&client, 401);
        client_close(&client, false);
        forget_passwords();
    }
    /* A part of a head, and then no more. */
    ask(&client, LIVE("front"));
    settle();
    client_end_sending(&client);
    client_read_head(&client);
    assert_int_not_equal(client.status, 101);
    client_close(&client, false);
    assert_false(is_asked());
}

static void without_anybody_to_ask_it_is_busy(void **state)
{
    struct client client;

    (void)state;
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    expect_question("anna", "secret");
    end_passwords(); /* it dies with the question */
    expect_status(&client, 503);
    client_close(&client, false);
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    expect_status(&client, 503);
    client_close(&client, false);
    begin_passwords();
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    answer_question(expect_question("anna", "secret"), "right", 0);
    expect_status(&client, 101);
    client_close(&client, false);
}

/* One address may have so many questions at a time. */
static void questions_of_one_address_are_bounded(void **state)
{
    struct client clients[16], client;

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        ask(&clients[i], LIVE("front") BASIC_ANNA "\r\n");
        expect_question("anna", "secret");
    }
    ask(&client, LIVE("front") BASIC_ANNA "\r\n");
    expect_status(&client, 429);
    client_close(&client, false);
    for (size_t i = 0; i < 16; i++) {
        client_close(&clients[i], false);
    }
}

/* Without log-in nothing is looked at, and credentials do not matter. */
static void without_log_in_nobody_is_asked(void **state)
{
    struct client client;

    (void)state;
    publish_gop(1);
    tell_access(json_pack("{s:b}", "on", 0));
    ask(&client, LIVE("front") BASIC_OTTO "\r\n");
    expect_stream(&client);
    client_close(&client, false);
    assert_false(is_asked());
}

/* ---- Proxies ---- */

static void a_proxy_must_not_name_two_users(void **state)
{
    static const char *const doubled[] = {
        "Remote-User: otto\r\nRemote-User: anna\r\n",
        "Remote-User: anna\r\nremote-user: anna\r\n",
        "REMOTE-USER: otto\r\nX-Other: 1\r\nRemote-User: anna\r\n",
        "Remote-User: anna\r\nRemote-Groups: yards\r\nRemote-Groups: none\r\n",
    };
    json_t *document = usual_access();
    struct client client;

    (void)state;
    json_object_set_new(document, "proxy",
                        json_pack("{s:s, s:s}", "user", "Remote-User", "groups", "Remote-Groups"));
    tell_access(document);
    fanout_tell_http(&fanout, json_pack("{s:[s], s:[], s:[], s:[s], s:s, s:i}", "trusted_proxies",
                                        "127.0.0.2", "origins", "cors_origins", "frame_ancestors", "'self'",
                                        "base_path", "", "hsts", 0));
    client_set_source("127.0.0.2");
    for (size_t i = 0; i < sizeof(doubled) / sizeof(doubled[0]); i++) {
        char *request;
        assert_true(asprintf(&request, "%s%s\r\n", LIVE("front"), doubled[i]) > 0);
        ask(&client, request);
        expect_status(&client, 401);
        client_close(&client, false);
        free(request);
        assert_true(asprintf(&request, "GET /api/cameras HTTP/1.1\r\nHost: cameras.example\r\n%s\r\n",
                             doubled[i]) > 0);
        begin(&client);
        client_send_bytes(&client, request, 60);
        settle();
        client_send(&client, request + 60);
        expect_status(&client, 401);
        client_close(&client, false);
        free(request);
    }
    ask(&client, LIVE("front") "Remote-User: anna\r\nRemote-Groups: yards\r\n\r\n");
    expect_status(&client, 101);
    client_close(&client, false);
    client_set_source(NULL);
}

/* Of whom a proxy asks is who counts for the password, too. */
static void a_proxys_visitor_is_who_is_asked_about(void **state)
{
    struct client client;

    (void)state;
    fanout_tell_http(&fanout, json_pack("{s:[s], s:[], s:[], s:[s], s:s, s:i}", "trusted_proxies",
                                        "127.0.0.2", "origins", "cors_origins", "frame_ancestors", "'self'",
                                        "base_path", "", "hsts", 0));
    client_set_source("127.0.0.2");
    ask(&client,
        LIVE("front") "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 192.0.2.7\r\n" BASIC_ANNA "\r\n");
    json_t *question = next_of_passwords("check");
    assert_string_equal(message_string(question, "address", ""), "192.0.2.7");
    answer_question(message_integer(question, "number", 0), "right", 0);
    json_decref(question);
    expect_status(&client, 101);
    client_close(&client, false);
    client_set_source(NULL);
}

#define BOTH(test)                                                                                           \
    {#test, test, set_up_plain, tear_down, NULL},                                                            \
    {                                                                                                        \
#test "_tls", test, set_up_tls, tear_down, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(nothing_is_said_before_the_answer),
        BOTH(the_right_password_gets_the_stream),
        BOTH(a_camera_may_go_while_its_viewer_waits),
        BOTH(an_answer_from_before_does_not_count),
        BOTH(a_head_may_come_in_pieces),
        BOTH(a_head_may_come_byte_by_byte),
        BOTH(requests_of_other_kinds_may_come_in_pieces),
        BOTH(a_head_may_be_long),
        BOTH(what_follows_the_head_waits_with_it),
        BOTH(a_head_may_follow_other_requests),
        BOTH(a_head_that_was_not_seen_gets_no_101),
        BOTH(a_client_may_go_while_it_waits),
        BOTH(without_anybody_to_ask_it_is_busy),
        BOTH(questions_of_one_address_are_bounded),
        BOTH(without_log_in_nobody_is_asked),
        BOTH(a_proxy_must_not_name_two_users),
        BOTH(a_proxys_visitor_is_who_is_asked_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
