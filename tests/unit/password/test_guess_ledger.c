/* SPDX-License-Identifier: MIT */
/* When a password may be tried, by a clock that the test plays. The rules L1 to L6 are those of guess_ledger.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "password/guess_ledger.h"

#define START UINT64_C(1000000)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)

static int set_up(void **state)
{
    *state = guess_ledger_create();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    guess_ledger_destroy(*state);
    return 0;
}

static struct guess_address ipv4(unsigned number)
{
    char text[32];

    snprintf(text, sizeof(text), "10.%u.%u.%u", number >> 16 & 255, number >> 8 & 255, number & 255);
    return guess_address_parse(text);
}

static struct guess guess_of(unsigned address, uint64_t user)
{
    return (struct guess){.address = ipv4(address), .user = user};
}

static void assert_wait(struct guess_ledger *ledger, const struct guess *guess, uint64_t now, uint64_t wait)
{
    assert_int_equal(guess_ledger_wait_ms(ledger, guess, now), wait);
}

/* L2. */
static void an_address_is_slowed_more_and_more(void **state)
{
    static const uint64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct guess_ledger *ledger = *state;
    struct guess guess = guess_of(1, 7);
    uint64_t now = START;

    for (int i = 0; i < GUESS_FREE; i++) {
        assert_wait(ledger, &guess, now, 0);
        guess_ledger_try(ledger, &guess, now);
    }
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        assert_wait(ledger, &guess, now, seconds[i] * SECOND);
        assert_wait(ledger, &guess, now + seconds[i] * SECOND - 1, 1);
        now += seconds[i] * SECOND;
        assert_wait(ledger, &guess, now, 0);
        guess.user++; /* whichever name it tries */
        guess_ledger_try(ledger, &guess, now);
    }
    struct guess elsewhere = guess_of(2, guess.user);
    assert_wait(ledger, &elsewhere, now, 0);
}

static void wrong_tries_are_forgotten(void **state)
{
    struct guess_ledger *ledger = *state;
    struct guess guess = guess_of(1, 7);

    for (int i = 0; i < GUESS_FREE + 3; i++) {
        guess_ledger_try(ledger, &guess, START);
    }
    assert_int_equal(guess_ledger_wrong(ledger, guess.address, START), GUESS_FREE + 3);
    assert_int_equal(guess_ledger_wrong(ledger, guess.address, START + GUESS_FORGET_MS - 1), GUESS_FREE + 3);
    assert_int_equal(guess_ledger_wrong(ledger, guess.address, START + GUESS_FORGET_MS), GUESS_FREE + 2);
    assert_int_equal(guess_ledger_wrong(ledger, guess.address, START + (GUESS_FREE + 3) * GUESS_FORGET_MS),
                     0);
    /* Tries do not make what is half forgotten new. */
    guess_ledger_try(ledger, &guess, START + GUESS_FORGET_MS * 5 / 2);
    assert_int_equal(guess_ledger_wrong(ledger, guess.address, START + GUESS_FORGET_MS * 5 / 2),
                     GUESS_FREE + 2);
    assert_int_equal(guess_ledger_wrong(ledger, guess.address, START + GUESS_FORGET_MS * 3), GUESS_FREE + 1);
}

/* L3. */
static void who_remembers_is_forgiven(void **state)
{
    struct guess_ledger *ledger = *state;
    struct guess guess = guess_of(1, 7);

    for (int i = 0; i < GUESS_FREE; i++) {
        guess_ledger_try(ledger, &guess, START);
    }
    uint64_t now = START + SECOND;
    guess_ledger_try(ledger, &guess, now);
    guess_ledger_right(ledger, &guess, now);
    assert_int_equal(guess_ledger_wrong(ledger, guess.address, now), 0);
    assert_wait(ledger, &guess, now, 0);
}

/* L3. */
static void an_account_does_not_buy_guesses_at_another(void **state)
{
    struct guess_ledger *ledger = *state;
    struct guess victim = guess_of(1, 7), own = guess_of(1, 8);
    unsigned tries = 0;

    for (uint64_t now = START; now < START + 10 * MINUTE; now += SECOND / 4) {
        if (guess_ledger_wait_ms(ledger, &victim, now) == 0) {
            guess_ledger_try(ledger, &victim, now);
            tries++;
        }
        if (guess_ledger_wait_ms(ledger, &own, now) == 0) {
            guess_ledger_try(ledger, &own, now);
            guess_ledger_right(ledger, &own, now);
        }
    }
    assert_in_range(tries, GUESS_FREE, GUESS_FREE + 18);
}

/* L4. */
static void a_user_is_slowed_softly_and_strangers_still_come(void **state)
{
    struct guess_ledger *ledger = *state;
    uint64_t now = START;
    unsigned address = 0;

    for (int i = 0; i < 200; i++) {
        struct guess guess = guess_of(address, 7);
        if (i % (GUESS_FREE - 1) == GUESS_FREE - 2) {
            address++;
        }
        now += guess_ledger_wait_ms(ledger, &guess, now);
        guess_ledger_try(ledger, &guess, now);
    }
    struct guess again = guess_of(1, 7), stranger = guess_of(9999, 7),
                 home = {.address = ipv4(2), .user = 7, .known = true};
    struct guess another = guess_of(1, 8);
    assert_true(guess_ledger_wait_ms(ledger, &again, now) > SECOND);
    assert_true(guess_ledger_wait_ms(ledger, &again, now) <= GUESS_USER_DELAY_MAX_MS);
    assert_true(guess_ledger_wait_ms(ledger, &stranger, now) <= GUESS_FRESH_DELAY_MS);
    assert_wait(ledger, &home, now, 0);
    assert_wait(ledger, &another, now, 0);
    now += GUESS_FRESH_DELAY_MS;
    assert_wait(ledger, &stranger, now, 0);
    guess_ledger_try(ledger, &stranger, now);
    struct guess next = guess_of(9998, 7);
    assert_wait(ledger, &next, now, GUESS_FRESH_DELAY_MS);
}

/* L4: an attacker with one address does not slow the user anywhere else. */
static void one_attacker_slows_only_itself(void **state)
{
    struct guess_ledger *ledger = *state;
    struct guess attacker = guess_of(1, 7), user = guess_of(2, 7);

    for (uint64_t now = START; now < START + 120 * MINUTE; now += SECOND) {
        if (guess_ledger_wait_ms(ledger, &attacker, now) == 0) {
            guess_ledger_try(ledger, &attacker, now);
        }
        assert_wait(ledger, &user, now, 0);
    }
}

/* L6. */
static void many_addresses_push_out_no_slowed_one(void **state)
{
    struct guess_ledger *ledger = *state;
    struct guess slowed = guess_of(0, 7);

    for (int i = 0; i < GUESS_FREE + 7; i++) {
        guess_ledger_try(ledger, &slowed, START);
    }
    for (unsigned i = 1; i < 4 * GUESS_ADDRESSES; i++) {
        struct guess guess = guess_of(i, i);
        guess_ledger_try(ledger, &guess, START + i % 1000);
    }
    assert_wait(ledger, &slowed, START + SECOND, 59 * SECOND);
    assert_int_equal(guess_ledger_wrong(ledger, slowed.address, START + SECOND), GUESS_FREE + 7);
}

static void assert_same(const char *a, const char *b, bool same)
{
    struct guess_address one = guess_address_parse(a), other = guess_address_parse(b);

    if ((one.high == other.high && one.low == other.low) != same) {
        fail_msg("%s and %s: %s", a, b, same ? "not the same" : "the same");
    }
}

static void addresses_count_by_network(void **state)
{
    (void)state;
    assert_same("192.0.2.1", "::ffff:192.0.2.1", true);
    assert_same("192.0.2.1", "192.0.2.2", false);
    assert_same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true);
    assert_same("2001:db8:1:2::1", "2001:db8:1:3::1", false);
    assert_same("fe80::1%eth0", "fe80::2%eth1", true);
    assert_same("::1", "0.0.0.0", false);
    assert_same("::1", "::ffff:0.0.0.1", false);
    assert_same("nonsense", "", true);
    assert_same("nonsense", "::1", false);
    assert_same("1234567890123456789012345678901234567890123456789012345678901234567890", "x", true);
}

/* --- At random ------------------------------------------------------------------------------------------ */

#define RANDOM_ADDRESSES 40
#define RANDOM_STEPS 200000

/*
 * L1, L2: of 200,000 steps with right and wrong passwords, in which every address tries as soon as it may, or not, none is
 * allowed more wrong tries than free ones, those that time gives back, and those that the delays admit.
 */
static void any_sequence_keeps_the_pace(void **state)
{
    struct guess_ledger *ledger = *state;
    static uint64_t last[RANDOM_ADDRESSES];
    static unsigned tries[RANDOM_ADDRESSES];
    uint64_t now = START;

    srandom(20261129);
    for (int step = 0; step < RANDOM_STEPS; step++) {
        unsigned address = (unsigned)random() % RANDOM_ADDRESSES;
        /* Half of the addresses have an account, and all guess at the same ten users. */
        bool right = address % 2 == 0 && random() % 20 == 0;
        struct guess guess = guess_of(address, right ? 1000 + address : (uint64_t)random() % 10);
        now += (uint64_t)random() % 40;
        unsigned before = guess_ledger_wrong(ledger, guess.address, now);
        if (guess_ledger_wait_ms(ledger, &guess, now) > 0) {
            continue;
        }
        /* Between two wrong tries of an address that has used up what is free lies at least the first delay. */
        if (before >= GUESS_FREE && last[address] > 0) {
            assert_true(now - last[address] >= GUESS_DELAY_MS);
        }
        guess_ledger_try(ledger, &guess, now);
        unsigned after = guess_ledger_wrong(ledger, guess.address, now);
        assert_in_range(after, 1, GUESS_FREE + 7);
        if (right) {
            guess_ledger_right(ledger, &guess, now);
            /* It takes back its own and no others. */
            assert_int_equal(guess_ledger_wrong(ledger, guess.address, now), before);
        } else {
            last[address] = now;
            tries[address]++;
        }
    }
    /* What may be tried at most: free ones, one for each that was forgotten, and the slowest pace. */
    uint64_t elapsed = now - START;
    for (unsigned i = 0; i < RANDOM_ADDRESSES; i++) {
        uint64_t most = GUESS_FREE + 6 + elapsed / (GUESS_DELAY_MAX_MS / 2) + elapsed / GUESS_FORGET_MS + 1;
        assert_in_range(tries[i], GUESS_FREE, most);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_address_is_slowed_more_and_more),
        TEST(wrong_tries_are_forgotten),
        TEST(who_remembers_is_forgiven),
        TEST(an_account_does_not_buy_guesses_at_another),
        TEST(a_user_is_slowed_softly_and_strangers_still_come),
        TEST(one_attacker_slows_only_itself),
        TEST(many_addresses_push_out_no_slowed_one),
        TEST(addresses_count_by_network),
        TEST(any_sequence_keeps_the_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
