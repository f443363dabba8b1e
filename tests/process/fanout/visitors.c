/* SPDX-License-Identifier: MIT */
#include "tests/process/fanout/visitors.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "tests/support/patience.h"

struct source yard;
static int once_page;
static int passwords = -1; /* ringcast-password's end of the channel */

static json_t *token_row(const char *text, const char *id, const char *cameras, json_int_t expires, int once)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hex[2 * sizeof(hash) + 1];

    SHA256((const unsigned char *)text, strlen(text), hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        sprintf(hex + 2 * i, "%02x", hash[i]);
    }
    return json_pack("{s:s, s:s, s:s, s:[s], s:I, s:i, s:s}", "id", id, "hash", hex, "role", "viewer",
                     "cameras", cameras, "expires", expires, "once", once, "name", "a test");
}

json_t *usual_access(void)
{
    char key[65] = "";

    memset(key, 'a', 64);
    return json_pack("{s:b, s:s, s:i, s:b, s:[{s:s, s:s, s:[s], s:i}, {s:s, s:s, s:[s], s:i}], s:[], "
                     "s:[o, o, o], s:[], s:[], s:{}}",
                     "on", true, "session_key", key, "session_seconds", 3600, "token_in_query", true, "users",
                     "name", "anna", "role", "viewer", "cameras", "front*", "since", 0, "name", "otto",
                     "role", "operator", "cameras", "*", "since", 0, "user_groups", "tokens",
                     token_row(TOKEN_FRONT, "00000001", "front", 0, -1),
                     token_row(TOKEN_ALL, "00000002", "*", 0, -1),
                     token_row(TOKEN_ONCE, "00000003", "front", 4000000000, 7), "revoked", "jwt", "proxy");
}

void settle(void)
{
    json_t *question = message_new("viewers-list");

    json_object_set_new(question, "number", json_integer(1));
    fanout_tell(&fanout, question, NULL, 0);
    json_decref(fanout_wait(&fanout, "viewers-page"));
}

void tell_access(json_t *document)
{
    fanout_tell_access(&fanout, document, once_page);
    settle();
}

void end_passwords(void)
{
    if (passwords >= 0) {
        close(passwords);
    }
    passwords = -1;
}

void begin_passwords(void)
{
    int ends[2];

    end_passwords();
    assert_int_equal(channel_pair(ends), 0);
    fanout_tell(&fanout, message_new("password-channel"), &ends[1], 1);
    close(ends[1]);
    passwords = ends[0];
    settle();
}

void visitors_set_up(void **state)
{
    front_set_up_generation(state);
    source_begin(&yard, &fanout, "yard", RING_BYTES);
    source_generation(&yard, CODECS, INIT_A);
    once_page = memfd_create("once", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(once_page >= 0);
    assert_int_equal(ftruncate(once_page, 1024 * sizeof(uint32_t)), 0);
    assert_int_equal(fcntl(once_page, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    tell_access(usual_access());
    begin_passwords();
}

void visitors_tear_down(void **state)
{
    client_set_source(NULL);
    close(once_page);
    end_passwords();
    front_tear_down(state);
    source_end(&yard);
}

/* ---- ringcast-password ---- */

json_t *next_of_passwords(const char *type)
{
    for (;;) {
        struct pollfd wait = {.fd = passwords, .events = POLLIN};
        struct channel_message message;
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
        assert_int_equal(channel_receive(passwords, &message), 1);
        json_t *body = json_incref(message.body);
        channel_message_clear(&message);
        if (message_is(body, type)) {
            return body;
        }
        json_decref(body);
    }
}

json_int_t expect_question(const char *user, const char *password)
{
    json_t *question = next_of_passwords("check");

    assert_string_equal(message_string(question, "user", ""), user);
    assert_string_equal(message_string(question, "password", ""), password);
    assert_string_equal(message_string(question, "address", ""), "127.0.0.1");
    json_int_t number = message_integer(question, "number", 0);
    json_decref(question);
    return number;
}

void answer_question(json_int_t number, const char *result, int retry_s)
{
    json_t *message =
        message_pack("checked", "{s:I, s:s, s:i}", "number", number, "result", result, "retry_s", retry_s);

    assert_int_equal(channel_send(passwords, message, NULL, 0), 0);
    json_decref(message);
}

bool is_asked(void)
{
    struct pollfd wait = {.fd = passwords, .events = POLLIN};
    struct channel_message message;
    bool asked = false;

    while (!asked && poll(&wait, 1, 0) == 1 && channel_receive(passwords, &message) == 1) {
        asked = message_is(message.body, "check");
        channel_message_clear(&message);
    }
    return asked;
}
