/* SPDX-License-Identifier: MIT */
/* Messages that come in pieces: every way to cut one up, at its bound and beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "fanout/http/said.h"

#define MESSAGE "0123456789"
#define LENGTH 10u

static void expect(enum said_result result, enum said_result expected, const char *text, size_t length)
{
    assert_int_equal(result, expected);
    if (expected == SAID_WHOLE) {
        assert_int_equal(length, LENGTH);
        assert_memory_equal(text, MESSAGE, LENGTH);
    }
}

/* Bit I of CUTS: there is a cut after byte I. AFTER: the last piece is empty. */
static void say_cut(struct said **said, unsigned cuts, bool after, size_t most, enum said_result expected)
{
    size_t begin = 0, length = 0;
    const char *text = NULL;

    for (size_t i = 0; i < LENGTH; i++) {
        bool last = i + 1 == LENGTH;
        if (!last && !(cuts >> i & 1)) {
            continue;
        }
        enum said_result result =
            said_add(said, &MESSAGE[begin], i + 1 - begin, last && !after, most, &text, &length);
        expect(result, last && !after ? expected : SAID_IN_PART, text, length);
        begin = i + 1;
    }
    if (after) {
        enum said_result result = said_add(said, NULL, 0, true, most, &text, &length);
        expect(result, expected, text, length);
    }
    said_forget(said);
    assert_null(*said);
}

static void a_message_is_the_same_in_any_pieces(void **state)
{
    struct said *said = NULL;
    (void)state;
    for (unsigned cuts = 0; cuts < 1u << (LENGTH - 1); cuts++) {
        for (int after = 0; after < 2; after++) {
            say_cut(&said, cuts, after, LENGTH, SAID_WHOLE);
            say_cut(&said, cuts, after, LENGTH - 1, SAID_LOST);
            say_cut(&said, cuts, after, 0, SAID_LOST);
        }
    }
}

static void an_empty_message_is_one(void **state)
{
    struct said *said = NULL;
    const char *text = NULL;
    size_t length = 1;
    (void)state;
    assert_int_equal(said_add(&said, NULL, 0, true, LENGTH, &text, &length), SAID_WHOLE);
    assert_int_equal(length, 0);
    assert_non_null(text);
    said_forget(&said);
    assert_int_equal(said_add(&said, NULL, 0, false, LENGTH, &text, &length), SAID_IN_PART);
    assert_int_equal(said_add(&said, NULL, 0, true, LENGTH, &text, &length), SAID_WHOLE);
    assert_int_equal(length, 0);
    said_forget(&said);
}

/* A message that comes whole is not copied. */
static void who_sends_whole_messages_costs_nothing(void **state)
{
    struct said *said = NULL;
    const char *text = NULL, *message = MESSAGE;
    size_t length = 0;
    (void)state;
    assert_int_equal(said_add(&said, message, LENGTH, true, LENGTH, &text, &length), SAID_WHOLE);
    assert_ptr_equal(text, message);
    assert_null(said);
}

static void what_is_lost_ends_with_its_message(void **state)
{
    struct said *said = NULL;
    const char *text = NULL;
    size_t length = 0;
    (void)state;
    assert_int_equal(said_add(&said, "x", 1, false, LENGTH, &text, &length), SAID_IN_PART);
    assert_int_equal(said_add(&said, MESSAGE, LENGTH, false, LENGTH, &text, &length), SAID_IN_PART);
    assert_int_equal(said_add(&said, "y", 1, true, LENGTH, &text, &length), SAID_LOST);
    said_forget(&said);
    say_cut(&said, 5, false, LENGTH, SAID_WHOLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_the_same_in_any_pieces),
        cmocka_unit_test(an_empty_message_is_one),
        cmocka_unit_test(who_sends_whole_messages_costs_nothing),
        cmocka_unit_test(what_is_lost_ends_with_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
