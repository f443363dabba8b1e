/* SPDX-License-Identifier: MIT */
/* Numbers of single-use tokens: none is two tokens' while a fan-out could take one for the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/helpers/once_page.h"

#define NOW UINT64_C(5000000)

static struct once_page *page;

static int set_up(void **state)
{
    (void)state;
    return once_page_create(&page);
}

static int tear_down(void **state)
{
    (void)state;
    once_page_destroy(page);
    page = NULL;
    return 0;
}

/* As a fan-out does. */
static void use(int number)
{
    uint32_t *numbers = mmap(NULL, ONCE_PAGE_SLOTS * sizeof(*numbers), PROT_READ | PROT_WRITE, MAP_SHARED,
                             once_page_fd(page), 0);

    assert_ptr_not_equal(numbers, MAP_FAILED);
    numbers[number] = 1;
    munmap(numbers, ONCE_PAGE_SLOTS * sizeof(*numbers));
}

static void keep(const char *id, uint64_t now)
{
    json_t *tokens = id ? json_pack("[{s:s}]", "id", id) : json_array();

    once_page_keep(page, tokens, now);
    json_decref(tokens);
}

static void the_page_has_its_size_for_ever(void **state)
{
    struct stat status;

    (void)state;
    assert_int_equal(fstat(once_page_fd(page), &status), 0);
    assert_int_equal(status.st_size, ONCE_PAGE_SLOTS * sizeof(uint32_t));
    assert_int_equal(ftruncate(once_page_fd(page), 4), -1);
    assert_int_equal(ftruncate(once_page_fd(page), 1 << 20), -1);
}

static void each_token_has_its_own_number(void **state)
{
    char id[16];

    (void)state;
    int first = once_page_slot(page, "a", NOW), second = once_page_slot(page, "b", NOW);
    assert_int_not_equal(first, second);
    assert_int_equal(once_page_slot(page, "a", NOW), first);
    assert_false(once_page_used(page, "a"));
    use(first);
    assert_true(once_page_used(page, "a"));
    assert_false(once_page_used(page, "b"));
    assert_false(once_page_used(page, "c"));
    for (int i = 2; i < ONCE_PAGE_SLOTS; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_in_range(once_page_slot(page, id, NOW), 0, ONCE_PAGE_SLOTS - 1);
    }
    assert_int_equal(once_page_slot(page, "one too many", NOW), -1);
    assert_int_equal(once_page_slot(page, "b", NOW), second);
}

static void a_number_that_was_given_up_rests(void **state)
{
    (void)state;
    int number = once_page_slot(page, "a", NOW);
    use(number);
    keep(NULL, NOW);
    assert_false(once_page_used(page, "a"));
    for (int i = 0; i < ONCE_PAGE_SLOTS - 1; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        assert_int_not_equal(once_page_slot(page, id, NOW + ONCE_PAGE_REST_MS - 1), number);
    }
    assert_int_equal(once_page_slot(page, "late", NOW + ONCE_PAGE_REST_MS - 1), -1);
    assert_int_equal(once_page_slot(page, "late", NOW + ONCE_PAGE_REST_MS), number);
    assert_false(once_page_used(page, "late"));
}

/* The next ringcastd has the same page, numbers and uses. */
static void the_next_ringcastd_knows_what_was_used(void **state)
{
    struct once_page *next = NULL;

    (void)state;
    int used = once_page_slot(page, "a", NOW), unused = once_page_slot(page, "b", NOW);
    use(used);
    json_t *note = once_page_note(page);
    assert_int_equal(once_page_adopt(dup(once_page_fd(page)), note, NOW, &next), 0);
    json_decref(note);
    assert_true(once_page_used(next, "a"));
    assert_false(once_page_used(next, "b"));
    assert_int_equal(once_page_slot(next, "a", NOW), used);
    assert_int_equal(once_page_slot(next, "b", NOW), unused);
    assert_in_range(once_page_slot(next, "c", NOW), 2, ONCE_PAGE_SLOTS - 1);
    once_page_destroy(next);
}

/* One that nobody has any more, although it was used, may just have been given up. */
static void a_used_number_of_nobody_rests_with_the_next_one(void **state)
{
    struct once_page *next = NULL;

    (void)state;
    use(0);
    json_t *note = json_object();
    assert_int_equal(once_page_adopt(dup(once_page_fd(page)), note, NOW, &next), 0);
    json_decref(note);
    assert_int_equal(once_page_slot(next, "a", NOW), 1);
    once_page_destroy(next);
}

static void what_is_no_page_is_not_taken(void **state)
{
    struct once_page *next = NULL;
    json_t *note = json_pack("{s:i, s:i, s:s}", "a", -1, "b", ONCE_PAGE_SLOTS, "c", "x");
    int other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)state;
    assert_int_equal(ftruncate(other, ONCE_PAGE_SLOTS * sizeof(uint32_t)), 0);
    assert_int_equal(once_page_adopt(other, note, NOW, &next), -EPROTO); /* could be cut */
    close(other);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(once_page_adopt(null, note, NOW, &next), -EPROTO);
    close(null);
    assert_int_equal(once_page_adopt(dup(once_page_fd(page)), note, NOW, &next), 0);
    assert_int_equal(once_page_slot(next, "a", NOW), 0);
    once_page_destroy(next);
    json_decref(note);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_page_has_its_size_for_ever),
        TEST(each_token_has_its_own_number),
        TEST(a_number_that_was_given_up_rests),
        TEST(the_next_ringcastd_knows_what_was_used),
        TEST(a_used_number_of_nobody_rests_with_the_next_one),
        TEST(what_is_no_page_is_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
