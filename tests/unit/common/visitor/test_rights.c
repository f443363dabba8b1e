/* SPDX-License-Identifier: MIT */
/* Which cameras patterns allow, and what rights are together. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/access/access_value.h"
#include "common/base/clock.h"
#include "common/visitor/rights.h"

static struct rights *make(enum access_role role, const char *patterns)
{
    const char *why;
    json_t *list = json_loads(patterns, 0, NULL);

    assert_non_null(list);
    struct rights *rights = rights_from_json(role, list, &why);
    json_decref(list);
    return rights;
}

static bool allows(const char *patterns, const char *camera)
{
    struct rights *rights = make(ACCESS_VIEWER, patterns);

    assert_non_null(rights);
    bool allowed = rights_allow(rights, camera);
    rights_unref(rights);
    return allowed;
}

static void patterns_are_those_of_a_shell(void **state)
{
    (void)state;
    static const struct {
        const char *patterns, *camera;
        bool allowed;
    } cases[] = {
        {"[\"front\"]", "front", true},
        {"[\"front\"]", "Front", false},
        {"[\"front\"]", "front2", false},
        {"[\"front\"]", "fron", false},
        {"[\"front*\"]", "front", true},
        {"[\"front*\"]", "front door", true},
        {"[\"front*\"]", "yard front", false},
        {"[\"*front\"]", "yard front", true},
        {"[\"*\"]", "anything", true},
        {"[\"*\"]", ".hidden", true},
        {"[\"*\"]", "a/b", false}, /* no camera has such a name */
        {"[\"cam?\"]", "cam1", true},
        {"[\"cam?\"]", "cam", false},
        {"[\"cam?\"]", "cam12", false},
        {"[\"cam[1-3]\"]", "cam2", true},
        {"[\"cam[1-3]\"]", "cam4", false},
        {"[\"cam[!1-3]\"]", "cam4", true},
        {"[\"cam[!1-3]\"]", "cam2", false},
        {"[\"cam\\\\*\"]", "cam*", true},
        {"[\"cam\\\\*\"]", "cam1", false},
        {"[\"cam[\"]", "cam[", true}, /* no set: itself */
        {"[\"{a,b}\"]", "a", false},
        {"[\"a\",\"b\"]", "b", true},
        {"[]", "a", false},
        {"[\"*\"]", "", false},
        {"[\"K\u00fcche\"]", "K\u00fcche", true},
        {"[\"K?che\"]", "K\u00fcche", true},
        {"[\"K[\u00fc\u00f6]che\"]", "K\u00fcche", true},
        {"[\"??\"]", "\u00e4\u00f6", true},
        {"[\"??\"]", "\u00e4\u00f6\u00fc", false},
        {"[\"*\"]", "\xff\xfe", true}, /* no UTF-8: as bytes */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (allows(cases[i].patterns, cases[i].camera) != cases[i].allowed) {
            fail_msg("%s with %s", cases[i].camera, cases[i].patterns);
        }
    }
}

static void a_sub_stream_follows_its_camera(void **state)
{
    (void)state;
    assert_true(allows("[\"front\"]", "front/sub"));
    assert_true(allows("[\"fron?\"]", "front/sub"));
    assert_false(allows("[\"yard\"]", "front/sub"));
    assert_false(allows("[\"*sub\"]", "front/sub"));
    assert_false(allows("[\"front/sub\"]", "front/sub"));
    assert_false(allows("[\"front\"]", "front/sub/sub"));
    assert_false(allows("[\"*\"]", "/sub"));
}

static void names_that_no_camera_has_are_not_allowed(void **state)
{
    (void)state;
    char name[RIGHTS_CAMERA_MAX + 6];

    memset(name, 'a', sizeof(name));
    name[RIGHTS_CAMERA_MAX] = '\0';
    assert_true(allows("[\"*\"]", name));
    strcpy(name + RIGHTS_CAMERA_MAX, "/sub");
    assert_true(allows("[\"*\"]", name));
    strcpy(name + RIGHTS_CAMERA_MAX, "a");
    assert_false(allows("[\"*\"]", name));
    assert_false(rights_allow(NULL, "front"));
}

/* An issuer of tokens writes the pattern, and every request compares it. */
static void many_stars_cost_little(void **state)
{
    (void)state;
    char patterns[ACCESS_PATTERN_MAX + 8] = "[\"";
    char name[RIGHTS_CAMERA_MAX + 1];

    for (size_t i = 0; i < ACCESS_PATTERN_MAX / 2 - 1; i++) {
        strcat(patterns, "*a");
    }
    strcat(patterns, "*b\"]");
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    int64_t begin = clock_now_ns();
    assert_false(allows(patterns, name));
    assert_in_range(clock_now_ns() - begin, 0, NS_PER_SECOND);
}

static void patterns_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}", "\"front\"", "5", "[5]", "[null]", "[\"a\",[\"b\"]]", "[\"\"]", "[\"a\\nb\"]", "[\"\\u0085\"]"};
    const char *why = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *list = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_non_null(list);
        assert_null(rights_from_json(ACCESS_VIEWER, list, &why));
        assert_non_null(why);
        json_decref(list);
    }
    assert_null(rights_from_json(ACCESS_VIEWER, NULL, &why));

    char text[ACCESS_PATTERN_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[ACCESS_PATTERN_MAX + 1] = '\0';
    json_t *list = json_pack("[s]", text);
    assert_null(rights_from_json(ACCESS_VIEWER, list, &why));
    json_array_set_new(list, 0, json_stringn(text, ACCESS_PATTERN_MAX));
    struct rights *rights = rights_from_json(ACCESS_VIEWER, list, &why);
    assert_non_null(rights);
    rights_unref(rights);
    while (json_array_size(list) < RIGHTS_PATTERNS_MAX) {
        json_array_append_new(list, json_string("a"));
    }
    rights = rights_from_json(ACCESS_VIEWER, list, &why);
    assert_non_null(rights);
    rights_unref(rights);
    json_array_append_new(list, json_string("a"));
    assert_null(rights_from_json(ACCESS_VIEWER, list, &why));
    json_decref(list);
}

static void together_they_allow_what_either_allows(void **state)
{
    (void)state;
    struct rights *a = make(ACCESS_VIEWER, "[\"a*\"]");
    struct rights *b = make(ACCESS_OPERATOR, "[\"b\",\"c\"]");
    struct rights *both = rights_union(a, b);

    assert_int_equal(rights_role(both), ACCESS_OPERATOR);
    assert_true(rights_allow(both, "a1") && rights_allow(both, "b") && rights_allow(both, "c"));
    assert_false(rights_allow(both, "b1"));
    struct rights *again = rights_union(b, a);
    assert_int_equal(rights_role(again), ACCESS_OPERATOR);
    rights_unref(a); /* the union has a copy */
    rights_unref(b);
    assert_true(rights_allow(both, "a1") && rights_allow(both, "c"));
    struct rights *same = rights_union(both, NULL);
    assert_ptr_equal(same, both);
    rights_unref(same);
    same = rights_union(NULL, both);
    assert_ptr_equal(same, both);
    rights_unref(same);
    rights_unref(both);
    rights_unref(again);
    assert_null(rights_union(NULL, NULL));
    assert_int_equal(rights_role(NULL), ACCESS_VIEWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_those_of_a_shell),
        cmocka_unit_test(a_sub_stream_follows_its_camera),
        cmocka_unit_test(names_that_no_camera_has_are_not_allowed),
        cmocka_unit_test(many_stars_cost_little),
        cmocka_unit_test(patterns_are_checked),
        cmocka_unit_test(together_they_allow_what_either_allows),
    };
    rights_prepare();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rights_settle();
    return failed;
}
