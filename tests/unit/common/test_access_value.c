/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/access/access_value.h"

#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN

struct value {
    const char *text;
    bool good;
};

static void assert_values(bool (*check)(const char *value, char *why), const struct value *values,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char why[ACCESS_WHY_SIZE] = "";
        assert_int_equal(check(values[i].text, why), values[i].good);
        assert_int_equal(why[0] == '\0', values[i].good);
        assert_true(values[i].good || strstr(why, "; "));
    }
}

#define ASSERT_VALUES(check, values) assert_values(check, values, sizeof(values) / sizeof((values)[0]))

static void names_can_be_typed_and_sent(void **state)
{
    static const struct value users[] = {
        {"anna", true},
        {"Zoë Brontë", true},
        {"anna@nvr.example", true},
        {SIXTY "aaaa", true},
        {"a,b", true},
        {SIXTY "aaaaa", false},
        {"", false},
        {"a:b", false},
        {" a", false},
        {"a ", false},
        {"a\nb", false},
        {"a\xff", false},
        {"a\xe2\x80\xae z", false},
    };
    static const struct value groups[] = {
        {"yard", true}, {"a:b", true}, {"a,b", false}, {"", false}, {SIXTY "aaaaa", false}};

    (void)state;
    ASSERT_VALUES(access_check_user, users);
    ASSERT_VALUES(access_check_group, groups);
}

static void patterns_are_those_of_fnmatch(void **state)
{
    static const struct value patterns[] = {
        {"*", true},      {"front*", true}, {"front-[0-9]", true},
        {"[!a]", true},   {"[]]", true},    {"[[:digit:]]", true},
        {"a\\[b", true},  {"a\\\\", true},  {"Haust\xc3\xbcr", true},
        {"[a\\]]", true}, {"", false},      {"front/sub", false},
        {"a[", false},    {"a[]", false},   {"[[:digit:]", false},
        {"a\\", false},   {"a\x01", false}, {"\xff", false},
    };

    (void)state;
    ASSERT_VALUES(access_check_pattern, patterns);
    assert_true(access_pattern_matches("front*", "front"));
    assert_true(access_pattern_matches("front-[0-9]", "front-3"));
    assert_false(access_pattern_matches("front-[0-9]", "front-a"));
    assert_true(access_pattern_matches("*", ".hidden"));
    assert_false(access_pattern_matches("front", "Front"));
    assert_true(access_pattern_matches("a\\*", "a*"));
    assert_false(access_pattern_matches("a\\*", "ab"));
}

static void passwords_are_what_a_person_can_type(void **state)
{
    static const struct value passwords[] = {
        {"a", true},
        {"p: ü 🐎", true},
        {SIXTY SIXTY SIXTY SIXTY TEN "aaaaaa", true},
        {SIXTY SIXTY SIXTY SIXTY TEN "aaaaaaa", false},
        {"", false},
        {"a\xff", false},
        {"a\tb", false},
    };
    char why[ACCESS_WHY_SIZE];

    (void)state;
    ASSERT_VALUES(access_check_password, passwords);
    assert_false(access_check_password("CANARY\n", why));
    assert_null(strstr(why, "CANARY"));
}

static void roles_have_names(void **state)
{
    (void)state;
    assert_int_equal(access_role_find("viewer"), ACCESS_VIEWER);
    assert_int_equal(access_role_find("operator"), ACCESS_OPERATOR);
    assert_int_equal(access_role_find("Operator"), -1);
    assert_string_equal(access_role_name(ACCESS_OPERATOR), "operator");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_can_be_typed_and_sent),
        cmocka_unit_test(patterns_are_those_of_fnmatch),
        cmocka_unit_test(passwords_are_what_a_person_can_type),
        cmocka_unit_test(roles_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
