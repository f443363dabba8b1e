/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/ntp.h"
#include "common/base/secret.h"

static void the_clocks_agree_on_their_units(void **state)
{
    struct timespec monotonic, wall;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t now_ns = clock_now_ns();
    uint64_t now_ms = clock_now_ms();
    int64_t wall_ns = clock_wall_ns();

    assert_true(now_ns >= monotonic.tv_sec * NS_PER_SECOND + monotonic.tv_nsec);
    assert_in_range(now_ms, now_ns / NS_PER_MS, now_ns / NS_PER_MS + (int64_t)3600 * MS_PER_SECOND);
    assert_in_range(wall_ns / NS_PER_SECOND, wall.tv_sec, wall.tv_sec + 3600);
    assert_int_equal(NS_PER_SECOND / NS_PER_US, 1000000);
}

static void ntp_times_go_on_when_their_seconds_begin_again(void **state)
{
    /* `date -u -d '2036-02-07 06:28:16' +%s`: the second in which they are 0. */
    static const int64_t again_s = 2085978496;
    static const int64_t seconds[] = {0,       1,           1795420000,         again_s - 1,
                                      again_s, again_s + 1, INT64_C(4102444800)};

    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
        /* With a part that binary fractions have exactly. */
        int64_t unix_ns = seconds[i] * NS_PER_SECOND + NS_PER_SECOND / 4;
        assert_int_equal(ntp_unix_ns(ntp_from_unix_ns(unix_ns)), unix_ns);
    }
    assert_int_equal(ntp_from_unix_ns(0), (uint64_t)NTP_UNIX_OFFSET_S << 32);
    assert_int_equal(ntp_from_unix_ns(-1), ntp_from_unix_ns(0));
    assert_int_equal(ntp_from_unix_ns(again_s * NS_PER_SECOND), 0);
    assert_int_equal(ntp_unix_ns(0), again_s * NS_PER_SECOND);
}

static void numbers_are_big_endian_at_any_alignment(void **state)
{
    uint8_t bytes[9] = {0};

    (void)state;
    bytes_put_be16(bytes + 1, 0xfedc);
    assert_memory_equal(bytes, "\0\xfe\xdc\0", 4);
    assert_int_equal(bytes_get_be16(bytes + 1), 0xfedc);
    bytes_put_be24(bytes + 1, 0xfffedcba);
    assert_memory_equal(bytes, "\0\xfe\xdc\xba\0", 5);
    assert_int_equal(bytes_get_be24(bytes + 1), 0xfedcba);
    bytes_put_be32(bytes + 1, 0xfedcba98);
    assert_memory_equal(bytes, "\0\xfe\xdc\xba\x98\0", 6);
    assert_int_equal(bytes_get_be32(bytes + 1), 0xfedcba98);
    bytes_put_be64(bytes + 1, UINT64_C(0xfedcba9876543210));
    assert_memory_equal(bytes, "\0\xfe\xdc\xba\x98\x76\x54\x32\x10", 9);
    assert_true(bytes_get_be64(bytes + 1) == UINT64_C(0xfedcba9876543210));
}

/* Test vectors of the authors of FNV. */
static void the_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(HASH_START == UINT64_C(0xcbf29ce484222325));
    assert_true(hash_add(HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(hash_add(hash_add(HASH_START, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

static void what_held_a_secret_is_overwritten(void **state)
{
    char secret[] = "kept-secret";
    static const char nothing[sizeof(secret)];

    (void)state;
    secret_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, nothing, sizeof(secret));
    secret_free(NULL);
    secret_free(strdup("kept-secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_agree_on_their_units),
        cmocka_unit_test(ntp_times_go_on_when_their_seconds_begin_again),
        cmocka_unit_test(numbers_are_big_endian_at_any_alignment),
        cmocka_unit_test(the_hash_is_fnv_1a),
        cmocka_unit_test(what_held_a_secret_is_overwritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
