/* SPDX-License-Identifier: MIT */
/* Who is how busy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "common/ipc/load_board.h"

static void the_least_of_those_that_are_there(void **state)
{
    int fd = load_board_create();
    struct load_board *board = load_board_map(fd);

    (void)state;
    assert_non_null(board);
    assert_int_equal(load_board_least(board), LOAD_BOARD_ABSENT);
    load_board_set(board, 0, 7);
    load_board_set(board, LOAD_BOARD_SLOTS - 1, 5);
    load_board_set(board, LOAD_BOARD_SLOTS, 1); /* no such slot */
    assert_int_equal(load_board_least(board), 5);
    load_board_leave(fd, LOAD_BOARD_SLOTS - 1);
    assert_int_equal(load_board_least(board), 7);
    load_board_unmap(board);
    close(fd);
}

/* Each process maps the board for itself. */
static void all_see_each_other_and_cannot_cut_it(void **state)
{
    int fd = load_board_create();
    struct load_board *board = load_board_map(fd);
    struct load_board *other = load_board_map(fd);

    (void)state;
    assert_non_null(board);
    assert_non_null(other);
    assert_ptr_not_equal(board, other);
    load_board_set(board, 0, 9);
    assert_int_not_equal(ftruncate(fd, 0), 0);
    load_board_set(other, 1, 3);
    assert_int_equal(load_board_least(board), 3);
    load_board_unmap(other);
    load_board_unmap(board);
    close(fd);
}

static void what_is_no_board_is_not_mapped(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_null(load_board_map(ends[0]));
    assert_null(load_board_map(-1));
    load_board_leave(ends[0], 0);
    load_board_unmap(NULL);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_of_those_that_are_there),
        cmocka_unit_test(all_see_each_other_and_cannot_cut_it),
        cmocka_unit_test(what_is_no_board_is_not_mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
