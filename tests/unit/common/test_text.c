/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/text.h"

static void utf8_is_told_from_what_is_not(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"front door", true},
        {"Haustür", true},
        {"€", true},
        {"\xf0\x9f\x8e\xa5", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xff", false},
        {"\x80", false},
        {"\xc3", false},
        {"\xc3(", false},
        {"\xc0\xaf", false},         /* overlong '/' */
        {"\xe0\x80\xaf", false},     /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* over U+10FFFF */
        {"\xf0\x9f\x8e", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (text_is_utf8(cases[i].text) != cases[i].valid) {
            fail_msg("case %zu", i);
        }
        struct text_stream stream = {0}; /* byte by byte */
        bool valid = true;
        for (const char *next = cases[i].text; valid && *next; next++) {
            valid = text_stream_add(&stream, next, 1);
        }
        if ((text_stream_end(&stream) && valid) != cases[i].valid) {
            fail_msg("case %zu in pieces", i);
        }
    }
}

static void control_characters_are_found(void **state)
{
    (void)state;
    assert_false(text_has_control("Haustür 1"));
    assert_true(text_has_control("a\nb"));
    assert_true(text_has_control("a\x7f"));
    assert_true(text_has_control("a\xc2\x9b"));
    assert_false(text_has_control("a\xc2\xa0"));
    assert_true(text_has_control("\xff\x1b"));
}

static void what_moves_a_cursor_is_escaped(void **state)
{
    static const struct {
        const char *text, *escaped;
    } cases[] = {
        {"plain ü €", "plain ü €"},
        {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
        {"\033[2J", "\\x1b[2J"},
        {"\x7f\x01", "\\x7f\\x01"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"},
        {"\xff\xc3", "\\xff\\xc3"},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(text_escape(out, sizeof(out), cases[i].text), strlen(cases[i].escaped));
        assert_string_equal(out, cases[i].escaped);
    }
}

/* Everything of Unicode's category Cf that is not seen, at both ends of each range, and its neighbours. */
static void what_hides_or_reorders_is_escaped(void **state)
{
    static const struct {
        const char *text, *escaped;
    } cases[] = {
        {"gate\u202etxt.exe", "gate\\u202etxt.exe"},
        {"\u00ad\u034f\u061c\u180e", "\\u00ad\\u034f\\u061c\\u180e"},
        {"\u200a\u200b\u200f\u2010", "\u200a\\u200b\\u200f\u2010"},
        {"\u2027\u2028\u2029\u202a\u202e\u202f", "\u2027\\u2028\\u2029\\u202a\\u202e\u202f"},
        {"\u205f\u2060\u2066\u2069\u206f\u2070", "\u205f\\u2060\\u2066\\u2069\\u206f\u2070"},
        {"\ufefe\ufeff\uff00", "\ufefe\\ufeff\uff00"},
        {"\ufff8\ufff9\ufffb\ufffc", "\ufff8\\ufff9\\ufffb\ufffc"},
        {"\U000e0001\U000e007f\U000e0080", "\\U000e0001\\U000e007f\U000e0080"},
        {"\u0600\u06dd", "\u0600\u06dd"},                       /* seen */
        {"م\u064eن \u05d0 \u1f3a5", "م\u064eن \u05d0 \u1f3a5"}, /* letters of any direction */
    };
    char out[128];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(text_escape(out, sizeof(out), cases[i].text), strlen(cases[i].escaped));
        assert_string_equal(out, cases[i].escaped);
        assert_int_equal(text_has_unseen(cases[i].text), strcmp(cases[i].text, cases[i].escaped) != 0);
        assert_true(strlen(out) <= strlen(cases[i].text) * TEXT_ESCAPE_MAX);
    }
    assert_int_equal(text_escape(out, 6, "\u202e"), 0); /* no room for all of it */
    assert_int_equal(text_escape(out, 7, "\u202e"), 6);
}

static void text_is_cut_between_characters(void **state)
{
    char out[8];

    (void)state;
    text_escape(out, 4, "ab€");
    assert_string_equal(out, "ab");
    text_escape(out, 6, "ab\n\n");
    assert_string_equal(out, "ab\\n");
    out[0] = 'x';
    assert_int_equal(text_escape(out, 0, "a"), 0);
    assert_int_equal(out[0], 'x');

    strcpy(out, "ab\xe2\x82");
    text_trim_partial(out);
    assert_string_equal(out, "ab");
    strcpy(out, "ab€");
    text_trim_partial(out);
    assert_string_equal(out, "ab€");
    strcpy(out, "");
    text_trim_partial(out);
    assert_string_equal(out, "");
}

static void a_copy_is_cut_between_characters(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(text_copy(out, sizeof(out), "front"), 5);
    assert_string_equal(out, "front");
    assert_int_equal(text_copy(out, 4, "front"), 3);
    assert_string_equal(out, "fro");
    assert_int_equal(text_copy(out, 5, "ab€"), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(text_copy(out, 6, "ab€"), 5);
    assert_string_equal(out, "ab€");
    out[0] = 'x';
    assert_int_equal(text_copy(out, 0, "a"), 0);
    assert_int_equal(out[0], 'x');
}

static void hexadecimal_digits_have_two_cases(void **state)
{
    (void)state;
    assert_int_equal(text_hex_digit('0'), 0);
    assert_int_equal(text_hex_digit('9'), 9);
    assert_int_equal(text_hex_digit('a'), 10);
    assert_int_equal(text_hex_digit('F'), 15);
    assert_int_equal(text_hex_digit('g'), -1);
    assert_int_equal(text_hex_digit('\0'), -1);
    assert_int_equal(text_hex_digit('@'), -1);
}

static void the_distance_counts_what_a_typist_gets_wrong(void **state)
{
    char longest[TEXT_DISTANCE_BYTES_MAX + 2];

    (void)state;
    assert_int_equal(text_edit_distance("", ""), 0);
    assert_int_equal(text_edit_distance("front", "front"), 0);
    assert_int_equal(text_edit_distance("", "abc"), 3);
    assert_int_equal(text_edit_distance("front", "frnt"), 1);
    assert_int_equal(text_edit_distance("front", "frount"), 1);
    assert_int_equal(text_edit_distance("front", "frosh"), 2);
    assert_int_equal(text_edit_distance("front", "fornt"), 1);
    assert_int_equal(text_edit_distance("kitten", "sitting"), 3);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_true(text_edit_distance(longest, "a") == SIZE_MAX);
    assert_int_equal(text_edit_distance(longest + 1, "a"), TEXT_DISTANCE_BYTES_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_told_from_what_is_not),
        cmocka_unit_test(control_characters_are_found),
        cmocka_unit_test(what_moves_a_cursor_is_escaped),
        cmocka_unit_test(what_hides_or_reorders_is_escaped),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(a_copy_is_cut_between_characters),
        cmocka_unit_test(hexadecimal_digits_have_two_cases),
        cmocka_unit_test(the_distance_counts_what_a_typist_gets_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
