/* SPDX-License-Identifier: MIT */
/* Boxes in memory that may say anything of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/box.h"

/* A copy of BYTES in memory of exactly its size, so that a sanitizer sees each byte that is read behind it. */
static struct span copy(const void *bytes, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);

    assert_non_null(data);
    memcpy(data, bytes, size);
    return (struct span){data, size};
}

static void boxes_follow_each_other(void **state)
{
    static const char bytes[] = "\0\0\0\x0a"
                                "abcdxy"
                                "\0\0\0\x08"
                                "free"
                                "\0\0\0\x01"
                                "larg"
                                "\0\0\0\0\0\0\0\x11"
                                "z";
    struct span whole = copy(bytes, sizeof(bytes) - 1), rest = whole;
    struct box box;

    (void)state;
    assert_true(box_next(&rest, &box));
    assert_int_equal(box.type, BOX_TYPE('a', 'b', 'c', 'd'));
    assert_int_equal(box.body.size, 2);
    assert_memory_equal(box.body.data, "xy", 2);
    assert_true(box_next(&rest, &box));
    assert_int_equal(box.body.size, 0);
    assert_true(box_next(&rest, &box)); /* a size of 64 bits */
    assert_int_equal(box.type, BOX_TYPE('l', 'a', 'r', 'g'));
    assert_int_equal(box.body.size, 1);
    assert_int_equal(box.body.data[0], 'z');
    assert_int_equal(rest.size, 0);
    assert_false(box_next(&rest, &box));
    free((void *)(uintptr_t)whole.data);
}

static void a_box_that_does_not_fit_is_none(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"", 0},
        {"\0\0\0\x08"
         "abc",
         7},
        {"\0\0\0\x07"
         "abcd",
         8},
        {"\0\0\0\x09"
         "abcd",
         8},
        {"\xff\xff\xff\xff"
         "abcd",
         8},
        {"\0\0\0\x01"
         "abcd\0\0\0\0\0\0\0",
         15},
        {"\0\0\0\x01"
         "abcd\0\0\0\0\0\0\0\x0f",
         16},
        {"\0\0\0\x01"
         "abcd\xff\xff\xff\xff\xff\xff\xff\xff",
         16},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span whole = copy(cases[i].bytes, cases[i].size), rest = whole, body;
        struct box box;
        assert_false(box_next(&rest, &box));
        assert_false(box_find(whole, BOX_TYPE('a', 'b', 'c', 'd'), &body));
        free((void *)(uintptr_t)whole.data);
    }
}

static void boxes_are_found_within_boxes(void **state)
{
    static const char bytes[] = "\0\0\0\x08"
                                "free"
                                "\0\0\0\x1a"
                                "moov"
                                "\0\0\0\x08"
                                "skip"
                                "\0\0\0\x0a"
                                "trakhi";
    static const uint32_t path[] = {BOX_TYPE('m', 'o', 'o', 'v'), BOX_TYPE('t', 'r', 'a', 'k')};
    static const uint32_t other[] = {BOX_TYPE('m', 'o', 'o', 'v'), BOX_TYPE('u', 'd', 't', 'a')};
    struct span whole = copy(bytes, sizeof(bytes) - 1), body;

    (void)state;
    assert_true(box_find_path(whole, path, 2, &body));
    assert_int_equal(body.size, 2);
    assert_memory_equal(span_take(&body, 2), "hi", 2);
    assert_null(span_take(&body, 1));
    assert_false(box_find_path(whole, other, 2, &body));
    free((void *)(uintptr_t)whole.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_follow_each_other),
        cmocka_unit_test(a_box_that_does_not_fit_is_none),
        cmocka_unit_test(boxes_are_found_within_boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
