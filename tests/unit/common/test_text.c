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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_told_from_what_is_not),
        cmocka_unit_test(control_characters_are_found),
        cmocka_unit_test(what_moves_a_cursor_is_escaped),
        cmocka_unit_test(text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
