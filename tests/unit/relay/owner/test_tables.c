/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/owner/due.h"
#include "relay/owner/names.h"

#define MANY 3000u

static const char *text_of(char *text, uint32_t i)
{
    snprintf(text, 32, "camera %u", i);
    return text;
}

static void names_keep_their_indices(void **state)
{
    struct names names;
    char text[32];

    (void)state;
    names_init(&names, MANY);
    assert_int_equal(names_find(&names, "camera 0"), NAMES_NONE);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(names_add(&names, text_of(text, i)), i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(names_add(&names, text_of(text, i)), i);
        assert_string_equal(names_text(&names, i), text);
        assert_true(names_hash(&names, i) == names_hash_text(text));
    }
    assert_int_equal(names_add(&names, "one too many"), NAMES_NONE);
    names_finish(&names);
}

static void names_that_are_removed_make_room(void **state)
{
    struct names names;
    char text[32];

    (void)state;
    names_init(&names, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        names_add(&names, text_of(text, i));
    }
    for (uint32_t i = 0; i < MANY; i += 3) {
        names_remove(&names, i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(names_find(&names, text_of(text, i)), i % 3 == 0 ? NAMES_NONE : i);
    }
    for (uint32_t i = 0; i < MANY; i += 3) {
        snprintf(text, sizeof(text), "another %u", i);
        assert_true(names_add(&names, text) % 3 == 0);
    }
    assert_int_equal(names.count, MANY);
    assert_int_equal(names_add(&names, "one too many"), NAMES_NONE);
    names_finish(&names);
}

static void names_have_a_length(void **state)
{
    struct names names;
    char text[NAMES_LENGTH_MAX + 2];

    (void)state;
    names_init(&names, 10);
    assert_int_equal(names_add(&names, ""), NAMES_NONE);
    memset(text, 'x', sizeof(text));
    text[NAMES_LENGTH_MAX + 1] = '\0';
    assert_int_equal(names_add(&names, text), NAMES_NONE);
    text[NAMES_LENGTH_MAX] = '\0';
    assert_int_equal(names_add(&names, text), 0);
    names_finish(&names);
}

/* Against a plain array of times. */
static void what_is_due_comes_in_order(void **state)
{
    struct due due = {0};
    uint64_t times[200], random = 1, now = 0;
    uint32_t number;

    (void)state;
    assert_false(due_take(&due, UINT64_MAX, &number));
    assert_int_equal(due_reserve(&due, 200), 0);
    memset(times, 0xff, sizeof(times));
    for (int turn = 0; turn < 20000; turn++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t which = (uint32_t)(random >> 40) % 200;
        times[which] = random >> 61 == 0 ? UINT64_MAX : now + (random >> 33) % 1000;
        due_set(&due, which, times[which]);
        uint64_t first = UINT64_MAX;
        for (int i = 0; i < 200; i++) {
            first = times[i] < first ? times[i] : first;
        }
        assert_true(due_next_ms(&due) == first);
        now += (random >> 20) % 8;
        while (due_take(&due, now, &number)) {
            assert_true(times[number] <= now);
            times[number] = UINT64_MAX;
        }
        assert_true(due_next_ms(&due) > now);
    }
    due_finish(&due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_keep_their_indices),
        cmocka_unit_test(names_that_are_removed_make_room),
        cmocka_unit_test(names_have_a_length),
        cmocka_unit_test(what_is_due_comes_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
