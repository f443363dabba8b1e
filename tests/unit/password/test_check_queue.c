/* SPDX-License-Identifier: MIT */
/* Whose password is hashed next. The rules Q1 and Q2 are those of check_queue.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "password/check_queue.h"

enum kind { STRANGER, FRESH, KNOWN };

static json_int_t numbers;

static int set_up(void **state)
{
    *state = check_queue_create();
    numbers = 0;
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    check_queue_destroy(*state);
    return 0;
}

static struct check *make(uint64_t client, const char *address, enum kind kind)
{
    struct check *check = check_create("anna", "secret", address);

    assert_non_null(check);
    check->client = client;
    check->number = ++numbers;
    check->fresh = kind == FRESH;
    check->guess.known = kind == KNOWN;
    return check;
}

static json_int_t push(struct check_queue *queue, uint64_t client, const char *address, enum kind kind)
{
    struct check *check = make(client, address, kind);
    json_int_t number = check->number;

    assert_null(check_queue_push(queue, check));
    return number;
}

/* The number of the one that had to go. */
static json_int_t push_full(struct check_queue *queue, uint64_t client, const char *address, enum kind kind)
{
    struct check *gone = check_queue_push(queue, make(client, address, kind));

    assert_non_null(gone);
    json_int_t number = gone->number;
    check_destroy(gone);
    return number;
}

static json_int_t pop(struct check_queue *queue)
{
    struct check *check = check_queue_pop(queue);
    json_int_t number = check ? check->number : 0;

    check_destroy(check);
    return number;
}

static void a_flood_delays_another_by_two(void **state)
{
    struct check_queue *queue = *state;

    for (int i = 0; i < CHECK_LINE_MAX; i++) {
        push(queue, 1, "192.0.2.1", FRESH);
    }
    assert_int_equal(pop(queue), 1); /* is being hashed */
    json_int_t other = push(queue, 1, "192.0.2.2", STRANGER);
    assert_int_equal(pop(queue), 2);
    assert_int_equal(pop(queue), other);
    assert_int_equal(pop(queue), 3);
}

static void who_guesses_comes_after_who_does_not(void **state)
{
    struct check_queue *queue = *state;
    char address[32];

    for (unsigned i = 0; i < 100; i++) {
        snprintf(address, sizeof(address), "10.0.0.%u", i);
        push(queue, 1, address, STRANGER);
    }
    json_int_t fresh = push(queue, 1, "192.0.2.2", FRESH);
    json_int_t known = push(queue, 1, "192.0.2.3", KNOWN);
    assert_int_equal(pop(queue), known);
    assert_int_equal(pop(queue), fresh);
    assert_int_equal(pop(queue), 1);
    assert_int_equal(pop(queue), 2);
}

static void every_fourth_turn_is_for_the_others(void **state)
{
    struct check_queue *queue = *state;
    char address[32];

    json_int_t other = push(queue, 1, "192.0.2.1", STRANGER);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(address, sizeof(address), "10.0.0.%u", i);
        push(queue, 1, address, FRESH);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pop(queue), 2 + i);
    }
    assert_int_equal(pop(queue), other);
    assert_int_equal(pop(queue), 5);
}

/* Behind one address there may be several people. */
static void a_known_user_is_not_held_up_by_a_neighbour(void **state)
{
    struct check_queue *queue = *state;

    for (int i = 0; i < CHECK_LINE_MAX; i++) {
        push(queue, 1, "192.0.2.1", STRANGER);
    }
    assert_int_equal(push_full(queue, 1, "192.0.2.1", STRANGER), CHECK_LINE_MAX + 1);
    assert_int_equal(push_full(queue, 1, "192.0.2.1", KNOWN), CHECK_LINE_MAX);
    assert_int_equal(push_full(queue, 1, "192.0.2.1", KNOWN), CHECK_LINE_MAX - 1);
    push(queue, 1, "192.0.2.2", FRESH);
    assert_int_equal(pop(queue), CHECK_LINE_MAX + 2);
    assert_int_equal(pop(queue), CHECK_LINE_MAX + 3);
    assert_int_equal(pop(queue), CHECK_LINE_MAX + 4);
    assert_int_equal(pop(queue), 1);
}

static void a_full_queue_takes_from_the_longest_line(void **state)
{
    struct check_queue *queue = *state;
    char address[32];

    for (unsigned i = 0; i < CHECK_CLIENT_MAX / 2; i++) {
        snprintf(address, sizeof(address), "10.0.0.%u", i);
        push(queue, 1, address, STRANGER);
        push(queue, 1, address, STRANGER);
    }
    assert_int_equal(check_queue_length(queue), CHECK_CLIENT_MAX);
    json_int_t gone = push_full(queue, 1, "192.0.2.1", FRESH);
    assert_int_equal(gone % 2, 0); /* the second one of a line */
    assert_int_equal(check_queue_length(queue), CHECK_CLIENT_MAX);
    /* The next one of the same address would be no better than those that are there. */
    gone = push_full(queue, 1, "192.0.2.1", STRANGER);
    assert_int_equal(gone, numbers);
    /* Another client has places of its own. */
    push(queue, 2, "192.0.2.9", STRANGER);
}

static void a_known_user_takes_the_place_of_a_stranger(void **state)
{
    struct check_queue *queue = *state;
    char address[32];

    for (unsigned i = 0; i < CHECK_CLIENT_MAX; i++) {
        snprintf(address, sizeof(address), "10.0.0.%u", i);
        push(queue, 1, address, FRESH);
    }
    json_int_t gone = push_full(queue, 1, "192.0.2.1", FRESH);
    assert_int_equal(gone, numbers);
    assert_in_range(push_full(queue, 1, "192.0.2.1", KNOWN), 1, CHECK_CLIENT_MAX);
    assert_int_equal(pop(queue), numbers);
}

static void a_client_that_is_gone_costs_nothing(void **state)
{
    struct check_queue *queue = *state;

    push(queue, 1, "192.0.2.1", FRESH);
    json_int_t second = push(queue, 2, "192.0.2.1", FRESH);
    push(queue, 1, "192.0.2.2", FRESH);
    check_queue_drop(queue, 1);
    assert_int_equal(check_queue_length(queue), 1);
    assert_null(check_queue_take(queue, 1, second));
    check_destroy(check_queue_take(queue, 2, second));
    assert_int_equal(check_queue_length(queue), 0);
    assert_int_equal(pop(queue), 0);
}

/* Nothing is lost and nothing comes twice, whatever happens in which order. */
static void any_sequence_keeps_every_check_once(void **state)
{
    static bool waits[200001];
    struct check_queue *queue = *state;
    char address[32];
    size_t count = 0;

    srandom(20261129);
    memset(waits, 0, sizeof(waits));
    for (int step = 0; step < 100000; step++) {
        struct check *check = NULL;
        snprintf(address, sizeof(address), "10.0.0.%u", (unsigned)random() % (step / 1000 % 2 ? 250u : 12u));
        switch (random() % 8) {
        case 0:
            check = check_queue_pop_of(queue, guess_address_parse(address));
            break;
        case 1:
            check = check_queue_take(queue, 1 + (uint64_t)random() % 3, numbers - random() % 50);
            break;
        case 2:
        case 3:
            check = check_queue_pop(queue);
            break;
        default:
            check = make(1 + (uint64_t)random() % 3, address, (enum kind)(random() % 3));
            waits[check->number] = true;
            count++;
            check = check_queue_push(queue, check);
        }
        if (check) {
            assert_true(waits[check->number]);
            waits[check->number] = false;
            count--;
            check_destroy(check);
        }
        assert_int_equal(check_queue_length(queue), count);
        assert_true(count <= 3 * CHECK_CLIENT_MAX);
    }
    for (json_int_t number; (number = pop(queue)) > 0; count--) {
        assert_true(waits[number]);
        waits[number] = false;
    }
    assert_int_equal(count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_flood_delays_another_by_two),
        TEST(who_guesses_comes_after_who_does_not),
        TEST(every_fourth_turn_is_for_the_others),
        TEST(a_known_user_is_not_held_up_by_a_neighbour),
        TEST(a_full_queue_takes_from_the_longest_line),
        TEST(a_known_user_takes_the_place_of_a_stranger),
        TEST(a_client_that_is_gone_costs_nothing),
        TEST(any_sequence_keeps_every_check_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
