/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ipc/message.h"

#define BYTES(text) text, sizeof(text) - 1

static void malformed_messages_are_refused(void **state)
{
    static const struct {
        const char *data;
        size_t length;
        const char *error;
    } cases[] = {
        {BYTES(""), "not JSON"},
        {BYTES("hello"), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"status\""), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"status\"}x"), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"status\"}{}"), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"status\"}\0"), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"sta\0tus\"}"), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"sta\\u0000tus\"}"), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"\xff\"}"), "not JSON"},
        {BYTES("{\"v\":1,\"type\":\"\xed\xa0\x80\"}"), "not JSON"},
        {BYTES("{\"v\":1,\"v\":1,\"type\":\"status\"}"), "not JSON"},
        {BYTES("{\"v\":99999999999999999999,\"type\":\"status\"}"), "not JSON"},
        {BYTES("[]"), "not a JSON object"},
        {BYTES("[{\"v\":1,\"type\":\"status\"}]"), "not a JSON object"},
        {BYTES("{\"type\":\"status\"}"), "no version"},
        {BYTES("{\"v\":\"1\",\"type\":\"status\"}"), "no version"},
        {BYTES("{\"v\":1.0,\"type\":\"status\"}"), "no version"},
        {BYTES("{\"v\":2,\"type\":\"status\"}"), message_wrong_version},
        {BYTES("{\"v\":0,\"type\":\"status\"}"), message_wrong_version},
        {BYTES("{\"v\":1}"), "no type"},
        {BYTES("{\"v\":1,\"type\":null}"), "no type"},
        {BYTES("{\"v\":1,\"type\":[\"status\"]}"), "no type"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *error = NULL;
        /* An exact copy, so that the sanitizer sees a read past its end. */
        char *copy = malloc(cases[i].length + (cases[i].length == 0));
        memcpy(copy, cases[i].data, cases[i].length);
        json_t *message = message_decode(copy, cases[i].length, &error);
        free(copy);
        if (message != NULL || error == NULL || strcmp(error, cases[i].error) != 0) {
            fail_msg("case %zu: %s instead of %s", i, error != NULL ? error : "no error", cases[i].error);
        }
    }
    assert_null(message_decode(BYTES("[]"), NULL));
}

static void another_version_can_be_told_from_the_rest(void **state)
{
    const char *error = NULL;

    (void)state;
    assert_null(message_decode(BYTES("{\"v\":7}"), &error));
    assert_ptr_equal(error, message_wrong_version);
}

static void an_oversized_message_is_not_parsed(void **state)
{
    static const char head[] = {"{\"v\":1,\"type\":\"status\"}"};
    char *data = malloc(MESSAGE_MAX + 1);
    const char *error = NULL;

    (void)state;
    memset(data, ' ', MESSAGE_MAX + 1);
    memcpy(data, head, sizeof(head) - 1);
    json_t *message = message_decode(data, MESSAGE_MAX, &error);
    assert_non_null(message);
    assert_null(error);
    json_decref(message);
    assert_null(message_decode(data, MESSAGE_MAX + 1, &error));
    assert_string_equal(error, "too large");
    free(data);
}

static void deep_nesting_is_refused(void **state)
{
    static const char *const opening[] = {"[", "{\"a\":"};
    const size_t depth = 100000;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t step = strlen(opening[i]);
        char *data = malloc(depth * step + 32);
        size_t length = (size_t)sprintf(data, "{\"v\":1,\"type\":\"x\",\"a\":");
        for (size_t level = 0; level < depth; level++, length += step) {
            memcpy(data + length, opening[i], step);
        }
        const char *error = NULL;
        assert_null(message_decode(data, length, &error));
        assert_string_equal(error, "not JSON");
        free(data);
    }
}

static void a_message_comes_back_as_it_was_sent(void **state)
{
    size_t length = 0;
    json_t *message = message_new("camera");

    (void)state;
    json_object_set_new(message, "name", json_string("Haustür <img onerror>"));
    json_object_set_new(message, "width", json_integer(1280));
    json_object_set_new(message, "audio", json_true());
    json_object_set_new(message, "error", json_null());
    char *text = message_encode(message, &length);
    json_decref(message);
    assert_int_equal(strlen(text), length);

    message = message_decode(text, length, NULL);
    free(text);
    assert_string_equal(message_type(message), "camera");
    assert_true(message_is(message, "camera"));
    assert_false(message_is(message, "cam"));
    assert_string_equal(message_string(message, "name", NULL), "Haustür <img onerror>");
    assert_int_equal(message_integer(message, "width", -1), 1280);
    assert_true(message_boolean(message, "audio", false));
    assert_null(message_string(message, "error", NULL));
    assert_string_equal(message_string(message, "width", "no"), "no");
    assert_int_equal(message_integer(message, "name", -1), -1);
    assert_true(message_boolean(message, "missing", true));
    assert_false(message_boolean(message, "width", false));
    json_decref(message);
}

static void what_is_over_the_limit_is_not_encoded(void **state)
{
    size_t length = 0;
    char *long_text = malloc(MESSAGE_MAX);
    json_t *message = message_new("x");

    (void)state;
    memset(long_text, 'a', MESSAGE_MAX - 1);
    long_text[MESSAGE_MAX - 1] = '\0';
    json_object_set_new(message, "text", json_string(long_text));
    assert_null(message_encode(message, &length));
    json_decref(message);
    free(long_text);
}

static void an_error_names_code_and_text(void **state)
{
    json_t *error = message_error("no-such-camera", "no camera is called \"%s\"", "frnt");

    (void)state;
    assert_true(message_is(error, "error"));
    assert_int_equal(message_integer(error, "v", 0), MESSAGE_VERSION);
    assert_string_equal(message_string(error, "code", ""), "no-such-camera");
    assert_string_equal(message_string(error, "message", ""), "no camera is called \"frnt\"");
    json_decref(error);

    error = message_error("malformed", "bytes \xff%s", "\xc3");
    assert_string_equal(message_string(error, "message", ""), "bytes \\xff\\xc3");
    json_decref(error);
}

static void a_packed_message_has_its_envelope_first(void **state)
{
    json_t *taken = json_string("taken over");
    json_t *message =
        message_pack("state", "{s:s, s:i, s:O, s:i}", "name", "front", "pid", 7, "why", taken, "v", 9);
    char *text = json_dumps(message, JSON_COMPACT);

    (void)state;
    assert_string_equal(text,
                        "{\"v\":1,\"type\":\"state\",\"name\":\"front\",\"pid\":7,\"why\":\"taken over\"}");
    free(text);
    json_decref(message);
    json_decref(taken);

    message = message_pack("ping", "{}");
    assert_true(message_is(message, "ping"));
    assert_int_equal(json_object_size(message), 2);
    json_decref(message);
    assert_null(message_pack("state", "{s:s}", "name", "\xff"));
}

static void text_from_anywhere_becomes_a_string(void **state)
{
    json_t *plain = message_text("caf\xc3\xa9"), *other = message_text("caf\xe9");

    (void)state;
    assert_string_equal(json_string_value(plain), "caf\xc3\xa9");
    assert_string_equal(json_string_value(other), "caf\\xe9");
    json_decref(plain);
    json_decref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(another_version_can_be_told_from_the_rest),
        cmocka_unit_test(an_oversized_message_is_not_parsed),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_message_comes_back_as_it_was_sent),
        cmocka_unit_test(what_is_over_the_limit_is_not_encoded),
        cmocka_unit_test(an_error_names_code_and_text),
        cmocka_unit_test(a_packed_message_has_its_envelope_first),
        cmocka_unit_test(text_from_anywhere_becomes_a_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
