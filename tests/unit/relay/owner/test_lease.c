/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/owner/lease.h"
#include "relay/owner/times.h"

#define LASTS (LEASE_MS - LEASE_MARGIN_MS)

/* Writes at NOW, as the lease wants it. */
static struct lease_value write_at(struct lease *lease, uint64_t now, uint64_t newest, uint64_t expected)
{
    struct lease_value value;
    uint64_t over;

    assert_true(lease_write(lease, newest, false, &value, &over, now));
    assert_int_equal(over, expected);
    return value;
}

static void nothing_is_written_at(struct lease *lease, uint64_t now)
{
    struct lease_value value;
    uint64_t over;

    assert_false(lease_write(lease, 100, false, &value, &over, now));
}

/* Registered with revision 10 of an empty bucket; sent at 1000. */
static struct lease registered(void)
{
    struct lease lease;

    lease_init(&lease, 0);
    nothing_is_written_at(&lease, 500);
    lease_snapshot_done(&lease, 1000);
    struct lease_value value = write_at(&lease, 1000, 0, 0);
    assert_false(lease_held(&lease, 1001));
    lease_seen(&lease, &value, 10, 1020);
    return lease;
}

static void lasts_from_when_it_was_sent(void **state)
{
    struct lease lease = registered();

    (void)state;
    assert_true(lease_held(&lease, 1020));
    assert_true(lease_held(&lease, 1000 + LASTS - 1));
    assert_false(lease_held(&lease, 1000 + LASTS));
}

static void an_answer_alone_prolongs_nothing(void **state)
{
    struct lease lease = registered();
    struct lease_value value = write_at(&lease, 1700, 10, 10);

    (void)state;
    lease_written(&lease, &value, 11, 1710);
    assert_false(lease_held(&lease, 1000 + LASTS));
    lease_seen(&lease, &value, 11, 1720);
    assert_true(lease_held(&lease, 1700 + LASTS - 1));
    /* But the next write knows what it is over. */
    value = write_at(&lease, 2400, 10, 11);
    lease_written(&lease, &value, 15, 2410);
    write_at(&lease, 3100, 10, 15);
}

/* E6: others must see that it is silent. */
static void who_sees_nothing_stops_renewing(void **state)
{
    struct lease lease = registered();
    uint64_t now = 1700, revision = 10;

    (void)state;
    for (; now < 1710 + LASTS; now += LEASE_RENEW_MS) {
        struct lease_value value = write_at(&lease, now, 10, revision);
        lease_written(&lease, &value, ++revision, now + 10);
    }
    for (; now < 20000; now += LEASE_RENEW_MS) {
        nothing_is_written_at(&lease, now);
    }
    /* A new watch shows the last of them. */
    lease_seen(&lease, &(struct lease_value){.incarnation = 1, .renewal = lease.renewal}, revision, now);
    write_at(&lease, now + LEASE_RENEW_MS, 10, revision);
}

/* The answer may come after the clock was read for the next write. */
static void an_answer_that_is_newer_than_now_stops_nothing(void **state)
{
    struct lease lease = registered();
    struct lease_value value = write_at(&lease, 1700, 10, 10);

    (void)state;
    lease_written(&lease, &value, 11, 1700 + LEASE_RENEW_MS + 1);
    write_at(&lease, 1700 + LEASE_RENEW_MS, 10, 11);
}

static void a_renewal_counts_from_its_own_sending(void **state)
{
    struct lease lease = registered();
    struct lease_value first = write_at(&lease, 1700, 10, 10);

    (void)state;
    write_at(&lease, 2400, 10, 10);
    lease_seen(&lease, &first, 11, 2500);
    assert_true(lease_held(&lease, 1700 + LASTS - 1));
    assert_false(lease_held(&lease, 1700 + LASTS));
    lease_seen(&lease, &first, 11, 5000);
    assert_false(lease_held(&lease, 5000));
}

static void a_late_renewal_gives_it_back(void **state)
{
    struct lease lease = registered();

    (void)state;
    nothing_is_written_at(&lease, 1699);
    for (uint64_t now = 1700; now < 9000; now += 700) {
        write_at(&lease, now, 10, 10);
    }
    assert_false(lease_held(&lease, 9000));
    struct lease_value value = write_at(&lease, 9400, 10, 10);
    lease_seen(&lease, &value, 50, 9410);
    assert_true(lease_held(&lease, 9410));
    assert_int_equal(lease.incarnation, 1);
}

static void the_buried_register_anew(void **state)
{
    struct lease lease = registered();
    struct lease_value value = {.incarnation = lease.incarnation, .over = true};

    (void)state;
    lease_seen(&lease, &value, 40, 1500);
    assert_false(lease_held(&lease, 1500));
    value = write_at(&lease, 1500, 60, 40);
    assert_int_equal(value.incarnation, 61);
    /* The same one while there is no answer. */
    assert_int_equal(write_at(&lease, 2200, 70, 40).incarnation, 61);
    lease_seen(&lease, &value, 71, 2300);
    assert_true(lease_held(&lease, 2300));
    assert_int_equal(lease.state, LEASE_REGISTERED);
}

static void another_of_the_same_name_is_waited_for(void **state)
{
    struct lease lease;
    struct lease_value other = {.incarnation = 7, .renewal = 5};

    (void)state;
    lease_init(&lease, 0);
    lease_seen(&lease, &other, 20, 1000);
    lease_snapshot_done(&lease, 1001);
    nothing_is_written_at(&lease, 1000 + LEASE_MS - 1);
    other.renewal++;
    lease_seen(&lease, &other, 21, 2000);
    nothing_is_written_at(&lease, 2000 + LEASE_MS - 1);
    assert_int_equal(write_at(&lease, 2000 + LEASE_MS, 30, 21).incarnation, 31);
    /* It was not dead after all: that write must have lost. */
    other.renewal++;
    lease_seen(&lease, &other, 32, 5500);
    assert_int_equal(lease.state, LEASE_BARRED);
    nothing_is_written_at(&lease, 5500 + LEASE_MS - 1);
}

static void a_name_that_is_free_is_not_waited_for(void **state)
{
    struct lease lease;
    struct lease_value other = {.incarnation = 7, .renewal = 5, .over = true};

    (void)state;
    lease_init(&lease, 0);
    lease_seen(&lease, &other, 20, 1000);
    assert_int_equal(write_at(&lease, 1000, 20, 20).incarnation, 21);
}

static void goes_on_with_its_last_process(void **state)
{
    struct lease lease;
    struct lease_value before = {.incarnation = 7, .renewal = 2};

    (void)state;
    lease_init(&lease, 7);
    lease_seen(&lease, &before, 20, 1000);
    lease_snapshot_done(&lease, 1001);
    assert_false(lease_held(&lease, 1001));
    struct lease_value first = write_at(&lease, 1001, 20, 20);
    assert_int_equal(first.incarnation, 7);
    write_at(&lease, 1701, 20, 20);
    write_at(&lease, 2401, 20, 20);
    /* A renewal of the last process arrives late; it must not be taken for one of this. */
    before.renewal = 3;
    lease_seen(&lease, &before, 21, 2450);
    assert_false(lease_held(&lease, 2450));
    struct lease_value value = write_at(&lease, 3101, 21, 21);
    lease_seen(&lease, &value, 22, 3110);
    assert_true(lease_held(&lease, 3110));
}

static void a_deleted_key_is_written_again(void **state)
{
    struct lease lease = registered();

    (void)state;
    lease_seen(&lease, NULL, 30, 1300);
    assert_true(lease_held(&lease, 1300));
    struct lease_value value = write_at(&lease, 1300, 30, 30);
    assert_int_equal(value.incarnation, 1);
}

static void the_gone_stay_gone(void **state)
{
    struct lease lease = registered();
    struct lease_value value, renewal = write_at(&lease, 1700, 10, 10);
    uint64_t over;

    (void)state;
    lease_hurry(&lease, 1800);
    assert_true(lease_write(&lease, 10, true, &value, &over, 1800));
    assert_true(value.over);
    assert_false(lease_held(&lease, 1800));
    /* The renewal before it arrives. */
    lease_seen(&lease, &renewal, 11, 1810);
    assert_false(lease_held(&lease, 1810));
    /* So that was lost, and is said again. */
    assert_true(lease_write(&lease, 11, true, &value, &over, 2500));
    assert_int_equal(over, 11);
    lease_seen(&lease, &value, 12, 2510);
    assert_int_equal(lease.state, LEASE_LEFT);
    nothing_is_written_at(&lease, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lasts_from_when_it_was_sent),
        cmocka_unit_test(an_answer_alone_prolongs_nothing),
        cmocka_unit_test(who_sees_nothing_stops_renewing),
        cmocka_unit_test(an_answer_that_is_newer_than_now_stops_nothing),
        cmocka_unit_test(a_renewal_counts_from_its_own_sending),
        cmocka_unit_test(a_late_renewal_gives_it_back),
        cmocka_unit_test(the_buried_register_anew),
        cmocka_unit_test(another_of_the_same_name_is_waited_for),
        cmocka_unit_test(a_name_that_is_free_is_not_waited_for),
        cmocka_unit_test(goes_on_with_its_last_process),
        cmocka_unit_test(a_deleted_key_is_written_again),
        cmocka_unit_test(the_gone_stay_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
