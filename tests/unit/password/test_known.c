/* SPDX-License-Identifier: MIT */
/* Which passwords are answered without a hash. The rules K1 to K4 are those of known.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "password/known.h"

#define NOW UINT64_C(5000000)

static int set_up(void **state)
{
    *state = known_table_create();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    known_table_destroy(*state);
    return 0;
}

static struct guess_address at(unsigned number)
{
    return (struct guess_address){.high = number, .low = 1};
}

static bool right(struct known_table *table, const char *user, unsigned address, const char *hash,
                  const char *password)
{
    return known_table_right(table, user, at(address), hash, password, false, NOW);
}

static void only_the_same_is_known(void **state)
{
    struct known_table *table = *state;

    assert_false(right(table, "anna", 1, "$y$1", "secret"));
    known_table_learn(table, "anna", at(1), "$y$1", "secret", NOW);
    assert_true(right(table, "anna", 1, "$y$1", "secret"));
    assert_false(right(table, "anna", 1, "$y$1", "Secret"));
    assert_false(right(table, "anna", 1, "$y$1", "secre"));
    assert_false(right(table, "anna", 2, "$y$1", "secret")); /* K1 */
    assert_false(right(table, "anna", 1, "$y$2", "secret")); /* K3 */
    assert_false(right(table, "ann", 1, "a$y$1", "secret"));
    assert_false(right(table, "bert", 1, "$y$1", "secret"));
    assert_true(known_table_has(table, "anna", at(1)));
    assert_false(known_table_has(table, "anna", at(2)));
    assert_false(known_table_has(table, "bert", at(1)));
}

static void users_that_change_are_forgotten(void **state)
{
    struct known_table *table = *state;

    known_table_learn(table, "anna", at(1), "$y$1", "secret", NOW);
    known_table_forget_passwords(table);
    assert_false(right(table, "anna", 1, "$y$1", "secret"));
    assert_true(known_table_has(table, "anna", at(1)));
    known_table_learn(table, "anna", at(1), "$y$1", "other", NOW);
    assert_true(right(table, "anna", 1, "$y$1", "other"));
    assert_false(right(table, "anna", 1, "$y$1", "secret"));
}

/* K2. */
static void a_neighbour_cannot_guess_at_full_speed(void **state)
{
    struct known_table *table = *state;
    char password[32];
    unsigned looks = 0;

    known_table_learn(table, "anna", at(1), "$y$1", "999", NOW);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(password, sizeof(password), "%u", i);
        looks += known_table_right(table, "anna", at(1), "$y$1", password, true, NOW);
    }
    assert_int_equal(looks, 0);
    assert_false(known_table_right(table, "anna", at(1), "$y$1", "999", true, NOW + KNOWN_LOOK_MS - 1));
    /* The right one takes nothing away. */
    for (int i = 0; i < 100; i++) {
        assert_true(known_table_right(table, "anna", at(1), "$y$1", "999", true, NOW + KNOWN_LOOK_MS));
    }
    assert_true(right(table, "anna", 1, "$y$1", "999"));
}

/* K2: the pace, and that what was given back does not grow beyond the bound. */
static void looks_come_back_slowly(void **state)
{
    struct known_table *table = *state;
    uint64_t now = NOW;
    unsigned looked = 0;

    known_table_learn(table, "anna", at(1), "$y$1", "right", now);
    now += 1000 * KNOWN_LOOK_MS;
    for (int i = 0; i < KNOWN_LOOKS; i++) {
        assert_false(known_table_right(table, "anna", at(1), "$y$1", "wrong", true, now));
    }
    assert_false(known_table_right(table, "anna", at(1), "$y$1", "right", true, now));
    for (int i = 0; i < 1000; i++) {
        now += KNOWN_LOOK_MS / 10;
        if (known_table_right(table, "anna", at(1), "$y$1", "right", true, now)) {
            looked++;
            assert_false(known_table_right(table, "anna", at(1), "$y$1", "wrong", true, now));
        }
    }
    assert_int_equal(looked, 100);
}

/* K4. */
static void an_account_pushes_out_nobody_else(void **state)
{
    struct known_table *table = *state;

    known_table_learn(table, "anna", at(1), "$y$1", "secret", NOW);
    for (unsigned i = 0; i < 4 * KNOWN_MAX; i++) {
        known_table_learn(table, "mallory", at(100 + i), "$y$2", "own", NOW + 1 + i);
    }
    assert_true(right(table, "anna", 1, "$y$1", "secret"));
    assert_true(right(table, "mallory", 100 + 4 * KNOWN_MAX - 1, "$y$2", "own"));
    assert_true(right(table, "mallory", 100 + 4 * KNOWN_MAX - KNOWN_OF_USER, "$y$2", "own"));
    assert_false(right(table, "mallory", 100 + 4 * KNOWN_MAX - KNOWN_OF_USER - 1, "$y$2", "own"));
}

static void a_full_table_forgets_the_least_used(void **state)
{
    struct known_table *table = *state;
    char user[32];

    for (unsigned i = 0; i < KNOWN_MAX; i++) {
        snprintf(user, sizeof(user), "user%u", i);
        known_table_learn(table, user, at(i), "$y$1", "secret", NOW + i);
    }
    assert_true(known_table_right(table, "user0", at(0), "$y$1", "secret", false, NOW + 2 * KNOWN_MAX));
    known_table_learn(table, "one more", at(1), "$y$1", "secret", NOW + 2 * KNOWN_MAX);
    assert_true(known_table_has(table, "user0", at(0)));
    assert_false(known_table_has(table, "user1", at(1)));
    assert_true(known_table_has(table, "user2", at(2)));
    assert_true(known_table_has(table, "one more", at(1)));
}

/* What is too long to be remembered is hashed each time. */
static void long_ones_are_not_remembered(void **state)
{
    struct known_table *table = *state;
    char hash[1024];

    memset(hash, 'x', sizeof(hash) - 1);
    hash[sizeof(hash) - 1] = '\0';
    known_table_learn(table, "anna", at(1), hash, "secret", NOW);
    assert_false(right(table, "anna", 1, hash, "secret"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(only_the_same_is_known),
        TEST(users_that_change_are_forgotten),
        TEST(a_neighbour_cannot_guess_at_full_speed),
        TEST(looks_come_back_slowly),
        TEST(an_account_pushes_out_nobody_else),
        TEST(a_full_table_forgets_the_least_used),
        TEST(long_ones_are_not_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
