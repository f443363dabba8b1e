/* SPDX-License-Identifier: MIT */
/* From the question to the answer, with real hashes that are cheap. */
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "password/checks.h"
#include "password/guess_ledger.h"
#include "password/user_table.h"

#define ANSWERS_MAX 4096

static struct answer {
    bool given;
    uint64_t client;
    enum checks_result result;
    unsigned retry_s;
} answers[ANSWERS_MAX];

static uint64_t now = 1000000;
static json_int_t number;

static uint64_t clock_of_test(void)
{
    return now;
}

static void on_answer(void *data, uint64_t client, json_int_t of, enum checks_result result, unsigned retry_s)
{
    (void)data;
    assert_in_range(of, 1, ANSWERS_MAX - 1);
    assert_false(answers[of].given);
    answers[of] = (struct answer){.given = true, .client = client, .result = result, .retry_s = retry_s};
}

/* Consumes HASH. */
static json_t *user(const char *name, char *hash)
{
    json_t *entry = json_pack("{s:s, s:s}", "name", name, "hash", hash);

    free(hash);
    return entry;
}

static char *hash_of(const char *password)
{
    return strdup(crypt(password, "$6$rounds=1000$saltsalt$"));
}

static void set_users(struct checks *checks, const char *password)
{
    json_t *document = json_pack("{s:[o, o, o]}", "users", user("anna", hash_of(password)),
                                 user("bert", hash_of("bert's")), user("locked", strdup("!")));
    assert_int_equal(checks_set_users(checks, document), 0);
    json_decref(document);
}

static int set_up(void **state)
{
    memset(answers, 0, sizeof(answers));
    number = 0;
    *state = checks_create(on_answer, NULL);
    set_users(*state, "secret");
    return 0;
}

static int tear_down(void **state)
{
    checks_destroy(*state);
    return 0;
}

static json_int_t ask(struct checks *checks, const char *name, const char *password, const char *address)
{
    const struct checks_question question = {
        .client = 1, .number = ++number, .user = name, .password = password, .address = address};

    checks_ask(checks, &question, now);
    return number;
}

static void run(struct checks *checks)
{
    while (checks_waiting(checks)) {
        checks_turn(checks, clock_of_test);
    }
}

static enum checks_result check(struct checks *checks, const char *name, const char *password,
                                const char *address)
{
    json_int_t of = ask(checks, name, password, address);

    run(checks);
    assert_true(answers[of].given);
    return answers[of].result;
}

static json_int_t hashed(const struct checks *checks)
{
    return checks_counts(checks).hashed;
}

static void passwords_are_right_or_wrong(void **state)
{
    struct checks *checks = *state;
    char long_one[USER_PASSWORD_MAX + 2];

    assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_RIGHT);
    assert_int_equal(check(checks, "bert", "bert's", "192.0.2.1"), CHECKS_RIGHT);
    assert_int_equal(check(checks, "anna", "bert's", "192.0.2.2"), CHECKS_WRONG);
    assert_int_equal(check(checks, "anna", "", "192.0.2.3"), CHECKS_WRONG);
    assert_int_equal(check(checks, "Anna", "secret", "192.0.2.4"), CHECKS_WRONG);
    assert_int_equal(check(checks, "", "secret", "192.0.2.5"), CHECKS_WRONG);
    assert_int_equal(check(checks, "locked", "!", "192.0.2.6"), CHECKS_WRONG);
    memset(long_one, 'x', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    assert_int_equal(check(checks, "anna", long_one, "192.0.2.7"), CHECKS_WRONG);
}

/* A name that nobody has, and a locked one, is computed as any other. */
static void a_name_that_nobody_has_costs_a_hash(void **state)
{
    struct checks *checks = *state;
    json_int_t before = hashed(checks);

    assert_int_equal(check(checks, "nobody", "x", "192.0.2.1"), CHECKS_WRONG);
    assert_int_equal(check(checks, "locked", "x", "192.0.2.2"), CHECKS_WRONG);
    assert_int_equal(check(checks, "anna", "x", "192.0.2.3"), CHECKS_WRONG);
    assert_int_equal(hashed(checks), before + 3);
}

static void without_users_nothing_is_right(void **state)
{
    struct checks *checks = *state;
    json_t *none = json_pack("{s:[]}", "users"), *broken = json_pack("{s:s}", "users", "x");

    assert_int_equal(checks_set_users(checks, none), 0);
    assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_WRONG);
    assert_int_equal(hashed(checks), 1);
    set_users(checks, "secret");
    assert_true(checks_set_users(checks, broken) < 0);
    assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_RIGHT);
    json_decref(none);
    json_decref(broken);
}

static void who_guesses_is_slowed_without_a_hash(void **state)
{
    struct checks *checks = *state;

    for (int i = 0; i < GUESS_FREE; i++) {
        assert_int_equal(check(checks, "anna", "wrong", "192.0.2.1"), CHECKS_WRONG);
    }
    json_int_t before = hashed(checks);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_SLOW);
        assert_int_equal(answers[number].retry_s, 1);
    }
    assert_int_equal(hashed(checks), before);
    now += GUESS_DELAY_MS;
    assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_RIGHT);
}

/* All of a flood but the free tries is answered as soon as the last of these was wrong. */
static void a_flood_that_waits_is_let_go(void **state)
{
    struct checks *checks = *state;

    for (int i = 0; i < 1000; i++) {
        ask(checks, i % 2 ? "anna" : "nobody", "wrong", "192.0.2.1");
    }
    run(checks);
    assert_int_equal(hashed(checks), GUESS_FREE);
    for (int i = 1; i <= 1000; i++) {
        assert_true(answers[i].given);
    }
    assert_int_equal(checks_counts(checks).slowed, 1000 - GUESS_FREE);
    now += 60 * 60 * 1000;
}

/* The lines of others go on while one address floods. */
static void a_flood_delays_nobody_else(void **state)
{
    struct checks *checks = *state;

    for (int i = 0; i < 8; i++) {
        ask(checks, "anna", "wrong", "192.0.2.1");
    }
    checks_turn(checks, clock_of_test);
    json_int_t other = ask(checks, "anna", "secret", "192.0.2.2");
    checks_turn(checks, clock_of_test);
    checks_turn(checks, clock_of_test);
    assert_true(answers[other].given);
    assert_int_equal(answers[other].result, CHECKS_RIGHT);
    run(checks);
}

static void who_was_right_from_here_is_never_slowed(void **state)
{
    struct checks *checks = *state;

    assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_RIGHT);
    for (int i = 0; i < 40; i++) {
        check(checks, "nobody", "wrong", "192.0.2.1");
        check(checks, "anna", "wrong", "192.0.2.1");
    }
    json_int_t before = hashed(checks);
    json_int_t of = ask(checks, "anna", "secret", "192.0.2.1");
    assert_true(answers[of].given);
    assert_int_equal(answers[of].result, CHECKS_RIGHT);
    assert_int_equal(hashed(checks), before);
    /* Not from elsewhere, and not with another password. */
    assert_int_equal(check(checks, "anna", "wrong", "192.0.2.1"), CHECKS_SLOW);
    assert_int_equal(check(checks, "anna", "secret", "192.0.2.9"), CHECKS_RIGHT);
    assert_int_equal(hashed(checks), before + 1);
    now += 60 * 60 * 1000;
}

static void a_new_password_ends_the_old_one(void **state)
{
    struct checks *checks = *state;

    assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_RIGHT);
    set_users(checks, "changed");
    assert_int_equal(check(checks, "anna", "secret", "192.0.2.1"), CHECKS_WRONG);
    assert_int_equal(check(checks, "anna", "changed", "192.0.2.1"), CHECKS_RIGHT);
    /* Whoever is no user any more is not known either. */
    json_t *none = json_pack("{s:[]}", "users");
    assert_int_equal(checks_set_users(checks, none), 0);
    json_decref(none);
    assert_int_equal(check(checks, "anna", "changed", "192.0.2.1"), CHECKS_WRONG);
}

static void a_question_that_is_taken_back_is_not_hashed(void **state)
{
    struct checks *checks = *state;
    json_int_t one = ask(checks, "anna", "secret", "192.0.2.1"),
               other = ask(checks, "bert", "bert's", "192.0.2.1");

    checks_cancel(checks, 1, one);
    checks_cancel(checks, 2, other);
    run(checks);
    assert_false(answers[one].given);
    assert_true(answers[other].given);
    assert_int_equal(hashed(checks), 1);
    one = ask(checks, "anna", "secret", "192.0.2.1");
    checks_forget_client(checks, 1);
    assert_false(checks_waiting(checks));
    assert_false(answers[one].given);
}

static void refusals_are_reported_with_name_and_address(void **state)
{
    struct checks *checks = *state;

    for (int i = 0; i < GUESS_FREE + 3; i++) {
        check(checks, "anna", "wrong", "2001:db8::1");
    }
    json_t *report = checks_report(checks, now);
    assert_string_equal(message_string(report, "user", ""), "anna");
    assert_string_equal(message_string(report, "address", ""), "2001:db8::1");
    assert_int_equal(message_integer(report, "count", 0), GUESS_FREE);
    assert_int_equal(message_integer(report, "slowed", 0), 3);
    json_decref(report);
    assert_null(checks_report(checks, now));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(passwords_are_right_or_wrong),
        TEST(a_name_that_nobody_has_costs_a_hash),
        TEST(without_users_nothing_is_right),
        TEST(who_guesses_is_slowed_without_a_hash),
        TEST(a_flood_that_waits_is_let_go),
        TEST(a_flood_delays_nobody_else),
        TEST(who_was_right_from_here_is_never_slowed),
        TEST(a_new_password_ends_the_old_one),
        TEST(a_question_that_is_taken_back_is_not_hashed),
        TEST(refusals_are_reported_with_name_and_address),
    };

    log_open("test", NULL);
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
